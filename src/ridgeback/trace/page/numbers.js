// The arithmetic that the page does by itself: sums with their scale, small symmetric systems, and how numbers are written.

/** How far a recomputed number may be from the recorded one, of the sum of its terms' absolute values. */
export const TOLERANCE = 1e-9;

/** A sum that remembers the absolute values of its terms. */
export function total(terms) {
  let value = 0;
  let scale = 0;
  for (const term of terms) {
    value += term;
    scale += Math.abs(term);
  }
  return { value, scale };
}

export function dot(x, y) {
  let sum = 0;
  for (let f = 0; f < x.length; f++) sum += x[f] * y[f];
  return sum;
}

export function norm(x) {
  return Math.sqrt(dot(x, x));
}

export function times(A, x) {
  return A.map((row) => dot(row, x));
}

export function transposed(A) {
  return A.length ? A[0].map((_, column) => A.map((row) => row[column])) : [];
}

export function zeros(n, m) {
  return Array.from({ length: n }, () => new Array(m).fill(0));
}

export function sigmoid(score) {
  return score >= 0 ? 1 / (1 + Math.exp(-score)) : Math.exp(score) / (1 + Math.exp(score));
}

/** log(1 + exp(s)), without overflow. */
export function softplus(score) {
  return Math.max(score, 0) + Math.log1p(Math.exp(-Math.abs(score)));
}

/** tanh(s/2) / (4 s), the weight of the quadratic that touches the cross-entropy at score s; 1/8 at s = 0. */
export function touchingWeight(score) {
  return Math.abs(score) < 1e-4 ? 1 / 8 - (score * score) / 96 : Math.tanh(score / 2) / (4 * score);
}

/** The inverse of a symmetric matrix by Gauss and Jordan with pivoting; null where a pivot vanishes. */
export function inverse(A) {
  const n = A.length;
  const work = A.map((row, r) => [...row, ...row.map((_, c) => (r === c ? 1 : 0))]);
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let r = column + 1; r < n; r++) if (Math.abs(work[r][column]) > Math.abs(work[pivot][column])) pivot = r;
    if (!(Math.abs(work[pivot][column]) > 0)) return null;
    [work[column], work[pivot]] = [work[pivot], work[column]];
    const head = work[column];
    const divisor = head[column];
    for (let c = column; c < 2 * n; c++) head[c] /= divisor;
    for (let r = 0; r < n; r++) {
      const factor = work[r][column];
      if (r === column || factor === 0) continue;
      for (let c = column; c < 2 * n; c++) work[r][c] -= factor * head[c];
    }
  }
  return work.map((row) => row.slice(n));
}

/** Eigenvalues and eigenvectors (columns of `vectors`) of a symmetric matrix, by Jacobi's rotations. */
export function eigen(A) {
  const n = A.length;
  const work = A.map((row) => [...row]);
  const vectors = zeros(n, n);
  for (let f = 0; f < n; f++) vectors[f][f] = 1;
  const size = total(A.flat().map((entry) => entry * entry)).value;
  for (let sweep = 0; sweep < 60; sweep++) {
    let offDiagonal = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) offDiagonal += work[p][q] ** 2;
    if (offDiagonal <= 1e-34 * size) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) if (work[p][q] !== 0) turn(work, vectors, p, q);
  }
  return { values: work.map((row, f) => row[f]), vectors };
}

function turn(work, vectors, p, q) {
  const slope = (work[q][q] - work[p][p]) / (2 * work[p][q]);
  const tangent = (slope >= 0 ? 1 : -1) / (Math.abs(slope) + Math.hypot(slope, 1));
  const cosine = 1 / Math.hypot(tangent, 1);
  const sine = tangent * cosine;
  for (const rows of [work, vectors]) {
    for (const row of rows) [row[p], row[q]] = [cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]];
  }
  for (let c = 0; c < work.length; c++) {
    const [up, down] = [work[p][c], work[q][c]];
    work[p][c] = cosine * up - sine * down;
    work[q][c] = sine * up + cosine * down;
  }
}

/** The pseudo-inverse of a symmetric matrix: directions below 1e-12 of the largest eigenvalue count as nothing. */
export function pseudoInverse(A) {
  const { values, vectors } = eigen(A);
  const smallest = 1e-12 * Math.max(0, ...values);
  const inverses = values.map((value) => (value > smallest ? 1 / value : 0));
  return A.map((_, r) => A.map((__, c) => total(inverses.map((w, f) => w * vectors[r][f] * vectors[c][f])).value));
}

/** A matrix filled with the values of a function of row and column, beside the absolute values of what was added up. */
export function filled(n, m, termsOf) {
  const value = zeros(n, m);
  const scale = zeros(n, m);
  for (let r = 0; r < n; r++) {
    for (let c = 0; c < m; c++) ({ value: value[r][c], scale: scale[r][c] } = total(termsOf(r, c)));
  }
  return { value, scale };
}

/** A number as people read it: `digits` decimals, or everything that a double holds where `digits` is "full". */
export function written(value, digits) {
  if (value === null || value === undefined || Number.isNaN(value)) return "·";
  if (digits === "full") return String(value).replace("-", "\u2212").replace("e\u2212", "e-");
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 0.5 * 10 ** -digits)) {
    return value.toExponential(Math.max(1, digits - 1)).replace(/^-/, "\u2212");
  }
  const text = value.toFixed(digits);
  return (/^-0\.?0*$/.test(text) ? text.slice(1) : text).replace("-", "\u2212");
}

const SPARE = 3; // decimals more that a number may have to be written exactly

/** As `written`, but in full and without zeros at the end where that is short: for formulas and for what was given. */
export function short(value, digits) {
  const text = written(value, digits);
  if (typeof value !== "number" || digits === "full" || text.includes("e")) return text;
  const exact = value.toFixed(digits + SPARE);
  if (Math.abs(Number(exact) - value) > 1e-12 * Math.abs(value)) return text;
  return exact.includes(".") ? exact.replace(/\.?0+$/, "").replace("-", "\u2212") : exact;
}

/** As `short`, in brackets where it is negative: for a factor of a product or a term after a plus. */
export function bracketed(value, digits) {
  return value < 0 ? `(${short(value, digits)})` : short(value, digits);
}
