// The panel that tells one cell's arithmetic, and whether the page's own numbers are the record's.

import { capital } from "./arithmetic.js";
import { formula, h, present, scrolling, table } from "./dom.js";
import { bracketed, short, written } from "./numbers.js";
import { FACTORS_OF, OTHER } from "./record.js";

const MOST_LINES = 40; // of a table of terms; the sums are over all of them
const MOST_PRODUCTS = 4; // written out in a line
const SMALL = 4; // systems up to this size are written out as matrices side by side

/** The elements that tell a work. `view` has trace, step, digits and go(step, cell). */
export function told(work, view) {
  const tellers = { prediction, given, difference, term, solve, rotated, unchanged, start, loss };
  return present([tellers[work.kind](work, view), verdict(work)]);
}

// ---- small pieces

function p(...children) {
  return h("p", {}, children);
}

function line(text) {
  return h("p", { class: "formula" }, formula(text));
}

/** An equation on a line of its own, numbers in it rounded as the reader chose. */
function equation(...parts) {
  return h("p", { class: "formula numbers" }, parts);
}

function goTo(view, label, step, cell) {
  return h("button", { type: "button", class: "link", onclick: () => view.go(step, cell) }, label);
}

function matrix(rows, digits) {
  const cells = (row) => row.map((value) => h("td", {}, short(value, digits)));
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

function labelled(name, content) {
  return h("div", { class: "operand" }, content, h("span", { class: "under" }, formula(name)));
}

function operator(sign) {
  return h("span", { class: "operator" }, sign);
}

/** A table of terms and their sum. Long ones are cut, and say so. */
function sumTable(view, caption, heads, rows, sum) {
  const shown = rows.slice(0, MOST_LINES);
  const left = rows.length - shown.length;
  const more = left > 0 ? p(`The first ${shown.length} of ${rows.length} lines; the sum is over all of them.`) : null;
  const number = (value) => (typeof value === "number" ? written(value, view.digits) : value);
  const foot = sum === null ? null : [["sum", ...heads.slice(2).map(() => ""), number(sum)]];
  return [
    table(
      caption,
      heads,
      shown.map((row) => row.map(number)),
      { foot },
    ),
    more,
  ];
}

// ---- whether it agrees

function verdict(work) {
  if (!work.checks.length) return h("p", { class: "verdict none" }, "There is nothing to compute here.");
  const wrong = work.checks.filter((each) => !each.isEqual);
  const n = work.checks.length;
  const sentence = wrong.length
    ? `The page does not get what the record says: ${wrong.map(({ what }) => what).join(", ")}.`
    : n === 1
      ? "The page computes the recorded number."
      : `The page computes what the record says, in all ${n} places.`;
  const rows = work.checks.map(({ what, computed, recorded, gap, allowed, isEqual }) => [
    [h("span", { class: isEqual ? "yes" : "no" }, isEqual ? "✓" : "✗"), ` ${what}`],
    written(computed, "full"),
    written(recorded, "full"),
    gap === null || Number.isNaN(gap) ? "·" : brief(gap),
    allowed === null ? "·" : brief(allowed),
  ]);
  const mark = h("span", { class: wrong.length ? "no" : "yes", "aria-hidden": "true" }, wrong.length ? "✗" : "✓");
  return h(
    "div",
    { class: wrong.length ? "verdict wrong" : "verdict right", "data-equal": String(!wrong.length) },
    h("p", {}, mark, ` ${sentence}`),
    h(
      "details",
      { open: wrong.length > 0 },
      h("summary", {}, "In full precision"),
      table("Computed here, beside the record", ["number", "computed here", "recorded", "gap", "allowed"], rows, {
        isCaptionHidden: true,
      }),
      p("Allowed is 1e-9 of the sum of the terms' absolute values; more where a fit in float32 rounds what it stores."),
    ),
  );
}

function brief(value) {
  return value === 0 ? "0" : value.toExponential(1);
}

// ---- pairs

function prediction(work, view) {
  const { score, isProbability } = work;
  const number = (value) => written(value, view.digits);
  const rows = [
    ...score.constants.map(({ label, value }) => [label, "", "", value]),
    ...score.products.map(({ x, y, value }, f) => [view.trace.label("factors", f), x, y, value]),
  ];
  const name = view.trace.isLogistic ? "score" : "prediction";
  const start = score.constants.length ? "constants + " : "";
  const lines = [
    line(`${name} = ${start}Σ_{f} *x*_{f} · *y*_{f}`),
    ...sumTable(
      view,
      "Factor by factor",
      ["factor", "user *x*", "item *y*", "product"].map(formula),
      rows,
      score.value,
    ),
  ];
  if (isProbability) {
    lines.push(line("probability = 1 / (1 + e^{−score})"));
    lines.push(equation(`1 / (1 + exp(${number(-score.value)})) = `, h("strong", {}, number(work.computed))));
  }
  if (!work.pair)
    lines.push(
      p("This pair is not among the listed ones: nobody said anything about it, and this is what the factors say."),
    );
  return lines;
}

function given(work, view) {
  const { pair } = work;
  const { family, loss, mean } = view.trace.record;
  const number = (value) => short(value, view.digits);
  const lines = [];
  if (family === "explicit") {
    lines.push(line("target *t* = rating − mean"));
    lines.push(
      equation(`${number(pair.value)} − ${bracketed(mean, view.digits)} = `, h("strong", {}, number(pair.target))),
    );
    lines.push(
      p(
        `It counts with weight ${number(pair.weight)}: the row's b gets w · t = ${number(pair.pull)} times the other side's factors.`,
      ),
    );
  } else if (family === "implicit") {
    const isHu = loss === "hu";
    lines.push(
      p(
        `The data say ${number(pair.value)}. That is not a rating: the target of the score is 1, and the data only say how much this pair counts.`,
      ),
    );
    lines.push(line(isHu ? "*w* = confidence − 1,   pull *c* = 1 + *w*" : "pull *c* = *w*"));
    lines.push(equation(`w = ${number(pair.weight)}, c = ${number(pair.pull)}`));
  } else {
    const said = pair.target === 1 ? "yes" : "no";
    lines.push(
      p(
        `This pair is a ${said}: the probability should be ${pair.target}. Its cross-entropy counts with confidence ${number(pair.weight)}.`,
      ),
    );
    if (pair.isImplied) lines.push(p("Nobody said so: the model took this pair as a no."));
  }
  return lines;
}

function difference(work, view) {
  const number = (value) => bracketed(value, view.digits);
  const isLogistic = view.trace.isLogistic;
  const [first, second] = isLogistic ? [work.predicted, work.target] : [work.target, work.predicted];
  const what = view.trace.record.family === "explicit" ? "rating" : "target";
  return [
    line(isLogistic ? "difference = probability − target" : `difference = ${what} − prediction`),
    equation(`${number(first)} − ${number(second)} = `, h("strong", {}, written(work.computed, view.digits))),
  ];
}

function term(work, view) {
  const { pair, score, difference: d, predicted } = work;
  const number = (value) => bracketed(value, view.digits);
  const result = h("strong", {}, written(work.computed, view.digits));
  switch (view.trace.record.loss) {
    case "hu":
      return [
        line("term = (1 + *w*) (1 − *s*)^{2} − *s*^{2}"),
        equation(`(1 + ${number(pair.weight)}) · (1 − ${number(score)})² − ${number(score)}² = `, result),
        p("The square that is taken away is in the sum over all pairs already."),
      ];
    case "logistic":
      return [
        line(pair.target === 1 ? "term = − *c* · log probability" : "term = − *c* · log (1 − probability)"),
        equation(`−${number(pair.weight)} · log ${number(pair.target === 1 ? predicted : 1 - predicted)} = `, result),
      ];
    default:
      return [line("term = *w* · difference^{2}"), equation(`${number(pair.weight)} · ${number(d)}² = `, result)];
  }
}

// ---- factors

function start(work, view) {
  return [p(view.trace.startSentence)];
}

function unchanged(work, view) {
  const { side, before, solvedIn } = work;
  const other = OTHER[side];
  if (work.isEmpty) return [p("This row has no pairs: nothing is known of it, and it is zero.")];
  if (work.isUnwatched)
    return [p("This row is not watched: the record holds its values and not how they were solved.")];
  if (work.isAccelerated) return [p("The acceleration moved the items on before the users were solved.")];
  if (work.isRestored) return [p("The items went back to those of the best iteration.")];
  const reason = work.isSolved ? "The row stayed as it was" : `Only the ${other} move in this step; the ${side} stay`;
  const back =
    solvedIn === null
      ? null
      : goTo(view, `See the step that solved it: ${view.trace.stepName(solvedIn)}`, solvedIn, view.cell);
  return [equation(`${reason}: `, h("strong", {}, written(before, view.digits)), "."), back && p(back)];
}

function rotated(work, view) {
  const rows = work.terms.map(({ x, q, value }, g) => [`factor ${g + 1}`, x, q, value]);
  return [
    line("*x*_{after} = *x*_{before} · *Q*"),
    p("Q turns both sides together to the principal axes, most energy first. Lengths and predictions stay."),
    ...sumTable(view, "Axis by axis", ["before", "factor", "Q", "product"], rows, work.computed),
  ];
}

function solve(work, view) {
  const { method } = work.solve;
  const lines = method === "gradient" || method === "adagrad" ? descent(work, view) : system(work, view);
  return [...lines, ...storage(work, view)];
}

/** "1 · 0.2 · 0.4" for each neighbour, cut when there are many. */
function products(terms, view) {
  const shown = terms
    .slice(0, MOST_PRODUCTS)
    .map((term) => term.map((value) => bracketed(value, view.digits)).join(" · "));
  if (terms.length > shown.length) shown.push(`… ${terms.length - shown.length} more`);
  return shown.join(" + ");
}

function neighbours({ solve: work, side }, view) {
  const { row, columns, other, m } = work;
  const isBound = work.method === "majorize";
  const heads = [
    view.trace.isLogistic ? "confidence" : null,
    "target t",
    isBound ? "weight w at the scores before" : "weight w",
  ];
  const factors = m <= 8 ? row.x.map((_, f) => formula(`*z*_{${f < view.trace.k ? f + 1 : "bias"}}`)) : [];
  const rows = row.neighbours.map((at, j) => [
    goTo(view, view.trace.longLabel(other, at), view.step, { name: FACTORS_OF[other], row: at, column: 0 }),
    ...(heads[0] ? [row.confidences[j]] : []),
    row.targets[j],
    row.weights[j],
    ...(row.pulls ? [row.pulls[j]] : []),
    ...(m <= 8 ? columns[j] : []),
  ]);
  const all = [capital(other), ...heads.filter(Boolean), ...(row.pulls ? ["pull c"] : []), ...factors];
  const name = view.trace.name(side, row.row);
  return sumTable(
    view,
    `What ${name} is solved from: its ${count(row.neighbours.length, other)}, with their factors z`,
    all,
    rows,
    null,
  );
}

function count(n, side) {
  return n === 1 ? `one ${side.slice(0, -1)}` : `${n} ${side}`;
}

/** A x = b: where A and b come from, and the solution. */
function system(work, view) {
  const { row, m } = work.solve;
  const isNewton = work.solve.method === "newton";
  const out = [
    ...neighbours(work, view),
    line(isNewton ? "*A* = Σ_{j} *c*_{j} *p*_{j} (1 − *p*_{j}) / 2 · *z*_{j} *z*_{j}^{T} + ridge" : sumOfA(work, view)),
    m <= SMALL ? sideBySide(work, view) : largeSystem(work, view),
    ...substitution(work, view),
  ];
  return [...out, ...(isNewton ? optimum(work, view) : solution(work, view))];
}

function sumOfA({ solve: { gram } }, view) {
  const weight = short(view.trace.record.unobserved_weight, view.digits);
  const all = gram ? ` + ${weight} · *G*` : "";
  return `*A* = Σ_{j} *w*_{j} *z*_{j} *z*_{j}^{T}${all} + ridge · *I*,   *b* = Σ_{j} *c*_{j} *z*_{j}`;
}

/** A, b and the solution, in whatever form fits. */
export function systemInFull(work, view) {
  return work.solve.m <= SMALL ? sideBySide(work, view, true) : largeSystem(work, view);
}

/** [sum] + [weight G] + [ridge] = [A], and b, for systems that fit on a line; with the solution where that is asked for. */
function sideBySide({ solve: work }, view, isWithSolution = false) {
  const { A, b, gram, ridges, m } = work;
  const weight = view.trace.record.unobserved_weight;
  const inside = (f, g) => gram && f < view.trace.k && g < view.trace.k;
  const all = A.map((row, f) => row.map((_, g) => (inside(f, g) ? weight * gram[f][g] : 0)));
  const ridge = A.map((row, f) => row.map((_, g) => (f === g ? ridges[f] : 0)));
  const own = A.map((row, f) => row.map((value, g) => value - all[f][g] - ridge[f][g]));
  const pieces = [labelled("Σ *w z z*^{T}", matrix(own, view.digits)), operator("+")];
  if (gram) pieces.push(labelled("all pairs: weight · *G*", matrix(all, view.digits)), operator("+"));
  pieces.push(labelled("ridge", matrix(ridge, view.digits)), operator("="), labelled("*A*", matrix(A, view.digits)));
  if (b)
    pieces.push(
      h("span", { class: "gap" }),
      labelled(
        "*b*",
        matrix(
          b.map((value) => [value]),
          view.digits,
        ),
      ),
    );
  if (isWithSolution)
    pieces.push(
      h("span", { class: "gap" }),
      labelled(
        "*x*",
        matrix(
          work.row.x.map((value) => [value]),
          view.digits,
        ),
      ),
    );
  return scrolling(`A and b, ${m} by ${m}`, h("div", { class: "operands" }, pieces));
}

function largeSystem({ solve: { A, b, m } }, view) {
  const names = Array.from({ length: m }, (_, f) => view.trace.label("factors", f));
  const rows = A.map((row, f) =>
    [names[f], ...row, ...(b ? [b[f]] : [])].map((x) => (typeof x === "number" ? written(x, view.digits) : x)),
  );
  return h(
    "details",
    {},
    h("summary", {}, `A${b ? " and b" : ""}, ${m} by ${m}`),
    table("A and b", ["row", ...names, ...(b ? ["b"] : [])], rows, { isCaptionHidden: true }),
  );
}

/** One entry of A and of b with the numbers put in. */
function substitution({ solve: work, column: f }, view) {
  const { row, columns, gram, ridges, A, b } = work;
  const number = (value) => bracketed(value, view.digits);
  const name = f < view.trace.k ? String(f + 1) : "bias";
  const isNewton = work.method === "newton";
  const lines = [];
  if (!isNewton) {
    const extra = [];
    if (gram && f < view.trace.k) extra.push(`${number(view.trace.record.unobserved_weight)} · ${number(gram[f][f])}`);
    extra.push(number(ridges[f]));
    const terms = columns.map((z, j) => [row.weights[j], z[f], z[f]]);
    lines.push(
      equation(
        h("i", {}, "A"),
        h("sub", {}, `${name},${name}`),
        ` = ${products(terms, view)} + ${extra.join(" + ")} = `,
        h("strong", {}, written(A[f][f], view.digits)),
      ),
    );
    const pulls = columns.map((z, j) => [row.pulls[j], z[f]]);
    lines.push(
      equation(
        h("i", {}, "b"),
        h("sub", {}, name),
        ` = ${products(pulls, view)} = `,
        h("strong", {}, written(b[f], view.digits)),
      ),
    );
  }
  return lines;
}

/** x = A⁻¹ b for one factor, and what kind of solution it is. */
function solution(work, view) {
  const { solve: solved, column: f } = work;
  const { row, b, m, method } = solved;
  const name = f < view.trace.k ? String(f + 1) : "bias";
  if (row.is_singular && method === "majorize") {
    const terms = solved.termsOfX(f).map((value, at) => [at ? `factor ${at}` : "before", value]);
    return [
      p("A is singular: the shortest step that lowers the bound is taken."),
      ...sumTable(view, "before − A⁺ g / 2", ["part", "term"], terms, work.computed),
    ];
  }
  if (method === "non_negative") {
    if (!solved.free[f])
      return [p("This factor is held at zero: below it the loss would fall further, which is not allowed.")];
    return [
      p("No factor may be negative: those that want to be are zero, and the others solve their own part of A x = b."),
      resultOf(name, work, view),
    ];
  }
  const sign = row.is_singular ? "⁺" : "⁻¹";
  const intro = row.is_singular
    ? "A is singular: it has more than one solution. This is the shortest of them, by the pseudo-inverse A⁺, and it does satisfy A x = b."
    : null;
  const rows = solved.inverse[f].map((entry, g) => [view.trace.label("factors", g), entry, b[g], entry * b[g]]);
  const heads = ["factor", formula(`*A*${sign}_{${name},g}`), formula("*b*_{g}"), "product"];
  const body =
    m <= 12
      ? sumTable(view, `x = A${sign} b, factor by factor`, heads, rows, work.computed)
      : [resultOf(name, work, view)];
  return [intro && p(intro), line(`*x* = *A*${sign} *b*`), ...body];
}

function resultOf(name, work, view) {
  return equation(h("i", {}, "x"), h("sub", {}, name), " = ", h("strong", {}, written(work.computed, view.digits)));
}

function optimum({ solve: { row, stayed } }, view) {
  if (stayed)
    return [
      p(
        "This row has no finite optimum: without regularization and with answers that can be separated, its factors would grow without end. It stays as it was.",
      ),
    ];
  const left = row.gradient.map((value) => brief(value)).join(", ");
  return [
    p("Newton's steps end where the gradient of the row's loss vanishes; A is half its Hessian there."),
    equation(`gradient at x: ${left}`),
  ];
}

/** A gradient step: the gradient's terms, the step, and how often it was halved. */
function descent(work, view) {
  const { solve: solved, column: f } = work;
  const { row, other, offsets, columns } = solved;
  const terms = solved.gradientTerms(f);
  const n = row.neighbours.length;
  const rows = row.neighbours.map((at, j) => [
    view.trace.longLabel(other, at),
    row.confidences[j],
    terms[j] / (row.confidences[j] * columns[j][f] || 1),
    columns[j][f],
    terms[j],
  ]);
  rows.push(["regularization, 2 · ridge · x", "", "", "", terms[n]]);
  const number = (value) => bracketed(value, view.digits);
  const isAdagrad = row.squares !== null;
  const lines = [
    p("This is one step down the gradient of the summed loss, not a least-squares solution."),
    line("*g* = Σ_{j} *c*_{j} (probability_{j} − target_{j}) *z*_{j} + 2 · ridge · *x*"),
    ...sumTable(
      view,
      "The gradient at the row before the step",
      [capital(other), "confidence c", "probability − target", "factor z", "term"],
      rows,
      row.gradient[f],
    ),
    line(
      `*x*_{after} = *x*_{before} − step size${row.n_halvings ? " / 2^{halvings}" : ""} · *g*${isAdagrad ? " / √(sum of squared gradients)" : ""}`,
    ),
  ];
  if (solved.isStuck) return [...lines, p("No step lowered the row's loss, however short: the row stays.")];
  const halved = row.n_halvings ? ` / 2^${row.n_halvings}` : "";
  const root = isAdagrad ? ` / √${number(row.squares[f])}` : "";
  lines.push(
    equation(
      `${number(row.before[f])} − ${number(row.step_size)}${halved} · ${number(row.gradient[f])}${root} = `,
      h("strong", {}, written(work.computed, view.digits)),
    ),
  );
  if (row.n_halvings)
    lines.push(
      p(
        `The step was halved ${row.n_halvings === 1 ? "once" : `${row.n_halvings} times`}, until the row's loss did not rise.`,
      ),
    );
  lines.push(p(`The row's own loss went from ${number(solved.lossBefore)} to ${number(solved.lossAfter)}.`));
  if (offsets.some(Boolean)) lines.push(p(`The biases of the ${other} are part of each probability.`));
  return lines;
}

/** What the fit stored beside the solution, where the two need not be the same number. */
function storage({ solve: { row, method, trace }, column: f }, view) {
  const number = (value) => written(value, view.digits);
  const lines = [
    equation("before ", h("strong", {}, number(row.before[f])), "  →  after ", h("strong", {}, number(row.after[f]))),
  ];
  if (method === "cg") {
    lines.push(
      p(
        `The fit took ${row.n_steps} steps of conjugate gradient towards it: it stored ${number(row.after[f])}, the exact solution is ${number(row.x[f])}. |A x − b| is ${brief(row.step_residual)} there.`,
      ),
    );
  } else if (!trace.isDouble) {
    lines.push(p("The fit stores float32: after is the solution, rounded."));
  }
  if (row.condition !== null && row.condition > 1e4)
    lines.push(
      p(`A is nearly singular (condition ${brief(row.condition)}): small changes of the data move the solution far.`),
    );
  return lines;
}

// ---- the loss

const SUMS = {
  loss: "loss = its parts",
  observed_loss: "Σ over the listed pairs of their terms",
  unobserved_loss: "weight · Σ over all pairs of *s*^{2}",
  regularization_loss: "Σ over all rows of ridge · |*x*|^{2}",
  mse: "Σ *w* · difference^{2} / Σ *w*",
  cross_entropy: "Σ terms / Σ *c*",
};

function loss(work, view) {
  if (!work.terms && work.isOutdated)
    return [p("The losses are those of the last half-step; the items went back to the best iteration's after it.")];
  if (!work.terms) return [p("This is the loss of the whole fit; the record holds the watched rows only.")];
  const rows = work.terms.map(({ label, value }) => [label, value]);
  const sum = work.computed * work.divisor;
  const lines = [line(SUMS[work.key]), ...sumTable(view, "Terms", ["of", "term"], rows, sum)];
  if (work.divisor !== 1) {
    lines.push(
      equation(
        `${written(sum, view.digits)} / ${written(work.divisor, view.digits)} = `,
        h("strong", {}, written(work.computed, view.digits)),
      ),
    );
  }
  return lines;
}
