// A sparse matrix times a dense one.
#pragma once

#include "csr.hpp"
#include "parallel.hpp"

namespace ridgeback {

// out (n_rows, k) = matrix * right (n_columns, k), each row summed in the order of its entries. False when stopped.
bool sparse_product(const Matrix& matrix, const float* right, int k, float* out, const Execution& execution);

}  // namespace ridgeback
