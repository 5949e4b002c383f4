// How a row was solved, done again: its neighbours, A and b, the solution; or its gradient and the step.

import { check, holds } from "./checks.js";
import {
  TOLERANCE,
  dot,
  eigen,
  filled,
  inverse,
  norm,
  pseudoInverse,
  sigmoid,
  softplus,
  times,
  total,
  touchingWeight,
} from "./numbers.js";
import { FACTORS_OF, OTHER } from "./record.js";

const STORED = 1e-5; // of a row's norm: what a fit in float32 keeps of an exact solution
const ROUNDED = 3e-7; // of a number: what storing it as float32 may cost
const MAX_HALVINGS = 40;
const MOST_TURNED = 32; // eigenvalues of larger systems would keep the reader waiting
const CONDITION = 1e-12; // rounding grows a condition number by its own size

const kept = new WeakMap(); // a row's work is done once, however many of its cells are asked about

/** Everything about one row's solve in a step: columns, systems, checks. `null` where the record has no such row. */
export function solveOf(trace, step, side, at) {
  const row = trace.row(step, side, at);
  if (!row) return null;
  if (!kept.has(row)) kept.set(row, workOut(trace, step, row));
  return kept.get(row);
}

function workOut(trace, step, row) {
  const other = OTHER[row.side];
  const m = row.x.length;
  const columns = row.neighbours.map((at) => {
    const factors = trace.steps[step][FACTORS_OF[other]][at];
    return m > factors.length ? [...factors, 1] : factors;
  });
  const offsets = row.neighbours.map((at) => trace.bias(step, other, at));
  const ridges = row.x.map((_, f) => (f >= trace.k ? row.bias_ridge : row.ridge));
  const solve = { trace, step, row, other, m, columns, offsets, ridges, checks: [], method: trace.steps[step].method };
  solve.checks.push(...inputChecks(solve));
  const rule = { majorize, gradient, adagrad: gradient, newton }[solve.method] ?? leastSquares;
  rule(solve);
  solve.checks.push(...storedChecks(solve), ...pairChecks(solve));
  return solve;
}

// ---- what goes in: weights, targets, pulls, ridge, and where the row stood before

function inputChecks(solve) {
  const { trace, step, row, offsets, ridges, method } = solve;
  const pairs = row.neighbours.map((at) => (row.side === "users" ? trace.pair(row.row, at) : trace.pair(at, row.row)));
  const found = [];
  const isBound = method === "majorize";
  if (pairs.every(Boolean)) {
    if (!isBound)
      found.push(
        check(
          "weights",
          pairs.map((pair) => pair.weight),
          row.weights,
          row.weights.map(Math.abs),
        ),
      );
    const offset = (pair, j) => (trace.isLogistic || trace.record.family === "implicit" ? 0 : offsets[j]);
    const targets = pairs.map((pair, j) => pair.target - offset(pair, j));
    const scales = pairs.map((pair, j) => Math.abs(pair.target) + Math.abs(trace.record.mean) + Math.abs(offsets[j]));
    found.push(check("targets", targets, row.targets, scales));
  }
  const table = trace.record[row.side];
  found.push(check("ridge", table.ridges[row.row], row.ridge, Math.abs(row.ridge)));
  if (ridges.length > trace.k)
    found.push(check("ridge of the bias", table.bias_ridges[row.row], row.bias_ridge, row.bias_ridge));
  if (step > 0) {
    found.push(check("row before the step", trace.unknown(step - 1, row.side, row.row), row.before, 0));
  }
  return found;
}

/** The pulls c of b = sum c z, by the loss. */
function pullsOf({ trace, row }) {
  if (trace.record.loss === "hu") return row.weights.map((w) => 1 + w);
  if (trace.record.loss === "ials") return row.weights;
  return row.weights.map((w, j) => w * row.targets[j]);
}

// ---- least squares: A = sum w z z' + unobserved_weight G + ridge, b = sum c z, x = A^-1 b

