// The loss over the listed pairs at given factors; no row is solved:
//
//   sum_j constant_j - 2 c_j s_j + w_j s_j^2,    s_j = x . y_j, or x . y_j + bias
#include "assemble.hpp"
#include "row_kernels.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

// x . y_j for the neighbours j of a row, four at a time; those behind the last repeat it. s has room for them.
void score_neighbours(const FixedSide& fixed, const Shape& shape, const float* x, const std::int32_t* neighbours,
                      std::int64_t n, float* s) {
  constexpr int N = Vec<float>::N;
  constexpr std::int64_t AHEAD = 12;
  const std::int64_t k = shape.n_factors;
  for (std::int64_t j = 0; j < n; j += 4) {
    const float* y[4];
    for (int i = 0; i < 4; ++i) y[i] = fixed.factors + neighbours[j + i < n ? j + i : n - 1] * k;
    for (std::int64_t next = j + AHEAD; next < n && next < j + AHEAD + 4; ++next)
      for (std::int64_t f = 0; f < k; f += 16) __builtin_prefetch(fixed.factors + neighbours[next] * k + f);
    Vec<float> sum[4] = {Vec<float>::zero(), Vec<float>::zero(), Vec<float>::zero(), Vec<float>::zero()};
    std::int64_t f = 0;
    for (; f + N <= k; f += N)
      for (int i = 0; i < 4; ++i) sum[i] = fma(Vec<float>::load(y[i] + f), Vec<float>::load(x + f), sum[i]);
    if (f < k)
      for (int i = 0; i < 4; ++i)
        sum[i] = fma(Vec<float>::load_floats(y[i] + f, static_cast<int>(k - f)), Vec<float>::load(x + f), sum[i]);
    fold4(sum[0], sum[1], sum[2], sum[3], s + j);
  }
}

std::size_t scratch_bytes(const RowProblem& problem, const FixedSide& fixed, const RowOptions&,
                          std::int64_t longest_row) {
  return sizeof(float) * (shape_of(problem, fixed).padded + 3 * (longest_row + 4)) + 4 * 64;
}

void solve(const RowProblem& problem, const FixedSide& fixed, const OwnSide& own, const RowOptions&, std::int64_t begin,
           std::int64_t end, std::int64_t longest_row, void* scratch, Totals& totals) {
  const Shape shape = shape_of(problem, fixed);
  const std::int64_t k = shape.n_factors;
  Scratch memory{static_cast<char*>(scratch)};
  float* x = memory.take<float>(shape.padded);
  float* w = memory.take<float>(longest_row + 4);
  float* c = memory.take<float>(longest_row + 4);
  float* s = memory.take<float>(longest_row + 4);
  for (int f = 0; f < shape.padded; ++f) x[f] = 0;
  for (std::int64_t r = begin; r < end; ++r) {
    const std::int64_t first = problem.indptr[r], n = problem.indptr[r + 1] - first;
    totals.loss += pair_weights<float>(problem, fixed, r, w, c);
    for (std::int64_t f = 0; f < k; ++f) x[f] = own.factors[r * k + f];
    score_neighbours(fixed, shape, x, problem.indices + first, n, s);
    const double bias = shape.has_bias ? static_cast<double>(own.biases[r]) : 0.0;
    double sum[4] = {};
    for (std::int64_t j = n; j < (n + 3) / 4 * 4; ++j) w[j] = c[j] = 0;
    for (std::int64_t j = 0; j < n; j += 4)
      for (int i = 0; i < 4; ++i) {
        const double score = static_cast<double>(s[j + i]) + bias;
        sum[i] += (static_cast<double>(w[j + i]) * score - 2.0 * static_cast<double>(c[j + i])) * score;
      }
    totals.loss += (sum[0] + sum[2]) + (sum[1] + sum[3]);
  }
}

}  // namespace

extern const RowKernels pair_loss_kernels = {scratch_bytes, solve};

}  // namespace ridgeback::RIDGEBACK_LEVEL
