// From a row's neighbours to its normal equations A x = b.
//
//   A = unobserved_weight G + diag(ridge) + sum_j w_j y_j y_j^T,     b = sum_j c_j y_j
//
// A is kept in panels (panels.hpp). Include only from native/kernels/.
#pragma once

#include <cmath>

#include "panels.hpp"
#include "row_problem.hpp"
#include "simd.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

constexpr int BLOCK = 64;  // neighbours gathered at a time: 16 KB at 64 factors, so they stay in L1 beside A

// The unknown of a row is [x, bias] or x: `size` numbers, stored in `padded`, which is never 0.
struct Shape {
  int n_factors, size, padded;
  bool has_bias;
};

inline Shape shape_of(const RowProblem& problem, const FixedSide& fixed) {
  const bool has_bias = problem.bias_ridges != nullptr;
  const int size = fixed.n_factors + (has_bias ? 1 : 0);
  return {fixed.n_factors, size, size > 0 ? (size + 15) / 16 * 16 : 16, has_bias};
}

// Copies the neighbours' factors to rows of `padded` numbers, a one for the bias and zeros behind.
template <class T>
inline void gather(const FixedSide& fixed, const Shape& shape, const std::int32_t* neighbours, std::int64_t n,
                   T* rows) {
  constexpr std::int64_t AHEAD = 12;
  const std::int64_t k = shape.n_factors;
  for (std::int64_t j = 0; j < n; ++j) {
    if (j + AHEAD < n) {
      const char* next = reinterpret_cast<const char*>(fixed.factors + neighbours[j + AHEAD] * k);
      for (std::int64_t line = 0; line < k * 4; line += 64) __builtin_prefetch(next + line);
    }
    const float* source = fixed.factors + neighbours[j] * k;
    T* row = rows + j * shape.padded;
    for (int f = 0; f < k; ++f) row[f] = source[f];
    for (int f = k; f < shape.padded; ++f) row[f] = 0;
    if (shape.has_bias) row[k] = 1;
  }
}

// values[columns[i]] of the first n of a vector's columns, zeros behind them.
template <class Value>
inline Vec<double> take_columns(const Value* values, const std::int32_t* columns, int n) {
  alignas(64) double taken[Vec<double>::N] = {};
  for (int i = 0; i < n; ++i) taken[i] = static_cast<double>(values[columns[i]]);
  return Vec<double>::load(taken);
}

inline void store_as(const Vec<double>& v, double* p) { v.store(p); }
inline void store_as(const Vec<double>& v, float* p) { v.store_floats(p); }

// Weights and pulls of a vector of pairs from `pair` on, the first `n` of which are there, and their shares of the
// loss's constant.
template <class T, class Load>
inline __attribute__((always_inline)) Vec<double> weigh_pairs(const RowProblem& problem, const FixedSide& fixed,
                                                              double row_scale, std::int64_t pair, int n,
                                                              const Load& load, T* w, T* c) {
  const std::int32_t* columns = problem.indices + pair;
  Vec<double> weight = Vec<double>::splat(row_scale), pull, share;
  if (problem.column_scales) weight = weight * take_columns(problem.column_scales, columns, n);
  if (problem.confidences) weight = weight * load(problem.confidences + pair);
  if (problem.pull == Pull::target) {
    Vec<double> target = load(problem.targets + pair) - Vec<double>::splat(problem.target_offset);
    if (fixed.biases) target = target - take_columns(fixed.biases, columns, n);
    pull = weight * target;
    share = pull * target;
  } else {
    share = pull = Vec<double>::splat(problem.pull == Pull::one_plus_weight ? 1.0 : 0.0) + weight;
  }
  store_as(weight, w);
  store_as(pull, c);
  return share;
}

