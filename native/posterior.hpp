// Rows drawn from their posterior, and what rows say of the vectors that they share (docs/bayesian.md).
//
// A row problem of weights w = beta * ... and pulls c, with a prior N(m_r, Lambda^-1) of the row, has the posterior
//
//   N(P^-1 p, P^-1),    P = Lambda + sum_j w_j y_j y_j^T,    p = Lambda m_r + sum_j c_j y_j
#pragma once

#include "parallel.hpp"
#include "row_problem.hpp"

namespace ridgeback {

struct RowPrior {
  const double* precision;  // Lambda (size, size), size = n_factors + 1 with biases
  const double* root;       // its lower Cholesky factor (size, size), or null where nothing is perturbed
  const double* mean;       // (size), what is added to every row's shift
  const float* shifts;      // (n_rows, size), or null: m_r = mean + shift_r
  std::uint64_t seed, stream;
  bool shares_noise;  // every row takes the noise of row 0
};

// What a row says of its shift with itself integrated out, perturbed by one draw of its noise: a factor
// exp(-s^T M s / 2 + s^T h) of the likelihood, where h ~ N(expected h, M).
struct Information {
  float* M;   // (n_rows, size, size)
  double* h;  // (n_rows, size)
};

struct PosteriorKernels {
  std::size_t (*scratch_bytes)(const RowProblem&, const FixedSide&, std::int64_t longest_row);
  // Draws rows begin..end-1 into `own`, or their means where `has_noise` is false; returns how many had no factor.
  std::int64_t (*draw)(const RowProblem&, const FixedSide&, const OwnSide&, const RowPrior&, bool has_noise,
                       std::int64_t begin, std::int64_t end, std::int64_t longest_row, void* scratch);
  // M and h of rows begin..end-1 at shift 0.
  std::int64_t (*inform)(const RowProblem&, const FixedSide&, const RowPrior&, const Information&, std::int64_t begin,
                         std::int64_t end, std::int64_t longest_row, void* scratch);
  // errors_r = sum_j w_j (t_j - x . y_j - bias_r)^2 of rows begin..end-1.
  void (*square)(const RowProblem&, const FixedSide&, const OwnSide&, double* errors, std::int64_t begin,
                 std::int64_t end, std::int64_t longest_row, void* scratch);
};

struct SharedKernels {
  // sums_r = sum_j value_rj x_j (values null: 1) for rows begin..end-1; x and sums have rows of `size`.
  void (*sum)(const std::int64_t* indptr, const std::int32_t* indices, const float* values, const double* x, int size,
              std::int64_t begin, std::int64_t end, double* sums);
  // products_r = M_r s_r for rows begin..end-1.
  void (*multiply)(const float* M, const double* s, int size, std::int64_t begin, std::int64_t end, double* products);
};

struct DrawnRows {
  std::int64_t n_failed;  // rows whose P was not positive definite
  bool is_complete;
};

DrawnRows draw_rows(const RowProblem& problem, const FixedSide& fixed, const OwnSide& own, const RowPrior& prior,
                    bool has_noise, const Execution& execution);
DrawnRows inform_rows(const RowProblem& problem, const FixedSide& fixed, const RowPrior& prior,
                      const Information& information, const Execution& execution);
bool square_rows(const RowProblem& problem, const FixedSide& fixed, const OwnSide& own, double* errors,
                 const Execution& execution);
bool sum_rows(const std::int64_t* indptr, const std::int32_t* indices, const float* values, std::int64_t n_rows,
              const double* x, int size, double* sums, const Execution& execution);
bool multiply_rows(const float* M, const double* s, std::int64_t n_rows, int size, double* products,
                   const Execution& execution);

}  // namespace ridgeback
