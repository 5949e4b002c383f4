// A row to float64's quality at float32's cost: a factorisation in float32, its solution corrected by residuals that
// are formed in float64 from the float32 factors,
//
//   r = sum_j (c_j - w_j y_j . x) y_j - unobserved_weight G x - diag(ridge) x,     x += M r,     M = A^-1 in float32.
//
// Include only from native/kernels/.
#pragma once

#include "assemble.hpp"
#include "cholesky.hpp"
#include "dual.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

constexpr int MOST_CORRECTIONS = 3;
constexpr double ALLOWED_ERROR = 1e-9;  // of x; float32 stores 6e-8

// r += sum_j (c_j - w_j s_j) y_j for four neighbours, s_j = y_j . x; returns their share of b . x = sum_j c_j s_j.
inline double add_residuals(const float* const* y, const Shape& shape, const double* w, const double* c,
                            const double* x, double* r) {
  constexpr int N = Vec<double>::N;
  const int k = shape.n_factors, whole = k / N * N;
  Vec<double> sum[4] = {Vec<double>::zero(), Vec<double>::zero(), Vec<double>::zero(), Vec<double>::zero()};
  for (int f = 0; f < whole; f += N)
    _Pragma("GCC unroll 4") for (int i = 0; i < 4; ++i) sum[i] =
        fma(Vec<double>::load_floats(y[i] + f), Vec<double>::load(x + f), sum[i]);
  if (whole < k)
    for (int i = 0; i < 4; ++i)
      sum[i] = fma(Vec<double>::load_floats(y[i] + whole, k - whole), Vec<double>::load(x + whole), sum[i]);
  double s[4], product = 0;
  fold4(sum[0], sum[1], sum[2], sum[3], s);
  Vec<double> rest[4];
  for (int i = 0; i < 4; ++i) {
    if (shape.has_bias) s[i] += x[k];
    const double left = c[i] - w[i] * s[i];
    if (shape.has_bias) r[k] += left;
    rest[i] = Vec<double>::splat(left);
    product += c[i] * s[i];
  }
  for (int f = 0; f < whole; f += N) {
    Vec<double> total = Vec<double>::load(r + f);
    _Pragma("GCC unroll 4") for (int i = 0; i < 4; ++i) total = fma(rest[i], Vec<double>::load_floats(y[i] + f), total);
    total.store(r + f);
  }
  if (whole < k) {  // the bias's place is kept: nothing is added behind the factors
    Vec<double> total = Vec<double>::load(r + whole);
    _Pragma("GCC unroll 4") for (int i = 0; i < 4; ++i) total =
        fma(rest[i], Vec<double>::load_floats(y[i] + whole, k - whole), total);
    total.store(r + whole);
  }
  return product;
}

// r -= weight G x.
inline void subtract_gram(const double* G, double weight, std::int64_t k, const double* x, double* r) {
  constexpr int N = Vec<double>::N;
  std::int64_t i = 0;
  for (; i + 4 <= k; i += 4) {
    Vec<double> scale[4];
    for (int s = 0; s < 4; ++s) scale[s] = Vec<double>::splat(weight * x[i + s]);
    std::int64_t f = 0;
    for (; f + N <= k; f += N) {
      Vec<double> total = Vec<double>::load(r + f);
      _Pragma("GCC unroll 4") for (int s = 0; s < 4; ++s) total =
          subtract_product(scale[s], Vec<double>::load(G + (i + s) * k + f), total);
      total.store(r + f);
    }
    for (; f < k; ++f)
      for (int s = 0; s < 4; ++s) r[f] = fused(-weight * x[i + s], G[(i + s) * k + f], r[f]);
  }
  for (; i < k; ++i)
    for (std::int64_t f = 0; f < k; ++f) r[f] = fused(-weight * x[i], G[i * k + f], r[f]);
}

// r = b - A x in float64; returns b . x. x is zero behind the unknown, and so is r.
inline double residual(const RowProblem& problem, const FixedSide& fixed, const Shape& shape, std::int64_t row,
                       const double* w, const double* c, const double* x, double* r) {
  const std::int64_t k = shape.n_factors;
  for (int f = 0; f < shape.padded; ++f) r[f] = 0;
  if (fixed.gram && problem.unobserved_weight != 0) subtract_gram(fixed.gram, problem.unobserved_weight, k, x, r);
  for (int f = 0; f < k; ++f) r[f] -= problem.ridges[row] * x[f];
  if (shape.has_bias) r[k] -= problem.bias_ridges[row] * x[k];
  const Neighbours neighbours = neighbours_of(problem, row);
  double product = 0;
  for (std::int64_t j = 0; j < neighbours.n; j += 4) {
    const int count = neighbours.n - j < 4 ? static_cast<int>(neighbours.n - j) : 4;
    const float* y[4];
    double some_w[4] = {}, some_c[4] = {};
    for (int i = 0; i < 4; ++i) y[i] = fixed.factors + neighbours.indices[i < count ? j + i : j] * k;
    for (int i = 0; i < count; ++i) some_w[i] = w[j + i];
    for (int i = 0; i < count; ++i) some_c[i] = c[j + i];
    product += add_residuals(y, shape, some_w, some_c, x, r);
  }
  return product;
}

// The float64 norm of n numbers.
template <class T>
inline double norm(const T* x, int n) {
  double total = 0;
  for (int i = 0; i < n; ++i) total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return std::sqrt(total);
}

inline double product_of(const double* a, const double* b, int n) {
  double total = 0;
  for (int i = 0; i < n; ++i) total += a[i] * b[i];
  return total;
}

// Corrects x until it is right to ALLOWED_ERROR; solve(rhs, correction) is A^-1 in float32, whose relative error is
// expected to be `rate` until two corrections tell. `rhs` and `correction` are scratch. False where the corrections do
// not shrink fast enough: float32 does not hold this row's A.
template <class Solve>
inline bool refine(const RowProblem& problem, const FixedSide& fixed, const Shape& shape, std::int64_t row,
                   const double* w, const double* c, double constant, double* x, double* r, float* rhs,
                   float* correction, const Solve& solve, double rate, double& loss) {
  const double size = norm(x, shape.size);
  double previous = size;
  for (int step = 0; step < MOST_CORRECTIONS; ++step) {
    const double b_x = residual(problem, fixed, shape, row, w, c, x, r);
    loss = constant - b_x - product_of(r, x, shape.size);
    double largest = 0;
    for (int f = 0; f < shape.size; ++f) largest = std::fabs(r[f]) > largest ? std::fabs(r[f]) : largest;
    if (largest == 0) return loss == loss;  // no residual, or NaN
    for (int f = 0; f < shape.padded; ++f) rhs[f] = static_cast<float>(r[f] / largest);
    solve(rhs, correction);
    const double corrected = largest * norm(correction, shape.size);
    for (int f = 0; f < shape.size; ++f) {
      const double d = largest * static_cast<double>(correction[f]);
      loss -= r[f] * d;  // f(x + d) = f(x) - 2 r.d + d.A d, and A d = r but for rounding
      x[f] += d;
    }
    const double shrunk = corrected / previous;
    if (!(shrunk < 0.1)) return false;
    if (corrected * (step == 0 && shrunk < rate ? rate : shrunk) <= ALLOWED_ERROR * size) return true;
    previous = corrected;
  }
  return false;
}

}  // namespace
}  // namespace ridgeback::RIDGEBACK_LEVEL
