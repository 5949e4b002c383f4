// Conjugate gradient, warm-started, on factors whose Gramian is diagonal: A = D + sum_j w_j y_j y_j^T with
// D = diag(unobserved_weight g + ridge). D preconditions; without an all-pairs term the diagonal of A does.
#include "assemble.hpp"
#include "row_kernels.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

constexpr int BATCH = 8;                         // neighbours multiplied at a time
constexpr std::int64_t KEPT_GROUP = 16 * BATCH;  // gathered neighbours summed apart, as GROUP says
constexpr std::int64_t BUFFER_BYTES = 4 << 20;   // longer rows form A instead of keeping their neighbours

std::int64_t buffered_rows(const Shape& shape, std::int64_t longest_row) {
  const std::int64_t most = BUFFER_BYTES / (4 * shape.padded);
  return ((longest_row < most ? longest_row : most) + BATCH - 1) / BATCH * BATCH;
}

// q = D p + sum_j w_j (y_j . p) y_j over the gathered rows (a multiple of BATCH of them, the last ones zero).
// `part` is scratch.
inline void multiply_gathered(const float* rows, const float* w, std::int64_t n, const float* diagonal, int padded,
                              const float* p, float* q, float* part) {
  constexpr int N = Vec<float>::N;
  for (int f = 0; f < padded; f += N) (Vec<float>::load(diagonal + f) * Vec<float>::load(p + f)).store(q + f);
  for (std::int64_t group = 0; group < n; group += KEPT_GROUP) {
    for (int f = 0; f < padded; ++f) part[f] = 0;
    const std::int64_t end = n - group < KEPT_GROUP ? n : group + KEPT_GROUP;
    for (std::int64_t j = group; j < end; j += BATCH) {
      const float* y = rows + j * padded;
      Vec<float> sum[BATCH];
      _Pragma("GCC unroll 8") for (int i = 0; i < BATCH; ++i) sum[i] = Vec<float>::zero();
      for (int f = 0; f < padded; f += N) {
        const Vec<float> x = Vec<float>::load(p + f);
        _Pragma("GCC unroll 8") for (int i = 0; i < BATCH; ++i) sum[i] =
            fma(Vec<float>::load(y + i * padded + f), x, sum[i]);
      }
      float scale[BATCH];
      fold4(sum[0], sum[1], sum[2], sum[3], scale);
      fold4(sum[4], sum[5], sum[6], sum[7], scale + 4);
      Vec<float> s[BATCH];
      _Pragma("GCC unroll 8") for (int i = 0; i < BATCH; ++i) s[i] = Vec<float>::splat(scale[i] * w[j + i]);
      for (int f = 0; f < padded; f += N) {
        Vec<float> total = Vec<float>::load(part + f);
        _Pragma("GCC unroll 8") for (int i = 0; i < BATCH; ++i) total =
            fma(s[i], Vec<float>::load(y + i * padded + f), total);
        total.store(part + f);
      }
    }
    add_scaled<float>(1.0f, part, q, padded);
  }
}

struct Row {
  float *x, *b, *r, *p, *q, *z, *part, *D, *inverse, *w, *c, *rows, *group, *A;
};

Row take_row(Scratch scratch, const Shape& shape, std::int64_t longest_row) {
  const std::int64_t padded = shape.padded, buffered = buffered_rows(shape, longest_row);
  Row s;
  float** const pieces[] = {&s.x, &s.b, &s.r, &s.p, &s.q, &s.z, &s.part, &s.D, &s.inverse};
  for (float** piece : pieces) *piece = scratch.take<float>(padded);
  s.w = scratch.take<float>(longest_row + BATCH);
  s.c = scratch.take<float>(longest_row + BATCH);
  s.rows = scratch.take<float>((buffered > BLOCK ? buffered : BLOCK) * padded);
  s.group = scratch.take<float>(group_numbers<float>(padded));
  s.A = scratch.take<float>(padded * padded);
  return s;
}

