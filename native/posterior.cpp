#include "posterior.hpp"

#include <algorithm>
#include <atomic>

#include "aligned.hpp"
#include "dispatch.hpp"

namespace ridgeback {

namespace {

// All rows in runs of about equal cost; `work` takes a run and its worker's scratch and returns how many rows failed.
template <class Work>
DrawnRows each_run(const RowProblem& problem, const FixedSide& fixed, const Execution& execution, const Work& work) {
  std::int64_t longest_row = 0;
  for (std::int64_t r = 0; r < problem.n_rows; ++r)
    longest_row = std::max(longest_row, problem.indptr[r + 1] - problem.indptr[r]);
  const std::vector<Chunk> chunks = chunks_of_rows(problem.indptr, problem.n_rows, 16 + fixed.n_factors);
  const auto n_chunks = static_cast<std::int64_t>(chunks.size());
  const int n_workers =
      static_cast<int>(std::clamp<std::int64_t>(n_chunks, 1, std::clamp(execution.n_threads, 1, MOST_WORKERS)));
  WorkerScratch scratch(n_workers, kernels().posterior->scratch_bytes(problem, fixed, longest_row));
  std::atomic<std::int64_t> n_failed{0};
  const bool is_complete = run_chunks(n_chunks, execution, [&](std::int64_t i, int worker) {
    n_failed += work(chunks[i], longest_row, scratch.of(worker));
  });
  return {n_failed.load(), is_complete};
}

}  // namespace

DrawnRows draw_rows(const RowProblem& problem, const FixedSide& fixed, const OwnSide& own, const RowPrior& prior,
                    bool has_noise, const Execution& execution) {
  return each_run(problem, fixed, execution, [&](const Chunk& chunk, std::int64_t longest_row, void* scratch) {
    return kernels().posterior->draw(problem, fixed, own, prior, has_noise, chunk.begin, chunk.end, longest_row,
                                     scratch);
  });
}

DrawnRows inform_rows(const RowProblem& problem, const FixedSide& fixed, const RowPrior& prior,
                      const Information& information, const Execution& execution) {
  return each_run(problem, fixed, execution, [&](const Chunk& chunk, std::int64_t longest_row, void* scratch) {
    return kernels().posterior->inform(problem, fixed, prior, information, chunk.begin, chunk.end, longest_row,
                                       scratch);
  });
}

bool square_rows(const RowProblem& problem, const FixedSide& fixed, const OwnSide& own, double* errors,
                 const Execution& execution) {
  const auto square = [&](const Chunk& chunk, std::int64_t longest_row, void* scratch) {
    kernels().posterior->square(problem, fixed, own, errors, chunk.begin, chunk.end, longest_row, scratch);
    return 0;
  };
  return each_run(problem, fixed, execution, square).is_complete;
}

bool sum_rows(const std::int64_t* indptr, const std::int32_t* indices, const float* values, std::int64_t n_rows,
              const double* x, int size, double* sums, const Execution& execution) {
  const std::vector<Chunk> chunks = chunks_of_rows(indptr, n_rows, 16);
  return run_chunks(static_cast<std::int64_t>(chunks.size()), execution, [&](std::int64_t i, int) {
    kernels().shared->sum(indptr, indices, values, x, size, chunks[i].begin, chunks[i].end, sums);
  });
}

bool multiply_rows(const float* M, const double* s, std::int64_t n_rows, int size, double* products,
                   const Execution& execution) {
  const std::vector<Chunk> chunks = even_chunks(n_rows, 256);
  return run_chunks(static_cast<std::int64_t>(chunks.size()), execution, [&](std::int64_t i, int) {
    kernels().shared->multiply(M, s, size, chunks[i].begin, chunks[i].end, products);
  });
}

}  // namespace ridgeback