function leastSquares(solve) {
  const { row } = solve;
  solve.pulls = pullsOf(solve);
  solve.checks.push(check("pulls", solve.pulls, row.pulls, solve.pulls.map(Math.abs)));
  formSystem(solve, row.weights, row.pulls);
  if (solve.method === "non_negative") constrained(solve);
  else if (row.is_singular) leastNorm(solve);
  else unique(solve);
}

/** A and b from the neighbours, with what each is the sum of. */
function formSystem(solve, weights, pulls) {
  const { trace, step, row, m, columns, ridges } = solve;
  const gram = trace.steps[step].gram;
  const weight = trace.record.unobserved_weight;
  solve.gram = gram && weight ? gram : null;
  if (solve.gram) solve.checks.push(...gramChecks(solve));
  solve.termsOfA = (f, g) => {
    const terms = columns.map((z, j) => weights[j] * z[f] * z[g]);
    if (solve.gram && f < trace.k && g < trace.k) terms.push(weight * gram[f][g]);
    if (f === g) terms.push(ridges[f]);
    return terms;
  };
  solve.termsOfB = (f) => columns.map((z, j) => pulls[j] * z[f]);
  const A = filled(m, m, solve.termsOfA);
  const b = row.x.map((_, f) => total(solve.termsOfB(f)));
  solve.A = row.A ?? A.value;
  solve.b = row.b ?? b.map(({ value }) => value);
  if (row.A) solve.checks.push(check("A", A.value, row.A, A.scale));
  if (row.b)
    solve.checks.push(
      check(
        "b",
        b.map(({ value }) => value),
        row.b,
        b.map(({ scale }) => scale),
      ),
    );
}

/** The Gramian is that of the fixed side, where the record holds all of its rows. */
function gramChecks({ trace, step, other, gram }) {
  const table = trace.record[other];
  if (!gram || table.ids.length !== table.n) return [];
  const factors = trace.steps[step][FACTORS_OF[other]];
  const own = filled(trace.k, trace.k, (f, g) => factors.map((y) => y[f] * y[g]));
  // A fit in float32 forms it where the solver stands, before it is shown in the axes of the start.
  return [check("Gramian of the fixed side", own.value, gram, own.scale, trace.isDouble ? undefined : STORED)];
}

function unique(solve) {
  const { row, A, b } = solve;
  solve.inverse = inverse(A);
  if (!solve.inverse) {
    solve.checks.push(holds("A can be inverted", false, 0, 1));
    return;
  }
  solve.termsOfX = (f) => solve.inverse[f].map((entry, g) => entry * b[g]);
  const own = row.x.map((_, f) => total(solve.termsOfX(f)));
  const solution = check(
    "x = A⁻¹ b",
    own.map(({ value }) => value),
    row.x,
    own.map(({ scale }) => scale),
  );
  // Where A is nearly singular, two ways of solving differ by its condition number; both must satisfy the equation.
  solve.checks.push(solution.isEqual || !(row.condition > 1e6) ? solution : equationCheck(solve));
}

function equationCheck({ row, A, b }) {
  const scales = A.map((entries, f) => Math.abs(b[f]) + total(entries.map((entry, g) => entry * row.x[g])).scale);
  return check("A x = b", times(A, row.x), b, scales);
}

/** A is singular: many solutions; the record holds the one of least norm. */
function leastNorm(solve) {
  const { row, A, b } = solve;
  solve.inverse = pseudoInverse(A);
  solve.termsOfX = (f) => solve.inverse[f].map((entry, g) => entry * b[g]);
  const own = row.x.map((_, f) => total(solve.termsOfX(f)));
  const scale = total(own.map((each) => each.scale)).value;
  solve.checks.push(
    equationCheck(solve),
    check(
      "x = A⁺ b, the shortest of them",
      own.map(({ value }) => value),
      row.x,
      scale,
    ),
  );
}

