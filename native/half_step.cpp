#include "half_step.hpp"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <numeric>

#include "aligned.hpp"
#include "dispatch.hpp"

namespace ridgeback {

namespace {

int workers_for(std::size_t n_chunks, int n_threads) {
  return static_cast<int>(std::clamp<std::size_t>(n_chunks, 1, std::clamp(n_threads, 1, MOST_WORKERS)));
}

// The least ridge with which |w G_ij| <= tolerance * sqrt((w G_ii + ridge) (w G_jj + ridge)) off the diagonal: rows are
// then as good as those of a diagonal Gramian. Directions that the fixed side hardly has hold rounding alone, whose
// products are no smaller beside their own diagonal, but next to nothing beside a ridge.
double least_dual_ridge(const RowProblem& problem, const FixedSide& fixed, double tolerance) {
  const double weight = problem.unobserved_weight;
  if (!fixed.gram || weight == 0) return 0;
  const std::int64_t k = fixed.n_factors;
  std::vector<double> diagonal(k);
  for (std::int64_t i = 0; i < k; ++i) diagonal[i] = weight * fixed.gram[i * (k + 1)];
  double ridge = 0;
  for (std::int64_t i = 1; i < k; ++i) {
    const double* row = fixed.gram + i * k;
    const double allowed = tolerance * tolerance * (diagonal[i] + ridge);
    std::int64_t n_above = 0;
    for (std::int64_t j = 0; j < i; ++j)
      n_above += weight * row[j] * (weight * row[j]) > allowed * (diagonal[j] + ridge) ? 1 : 0;
    if (n_above && tolerance == 0) return std::numeric_limits<double>::infinity();
    for (std::int64_t j = 0; n_above && j < i; ++j) {
      const double a = diagonal[i], b = diagonal[j], share = weight * row[j] / tolerance;
      ridge = std::max(ridge, (std::hypot(a - b, 2 * share) - a - b) / 2);
    }
  }
  return ridge;
}

}  // namespace

HalfStep half_step(const RowKernels& solver, const RowProblem& problem, const FixedSide& fixed, const OwnSide& own,
                   const RowOptions& given, const Execution& execution) {
  RowOptions options = given;
  // Rows in double precision are corrected for what stands beside the diagonal, such as the rounding of factors.
  if (&solver == kernels().exact)
    options.least_dual_ridge = least_dual_ridge(problem, fixed, options.is_double ? 1e-3 : 0.0);
  std::int64_t longest_row = 0;
  for (std::int64_t r = 0; r < problem.n_rows; ++r)
    longest_row = std::max(longest_row, problem.indptr[r + 1] - problem.indptr[r]);
  const std::vector<Chunk> chunks = chunks_of_rows(problem.indptr, problem.n_rows, 16 + fixed.n_factors);

  // The costliest chunks first, so that a long row is not what everybody waits for at the end.
  std::vector<std::int64_t> order(chunks.size());
  std::iota(order.begin(), order.end(), 0);
  const auto n_pairs = [&](std::int64_t i) { return problem.indptr[chunks[i].end] - problem.indptr[chunks[i].begin]; };
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return n_pairs(a) > n_pairs(b); });

  WorkerScratch scratch(workers_for(chunks.size(), execution.n_threads),
                        solver.scratch_bytes(problem, fixed, options, longest_row));
  std::vector<Totals> totals(chunks.size());
  const bool is_complete =
      run_chunks(static_cast<std::int64_t>(chunks.size()), execution, [&](std::int64_t i, int worker) {
        const Chunk& chunk = chunks[order[i]];
        solver.solve(problem, fixed, own, options, chunk.begin, chunk.end, longest_row, scratch.of(worker),
                     totals[order[i]]);
      });

  HalfStep result{{}, is_complete};
  for (const Totals& part : totals) {  // in the order of the rows, whatever the order of solving
    result.totals.loss += part.loss;
    result.totals.n_unsolved += part.n_unsolved;
    result.totals.n_step_pairs += part.n_step_pairs;
    result.totals.gain += part.gain;
  }
  return result;
}

bool gram(const float* factors, const double* row_weights, std::int64_t n_rows, int k, const Execution& execution,
          double* result) {
  const std::int64_t size = static_cast<std::int64_t>(k) * k;
  const std::vector<Chunk> chunks = even_chunks(n_rows, 1024);
  const int n_workers = workers_for(chunks.size(), execution.n_threads);
  WorkerScratch scratch(n_workers, kernels().matrix->scratch_bytes(k));
  WorkerScratch partial(n_workers, sizeof(double) * std::max<std::int64_t>(size, 1));
  std::fill(result, result + size, 0.0);

  // A worker waits for its turn to add: sums come in the order of the rows, and memory is one partial a worker.
  std::mutex lock;
  std::condition_variable turn;
  std::int64_t next = 0;
  return run_chunks(static_cast<std::int64_t>(chunks.size()), execution, [&](std::int64_t i, int worker) {
    double* own = static_cast<double*>(partial.of(worker));
    kernels().matrix->gram(factors, row_weights, k, chunks[i].begin, chunks[i].end, scratch.of(worker), own);
    std::unique_lock<std::mutex> guard(lock);
    turn.wait(guard, [&] { return next == i; });
    for (std::int64_t f = 0; f < size; ++f) result[f] += own[f];
    ++next;
    turn.notify_all();
  });
}

double squared_norms(const float* factors, const double* row_weights, std::int64_t n_rows, int k, int n_threads) {
  const std::vector<Chunk> chunks = even_chunks(n_rows, 1024);
  Execution execution;
  execution.n_threads = n_threads;
  std::vector<double> parts(chunks.size());
  run_chunks(static_cast<std::int64_t>(chunks.size()), execution, [&](std::int64_t i, int) {
    parts[i] = kernels().matrix->squared_norms(factors, row_weights, k, chunks[i].begin, chunks[i].end);
  });
  return std::accumulate(parts.begin(), parts.end(), 0.0);
}

float halve(const float* factors, std::int64_t n_rows, int k, int n_threads, std::uint16_t* halves) {
  const std::vector<Chunk> chunks = even_chunks(n_rows, 1024);
  Execution execution;
  execution.n_threads = n_threads;
  const auto n_chunks = static_cast<std::int64_t>(chunks.size());
  std::vector<float> parts(chunks.size());
  run_chunks(n_chunks, execution, [&](std::int64_t i, int) {
    parts[i] = kernels().matrix->largest(factors + chunks[i].begin * k, (chunks[i].end - chunks[i].begin) * k);
  });
  const float largest = n_chunks ? *std::max_element(parts.begin(), parts.end()) : 0;
  int exponent = 0;
  std::frexp(largest, &exponent);
  const int shift = std::clamp(15 - exponent, -126, 126);
  run_chunks(n_chunks, execution, [&](std::int64_t i, int) {
    kernels().matrix->halve(factors, k, std::ldexp(1.0f, shift), chunks[i].begin, chunks[i].end, halves);
  });
  return std::ldexp(1.0f, -shift);
}

void rotate(float* factors, const double* rotation, std::int64_t n_rows, int k, int n_threads) {
  const std::vector<Chunk> chunks = even_chunks(n_rows, 1024);
  Execution execution;
  execution.n_threads = n_threads;
  WorkerScratch scratch(workers_for(chunks.size(), n_threads), kernels().matrix->scratch_bytes(k));
  run_chunks(static_cast<std::int64_t>(chunks.size()), execution, [&](std::int64_t i, int worker) {
    kernels().matrix->rotate(factors, rotation, k, chunks[i].begin, chunks[i].end, scratch.of(worker));
  });
}

}  // namespace ridgeback
