// A trace of alternating least squares as a page: a scrubber over its half-steps, every matrix, and each number's arithmetic.
//
// mount(element, record, host) -> {set, update, verify, destroy}. The record is the parsed JSON of a trace (docs/trace.md);
// `host` may have step, cell, level (of the heading), mark (where there is another trace beside) and onchange({step, cell}).
// Nothing here reads or writes anything of the page outside `element`. verify(record) does every number again without one.

import { workOf } from "./arithmetic.js";
import { LossChart } from "./chart.js";
import { freshId, h, icon } from "./dom.js";
import { Grid } from "./grid.js";
import { written } from "./numbers.js";
import { told } from "./panel.js";
import { FACTORS_OF, OTHER, Trace } from "./record.js";
import { WatchedRows, example, facts, guide, newUser, settings } from "./stories.js";
import { Tally, findings, verify } from "./verifying.js";

const PLAY_MS = 1100;
const CALM_MS = 3000; // between steps for readers who asked for little motion
const ROUNDING = 3e-6; // of the largest number of a matrix
const WHOLE = { users: 60, items: 40, factors: 66, fit: 1, parts: 10 }; // shown without a window
const WINDOW = { users: 40, items: 25, factors: 32, fit: 1, parts: 10 };

export { verify };

export function mount(element, record, host = {}) {
  let view = new View(element, new Trace(record), host);
  return {
    set: (state) => {
      view.set(state);
      if (state.cell && !state.isQuiet) view.showCell();
    },
    update: (next) => {
      const { step } = view;
      view.destroy();
      view = new View(element, new Trace(next), { ...host, step });
    },
    key: (event) => view.key(event),
    verify: () => view.verifyAll(),
    destroy: () => view.destroy(),
  };
}

/** The same for notebooks (anywidget): the record and the style come through the model. */
export default {
  render({ model, el }) {
    const mounted = mount(el, JSON.parse(model.get("record")), { level: 3 });
    const refresh = () => mounted.update(JSON.parse(model.get("record")));
    model.on("change:record", refresh);
    return () => {
      model.off("change:record", refresh);
      mounted.destroy();
    };
  },
};

class View {
  constructor(element, trace, host) {
    this.trace = trace;
    this.host = host;
    this.digits = 3;
    this.step = Math.min(Math.max(host.step ?? 0, 0), trace.steps.length - 1);
    this.cell = null;
    this.windows = Object.fromEntries(Object.keys(WHOLE).map((axis) => [axis, 0]));
    this.largestOf = new Map();
    this.build(element);
    this.draw();
    const first = trace.isFoldIn ? { name: "user_factors", row: 0, column: 0 } : null;
    if (host.cell ?? first) this.open(host.cell ?? first);
    if (host.cell) this.showCell();
  }

  // ---- what the grids ask

  value(name, row, column) {
    return this.trace.value(this.step, name, row, column);
  }

  /** The number of the step before, or for given pairs what they count as. */
  before(name, row, column) {
    if (name === "ratings") return this.countsAs(row, column);
    if (this.step === 0) return "";
    const before = this.trace.value(this.step - 1, name, row, column) ?? "";
    if (!this.isFixed(name)) return before;
    // The fixed side may be turned to a solver's axes and back: what that rounds is no change.
    const now = this.value(name, row, column);
    return Math.abs(now - before) <= ROUNDING * this.largest(name) ? now : before;
  }

  /** Whether a matrix holds the factors of the side that this step did not solve. */
  isFixed(name) {
    const side = this.trace.solvedSide(this.step);
    return side !== null && name === FACTORS_OF[OTHER[side]];
  }

  countsAs(row, column) {
    const pair = this.trace.pair(row, column);
    if (!pair) return "";
    const isPlain = this.trace.record.family === "implicit" || pair.target === pair.value;
    const target = isPlain ? "" : `t ${written(pair.target, this.digits === "full" ? "full" : 2)}`;
    const weight = this.weighted ? `w ${written(pair.weight, this.digits === "full" ? "full" : 2)}` : "";
    return [target, weight].filter(Boolean).join("  ");
  }

  label(axis, at) {
    return this.trace.label(axis, at);
  }

  share(column) {
    return column < this.trace.k ? (this.shares[column] ?? null) : null;
  }

  /** The largest absolute value of a matrix in any step, for the shades. */
  largest(name) {
    if (name === "loss") return 0;
    if (!this.largestOf.has(name)) {
      let most = 0;
      const matrices =
        name === "ratings" ? [[this.trace.record.pairs.value]] : this.trace.steps.map((step) => step[name] ?? []);
      for (const rows of matrices)
        for (const row of rows) for (const value of row) most = Math.max(most, Math.abs(value ?? 0));
      this.largestOf.set(name, most);
    }
    return this.largestOf.get(name);
  }

