// Conjugate gradient, warm-started, on factors whose Gramian is diagonal: A = D + sum_j w_j y_j y_j^T with
// D = diag(unobserved_weight g + ridge). D preconditions; without an all-pairs term the diagonal of A does.
//
// A is never formed. A pass over the row's neighbours takes a vector p to
//
//   q = sum_j v_j y_j    with v_j = c_j - w_j (y_j . p) in the first pass: q = b - (A - D) p
//                        and  v_j = w_j (y_j . p) in the others:           q = (A - D) p
//
// and a step costs one pass. Each gives b . p = sum_j c_j (y_j . p) as well, from which the row's loss follows.
//
// A step of length a = r.z / p.(A p) takes a r.z off the loss, and the next is expected to take (r.z)' / r.z times as
// much, primes being after the step.
#include "assemble.hpp"
#include "pair_pass.hpp"
#include "row_kernels.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

// The diagonal becomes its inverse. Far below the largest, a direction is the rounding of float32 factors: it stays as
// it is, or moves with care.
void invert(float* diagonal, int length) {
  float most[N] = {}, largest = 0;  // lane by lane: one maximum would wait for the one before
  for (int f = 0; f < length; f += N)
    for (int i = 0; i < N; ++i) most[i] = diagonal[f + i] > most[i] ? diagonal[f + i] : most[i];
  for (const float one : most) largest = one > largest ? one : largest;
  const float least = 1e-12f * largest, floor = 1e-7f * largest;
  for (int f = 0; f < length; ++f) {
    const float d = diagonal[f];
    diagonal[f] = d > least ? 1.0f / (d > floor ? d : floor) : 0.0f;
  }
}

// Calls work(f) for the first number of every vector.
template <class Work>
inline __attribute__((always_inline)) void for_vectors(int length, const Work& work) {
  for (int f = 0; f < length; f += N) work(f);
}

// x.y in float64, sixteen sums side by side.
double product(const float* x, const float* y, int length) {
  constexpr int M = Vec<double>::N;
  Vec<double> sum[2] = {Vec<double>::zero(), Vec<double>::zero()};
  for (int f = 0; f < length; f += 2 * M)
    for (int h = 0; h < 2; ++h)
      sum[h] = fma(Vec<double>::load_floats(x + f + h * M), Vec<double>::load_floats(y + f + h * M), sum[h]);
  return fold(sum[0] + sum[1]);
}

struct Vectors {
  float *x, *r, *z, *p, *q, *D, *inverse, *w, *c;
  Passing passing;
};

constexpr int N_VECTORS = 9 + BATCH;  // of them as long as the layout

Vectors take_vectors(Scratch scratch, const Layout& layout, std::int64_t longest_row) {
  Vectors s;
  float** const pieces[] = {&s.x, &s.r, &s.z, &s.p, &s.q, &s.D, &s.inverse, &s.passing.part, &s.passing.x};
  for (float** piece : pieces) *piece = scratch.take<float>(layout.length);
  s.passing.squares = s.inverse;
  s.passing.widened = scratch.take<float>(BATCH * layout.length);
  s.w = scratch.take<float>(longest_row + BATCH);
  s.c = scratch.take<float>(longest_row + BATCH);
  return s;
}

// D = diag(unobserved_weight g + ridge), zeros where nothing stands.
void fill_ridges(const RowProblem& problem, const FixedSide& fixed, const Layout& layout, std::int64_t r, float* D) {
  fill(D + (layout.n_factors / N) * N, layout.length - layout.n_factors / N * N);
  for (int f = 0; f < layout.n_factors; ++f)
    D[f] = static_cast<float>((fixed.gram ? problem.unobserved_weight * fixed.gram[f] : 0.0) + problem.ridges[r]);
  if (problem.bias_ridges) D[layout.bias_at] = static_cast<float>(problem.bias_ridges[r]);
}