/** Factors may not be negative: those at zero would have to push below it, the others solve their own equations. */
function constrained(solve) {
  const { trace, row, A, b, m } = solve;
  const isFree = row.x.map((value, f) => f >= trace.k || value > 0);
  const free = [...Array(m).keys()].filter((f) => isFree[f]);
  const block = free.map((f) => free.map((g) => A[f][g]));
  const inverted = inverse(block) ?? pseudoInverse(block);
  const terms = (f) => (isFree[f] ? inverted[free.indexOf(f)].map((entry, g) => entry * b[free[g]]) : []);
  solve.free = isFree;
  solve.inverse = inverted;
  solve.termsOfX = terms;
  const own = row.x.map((_, f) => total(terms(f)));
  const scale = Math.max(...own.map((each) => each.scale), 0);
  solve.checks.push(
    check(
      "x, the positive factors' own equations",
      own.map(({ value }) => value),
      row.x,
      scale,
    ),
  );
  const slopes = times(A, row.x).map((value, f) => value - b[f]);
  const worst = Math.min(0, ...slopes.filter((_, f) => !isFree[f]));
  const size = Math.max(...b.map(Math.abs), 1e-300);
  solve.checks.push(holds("factors at zero want to be lower", worst >= -1e-8 * size, worst, 0));
}

// ---- cross-entropy: a touching quadratic, a gradient step, or Newton's optimum

function rowScores({ columns, offsets }, u) {
  return columns.map((z, j) => dot(z, u) + offsets[j]);
}

/** The gradient 2 R u + sum c (p - t) z of the row's summed loss at u, its terms by component. */
function gradientTerms({ row, columns, ridges }, u, scores) {
  const pulls = scores.map((score, j) => row.confidences[j] * (sigmoid(score) - row.targets[j]));
  return (f) => [...columns.map((z, j) => pulls[j] * z[f]), 2 * ridges[f] * u[f]];
}

function rowLoss(solve, u) {
  const { row, ridges } = solve;
  const terms = rowScores(solve, u).map((s, j) => row.confidences[j] * softplus(row.targets[j] > 0.5 ? -s : s));
  return total([...terms, ...u.map((value, f) => ridges[f] * value * value)]).value;
}

function gradientChecks(solve, u, scores) {
  solve.gradientTerms = gradientTerms(solve, u, scores);
  const own = solve.row.x.map((_, f) => total(solve.gradientTerms(f)));
  return check(
    "gradient",
    own.map(({ value }) => value),
    solve.row.gradient,
    own.map(({ scale }) => scale),
  );
}

function majorize(solve) {
  const { row, offsets } = solve;
  const scores = rowScores(solve, row.before);
  solve.scoresBefore = scores;
  const weights = scores.map((score, j) => row.confidences[j] * touchingWeight(score));
  const pulls = weights.map((w, j) => (row.confidences[j] * (2 * row.targets[j] - 1)) / 4 - w * offsets[j]);
  const sizes = weights.map((w, j) => row.confidences[j] / 4 + Math.abs(w * offsets[j]));
  solve.pulls = pulls;
  solve.checks.push(check("weights of the touching quadratic", weights, row.weights, weights));
  solve.checks.push(check("pulls", pulls, row.pulls, sizes));
  formSystem(solve, row.weights, row.pulls);
  solve.checks.push(gradientChecks(solve, row.before, scores));
  if (!row.is_singular) {
    unique(solve);
    return;
  }
  solve.inverse = pseudoInverse(solve.A);
  solve.termsOfX = (f) => [row.before[f], ...solve.inverse[f].map((entry, g) => (-entry * row.gradient[g]) / 2)];
  const own = row.x.map((_, f) => total(solve.termsOfX(f)));
  const scale = total(own.map((each) => each.scale)).value;
  solve.checks.push(
    check(
      "x = before − A⁺ g / 2",
      own.map(({ value }) => value),
      row.x,
      scale,
    ),
  );
}

