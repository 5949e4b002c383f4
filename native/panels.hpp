// Symmetric matrices and gathered rows in panels, and the register tile that multiplies them.
//
// A panel is a group of N = Vec<T>::N columns, its rows one after the other, so that a pass down the rows reads memory
// in order:  M(i, c) = M[(c / N) * distance + i * N + c % N].  Of a symmetric matrix of size `padded` (a multiple of
// 16) panel p holds the rows up to the end of its diagonal block, which is whole; distance = padded * N.
// Include only from native/kernels/.
#pragma once

#include "row_problem.hpp"
#include "simd.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

// The accumulators of a tile fill the registers: 8 x 3 of AVX-512's 32, 4 x 2 of AVX2's 16.
constexpr int TILE_ROWS = N_REGISTERS == 1 ? 8 : N_REGISTERS == 2 ? 4 : 2;
constexpr int TILE_VECTORS = N_REGISTERS == 1 ? 3 : 1;
#define RIDGEBACK_EACH_ROW _Pragma("GCC unroll 8") for (int r = 0; r < TILE_ROWS; ++r)
#define RIDGEBACK_EACH_VECTOR _Pragma("GCC unroll 8") for (int v = 0; v < VECTORS; ++v)

// Where M(i, c) of a symmetric matrix stands, i <= c or both in one diagonal block.
template <class T>
inline std::int64_t place(int i, int c, int padded) {
  constexpr int N = Vec<T>::N;
  return static_cast<std::int64_t>(c / N) * padded * N + i * N + c % N;
}

// TILE_ROWS rows by VECTORS panels of sums, kept in registers.
template <class T, int VECTORS>
struct Tile {
  Vec<T> sum[TILE_ROWS][VECTORS];

  inline __attribute__((always_inline)) void clear() {
    RIDGEBACK_EACH_ROW RIDGEBACK_EACH_VECTOR sum[r][v] = Vec<T>::zero();
  }
  inline __attribute__((always_inline)) void load(const T* source, std::int64_t distance) {
    RIDGEBACK_EACH_ROW RIDGEBACK_EACH_VECTOR sum[r][v] = Vec<T>::load(source + v * distance + r * Vec<T>::N);
  }
  inline __attribute__((always_inline)) void store(T* target, std::int64_t distance) const {
    RIDGEBACK_EACH_ROW RIDGEBACK_EACH_VECTOR sum[r][v].store(target + v * distance + r * Vec<T>::N);
  }
  // sum[r] += or -= sum_j left(j, r) right[j], j = 0 .. n - 1 in order; left(j, r) = left[j * left_stride + r *
  // turned].
  template <bool SUBTRACTS>
  inline __attribute__((always_inline)) void multiply(const T* left, int left_stride, const T* right,
                                                      std::int64_t distance, std::int64_t n, std::int64_t turned = 1) {
    for (std::int64_t j = 0; j < n; ++j) {
      Vec<T> y[VECTORS];
      RIDGEBACK_EACH_VECTOR y[v] = Vec<T>::load(right + v * distance + j * Vec<T>::N);
      RIDGEBACK_EACH_ROW {
        const Vec<T> x = Vec<T>::splat(left[j * left_stride + r * turned]);
        RIDGEBACK_EACH_VECTOR sum[r][v] = SUBTRACTS ? subtract_product(x, y[v], sum[r][v]) : fma(x, y[v], sum[r][v]);
      }
    }
  }
};

template <int VECTORS>
struct Width {
  static constexpr int value = VECTORS;
};

// Calls work(first panel, how many) for panels begin .. end - 1 in groups that a tile takes, how many being a constant.
template <class Work>
inline __attribute__((always_inline)) void for_panels(int begin, int end, const Work& work) {
  int panel = begin;
  if constexpr (TILE_VECTORS == 3) {
    for (; end - panel >= 5 || end - panel == 3; panel += 3) work(panel, Width<3>());
    for (; end - panel >= 2; panel += 2) work(panel, Width<2>());
  }
  for (; panel < end; ++panel) work(panel, Width<1>());
}

// Fetches into the cache, line by line between the tiles, the factors that the next block or row will gather.
class Ahead {
 public:
  Ahead(const FixedSide& fixed, const std::int32_t* neighbours, std::int64_t n, int n_panels)
      : factors_(reinterpret_cast<const char*>(fixed.factors)),
        row_bytes_(4 * static_cast<std::int64_t>(fixed.n_factors)),
        next_(neighbours),
        end_(neighbours + n) {
    const int n_tiles = n_panels * (n_panels + 5) / 5 * 2;
    lines_per_tile_ = static_cast<int>(n * (row_bytes_ / 64 + 1) / (n_tiles > 0 ? n_tiles : 1)) + 1;
    open();
  }
  Ahead() : factors_(nullptr), row_bytes_(0), next_(nullptr), end_(nullptr), lines_per_tile_(0) {}

