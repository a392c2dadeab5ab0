// Shows JSON Schemas as lists of fields. A schema is first brought into one form: references followed, `allOf`
// joined, and "or null" and "or empty" told apart from real alternatives.

import { h, prose, fold } from "./dom.js";

const FOLLOWED_AT_ONCE = 20;

export function schemas(spec) {
  function follow(node) {
    let name;
    for (let left = FOLLOWED_AT_ONCE; node?.$ref && left > 0; left -= 1) {
      const target = node.$ref.replace(/^#\//, "").split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
      name ??= target.at(-1);
      const { $ref, ...own } = node;
      node = { ...(target.reduce((at, part) => at?.[part], spec) ?? {}), ...own };
    }
    return [node ?? {}, name];
  }

  function plain(node, depth = 0) {
    const [followed, name] = follow(node);
    let { allOf, anyOf, oneOf, ...schema } = followed;
    schema.name ??= name;
    if (depth > FOLLOWED_AT_ONCE) return schema;
    for (const part of allOf ?? []) schema = join(plain(part, depth + 1), schema);
    if (Array.isArray(schema.type)) {
      schema.nullable = schema.type.includes("null");
      const types = schema.type.filter((type) => type !== "null");
      if (types.length === 1) [schema.type] = types;
    }
    const alternatives = (anyOf ?? oneOf ?? []).map((part) => plain(part, depth + 1));
    const real = alternatives.filter((part) => part.type !== "null" && !isEmptyText(part));
    if (alternatives.some((part) => part.type === "null")) schema.nullable = true;
    if (alternatives.some(isEmptyText)) schema.unset = true;
    if (real.length === 1) schema = join(real[0], schema);
    else if (real.length > 1) schema.alternatives = real;
    return schema;
  }

  const isEmptyText = (schema) => schema.enum?.length === 1 && schema.enum[0] === "";

  function join(under, over) {
    const joined = { ...under };
    for (const [key, value] of Object.entries(over)) if (value !== undefined) joined[key] = value;
    if (under.properties && over.properties) joined.properties = { ...under.properties, ...over.properties };
    if (under.required && over.required) joined.required = [...under.required, ...over.required];
    return joined;
  }

  function typeOf(schema) {
    if (schema.alternatives) return [...new Set(schema.alternatives.map((part) => typeOf(part)))].join(" or ");
    if (schema.type === "array") return `list of ${schema.items ? typeOf(plain(schema.items)) : "anything"}`;
    if (schema.properties) return schema.name ?? "object";
    if (schema.additionalProperties) return `map of ${typeOf(plain(schema.additionalProperties))}`;
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    const shownFormat = schema.format && !/^u?int\d+$/.test(schema.format) ? ` (${schema.format})` : "";
    const type = Array.isArray(schema.type) ? schema.type.join(" or ") : schema.type;
    return (type ?? (schema.enum ? "string" : "any")) + shownFormat;
  }

  /** The schema whose fields are worth listing below a field. */
  function inside(schema) {
    if (schema.type === "array" && schema.items) return inside(plain(schema.items));
    if (schema.properties && Object.keys(schema.properties).length) return [schema];
    if (schema.additionalProperties) return inside(plain(schema.additionalProperties));
    return (schema.alternatives ?? []).flatMap(inside);
  }

  function limits(schema) {
    const said = [];
    if (schema.minimum !== undefined) said.push(`at least ${schema.minimum}`);
    if (schema.maximum !== undefined) said.push(`at most ${schema.maximum}`);
    if (schema.minLength) said.push(`at least ${schema.minLength} characters`);
    if (schema.maxLength !== undefined) said.push(`at most ${schema.maxLength} characters`);
    if (schema.maxItems !== undefined) said.push(`at most ${schema.maxItems} elements`);
    if (schema.pattern) said.push(`matches ${schema.pattern}`);
    if (schema.default !== undefined && schema.default !== null) said.push(`default ${JSON.stringify(schema.default)}`);
    if (schema.unset) said.push("empty unsets it");
    return said.join(" · ");
  }

  function field(name, node, required) {
    const schema = plain(node);
    const below = inside(schema);
    const items = schema.type === "array" && schema.items ? plain(schema.items) : schema;
    const values = (items.enum ?? []).filter((value) => value !== null);
    const bounds = limits(schema);
    return h("li", { class: "field" },
      h("p", { class: "field-head" },
        h("code", { class: "field-name" }, name),
        h("span", { class: "field-type" }, typeOf(schema) + (schema.nullable ? " or null" : "")),
        required && h("span", { class: "required" }, "required"),
        schema.deprecated && h("span", { class: "deprecated" }, "deprecated")),
      prose(schema.description),
      values.length > 0 && h("p", { class: "values" }, "One of ", values.map((value) => [h("code", {}, String(value)), " "])),
      bounds && h("p", { class: "limits" }, bounds),
      below.map((part) => {
        const count = Object.keys(part.properties).length;
        const label = `${part.name ?? name}: ${count} field${count === 1 ? "" : "s"}`;
        return fold(label, () => fields(part), { class: "inner" });
      }));
  }

  function fields(schema) {
    const required = new Set(schema.required ?? []);
    const entries = Object.entries(schema.properties ?? {});
    entries.sort(([a], [b]) => Number(required.has(b)) - Number(required.has(a)));
    return h("ul", { class: "fields" }, entries.map(([name, node]) => field(name, node, required.has(name))));
  }

  function view(node) {
    const schema = plain(node);
    const below = inside(schema);
    if (below.length === 0) return h("p", { class: "field-type" }, typeOf(schema));
    return below.map((part) => [below.length > 1 && h("p", { class: "field-type" }, part.name ?? typeOf(part)), fields(part)]);
  }

  /** `name=value` lines for what a form must at least hold. */
  function sample(node, prefix = "", depth = 0) {
    const schema = plain(node);
    if (prefix === "" && schema.example && typeof schema.example === "object") return lines(schema.example);
    const required = new Set(schema.required ?? []);
    return Object.entries(schema.properties ?? {}).filter(([name]) => required.has(name)).flatMap(([name, child]) => {
      const path = prefix ? `${prefix}[${name}]` : name;
      const part = plain(child);
      const example = part.example ?? part.examples?.[0] ?? part.default;
      if (example !== undefined) return lines(example, path);
      if (part.properties && depth < 4) return sample(part, path, depth + 1);
      return [`${path}=${part.enum?.[0] ?? (part.type === "integer" ? 1000 : "")}`];
    });
  }

  function lines(value, path = "") {
    if (value === null || typeof value !== "object") return [`${path}=${value ?? ""}`];
    return Object.entries(value).flatMap(([key, part]) => lines(part, path ? `${path}[${key}]` : key));
  }

  return { follow, field, view, sample, typeOf: (node) => typeOf(plain(node)) };
}
