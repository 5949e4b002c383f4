// The arithmetic of one cell: what it is the sum of, done again, and whether the record agrees.
//
// workOf(trace, step, {name, row, column}) returns {heading, recorded, checks, sources, ...}; `kind` says which of the
// panel's layouts tells it. Nothing here touches the document.

import { check, holds } from "./checks.js";
import { dot, total } from "./numbers.js";
import { FACTORS_OF, OTHER } from "./record.js";
import { pairNumbers, solveOf } from "./solving.js";

const ROUNDED = 3e-6; // of a row's norm: what turning float32 factors to other axes may cost
const LOSS_IN_SINGLE = 1e-4; // of the parts: a float32 fit sums its loss from rounded rows

export function workOf(trace, step, cell) {
  const rules = {
    ratings: given,
    predictions: prediction,
    scores: prediction,
    differences: difference,
    terms: term,
    user_factors: (t, s, c) => factor(t, s, c, "users"),
    item_factors: (t, s, c) => factor(t, s, c, "items"),
    loss: lossPart,
  };
  const work = rules[cell.name](trace, step, cell);
  work.recorded = trace.value(step, cell.name, cell.row, cell.column);
  work.isEqual = work.checks.every((each) => each.isEqual);
  return work;
}

/** Every cell of a step that has a number. */
export function* cellsOf(trace, step) {
  for (const { name, over } of trace.matrices) {
    for (let row = 0; row < trace.size(over[0]); row++) {
      for (let column = 0; column < trace.size(over[1]); column++) {
        if (trace.value(step, name, row, column) !== null) yield { name, row, column };
      }
    }
  }
}

// ---- pairs

/** A score's terms: mean, biases, products. */
export function scoreTerms(trace, step, user, item) {
  const now = trace.steps[step];
  const x = now.user_factors[user];
  const y = now.item_factors[item];
  const constants = [];
  if (trace.record.mean) constants.push({ label: "mean of the ratings", value: trace.record.mean });
  if (now.user_biases) constants.push({ label: `bias of ${trace.name("users", user)}`, value: now.user_biases[user] });
  if (now.item_biases) constants.push({ label: `bias of ${trace.name("items", item)}`, value: now.item_biases[item] });
  const products = x.map((value, f) => ({ x: value, y: y[f], value: value * y[f] }));
  return { constants, products, ...total([...constants, ...products].map(({ value }) => value)) };
}

const PREDICTION_NAMES = { rating: "Predicted rating", preference: "Predicted preference", probability: "Probability" };

function prediction(trace, step, { name, row, column }) {
  const score = scoreTerms(trace, step, row, column);
  const isProbability = name === "predictions" && trace.record.link === "probability";
  const told = pairNumbers(trace.record.loss, {
    score: score.value,
    scale: score.scale,
    mean: 0,
    target: 0,
    weight: 0,
  });
  const value = isProbability ? told.prediction : score;
  const heading = name === "scores" ? "Score" : PREDICTION_NAMES[trace.record.link];
  const pair = trace.pair(row, column);
  return {
    kind: "prediction",
    heading: `${heading} of ${trace.name("users", row)} for ${trace.name("items", column)}`,
    score,
    isProbability,
    computed: value.value,
    pair,
    checks: [check(heading.toLowerCase(), value.value, trace.value(step, name, row, column), value.scale)],
    sources: [
      { name: "user_factors", row },
      { name: "item_factors", row: column },
      { name: "ratings", row, column },
    ],
  };
}

function given(trace, step, { row, column }) {
  const pair = trace.pair(row, column);
  const { family, loss, mean } = trace.record;
  const checks = [];
  if (family === "explicit") {
    checks.push(check("target", pair.value - mean, pair.target, Math.abs(pair.value) + Math.abs(mean)));
    checks.push(check("pull", pair.weight * pair.target, pair.pull, Math.abs(pair.pull)));
  } else if (family === "implicit") {
    checks.push(check("target", 1, pair.target, 1));
    const counted = weightOf(trace, pair.value);
    if (counted !== null)
      checks.push(check("weight", counted, pair.weight, counted, trace.isDouble ? undefined : 1e-6));
    checks.push(check("pull", loss === "hu" ? 1 + pair.weight : pair.weight, pair.pull, pair.pull));
  } else {
    checks.push(holds("target", pair.target === 0 || pair.target === 1, pair.target, Math.round(pair.target)));
  }
  const sources = ["scores", "predictions", "differences", "terms"].map((name) => ({ name, row, column }));
  const heading = `What is given: ${trace.name("users", row)} and ${trace.name("items", column)}`;
  return { kind: "given", heading, pair, checks, sources };
}

/** What an interaction counts, where that is a rule of its own value; null where frequencies play in. */
function weightOf(trace, value) {
  const { alpha, weight_exponents: exponents } = trace.record.parameters;
  if (!exponents || exponents.some((exponent) => exponent !== 0)) return null;
  return alpha === null ? 1 : alpha * value;
}

