// Logistic matrix factorisation: a row's step by majorisation, gradient, AdaGrad or Newton, and its cross-entropy.
//
// A row's unknown is u = [x, bias], its columns are z_j = [y_j, 1], and its loss is
//   sum_j c_j crossentropy(p_j, z_j . u + b_j) + ridge |x|^2 + bias_ridge bias^2,
// with p_j = problem.targets (0 or 1), c_j = problem.confidences and b_j the other side's bias.
#pragma once

#include <cstddef>
#include <cstdint>

#include "row_problem.hpp"

namespace ridgeback {

enum class LogisticMethod : int { measure = 0, majorize = 1, gradient = 2, adagrad = 3, newton = 4 };

struct LogisticOptions {
  LogisticMethod method = LogisticMethod::measure;
  double step_size = 0;              // gradient and AdaGrad
  double* squares = nullptr;         // AdaGrad: (n_rows, n_factors or n_factors + 1) sums of squared gradients
  std::uint8_t* unsolved = nullptr;  // (n_rows): see LogisticRow; majorisation and Newton only
};

// What `unsolved` says of a row: solved; left for the minimum-norm solver, and not in the totals; or without a finite
// optimum, and left as it was.
enum class LogisticRow : std::uint8_t { solved = 0, singular = 1, unbounded = 2 };

struct LogisticTotals {
  double cross_entropy = 0;  // sum of c * cross-entropy after the step
  double penalty = 0;        // sum of the own side's ridges times squares
};

struct LogisticKernels {
  std::size_t (*scratch_bytes)(const RowProblem&, const FixedSide&);
  void (*solve)(const RowProblem&, const FixedSide&, const OwnSide&, const LogisticOptions&, std::int64_t begin,
                std::int64_t end, void* scratch, LogisticTotals& totals);
};

}  // namespace ridgeback