// The curvature weights w and pulls c of row r; returns the constant of its loss (sum of w t^2, or of c), added up in
// eight sums side by side.
template <class T>
inline double pair_weights(const RowProblem& problem, const FixedSide& fixed, std::int64_t r, T* w, T* c) {
  constexpr int N = Vec<double>::N;
  const std::int64_t begin = problem.indptr[r], n = problem.indptr[r + 1] - begin;
  const double row_scale = problem.row_scales ? problem.row_scales[r] : 1.0;
  Vec<double> sum = Vec<double>::zero();
  std::int64_t at = 0;
  for (; at + N <= n; at += N) {
    const auto load = [](const float* p) { return Vec<double>::load_floats(p); };
    sum = sum + weigh_pairs<T>(problem, fixed, row_scale, begin + at, N, load, w + at, c + at);
  }
  double sums[N];
  if (at < n) {
    const int rest = static_cast<int>(n - at);
    const auto load = [&](const float* p) { return Vec<double>::load_floats(p, rest); };
    T last_w[N], last_c[N];
    double share[N];
    weigh_pairs<T>(problem, fixed, row_scale, begin + at, rest, load, last_w, last_c).store(share);
    sum.store(sums);
    for (int i = 0; i < rest; ++i) {
      w[at + i] = last_w[i];
      c[at + i] = last_c[i];
      sums[i] += share[i];
    }
  } else {
    sum.store(sums);
  }
  double constant = 0;
  for (const double one : sums) constant += one;
  return constant;
}

// One row's neighbours; behind them `n_following` of the next rows', which may be fetched ahead.
struct Neighbours {
  const std::int32_t* indices;
  std::int64_t n, n_following;
};

inline Neighbours neighbours_of(const RowProblem& problem, std::int64_t r) {
  const std::int64_t begin = problem.indptr[r], end = problem.indptr[r + 1];
  return {problem.indices + begin, end - begin, problem.indptr[problem.n_rows] - end};
}

// A block's worth of neighbours from `next` on, to be fetched while those before are multiplied.
inline Ahead fetch_ahead(const FixedSide& fixed, const Neighbours& neighbours, std::int64_t next, int n_panels) {
  const std::int64_t left = neighbours.n + neighbours.n_following - next;
  return Ahead(fixed, neighbours.indices + next, left < BLOCK ? left : BLOCK, n_panels);
}

// VECTORS panels of at most BLOCK rows sqrt(w_j) y_j, and b += sum_j c_j y_j. `n_floats` of the last panel are factors,
// `behind` follows them: a one where the bias stands.
template <class T, int VECTORS>
inline void gather_panels(const float* factors, std::int64_t k, int n_floats, const Vec<T>& behind,
                          const std::int32_t* neighbours, std::int64_t n, const T* roots, const T* c, T* rows, T* b) {
  constexpr int N = Vec<T>::N;
  Vec<T> sum[VECTORS];
  RIDGEBACK_EACH_VECTOR sum[v] = Vec<T>::load(b + v * N);
  for (std::int64_t j = 0; j < n; ++j) {
    const float* source = factors + neighbours[j] * k;
    const Vec<T> root = Vec<T>::splat(roots[j]), pull = Vec<T>::splat(c[j]);
    RIDGEBACK_EACH_VECTOR {
      const Vec<T> y =
          n_floats == N ? Vec<T>::load_floats(source + v * N) : Vec<T>::load_floats(source, n_floats) + behind;
      (root * y).store(rows + (v * BLOCK + j) * N);
      sum[v] = fma(pull, y, sum[v]);
    }
  }
  RIDGEBACK_EACH_VECTOR sum[v].store(b + v * N);
}

// Rows sqrt(w_j) y_j of a block in panels BLOCK * N apart, y_j = [factors, 1] where there is a bias; b += sum_j c_j
// y_j.
template <class T>
inline void gather_scaled(const FixedSide& fixed, const Shape& shape, const std::int32_t* neighbours, std::int64_t n,
                          const T* roots, const T* c, T* rows, T* b) {
  constexpr int N = Vec<T>::N;
  const std::int64_t k = shape.n_factors;
  int at = 0;
  for (; at + 4 * N <= k; at += 4 * N)
    gather_panels<T, 4>(fixed.factors + at, k, N, Vec<T>::zero(), neighbours, n, roots, c, rows + at * BLOCK, b + at);
  for (; at < shape.padded; at += N) {
    alignas(64) T ones[N] = {};
    if (shape.has_bias && k >= at && k < at + N) ones[k - at] = 1;
    const int n_floats = k >= at + N ? N : k > at ? static_cast<int>(k) - at : 0;
    gather_panels<T, 1>(fixed.factors + at, k, n_floats, Vec<T>::load(ones), neighbours, n, roots, c, rows + at * BLOCK,
                        b + at);
  }
}

// Float32 sums of longer rows are formed in groups of this many neighbours: rounding would grow with the row.
template <class T>
constexpr std::int64_t GROUP = sizeof(T) == sizeof(float) ? 8 * BLOCK : std::int64_t{1} << 62;

template <class T>
inline std::int64_t group_numbers(std::int64_t padded) {
  return sizeof(T) == sizeof(float) ? padded * padded + padded : 0;
}