  inline void fetch() {
    for (int i = 0; i < lines_per_tile_ && next_ != end_; ++i) {
      __builtin_prefetch(line_, 0, 2);
      line_ += 64;
      if (line_ < row_end_) continue;
      ++next_;
      open();
    }
  }

 private:
  void open() {
    if (next_ == end_) return;
    const char* row = factors_ + *next_ * row_bytes_;
    row_end_ = row + row_bytes_;
    line_ = row - (reinterpret_cast<std::uintptr_t>(row) & 63);
  }

  const char* factors_;
  std::int64_t row_bytes_;
  const std::int32_t *next_, *end_;
  int lines_per_tile_;
  const char *line_ = nullptr, *row_end_ = nullptr;
};

// A = start + sum_j left_j right_j^T, a symmetric matrix, over n rows in panels of `distance`; start null: zero.
template <class T>
inline void add_outer_products(const T* left, const T* right, std::int64_t distance, std::int64_t n, int padded,
                               const T* start, T* A, Ahead& ahead) {
  constexpr int N = Vec<T>::N;
  const std::int64_t square = static_cast<std::int64_t>(padded) * N;
  const int n_panels = padded / N;
  const auto multiply = [&](int p, int q, auto width) __attribute__((always_inline)) {
    for (int first = 0; first < N; first += TILE_ROWS) {
      const std::int64_t at = q * square + static_cast<std::int64_t>(p * N + first) * N;
      Tile<T, decltype(width)::value> tile;
      if (start)
        tile.load(start + at, square);
      else
        tile.clear();
      tile.template multiply<false>(left + p * distance + first, N, right + q * distance, distance, n);
      tile.store(A + at, square);
      ahead.fetch();
    }
  };
  // Right panels outside, so that those of a tile stay in the first cache while the left ones pass; narrow tiles where
  // the columns are short.
  const auto multiply_group = [&](int q, auto width) __attribute__((always_inline)) {
    constexpr int VECTORS = decltype(width)::value;
    for (int p = 0; p <= q; ++p) multiply(p, q, width);
    if constexpr (VECTORS == 3) multiply(q + 1, q + 1, Width<2>());
    if constexpr (VECTORS >= 2) multiply(q + VECTORS - 1, q + VECTORS - 1, Width<1>());
  };
  int panel = n_panels % TILE_VECTORS;
  if constexpr (TILE_VECTORS == 3) {
    if (panel == 1) multiply_group(0, Width<1>());
    if (panel == 2) multiply_group(0, Width<2>());
  }
  for (; panel < n_panels; panel += TILE_VECTORS) multiply_group(panel, Width<TILE_VECTORS>());
}

// y = sum over rows i < n of x_i M(i, panel), four sums side by side.
template <class T>
inline __attribute__((always_inline)) Vec<T> column_sums(const T* panel, const T* x, int n) {
  constexpr int N = Vec<T>::N;
  Vec<T> sum[4] = {Vec<T>::zero(), Vec<T>::zero(), Vec<T>::zero(), Vec<T>::zero()};
  for (int i = 0; i < n; i += 4)
    _Pragma("GCC unroll 4") for (int s = 0; s < 4; ++s) sum[s] =
        fma(Vec<T>::splat(x[i + s]), Vec<T>::load(panel + static_cast<std::int64_t>(i + s) * N), sum[s]);
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

// x^T A x, the products with x summed in float64.
template <class T>
inline double quadratic_form(const T* A, int padded, const T* x) {
  constexpr int N = Vec<T>::N;
  double total = 0;
  for (int first = 0; first < padded; first += N) {
    const T* panel = A + static_cast<std::int64_t>(first) * padded;
    const Vec<T> above = column_sums<T>(panel, x, first);
    const Vec<T> block = column_sums<T>(panel + static_cast<std::int64_t>(first) * N, x + first, N);
    alignas(64) T sums[N];
    (above + above + block).store(sums);
    for (int c = 0; c < N; ++c) total += static_cast<double>(sums[c]) * static_cast<double>(x[first + c]);
  }
  return total;
}

// The whole matrix row by row, `padded` numbers a row.
template <class T>
inline void unpack_symmetric(const T* A, int padded, T* whole) {
  for (int i = 0; i < padded; ++i)
    for (int c = i; c < padded; ++c)
      whole[static_cast<std::int64_t>(i) * padded + c] = whole[static_cast<std::int64_t>(c) * padded + i] =
          A[place<T>(i, c, padded)];
}

}  // namespace
}  // namespace ridgeback::RIDGEBACK_LEVEL
