// Non-negative rows: minimise x^T A x - 2 b^T x over x >= 0 (the bias is free) by coordinate descent in float64,
// then to the exact solution by exchanging coordinates.
#include "assemble.hpp"
#include "cholesky.hpp"
#include "row_kernels.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

constexpr int MAX_SWEEPS = 500;
constexpr double TOLERANCE = 1e-12;  // of the largest coordinate step, in units of the row's own scale
constexpr double ROUNDING = 1e-12;   // of the terms that a gradient is summed from

struct Row {
  double *start, *A, *P, *b, *g, *x, *y, *rows, *w, *c;  // A whole, row by row; P in panels
  Factor<double> factor;
};

Row take_row(Scratch& scratch, const Shape& shape, std::int64_t longest_row) {
  const std::int64_t padded = shape.padded, square = padded * padded;
  Row s;
  s.start = scratch.take<double>(square);
  s.A = scratch.take<double>(square);
  s.P = scratch.take<double>(square);
  double** const vectors[] = {&s.b, &s.g, &s.x, &s.y};
  for (double** piece : vectors) *piece = scratch.take<double>(padded);
  s.rows = scratch.take<double>(BLOCK * padded);
  s.w = scratch.take<double>(longest_row);
  s.c = scratch.take<double>(longest_row);
  s.factor = Factor<double>::take(scratch, padded);
  return s;
}

// y = A x.
void multiply_whole(const Row& s, const Shape& shape, const double* x, double* y) {
  for (int i = 0; i < shape.padded; ++i)
    y[i] = dot<double>(s.A + static_cast<std::int64_t>(i) * shape.padded, x, shape.padded);
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

// y with A y = b on the support, in the support's order. False where A is singular there.
bool solve_on_support(const Shape& shape, const Row& s, const int* support, int n) {
  const Shape part{n, n, (n + 15) / 16 * 16, false};
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(part.padded) * part.padded; ++i) s.P[i] = 0;
  for (int i = 0; i < part.padded; ++i) s.g[i] = 0;
  for (int i = 0; i < n; ++i) {
    s.g[i] = s.b[support[i]];
    for (int j = 0; j < n; ++j)
      if (j >= i / Vec<double>::N * Vec<double>::N)
        s.P[place<double>(i, j, part.padded)] = s.A[static_cast<std::int64_t>(support[i]) * shape.padded + support[j]];
  }
  for (int i = n; i < part.padded; ++i) s.P[place<double>(i, i, part.padded)] = 1;
  return solve_system<double>(s.P, s.g, part.padded, 2e-12, s.factor, s.y);
}

// Moves x towards y until the first factor reaches zero; returns the share of the way.
double move_to_boundary(const Shape& shape, const Row& s, const int* support, int n) {
  double share = 1;
  int first = -1;
  for (int i = 0; i < n; ++i) {
    const double x = s.x[support[i]];
    if (support[i] >= shape.n_factors || s.y[i] > 0 || x > share * (x - s.y[i])) continue;
    share = x - s.y[i] > 0 ? x / (x - s.y[i]) : 0;
    first = i;
  }
  for (int i = 0; i < n; ++i) {
    double& x = s.x[support[i]];
    x = share == 1 ? s.y[i] : x + share * (s.y[i] - x);
    if (support[i] < shape.n_factors && (i == first || x < 0)) x = 0;
  }
  return share;
}

// The factor at zero whose gradient falls most, beyond rounding; -1 where all want to stay.
int most_wanted(const Shape& shape, const Row& s) {
  multiply_whole(s, shape, s.x, s.g);
  int wanted = -1;
  double steepest = 0;
  for (int i = 0; i < shape.n_factors; ++i) {
    const double* row = s.A + static_cast<std::int64_t>(i) * shape.padded;
    const double gradient = s.g[i] - s.b[i];
    if (s.x[i] > 0 || !(row[i] > 0) || !(gradient < steepest * std::sqrt(row[i]))) continue;
    double scale = std::fabs(s.b[i]);
    for (int j = 0; j < shape.size; ++j) scale += std::fabs(row[j] * s.x[j]);
    if (gradient >= -ROUNDING * scale) continue;
    steepest = gradient / std::sqrt(row[i]);
    wanted = i;
  }
  return wanted;
}

// From where the descent ended to the exact solution, after Lawson & Hanson 1974, chapter 23: solve on the positive
// coordinates, let go of those that would turn negative, take in those that want to leave zero.
void exchange(const Shape& shape, const Row& s, int* support) {
  int entering = -1;
  for (int round = 0; round < 3 * shape.size; ++round) {
    int n = 0;
    for (int i = 0; i < shape.size; ++i)
      if (i >= shape.n_factors || s.x[i] > 0 || i == entering) support[n++] = i;
    if (n > 0) {
      if (!solve_on_support(shape, s, support, n)) return;
      const double share = move_to_boundary(shape, s, support, n);
      if (share == 0 && entering >= 0) return;  // rounding: it does not want in after all
      entering = -1;
      if (share < 1) continue;
    }
    entering = most_wanted(shape, s);
    if (entering < 0) return;
  }
}

double solve_row(const RowProblem& problem, const FixedSide& fixed, const Shape& shape, std::int64_t r, const Row& s,
                 int* support) {
  const int padded = shape.padded;
  const double constant = pair_weights<double>(problem, fixed, r, s.w, s.c);
  add_neighbours<double>(fixed, shape, neighbours_of(problem, r), s.w, s.c, s.start, s.rows, nullptr, s.P, s.b);
  add_ridges<double>(problem, shape, r, s.P);
  unpack_symmetric<double>(s.P, padded, s.A);  // what follows reads whole rows
  multiply_whole(s, shape, s.x, s.g);
  for (int i = 0; i < padded; ++i) s.g[i] -= s.b[i];
  descend(shape, s);
  exchange(shape, s, support);
  multiply_whole(s, shape, s.x, s.g);
  for (int i = 0; i < shape.size; ++i) s.g[i] = s.b[i] - s.g[i];
  return row_loss<double>(constant, s.b, s.g, s.x, shape.size);
}

std::size_t scratch_bytes(const RowProblem& problem, const FixedSide& fixed, const RowOptions&,
                          std::int64_t longest_row) {
  const std::int64_t padded = shape_of(problem, fixed).padded;
  return sizeof(double) *
             (3 * padded * padded + 5 * padded + BLOCK * padded + 2 * longest_row + Factor<double>::n_numbers(padded)) +
         16 * 64;
}

void solve(const RowProblem& problem, const FixedSide& fixed, const OwnSide& own, const RowOptions&, std::int64_t begin,
           std::int64_t end, std::int64_t longest_row, void* scratch, Totals& totals) {
  const Shape shape = shape_of(problem, fixed);
  const int k = shape.n_factors;
  Scratch memory{static_cast<char*>(scratch)};
  int* support = memory.take<int>(shape.padded);
  const Row s = take_row(memory, shape, longest_row);
  start_system<double>(problem, fixed, shape, s.start);
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
