// The record as the page asks it: names, matrices, the pairs by place, and what a step was.

/** The matrices of the page in their order; `over` says what their rows and columns are. */
const MATRICES = [
  { name: "ratings", over: ["users", "items"] },
  { name: "user_factors", over: ["users", "factors"], side: "users" },
  { name: "item_factors", over: ["items", "factors"], side: "items" },
  { name: "scores", over: ["users", "items"] },
  { name: "predictions", over: ["users", "items"] },
  { name: "differences", over: ["users", "items"] },
  { name: "terms", over: ["users", "items"] },
  { name: "loss", over: ["fit", "parts"] },
];

export const OTHER = { users: "items", items: "users" };
export const FACTORS_OF = { users: "user_factors", items: "item_factors" };
const BIASES_OF = { users: "user_biases", items: "item_biases" };

const METHODS = {
  exact: "exactly, each row one ridge regression",
  cg: "by a few steps of conjugate gradient",
  non_negative: "under the condition that no factor is negative",
  majorize: "on a quadratic that touches the loss from above",
  gradient: "by one step down the gradient (this is not least squares)",
  adagrad: "by one AdaGrad step down the gradient (this is not least squares)",
  newton: "to the optimum by Newton's steps",
};

export class Trace {
  constructor(record) {
    if (!record || record.format !== "ridgeback.trace") throw new Error("This is not a trace that Ridgeback wrote.");
    if (record.version !== 1) throw new Error(`This page reads traces of version 1; this one has ${record.version}.`);
    this.record = record;
    this.steps = record.steps;
    this.k = record.n_factors;
    this.isWhole = record.kind === "whole";
    this.isFoldIn = record.kind === "fold-in";
    this.isDouble = record.precision === "double";
    this.isLogistic = record.family === "logistic";
    this.pairAt = new Map();
    const { user, item } = record.pairs;
    for (let at = 0; at < user.length; at++) this.pairAt.set(user[at] * this.size("items") + item[at], at);
    this.rowAt = this.steps.map((step) => new Map(step.rows.map((row) => [`${row.side} ${row.row}`, row])));
    this.matrices = MATRICES.filter(({ name }) => this.has(name));
  }

  get hasBiases() {
    return this.steps.some((step) => step.user_biases || step.item_biases);
  }

  /** Whether a matrix of this name is in the record. */
  has(name) {
    if (name === "ratings") return this.record.pairs.user.length > 0 && (this.isWhole || this.isFoldIn);
    if (name === "loss") return this.steps.some((step) => step.loss !== null);
    return this.steps.some((step) => Array.isArray(step[name]));
  }

  size(axis) {
    if (axis === "factors") return this.k + (this.hasBiases ? 1 : 0);
    if (axis === "fit") return 1;
    if (axis === "parts") return this.lossParts.length;
    return this.record[axis].ids.length;
  }

  /** What a row or column is called. */
  label(axis, at) {
    if (axis === "factors") return at < this.k ? `factor ${at + 1}` : "bias";
    if (axis === "fit") return this.isFoldIn ? "new row" : "whole fit";
    if (axis === "parts") return this.lossParts[at].label;
    const { ids, titles } = this.record[axis];
    if (ids[at] === null) return axis === "users" ? "new user" : "new item";
    return String((titles && titles[at]) || ids[at]);
  }

  /** The same in a sentence, where a number alone would not say what it counts. */
  name(axis, at) {
    const label = this.label(axis, at);
    return /^[\d.\s-]+$/.test(label) ? `${axis === "users" ? "user" : "item"} ${label}` : label;
  }

  /** The same with the id beside a title. */
  longLabel(axis, at) {
    const table = this.record[axis];
    const name = this.name(axis, at);
    return table?.titles?.[at] ? `${name} (${table.ids[at]})` : name;
  }

  get lossParts() {
    const parts = [
      { key: "loss", label: "loss" },
      { key: "observed_loss", label: "listed pairs" },
      { key: "unobserved_loss", label: "all pairs" },
      { key: "regularization_loss", label: "regularization" },
      { key: "mse", label: "MSE" },
      { key: "cross_entropy", label: "cross-entropy, mean" },
    ];
    const isOf = ({ key }) => this.steps.some((step) => typeof step[key] === "number");
    return parts.filter(isOf).filter(({ key }) => key !== "unobserved_loss" || this.record.unobserved_weight > 0);
  }

