// Gramian (float64) and rotation (float32) of a tall factor matrix, by runs of rows.
#include "assemble.hpp"
#include "matrix_kernels.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

int padded_to(int k) { return (k + 15) / 16 * 16; }

std::size_t scratch_bytes(int k) {
  const std::int64_t padded = padded_to(k);
  return sizeof(double) * (padded * padded + 2 * BLOCK * padded) + 4 * 64;
}

// Rows of factors, times their weights, in panels BLOCK * N apart.
void pack_rows(const float* factors, const double* row_weights, std::int64_t n, int k, double* rows) {
  constexpr int N = Vec<double>::N;
  for (std::int64_t j = 0; j < n; ++j) {
    const float* source = factors + j * k;
    const Vec<double> weight = Vec<double>::splat(row_weights ? row_weights[j] : 1.0);
    int f = 0;
    for (; f + N <= k; f += N) (weight * Vec<double>::load_floats(source + f)).store(rows + f * BLOCK + j * N);
    for (; f < padded_to(k); f += N)
      (weight * Vec<double>::load_floats(source + f, f < k ? k - f : 0)).store(rows + f * BLOCK + j * N);
  }
}

void gram_of_rows(const float* factors, const double* row_weights, int k, std::int64_t begin, std::int64_t end,
                  void* scratch, double* gram) {
  const std::int64_t padded = padded_to(k);
  Scratch memory{static_cast<char*>(scratch)};
  double* upper = memory.take<double>(padded * padded);
  double* rows = memory.take<double>(BLOCK * padded);
  double* weighted = row_weights ? memory.take<double>(BLOCK * padded) : rows;
  for (std::int64_t i = 0; i < padded * padded; ++i) upper[i] = 0;
  Ahead nothing;
  for (std::int64_t first = begin; first < end; first += BLOCK) {
    const std::int64_t count = end - first < BLOCK ? end - first : BLOCK;
    pack_rows(factors + first * k, nullptr, count, k, rows);
    if (row_weights) pack_rows(factors + first * k, row_weights + first, count, k, weighted);
    add_outer_products<double>(weighted, rows, BLOCK * Vec<double>::N, count, padded_to(k), upper, upper, nothing);
  }
  for (std::int64_t i = 0; i < k; ++i)
    for (int j = static_cast<int>(i); j < k; ++j)
      gram[i * k + j] = gram[j * k + i] = upper[place<double>(static_cast<int>(i), j, padded_to(k))];
}

// sum_r weight_r |x_r|^2, in eight sums side by side.
double squared_norms(const float* factors, const double* row_weights, int k, std::int64_t begin, std::int64_t end) {
  constexpr int N = Vec<double>::N;
  Vec<double> total = Vec<double>::zero();
  for (std::int64_t r = begin; r < end; ++r) {
    const float* x = factors + r * k;
    Vec<double> squares[2] = {Vec<double>::zero(), Vec<double>::zero()};
    int f = 0;
    for (; f + 2 * N <= k; f += 2 * N)
      for (int i = 0; i < 2; ++i) {
        const Vec<double> part = Vec<double>::load_floats(x + f + i * N);
        squares[i] = fma(part, part, squares[i]);
      }
    for (; f < k; f += N) {
      const Vec<double> part = Vec<double>::load_floats(x + f, k - f < N ? k - f : N);
      squares[0] = fma(part, part, squares[0]);
    }
    total = fma(Vec<double>::splat(row_weights[r]), squares[0] + squares[1], total);
  }
  return fold(total);
}

// A block of rows at a time, from a copy of them: x_r <- x_r Q. Panel by panel of Q, which beyond 512 factors no core's
// own cache holds as a whole.
void rotate(float* factors, const double* rotation, int k, std::int64_t begin, std::int64_t end, void* scratch) {
  constexpr int N = Vec<float>::N;
  const std::int64_t padded = padded_to(k), distance = static_cast<std::int64_t>(k) * N;
  Scratch memory{static_cast<char*>(scratch)};
  float* Q = memory.take<float>(k * padded);  // in panels
  float* x = memory.take<float>(static_cast<std::int64_t>(BLOCK) * k);
  float* out = memory.take<float>(TILE_ROWS * N * TILE_VECTORS);
  for (std::int64_t q = 0; q < padded / N; ++q)
    for (std::int64_t i = 0; i < k; ++i)
      for (std::int64_t j = 0; j < N; ++j)
        Q[q * distance + i * N + j] = q * N + j < k ? static_cast<float>(rotation[i * k + q * N + j]) : 0.0f;
  for (std::int64_t i = 0; i < BLOCK * static_cast<std::int64_t>(k); ++i) x[i] = 0;
  for (std::int64_t first = begin; first < end; first += BLOCK) {
    const std::int64_t count = end - first < BLOCK ? end - first : BLOCK;
    std::memcpy(x, factors + first * k, sizeof(float) * count * k);
    for_panels(0, static_cast<int>(padded / N), [&](int q, auto width) {
      constexpr int VECTORS = decltype(width)::value;
      for (std::int64_t top = 0; top < count; top += TILE_ROWS) {
        float* target = factors + (first + top) * k;
        Tile<float, VECTORS> tile;
        tile.clear();
        tile.template multiply<false>(x + top * k, 1, Q + q * distance, distance, k, k);
        if (count - top >= TILE_ROWS && (q + VECTORS) * N <= k) {
          RIDGEBACK_EACH_ROW RIDGEBACK_EACH_VECTOR tile.sum[r][v].store(target + r * k + (q + v) * N);
          continue;
        }
        tile.store(out, TILE_ROWS * N);
        for (std::int64_t r = 0; r < TILE_ROWS && r < count - top; ++r)
          for (int f = q * N; f < (q + VECTORS) * N && f < k; ++f)
            target[r * k + f] = out[(f / N - q) * TILE_ROWS * N + r * N + f % N];
      }
    });
  }
}

float largest(const float* numbers, std::int64_t n) {
  constexpr int N = Vec<float>::N;
  float most[N] = {}, magnitudes[N];  // lane by lane: one maximum would wait for the one before
  std::int64_t at = 0;
  const auto compare = [&](int count) {
    for (int i = 0; i < count; ++i) magnitudes[i] = numbers[at + i] < 0 ? -numbers[at + i] : numbers[at + i];
    for (int i = 0; i < count; ++i) most[i] = magnitudes[i] > most[i] ? magnitudes[i] : most[i];
  };
  for (; at + N <= n; at += N) compare(N);
  compare(static_cast<int>(n - at));
  float result = 0;
  for (const float one : most) result = one > result ? one : result;
  return result;
}

void halve(const float* factors, int k, float scale, std::int64_t begin, std::int64_t end, std::uint16_t* halves) {
  constexpr int N = Vec<float>::N;
  const Vec<float> unit = Vec<float>::splat(scale);
  const std::int64_t padded = padded_to(k);
  for (std::int64_t r = begin; r < end; ++r) {
    const float* x = factors + r * k;
    int f = 0;
    for (; f + N <= k; f += N) (unit * Vec<float>::load(x + f)).store_halves(halves + r * padded + f);
    if (f < k) (unit * Vec<float>::load_floats(x + f, k - f)).store_halves(halves + r * padded + f);
  }
}

}  // namespace

extern const MatrixKernels matrix_kernels = {scratch_bytes, gram_of_rows, squared_norms, largest, halve, rotate};

}  // namespace ridgeback::RIDGEBACK_LEVEL