  /** How many digits wide the numbers of a matrix are, in any step. */
  numberWidth(name) {
    if (this.digits === "full") return 24;
    if (name === "ratings") return 6.4 + (this.weighted ? 3 : 0) + (this.trace.record.mean ? 3 : 0);
    const most = name === "loss" ? this.largestLoss : this.largest(name);
    const whole = Math.max(1, Math.floor(Math.log10(Math.max(most, 1))) + 1);
    return Math.max(7.8, whole + this.digits + 3.6);
  }

  get largestLoss() {
    const losses = this.trace.steps.flatMap((step) => this.trace.lossParts.map(({ key }) => Math.abs(step[key] ?? 0)));
    return Math.max(...losses);
  }

  // ---- building

  build(element) {
    const { trace } = this;
    this.weighted = trace.record.pairs.weight.some((weight) => weight !== 1);
    this.shares = trace.energyShares(this.step);
    this.chart =
      trace.has("loss") && trace.steps.length > 1 ? new LossChart(trace, (step) => this.userStep(step)) : null;
    this.live = h("p", { class: "unseen", "aria-live": "polite" });
    this.watched = trace.record.kind === "watched" ? new WatchedRows(trace, this) : null;
    this.root = h(
      "div",
      { class: "ridgeback-trace", onkeydown: (event) => this.key(event) },
      this.live,
      this.header(),
      this.bar(),
      h("div", { class: "layout" }, this.matrices(), this.panel()),
      newUser(trace, this),
      this.watched?.element,
      example(trace),
      this.checker(),
      guide(),
    );
    element.replaceChildren(this.root);
  }

  header() {
    const { trace } = this;
    const title = trace.record.title || `${trace.record.model}, step by step`;
    return h(
      "header",
      { class: "head" },
      h("div", {}, h(`h${this.host.level ?? 2}`, { class: "title" }, title), facts(trace), settings(trace)),
      this.chart?.element,
    );
  }

  bar() {
    const last = this.trace.steps.length - 1;
    const id = freshId("step");
    const button = (name, mark, step) =>
      h(
        "button",
        { type: "button", "aria-label": name, title: name, onclick: () => this.userStep(step()) },
        icon(mark),
      );
    this.playButton = h("button", { type: "button", class: "play", onclick: () => this.togglePlay() });
    this.slider = h("input", {
      type: "range",
      min: 0,
      max: last,
      step: 1,
      "aria-label": "Step",
      oninput: () => this.userStep(Number(this.slider.value)),
    });
    this.number = h("input", {
      type: "number",
      id,
      min: 0,
      max: last,
      inputmode: "numeric",
      onchange: () => this.userStep(Number(this.number.value)),
    });
    const digits = h(
      "select",
      { onchange: () => this.setDigits(digits.value) },
      ["2", "3", "4", "6", "full"].map((each) =>
        h("option", { value: each, selected: each === "3" }, each === "full" ? "all digits" : `${each} decimals`),
      ),
    );
    this.where = h("p", { class: "where" });
    this.sentence = h("p", { class: "sentence" });
    return h(
      "div",
      { class: last ? "bar" : "bar single", role: "group", "aria-label": "Steps of the fit" },
      h("div", { class: "controls" }, [
        button("First step", "first", () => 0),
        button("Step back", "back", () => this.step - 1),
        this.playButton,
        button("Step forward", "forward", () => this.step + 1),
        button("Last step", "last", () => last),
        this.slider,
        h("span", { class: "jump" }, h("label", { for: id }, "Step "), this.number, ` of ${last}`),
        h("label", { class: "digits" }, h("span", { class: "unseen" }, "Digits shown"), digits),
      ]),
      h("div", { class: "tale" }, this.where, this.sentence),
    );
  }

  matrices() {
    const names = titles(this.trace);
    this.grids = new Map(
      this.trace.matrices.map((matrix) => [matrix.name, new Grid(matrix, names[matrix.name], this)]),
    );
    const groups = [
      ["What is given", ["ratings"]],
      ["What is learned", ["user_factors", "item_factors"]],
      ["What that says of every pair", ["scores", "predictions", "differences", "terms"]],
      ["What is made small", ["loss"]],
    ];
    this.pagers = h("div", { class: "pagers" });
    const sections = groups.map(([heading, members]) => {
      const grids = members.filter((name) => this.grids.has(name)).map((name) => this.grids.get(name).element);
      return grids.length && h("section", { class: "group" }, h("h2", {}, heading), h("div", { class: "row" }, grids));
    });
    return h("div", { class: "matrices" }, this.pagers, sections.filter(Boolean));
  }

