// Builds elements. Strings always become text nodes, so nothing from the description can become markup.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

function append(element, children) {
  element.append(...[children].flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
}

/** Paragraphs at blank lines and `code` in backticks: as much of Markdown as descriptions of fields use. */
export function prose(text) {
  return (text ?? "").split(/\n\s*\n/).filter((part) => part.trim()).map((part) => {
    const pieces = part.split(/`([^`]+)`/);
    return h("p", {}, pieces.map((piece, at) => (at % 2 ? h("code", {}, piece) : piece)));
  });
}

/** A fold whose content is made when it is first opened: schemas refer to each other in circles. */
export function fold(summary, make, attributes = {}) {
  const details = h("details", attributes, h("summary", {}, summary));
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) append(details, make());
  });
  return details;
}

/** JSON with its names, texts and numbers told apart. */
export function json(value) {
  const text = JSON.stringify(value, null, 2) ?? "";
  const pieces = [];
  let end = 0;
  for (const match of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g)) {
    pieces.push(text.slice(end, match.index));
    const kind = match[2] ? "json-name" : match[1] ? "json-text" : "json-value";
    pieces.push(h("span", { class: kind }, match[1] ?? match[0]), match[2] ?? "");
    end = match.index + match[0].length;
  }
  return [...pieces, text.slice(end)];
}
