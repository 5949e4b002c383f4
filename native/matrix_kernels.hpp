// Gramian and rotation of a tall factor matrix, by runs of rows.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ridgeback {

struct MatrixKernels {
  std::size_t (*scratch_bytes)(int k);
  // gram = sum over rows begin..end-1 of row_weights[r] * x_r x_r^T (weights null: 1), in float64, (k, k).
  void (*gram)(const float* factors, const double* row_weights, int k, std::int64_t begin, std::int64_t end,
               void* scratch, double* gram);
  // sum over rows begin..end-1 of row_weights[r] * |x_r|^2, in float64.
  double (*squared_norms)(const float* factors, const double* row_weights, int k, std::int64_t begin, std::int64_t end);
  // The largest magnitude among `n` numbers.
  float (*largest)(const float* numbers, std::int64_t n);
  // halves_r = scale * x_r for rows begin..end-1 in half precision, zeros behind them up to a multiple of 16.
  void (*halve)(const float* factors, int k, float scale, std::int64_t begin, std::int64_t end, std::uint16_t* halves);
  // x_r <- x_r Q for rows begin..end-1, Q (k, k) row-major.
  void (*rotate)(float* factors, const double* rotation, int k, std::int64_t begin, std::int64_t end, void* scratch);
};

}  // namespace ridgeback
