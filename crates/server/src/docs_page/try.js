// The form below each operation: sends one request to this server and shows the answer, or the curl line for it.

import { h, json } from "./dom.js";

const SHELL_SAFE = /^[\w@%+=:,./-]+$/;
const quoted = (text) => (SHELL_SAFE.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** One `name=value` per line. */
function pairs(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
    const at = line.indexOf("=");
    return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)];
  });
}

const encoded = (text) => new URLSearchParams(pairs(text)).toString();

export function tryForm(operation, schemas, id) {
  const { method, path, parameters, body } = operation;
  const inPath = parameters.filter((parameter) => parameter.in === "path");
  const pathInputs = inPath.map((parameter) => [parameter.name, labelled("input", `${id}-${parameter.name}`, parameter.name, {
    autocomplete: "off", spellcheck: "false", placeholder: parameter.example ?? "",
  })]);
  const hasQuery = method === "GET" || parameters.some((parameter) => parameter.in === "query");
  const query = hasQuery && labelled("textarea", `${id}-query`, "Query, one name=value a line", { rows: 2, spellcheck: "false" });
  const form = body?.form;
  const lines = form ? schemas.sample(form) : [];
  const content = body && labelled("textarea", `${id}-body`, form ? "Form, one name=value a line" : "JSON body", {
    rows: Math.max(3, lines.length + 1), spellcheck: "false",
  });
  if (content) content.input.value = form ? lines.join("\n") : "{}";
  const repeat = method !== "GET" && labelled("input", `${id}-repeat`, "Idempotency-Key (optional)", { autocomplete: "off", spellcheck: "false" });

  const target = () => {
    const filled = pathInputs.reduce((at, [name, { input }]) => at.replace(`{${name}}`, encodeURIComponent(input.value)), path);
    const search = query ? encoded(query.input.value) : "";
    return search ? `${filled}?${search}` : filled;
  };

  const curl = () => {
    const parts = [`curl ${quoted(location.origin + target())}`];
    if (method !== "GET" && !(method === "POST" && content)) parts.push(`-X ${method}`);
    parts.push('-u "$BURSAR_KEY:"');
    if (repeat && repeat.input.value) parts.push(`-H ${quoted(`Idempotency-Key: ${repeat.input.value}`)}`);
    if (content && form) {
      const sent = pairs(content.input.value);
      if (sent.length) parts.push(...sent.map(([name, value]) => `--data-urlencode ${quoted(`${name}=${value}`)}`));
      else if (method === "POST") parts.push("-X POST");
    } else if (content) {
      parts.push("-H 'Content-Type: application/json'", `-d ${quoted(content.input.value)}`);
    }
    return parts.join(" \\\n  ");
  };

  const result = h("div", { class: "result", role: "status" });
  const line = h("pre", { class: "curl", tabindex: "0", "aria-label": "curl command" });
  const update = () => { line.textContent = curl(); };

  async function send(event) {
    event.preventDefault();
    const empty = pathInputs.find(([, { input }]) => !input.value);
    if (empty) {
      empty[1].input.focus();
      result.replaceChildren(h("p", { class: "status bad" }, `${empty[0]} is needed.`));
      return;
    }
    const key = document.getElementById("key").value.trim();
    const headers = {};
    if (key) headers.Authorization = `Bearer ${key}`;
    if (repeat && repeat.input.value) headers["Idempotency-Key"] = repeat.input.value;
    if (content) headers["Content-Type"] = form ? "application/x-www-form-urlencoded" : "application/json";
    button.disabled = true;
    result.replaceChildren(h("p", { class: "status" }, "Waiting for the answer…"));
    const begun = performance.now();
    try {
      const sent = content && (form ? encoded(content.input.value) : content.input.value);
      const answer = await fetch(target(), { method, headers, body: sent || undefined, credentials: "omit" });
      show(answer, await answer.text(), Math.round(performance.now() - begun));
    } catch {
      result.replaceChildren(h("p", { class: "status bad" }, "No answer: the server could not be reached, or a header is not valid."));
    } finally {
      button.disabled = false;
    }
  }

  function show(answer, text, millis) {
    let read;
    try { read = json(JSON.parse(text)); } catch { read = text; }
    const request = answer.headers.get("Request-Id");
    result.replaceChildren(
      h("p", { class: `status ${answer.ok ? "good" : "bad"}` },
        h("strong", {}, `${answer.status} ${answer.statusText}`), ` ${millis} ms`, request && ` · ${request}`),
      h("pre", { class: "answer", tabindex: "0", "aria-label": "Answer" }, read));
  }

  const button = h("button", { type: "submit", class: "send" }, "Send request");
  const copied = h("span", { class: "muted", role: "status" });
  const copy = h("button", {
    type: "button",
    onclick: async () => {
      try {
        await navigator.clipboard.writeText(curl());
        copied.textContent = "Copied.";
      } catch {
        getSelection().selectAllChildren(line);
        copied.textContent = "Selected; press Ctrl+C.";
      }
    },
  }, "Copy curl");
  const inputs = [...pathInputs.map(([, labelledInput]) => labelledInput), query, content, repeat].filter(Boolean);
  const whole = h("form", { class: "try", onsubmit: send, oninput: update, "aria-label": `Try ${method} ${path}` },
    h("h3", {}, "Try it"),
    inputs.map(({ label, input }) => h("p", {}, label, input)),
    h("p", { class: "buttons" }, button, copy, copied),
    line, result);
  update();
  return whole;
}

function labelled(tag, id, text, attributes) {
  return { label: h("label", { for: id }, text), input: h(tag, { id, ...attributes }) };
}
