// Vectors shared between rows: their sums over the rows' sets, and each row's small symmetric matrix times a vector.
//
//   sums_r = sum_j value_rj x_j,      products_r = M_r s_r
#include "posterior.hpp"
#include "simd.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

void sum(const std::int64_t* indptr, const std::int32_t* indices, const float* values, const double* x, int size,
         std::int64_t begin, std::int64_t end, double* sums) {
  for (std::int64_t r = begin; r < end; ++r) {
    double* target = sums + r * size;
    for (int f = 0; f < size; ++f) target[f] = 0;
    for (std::int64_t at = indptr[r]; at < indptr[r + 1]; ++at) {
      const double* source = x + static_cast<std::int64_t>(indices[at]) * size;
      const double value = values ? static_cast<double>(values[at]) : 1.0;
      for (int f = 0; f < size; ++f) target[f] += value * source[f];
    }
  }
}

void multiply(const float* M, const double* s, int size, std::int64_t begin, std::int64_t end, double* products) {
  for (std::int64_t r = begin; r < end; ++r) {
    const float* matrix = M + r * size * size;
    double* target = products + r * size;
    for (int f = 0; f < size; ++f) target[f] = 0;
    for (int i = 0; i < size; ++i) {  // M_r is symmetric: its rows are its columns
      const double factor = s[r * size + i];
      for (int f = 0; f < size; ++f) target[f] += factor * static_cast<double>(matrix[i * size + f]);
    }
  }
}

}  // namespace

extern const SharedKernels shared_kernels = {sum, multiply};

}  // namespace ridgeback::RIDGEBACK_LEVEL
