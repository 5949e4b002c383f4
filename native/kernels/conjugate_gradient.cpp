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
#include "row_kernels.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

constexpr int N = Vec<float>::N;
constexpr int BATCH = 8;                          // neighbours multiplied at a time
constexpr std::int64_t SUMMED_APART = 128;        // neighbours; float32 rounding would grow with the row
constexpr std::int64_t AHEAD = 16;                // neighbours fetched before their turn
constexpr std::int64_t CACHED_BYTES = 768 << 10;  // so much of a row stays in the cache from pass to pass

// Where the parts of a row's vectors stand: the factors, and the bias in a vector of its own behind them.
struct Layout {
  int n_factors, bias_at, length;
};

inline Layout layout_of(const RowProblem& problem, const FixedSide& fixed) {
  const int bias_at = (fixed.n_factors + N - 1) / N * N;
  return {fixed.n_factors, bias_at, bias_at + (problem.bias_ridges ? N : 0)};
}

// The neighbours of a row, their weights and pulls; zeros stand behind these up to a whole batch.
struct Pairs {
  const float* factors;         // of the whole fixed side
  const std::uint16_t* halves;  // the same in half precision, times unit; or null
  float unit;                   // 1 without
  const std::int32_t* columns;
  std::int64_t n, n_following;  // those of the rows behind may be fetched ahead
  const float *w, *c;
};

// Neighbours to fetch, one for each that is multiplied.
struct Fetch {
  const std::int32_t *next, *end;
};

// In the first pass, and where a row is too long for the cache: the row's own. Otherwise those of the next rows.
inline Fetch fetch_in_pass(const Pairs& pairs, const Layout& layout, int pass) {
  const std::int64_t cached = CACHED_BYTES / ((pairs.halves ? 2 : 4) * layout.bias_at);
  const bool is_own = pass == 0 || pairs.n > cached;
  const std::int64_t begin = is_own ? AHEAD : AHEAD + pass * pairs.n;
  const std::int64_t most = pairs.n + (is_own || pairs.n_following < cached ? pairs.n_following : cached);
  const std::int64_t end = begin + pairs.n < most ? begin + pairs.n : most;
  return {pairs.columns + begin, pairs.columns + (end > begin ? end : begin)};
}

// Where factors are gathered from, and vector number v of a neighbour's.
struct WholeFloats {  // rows of a multiple of 16
  using Number = float;
  static constexpr bool IS_WHOLE = true;
  static const Number* table(const Pairs& pairs) { return pairs.factors; }
  static inline __attribute__((always_inline)) Vec<float> load(const Number* y, int v, int, int) {
    return Vec<float>::load(y + v * N);
  }
};
struct RaggedFloats {  // the last vector holds `n_last` factors
  using Number = float;
  static constexpr bool IS_WHOLE = false;
  static const Number* table(const Pairs& pairs) { return pairs.factors; }
  static inline __attribute__((always_inline)) Vec<float> load(const Number* y, int v, int n_vectors, int n_last) {
    return v + 1 < n_vectors ? Vec<float>::load(y + v * N) : Vec<float>::load_floats(y + v * N, n_last);
  }
};
struct Halves {  // rows of a multiple of 16, in pairs.unit
  using Number = std::uint16_t;
  static constexpr bool IS_WHOLE = true;
  static const Number* table(const Pairs& pairs) { return pairs.halves; }
  static inline __attribute__((always_inline)) Vec<float> load(const Number* y, int v, int, int) {
    return Vec<float>::load_halves(y + v * N);
  }
};

inline __attribute__((always_inline)) Four load_four(const float* p) {
  Four four;
  std::memcpy(&four, p, sizeof four);
  return four;
}

// v_j of four pairs from j on, from s_j = y_j . p; the shares of b . p and of the sum of v_j are added lane by lane.
template <bool IS_FIRST>
inline __attribute__((always_inline)) Four values_of(const Pairs& pairs, std::int64_t j, Four s, Four& b_p,
                                                     Four& v_sum) {
  const Four w = load_four(pairs.w + j), c = load_four(pairs.c + j);
  const Four v = IS_FIRST ? c - w * s : w * s;
  b_p += c * s;
  v_sum += v;
  return v;
}

inline double sum_of(Four x) { return static_cast<double>((x[0] + x[1]) + (x[2] + x[3])); }

