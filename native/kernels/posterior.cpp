// Rows drawn from their posterior, from the same A and b as every other row (Salakhutdinov & Mnih 2008, section 3.3):
//
//   x ~ N(P^-1 p, P^-1),    P = Lambda + A,    p = Lambda m + b,    A = sum_j w_j y_j y_j^T,    b = sum_j c_j y_j
//
// With P = U^T U and z = U^-T p this is U x = z + noise. And what a row says of a shift s of its prior's mean m once
// the row itself is integrated out:
//
//   exp(-s^T M s / 2 + s^T h),    M = Lambda - Lambda P^-1 Lambda,    h = Lambda P^-1 (b' + l') - l'
//
// where b' = sum_j (c_j + sqrt(w_j) noise_j) y_j and l' = Lambda mean + root noise carry the noise of one draw: solving
// for s with the perturbed h is drawing s.
#include "posterior.hpp"

#include "assemble.hpp"
#include "cholesky.hpp"
#include "random_normals.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

constexpr double SMALLEST_PIVOT = 1e-14;  // Lambda is positive definite: only numbers that overflow fall below

struct Memory {
  double *start, *P, *p, *x, *rows, *group, *w, *c, *solved, *pull;
  Factor<double> factor;

  static std::int64_t n_numbers(std::int64_t padded, std::int64_t longest_row) {
    return 3 * padded * padded + 3 * padded + BLOCK * padded + group_numbers<double>(padded) + 2 * longest_row +
           10 * 8 + Factor<double>::n_numbers(padded);
  }
  static Memory take(void* scratch, std::int64_t padded, std::int64_t longest_row) {
    Scratch pieces{static_cast<char*>(scratch)};
    Memory m;
    double** const squares[] = {&m.start, &m.P, &m.solved};
    for (double** piece : squares) *piece = pieces.take<double>(padded * padded);
    double** const vectors[] = {&m.p, &m.x, &m.pull};
    for (double** piece : vectors) *piece = pieces.take<double>(padded);
    m.rows = pieces.take<double>(BLOCK * padded);
    m.group = pieces.take<double>(group_numbers<double>(padded));
    m.w = pieces.take<double>(longest_row);
    m.c = pieces.take<double>(longest_row);
    m.factor = Factor<double>::take(pieces, padded);
    return m;
  }
};

// Lambda in panels, behind it the diagonal of the identity: what every row's P starts from.
void start_from_prior(const double* precision, const Shape& shape, double* start) {
  constexpr int N = Vec<double>::N;
  for (int i = 0; i < shape.padded * shape.padded; ++i) start[i] = 0;
  for (int c = 0; c < shape.padded; ++c)
    for (int i = 0; i < (c / N + 1) * N; ++i)
      start[place<double>(i, c, shape.padded)] =
          i < shape.size && c < shape.size ? precision[i * shape.size + c] : (i == c ? 1.0 : 0.0);
}

// y = Q x for a square matrix (size, size).
void multiply_by(const double* Q, const double* x, int size, double* y) {
  for (int i = 0; i < size; ++i) {
    double sum = 0;
    for (int f = 0; f < size; ++f) sum += Q[i * size + f] * x[f];
    y[i] = sum;
  }
}

// The mean of row r's prior.
void prior_mean(const RowPrior& prior, std::int64_t r, int size, double* m) {
  for (int f = 0; f < size; ++f)
    m[f] = prior.mean[f] + (prior.shifts ? static_cast<double>(prior.shifts[r * size + f]) : 0.0);
}

bool has_neighbours(const RowProblem& problem, std::int64_t r) { return problem.indptr[r + 1] > problem.indptr[r]; }

void store(const double* x, const Shape& shape, const OwnSide& own, std::int64_t r) {
  for (int f = 0; f < shape.n_factors; ++f) own.factors[r * shape.n_factors + f] = static_cast<float>(x ? x[f] : 0.0);
  if (shape.has_bias) own.biases[r] = static_cast<float>(x ? x[shape.n_factors] : 0.0);
}

std::size_t scratch_bytes(const RowProblem& problem, const FixedSide& fixed, std::int64_t longest_row) {
  return sizeof(double) * Memory::n_numbers(shape_of(problem, fixed).padded, longest_row);
}

std::int64_t draw(const RowProblem& problem, const FixedSide& fixed, const OwnSide& own, const RowPrior& prior,
                  bool has_noise, std::int64_t begin, std::int64_t end, std::int64_t longest_row, void* scratch) {
  const Shape shape = shape_of(problem, fixed);
  const Memory m = Memory::take(scratch, shape.padded, longest_row);
  start_from_prior(prior.precision, shape, m.start);
  std::int64_t n_failed = 0;
  for (std::int64_t r = begin; r < end; ++r) {
    if (!has_neighbours(problem, r)) {
      store(nullptr, shape, own, r);
      continue;
    }
    pair_weights<double>(problem, fixed, r, m.w, m.c);
    add_neighbours<double>(fixed, shape, neighbours_of(problem, r), m.w, m.c, m.start, m.rows, m.group, m.P, m.p);
    prior_mean(prior, r, shape.size, m.x);
    multiply_by(prior.precision, m.x, shape.size, m.pull);
    for (int f = 0; f < shape.size; ++f) m.p[f] += m.pull[f];
    if (!factorise<double>(m.P, m.p, shape.padded, SMALLEST_PIVOT, m.factor)) {
      ++n_failed;
      continue;
    }
    if (has_noise) {
      Normals normals(prior.seed, prior.stream, prior.shares_noise ? 0 : r);
      for (int f = 0; f < shape.size; ++f) m.factor.z[f] += normals.next();
    }
    substitute_back<double>(m.factor, shape.padded, m.x);
    store(m.x, shape, own, r);
  }
  return n_failed;
}

