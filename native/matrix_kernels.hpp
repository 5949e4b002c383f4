// Gramian and rotation of a tall factor matrix, by runs of rows.
#pragma once

#include <cstdint>

namespace ridgeback {

struct MatrixKernels {
  // gram += sum over rows begin..end-1 of row_weights[r] * x_r x_r^T, in float64; gram is (k, k), both triangles.
  void (*add_gram)(const float* factors, const double* row_weights, int k, std::int64_t begin, std::int64_t end,
                   double* gram);
  // x_r <- x_r Q for rows begin..end-1, Q (k, k) row-major.
  void (*rotate)(float* factors, const double* rotation, int k, std::int64_t begin, std::int64_t end);
};

}  // namespace ridgeback