// Gathers the row, or forms A where it is too long to keep; b, D and the preconditioner either way.
// Returns the number of gathered rows, -1 where A was formed.
std::int64_t prepare(const RowProblem& problem, const FixedSide& fixed, const Shape& shape, std::int64_t r,
                     std::int64_t longest_row, const Row& s) {
  const std::int64_t begin = problem.indptr[r], n = problem.indptr[r + 1] - begin;
  const int k = shape.n_factors, padded = shape.padded;
  for (int f = 0; f < padded; ++f) {
    s.D[f] = 0;
    s.b[f] = 0;
  }
  for (int f = 0; f < k; ++f)
    s.D[f] = static_cast<float>((fixed.gram ? problem.unobserved_weight * fixed.gram[f] : 0.0) + problem.ridges[r]);
  if (shape.has_bias) s.D[k] = static_cast<float>(problem.bias_ridges[r]);
  for (int f = 0; f < padded; ++f) s.inverse[f] = s.D[f];

  const bool is_kept = n <= buffered_rows(shape, longest_row);
  std::int64_t n_padded = -1;
  if (is_kept) {
    n_padded = (n + BATCH - 1) / BATCH * BATCH;
    gather<float>(fixed, shape, problem.indices + begin, n, s.rows);
    for (std::int64_t j = n; j < n_padded; ++j) {
      for (int f = 0; f < padded; ++f) s.rows[j * padded + f] = 0;
      s.w[j] = 0;
    }
    for (std::int64_t group = 0; group < n; group += KEPT_GROUP) {
      for (int f = 0; f < padded; ++f) s.part[f] = 0;
      const std::int64_t end = n - group < KEPT_GROUP ? n : group + KEPT_GROUP;
      for (std::int64_t j = group; j < end; ++j) add_scaled<float>(s.c[j], s.rows + j * padded, s.part, padded);
      add_scaled<float>(1.0f, s.part, s.b, padded);
    }
    if (!fixed.gram)
      for (std::int64_t j = 0; j < n; ++j)
        for (int f = 0; f < padded; ++f) {
          const float y = s.rows[j * padded + f];
          s.inverse[f] += s.w[j] * y * y;
        }
  } else {
    add_neighbours<float>(fixed, shape, neighbours_of(problem, r), s.w, s.c, nullptr, s.rows, s.group, s.A, s.b);
    for (int f = 0; f < shape.size; ++f) s.A[place<float>(f, f, padded)] += s.D[f];
    if (!fixed.gram)
      for (int f = 0; f < shape.size; ++f) s.inverse[f] = s.A[place<float>(f, f, padded)];
  }
  // Far below the largest a direction is the rounding of float32 factors: it stays as it is, or moves with care.
  float largest = 0;
  for (int f = 0; f < padded; ++f) largest = s.inverse[f] > largest ? s.inverse[f] : largest;
  const float least = 1e-12f * largest, floor = 1e-7f * largest;
  for (int f = 0; f < padded; ++f) {
    const float d = s.inverse[f];
    s.inverse[f] = d > least ? 1.0f / (d > floor ? d : floor) : 0.0f;
  }
  return n_padded;
}

void multiply_row(const Row& s, const Shape& shape, std::int64_t n_gathered, const float* p, float* q) {
  if (n_gathered >= 0)
    multiply_gathered(s.rows, s.w, n_gathered, s.D, shape.padded, p, q, s.part);
  else
    multiply<float>(s.A, shape.padded, p, q);
}

double solve_row(const RowProblem& problem, const FixedSide& fixed, const Shape& shape, std::int64_t r, int n_steps,
                 std::int64_t longest_row, const Row& s) {
  const int padded = shape.padded;
  const double constant = pair_weights<float>(problem, fixed, r, s.w, s.c);
  const std::int64_t n_gathered = prepare(problem, fixed, shape, r, longest_row, s);
  multiply_row(s, shape, n_gathered, s.x, s.q);
  for (int f = 0; f < padded; ++f) {
    s.r[f] = s.b[f] - s.q[f];
    s.z[f] = s.inverse[f] * s.r[f];
    s.p[f] = s.z[f];
  }
  float residual = dot<float>(s.r, s.z, padded);
  // Relative to b in the same norm; below this a division would only amplify rounding.
  float scale = 0;
  for (int f = 0; f < padded; ++f) s.q[f] = s.inverse[f] * s.b[f];
  scale = dot<float>(s.b, s.q, padded);
  for (int step = 0; step < n_steps && residual > 1e-14f * scale; ++step) {
    multiply_row(s, shape, n_gathered, s.p, s.q);
    const float curvature = dot<float>(s.p, s.q, padded);
    if (!(curvature > 0)) break;
    const float length = residual / curvature;
    add_scaled<float>(length, s.p, s.x, padded);
    add_scaled<float>(-length, s.q, s.r, padded);
    for (int f = 0; f < padded; ++f) s.z[f] = s.inverse[f] * s.r[f];
    const float next = dot<float>(s.r, s.z, padded);
    const float turn = next / residual;
    residual = next;
    for (int f = 0; f < padded; ++f) s.p[f] = s.z[f] + turn * s.p[f];
  }
  return row_loss<float>(constant, s.b, s.r, s.x, shape.size);
}

std::size_t scratch_bytes(const RowProblem& problem, const FixedSide& fixed, const RowOptions&,
                          std::int64_t longest_row) {
  const Shape shape = shape_of(problem, fixed);
  const std::int64_t padded = shape.padded, buffered = buffered_rows(shape, longest_row);
  return sizeof(float) * (9 * padded + 2 * (longest_row + BATCH) + (buffered + BLOCK) * padded +
                          group_numbers<float>(padded) + padded * padded) +
         18 * 64;
}

void solve(const RowProblem& problem, const FixedSide& fixed, const OwnSide& own, const RowOptions& options,
           std::int64_t begin, std::int64_t end, std::int64_t longest_row, void* scratch, Totals& totals) {
  const Shape shape = shape_of(problem, fixed);
  const int k = shape.n_factors;
  const Row s = take_row(Scratch{static_cast<char*>(scratch)}, shape, longest_row);
  for (std::int64_t r = begin; r < end; ++r) {
    const bool is_empty = problem.indptr[r + 1] == problem.indptr[r];
    float* factors = own.factors + r * k;
    for (int f = 0; f < shape.padded; ++f) s.x[f] = 0;
    if (!is_empty) {
      for (int f = 0; f < k; ++f) s.x[f] = factors[f];
      if (shape.has_bias) s.x[k] = own.biases[r];
      totals.loss += solve_row(problem, fixed, shape, r, options.n_cg_steps, longest_row, s);
    }
    for (int f = 0; f < k; ++f) factors[f] = s.x[f];
    if (shape.has_bias) own.biases[r] = s.x[k];
  }
}

}  // namespace

extern const RowKernels conjugate_gradient_kernels = {scratch_bytes, solve};

}  // namespace ridgeback::RIDGEBACK_LEVEL
