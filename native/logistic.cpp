#include "logistic.hpp"

#include <algorithm>

#include "aligned.hpp"
#include "dispatch.hpp"

namespace ridgeback {

namespace {

// Rows cut into runs of about equal work, counted in multiply-adds of one assembly and one factorisation. Newton does
// both a dozen times in float64, and ctrl-C is heard between runs: so they stay short, down to one row.
std::vector<Chunk> chunks_of_work(const std::int64_t* indptr, std::int64_t n_rows, int n_factors) {
  const double size = n_factors + 1;
  const double pair_work = size * size / 2 + 4 * size, row_work = size * size * size / 6 + size * size;
  const double n_pairs = n_rows ? static_cast<double>(indptr[n_rows] - indptr[0]) : 0.0;
  const double most = std::max(4e6, (n_pairs * pair_work + static_cast<double>(n_rows) * row_work) / 65536);
  std::vector<Chunk> chunks;
  std::int64_t begin = 0;
  double work = 0;
  for (std::int64_t row = 0; row < n_rows; ++row) {
    work += static_cast<double>(indptr[row + 1] - indptr[row]) * pair_work + row_work;
    if (work >= most || row + 1 == n_rows) {
      chunks.push_back({begin, row + 1});
      begin = row + 1;
      work = 0;
    }
  }
  return chunks;
}

}  // namespace

LogisticHalfStep logistic_half_step(const RowProblem& problem, const FixedSide& fixed, const OwnSide& own,
                                    const LogisticOptions& options, const Execution& execution) {
  const LogisticKernels& kernel = *kernels().logistic;
  const std::vector<Chunk> chunks = chunks_of_work(problem.indptr, problem.n_rows, fixed.n_factors);
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
