// The table of kernels: each file of kernels/ fills one entry, once per instruction set.
#pragma once

#include "logistic_kernels.hpp"
#include "matrix_kernels.hpp"
#include "posterior.hpp"
#include "row_kernels.hpp"
#include "top_k_kernels.hpp"

namespace ridgeback {

struct Kernels {
  const char* instruction_set;
  const MatrixKernels* matrix;
  const RowKernels* exact;
  const RowKernels* conjugate_gradient;
  const RowKernels* non_negative;
  const RowKernels* pair_loss;
  const LogisticKernels* logistic;
  const PosteriorKernels* posterior;
  const SharedKernels* shared;
  const TopKKernels* top_k;
};

}  // namespace ridgeback