// A = start + sum_j w_j y_j y_j^T and b = sum_j c_j y_j. `rows` holds BLOCK x padded numbers, `group` group_numbers.
template <class T>
inline void add_neighbours(const FixedSide& fixed, const Shape& shape, const Neighbours& neighbours, const T* w,
                           const T* c, const T* start, T* rows, T* group, T* A, T* b) {
  constexpr int N = Vec<T>::N;
  const std::int64_t padded = shape.padded;
  T *sum_A = A, *sum_b = b;
  for (std::int64_t first = 0; first < neighbours.n; first += GROUP<T>) {
    const std::int64_t end = neighbours.n - first < GROUP<T> ? neighbours.n : first + GROUP<T>;
    for (int f = 0; f < padded; ++f) sum_b[f] = 0;
    for (std::int64_t begin = first; begin < end; begin += BLOCK) {
      const std::int64_t count = end - begin < BLOCK ? end - begin : BLOCK;
      T roots[BLOCK];
      for (std::int64_t j = 0; j < count; ++j) roots[j] = std::sqrt(w[begin + j]);
      gather_scaled<T>(fixed, shape, neighbours.indices + begin, count, roots, c + begin, rows, sum_b);
      Ahead ahead = fetch_ahead(fixed, neighbours, begin + count, shape.padded / N);
      add_outer_products<T>(rows, rows, BLOCK * N, count, shape.padded, begin > first ? sum_A : start, sum_A, ahead);
    }
    if (first > 0) {
      for (std::int64_t at = 0; at < padded; at += N)  // a panel at a time, down to the end of its diagonal block
        add_scaled<T>(T(1), group + at * padded, A + at * padded, static_cast<int>((at + N) * N));
      add_scaled<T>(T(1), sum_b, b, shape.padded);
    }
    start = nullptr;
    sum_A = group;
    sum_b = group + padded * padded;
  }
}

// unobserved_weight G in panels: what every row's A starts from.
template <class T>
inline void start_system(const RowProblem& problem, const FixedSide& fixed, const Shape& shape, T* start) {
  constexpr std::int64_t N = Vec<T>::N;
  const std::int64_t k = shape.n_factors, padded = shape.padded;
  const bool has_gram = fixed.gram && problem.unobserved_weight != 0;
  for (std::int64_t first = 0; first < padded; first += N)
    for (std::int64_t i = 0; i < first + N; ++i) {
      T* row = start + first * padded + i * N;
      const std::int64_t n = !has_gram || i >= k || first >= k ? 0 : k - first < N ? k - first : N;
      const double* source = fixed.gram + (n ? i * k + first : 0);
      if (n == N)
        for (std::int64_t c = 0; c < N; ++c) row[c] = static_cast<T>(problem.unobserved_weight * source[c]);
      else
        for (std::int64_t c = 0; c < N; ++c)
          row[c] = c < n ? static_cast<T>(problem.unobserved_weight * source[c]) : T(0);
    }
}

// A += diag(ridges of row r), and the diagonal of the identity behind it.
template <class T>
inline void add_ridges(const RowProblem& problem, const Shape& shape, std::int64_t r, T* A) {
  for (int i = 0; i < shape.n_factors; ++i) A[place<T>(i, i, shape.padded)] += static_cast<T>(problem.ridges[r]);
  if (shape.has_bias)
    A[place<T>(shape.n_factors, shape.n_factors, shape.padded)] += static_cast<T>(problem.bias_ridges[r]);
  for (int i = shape.size; i < shape.padded; ++i) A[place<T>(i, i, shape.padded)] = 1;
}

// A row's share of the loss: constant - b.x - r.x with r = b - A x, summed in float64.
template <class T>
inline double row_loss(double constant, const T* b, const T* r, const T* x, int size) {
  double product = 0;
  for (int i = 0; i < size; ++i)
    product += (static_cast<double>(b[i]) + static_cast<double>(r[i])) * static_cast<double>(x[i]);
  return constant - product;
}

// Scratch memory, handed out piece by piece on 64-byte boundaries.
struct Scratch {
  char* next;
  template <class T>
  T* take(std::int64_t n) {
    T* piece = reinterpret_cast<T*>(next);
    next += (n * static_cast<std::int64_t>(sizeof(T)) + 63) / 64 * 64;
    return piece;
  }
};

}  // namespace
}  // namespace ridgeback::RIDGEBACK_LEVEL
