// The solution of A x = b for a symmetric positive definite matrix in panels, by Cholesky's A = U^T U.
// Include only from native/kernels/.
#pragma once

#include <cmath>

#include "panels.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

// What a solution leaves behind. The strict lower parts of U's diagonal blocks are not kept clean.
template <class T>
struct Factor {
  T* U;        // padded x padded, in panels
  T* turned;   // padded x N: the diagonal blocks of U, each transposed
  T* inverse;  // padded: 1 / U_ii
  T* z;        // padded: U^-T b

  static constexpr std::int64_t n_numbers(std::int64_t padded) { return padded * (padded + Vec<T>::N + 2) + 64; }
  template <class Scratch>
  static Factor take(Scratch& scratch, std::int64_t padded) {
    Factor f;
    f.U = scratch.template take<T>(padded * padded);
    f.turned = scratch.template take<T>(padded * Vec<T>::N);
    f.inverse = scratch.template take<T>(padded);
    f.z = scratch.template take<T>(padded);
    return f;
  }
};

// One diagonal block and its part of the right side, brought up to date with the blocks before. Eliminates without
// roots,
//   V_s -= V_rs / V_rr V_r,  rest_s -= V_rs / V_rr rest_r   for s > r,
// so that a row waits for one division only; then scales: U_r = V_r / sqrt(V_rr), z_r = rest_r / sqrt(V_rr).
template <class T>
inline void factorise_block(T* U, Vec<T> rest, T* pivots, T* inverse, T* turned, T* z) {
  constexpr int N = Vec<T>::N;
  Vec<T> row[N];
  _Pragma("GCC unroll 16") for (int r = 0; r < N; ++r) row[r] = Vec<T>::load(U + r * N);
  _Pragma("GCC unroll 16") for (int r = 0; r < N; ++r) {
    const Vec<T> multiplier = row[r] / Vec<T>::splat(row[r].lane(r));
    _Pragma("GCC unroll 16") for (int s = r + 1; s < N; ++s) row[s] =
        subtract_product(Vec<T>::splat(multiplier.lane(s)), row[r], row[s]);
    pivots[r] = row[r].lane(r);
    z[r] = rest.lane(r);
    rest = subtract_product(Vec<T>::splat(rest.lane(r)), multiplier, rest);
  }
  for (int r = 0; r < N; ++r) inverse[r] = T(1) / std::sqrt(pivots[r]);
  for (int r = 0; r < N; ++r) z[r] *= inverse[r];
  _Pragma("GCC unroll 16") for (int r = 0; r < N; ++r) {
    row[r] = row[r] * Vec<T>::splat(inverse[r]);
    row[r].store(U + r * N);
  }
  _Pragma("GCC unroll 4") for (int r = 0; r < N; r += 4)
      store_turned(row[r], row[r + 1], row[r + 2], row[r + 3], turned + r, N);
}

// TILE_ROWS rows of the factor, right of their diagonal block: U_rq = (A_rq - sum_{i < r} U_ir U_iq) / U_rr.
template <class T, int VECTORS>
inline __attribute__((always_inline)) void solve_tile(const T* diagonal, const T* inverse, int first, const T* A,
                                                      std::int64_t square, T* U) {
  constexpr int N = Vec<T>::N;
  const std::int64_t at = static_cast<std::int64_t>(first) * N;
  const T* left = diagonal + first % N;
  Tile<T, VECTORS> tile;
  tile.load(A + at, square);
  tile.template multiply<true>(left, N, U, square, first);
  RIDGEBACK_EACH_ROW {
    const Vec<T> scale = Vec<T>::splat(inverse[first + r]);
    RIDGEBACK_EACH_VECTOR tile.sum[r][v] = tile.sum[r][v] * scale;
    _Pragma("GCC unroll 8") for (int s = r + 1; s < TILE_ROWS; ++s) {
      const Vec<T> x = Vec<T>::splat(left[at + r * N + s]);
      RIDGEBACK_EACH_VECTOR tile.sum[s][v] = subtract_product(x, tile.sum[r][v], tile.sum[s][v]);
    }
  }
  tile.store(U + at, square);
}

