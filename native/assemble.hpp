// From a row's neighbours to its normal equations A x = b, and their solution.
//
//   A = unobserved_weight G + diag(ridge) + sum_j w_j y_j y_j^T,     b = sum_j c_j y_j
//
// A is kept by its upper triangle, rows of `padded` entries (a multiple of 16), and so is its factor U, A = U^T U.
// Blocks of 16 x 16 on the diagonal are whole. Include only from native/kernels/.
#pragma once

#include <cmath>

#include "row_problem.hpp"
#include "simd.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

constexpr int BLOCK = 64;  // neighbours gathered at a time: 2 x 16 KB at 64 factors, so both copies stay in L1
constexpr int TILE_ROWS = N_REGISTERS == 4 ? 2 : 4;
constexpr int TILE_VECTORS = N_REGISTERS == 1 ? 2 : 1;

// The unknown of a row is [x, bias] or x: `size` numbers, stored in `padded`.
struct Shape {
  int n_factors, size, padded;
  bool has_bias;
};

inline Shape shape_of(const RowProblem& problem, const FixedSide& fixed) {
  const bool has_bias = problem.bias_ridges != nullptr;
  const int size = fixed.n_factors + (has_bias ? 1 : 0);
  return {fixed.n_factors, size, (size + 15) / 16 * 16, has_bias};
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

// The curvature weights w and pulls c of row r; returns the constant of its loss (sum of w t^2, or of c).
template <class T>
inline double pair_weights(const RowProblem& problem, const FixedSide& fixed, std::int64_t r, T* w, T* c) {
  const std::int64_t begin = problem.indptr[r], end = problem.indptr[r + 1];
  const double row_scale = problem.row_scales ? problem.row_scales[r] : 1.0;
  double constant = 0;
  for (std::int64_t p = begin; p < end; ++p) {
    const std::int32_t column = problem.indices[p];
    double weight = row_scale;
    if (problem.column_scales) weight *= problem.column_scales[column];
    if (problem.confidences) weight *= problem.confidences[p];
    double pull = weight;
    if (problem.pull == Pull::one_plus_weight) pull = 1.0 + weight;
    double share = pull;
    if (problem.pull == Pull::target) {
      const double target = problem.targets[p] - (fixed.biases ? static_cast<double>(fixed.biases[column]) : 0.0);
      pull = weight * target;
      share = pull * target;
    }
    w[p - begin] = static_cast<T>(weight);
    c[p - begin] = static_cast<T>(pull);
    constant += share;
  }
  return constant;
}

// target[i] (rows i = first .. first + TILE_ROWS - 1, from column `from`) = source + sign * sum_j left[j][i] right[j]
// for j < n: the register tile behind the normal equations, the factorisation and the rotation.
template <class T, int VECTORS>
inline __attribute__((always_inline)) void tile(const T* left, int left_stride, const T* right, int right_stride,
                                                std::int64_t n, T sign, const T* source, T* target, int stride) {
  constexpr int N = Vec<T>::N;
  Vec<T> sum[TILE_ROWS][VECTORS];
  _Pragma("GCC unroll 4") for (int r = 0; r < TILE_ROWS; ++r) _Pragma("GCC unroll 2") for (int v = 0; v < VECTORS; ++v)
      sum[r][v] = Vec<T>::load(source + static_cast<std::int64_t>(r) * stride + v * N);
  for (std::int64_t j = 0; j < n; ++j) {
    Vec<T> y[VECTORS];
    _Pragma("GCC unroll 2") for (int v = 0; v < VECTORS; ++v) y[v] = Vec<T>::load(right + j * right_stride + v * N);
    _Pragma("GCC unroll 4") for (int r = 0; r < TILE_ROWS; ++r) {
      const Vec<T> x = Vec<T>::splat(sign * left[j * left_stride + r]);
      _Pragma("GCC unroll 2") for (int v = 0; v < VECTORS; ++v) sum[r][v] = fma(x, y[v], sum[r][v]);
    }
  }
  _Pragma("GCC unroll 4") for (int r = 0; r < TILE_ROWS; ++r) _Pragma("GCC unroll 2") for (int v = 0; v < VECTORS; ++v)
      sum[r][v]
          .store(target + static_cast<std::int64_t>(r) * stride + v * N);
}

// Rows first .. first + TILE_ROWS - 1 of target = source + sign * left^T right, from the diagonal block on.
template <class T>
inline void tile_rows(const T* left, const T* right, std::int64_t n, T sign, int first, int padded, const T* source,
                      T* target) {
  constexpr int N = Vec<T>::N;
  const std::int64_t row = static_cast<std::int64_t>(first) * padded;
  int column = first / 16 * 16;
  for (; column + TILE_VECTORS * N <= padded; column += TILE_VECTORS * N)
    tile<T, TILE_VECTORS>(left + first, padded, right + column, padded, n, sign, source + row + column,
                          target + row + column, padded);
  for (; column < padded; column += N)
    tile<T, 1>(left + first, padded, right + column, padded, n, sign, source + row + column, target + row + column,
               padded);
}

// A += sum_j weighted_j y_j^T over one gathered block.
template <class T>
inline void add_outer_products(const T* weighted, const T* rows, std::int64_t n, const Shape& shape, T* A) {
  for (int first = 0; first < shape.size; first += TILE_ROWS)
    tile_rows<T>(weighted, rows, n, T(1), first, shape.padded, A, A);
}

// Adds the neighbours to A and b. `rows` and `weighted` hold BLOCK x padded numbers each.
template <class T>
inline void add_neighbours(const FixedSide& fixed, const Shape& shape, const std::int32_t* neighbours, std::int64_t n,
                           const T* w, const T* c, T* rows, T* weighted, T* A, T* b) {
  for (std::int64_t begin = 0; begin < n; begin += BLOCK) {
    const std::int64_t count = n - begin < BLOCK ? n - begin : BLOCK;
    gather<T>(fixed, shape, neighbours + begin, count, rows);
    for (std::int64_t j = 0; j < count; ++j) {
      const T* y = rows + j * shape.padded;
      add_scaled<T>(c[begin + j], y, b, shape.padded);
      const Vec<T> weight = Vec<T>::splat(w[begin + j]);
      for (int f = 0; f < shape.padded; f += Vec<T>::N)
        (weight * Vec<T>::load(y + f)).store(weighted + j * shape.padded + f);
    }
    add_outer_products<T>(weighted, rows, count, shape, A);
  }
}

// A = unobserved_weight G + the ridges of row r; b = 0.
template <class T>
inline void start_system(const RowProblem& problem, const FixedSide& fixed, const Shape& shape, std::int64_t r, T* A,
                         T* b) {
  const int k = shape.n_factors, padded = shape.padded;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(padded) * padded; ++i) A[i] = 0;
  for (int i = 0; i < padded; ++i) b[i] = 0;
  if (fixed.gram && problem.unobserved_weight != 0)
    for (int i = 0; i < k; ++i)
      for (int j = 0; j < k; ++j)
        A[static_cast<std::int64_t>(i) * padded + j] =
            static_cast<T>(problem.unobserved_weight * fixed.gram[static_cast<std::int64_t>(i) * k + j]);
  for (int i = 0; i < k; ++i) A[static_cast<std::int64_t>(i) * padded + i] += static_cast<T>(problem.ridges[r]);
  if (shape.has_bias) A[static_cast<std::int64_t>(k) * padded + k] += static_cast<T>(problem.bias_ridges[r]);
}

