// Reads /openapi.json and lays it out: a list of operations by tag, and for each one its parameters, bodies, answers
// and a form to try it.

import { h, prose, fold } from "./dom.js";
import { schemas as schemasOf } from "./schema.js";
import { tryForm } from "./try.js";

const METHODS = ["get", "post", "put", "patch", "delete"];
const ERROR_SCHEMAS = ["ErrorResponse", "ErrorBody", "ApiError", "Error"];
const FORM = "application/x-www-form-urlencoded";

const content = document.getElementById("content");

function operations(spec, schemas) {
  const known = (spec.tags ?? []).map((tag) => tag.name);
  const groups = new Map(known.map((name) => [name, []]));
  for (const [path, item] of Object.entries(spec.paths ?? {})) {
    for (const method of METHODS.filter((name) => item[name])) {
      const operation = item[method];
      const tag = operation.tags?.[0] ?? "Other";
      const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((part) => schemas.follow(part)[0]);
      const bodies = schemas.follow(operation.requestBody)[0].content;
      const body = bodies && { form: bodies[FORM]?.schema, any: (bodies[FORM] ?? Object.values(bodies)[0])?.schema };
      const id = `${method}-${path}`.replace(/[^A-Za-z0-9]+/g, "-").replace(/-$/, "");
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push({ ...operation, method: method.toUpperCase(), path, parameters, body, id });
    }
  }
  return [...groups].filter(([, list]) => list.length > 0);
}

const badge = (method) => h("span", { class: `method ${method.toLowerCase()}` }, method);
const titleOf = (operation) => operation.summary ?? operation.operationId ?? operation.path;
const anchorOf = (tag) => `tag-${tag.replace(/[^A-Za-z0-9]+/g, "-")}`;

function parametersView(operation, schemas, place, title) {
  const list = operation.parameters.filter((parameter) => parameter.in === place);
  if (list.length === 0) return null;
  const fields = list.map((parameter) => {
    const schema = { ...(parameter.schema ?? {}) };
    if (parameter.description) schema.description = parameter.description;
    return schemas.field(parameter.name, schema, parameter.required);
  });
  return h("section", {}, h("h3", {}, title), h("ul", { class: "fields" }, fields));
}

function answersView(operation, schemas) {
  const answers = Object.entries(operation.responses ?? {}).map(([status, node]) => {
    const [answer] = schemas.follow(node);
    const media = Object.values(answer.content ?? {})[0];
    const head = [h("span", { class: `code c${status[0]}` }, status), " ", answer.description ?? ""];
    return media?.schema ? fold(head, () => schemas.view(media.schema), { class: "answer-fold" }) : h("p", { class: "answer-line" }, head);
  });
  return answers.length > 0 && h("section", {}, h("h3", {}, "Answers"), answers);
}

function operationView(operation, schemas) {
  const summary = h("span", { class: "operation-head" },
    badge(operation.method), h("code", { class: "path" }, operation.path), h("span", { class: "title" }, titleOf(operation)));
  const make = () => h("div", { class: "operation-body" },
    h("div", { class: "reading" },
      operation.deprecated && h("p", { class: "warning" }, "Deprecated."),
      prose(operation.description),
      parametersView(operation, schemas, "path", "In the path"),
      parametersView(operation, schemas, "query", "Query"),
      parametersView(operation, schemas, "header", "Headers"),
      operation.body?.any && h("section", {}, h("h3", {}, "Body"), schemas.view(operation.body.any)),
      answersView(operation, schemas)),
    tryForm(operation, schemas, operation.id));
  return fold(summary, make, { class: "operation", id: operation.id });
}

function introduction(spec, schemas) {
  const error = ERROR_SCHEMAS.find((name) => spec.components?.schemas?.[name]);
  const section = h("section", { class: "introduction" },
    h("h1", {}, spec.info?.title ?? "API", " ", h("span", { class: "version" }, spec.info?.version ?? "")),
    prose(spec.info?.description),
    h("p", {}, "The machine-readable description of this page is ", h("a", { href: "/openapi.json" }, "/openapi.json"), "."));
  if (error) {
    section.append(fold("The shape of every error", () => schemas.view({ $ref: `#/components/schemas/${error}` }), { class: "operation padded" }));
  }
  return section;
}

function lay(spec) {
  const schemas = schemasOf(spec);
  const groups = operations(spec, schemas);
  const describe = new Map((spec.tags ?? []).map((tag) => [tag.name, tag.description]));
  document.title = `${spec.info?.title ?? "API"} reference`;
  content.replaceChildren(introduction(spec, schemas), ...groups.map(([tag, list]) => h("section", { class: "tag", id: anchorOf(tag) },
    h("h2", {}, tag), prose(describe.get(tag)), list.map((operation) => operationView(operation, schemas)))));
  document.getElementById("links").replaceChildren(...groups.map(([tag, list]) => h("section", {},
    h("h2", {}, h("a", { href: `#${anchorOf(tag)}` }, tag)),
    h("ul", {}, list.map((operation) => h("li", { "data-find": `${operation.method} ${operation.path} ${titleOf(operation)} ${tag}`.toLowerCase() },
      h("a", { href: `#${operation.id}` }, h("span", { class: "title" }, titleOf(operation)), badge(operation.method))))))));
  if (groups.length === 0) content.append(h("p", {}, "The description names no operation."));
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.querySelector("summary").focus({ preventScroll: true });
  }
  // The fold fills itself in the event that follows, and moves what lies below.
  requestAnimationFrame(() => target.scrollIntoView());
}

function find(event) {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of document.querySelectorAll("#links li")) {
    item.hidden = !words.every((word) => item.dataset.find.includes(word));
  }
  for (const section of document.querySelectorAll("#links section")) {
    section.hidden = !section.querySelector("li:not([hidden])");
  }
}

document.getElementById("filter").addEventListener("input", find);
document.getElementById("key").addEventListener("input", (event) => {
  document.getElementById("live").hidden = !/^[srp]k_live_/.test(event.target.value.trim());
});
addEventListener("hashchange", openTarget);

try {
  const answer = await fetch("/openapi.json", { credentials: "omit" });
  if (!answer.ok) throw new Error(String(answer.status));
  lay(await answer.json());
  openTarget();
} catch (error) {
  document.getElementById("state")?.replaceChildren("The description of this API could not be read from /openapi.json. ", String(error.message));
}
