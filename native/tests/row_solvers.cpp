// Every row solver of the instruction set in use, called as the work queue calls it: right answers at odd sizes, out of
// scratch memory that held NaN before, and not one byte beyond it.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "aligned.hpp"
#include "dispatch.hpp"
#include "half_step.hpp"
#include "tests/suites.hpp"

namespace ridgeback::tests {
namespace {

constexpr int SIZES[] = {1, 2, 7, 15, 16, 17, 31, 63, 64, 96};
constexpr std::int64_t N_COLUMNS = 300;

// Scratch memory between two fences, filled with bytes that are NaN as float32 and as float64.
class FencedScratch {
 public:
  explicit FencedScratch(std::size_t bytes)
      : bytes_(bytes), memory_(::operator new(bytes + 2 * FENCE, std::align_val_t(64))) {
    std::memset(memory_.get(), 0xFF, bytes + 2 * FENCE);
  }
  void* begin() const { return static_cast<char*>(memory_.get()) + FENCE; }
  bool is_intact() const {
    const auto* bytes = static_cast<const unsigned char*>(memory_.get());
    const auto is_untouched = [](unsigned char byte) { return byte == 0xFF; };
    return std::all_of(bytes, bytes + FENCE, is_untouched) &&
           std::all_of(bytes + FENCE + bytes_, bytes + 2 * FENCE + bytes_, is_untouched);
  }

 private:
  static constexpr std::size_t FENCE = 4096;
  std::size_t bytes_;
  std::unique_ptr<void, FreeAligned> memory_;
};

// Rows of 0, 1, 63, 64, 65, 200 ... neighbours with everything that a problem can have.
struct Data {
  int k;
  bool has_bias, is_implicit;
  std::vector<std::int64_t> indptr{0};
  std::vector<std::int32_t> indices;
  std::vector<float> targets, confidences, factors, biases, own_factors, own_biases;
  std::vector<double> row_scales, column_scales, ridges, bias_ridges, gram;

  Data(int n_factors, bool with_bias, bool implicit, std::uint64_t seed)
      : k(n_factors), has_bias(with_bias), is_implicit(implicit) {
    Random random{seed};
    for (const int length : {0, 1, 2, 7, 8, 9, 63, 64, 65, 128, 200, 0, 3}) {
      for (int j = 0; j < length; ++j) {
        indices.push_back(static_cast<std::int32_t>(j * (N_COLUMNS / std::max(length, 1)) % N_COLUMNS));
        targets.push_back(implicit ? static_cast<float>(random.next() % 2) : static_cast<float>(3 * random.number()));
        confidences.push_back(static_cast<float>(1.5 + random.number()));
      }
      indptr.push_back(static_cast<std::int64_t>(indices.size()));
      row_scales.push_back(1.5 + random.number());
      ridges.push_back(1.5 + random.number());
      bias_ridges.push_back(1.5 + random.number());
    }
    for (std::int64_t c = 0; c < N_COLUMNS; ++c) {
      column_scales.push_back(1.5 + random.number());
      biases.push_back(static_cast<float>(random.number()));
    }
    for (std::int64_t i = 0; i < N_COLUMNS * k; ++i) factors.push_back(static_cast<float>(random.number()));
    for (std::int64_t i = 0; i < n_rows() * k; ++i) own_factors.push_back(static_cast<float>(0.1 * random.number()));
    own_biases.assign(n_rows(), 0.1f);
    if (!implicit) return;
    gram.assign(static_cast<std::size_t>(k) * k, 0);
    for (int f = 0; f < k; ++f) gram[f * k + f] = 100.0 + f;  // diagonal: conjugate gradient reads the diagonal
  }

  std::int64_t n_rows() const { return static_cast<std::int64_t>(indptr.size()) - 1; }
  int size() const { return k + has_bias; }
  RowProblem problem(Pull pull) const {
    return {indptr.data(),
            indices.data(),
            targets.data(),
            confidences.data(),
            row_scales.data(),
            column_scales.data(),
            ridges.data(),
            has_bias ? bias_ridges.data() : nullptr,
            is_implicit ? 0.5 : 0.0,
            n_rows(),
            N_COLUMNS,
            pull};
  }
  FixedSide fixed(const double* fixed_gram) const {
    return {factors.data(), has_bias ? biases.data() : nullptr, fixed_gram, k};
  }
  OwnSide own() { return {own_factors.data(), has_bias ? own_biases.data() : nullptr}; }

