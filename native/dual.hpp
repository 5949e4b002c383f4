// A row that is shorter than its unknown, solved in as many numbers as it has neighbours (Woodbury), D diagonal:
//
//   A = D + Y^T W Y,    Z = W^1/2 Y D^-1/2,    g = W^-1/2 c,    K = I + Z Z^T,    K t = g,    x = D^-1/2 Z^T t
//
// Needs w > 0 and D > 0; K's eigenvalues are then at least 1. Include only from native/kernels/.
#pragma once

#include "assemble.hpp"
#include "cholesky.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

constexpr float SMALLEST_DIVISOR = 1e-30f;  // w must be above it
constexpr float SMALLEST_SHARE = 1e-6f;  // of the largest D: a direction below it holds the rounding of float32 factors

// Memory for one row of at most `padded` neighbours; x and D_roots have as many numbers as the unknown.
struct Dual {
  float *Z, *K, *g, *t, *u, *e, *roots, *x, *D_roots;
  Factor<float> factor;

  static std::int64_t n_floats(std::int64_t padded) {
    return 2 * padded * padded + 7 * padded + 9 * 16 + Factor<float>::n_numbers(padded);
  }
  static Dual take(Scratch& scratch, std::int64_t padded) {
    Dual d;
    float** const squares[] = {&d.Z, &d.K};
    for (float** piece : squares) *piece = scratch.take<float>(padded * padded);
    float** const vectors[] = {&d.g, &d.t, &d.u, &d.e, &d.roots, &d.x, &d.D_roots};
    for (float** piece : vectors) *piece = scratch.take<float>(padded);
    d.factor = Factor<float>::take(scratch, padded);
    return d;
  }
};

// D_roots = D^-1/2 of row r, D = unobserved_weight diag(G) + ridges; false where some D is next to nothing.
inline bool invert_diagonal(const RowProblem& problem, const Shape& shape, std::int64_t r, const float* gram_diagonal,
                            float* D_roots) {
  const int k = shape.n_factors;
  const float ridge = static_cast<float>(problem.ridges[r]);
  int n_flat = 0;
  for (int f = 0; f < k; ++f) D_roots[f] = gram_diagonal[f] + ridge;
  if (shape.has_bias) D_roots[k] = static_cast<float>(problem.bias_ridges[r]);
  float largest = SMALLEST_DIVISOR / SMALLEST_SHARE;
  for (int f = 0; f < shape.size; ++f) largest = D_roots[f] > largest ? D_roots[f] : largest;
  for (int f = 0; f < shape.size; ++f) n_flat += D_roots[f] > SMALLEST_SHARE * largest ? 0 : 1;
  for (int f = 0; f < shape.size; ++f) D_roots[f] = 1.0f / std::sqrt(D_roots[f]);
  for (int f = shape.size; f < shape.padded; ++f) D_roots[f] = 0;
  return n_flat == 0;
}

// roots = W^1/2 and g = W^-1/2 c, zeros behind them; false where some w is not above zero.
inline bool scale_pulls(const float* w, const float* c, int n, int n_padded, float* roots, float* g) {
  int n_flat = 0;
  for (int j = 0; j < n; ++j) n_flat += w[j] > SMALLEST_DIVISOR ? 0 : 1;
  for (int j = 0; j < n; ++j) roots[j] = std::sqrt(w[j]);
  for (int j = 0; j < n; ++j) g[j] = c[j] / roots[j];
  for (int j = n; j < n_padded; ++j) roots[j] = g[j] = 0;
  return n_flat == 0;
}

// Z^T in panels of 16 neighbours, a panel's rows being the factors: Z(j, f) = sqrt(w_j) y_jf / sqrt(D_f).
inline void gather_turned(const FixedSide& fixed, const Shape& shape, const Neighbours& neighbours, const float* roots,
                          const float* D_roots, float* Z) {
  constexpr int N = Vec<float>::N;
  const std::int64_t k = shape.n_factors;
  for (std::int64_t first = 0; first < neighbours.n; first += 4) {
    float* target = Z + first / N * shape.padded * N + first % N;
    const float* source[4];
    Vec<float> root[4];
    for (int j = 0; j < 4; ++j) {
      source[j] = fixed.factors + neighbours.indices[first + j < neighbours.n ? first + j : first] * k;
      root[j] = Vec<float>::splat(roots[first + j]);
    }
    int at = 0;
    for (; at + N <= k; at += N) {
      const Vec<float> scale = Vec<float>::load(D_roots + at);
      Vec<float> z[4];
      _Pragma("GCC unroll 4") for (int j = 0; j < 4; ++j) z[j] = Vec<float>::load(source[j] + at) * (scale * root[j]);
      store_turned(z[0], z[1], z[2], z[3], target + at * N, N);
    }
    if (at < shape.padded) {
      const Vec<float> scale = Vec<float>::load(D_roots + at);
      Vec<float> z[4];
      for (int j = 0; j < 4; ++j) {
        alignas(64) float part[N] = {};
        for (std::int64_t f = at; f < k; ++f) part[f - at] = source[j][f];
        if (shape.has_bias) part[k - at] = 1;
        z[j] = Vec<float>::load(part) * (scale * root[j]);
      }
      store_turned(z[0], z[1], z[2], z[3], target + at * N, N);
    }
  }
  for (std::int64_t first = (neighbours.n + 3) / 4 * 4; first % N; first += 4)  // neighbours that are not there
    for (int f = 0; f < shape.padded; ++f)
      for (int j = 0; j < 4; ++j) Z[first / N * shape.padded * N + f * N + first % N + j] = 0;
}