  panel() {
    this.work = h("div", { class: "work" });
    this.workTitle = h("h2", { tabindex: -1 }, "Arithmetic");
    this.closeButton = h(
      "button",
      {
        type: "button",
        class: "close",
        hidden: true,
        "aria-label": "Close the arithmetic",
        onclick: () => this.close(),
      },
      icon("close"),
    );
    this.aside = h(
      "aside",
      {
        class: "panel empty",
        "aria-label": `Arithmetic${this.host.mark ? `, ${this.host.mark}` : ""}`,
        onkeydown: (event) => this.panelKey(event),
      },
      h("div", { class: "panel-head" }, this.workTitle, this.closeButton),
      this.work,
    );
    return this.aside;
  }

  checker() {
    this.tally = h(
      "p",
      { class: "tally", role: "status" },
      "Every number of every step, done again by this page from the numbers it stands on.",
    );
    this.failures = h("ul", { class: "failures" });
    const start = h("button", { type: "button", class: "big", onclick: () => this.verifyAll() }, "Check every number");
    return h(
      "section",
      { class: "story checker" },
      h("h2", {}, "Does it all add up?"),
      start,
      this.tally,
      this.failures,
    );
  }

  // ---- windows over large matrices

  window(axis) {
    const n = this.trace.size(axis);
    if (n <= WHOLE[axis]) return [0, n];
    const from = Math.min(this.windows[axis], n - WINDOW[axis]);
    return [from, from + WINDOW[axis]];
  }

  draw() {
    for (const grid of this.grids.values()) {
      const [rows, columns] = grid.matrix.over.map((axis) => this.window(axis));
      grid.build({ rows, columns }, this.cutSentence(grid.matrix.over));
    }
    this.drawPagers();
    this.refresh();
  }

  cutSentence(axes) {
    const parts = axes.map((axis) => {
      const [from, to] = this.window(axis);
      return to - from < this.trace.size(axis) ? `${axis} ${from + 1} to ${to} of ${this.trace.size(axis)}` : null;
    });
    const cut = parts.filter(Boolean);
    return cut.length ? `Shown: ${cut.join(", ")}. The arithmetic uses all.` : "";
  }

  drawPagers() {
    const cut = ["users", "items", "factors"].filter((axis) => this.trace.size(axis) > WHOLE[axis]);
    this.pagers.replaceChildren(
      ...cut.map((axis) => {
        const [from, to] = this.window(axis);
        const n = this.trace.size(axis);
        const move = (by) => {
          this.windows[axis] = Math.min(Math.max(from + by, 0), n - WINDOW[axis]);
          this.draw();
          this.pagers.querySelector(`[data-move="${axis}${Math.sign(by)}"]`)?.focus();
        };
        const button = (name, mark, by) =>
          h(
            "button",
            {
              type: "button",
              "data-move": `${axis}${Math.sign(by)}`,
              "aria-label": `${name} ${axis}`,
              onclick: () => move(by),
            },
            icon(mark),
          );
        return h(
          "span",
          {},
          button("Earlier", "back", -WINDOW[axis]),
          ` ${axis} ${from + 1}–${to} of ${n} `,
          button("Further", "forward", WINDOW[axis]),
        );
      }),
    );
  }

  /** Move the windows so that a cell is inside. */
  reveal(cell) {
    const { over } = this.grids.get(cell.name).matrix;
    let isMoved = false;
    [cell.row, cell.column].forEach((at, which) => {
      const axis = over[which];
      const [from, to] = this.window(axis);
      if (at >= from && at < to) return;
      this.windows[axis] = Math.max(0, at - 2);
      isMoved = true;
    });
    if (isMoved) this.draw();
  }

  // ---- steps

  /** A step that the reader chose: it ends the play. */
  userStep(step) {
    this.stop();
    this.set({ step });
    this.say();
  }

  /** Show a step, and a cell's arithmetic; what is left out stays. */
  set({ step = this.step, cell, isQuiet = false }) {
    const wanted = Number.isFinite(step) ? Math.round(step) : this.step;
    this.step = Math.min(Math.max(wanted, 0), this.trace.steps.length - 1);
    if (cell !== undefined) this.cell = this.valid(cell);
    if (this.cell) this.reveal(this.cell);
    this.refresh();
    if (!isQuiet) this.tell();
  }

