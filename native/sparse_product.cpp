#include "sparse_product.hpp"

#include <algorithm>

namespace ridgeback {

bool sparse_product(const Matrix& matrix, const float* right, int k, float* out, const Execution& execution) {
  const auto chunks = chunks_of_rows(matrix.indptr, matrix.n_rows, 4);
  return run_chunks(chunks.size(), execution, [&](std::int64_t chunk, int) {
    for (std::int64_t row = chunks[chunk].begin; row < chunks[chunk].end; ++row) {
      float* sum = out + row * k;
      std::fill(sum, sum + k, 0.0f);
      for (std::int64_t e = matrix.indptr[row]; e < matrix.indptr[row + 1]; ++e) {
        const float value = matrix.data ? matrix.data[e] : 1.0f;
        const float* from = right + static_cast<std::int64_t>(matrix.indices[e]) * k;
        for (int i = 0; i < k; ++i) sum[i] += value * from[i];
      }
    }
  });
}

}  // namespace ridgeback
