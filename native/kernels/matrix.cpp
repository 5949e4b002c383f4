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

void gram_of_rows(const float* factors, const double* row_weights, int k, std::int64_t begin, std::int64_t end,
                  void* scratch, double* gram) {
  const Shape shape{k, k, padded_to(k), false};
  const int padded = shape.padded;
  Scratch memory{static_cast<char*>(scratch)};
  double* upper = memory.take<double>(static_cast<std::int64_t>(padded) * padded);
  double* rows = memory.take<double>(static_cast<std::int64_t>(BLOCK) * padded);
  double* weighted = memory.take<double>(static_cast<std::int64_t>(BLOCK) * padded);
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(padded) * padded; ++i) upper[i] = 0;
  for (std::int64_t first = begin; first < end; first += BLOCK) {
    const std::int64_t count = end - first < BLOCK ? end - first : BLOCK;
    for (std::int64_t j = 0; j < count; ++j) {
      const float* source = factors + (first + j) * k;
      const double weight = row_weights ? row_weights[first + j] : 1.0;
      for (int f = 0; f < k; ++f) {
        rows[j * padded + f] = source[f];
        weighted[j * padded + f] = weight * source[f];
      }
      for (int f = k; f < padded; ++f) rows[j * padded + f] = weighted[j * padded + f] = 0;
    }
    add_outer_products<double>(weighted, rows, count, shape, upper);
  }
  for (int i = 0; i < k; ++i)
    for (int j = i; j < k; ++j)
      gram[static_cast<std::int64_t>(i) * k + j] = upper[static_cast<std::int64_t>(i) * padded + j];
  for (int i = 0; i < k; ++i)
    for (int j = 0; j < i; ++j) gram[static_cast<std::int64_t>(i) * k + j] = gram[static_cast<std::int64_t>(j) * k + i];
}

// Four rows at a time: out = x Q, with x transposed so that the tile can broadcast it.
void rotate(float* factors, const double* rotation, int k, std::int64_t begin, std::int64_t end, void* scratch) {
  const int padded = padded_to(k);
  Scratch memory{static_cast<char*>(scratch)};
  float* Q = memory.take<float>(static_cast<std::int64_t>(k) * padded);
  float* x = memory.take<float>(static_cast<std::int64_t>(TILE_ROWS) * k);
  float* out = memory.take<float>(static_cast<std::int64_t>(TILE_ROWS) * padded);
  for (int i = 0; i < k; ++i)
    for (int j = 0; j < padded; ++j)
      Q[static_cast<std::int64_t>(i) * padded + j] =
          j < k ? static_cast<float>(rotation[static_cast<std::int64_t>(i) * k + j]) : 0.0f;
  for (std::int64_t first = begin; first < end; first += TILE_ROWS) {
    const int count = end - first < TILE_ROWS ? static_cast<int>(end - first) : TILE_ROWS;
    for (int r = 0; r < TILE_ROWS; ++r)
      for (int f = 0; f < k; ++f) x[f * TILE_ROWS + r] = r < count ? factors[(first + r) * k + f] : 0.0f;
    for (int i = 0; i < TILE_ROWS * padded; ++i) out[i] = 0;
    constexpr int N = Vec<float>::N;
    int column = 0;
    for (; column + TILE_VECTORS * N <= padded; column += TILE_VECTORS * N)
      tile<float, TILE_VECTORS>(x, TILE_ROWS, Q + column, padded, k, 1.0f, out + column, out + column, padded);
    for (; column < padded; column += N)
      tile<float, 1>(x, TILE_ROWS, Q + column, padded, k, 1.0f, out + column, out + column, padded);
    for (int r = 0; r < count; ++r)
      for (int f = 0; f < k; ++f) factors[(first + r) * k + f] = out[r * padded + f];
  }
}

}  // namespace

extern const MatrixKernels matrix_kernels = {scratch_bytes, gram_of_rows, rotate};

}  // namespace ridgeback::RIDGEBACK_LEVEL