function gradient(solve) {
  const { trace, row } = solve;
  solve.checks.push(gradientChecks(solve, row.before, rowScores(solve, row.before)));
  if (row.squares) solve.checks.push(squaresCheck(solve));
  solve.isStuck = row.n_halvings > MAX_HALVINGS;
  solve.stepOf = (f) => {
    const root = row.squares ? Math.sqrt(row.squares[f]) : 1;
    if (solve.isStuck || root === 0) return 0;
    return (row.step_size / 2 ** row.n_halvings) * (row.gradient[f] / root);
  };
  solve.termsOfX = (f) => [row.before[f], -solve.stepOf(f)];
  const own = row.x.map((_, f) => total(solve.termsOfX(f)));
  const tolerance = trace.isDouble ? undefined : ROUNDED;
  solve.checks.push(
    check(
      "x = before − step",
      own.map(({ value }) => value),
      row.x,
      own.map(({ scale }) => scale),
      tolerance,
    ),
  );
  solve.lossBefore = rowLoss(solve, row.before);
  solve.lossAfter = rowLoss(solve, row.x);
  const rise = solve.lossAfter - solve.lossBefore;
  solve.checks.push(
    holds("the row's loss did not rise", rise <= 1e-12 * solve.lossBefore, solve.lossAfter, solve.lossBefore),
  );
}

/** AdaGrad's sums: the squared gradients of this row in every step so far. */
function squaresCheck({ trace, step, row }) {
  const sums = row.x.map(() => 0);
  for (let index = 1; index <= step; index++) {
    const earlier = trace.row(index, row.side, row.row);
    if (earlier?.squares) earlier.gradient.forEach((g, f) => (sums[f] += g * g));
  }
  return check("sums of squared gradients", sums, row.squares, sums, trace.isDouble ? undefined : STORED);
}

function newton(solve) {
  const { row, columns, ridges, m } = solve;
  const scores = rowScores(solve, row.x);
  const curvatures = scores.map((score, j) => (row.confidences[j] * sigmoid(score) * sigmoid(-score)) / 2);
  solve.termsOfA = (f, g) => [...columns.map((z, j) => curvatures[j] * z[f] * z[g]), ...(f === g ? [ridges[f]] : [])];
  const A = filled(m, m, solve.termsOfA);
  solve.A = row.A ?? A.value;
  if (row.A) solve.checks.push(check("half the Hessian", A.value, row.A, A.scale));
  solve.checks.push(gradientChecks(solve, row.x, scores));
  solve.inverse = inverse(solve.A) ?? pseudoInverse(solve.A);
  const size = total(row.x.flatMap((_, f) => solve.gradientTerms(f))).scale;
  solve.isAtOptimum = norm(row.gradient) <= 1e-9 * size;
  solve.stayed = !solve.isAtOptimum && row.after.every((value, f) => value === row.before[f]);
  if (!solve.stayed) solve.checks.push(holds("the gradient vanishes", solve.isAtOptimum, norm(row.gradient), 0));
}

// ---- what came out: the solution beside what the fit stored

function storedChecks(solve) {
  const { trace, row, A, b, m, method } = solve;
  const gap = row.after.map((value, f) => value - row.x[f]);
  const size = norm(row.x);
  const found = [];
  if (size > 0 && row.distance !== null) {
    const scale = (norm(row.after) + size) / size;
    found.push(check("distance of the stored row from x", norm(gap) / size, row.distance, scale));
  }
  if (method === "cg") {
    found.push(residualCheck("residual of the stored row", A, row.after, b, row.step_residual));
  } else if (method === "non_negative") {
    found.push(kktCheck(solve));
  } else if (trace.isDouble) {
    found.push(
      check(
        "stored row",
        row.x,
        row.after,
        row.x.map(() => size),
      ),
    );
  } else {
    found.push(nearCheck(solve, gap, size));
  }
  if (row.b && row.residual !== null) found.push(residualCheck("residual of x", A, row.x, b, row.residual));
  if (row.condition !== null && row.condition < 1e6 && m <= MOST_TURNED) found.push(conditionCheck(A, row.condition));
  const { change } = trace.steps[solve.step];
  if (change) {
    const moved = row.after.slice(0, trace.k).map((value, f) => value - row.before[f]);
    found.push(
      check(
        "change",
        moved,
        change[row.row],
        row.after.slice(0, trace.k).map((value, f) => Math.abs(value) + Math.abs(row.before[f])),
      ),
    );
  }
  found.push(check("row in the matrix", trace.unknown(solve.step, row.side, row.row), row.after, 0));
  return found;
}

