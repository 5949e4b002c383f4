// Exact rows: form A and b, factorise, solve. Float32 with a float64 second try, or float64 throughout.
#include "assemble.hpp"
#include "row_kernels.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

template <class T>
struct System {
  T *A, *U, *b, *z, *x, *rows, *weighted, *w, *c;
};

template <class T>
System<T> take_system(Scratch scratch, const Shape& shape, std::int64_t longest_row) {
  const std::int64_t square = static_cast<std::int64_t>(shape.padded) * shape.padded;
  System<T> s;
  s.A = scratch.take<T>(square);
  s.U = scratch.take<T>(square);
  s.b = scratch.take<T>(shape.padded);
  s.z = scratch.take<T>(shape.padded);
  s.x = scratch.take<T>(shape.padded);
  s.rows = scratch.take<T>(static_cast<std::int64_t>(BLOCK) * shape.padded);
  s.weighted = scratch.take<T>(static_cast<std::int64_t>(BLOCK) * shape.padded);
  s.w = scratch.take<T>(longest_row);
  s.c = scratch.take<T>(longest_row);
  return s;
}

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

template <class T>
bool solve_row(const RowProblem& problem, const FixedSide& fixed, const Shape& shape, std::int64_t r,
               const System<T>& s, double& loss) {
  const std::int64_t begin = problem.indptr[r], n = problem.indptr[r + 1] - begin;
  const double constant = pair_weights<T>(problem, fixed, r, s.w, s.c);
  start_system<T>(problem, fixed, shape, r, s.A, s.b);
  add_neighbours<T>(fixed, shape, problem.indices + begin, n, s.w, s.c, s.rows, s.weighted, s.A, s.b);
  if (!factorise<T>(s.A, shape, smallest_pivot<T>(), s.U)) return false;
  solve_factorised<T>(s.U, shape, s.b, s.z, s.x);
  multiply<T>(s.A, shape, s.x, s.z);
  for (int i = 0; i < shape.size; ++i) s.z[i] = s.b[i] - s.z[i];
  loss = row_loss<T>(constant, s.b, s.z, s.x, shape.size);
  return true;
}

template <class T>
void store_row(const T* x, const Shape& shape, const OwnSide& own, std::int64_t r) {
  float* row = own.factors + r * shape.n_factors;
  for (int f = 0; f < shape.n_factors; ++f) row[f] = static_cast<float>(x[f]);
  if (shape.has_bias) own.biases[r] = static_cast<float>(x[shape.n_factors]);
}

std::size_t scratch_bytes(const RowProblem& problem, const FixedSide& fixed, const RowOptions&,
                          std::int64_t longest_row) {
  const std::int64_t padded = shape_of(problem, fixed).padded;
  return sizeof(double) * (2 * padded * padded + 3 * padded + 2 * BLOCK * padded + 2 * longest_row) + 9 * 64;
}

void solve(const RowProblem& problem, const FixedSide& fixed, const OwnSide& own, const RowOptions& options,
           std::int64_t begin, std::int64_t end, std::int64_t longest_row, void* scratch, Totals& totals) {
  const Shape shape = shape_of(problem, fixed);
  const Scratch memory{static_cast<char*>(scratch)};
  const System<float> single = take_system<float>(memory, shape, longest_row);
  const System<double> twice = take_system<double>(memory, shape, longest_row);
  for (std::int64_t r = begin; r < end; ++r) {
    double loss = 0;
    if (problem.indptr[r + 1] == problem.indptr[r]) {
      for (int i = 0; i < shape.size; ++i) twice.x[i] = 0;
      store_row(twice.x, shape, own, r);
    } else if (!options.is_double && solve_row(problem, fixed, shape, r, single, loss)) {
      store_row(single.x, shape, own, r);
    } else if (solve_row(problem, fixed, shape, r, twice, loss)) {
      store_row(twice.x, shape, own, r);
    } else {
      ++totals.n_unsolved;
      if (options.unsolved) options.unsolved[r] = 1;
    }
    totals.loss += loss;
  }
}

}  // namespace

extern const RowKernels exact_kernels = {scratch_bytes, solve};

}  // namespace ridgeback::RIDGEBACK_LEVEL
