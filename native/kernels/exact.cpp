// Exact rows: form A and b, factorise, solve; or, for rows shorter than their unknown, the same through the dual.
// Float32 with a float64 second try; or refined to float64's quality, with float64 throughout as the second try.
#include "assemble.hpp"
#include "cholesky.hpp"
#include "dual.hpp"
#include "refined.hpp"
#include "row_kernels.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

template <class T>
struct System {
  T *start, *A, *b, *x, *rows, *group, *w, *c;
  Factor<T> factor;

  static std::int64_t n_numbers(std::int64_t padded, std::int64_t longest_row) {
    return 2 * padded * padded + 2 * padded + BLOCK * padded + group_numbers<T>(padded) + 2 * longest_row + 8 * 16 +
           Factor<T>::n_numbers(padded);
  }
  static System take(Scratch& scratch, const Shape& shape, std::int64_t longest_row) {
    const std::int64_t padded = shape.padded;
    System s;
    T** const squares[] = {&s.start, &s.A};
    for (T** piece : squares) *piece = scratch.take<T>(padded * padded);
    T** const vectors[] = {&s.b, &s.x};
    for (T** piece : vectors) *piece = scratch.take<T>(padded);
    s.rows = scratch.take<T>(BLOCK * padded);
    s.group = scratch.take<T>(group_numbers<T>(padded));
    s.w = scratch.take<T>(longest_row);
    s.c = scratch.take<T>(longest_row);
    s.factor = Factor<T>::take(scratch, padded);
    return s;
  }
};

// Below this share of its diagonal entry a pivot is rounding: 2^7 and 2^13 units in the last place.
template <class T>
constexpr T smallest_pivot();
template <>
constexpr float smallest_pivot<float>() {
  return 1e-5f;
}
template <>
constexpr double smallest_pivot<double>() {
  return 2e-12;
}

// Solves row r into s.x; false where A is singular at this precision.
template <class T>
bool solve_primal(const RowProblem& problem, const FixedSide& fixed, const Shape& shape, std::int64_t r,
                  double constant, const System<T>& s, double& loss) {
  add_neighbours<T>(fixed, shape, neighbours_of(problem, r), s.w, s.c, s.start, s.rows, s.group, s.A, s.b);
  add_ridges<T>(problem, shape, r, s.A);
  if (!solve_system<T>(s.A, s.b, shape.padded, smallest_pivot<T>(), s.factor, s.x)) return false;
  // The share of the loss, constant - b.x - (b - A x).x.
  double pull = 0;
  for (int f = 0; f < shape.size; ++f) pull += static_cast<double>(s.b[f]) * static_cast<double>(s.x[f]);
  loss = constant - 2 * pull + quadratic_form<T>(s.A, shape.padded, s.x);
  return true;
}

template <class T>
void store_row(const T* x, const Shape& shape, const OwnSide& own, std::int64_t r) {
  float* row = own.factors + r * shape.n_factors;
  for (int f = 0; f < shape.n_factors; ++f) row[f] = static_cast<float>(x[f]);
  if (shape.has_bias) own.biases[r] = static_cast<float>(x[shape.n_factors]);
}

// Whether float32 holds a row's share of the loss, which is what is left of terms as large as the loss of x = 0, and of
// sum_i A_ii x_i^2. Without a ridge a row may fit its pairs to nothing, or x grow where they do not determine it.
bool holds_loss(double loss, double constant) { return loss >= 1e-4 * constant; }

bool holds_solution(const float* A, const float* x, const Shape& shape, double constant) {
  double total = 0;
  for (int f = 0; f < shape.size; ++f)
    total += static_cast<double>(A[place<float>(f, f, shape.padded)]) * static_cast<double>(x[f]) *
             static_cast<double>(x[f]);
  return total <= 4 * constant;  // it is below 1 times the constant wherever a ridge holds x
}

// Whether the dual is cheaper: where its system has fewer blocks of 16. Microseconds a row, primal / dual, one thread:
//
//   k = 32         n = 16: 1.3 / 0.9       24: 1.5 / 1.7       32: 1.7 / 1.8
//   k = 64         n = 32: 4.0 / 2.6       48: 4.7 / 4.0       64: 5.7 / 6.0
//   k = 128        n = 64: 17 / 9.6       112: 25 / 24        128: 28 / 29
//   k = 256        n = 128: 102 / 47      224: 140 / 128      256: 158 / 168
//   k = 512        n = 320: 874 / 477     448: 1086 / 930     512: 1173 / 1286       (AVX-512; AVX2 turns there too)
bool prefers_dual(std::int64_t n, const Shape& shape) { return (n + 15) / 16 * 16 < shape.padded; }

// The rows of one chunk, by one worker.
class Rows {
 public:
  Rows(const RowProblem& problem, const FixedSide& fixed, const OwnSide& own, const RowOptions& options,
       std::int64_t longest_row, void* scratch)
      : problem_(problem), fixed_(fixed), own_(own), options_(options), shape_(shape_of(problem, fixed)) {
    Scratch memory{static_cast<char*>(scratch)};
    gram_diagonal_ = memory.take<float>(shape_.padded);
    dual_ = Dual::take(memory, shape_.padded);
    double_ = System<double>::take(memory, shape_, longest_row);
    single_ = System<float>::take(memory, shape_, longest_row);
    const bool has_gram = fixed.gram && problem.unobserved_weight != 0;
    for (std::int64_t f = 0; f < shape_.padded; ++f)
      gram_diagonal_[f] = has_gram && f < shape_.n_factors
                              ? static_cast<float>(problem.unobserved_weight * fixed.gram[f * (shape_.n_factors + 1)])
                              : 0.0f;
  }