// U with A = U^T U. False where a pivot falls below `smallest` of its diagonal entry: A is singular at this precision.
template <class T>
inline bool factorise(const T* A, const Shape& shape, T smallest, T* U) {
  const int padded = shape.padded;
  for (int first = 0; first < shape.size; first += TILE_ROWS) {
    tile_rows<T>(U, U, first, T(-1), first, padded, A, U);
    const int last = first + TILE_ROWS < shape.size ? first + TILE_ROWS : shape.size;
    for (int i = first; i < last; ++i) {
      T* row = U + static_cast<std::int64_t>(i) * padded;
      const T pivot = row[i];
      if (!(pivot > smallest * A[static_cast<std::int64_t>(i) * padded + i])) return false;
      const T root = std::sqrt(pivot);
      const Vec<T> scale = Vec<T>::splat(T(1) / root);
      for (int f = i / 16 * 16; f < padded; f += Vec<T>::N) (Vec<T>::load(row + f) * scale).store(row + f);
      row[i] = root;
      for (int below = i + 1; below < last; ++below)
        add_scaled<T>(-row[below], row + i / 16 * 16, U + static_cast<std::int64_t>(below) * padded + i / 16 * 16,
                      padded - i / 16 * 16);
    }
  }
  return true;
}

// x with U^T U x = b; `z` is scratch. All padded; x is zero behind `size`.
template <class T>
inline void solve_factorised(const T* U, const Shape& shape, const T* b, T* z, T* x) {
  const int padded = shape.padded;
  for (int i = 0; i < padded; ++i) {
    z[i] = b[i];
    x[i] = 0;
  }
  for (int i = 0; i < shape.size; ++i) {
    const T* row = U + static_cast<std::int64_t>(i) * padded;
    const T value = z[i] / row[i];
    add_scaled<T>(-value, row + i / 16 * 16, z + i / 16 * 16, padded - i / 16 * 16);
    z[i] = value;
  }
  for (int i = shape.size - 1; i >= 0; --i) {
    const T* row = U + static_cast<std::int64_t>(i) * padded;
    x[i] = (z[i] - dot<T>(row + i / 16 * 16, x + i / 16 * 16, padded - i / 16 * 16)) / row[i];
  }
}

// y = A x from the upper triangle (blocks on the diagonal are whole).
template <class T>
inline void multiply(const T* A, const Shape& shape, const T* x, T* y) {
  const int padded = shape.padded;
  for (int i = 0; i < padded; ++i) y[i] = 0;
  for (int i = 0; i < shape.size; ++i) {
    const T* row = A + static_cast<std::int64_t>(i) * padded;
    const int block = i / 16 * 16, next = block + 16;
    y[i] += dot<T>(row + block, x + block, padded - block);
    add_scaled<T>(x[i], row + next, y + next, padded - next);
  }
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