  refresh() {
    const { trace, step } = this;
    this.shares = trace.energyShares(step);
    for (const grid of this.grids.values()) grid.update();
    this.slider.value = step;
    this.number.value = step;
    this.slider.setAttribute("aria-valuetext", `${step}, ${trace.stepName(step)}`);
    this.where.replaceChildren(h("b", {}, `Step ${step}`), ` · ${trace.stepName(step)}`);
    const note = trace.steps[step].note;
    this.sentence.textContent = trace.stepSentence(step) + (note ? ` Note: ${note}.` : "");
    this.chart?.set(step);
    this.watched?.set(step);
    this.showPlay();
    this.showWork();
  }

  say() {
    const { loss } = this.trace.steps[this.step];
    const tail = typeof loss === "number" ? `, loss ${written(loss, 4)}` : "";
    this.live.textContent = `Step ${this.step}, ${this.trace.stepName(this.step)}${tail}`;
  }

  tell() {
    this.host.onchange?.({ step: this.step, cell: this.cell });
  }

  setDigits(digits) {
    this.digits = digits === "full" ? "full" : Number(digits);
    for (const grid of this.grids.values()) grid.size();
    this.refresh();
  }

  // ---- play

  togglePlay() {
    if (this.timer) this.stop();
    else this.play();
  }

  play() {
    const last = this.trace.steps.length - 1;
    if (this.step >= last) this.set({ step: 0 });
    const next = () => {
      this.set({ step: this.step + 1 });
      if (this.step >= last) this.stop();
    };
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.timer = setInterval(next, isCalm ? CALM_MS : PLAY_MS);
    this.showPlay();
  }

  stop() {
    if (!this.timer) return;
    clearInterval(this.timer);
    this.timer = null;
    this.showPlay();
    this.say();
  }

  showPlay() {
    const name = this.timer ? "Stop" : "Play";
    if (this.playButton.textContent !== name) this.playButton.textContent = name;
  }

  // ---- cells

  valid(cell) {
    if (!cell || !this.grids.has(cell.name)) return null;
    const { over } = this.grids.get(cell.name).matrix;
    const isInside =
      cell.row >= 0 &&
      cell.row < this.trace.size(over[0]) &&
      cell.column >= 0 &&
      cell.column < this.trace.size(over[1]);
    return isInside ? { name: cell.name, row: cell.row, column: cell.column } : null;
  }

  /** Open a cell's arithmetic. With `isKey`, a second time on the same cell moves the focus into it. */
  open(cell, isKey = false) {
    const isSame = this.cell && ["name", "row", "column"].every((part) => this.cell[part] === cell[part]);
    this.set({ cell });
    if (isKey && isSame) this.workTitle.focus();
    else if (this.cell) this.live.textContent = this.summary ?? "";
  }

  go(step, cell) {
    this.stop();
    this.set({ step, cell });
    if (cell) this.showCell();
    this.say();
  }

  /** Scroll to the open cell: a link or a list led to it, and it may be anywhere. */
  showCell() {
    const { name, row, column } = this.cell ?? {};
    this.grids.get(name)?.at(row, column)?.scrollIntoView({ block: "center", inline: "nearest" });
  }

  close() {
    const { cell } = this;
    this.set({ cell: null });
    if (cell) this.grids.get(cell.name).focus(cell.row, cell.column);
  }

  look(cell) {
    const chosen = cell ?? this.cell;
    const sources =
      chosen && this.trace.value(this.step, chosen.name, chosen.row, chosen.column) !== null
        ? workOf(this.trace, this.step, chosen).sources
        : [];
    for (const [name, grid] of this.grids) grid.light(sources.filter((source) => source.name === name));
  }

  showWork() {
    const { cell, trace, step } = this;
    for (const [name, grid] of this.grids) grid.choose(cell?.name === name ? cell : null);
    this.aside.classList.toggle("empty", !cell);
    this.closeButton.hidden = !cell;
    this.look(null);
    if (!cell) {
      this.workTitle.textContent = "Arithmetic";
      this.work.replaceChildren(
        h("p", {}, "Choose any cell: here stands what its number was made from, done again by this page."),
      );
      return;
    }
    if (trace.value(step, cell.name, cell.row, cell.column) === null) {
      this.workTitle.textContent = "Nothing here";
      this.summary = "Nothing here";
      this.work.replaceChildren(
        h(
          "p",
          {},
          cell.name === "ratings"
            ? "Nothing is known of this pair."
            : "This pair is not listed, so it has no difference and no term of its own.",
        ),
      );
      return;
    }
    const work = workOf(trace, step, cell);
    this.workTitle.textContent = work.heading;
    this.summary = `${work.heading}: ${written(work.recorded, 4)}${work.checks.length ? (work.isEqual ? ", agrees" : ", does not agree") : ""}`;
    const value = h("p", { class: "value" }, written(work.recorded, this.digits));
    this.work.replaceChildren(value, ...told(work, this));
  }