// The factors of `COUNT` neighbours from j on; behind the last one it is repeated, with a weight of zero. As many
// others are fetched. `stride` is the length of a row.
template <class Source, int COUNT, bool IS_FIRST>
inline __attribute__((always_inline)) void rows_of(const Pairs& pairs, std::int64_t stride, std::int64_t j,
                                                   Fetch& fetch, const typename Source::Number* (&y)[COUNT]) {
  const auto* table = Source::table(pairs);
  const bool is_whole = j + COUNT <= pairs.n;
  _Pragma("GCC unroll 8") for (int i = 0; i < COUNT; ++i) y[i] =
      table + pairs.columns[is_whole || j + i < pairs.n ? j + i : pairs.n - 1] * stride;
  if (fetch.end - fetch.next < COUNT) return;
  const std::int64_t bytes = stride * static_cast<std::int64_t>(sizeof *table);
  _Pragma("GCC unroll 8") for (int i = 0; i < COUNT; ++i) {
    const char* line = reinterpret_cast<const char*>(table + fetch.next[i] * stride);
    for (std::int64_t at = 0; at < bytes; at += 64) __builtin_prefetch(line + at, 0, IS_FIRST ? 3 : 2);
  }
  fetch.next += COUNT;
}

// One pass over the pairs, as at the top of the file, for VECTORS vectors of factors: p, the sums and four neighbours
// stay in registers. Returns b . p.
template <class Source, int VECTORS, bool IS_FIRST>
double multiply_few(const Pairs& pairs, const Layout& layout, Fetch fetch, const float* p, float* q) {
  const std::int64_t stride = Source::IS_WHOLE ? VECTORS * N : layout.n_factors;
  const Vec<float> unit = Vec<float>::splat(pairs.unit);
  const int n_last = layout.n_factors - (VECTORS - 1) * N;
  const bool has_bias = layout.length > layout.bias_at;
  const Four bias = (has_bias ? p[layout.bias_at] : 0.0f) - Four{};
  double b_p = 0, v_sum = 0;
  Vec<float> x[VECTORS];
  for (int v = 0; v < VECTORS; ++v) x[v] = unit * Vec<float>::load(p + v * N);
  for (int f = 0; f < layout.length; ++f) q[f] = 0;
  for (std::int64_t group = 0; group < pairs.n; group += SUMMED_APART) {
    const std::int64_t end = pairs.n - group < SUMMED_APART ? pairs.n : group + SUMMED_APART;
    Vec<float> sum[VECTORS];
    for (int v = 0; v < VECTORS; ++v) sum[v] = Vec<float>::zero();
    Four b_parts{}, v_parts{};
    for (std::int64_t j = group; j < end; j += 4) {
      const typename Source::Number* y[4];
      rows_of<Source, 4, IS_FIRST>(pairs, stride, j, fetch, y);
      Vec<float> rows[4][VECTORS], dots[4];
      _Pragma("GCC unroll 4") for (int i = 0; i < 4; ++i) {
        _Pragma("GCC unroll 4") for (int v = 0; v < VECTORS; ++v) {
          rows[i][v] = Source::load(y[i], v, VECTORS, n_last);
          dots[i] = v == 0 ? rows[i][v] * x[v] : fma(rows[i][v], x[v], dots[i]);
        }
      }
      alignas(16) float values[4];
      const Four s = folded4(dots[0], dots[1], dots[2], dots[3]) + bias;
      const Four value = values_of<IS_FIRST>(pairs, j, s, b_parts, v_parts);
      std::memcpy(values, &value, sizeof value);
      _Pragma("GCC unroll 4") for (int i = 0; i < 4; ++i) {
        const Vec<float> scale = Vec<float>::splat(values[i]);
        _Pragma("GCC unroll 4") for (int v = 0; v < VECTORS; ++v) sum[v] = fma(scale, rows[i][v], sum[v]);
      }
    }
    for (int v = 0; v < VECTORS; ++v) fma(unit, sum[v], Vec<float>::load(q + v * N)).store(q + v * N);
    b_p += sum_of(b_parts);
    v_sum += sum_of(v_parts);
  }
  if (has_bias) q[layout.bias_at] = static_cast<float>(v_sum);
  return b_p;
}