// Solves row r from s.x on; returns its share of the loss, constant - b.x - r.x with r = b - A x.
double solve_row(const RowProblem& problem, const FixedSide& fixed, const Layout& layout, std::int64_t r,
                 const RowOptions& options, const Vectors& s, Totals& totals) {
  const std::int64_t begin = problem.indptr[r], end = problem.indptr[r + 1];
  const Pairs pairs{fixed.factors,
                    fixed.halves,
                    fixed.halves ? fixed.unit : 1.0f,
                    problem.indices + begin,
                    end - begin,
                    problem.indptr[problem.n_rows] - end,
                    s.w,
                    s.c};
  const double constant = pair_weights<float>(problem, fixed, r, s.w, s.c);
  for (std::int64_t j = pairs.n; j < (pairs.n + BATCH - 1) / BATCH * BATCH; ++j) s.w[j] = s.c[j] = 0;
  fill_ridges(problem, fixed, layout, r, s.D);

  for_vectors(layout.length, [&](int f) { at(s.D, f).store(s.inverse + f); });
  double b_x = 0;
  if (fixed.gram || options.n_cg_steps == 0) {
    b_x = multiply<Pass::first>(pairs, layout, 0, s.x, s.r, s.passing);
  } else {
    b_x = multiply<Pass::first_with_squares>(pairs, layout, 0, s.x, s.r, s.passing);
    if (problem.bias_ridges) {
      Four weights{};
      for (std::int64_t j = 0; j < pairs.n; j += BATCH) weights += load_four(s.w + j);
      s.inverse[layout.bias_at] += static_cast<float>(sum_of(weights));
    }
  }
  invert(s.inverse, layout.length);
  for_vectors(layout.length, [&](int f) {
    const Vec<float> q = at(s.D, f) * at(s.x, f), r = at(s.r, f) - q, z = at(s.inverse, f) * r;
    q.store(s.q + f);
    r.store(s.r + f);
    z.store(s.z + f);
    z.store(s.p + f);
  });
  const float start = dot<float>(s.x, s.q, layout.length);  // x.D x
  float residual = dot<float>(s.r, s.z, layout.length);
  // Below this a division would only amplify rounding.
  const float least = 1e-14f * (start + residual);
  const double least_gain = options.least_gain * static_cast<double>(pairs.n);
  double expected = 0;
  for (int step = 0; step < options.n_cg_steps && residual > least && (step == 0 || expected > least_gain); ++step) {
    const double b_p = multiply<Pass::later>(pairs, layout, step + 1, s.p, s.q, s.passing);
    for_vectors(layout.length, [&](int f) { fma(at(s.D, f), at(s.p, f), at(s.q, f)).store(s.q + f); });
    const float curvature = dot<float>(s.p, s.q, layout.length);
    if (!(curvature > 0)) break;
    const float length = residual / curvature;
    add_scaled<float>(length, s.p, s.x, layout.length);
    add_scaled<float>(-length, s.q, s.r, layout.length);
    b_x += static_cast<double>(length) * b_p;
    const double gain = static_cast<double>(length) * static_cast<double>(residual);
    totals.n_step_pairs += pairs.n;
    totals.gain += gain;
    for_vectors(layout.length, [&](int f) { (at(s.inverse, f) * at(s.r, f)).store(s.z + f); });
    const float next = dot<float>(s.r, s.z, layout.length);
    const float turn = next / residual;
    expected = gain * static_cast<double>(turn);
    residual = next;
    const Vec<float> share = Vec<float>::splat(turn);
    for_vectors(layout.length, [&](int f) { fma(share, at(s.p, f), at(s.z, f)).store(s.p + f); });
  }
  return constant - b_x - product(s.r, s.x, layout.length);
}

std::size_t scratch_bytes(const RowProblem& problem, const FixedSide& fixed, const RowOptions&,
                          std::int64_t longest_row) {
  return sizeof(float) * (N_VECTORS * layout_of(problem, fixed).length + 2 * (longest_row + BATCH)) +
         (N_VECTORS + 2) * 64;
}

void solve(const RowProblem& problem, const FixedSide& fixed, const OwnSide& own, const RowOptions& options,
           std::int64_t begin, std::int64_t end, std::int64_t longest_row, void* scratch, Totals& totals) {
  const Layout layout = layout_of(problem, fixed);
  const int k = layout.n_factors;
  const Vectors s = take_vectors(Scratch{static_cast<char*>(scratch)}, layout, longest_row);
  for (std::int64_t r = begin; r < end; ++r) {
    const bool is_empty = problem.indptr[r + 1] == problem.indptr[r];
    float* factors = own.factors + r * k;
    for (int f = 0; f < layout.length; ++f) s.x[f] = 0;
    if (!is_empty) {
      for (int f = 0; f < k; ++f) s.x[f] = factors[f];
      if (own.biases) s.x[layout.bias_at] = own.biases[r];
      totals.loss += solve_row(problem, fixed, layout, r, options, s, totals);
    }
    for (int f = 0; f < k; ++f) factors[f] = s.x[f];
    if (own.biases) own.biases[r] = s.x[layout.bias_at];
  }
}

}  // namespace

extern const RowKernels conjugate_gradient_kernels = {scratch_bytes, solve};

}  // namespace ridgeback::RIDGEBACK_LEVEL