  /** The listed pair of a user and an item, or null. */
  pair(user, item) {
    const at = this.pairAt.get(user * this.size("items") + item);
    if (at === undefined) return null;
    const { value, target, weight, pull, is_implied: isImplied } = this.record.pairs;
    return {
      value: value[at],
      target: target[at],
      weight: weight[at],
      pull: pull && pull[at],
      isImplied: isImplied[at],
    };
  }

  /** A row of factors with its own bias behind it where there is one: the row's unknown. */
  unknown(step, side, at) {
    const biases = this.steps[step][BIASES_OF[side]];
    const factors = this.steps[step][FACTORS_OF[side]][at];
    return biases ? [...factors, biases[at]] : factors;
  }

  bias(step, side, at) {
    const biases = this.steps[step][BIASES_OF[side]];
    return biases ? biases[at] : 0;
  }

  /** The recorded number in a cell of a step; null where there is none. */
  value(step, name, row, column) {
    const now = this.steps[step];
    if (name === "ratings") return this.pair(row, column)?.value ?? null;
    if (name === "loss") return now[this.lossParts[column].key] ?? null;
    if (!now[name]) return null;
    const side = name === "user_factors" ? "users" : "items";
    if ((name === "user_factors" || name === "item_factors") && column >= this.k) {
      return now[BIASES_OF[side]]?.[row] ?? null;
    }
    return now[name][row]?.[column] ?? null;
  }

  /** The record of a row's solve in a step, or undefined. */
  row(step, side, at) {
    return this.rowAt[step].get(`${side} ${at}`);
  }

  /** Which side a step solved, or null. */
  solvedSide(step) {
    const { side } = this.steps[step];
    if (side === "final users" || side === "fold-in") return "users";
    return side === "users" || side === "items" ? side : null;
  }

  /** The last step up to this one that solved a row, or null. */
  lastSolve(step, side, at) {
    for (let index = step; index >= 0; index--) if (this.row(index, side, at)) return index;
    return null;
  }

  /** A step in a few words, for headings and announcements. */
  stepName(step) {
    const { side, iteration } = this.steps[step];
    const names = {
      start: "the start",
      rotation: "rotation",
      "final users": "users, once more",
      "fold-in": "the new user",
    };
    return names[side] ?? `iteration ${iteration}, ${side}`;
  }

  /** A step in a sentence. */
  stepSentence(step) {
    const { side, method } = this.steps[step];
    const how = METHODS[method] ?? "";
    switch (side) {
      case "start":
        return `Nothing is solved yet. ${this.startSentence}`;
      case "rotation":
        return "Both sides are turned together to the principal axes: factors change, predictions do not.";
      case "final users":
        return `Every user is solved once more, ${how}: recommending, folding in and explaining then agree.`;
      case "fold-in":
        return `The items stay as the model has them; the new user is solved ${how}.`;
      default:
        return `Every ${side === "users" ? "user" : "item"} is solved ${how}; the ${OTHER[side]} stay as they are.`;
    }
  }

  /** How the factors began, in a sentence. */
  get startSentence() {
    return `The factors ${this.start}.`;
  }

  get start() {
    const { method, scale, random_state: seed } = this.record.init;
    const drawn = seed === null || seed === undefined ? "" : ` (random_state ${seed})`;
    switch (method) {
      case "declared":
        return "were given by hand";
      case "warm start":
        return "come from a model that was fitted before";
      case "standard_normal":
        return `are drawn from the standard normal distribution${drawn}`;
      case "uniform":
        return `are drawn evenly between 0 and ${scale} / √${this.k}${drawn}`;
      default:
        return `are drawn from a normal distribution with standard deviation ${scale} / √${this.k}${drawn}`;
    }
  }

  /** Each factor's share of the energy, its sum of squares over the recorded items, at a step. */
  energyShares(step) {
    const energies = new Array(this.k).fill(0);
    for (const factors of this.steps[step].item_factors) factors.forEach((value, f) => (energies[f] += value * value));
    const all = energies.reduce((sum, energy) => sum + energy, 0);
    return energies.map((energy) => (all > 0 ? energy / all : 0));
  }
}