// The same for any number of vectors, eight neighbours at a time; `part` is scratch for the sums.
template <class Source, bool IS_FIRST>
double multiply_many(const Pairs& pairs, const Layout& layout, Fetch fetch, const float* p, float* q, float* part) {
  const int n_vectors = layout.bias_at / N;
  const std::int64_t stride = Source::IS_WHOLE ? layout.bias_at : layout.n_factors;
  const Vec<float> unit = Vec<float>::splat(pairs.unit);
  const int n_last = layout.n_factors - (n_vectors - 1) * N;
  const bool has_bias = layout.length > layout.bias_at;
  const Four bias = (has_bias ? p[layout.bias_at] : 0.0f) - Four{};
  double b_p = 0, v_sum = 0;
  for (int f = 0; f < layout.length; ++f) q[f] = 0;
  for (std::int64_t group = 0; group < pairs.n; group += SUMMED_APART) {
    const std::int64_t end = pairs.n - group < SUMMED_APART ? pairs.n : group + SUMMED_APART;
    for (int f = 0; f < layout.bias_at; ++f) part[f] = 0;
    Four b_parts{}, v_parts{};
    for (std::int64_t j = group; j < end; j += BATCH) {
      const typename Source::Number* y[BATCH];
      rows_of<Source, BATCH, IS_FIRST>(pairs, stride, j, fetch, y);
      Vec<float> dots[BATCH];
      _Pragma("GCC unroll 8") for (int i = 0; i < BATCH; ++i) dots[i] = Vec<float>::zero();
      for (int v = 0; v < n_vectors; ++v) {
        const Vec<float> x = unit * Vec<float>::load(p + v * N);
        _Pragma("GCC unroll 8") for (int i = 0; i < BATCH; ++i) dots[i] =
            fma(Source::load(y[i], v, n_vectors, n_last), x, dots[i]);
      }
      alignas(16) float values[BATCH];
      _Pragma("GCC unroll 2") for (int h = 0; h < BATCH; h += 4) {
        const Four s = folded4(dots[h], dots[h + 1], dots[h + 2], dots[h + 3]) + bias;
        const Four value = values_of<IS_FIRST>(pairs, j + h, s, b_parts, v_parts);
        std::memcpy(values + h, &value, sizeof value);
      }
      Vec<float> scale[BATCH];
      _Pragma("GCC unroll 8") for (int i = 0; i < BATCH; ++i) scale[i] = Vec<float>::splat(values[i]);
      for (int v = 0; v < n_vectors; ++v) {
        Vec<float> sum = Vec<float>::load(part + v * N);
        _Pragma("GCC unroll 8") for (int i = 0; i < BATCH; ++i) sum =
            fma(scale[i], Source::load(y[i], v, n_vectors, n_last), sum);
        sum.store(part + v * N);
      }
    }
    add_scaled<float>(pairs.unit, part, q, layout.bias_at);
    b_p += sum_of(b_parts);
    v_sum += sum_of(v_parts);
  }
  if (has_bias) q[layout.bias_at] = static_cast<float>(v_sum);
  return b_p;
}

template <class Source, bool IS_FIRST>
double multiply(const Pairs& pairs, const Layout& layout, int number, const float* p, float* q, float* part) {
  const Fetch fetch = fetch_in_pass(pairs, layout, number);
  switch (layout.bias_at / N) {
    case 1:
      return multiply_few<Source, 1, IS_FIRST>(pairs, layout, fetch, p, q);
    case 2:
      return multiply_few<Source, 2, IS_FIRST>(pairs, layout, fetch, p, q);
    case 3:
      return multiply_few<Source, 3, IS_FIRST>(pairs, layout, fetch, p, q);
    case 4:
      return multiply_few<Source, 4, IS_FIRST>(pairs, layout, fetch, p, q);
    default:
      return multiply_many<Source, IS_FIRST>(pairs, layout, fetch, p, q, part);
  }
}

template <bool IS_FIRST>
double multiply(const Pairs& pairs, const Layout& layout, int number, const float* p, float* q, float* part) {
  if (pairs.halves) return multiply<Halves, IS_FIRST>(pairs, layout, number, p, q, part);
  return layout.n_factors == layout.bias_at ? multiply<WholeFloats, IS_FIRST>(pairs, layout, number, p, q, part)
                                            : multiply<RaggedFloats, IS_FIRST>(pairs, layout, number, p, q, part);
}

