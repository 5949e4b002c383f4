// What stands beside the matrices: facts of the fit, a worked example's tables, a new user's way, watched rows.

import { capital, scoreTerms, workOf } from "./arithmetic.js";
import { h, table } from "./dom.js";
import { short, sigmoid, written } from "./numbers.js";
import { systemInFull } from "./panel.js";

const MOST_ROWS = 100;

const LOSSES = {
  squared: "squared error of the known ratings",
  ials: "squared error, every unknown pair counting as a weak 0 (iALS)",
  hu: "squared error, every pair counting with its confidence (Hu, Koren and Volinsky)",
  logistic: "cross-entropy of yes and no",
};

const LINKS = {
  rating: "a score is a rating",
  preference: "a score is a preference around 0 to 1, not a probability",
  probability: "the sigmoid of a score is a probability",
};

/** The header: what was fitted, from what start, with which settings. */
export function facts(trace) {
  const { model, loss, link, precision, users, items, n_factors: k, kind, mean } = trace.record;
  const entries = [
    ["Model", `${model}, ${k} ${k === 1 ? "factor" : "factors"}`],
    [
      "Data",
      `${users.n.toLocaleString("en")} ${users.n === 1 ? "user" : "users"}, ${items.n.toLocaleString("en")} items${scope(kind)}`,
    ],
    ["Loss", LOSSES[loss] ?? loss],
    ["Read", LINKS[link] ?? link],
    ["Start", trace.isFoldIn ? "the items of a fitted model" : `factors ${trace.start.replace(/^are /, "")}`],
    ["Precision", precision === "double" ? "64 bits throughout" : "as the fit stores it, 32 bits"],
  ];
  if (mean) entries.push(["Mean", written(mean, 4)]);
  if (trace.record.unobserved_weight) entries.push(["All pairs", `weight ${short(trace.record.unobserved_weight, 4)}`]);
  return h(
    "dl",
    { class: "facts" },
    entries.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

function scope(kind) {
  return kind === "watched" ? ", some rows watched" : "";
}

export function settings(trace) {
  const rows = Object.entries(trace.record.parameters).map(([name, value]) => [h("code", {}, name), plain(value)]);
  return h(
    "details",
    { class: "settings" },
    h("summary", {}, "All parameters"),
    table("Parameters as the fit used them", ["parameter", "value"], rows, { isCaptionHidden: true }),
    h("p", { class: "note" }, `Written by ${trace.record.written_by}.`),
  );
}

function plain(value) {
  if (value === null) return "None";
  if (value === true || value === false) return value ? "True" : "False";
  return Array.isArray(value) ? `(${value.map(plain).join(", ")})` : String(value);
}

/** A worked example: printed elsewhere beside right, what to recommend, remarks. */
export function example(trace) {
  const told = trace.record.example;
  if (!told) return null;
  const comparison = told.comparison ?? [];
  const recommendations = told.recommendations ?? [];
  const remarks = told.remarks ?? [];
  const isBest = recommendations.length > 0;
  return h(
    "section",
    { class: "story" },
    h("h2", {}, "The worked example"),
    remarks.map((remark) => h("p", {}, remark)),
    comparison.length > 0 &&
      table(
        "What a tutorial prints, and what follows from its numbers",
        ["what", "printed there", "right", h("span", { class: "why" }, "why")],
        comparison.map(({ what, printed, right, why }) => [
          what,
          shown(printed),
          shown(right),
          h("span", { class: "why" }, why ?? ""),
        ]),
      ),
    isBest &&
      table(
        told.recommended_from ? `What to recommend: of ${told.recommended_from}` : "What to recommend",
        ["user", "item", "score", "read as"],
        recommendations.map(({ user, item, score, prediction }) => [
          String(user ?? "new user"),
          String(item),
          shown(score),
          shown(prediction),
        ]),
      ),
  );
}

/** Text as it is, numbers rounded, matrices in brackets. */
function shown(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number") return fixed(value);
  if (!Array.isArray(value)) return String(value);
  const rows = Array.isArray(value[0]) ? value : [value];
  const cells = (row) => row.map((each) => h("td", {}, shown(each)));
  return h(
    "table",
    { class: "brackets", role: "presentation" },
    h(
      "tbody",
      {},
      rows.map((row) => h("tr", {}, cells(row))),
    ),
  );
}

/** Six decimals, without zeros at the end. */
function fixed(value) {
  const text = value.toFixed(6).replace(/\.?0+$/, "");
  return (text === "-0" ? "0" : text).replace("-", "\u2212");
}

/** A new user's way: preferences, weights, factors, scores, and preferences again. */
export function newUser(trace, view) {
  if (!trace.isFoldIn) return null;
  const step = trace.steps.length - 1;
  const isLogistic = trace.isLogistic;
  const n = trace.size("items");
  const items = Array.from({ length: n }, (_, item) => ({
    item,
    score: scoreTerms(trace, step, 0, item).value,
    pair: trace.pair(0, item),
  }));
  items.sort((a, b) => b.score - a.score);
  const number = (value) => (typeof value === "number" ? written(value, view.digits) : "·");
  const open = (item) =>
    h(
      "button",
      { type: "button", class: "link", onclick: () => view.go(step, { name: "predictions", row: 0, column: item }) },
      trace.longLabel("items", item),
    );
  const rows = items
    .slice(0, MOST_ROWS)
    .map(({ item, score, pair }) => [
      open(item),
      number(pair?.value),
      number(pair?.target),
      number(pair?.weight),
      ...(isLogistic ? [] : [number(pair?.pull)]),
      number(score),
      ...(isLogistic ? [number(sigmoid(score))] : []),
    ]);
  const heads = [
    "item",
    "given",
    "target",
    isLogistic ? "confidence" : "weight w",
    ...(isLogistic ? [] : ["pull c"]),
    "score",
    ...(isLogistic ? ["probability"] : []),
  ];
  const factor = { name: "user_factors", row: 0, column: 0 };
  return h(
    "section",
    { class: "story" },
    h("h2", {}, "A new user, from preferences to preferences"),
    h("ol", { class: "way" }, [
      h("li", {}, "What the user said becomes a target, a weight and a pull for each listed item."),
      h(
        "li",
        {},
        isLogistic
          ? "Together with the items' factors they make a loss, and Newton's steps find its lowest point: "
          : "Together with the items' factors they make A and b, and x = A⁻¹ b are the user's factors: ",
        h("button", { type: "button", class: "link", onclick: () => view.go(step, factor) }, "see the solve"),
        ".",
      ),
      h(
        "li",
        {},
        "The factors score every item, known or not",
        isLogistic ? ", and the sigmoid turns each score into a probability." : ".",
      ),
    ]),
    solvedSystem(trace, step, view),
    table("Every item, best first", heads, rows),
    n > MOST_ROWS && h("p", { class: "cut" }, `The best ${MOST_ROWS} of ${n} items are shown.`),
  );
}

/** A and b of the new user, and the factors that solve them. */
function solvedSystem(trace, step, view) {
  const work = workOf(trace, step, { name: "user_factors", row: 0, column: 0 });
  return work.kind === "solve" ? systemInFull(work, view) : null;
}

/** The pairs of one watched row, as the last step that solved it left them. */
export class WatchedRows {
  constructor(trace, view) {
    this.trace = trace;
    this.view = view;
    this.rows = ["users", "items"].flatMap((side) =>
      trace.record[side].is_watched.flatMap((isWatched, at) => (isWatched ? [{ side, at }] : [])),
    );
    this.body = h("div", {});
    this.select = h("select", { onchange: () => this.set(this.step) }, this.choices("users"), this.choices("items"));
    this.element = h(
      "section",
      { class: "story" },
      h("h2", {}, "The watched rows"),
      h("label", { class: "watched" }, "Row ", this.select),
      this.body,
    );
  }

  choices(side) {
    const own = this.rows.flatMap((row, index) => (row.side === side ? [{ ...row, index }] : []));
    if (!own.length) return null;
    const options = own.map(({ at, index }) => h("option", { value: index }, this.trace.longLabel(side, at)));
    return h("optgroup", { label: capital(side) }, options);
  }

  set(step) {
    this.step = step;
    const { trace, view } = this;
    const { side, at } = this.rows[Number(this.select.value)] ?? {};
    const solvedIn = side === undefined ? null : trace.lastSolve(step, side, at);
    if (solvedIn === null) {
      this.body.replaceChildren(h("p", {}, "This row has not been solved yet at this step."));
      return;
    }
    const row = trace.row(solvedIn, side, at);
    const other = side === "users" ? "items" : "users";
    const number = (value) => written(value, view.digits);
    const open = (index) =>
      view.go(solvedIn, { name: side === "users" ? "user_factors" : "item_factors", row: at, column: index });
    const rows = row.neighbours
      .slice(0, MOST_ROWS)
      .map((place, j) => [
        trace.longLabel(other, place),
        ...[row.targets, row.weights, row.scores, row.predictions, row.differences, row.terms].map((column) =>
          number(column[j]),
        ),
      ]);
    const cut =
      row.neighbours.length > MOST_ROWS
        ? h("p", { class: "cut" }, `The first ${MOST_ROWS} of ${row.neighbours.length} pairs are shown.`)
        : "";
    this.body.replaceChildren(
      h(
        "p",
        {},
        `As step ${solvedIn} (${trace.stepName(solvedIn)}) left it. `,
        h("button", { type: "button", class: "link", onclick: () => open(0) }, "See how it was solved"),
        ".",
      ),
      table(
        `Pairs of ${trace.label(side, at)}`,
        [capital(other), "target", "weight", "score", trace.record.link, "difference", "term"],
        rows,
      ),
      cut,
    );
  }
}

/** How to read and drive the page. */
export function guide() {
  const keys = [
    ["← →", "on the slider: a step back or forward; in a matrix: the next cell"],
    ["↑ ↓", "in a matrix: the row above or below"],
    ["Home, End", "first and last step, or first and last cell of a row (with Ctrl: of the matrix)"],
    ["Page Up, Page Down", "in a matrix: a step back or forward, in the same cell"],
    ["Space", "play and stop"],
    ["Enter", "open the arithmetic of a cell; once more: go to it"],
    ["Esc", "from the arithmetic back to the cell; from a cell: close the arithmetic"],
    ["Tab", "to the next matrix or control"],
  ];
  return h(
    "details",
    { class: "guide" },
    h("summary", {}, "How to read this page, and its keys"),
    h(
      "p",
      {},
      "A step is a half-step of the fit: one side is solved while the other stays as it is. Each number that changed in this step carries a mark for its direction and the value before. The shade of a cell is the sign and size of its number. Choose any cell to see what it was made from: the cells that made it are outlined, and the page does the arithmetic again from the record's full-precision numbers.",
    ),
    table("Keys", ["key", "does"], keys),
  );
}
