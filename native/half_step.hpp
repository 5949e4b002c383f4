// All rows of one side by one row solver, over a work queue.
#pragma once

#include "parallel.hpp"
#include "row_kernels.hpp"

namespace ridgeback {

struct HalfStep {
  Totals totals;
  bool is_complete;
};

HalfStep half_step(const RowKernels& solver, const RowProblem& problem, const FixedSide& fixed, const OwnSide& own,
                   const RowOptions& options, const Execution& execution);

// gram (k, k) = sum_r row_weights[r] x_r x_r^T in float64; partial sums are added in the order of the rows. False when
// it was stopped: the sum is then of the first rows only.
bool gram(const float* factors, const double* row_weights, std::int64_t n_rows, int k, const Execution& execution,
          double* result);

// sum_r row_weights[r] |x_r|^2 in float64, partial sums added in the order of the rows.
double squared_norms(const float* factors, const double* row_weights, std::int64_t n_rows, int k, int n_threads);

// halves_r = x_r / unit in half precision, every row filled with zeros to a multiple of 16; returns the unit, a power
// of two that puts the largest magnitude below 2^15.
float halve(const float* factors, std::int64_t n_rows, int k, int n_threads, std::uint16_t* halves);

// x_r <- x_r Q for every row. Not interruptible: half a rotation would be no model.
void rotate(float* factors, const double* rotation, std::int64_t n_rows, int k, int n_threads);

}  // namespace ridgeback