function difference(trace, step, { row, column }) {
  const pair = trace.pair(row, column);
  const predicted = trace.value(step, "predictions", row, column);
  const target = trace.record.family === "explicit" ? pair.value : pair.target;
  const value = trace.isLogistic ? predicted - target : target - predicted;
  return {
    kind: "difference",
    heading: `Difference of ${trace.name("users", row)} and ${trace.name("items", column)}`,
    predicted,
    target,
    computed: value,
    checks: [
      check("difference", value, trace.value(step, "differences", row, column), Math.abs(predicted) + Math.abs(target)),
    ],
    sources: [
      { name: "predictions", row, column },
      { name: "ratings", row, column },
    ],
  };
}

function term(trace, step, { row, column }) {
  const { loss, mean } = trace.record;
  const pair = trace.pair(row, column);
  const score = trace.value(step, trace.isLogistic ? "scores" : "predictions", row, column);
  const own = pairNumbers(loss, { score, scale: Math.abs(score), mean, target: pair.target, weight: pair.weight }).term;
  return {
    kind: "term",
    heading: `Term of the loss: ${trace.name("users", row)} and ${trace.name("items", column)}`,
    pair,
    score,
    difference: trace.value(step, "differences", row, column),
    predicted: trace.value(step, "predictions", row, column),
    computed: own.value,
    checks: [check("term", own.value, trace.value(step, "terms", row, column), own.scale)],
    sources: ["differences", "predictions", "ratings"].map((name) => ({ name, row, column })),
  };
}

// ---- factors and biases

function factor(trace, step, cell, side) {
  const { row, column } = cell;
  const name = FACTORS_OF[side];
  const heading = `${capital(trace.label("factors", column))} of ${trace.name(side, row)}`;
  const own = { heading, side, solvedIn: trace.lastSolve(step, side, row), checks: [], sources: [] };
  const isSolved = trace.solvedSide(step) === side;
  const solve = isSolved ? solveOf(trace, step, side, row) : null;
  if (solve) {
    const terms = solve.termsOfX?.(column) ?? [];
    const other = FACTORS_OF[OTHER[side]];
    const sources = solve.row.neighbours.flatMap((at) => [
      { name: other, row: at },
      side === "users" ? { name: "ratings", row, column: at } : { name: "ratings", row: at, column: row },
    ]);
    return { ...own, kind: "solve", solve, column, computed: total(terms).value, checks: solve.checks, sources };
  }
  if (trace.steps[step].side === "rotation" && column < trace.k) return rotated(trace, step, cell, side, own);
  if (step === 0) return { ...own, kind: "start" };
  return unchanged(trace, step, cell, side, { ...own, isSolved, sources: [{ name, row }] });
}

function rotated(trace, step, { name, row, column }, side, own) {
  const { rotation } = trace.steps[step];
  const now = trace.value(step, name, row, column);
  const tolerance = trace.isDouble ? undefined : 1e-5;
  // With patience, the items first go back to the best iteration's: then some earlier step is what was turned.
  let from = step - 1;
  let turned = null;
  for (let index = step - 1; index >= 0; index--) {
    const before = trace.steps[index][name][row];
    const terms = before.map((value, g) => ({ x: value, q: rotation[g][column], value: value * rotation[g][column] }));
    const sum = total(terms.map(({ value }) => value));
    const found = { before, terms, sum, check: check("turned factor", sum.value, now, sum.scale, tolerance) };
    if (turned === null) turned = found;
    if (found.check.isEqual) {
      [from, turned] = [index, found];
      break;
    }
    if (!trace.steps[step].note || side === "users") break;
  }
  const sources = [{ name, row }];
  return {
    ...own,
    kind: "rotated",
    from,
    terms: turned.terms,
    computed: turned.sum.value,
    checks: [turned.check],
    sources,
  };
}

/** The fixed side, or a row without pairs: the number must be the one of the step before. */
function unchanged(trace, step, { name, row, column }, side, own) {
  const now = trace.value(step, name, row, column);
  const before = trace.value(step - 1, name, row, column);
  const work = { ...own, kind: "unchanged", before, computed: before };
  if (own.isSolved && now === 0)
    return { ...work, isEmpty: true, computed: 0, checks: [check("nothing is known of it", 0, now, 0)] };
  if (own.isSolved && !trace.record[side].is_watched[row]) return { ...work, isUnwatched: true };
  const kept = (index) => {
    const size = Math.sqrt(total(trace.steps[index][name][row].map((value) => value * value)).value);
    // Conjugate gradient turns both sides to its own axes and back; a fit in float32 rounds on the way.
    return check(
      "as in the step before",
      trace.value(index, name, row, column),
      now,
      size,
      trace.isDouble ? undefined : ROUNDED,
    );
  };
  const asBefore = kept(step - 1);
  if (asBefore.isEqual) return { ...work, checks: [asBefore] };
  if (trace.record.parameters.acceleration && side === "items") return { ...work, isAccelerated: true };
  for (let index = step - 2; trace.steps[step].note && index >= 0; index--) {
    const asThen = kept(index);
    if (asThen.isEqual)
      return {
        ...work,
        isRestored: true,
        computed: asThen.computed,
        checks: [{ ...asThen, what: "as in an earlier step" }],
      };
  }
  return { ...work, checks: [asBefore] };
}