// diagonal += sum_j w_j y_j^2, and sum_j w_j at the bias.
void add_squares(const Pairs& pairs, const Layout& layout, float* diagonal) {
  for (std::int64_t j = 0; j < pairs.n; ++j) {
    const float* y = pairs.factors + static_cast<std::int64_t>(pairs.columns[j]) * layout.n_factors;
    for (int f = 0; f < layout.n_factors; ++f) diagonal[f] += pairs.w[j] * y[f] * y[f];
    if (layout.length > layout.bias_at) diagonal[layout.bias_at] += pairs.w[j];
  }
}

// The diagonal becomes its inverse. Far below the largest, a direction is the rounding of float32 factors: it stays as
// it is, or moves with care.
void invert(float* diagonal, int length) {
  float largest = 0;
  for (int f = 0; f < length; ++f) largest = diagonal[f] > largest ? diagonal[f] : largest;
  const float least = 1e-12f * largest, floor = 1e-7f * largest;
  for (int f = 0; f < length; ++f) {
    const float d = diagonal[f];
    diagonal[f] = d > least ? 1.0f / (d > floor ? d : floor) : 0.0f;
  }
}

struct Vectors {
  float *x, *r, *z, *p, *q, *part, *D, *inverse, *w, *c;
};

constexpr int N_VECTORS = 8;  // of them as long as the layout

Vectors take_vectors(Scratch scratch, const Layout& layout, std::int64_t longest_row) {
  Vectors s;
  float** const pieces[N_VECTORS] = {&s.x, &s.r, &s.z, &s.p, &s.q, &s.part, &s.D, &s.inverse};
  for (float** piece : pieces) *piece = scratch.take<float>(layout.length);
  s.w = scratch.take<float>(longest_row + BATCH);
  s.c = scratch.take<float>(longest_row + BATCH);
  return s;
}

// D = diag(unobserved_weight g + ridge), zeros where nothing stands.
void fill_ridges(const RowProblem& problem, const FixedSide& fixed, const Layout& layout, std::int64_t r, float* D) {
  for (int f = layout.n_factors; f < layout.length; ++f) D[f] = 0;
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

  double b_x = multiply<true>(pairs, layout, 0, s.x, s.r, s.part);
  for (int f = 0; f < layout.length; ++f) s.inverse[f] = s.D[f];
  if (!fixed.gram && options.n_cg_steps > 0) add_squares(pairs, layout, s.inverse);
  invert(s.inverse, layout.length);
  for (int f = 0; f < layout.length; ++f) {
    s.q[f] = s.D[f] * s.x[f];
    s.r[f] -= s.q[f];
    s.z[f] = s.inverse[f] * s.r[f];
    s.p[f] = s.z[f];
  }
  const float start = dot<float>(s.x, s.q, layout.length);  // x.D x
  float residual = dot<float>(s.r, s.z, layout.length);
  // Below this a division would only amplify rounding.
  const float least = 1e-14f * (start + residual);
  const double least_gain = options.least_gain * static_cast<double>(pairs.n);
  double expected = 0;
  for (int step = 0; step < options.n_cg_steps && residual > least && (step == 0 || expected > least_gain); ++step) {
    const double b_p = multiply<false>(pairs, layout, step + 1, s.p, s.q, s.part);
    for (int f = 0; f < layout.length; ++f) s.q[f] += s.D[f] * s.p[f];
    const float curvature = dot<float>(s.p, s.q, layout.length);
    if (!(curvature > 0)) break;
    const float length = residual / curvature;
    add_scaled<float>(length, s.p, s.x, layout.length);
    add_scaled<float>(-length, s.q, s.r, layout.length);
    b_x += static_cast<double>(length) * b_p;
    const double gain = static_cast<double>(length) * static_cast<double>(residual);
    totals.n_step_pairs += pairs.n;
    totals.gain += gain;
    for (int f = 0; f < layout.length; ++f) s.z[f] = s.inverse[f] * s.r[f];
    const float next = dot<float>(s.r, s.z, layout.length);
    const float turn = next / residual;
    expected = gain * static_cast<double>(turn);
    residual = next;
    for (int f = 0; f < layout.length; ++f) s.p[f] = s.z[f] + turn * s.p[f];
  }
  double r_x = 0;
  for (int f = 0; f < layout.length; ++f) r_x += static_cast<double>(s.r[f]) * static_cast<double>(s.x[f]);
  return constant - b_x - r_x;
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
