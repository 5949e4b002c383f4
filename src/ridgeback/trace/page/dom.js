// Making elements. All text goes in as text nodes: an id or a title is never read as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with properties (`on...` listeners, `class`, attributes) and children (nodes, strings, nested arrays). */
export function h(tag, properties = {}, ...children) {
  return grow(document.createElement(tag), properties, children);
}

export function svg(tag, properties = {}, ...children) {
  return grow(document.createElementNS(SVG, tag), properties, children);
}

function grow(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...present(children));
  return element;
}

/** What of nested children is there at all. */
export function present(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

const ICONS = {
  first: "M4 3v10M13 3 6.5 8 13 13z",
  back: "M11.5 3 5 8l6.5 5z",
  forward: "M4.500 3 11 8l-6.500 5z",
  last: "M12 3v10M3 3l6.500 5L3 13z",
  close: "M4 4l8 8M12 4l-8 8",
};

export function icon(name) {
  return svg(
    "svg",
    { class: "icon", width: 16, height: 16, viewBox: "0 0 16 16", "aria-hidden": "true" },
    svg("path", { d: ICONS[name] }),
  );
}

/** Formulas in a small notation: *x* is italic, _{u} below, ^{T} above. Only for our own words, never for the data's. */
export function formula(text) {
  const parts = text.split(/(\*[^*]+\*|_\{[^}]*\}|\^\{[^}]*\})/);
  return parts.filter(Boolean).map((part) => {
    if (part.startsWith("*") && part.length > 1) return h("i", {}, part.slice(1, -1));
    if (part.startsWith("_{")) return h("sub", {}, formula(part.slice(2, -1)));
    if (part.startsWith("^{")) return h("sup", {}, formula(part.slice(2, -1)));
    return part;
  });
}

/** A table whose first column names the rows; it scrolls in a box of its own, which the keyboard can reach. */
export function table(caption, heads, rows, { foot = null, isCaptionHidden = false } = {}) {
  const line = (cells, tag = "td") =>
    h(
      "tr",
      {},
      cells.map((cell, at) => (at === 0 ? h("th", { scope: "row" }, cell) : h(tag, {}, cell))),
    );
  return scrolling(
    caption,
    h(
      "table",
      { class: "plain" },
      h("caption", { class: isCaptionHidden ? "unseen" : null }, caption),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          heads.map((head) => h("th", { scope: "col" }, head)),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map((row) => line(row)),
      ),
      foot &&
        h(
          "tfoot",
          {},
          foot.map((row) => line(row)),
        ),
    ),
  );
}

export function scrolling(name, ...children) {
  return h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": name }, children);
}

let lastNumber = 0;

/** An id that no other mounted trace of the page has. */
export function freshId(word) {
  lastNumber += 1;
  return `ridgeback-${word}-${lastNumber}`;
}