// M = Lambda - W^T W with W = U^-T Lambda, column by column; columns of W are kept as rows of `solved`.
void subtract_explained(const RowPrior& prior, const Shape& shape, const Memory& m, float* M) {
  const int size = shape.size, padded = shape.padded;
  for (int c = 0; c < size; ++c) {
    for (int f = 0; f < padded; ++f) m.pull[f] = f < size ? prior.precision[c * size + f] : 0.0;
    substitute_forward<double>(m.factor, padded, m.pull);
    double* column = m.solved + static_cast<std::int64_t>(c) * padded;
    for (int f = 0; f < padded; ++f) column[f] = m.factor.z[f];
    for (int i = 0; i <= c; ++i) {
      const double* other = m.solved + static_cast<std::int64_t>(i) * padded;
      Vec<double> sum = Vec<double>::zero();
      for (int f = 0; f < padded; f += Vec<double>::N)
        sum = fma(Vec<double>::load(column + f), Vec<double>::load(other + f), sum);
      M[c * size + i] = M[i * size + c] = static_cast<float>(prior.precision[c * size + i] - fold(sum));
    }
  }
}

std::int64_t inform(const RowProblem& problem, const FixedSide& fixed, const RowPrior& prior,
                    const Information& information, std::int64_t begin, std::int64_t end, std::int64_t longest_row,
                    void* scratch) {
  const Shape shape = shape_of(problem, fixed);
  const int size = shape.size;
  const Memory m = Memory::take(scratch, shape.padded, longest_row);
  start_from_prior(prior.precision, shape, m.start);
  std::int64_t n_failed = 0;
  for (std::int64_t r = begin; r < end; ++r) {
    float* M = information.M + r * size * size;
    double* h = information.h + r * size;
    for (int i = 0; i < size * size; ++i) M[i] = 0;
    for (int f = 0; f < size; ++f) h[f] = 0;
    if (!has_neighbours(problem, r)) continue;
    pair_weights<double>(problem, fixed, r, m.w, m.c);
    Normals normals(prior.seed, prior.stream, prior.shares_noise ? 0 : r);
    multiply_by(prior.precision, prior.mean, size, h);
    for (int c = 0; c < size; ++c) {
      const double noise = normals.next();
      for (int f = c; f < size; ++f) h[f] += prior.root[f * size + c] * noise;
    }
    for (std::int64_t j = 0; j < problem.indptr[r + 1] - problem.indptr[r]; ++j)
      m.c[j] += std::sqrt(m.w[j]) * normals.next();
    add_neighbours<double>(fixed, shape, neighbours_of(problem, r), m.w, m.c, m.start, m.rows, m.group, m.P, m.p);
    for (int f = 0; f < size; ++f) m.p[f] += h[f];
    if (!factorise<double>(m.P, m.p, shape.padded, SMALLEST_PIVOT, m.factor)) {
      ++n_failed;
      continue;
    }
    substitute_back<double>(m.factor, shape.padded, m.x);
    multiply_by(prior.precision, m.x, size, m.pull);
    for (int f = 0; f < size; ++f) h[f] = m.pull[f] - h[f];
    subtract_explained(prior, shape, m, M);
  }
  return n_failed;
}

void square(const RowProblem& problem, const FixedSide& fixed, const OwnSide& own, double* errors, std::int64_t begin,
            std::int64_t end, std::int64_t longest_row, void* scratch) {
  const Shape shape = shape_of(problem, fixed);
  const Memory m = Memory::take(scratch, shape.padded, longest_row);
  const std::int64_t k = shape.n_factors;
  for (std::int64_t r = begin; r < end; ++r) {
    pair_weights<double>(problem, fixed, r, m.w, m.c);
    const Neighbours neighbours = neighbours_of(problem, r);
    const float* x = own.factors + r * k;
    const double bias = shape.has_bias ? static_cast<double>(own.biases[r]) : 0.0;
    errors[r] = 0;
    for (std::int64_t j = 0; j < neighbours.n; ++j) {
      const float* y = fixed.factors + neighbours.indices[j] * k;
      double score = bias;
      for (std::int64_t f = 0; f < k; ++f) score += static_cast<double>(x[f]) * static_cast<double>(y[f]);
      const double error = m.w[j] > 0 ? m.c[j] / m.w[j] - score : 0.0;
      errors[r] += m.w[j] * error * error;
    }
  }
}

}  // namespace

extern const PosteriorKernels posterior_kernels = {scratch_bytes, draw, inform, square};

}  // namespace ridgeback::RIDGEBACK_LEVEL
