// One half-step: for every row r with neighbours j, solve
//
//   (sum_j w_j y_j y_j^T + unobserved_weight * G + ridge_r I) x = sum_j c_j y_j
//
// with w_j = row_scale_r * column_scale_j * confidence_rj and the pull c_j as `Pull` says.
// With bias ridges the unknown is [x, bias] and y_j is [y_j, 1].
#pragma once

#include <cstdint>

namespace ridgeback {

enum class Pull : int {
  weight = 0,           // c = w              (iALS)
  one_plus_weight = 1,  // c = 1 + w          (Hu et al.)
  target = 2,           // c = w * (target - target_offset - column_bias_j)   (explicit; logistic: targets are 0 or 1)
};

struct RowProblem {
  const std::int64_t* indptr;   // n_rows + 1
  const std::int32_t* indices;  // neighbours, ascending in a row
  const float* targets;         // per pair, or null
  const float* confidences;     // per pair, or null: all 1
  const double* row_scales;     // per row, or null: all 1
  const double* column_scales;  // per column, or null: all 1
  const double* ridges;         // per row
  const double* bias_ridges;    // per row, or null: no biases
  double unobserved_weight;
  std::int64_t n_rows, n_columns;
  Pull pull;
  double target_offset = 0;  // taken from every target: values serve as targets without a copy less their mean
};

struct FixedSide {
  const float* factors;  // (n_columns, n_factors)
  const float* biases;   // (n_columns) or null
  const double* gram;    // (n_factors, n_factors), or null where unobserved_weight is 0
  int n_factors;
  // Half the bytes for conjugate gradient to gather: factors / unit in half precision, rows filled with zeros to a
  // multiple of 16; or null.
  const std::uint16_t* halves = nullptr;
  float unit = 1;
};

struct OwnSide {
  float* factors;  // (n_rows, n_factors), updated in place
  float* biases;   // (n_rows) or null
};

// What a half-step reports. A row's share of the loss is constant - b.x - r.x with r = b - A x, for any x.
struct Totals {
  double loss = 0;                // over the solved rows: observed part, all-pairs part and the own side's regulariser
  std::int64_t n_unsolved = 0;    // rows left for the minimum-norm solver
  std::int64_t n_step_pairs = 0;  // neighbours of every conjugate-gradient step
  double gain = 0;                // what these steps took off the loss
};

}  // namespace ridgeback