// v = Z^T t: for each factor the sum over the neighbours.
inline void sum_neighbours(const float* Z, int n_padded, int padded, const float* t, float* v) {
  constexpr int N = Vec<float>::N;
  for (int f = 0; f < padded; f += 4) {
    Vec<float> sum[4] = {Vec<float>::zero(), Vec<float>::zero(), Vec<float>::zero(), Vec<float>::zero()};
    for (int j = 0; j < n_padded; j += N) {
      const Vec<float> part = Vec<float>::load(t + j);
      const float* rows = Z + static_cast<std::int64_t>(j) * padded + f * N;
      _Pragma("GCC unroll 4") for (int s = 0; s < 4; ++s) sum[s] = fma(Vec<float>::load(rows + s * N), part, sum[s]);
    }
    fold4(sum[0], sum[1], sum[2], sum[3], v + f);
  }
}

// Solves row r into d.x; false where w or D is next to nothing, or K is singular in float32.
inline bool solve_dual(const RowProblem& problem, const FixedSide& fixed, const Shape& shape, std::int64_t r,
                       const float* gram_diagonal, const float* w, const float* c, double constant,
                       float smallest_pivot, const Dual& d, double& loss) {
  constexpr int N = Vec<float>::N;
  const Neighbours neighbours = neighbours_of(problem, r);
  const int n = static_cast<int>(neighbours.n), n_padded = (n + N - 1) / N * N;
  if (!invert_diagonal(problem, shape, r, gram_diagonal, d.D_roots)) return false;
  if (!scale_pulls(w, c, n, n_padded, d.roots, d.g)) return false;

  gather_turned(fixed, shape, neighbours, d.roots, d.D_roots, d.Z);
  Ahead ahead = fetch_ahead(fixed, neighbours, n, n_padded / N);
  add_outer_products<float>(d.Z, d.Z, static_cast<std::int64_t>(shape.padded) * N, shape.size, n_padded, nullptr, d.K,
                            ahead);
  for (int j = 0; j < n_padded; ++j) d.K[place<float>(j, j, n_padded)] += 1.0f;
  if (!solve_system<float>(d.K, d.g, n_padded, smallest_pivot, d.factor, d.t)) return false;

  // v = Z^T t, x = D^-1/2 v, u = Z v = W^1/2 Y x. With e = g - K t: b.x = g.u and (b - A x).x = e.u.
  sum_neighbours(d.Z, n_padded, shape.padded, d.t, d.x);
  for (int j = 0; j < n_padded; j += N)
    column_sums<float>(d.Z + static_cast<std::int64_t>(j) * shape.padded, d.x, shape.padded).store(d.u + j);
  for (int f = 0; f < shape.padded; ++f) d.x[f] *= d.D_roots[f];
  for (int j = 0; j < n; ++j) d.e[j] = d.g[j] - d.t[j] - d.u[j];
  loss = row_loss<float>(constant, d.g, d.e, d.u, n);
  return true;
}

// The trace of K of the row just solved: what float32's rounding may grow by in solve_dual_again, which takes the
// difference of numbers that many times as large.
inline double trace(const Dual& d, int n_padded) {
  double total = 0;
  for (int j = 0; j < n_padded; ++j) total += static_cast<double>(d.K[place<float>(j, j, n_padded)]);
  return total;
}

// x = A^-1 b of the row just solved, b = rhs: D^-1/2 (I - Z^T K^-1 Z) D^-1/2 b.
inline void solve_dual_again(const Shape& shape, int n_padded, const Dual& d, const float* rhs, float* x) {
  constexpr int N = Vec<float>::N;
  for (int f = 0; f < shape.padded; ++f) x[f] = d.D_roots[f] * rhs[f];
  for (int j = 0; j < n_padded; j += N)
    column_sums<float>(d.Z + static_cast<std::int64_t>(j) * shape.padded, x, shape.padded).store(d.u + j);
  substitute_forward<float>(d.factor, n_padded, d.u);
  substitute_back<float>(d.factor, n_padded, d.t);
  sum_neighbours(d.Z, n_padded, shape.padded, d.t, d.e);
  for (int f = 0; f < shape.padded; ++f) x[f] = d.D_roots[f] * (x[f] - d.e[f]);
}

}  // namespace
}  // namespace ridgeback::RIDGEBACK_LEVEL