// U and z = U^-T b, a block of rows after the other. False where a pivot falls below `smallest` of its diagonal entry:
// A is singular at this precision. What pads A must be of the identity.
template <class T>
inline bool factorise(const T* A, const T* b, int padded, T smallest, const Factor<T>& factor) {
  constexpr int N = Vec<T>::N;
  const std::int64_t square = static_cast<std::int64_t>(padded) * N;
  for (int block = 0; block < padded; block += N) {
    const int p = block / N;
    T* diagonal = factor.U + p * square;
    for (int first = block; first < block + N; first += TILE_ROWS) {
      const std::int64_t at = static_cast<std::int64_t>(first) * N;
      Tile<T, 1> tile;
      tile.load(A + p * square + at, square);
      tile.template multiply<true>(diagonal + first - block, N, diagonal, square, block);
      tile.store(diagonal + at, square);
    }
    alignas(64) T pivots[N];
    factorise_block<T>(diagonal + static_cast<std::int64_t>(block) * N,
                       Vec<T>::load(b + block) - column_sums<T>(diagonal, factor.z, block), pivots,
                       factor.inverse + block, factor.turned + block * N, factor.z + block);
    for (int r = 0; r < N; ++r)
      if (!(pivots[r] > smallest * A[place<T>(block + r, block + r, padded)])) return false;
    for_panels(p + 1, padded / N, [&](int q, auto width) {
      for (int first = block; first < block + N; first += TILE_ROWS)
        solve_tile<T, decltype(width)::value>(diagonal, factor.inverse, first, A + q * square, square,
                                              factor.U + q * square);
    });
  }
  return true;
}

// z = U^-T b, for another right side.
template <class T>
inline void substitute_forward(const Factor<T>& factor, int padded, const T* b) {
  constexpr int N = Vec<T>::N;
  const std::int64_t square = static_cast<std::int64_t>(padded) * N;
  for (int block = 0; block < padded; block += N) {
    const T* panel = factor.U + block / N * square;
    Vec<T> rest = Vec<T>::load(b + block) - column_sums<T>(panel, factor.z, block);
    _Pragma("GCC unroll 16") for (int r = 0; r < N; ++r) {
      factor.z[block + r] = rest.lane(r) * factor.inverse[block + r];
      rest = subtract_product(Vec<T>::splat(factor.z[block + r]),
                              Vec<T>::load(panel + static_cast<std::int64_t>(block + r) * N), rest);
    }
  }
}

// x with U x = z.
template <class T>
inline void substitute_back(const Factor<T>& factor, int padded, T* x) {
  constexpr int N = Vec<T>::N;
  const std::int64_t square = static_cast<std::int64_t>(padded) * N;
  for (int block = padded - N; block >= 0; block -= N) {
    alignas(64) T sums[N];
    for (int r = 0; r < N; r += 4) {
      Vec<T> sum[4] = {Vec<T>::zero(), Vec<T>::zero(), Vec<T>::zero(), Vec<T>::zero()};
      for (int q = block + N; q < padded; q += N) {
        const T* rows = factor.U + q / N * square + static_cast<std::int64_t>(block + r) * N;
        const Vec<T> part = Vec<T>::load(x + q);
        _Pragma("GCC unroll 4") for (int s = 0; s < 4; ++s) sum[s] = fma(Vec<T>::load(rows + s * N), part, sum[s]);
      }
      fold4(sum[0], sum[1], sum[2], sum[3], sums + r);
    }
    // x_r = rest_r / U_rr, then rest_c -= U_cr x_r for c < r, all divided by U_cc beforehand.
    const Vec<T> inverse = Vec<T>::load(factor.inverse + block);
    Vec<T> rest = (Vec<T>::load(factor.z + block) - Vec<T>::load(sums)) * inverse;
    _Pragma("GCC unroll 16") for (int r = N - 1; r >= 0; --r) {
      x[block + r] = rest.lane(r);
      rest =
          subtract_product(Vec<T>::splat(rest.lane(r)), Vec<T>::load(factor.turned + (block + r) * N) * inverse, rest);
    }
  }
}

// x = A^-1 b, all padded; false where A is singular at this precision.
template <class T>
inline bool solve_system(const T* A, const T* b, int padded, T smallest, const Factor<T>& factor, T* x) {
  if (!factorise<T>(A, b, padded, smallest, factor)) return false;
  substitute_back<T>(factor, padded, x);
  return true;
}

}  // namespace
}  // namespace ridgeback::RIDGEBACK_LEVEL