// ---- the loss

function lossPart(trace, step, { column }) {
  const { key, label } = trace.lossParts[column];
  const work = {
    kind: "loss",
    key,
    heading: `${capital(label)} after this step`,
    terms: null,
    checks: [],
    sources: [],
  };
  const now = trace.steps[step];
  const isMean = key === "mse" || key === "cross_entropy";
  // A rotation repeats the losses of the half-step before it; where the items went back first, they belong to no step.
  work.isOutdated = now.side === "rotation" && now.note !== null;
  if (key !== "loss" && (now.terms === null || work.isOutdated)) return work;
  const rules = { loss: whole, observed_loss: observed, unobserved_loss: unobserved, regularization_loss: penalty };
  work.terms = (rules[key] ?? squares)(trace, step);
  const sum = total(work.terms.map(({ value }) => value));
  work.divisor = isMean ? total(trace.record.pairs.weight).value : 1;
  work.computed = sum.value / work.divisor;
  const tolerance = trace.isDouble || key === "loss" ? undefined : LOSS_IN_SINGLE;
  const scale = key === "loss" ? sum.scale : lossScale(trace, step, sum.scale);
  work.checks.push(check(label, work.computed, now[key], scale / work.divisor, tolerance));
  if (key === "mse") work.checks.push(check("RMSE", Math.sqrt(now.mse), now.rmse, Math.sqrt(now.mse)));
  if (key === "observed_loss" || isMean) work.sources.push({ name: "terms" });
  if (key === "regularization_loss") work.sources.push({ name: "user_factors" }, { name: "item_factors" });
  return work;
}

/** A fit sums its parts as "constant - b.x - r.x" and tells them apart by subtraction: none is better than all of that. */
function lossScale(trace, step, own) {
  const { observed_loss: a, unobserved_loss: b, regularization_loss: c } = trace.steps[step];
  const { weight, target } = trace.record.pairs;
  const constant = total(weight.map((w, at) => w * target[at] ** 2)).value;
  return Math.max(own, Math.abs(a) + Math.abs(b) + Math.abs(c)) + (trace.isDouble ? constant : 0.01 * constant);
}

function whole(trace, step) {
  const now = trace.steps[step];
  return [
    { label: "listed pairs", value: now.observed_loss },
    { label: "all pairs", value: now.unobserved_loss },
    { label: "regularization", value: now.regularization_loss },
  ];
}

function listed(trace, step, valueOf) {
  const { user, item } = trace.record.pairs;
  return user.map((u, at) => ({
    label: `${trace.name("users", u)} · ${trace.name("items", item[at])}`,
    value: valueOf(u, item[at], at),
  }));
}

function observed(trace, step) {
  return listed(trace, step, (u, i) => trace.value(step, "terms", u, i));
}

function unobserved(trace, step) {
  const { user_factors: users, item_factors: items, gram } = trace.steps[step];
  const weight = trace.record.unobserved_weight;
  if (trace.isFoldIn) {
    return users.map((x, u) => ({
      label: trace.name("users", u),
      value:
        weight *
        dot(
          x,
          gram.map((row) => dot(row, x)),
        ),
    }));
  }
  return users.map((x, u) => ({
    label: `all items with ${trace.name("users", u)}`,
    value: weight * total(items.map((y) => dot(x, y) ** 2)).value,
  }));
}

function penalty(trace, step) {
  const sides = trace.isFoldIn ? ["users"] : ["users", "items"];
  return sides.flatMap((side) =>
    trace.steps[step][FACTORS_OF[side]].map((x, at) => {
      const { ridges, bias_ridges: biasRidges } = trace.record[side];
      const bias = trace.bias(step, side, at);
      return {
        label: trace.name(side, at),
        value: ridges[at] * dot(x, x) + (biasRidges ? biasRidges[at] * bias * bias : 0),
      };
    }),
  );
}

/** MSE: squared differences, weighed; mean cross-entropy: its terms. Both are divided by the sum of the weights. */
function squares(trace, step) {
  if (trace.isLogistic) return observed(trace, step);
  const { weight } = trace.record.pairs;
  return listed(trace, step, (u, i, at) => weight[at] * trace.value(step, "differences", u, i) ** 2);
}

export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