  // ---- keys

  panelKey(event) {
    if (event.key !== "Escape" || !this.cell) return;
    event.stopPropagation();
    const { name, row, column } = this.cell;
    this.grids.get(name).focus(row, column);
  }

  /** Keys that work anywhere: those of a matrix come here when it has no use for them. */
  key(event) {
    const tag = event.target.tagName;
    if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
    const isCell = event.target.closest?.("td[tabindex]");
    const isFree = !["INPUT", "SELECT", "BUTTON", "SUMMARY", "A", "TEXTAREA"].includes(tag);
    const isPage = tag === "BODY" || tag === "HTML";
    const last = this.trace.steps.length - 1;
    const steps = isCell
      ? { PageUp: this.step - 1, PageDown: this.step + 1 }
      : isPage
        ? { ArrowLeft: this.step - 1, ArrowRight: this.step + 1, Home: 0, End: last }
        : {};
    if (event.key in steps) this.userStep(steps[event.key]);
    else if (event.key === " " && (isFree || event.target === this.slider)) this.togglePlay();
    else if (event.key === "Escape" && isCell && this.cell) this.close();
    else return;
    event.preventDefault();
  }

  // ---- every number

  /** Do every cell of every step again, pausing so that the page stays awake; resolves to the tally. */
  async verifyAll() {
    const tally = new Tally();
    let awake = performance.now();
    for (const finding of findings(this.trace)) {
      tally.add(finding);
      if (performance.now() - awake < 50) continue;
      await new Promise((resolve) => setTimeout(resolve));
      awake = performance.now();
    }
    this.showTally(tally);
    return tally;
  }

  showTally({ n, nothing, failures }) {
    const count = n.toLocaleString("en");
    const rest = nothing
      ? ` ${nothing.toLocaleString("en")} more are where the fit began or were not watched: they come from nothing here.`
      : "";
    const good = `✓ ${count} numbers done again, and every one is the recorded one.${rest}`;
    const bad = `✗ ${failures.length.toLocaleString("en")} of ${count} numbers are not what the page computes.${rest}`;
    this.tally.textContent = failures.length ? bad : good;
    this.tally.className = failures.length ? "tally wrong" : "tally right";
    this.failures.replaceChildren(
      ...failures
        .slice(0, 20)
        .map(({ step, cell, heading }) =>
          h(
            "li",
            {},
            h(
              "button",
              { type: "button", class: "link", onclick: () => this.go(step, cell) },
              `Step ${step}: ${heading}`,
            ),
          ),
        ),
    );
  }

  destroy() {
    this.stop();
    this.chart?.destroy();
    this.root.remove();
  }
}

/** What each matrix is called, and what its rows and columns are. */
function titles(trace) {
  const { family, link } = trace.record;
  const given = { explicit: "Ratings", implicit: "Interactions", logistic: "Yes and no" }[family];
  const said = { rating: "Predicted ratings", preference: "Predicted preferences", probability: "Probabilities" }[link];
  const { weight } = trace.record.pairs;
  const isWeighted = weight.some((each) => each !== 1);
  const counts = [
    trace.record.mean && "t is the rating less the mean",
    isWeighted && "w is what the pair counts",
  ].filter(Boolean);
  const factors = "columns are latent factors, with their share of the energy";
  return {
    ratings: { title: given, note: `${["Rows are users, columns items", ...counts].join("; ")}. A dot is unknown.` },
    user_factors: { title: "User factors", note: `Rows are users, ${factors}.` },
    item_factors: { title: "Item factors", note: `Rows are items, ${factors}.` },
    scores: { title: "Scores", note: "User factors times item factors." },
    predictions: {
      title: said,
      note: link === "probability" ? "The sigmoid of each score." : "User factors times item factors.",
    },
    differences: {
      title: "Differences",
      note: trace.isLogistic
        ? "Probability less target, where a pair counts."
        : "Target less prediction, where a pair counts.",
    },
    terms: { title: "Terms of the loss", note: "What each listed pair adds to the loss." },
    loss: { title: "Loss", note: "The whole fit's, and its parts." },
  };
}
