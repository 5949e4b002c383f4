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

// TILE_ROWS rows at a time: out = x Q, with x transposed so that the tile can broadcast it.
void rotate(float* factors, const double* rotation, int k, std::int64_t begin, std::int64_t end, void* scratch) {
  constexpr int N = Vec<float>::N;
  const std::int64_t padded = padded_to(k), distance = static_cast<std::int64_t>(k) * N;
  Scratch memory{static_cast<char*>(scratch)};
  float* Q = memory.take<float>(k * padded);  // in panels, as out
  float* x = memory.take<float>(static_cast<std::int64_t>(TILE_ROWS) * k);
  float* out = memory.take<float>(TILE_ROWS * padded);
  for (std::int64_t i = 0; i < k; ++i)
    for (std::int64_t j = 0; j < padded; ++j)
      Q[j / N * distance + i * N + j % N] = j < k ? static_cast<float>(rotation[i * k + j]) : 0.0f;
  for (std::int64_t first = begin; first < end; first += TILE_ROWS) {
    const int count = end - first < TILE_ROWS ? static_cast<int>(end - first) : TILE_ROWS;
    for (int r = 0; r < TILE_ROWS; ++r)
      for (int f = 0; f < k; ++f) x[f * TILE_ROWS + r] = r < count ? factors[(first + r) * k + f] : 0.0f;
    for_panels(0, padded_to(k) / N, [&](int q, auto width) {
      Tile<float, decltype(width)::value> tile;
      tile.clear();
      tile.template multiply<false>(x, TILE_ROWS, Q + q * distance, distance, k);
      tile.store(out + q * TILE_ROWS * N, TILE_ROWS * N);
    });
    for (int r = 0; r < count; ++r)
      for (int f = 0; f < k; ++f) factors[(first + r) * k + f] = out[f / N * TILE_ROWS * N + r * N + f % N];
  }
}

}  // namespace

extern const MatrixKernels matrix_kernels = {scratch_bytes, gram_of_rows, rotate};

}  // namespace ridgeback::RIDGEBACK_LEVEL
