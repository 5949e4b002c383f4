// Non-negative rows: minimise x^T A x - 2 b^T x over x >= 0 (the bias is free) by coordinate descent in float64,
// then solve once more, exactly, on the coordinates that stayed positive.
#include "assemble.hpp"
#include "row_kernels.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

constexpr int MAX_SWEEPS = 2000;
constexpr double TOLERANCE = 1e-12;  // of the largest coordinate step, in units of the row's own scale

struct Row {
  double *A, *P, *U, *b, *g, *x, *y, *z, *rows, *weighted, *w, *c;
};

Row take_row(Scratch scratch, const Shape& shape, std::int64_t longest_row) {
  const std::int64_t padded = shape.padded, square = padded * padded;
  Row s;
  s.A = scratch.take<double>(square);
  s.P = scratch.take<double>(square);
  s.U = scratch.take<double>(square);
  double** const vectors[] = {&s.b, &s.g, &s.x, &s.y, &s.z};
  for (double** piece : vectors) *piece = scratch.take<double>(padded);
  s.rows = scratch.take<double>(BLOCK * padded);
  s.weighted = scratch.take<double>(BLOCK * padded);
  s.w = scratch.take<double>(longest_row);
  s.c = scratch.take<double>(longest_row);
  return s;
}

inline double entry(const double* A, int padded, int i, int j) {
  return i <= j ? A[static_cast<std::int64_t>(i) * padded + j] : A[static_cast<std::int64_t>(j) * padded + i];
}

// One coordinate after the other, each to its own minimum; g = A x - b is kept up to date.
void descend(const Shape& shape, const Row& s) {
  const int padded = shape.padded;
  for (int sweep = 0; sweep < MAX_SWEEPS; ++sweep) {
    double largest_step = 0, largest_value = 0;
    for (int i = 0; i < shape.size; ++i) {
      const double curvature = s.A[static_cast<std::int64_t>(i) * padded + i];
      if (!(curvature > 0)) continue;
      double value = s.x[i] - s.g[i] / curvature;
      if (i < shape.n_factors && value < 0) value = 0;
      const double step = value - s.x[i];
      const double root = std::sqrt(curvature);
      if (root * std::fabs(value) > largest_value) largest_value = root * std::fabs(value);
      if (step == 0) continue;
      s.x[i] = value;
      if (root * std::fabs(step) > largest_step) largest_step = root * std::fabs(step);
      add_scaled<double>(step, s.A + static_cast<std::int64_t>(i) * padded, s.g, padded);
    }
    if (largest_step <= TOLERANCE * largest_value) return;
  }
}

// The exact solution on the support, where it is non-negative and no other coordinate wants to leave zero.
void polish(const Shape& shape, const Row& s, int* support) {
  const int padded = shape.padded;
  int n = 0;
  for (int i = 0; i < shape.size; ++i)
    if (i >= shape.n_factors || s.x[i] > 0) support[n++] = i;
  if (n == 0) return;
  const Shape part{n, n, (n + 15) / 16 * 16, false};
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(part.padded) * part.padded; ++i) s.P[i] = 0;
  for (int i = 0; i < part.padded; ++i) s.g[i] = 0;
  for (int i = 0; i < n; ++i) {
    s.g[i] = s.b[support[i]];
    for (int j = 0; j < n; ++j)
      s.P[static_cast<std::int64_t>(i) * part.padded + j] = entry(s.A, padded, support[i], support[j]);
  }
  if (!factorise<double>(s.P, part, 2e-12, s.U)) return;
  solve_factorised<double>(s.U, part, s.g, s.z, s.y);
  for (int i = 0; i < n; ++i)
    if (support[i] < shape.n_factors && s.y[i] < 0) return;
  for (int i = 0; i < n; ++i) s.x[support[i]] = s.y[i];
}

double solve_row(const RowProblem& problem, const FixedSide& fixed, const Shape& shape, std::int64_t r, const Row& s,
                 int* support) {
  const std::int64_t begin = problem.indptr[r], n = problem.indptr[r + 1] - begin;
  const int padded = shape.padded;
  const double constant = pair_weights<double>(problem, fixed, r, s.w, s.c);
  start_system<double>(problem, fixed, shape, r, s.A, s.b);
  add_neighbours<double>(fixed, shape, problem.indices + begin, n, s.w, s.c, s.rows, s.weighted, s.A, s.b);
  for (int i = 0; i < padded; ++i)  // coordinate descent reads whole rows
    for (int j = 0; j < i; ++j)
      s.A[static_cast<std::int64_t>(i) * padded + j] = s.A[static_cast<std::int64_t>(j) * padded + i];
  multiply<double>(s.A, shape, s.x, s.g);
  for (int i = 0; i < padded; ++i) s.g[i] -= s.b[i];
  descend(shape, s);
  polish(shape, s, support);
  multiply<double>(s.A, shape, s.x, s.g);
  for (int i = 0; i < shape.size; ++i) s.g[i] = s.b[i] - s.g[i];
  return row_loss<double>(constant, s.b, s.g, s.x, shape.size);
}

std::size_t scratch_bytes(const RowProblem& problem, const FixedSide& fixed, const RowOptions&,
                          std::int64_t longest_row) {
  const std::int64_t padded = shape_of(problem, fixed).padded;
  return sizeof(double) * (3 * padded * padded + 6 * padded + 2 * BLOCK * padded + 2 * longest_row) + 16 * 64;
}

void solve(const RowProblem& problem, const FixedSide& fixed, const OwnSide& own, const RowOptions&, std::int64_t begin,
           std::int64_t end, std::int64_t longest_row, void* scratch, Totals& totals) {
  const Shape shape = shape_of(problem, fixed);
  const int k = shape.n_factors;
  Scratch memory{static_cast<char*>(scratch)};
  int* support = memory.take<int>(shape.padded);
  const Row s = take_row(memory, shape, longest_row);
  for (std::int64_t r = begin; r < end; ++r) {
    float* factors = own.factors + r * k;
    for (int f = 0; f < shape.padded; ++f) s.x[f] = 0;
    if (problem.indptr[r + 1] > problem.indptr[r]) {
      for (int f = 0; f < k; ++f) s.x[f] = factors[f] > 0 ? factors[f] : 0.0f;
      if (shape.has_bias) s.x[k] = own.biases[r];
      totals.loss += solve_row(problem, fixed, shape, r, s, support);
    }
    for (int f = 0; f < k; ++f) factors[f] = static_cast<float>(s.x[f]);
    if (shape.has_bias) own.biases[r] = static_cast<float>(s.x[k]);
  }
}

}  // namespace

extern const RowKernels non_negative_kernels = {scratch_bytes, solve};

}  // namespace ridgeback::RIDGEBACK_LEVEL