/** What the row says of each of its pairs after the step. */
function pairChecks(solve) {
  const { trace, row, columns, offsets } = solve;
  const { loss, mean } = trace.record;
  const told = columns.map((z, j) => {
    const score = total([mean, offsets[j], ...z.map((value, f) => value * row.after[f])]);
    const target = row.targets[j] + (trace.record.family === "explicit" ? offsets[j] : 0);
    return {
      score,
      ...pairNumbers(
        loss,
        { score: score.value, scale: score.scale, mean, target, weight: row.weights[j] },
        row.confidences?.[j],
      ),
    };
  });
  const column = (name) => told.map((each) => each[name].value);
  const scales = (name) => told.map((each) => each[name].scale);
  const held = [
    ["scores", "score"],
    ["predictions", "prediction"],
    ["differences", "difference"],
    ["terms", "term"],
  ];
  return held.map(([recorded, name]) => check(`${recorded} of its pairs`, column(name), row[recorded], scales(name)));
}

/** Prediction, difference and term of the loss of one pair from its score; each with the scale of what was added up. */
export function pairNumbers(loss, { score, scale, mean, target, weight }, confidence = weight) {
  if (loss === "logistic") {
    const probability = sigmoid(score);
    const size = probability * (1 + scale);
    const term = confidence * softplus(target > 0.5 ? -score : score);
    return {
      prediction: { value: probability, scale: size },
      difference: { value: probability - target, scale: size + target },
      term: { value: term, scale: term + confidence * scale },
    };
  }
  const difference = target - (score - mean);
  const size = Math.abs(target) + Math.abs(mean) + scale;
  const term = loss === "hu" ? (1 + weight) * difference ** 2 - score ** 2 : weight * difference ** 2;
  // A square is as exact as what is squared: near a perfect fit its own size says nothing.
  const squareSize = (1 + weight) * (difference ** 2 + 2 * Math.abs(difference) * size + TOLERANCE * size ** 2);
  const termSize = squareSize + (loss === "hu" ? score ** 2 + 2 * Math.abs(score) * scale : 0);
  return {
    prediction: { value: score, scale },
    difference: { value: difference, scale: size },
    term: { value: term, scale: termSize },
  };
}

/** A float32 fit stores an exact row to 1e-5 of its norm, or one that solves A x = b as well as float32 can. */
function nearCheck({ row, A, b }, gap, size) {
  const isNear = norm(gap) <= STORED * size;
  if (isNear || !A) return holds("stored row, as float32", isNear, norm(gap), 0);
  const pull = b ?? times(A, row.x);
  const left = norm(times(A, row.after).map((value, f) => value - pull[f]));
  const allowed = STORED * (norm(A.flat()) * size + norm(pull));
  return holds("stored row, as float32, solves A x = b", left <= allowed, left, 0);
}

function residualCheck(what, A, x, b, recorded) {
  const sums = A.map((entries, f) => total([...entries.map((entry, g) => entry * x[g]), -b[f]]));
  const scale = norm(sums.map((sum) => sum.scale));
  return check(what, norm(sums.map((sum) => sum.value)), recorded, scale);
}

/** The condition number is the largest eigenvalue over the smallest. */
function conditionCheck(A, recorded) {
  const { values } = eigen(A);
  const own = Math.max(...values) / Math.min(...values);
  return check("condition number of A", own, recorded, own * own, CONDITION);
}

function kktCheck({ trace, row, A, b }) {
  const sums = A.map((entries, f) => total([...entries.map((entry, g) => entry * row.after[g]), -b[f]]));
  const left = sums.map(({ value }, f) => (f < trace.k && row.after[f] <= 0 ? Math.max(-value, 0) : Math.abs(value)));
  const scale = Math.max(...sums.map((sum) => sum.scale));
  return check("largest slope that is left (KKT)", Math.max(0, ...left), row.kkt_residual, scale);
}
