// All rows of one side by one logistic step, over a work queue.
#pragma once

#include "logistic_kernels.hpp"
#include "parallel.hpp"

namespace ridgeback {

struct LogisticHalfStep {
  LogisticTotals totals;
  bool is_complete;
};

LogisticHalfStep logistic_half_step(const RowProblem& problem, const FixedSide& fixed, const OwnSide& own,
                                    const LogisticOptions& options, const Execution& execution);

}  // namespace ridgeback
