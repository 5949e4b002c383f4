#include "logistic.hpp"

#include <algorithm>

#include "aligned.hpp"
#include "dispatch.hpp"

namespace ridgeback {

LogisticHalfStep logistic_half_step(const RowProblem& problem, const FixedSide& fixed, const OwnSide& own,
                                    const LogisticOptions& options, const Execution& execution) {
  const LogisticKernels& kernel = *kernels().logistic;
  const std::vector<Chunk> chunks = chunks_of_rows(problem.indptr, problem.n_rows, 16 + fixed.n_factors);
  const int n_workers = static_cast<int>(std::clamp<std::size_t>(chunks.size(), 1, std::max(1, execution.n_threads)));
  WorkerScratch scratch(n_workers, kernel.scratch_bytes(problem, fixed));
  std::vector<LogisticTotals> totals(chunks.size());
  const bool is_complete =
      run_chunks(static_cast<std::int64_t>(chunks.size()), execution, [&](std::int64_t i, int worker) {
        kernel.solve(problem, fixed, own, options, chunks[i].begin, chunks[i].end, scratch.of(worker), totals[i]);
      });

  LogisticHalfStep result{{}, is_complete};
  for (const LogisticTotals& part : totals) {  // in the order of the rows, whatever the order of solving
    result.totals.cross_entropy += part.cross_entropy;
    result.totals.penalty += part.penalty;
  }
  return result;
}

}  // namespace ridgeback