  // A and b of one row, by the formula.
  void equations(const RowProblem& p, std::int64_t r, std::vector<double>& A, std::vector<double>& b) const {
    const int n = size();
    A.assign(static_cast<std::size_t>(n) * n, 0);
    b.assign(n, 0);
    for (int f = 0; f < k; ++f)
      for (int g = 0; g < k; ++g) A[f * n + g] = is_implicit ? p.unobserved_weight * gram[f * k + g] : 0;
    for (int f = 0; f < n; ++f) A[f * n + f] += f < k ? ridges[r] : bias_ridges[r];
    for (std::int64_t at = indptr[r]; at < indptr[r + 1]; ++at) {
      const std::int32_t column = indices[at];
      const auto y = [&](int f) { return f < k ? static_cast<double>(factors[column * k + f]) : 1.0; };
      const double w = row_scales[r] * column_scales[column] * confidences[at];
      const double target = targets[at] - (has_bias ? static_cast<double>(biases[column]) : 0.0);
      const double c = p.pull == Pull::weight ? w : p.pull == Pull::target ? w * target : 1 + w;
      for (int f = 0; f < n; ++f) {
        b[f] += c * y(f);
        for (int g = 0; g < n; ++g) A[f * n + g] += w * y(f) * y(g);
      }
    }
  }
  double unknown(std::int64_t r, int f) const {
    return f < k ? static_cast<double>(own_factors[r * k + f]) : static_cast<double>(own_biases[r]);
  }
};

std::int64_t longest_row(const Data& data) {
  std::int64_t longest = 0;
  for (std::int64_t r = 0; r < data.n_rows(); ++r) longest = std::max(longest, data.indptr[r + 1] - data.indptr[r]);
  return longest;
}

// The gradient at each row's solution over the size of its terms; with `is_bounded` only what pushes below zero counts.
double worst_gradient(const Data& data, const RowProblem& problem, bool is_bounded) {
  double worst = 0;
  std::vector<double> A, b;
  for (std::int64_t r = 0; r < data.n_rows(); ++r) {
    data.equations(problem, r, A, b);
    const int n = data.size();
    for (int f = 0; f < n; ++f) {
      const double x = data.unknown(r, f);
      double gradient = -b[f], scale = std::fabs(b[f]) + 1;
      for (int g = 0; g < n; ++g) {
        gradient += A[f * n + g] * data.unknown(r, g);
        scale += std::fabs(A[f * n + g] * data.unknown(r, g));
      }
      if (is_bounded && f < data.k && x == 0) gradient = std::min(gradient, 0.0);
      if (!std::isfinite(x) || (is_bounded && f < data.k && x < 0)) return std::numeric_limits<double>::infinity();
      worst = std::max(worst, std::fabs(gradient) / scale);
    }
  }
  return worst;
}

void check_rows(const RowKernels& solver, RowOptions options, bool is_bounded, bool wants_diagonal, double tolerance) {
  for (const int k : SIZES)
    for (const bool has_bias : {false, true})
      for (const Pull pull : {Pull::weight, Pull::one_plus_weight, Pull::target}) {
        const bool is_implicit = !has_bias;
        Data data(k, has_bias, is_implicit, 11 * k + has_bias);
        std::vector<double> diagonal;
        for (int f = 0; f < k && is_implicit; ++f) diagonal.push_back(data.gram[f * k + f]);
        const RowProblem problem = data.problem(pull);
        const FixedSide fixed = data.fixed(!is_implicit     ? nullptr
                                           : wants_diagonal ? diagonal.data()
                                                            : data.gram.data());
        options.least_dual_ridge = is_implicit ? std::numeric_limits<double>::infinity() : 0;
        const std::int64_t longest = longest_row(data);
        FencedScratch scratch(solver.scratch_bytes(problem, fixed, options, longest));
        Totals totals;
        solver.solve(problem, fixed, data.own(), options, 0, data.n_rows(), longest, scratch.begin(), totals);
        CHECK(scratch.is_intact());
        CHECK(worst_gradient(data, problem, is_bounded) < tolerance);
        CHECK(std::isfinite(totals.loss) && totals.n_unsolved == 0);
      }
}

void exact_rows_in_float32() { check_rows(*kernels().exact, {}, false, false, 2e-4); }

void exact_rows_in_float64() {
  RowOptions options;
  options.is_double = true;
  check_rows(*kernels().exact, options, false, false, 2e-6);
}

void conjugate_gradient_rows() {
  RowOptions options;
  options.n_cg_steps = 120;
  check_rows(*kernels().conjugate_gradient, options, false, true, 2e-4);
}

void non_negative_rows() { check_rows(*kernels().non_negative, {}, true, false, 1e-5); }

void a_row_too_long_to_gather_is_solved_too() {
  constexpr int K = 100, LENGTH = 20000;  // beyond the gathering buffer of conjugate gradient
  Data data(K, false, true, 12);
  std::vector<std::int64_t> indptr = {0, LENGTH};
  std::vector<std::int32_t> indices;
  Random random{13};
  for (int j = 0; j < LENGTH; ++j) indices.push_back(static_cast<std::int32_t>(random.next() % N_COLUMNS));
  RowProblem problem = data.problem(Pull::weight);
  problem.indptr = indptr.data();
  problem.indices = indices.data();
  problem.targets = problem.confidences = nullptr;
  problem.n_rows = 1;
  std::vector<double> diagonal;
  for (int f = 0; f < K; ++f) diagonal.push_back(data.gram[f * K + f]);
  std::vector<float> exact(K), iterated(K);
  Totals totals;
  {
    RowOptions options;
    options.is_double = true;
    const FixedSide fixed = data.fixed(data.gram.data());
    FencedScratch scratch(kernels().exact->scratch_bytes(problem, fixed, options, LENGTH));
    kernels().exact->solve(problem, fixed, {exact.data(), nullptr}, options, 0, 1, LENGTH, scratch.begin(), totals);
    CHECK(scratch.is_intact());
  }
  RowOptions options;
  options.n_cg_steps = 200;
  const FixedSide fixed = data.fixed(diagonal.data());
  FencedScratch scratch(kernels().conjugate_gradient->scratch_bytes(problem, fixed, options, LENGTH));
  kernels().conjugate_gradient->solve(problem, fixed, {iterated.data(), nullptr}, options, 0, 1, LENGTH,
                                      scratch.begin(), totals);
  CHECK(scratch.is_intact());
  for (int f = 0; f < K; ++f) CHECK(std::fabs(exact[f] - iterated[f]) < 1e-4);
}

void singular_rows_are_counted_and_left() {
  Data data(17, false, false, 14);
  for (double& ridge : data.ridges) ridge = 0;
  const RowProblem problem = data.problem(Pull::target);
  std::vector<std::uint8_t> unsolved(data.n_rows());
  RowOptions options;
  options.unsolved = unsolved.data();
  const FixedSide fixed = data.fixed(nullptr);
  FencedScratch scratch(kernels().exact->scratch_bytes(problem, fixed, options, longest_row(data)));
  const std::vector<float> before = data.own_factors;
  Totals totals;
  kernels().exact->solve(problem, fixed, data.own(), options, 0, data.n_rows(), longest_row(data), scratch.begin(),
                         totals);
  CHECK(scratch.is_intact());
  std::int64_t n_short = 0;
  for (std::int64_t r = 0; r < data.n_rows(); ++r) {
    const std::int64_t length = data.indptr[r + 1] - data.indptr[r];
    n_short += length > 0 && length < 17;
    if (length > 0 && length < 17) {
      CHECK(unsolved[r] == 1);
      CHECK(std::equal(before.begin() + r * 17, before.begin() + (r + 1) * 17, data.own_factors.begin() + r * 17));
    } else {
      CHECK(unsolved[r] == 0);
    }
  }
  CHECK(totals.n_unsolved == n_short);
}

void logistic_rows_stay_inside_their_memory() {
  for (const int k : SIZES)
    for (const bool has_bias : {false, true})
      for (const LogisticMethod method : {LogisticMethod::measure, LogisticMethod::majorize, LogisticMethod::gradient,
                                          LogisticMethod::adagrad, LogisticMethod::newton}) {
        Data data(k, has_bias, true, 15 * k + has_bias);
        RowProblem problem = data.problem(Pull::target);
        problem.unobserved_weight = 0;
        const FixedSide fixed = data.fixed(nullptr);
        std::vector<double> squares(data.n_rows() * data.size(), 1e-3);
        std::vector<std::uint8_t> unsolved(data.n_rows());
        const LogisticOptions options{method, 0.1, squares.data(), unsolved.data()};
        LogisticTotals before, after;
        const auto run = [&](const LogisticOptions& wanted, LogisticTotals& totals) {
          FencedScratch scratch(kernels().logistic->scratch_bytes(problem, fixed));
          kernels().logistic->solve(problem, fixed, data.own(), wanted, 0, data.n_rows(), scratch.begin(), totals);
          CHECK(scratch.is_intact());
        };
        LogisticOptions measure = options;
        measure.method = LogisticMethod::measure;
        for (std::int64_t r = 0; r < data.n_rows(); ++r)  // what every method does to rows without pairs
          if (data.indptr[r] == data.indptr[r + 1])
            std::fill_n(data.own_factors.begin() + r * k, k, 0.0f), data.own_biases[r] = 0;
        run(measure, before);
        run(options, after);
        CHECK(std::all_of(unsolved.begin(), unsolved.end(), [](std::uint8_t state) { return state == 0; }));
        const double loss = before.cross_entropy + before.penalty;
        CHECK(after.cross_entropy + after.penalty <= loss * (1 + 1e-6));
        if (method != LogisticMethod::measure) CHECK(after.cross_entropy + after.penalty < loss);
      }
}

void gramian_and_rotation_equal_their_sums() {
  Random random{16};
  for (const int k : SIZES) {
    constexpr std::int64_t N = 133;
    std::vector<float> factors(N * k), turned;
    std::vector<double> weights(N), result(k * k), Q(k * k);
    for (float& x : factors) x = static_cast<float>(random.number());
    for (double& w : weights) w = random.number() + 2;
    for (double& q : Q) q = random.number();
    turned = factors;
    FencedScratch scratch(kernels().matrix->scratch_bytes(k));
    kernels().matrix->gram(factors.data(), weights.data(), k, 3, N, scratch.begin(), result.data());
    CHECK(scratch.is_intact());
    for (int i = 0; i < k; ++i)
      for (int j = 0; j < k; ++j) {
        double sum = 0;
        for (std::int64_t r = 3; r < N; ++r)
          sum += weights[r] * static_cast<double>(factors[r * k + i]) * static_cast<double>(factors[r * k + j]);
        CHECK(std::fabs(result[i * k + j] - sum) < 1e-10);
      }
    kernels().matrix->rotate(turned.data(), Q.data(), k, 1, N - 1, scratch.begin());
    CHECK(scratch.is_intact());
    for (std::int64_t r = 0; r < N; ++r)
      for (int j = 0; j < k; ++j) {
        double sum = r == 0 || r == N - 1 ? static_cast<double>(factors[r * k + j]) : 0.0;
        for (int i = 0; i < k && r > 0 && r < N - 1; ++i) sum += static_cast<double>(factors[r * k + i]) * Q[i * k + j];
        CHECK(std::fabs(turned[r * k + j] - sum) < 2e-5);
      }
  }
}

void half_steps_have_the_same_bits_for_any_number_of_threads() {
  constexpr int K = 33;
  const std::int64_t n_rows = 3000;
  Random random{17};
  std::vector<std::int64_t> indptr = {0};
  std::vector<std::int32_t> indices;
  for (std::int64_t r = 0; r < n_rows; ++r) {
    for (std::int64_t j = 0; j < static_cast<std::int64_t>(random.next() % 60); ++j)
      indices.push_back(static_cast<std::int32_t>(random.next() % N_COLUMNS));
    std::sort(indices.begin() + indptr.back(), indices.end());
    indptr.push_back(static_cast<std::int64_t>(indices.size()));
  }
  const Data data(K, false, false, 18);
  const std::vector<double> ridges(n_rows, 2.0);
  const RowProblem problem = {indptr.data(), indices.data(), nullptr, nullptr, nullptr,   nullptr,
                              ridges.data(), nullptr,        0.0,     n_rows,  N_COLUMNS, Pull::weight};
  std::vector<std::vector<float>> solutions;
  std::vector<double> losses;
  for (const int n_threads : {1, 3, 64}) {
    std::vector<float> factors(n_rows * K);
    Execution execution;
    execution.n_threads = n_threads;
    const HalfStep result =
        half_step(*kernels().exact, problem, data.fixed(nullptr), {factors.data(), nullptr}, {}, execution);
    CHECK(result.is_complete);
    solutions.push_back(factors);
    losses.push_back(result.totals.loss);
  }
  CHECK(solutions[0] == solutions[1] && solutions[0] == solutions[2]);
  CHECK(losses[0] == losses[1] && losses[0] == losses[2]);
}

constexpr Test TESTS[] = {
    {"exact rows in float32", exact_rows_in_float32},
    {"exact rows in float64", exact_rows_in_float64},
    {"conjugate-gradient rows", conjugate_gradient_rows},
    {"non-negative rows", non_negative_rows},
    {"a row too long to gather is solved too", a_row_too_long_to_gather_is_solved_too},
    {"singular rows are counted and left", singular_rows_are_counted_and_left},
    {"logistic rows stay inside their memory", logistic_rows_stay_inside_their_memory},
    {"Gramian and rotation equal their sums", gramian_and_rotation_equal_their_sums},
    {"half-steps have the same bits for any number of threads",
     half_steps_have_the_same_bits_for_any_number_of_threads},
};

}  // namespace

const Tests row_solver_tests = {TESTS, sizeof TESTS / sizeof TESTS[0]};

}  // namespace ridgeback::tests