  void solve(std::int64_t r, Totals& totals) {
    double loss = 0;
    if (problem_.indptr[r + 1] == problem_.indptr[r]) {
      for (int i = 0; i < shape_.size; ++i) single_.x[i] = 0;
      store_row(single_.x, shape_, own_, r);
    } else if (!(options_.is_double ? solve_refined(r, loss) : solve_single(r, loss)) && !solve_double(r, loss)) {
      loss = 0;
      ++totals.n_unsolved;
      if (options_.unsolved) options_.unsolved[r] = 1;
    }
    totals.loss += loss;
  }

 private:
  bool prefers_dual(std::int64_t r) const {
    return problem_.ridges[r] >= options_.least_dual_ridge &&
           ridgeback::RIDGEBACK_LEVEL::prefers_dual(problem_.indptr[r + 1] - problem_.indptr[r], shape_);
  }

  bool solve_primal_single(std::int64_t r, double constant, double& loss) {
    if (!has_single_start_) start_system<float>(problem_, fixed_, shape_, single_.start);
    has_single_start_ = true;
    return solve_primal<float>(problem_, fixed_, shape_, r, constant, single_, loss);
  }

  bool solve_dual_single(std::int64_t r, double constant, double& loss) {
    return solve_dual(problem_, fixed_, shape_, r, gram_diagonal_, single_.w, single_.c, constant,
                      smallest_pivot<float>(), dual_, loss);
  }

  bool solve_single(std::int64_t r, double& loss) {
    const double constant = pair_weights<float>(problem_, fixed_, r, single_.w, single_.c);
    if (prefers_dual(r) && solve_dual_single(r, constant, loss) && holds_loss(loss, constant)) {
      store_row(dual_.x, shape_, own_, r);
      return true;
    }
    if (!solve_primal_single(r, constant, loss)) return false;
    if (!holds_loss(loss, constant) || !holds_solution(single_.A, single_.x, shape_, constant)) return false;
    store_row(single_.x, shape_, own_, r);
    return true;
  }

  bool solve_refined(std::int64_t r, double& loss) {
    const std::int64_t n = problem_.indptr[r + 1] - problem_.indptr[r];
    const double constant = pair_weights<double>(problem_, fixed_, r, double_.w, double_.c);
    for (std::int64_t j = 0; j < n; ++j) single_.w[j] = static_cast<float>(double_.w[j]);
    for (std::int64_t j = 0; j < n; ++j) single_.c[j] = static_cast<float>(double_.c[j]);
    const bool is_dual = prefers_dual(r) && solve_dual_single(r, constant, loss);
    if (!is_dual && !solve_primal_single(r, constant, loss)) return false;
    const float* solution = is_dual ? dual_.x : single_.x;
    for (int f = 0; f < shape_.padded; ++f) double_.x[f] = f < shape_.size ? static_cast<double>(solution[f]) : 0.0;
    const int n_padded = static_cast<int>((n + 15) / 16 * 16);
    const double rate = is_dual ? 1e-5 + 6e-8 * trace(dual_, n_padded) : 1e-5;
    const auto solve_again = [&](const float* rhs, float* x) {
      if (is_dual) {
        solve_dual_again(shape_, n_padded, dual_, rhs, x);
      } else {
        substitute_forward<float>(single_.factor, shape_.padded, rhs);
        substitute_back<float>(single_.factor, shape_.padded, x);
      }
    };
    if (!refine(problem_, fixed_, shape_, r, double_.w, double_.c, constant, double_.x, double_.b, single_.b, single_.x,
                solve_again, rate, loss))
      return false;
    store_row(double_.x, shape_, own_, r);
    return true;
  }

  bool solve_double(std::int64_t r, double& loss) {
    if (!has_double_start_) start_system<double>(problem_, fixed_, shape_, double_.start);
    has_double_start_ = true;
    const double constant = pair_weights<double>(problem_, fixed_, r, double_.w, double_.c);
    if (!solve_primal<double>(problem_, fixed_, shape_, r, constant, double_, loss)) return false;
    store_row(double_.x, shape_, own_, r);
    return true;
  }

  const RowProblem& problem_;
  const FixedSide& fixed_;
  const OwnSide& own_;
  const RowOptions& options_;
  const Shape shape_;
  float* gram_diagonal_;
  Dual dual_;
  System<float> single_;
  System<double> double_;
  bool has_single_start_ = false, has_double_start_ = false;
};

std::size_t scratch_bytes(const RowProblem& problem, const FixedSide& fixed, const RowOptions&,
                          std::int64_t longest_row) {
  const std::int64_t padded = shape_of(problem, fixed).padded;
  return sizeof(float) * (padded + 16 + Dual::n_floats(padded) + System<float>::n_numbers(padded, longest_row)) +
         sizeof(double) * System<double>::n_numbers(padded, longest_row);
}

void solve(const RowProblem& problem, const FixedSide& fixed, const OwnSide& own, const RowOptions& options,
           std::int64_t begin, std::int64_t end, std::int64_t longest_row, void* scratch, Totals& totals) {
  Rows rows(problem, fixed, own, options, longest_row, scratch);
  for (std::int64_t r = begin; r < end; ++r) rows.solve(r, totals);
}

}  // namespace

extern const RowKernels exact_kernels = {scratch_bytes, solve};

}  // namespace ridgeback::RIDGEBACK_LEVEL
