// The loss of every step as a drawing, and the same numbers as a table.

import { h, svg, table } from "./dom.js";
import { written } from "./numbers.js";

const HEIGHT = 190;
const MARGIN = { top: 14, right: 12, bottom: 26, left: 52 };
const KEYS = ["loss", "observed_loss", "unobserved_loss", "regularization_loss"];

export class LossChart {
  constructor(trace, goTo) {
    this.trace = trace;
    this.goTo = goTo;
    this.lines = trace.lossParts.filter(({ key }) => KEYS.includes(key));
    this.box = h("div", { class: "drawing" });
    this.element = h("figure", { class: "chart" }, this.legend(), this.box, this.details());
    this.step = 0;
    this.draw(520);
    this.observer = new ResizeObserver(([entry]) => this.draw(entry.contentRect.width));
    this.observer.observe(this.box);
  }

  legend() {
    const sample = (key) =>
      svg(
        "svg",
        { width: 26, height: 10, "aria-hidden": "true" },
        svg("line", { x1: 0, x2: 26, y1: 5, y2: 5, class: `line ${key}` }),
      );
    return h(
      "figcaption",
      {},
      h("b", {}, "Loss, step by step"),
      this.lines.map(({ key, label }) => h("span", { class: "key" }, sample(key), ` ${label}`)),
    );
  }

  details() {
    const parts = this.trace.lossParts;
    const rows = this.trace.steps.map((step, index) => [
      h(
        "button",
        { type: "button", class: "link", onclick: () => this.goTo(index) },
        `${index}: ${this.trace.stepName(index)}`,
      ),
      ...parts.map(({ key }) => written(step[key], 6)),
    ]);
    const name = "Loss after every step";
    return h(
      "details",
      {},
      h("summary", {}, "The numbers as a table"),
      table(name, ["step", ...parts.map(({ label }) => label)], rows),
    );
  }

  draw(width) {
    if (!(width > 0) || width === this.width) return;
    this.width = width;
    const { steps } = this.trace;
    const values = this.lines.flatMap(({ key }) => steps.map((step) => step[key])).filter(Number.isFinite);
    const totals = steps.map((step) => step.loss).filter(Number.isFinite);
    const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
    // A loss that falls by orders of magnitude needs logarithms; parts that are zero or negative cannot have them.
    this.isLog = Math.min(...totals) > 0 && Math.max(...totals) > 50 * Math.min(...totals);
    const positive = values.filter((value) => value > 0);
    const [from, to] = this.isLog
      ? [Math.max(Math.min(...positive), Math.min(...totals) / 100), high].map(Math.log10)
      : [low, high];
    const x = (index) => MARGIN.left + (index / Math.max(1, steps.length - 1)) * (width - MARGIN.left - MARGIN.right);
    const y = (value) => {
      const at = this.isLog ? Math.log10(Math.max(value, 10 ** from)) : value;
      return MARGIN.top + (1 - (at - from) / (to - from || 1)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
    };
    this.x = x;
    this.cursor = svg("line", { class: "cursor", y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom });
    const first = steps.find((step) => Number.isFinite(step.loss));
    const last = [...steps].reverse().find((step) => Number.isFinite(step.loss));
    const title = first
      ? `Loss over ${steps.length} steps: from ${written(first.loss, 4)} to ${written(last.loss, 4)}`
      : "No losses were recorded";
    const drawing = svg(
      "svg",
      {
        viewBox: `0 0 ${width} ${HEIGHT}`,
        width,
        height: HEIGHT,
        role: "img",
        "aria-label": title,
        onclick: (event) => this.clicked(event),
      },
      svg("title", {}, title),
      this.axes(width, from, to, y),
      this.cursor,
      this.lines.map(({ key }) => this.path(key, x, y)),
      steps.map((step, index) => Number.isFinite(step.loss) && this.point(step.loss, index, x, y)),
    );
    this.box.replaceChildren(drawing);
    this.set(this.step);
  }

  axes(width, from, to, y) {
    const ticks = this.isLog ? decades(from, to) : rounded(from, to);
    const { length } = this.trace.steps;
    const numbers = ticks.map((tick) => [
      svg("line", { class: "rule", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(tick), y2: y(tick) }),
      svg("text", { x: MARGIN.left - 8, y: y(tick) + 4, "text-anchor": "end" }, short(tick)),
    ]);
    const every = Math.max(1, Math.ceil(length / Math.max(2, Math.floor(width / 60))));
    const marks = this.trace.steps.map((_, index) => index).filter((index) => index % every === 0);
    return [
      numbers,
      marks.map((index) => svg("text", { x: this.x(index), y: HEIGHT - 8, "text-anchor": "middle" }, String(index))),
    ];
  }

  path(key, x, y) {
    let pen = "M";
    const parts = this.trace.steps.map((step, index) => {
      if (!Number.isFinite(step[key])) {
        pen = "M";
        return "";
      }
      const part = `${pen}${x(index).toFixed(1)} ${y(step[key]).toFixed(1)}`;
      pen = "L";
      return part;
    });
    return svg("path", { class: `line ${key}`, d: parts.join("") });
  }

  point(value, index, x, y) {
    const name = `${index}, ${this.trace.stepName(index)}: ${written(value, 6)}`;
    const spot = svg("circle", { cx: x(index), cy: y(value), r: 3.5, class: "point" });
    return svg(
      "g",
      { "data-step": index, class: "spot" },
      svg("title", {}, name),
      svg("circle", { cx: x(index), cy: y(value), r: 11, class: "target" }),
      spot,
    );
  }

  clicked(event) {
    const spot = event.target.closest("[data-step]");
    if (spot) this.goTo(Number(spot.dataset.step));
  }

  set(step) {
    this.step = step;
    this.cursor.setAttribute("x1", this.x(step));
    this.cursor.setAttribute("x2", this.x(step));
    this.box.querySelector(".spot.now")?.classList.remove("now");
    this.box.querySelector(`[data-step="${step}"]`)?.classList.add("now");
  }

  destroy() {
    this.observer.disconnect();
  }
}

function rounded(from, to) {
  const size = (to - from) / 4 || 1;
  const unit = 10 ** Math.floor(Math.log10(size));
  const step = [1, 2, 2.5, 5, 10].find((each) => each * unit >= size) * unit;
  const ticks = [];
  for (let tick = Math.ceil(from / step) * step; tick <= to + step * 1e-9; tick += step)
    ticks.push(Math.abs(tick) < step / 2 ? 0 : tick);
  return ticks;
}

function decades(from, to) {
  const ticks = [];
  const every = Math.max(1, Math.ceil((to - from) / 5));
  for (let power = Math.ceil(from); power <= to; power += every) ticks.push(10 ** power);
  return ticks;
}

function short(value) {
  const size = Math.abs(value);
  if (size >= 1e5 || (size > 0 && size < 1e-3))
    return value.toExponential(0).replace("-", "\u2212").replace("e\u2212", "e-");
  return String(Number(value.toPrecision(3))).replace("-", "\u2212");
}
