// A pass over a row's pairs for conjugate gradient: all it does with the neighbours' factors.
//
//   q = sum_j v_j y_j    with v_j = c_j - w_j (y_j . p) in the first pass
//                        and  v_j = w_j (y_j . p) in the others;        and b . p = sum_j c_j (y_j . p)
//
// BATCH neighbours at a time, their dot products folded together; each lane of q is summed neighbour by neighbour, so
// that bits depend neither on the batch nor on the width of registers. Include only from native/kernels/.
#pragma once

#include "panels.hpp"
#include "row_problem.hpp"
#include "simd.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

constexpr int N = Vec<float>::N;
constexpr int BATCH = 4;                          // neighbours multiplied at a time
constexpr std::int64_t SUMMED_APART = 128;        // neighbours; float32 rounding would grow with the row
constexpr std::int64_t AHEAD = 16;                // neighbours fetched before their turn
constexpr int FEW_VECTORS = 8;                    // their sums stay in registers
constexpr int WIDE = 64;                          // factors
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

// The first pass also adds up the diagonal of sum_j w_j y_j y_j^T where nothing else preconditions.
enum class Pass { first, first_with_squares, later };

// Neighbours to fetch, one for each that is multiplied.
struct Fetch {
  const std::int32_t *next, *end;
};

// In the first pass, and where a row is too long for the cache: the row's own. Otherwise those of the next rows, or
// nothing where rows are wide: fetching then costs more instructions than it saves waiting.
inline Fetch fetch_in_pass(const Pairs& pairs, const Layout& layout, int pass) {
  const std::int64_t cached = CACHED_BYTES / ((pairs.halves ? 2 : 4) * layout.bias_at);
  const bool is_own = pass == 0 || pairs.n > cached;
  if (!is_own && layout.bias_at > WIDE) return {pairs.columns, pairs.columns};
  const std::int64_t begin = is_own ? AHEAD : AHEAD + pass * pairs.n;
  const std::int64_t most = pairs.n + (is_own || pairs.n_following < cached ? pairs.n_following : cached);
  const std::int64_t end = begin + pairs.n < most ? begin + pairs.n : most;
  return {pairs.columns + begin, pairs.columns + (end > begin ? end : begin)};
}

// Where factors are gathered from, and vector number v of a neighbour's.
struct WholeFloats {  // rows of a multiple of 16
  using Number = float;
  static constexpr bool IS_HALF = false;
  static constexpr bool IS_WHOLE = true;
  static const Number* table(const Pairs& pairs) { return pairs.factors; }
  static inline __attribute__((always_inline)) Vec<float> load(const Number* y, int v, int, int) {
    return Vec<float>::load(y + v * N);
  }
};
struct RaggedFloats {  // the last vector holds `n_last` factors
  using Number = float;
  static constexpr bool IS_HALF = false;
  static constexpr bool IS_WHOLE = false;
  static const Number* table(const Pairs& pairs) { return pairs.factors; }
  static inline __attribute__((always_inline)) Vec<float> load(const Number* y, int v, int n_vectors, int n_last) {
    return v + 1 < n_vectors ? Vec<float>::load(y + v * N) : Vec<float>::load_floats(y + v * N, n_last);
  }
};
struct Halves {  // rows of a multiple of 16, in pairs.unit
  using Number = std::uint16_t;
  static constexpr bool IS_HALF = true;
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
template <Pass PASS>
inline __attribute__((always_inline)) Four values_of(const Pairs& pairs, std::int64_t j, Four s, Four& b_p,
                                                     Four& v_sum) {
  const Four w = load_four(pairs.w + j), c = load_four(pairs.c + j);
  const Four v = PASS != Pass::later ? c - w * s : w * s;
  b_p += c * s;
  v_sum += v;
  return v;
}

#define RIDGEBACK_EACH_NEIGHBOUR _Pragma("GCC unroll 4") for (int i = 0; i < BATCH; ++i)

inline double sum_of(Four x) { return static_cast<double>((x[0] + x[1]) + (x[2] + x[3])); }

// The factors of BATCH neighbours from j on; behind the last one it is repeated, with a weight of zero. As many others
// are fetched. `stride` is the length of a row.
template <class Source, Pass PASS>
inline __attribute__((always_inline)) void rows_of(const Pairs& pairs, std::int64_t stride, std::int64_t j,
                                                   Fetch& fetch, const typename Source::Number* (&y)[BATCH]) {
  const auto* table = Source::table(pairs);
  const bool is_whole = j + BATCH <= pairs.n;
  RIDGEBACK_EACH_NEIGHBOUR y[i] = table + pairs.columns[is_whole || j + i < pairs.n ? j + i : pairs.n - 1] * stride;
  if (fetch.end - fetch.next < BATCH) return;
  const std::int64_t bytes = stride * static_cast<std::int64_t>(sizeof *table);
  RIDGEBACK_EACH_NEIGHBOUR {
    const char* line = reinterpret_cast<const char*>(table + fetch.next[i] * stride);
    std::int64_t at = 0;
    for (; at + 4 * 64 <= bytes; at += 4 * 64)
      _Pragma("GCC unroll 4") for (int l = 0; l < 4; ++l)
          __builtin_prefetch(line + at + l * 64, 0, PASS != Pass::later ? 3 : 2);
    for (; at < bytes; at += 64) __builtin_prefetch(line + at, 0, PASS != Pass::later ? 3 : 2);
  }
  fetch.next += BATCH;
}

inline __attribute__((always_inline)) Vec<float> at(const float* numbers, std::int64_t f) {
  return Vec<float>::load(numbers + f);
}

inline void fill(float* numbers, int length) {
  for (int f = 0; f < length; f += N) Vec<float>::zero().store(numbers + f);
}

// What a pass needs beside p and q: sums, unit * p, the factors of BATCH neighbours, which become floats once where
// they are halves, and where to add the squares.
struct Passing {
  float *part, *x, *widened, *squares;
};

// squares += sum over a batch of w_j y_j^2, vector by vector; row(i, v) are the factors of neighbour i.
template <class Row>
inline __attribute__((always_inline)) void add_squares(const Pairs& pairs, std::int64_t j, int n_vectors,
                                                       float* squares, const Row& row) {
  Vec<float> weight[BATCH];
  RIDGEBACK_EACH_NEIGHBOUR weight[i] = Vec<float>::splat(pairs.w[j + i] * pairs.unit * pairs.unit);
  for (int v = 0; v < n_vectors; ++v) {
    Vec<float> sum = at(squares, v * N);
    RIDGEBACK_EACH_NEIGHBOUR sum = fma(weight[i] * row(i, v), row(i, v), sum);
    sum.store(squares + v * N);
  }
}

// One pass over the pairs, as at the top of the file, for VECTORS vectors of factors: the sums stay in registers, and
// up to four vectors of the neighbours' factors with them. Returns b . p.
template <class Source, int VECTORS, Pass PASS>
double multiply_few(const Pairs& pairs, const Layout& layout, Fetch fetch, const float* p, float* q,
                    const Passing& passing) {
  float* const widened = passing.widened;
  constexpr bool KEEPS_ROWS = VECTORS <= 4;
  const std::int64_t stride = Source::IS_WHOLE ? VECTORS * N : layout.n_factors;
  const Vec<float> unit = Vec<float>::splat(pairs.unit);
  const int n_last = layout.n_factors - (VECTORS - 1) * N;
  const bool has_bias = layout.length > layout.bias_at;
  const Four bias = (has_bias ? p[layout.bias_at] : 0.0f) - Four{};
  double b_p = 0, v_sum = 0;
  Vec<float> x[VECTORS];
  RIDGEBACK_EACH_VECTOR x[v] = unit * at(p, v * N);
  fill(q, layout.length);
  for (std::int64_t group = 0; group < pairs.n; group += SUMMED_APART) {
    const std::int64_t end = pairs.n - group < SUMMED_APART ? pairs.n : group + SUMMED_APART;
    Vec<float> sum[VECTORS];
    RIDGEBACK_EACH_VECTOR sum[v] = Vec<float>::zero();
    Four b_parts{}, v_parts{};
    for (std::int64_t j = group; j < end; j += BATCH) {
      const typename Source::Number* y[BATCH];
      rows_of<Source, PASS>(pairs, stride, j, fetch, y);
      Vec<float> rows[BATCH][KEEPS_ROWS ? VECTORS : 1], dots[BATCH], scale[BATCH];
      RIDGEBACK_EACH_VECTOR RIDGEBACK_EACH_NEIGHBOUR {
        const Vec<float> row = Source::load(y[i], v, VECTORS, n_last);
        if constexpr (KEEPS_ROWS)
          rows[i][v] = row;
        else if constexpr (Source::IS_HALF)
          row.store(widened + (v * BATCH + i) * N);
        dots[i] = v == 0 ? row * x[v] : fma(row, x[v], dots[i]);
      }
      alignas(16) float values[BATCH];
      const Four s = folded4(dots[0], dots[1], dots[2], dots[3]) + bias;
      const Four value = values_of<PASS>(pairs, j, s, b_parts, v_parts);
      std::memcpy(values, &value, sizeof value);
      RIDGEBACK_EACH_NEIGHBOUR scale[i] = Vec<float>::splat(values[i]);
      const auto row = [&](int i, int v) __attribute__((always_inline)) {
        if constexpr (KEEPS_ROWS)
          return rows[i][v];
        else if constexpr (Source::IS_HALF)
          return at(widened, (v * BATCH + i) * N);
        else
          return Source::load(y[i], v, VECTORS, n_last);
      };
      RIDGEBACK_EACH_VECTOR RIDGEBACK_EACH_NEIGHBOUR sum[v] = fma(scale[i], row(i, v), sum[v]);
      if constexpr (PASS == Pass::first_with_squares) add_squares(pairs, j, VECTORS, passing.squares, row);
    }
    RIDGEBACK_EACH_VECTOR fma(unit, sum[v], at(q, v * N)).store(q + v * N);
    b_p += sum_of(b_parts);
    v_sum += sum_of(v_parts);
  }
  if (has_bias) q[layout.bias_at] = static_cast<float>(v_sum);
  return b_p;
}

// The same for any number of vectors, the sums in memory.
template <class Source, Pass PASS>
double multiply_many(const Pairs& pairs, const Layout& layout, Fetch fetch, const float* p, float* q,
                     const Passing& passing) {
  const int n_vectors = layout.bias_at / N;
  const std::int64_t stride = Source::IS_WHOLE ? layout.bias_at : layout.n_factors;
  const Vec<float> unit = Vec<float>::splat(pairs.unit);
  const int n_last = layout.n_factors - (n_vectors - 1) * N;
  const bool has_bias = layout.length > layout.bias_at;
  const Four bias = (has_bias ? p[layout.bias_at] : 0.0f) - Four{};
  double b_p = 0, v_sum = 0;
  float *const part = passing.part, *const x = passing.x, *const widened = passing.widened;
  for (int v = 0; v < n_vectors; ++v) (unit * at(p, v * N)).store(x + v * N);
  fill(q, layout.length);
  for (std::int64_t group = 0; group < pairs.n; group += SUMMED_APART) {
    const std::int64_t end = pairs.n - group < SUMMED_APART ? pairs.n : group + SUMMED_APART;
    fill(part, layout.bias_at);
    Four b_parts{}, v_parts{};
    for (std::int64_t j = group; j < end; j += BATCH) {
      const typename Source::Number* y[BATCH];
      rows_of<Source, PASS>(pairs, stride, j, fetch, y);
      Vec<float> dots[BATCH], scale[BATCH];
      RIDGEBACK_EACH_NEIGHBOUR dots[i] = Vec<float>::zero();
      _Pragma("GCC unroll 2") for (int v = 0; v < n_vectors; ++v) {
        const Vec<float> factors = at(x, v * N);
        RIDGEBACK_EACH_NEIGHBOUR {
          const Vec<float> row = Source::load(y[i], v, n_vectors, n_last);
          if constexpr (Source::IS_HALF) row.store(widened + (v * BATCH + i) * N);
          dots[i] = fma(row, factors, dots[i]);
        }
      }
      alignas(16) float values[BATCH];
      const Four s = folded4(dots[0], dots[1], dots[2], dots[3]) + bias;
      const Four value = values_of<PASS>(pairs, j, s, b_parts, v_parts);
      std::memcpy(values, &value, sizeof value);
      RIDGEBACK_EACH_NEIGHBOUR scale[i] = Vec<float>::splat(values[i]);
      const auto row = [&](int i, int v) __attribute__((always_inline)) {
        if constexpr (Source::IS_HALF)
          return at(widened, (v * BATCH + i) * N);
        else
          return Source::load(y[i], v, n_vectors, n_last);
      };
      _Pragma("GCC unroll 2") for (int v = 0; v < n_vectors; ++v) {
        Vec<float> sum = at(part, v * N);
        RIDGEBACK_EACH_NEIGHBOUR sum = fma(scale[i], row(i, v), sum);
        sum.store(part + v * N);
      }
      if constexpr (PASS == Pass::first_with_squares) add_squares(pairs, j, n_vectors, passing.squares, row);
    }
    add_scaled<float>(pairs.unit, part, q, layout.bias_at);
    b_p += sum_of(b_parts);
    v_sum += sum_of(v_parts);
  }
  if (has_bias) q[layout.bias_at] = static_cast<float>(v_sum);
  return b_p;
}

template <class Source, Pass PASS, int VECTORS = 1>
double multiply_source(const Pairs& pairs, const Layout& layout, Fetch fetch, const float* p, float* q,
                       const Passing& passing) {
  if constexpr (VECTORS > (Source::IS_WHOLE ? FEW_VECTORS : FEW_VECTORS / 2)) {
    return multiply_many<Source, PASS>(pairs, layout, fetch, p, q, passing);
  } else {
    if (layout.bias_at == VECTORS * N) return multiply_few<Source, VECTORS, PASS>(pairs, layout, fetch, p, q, passing);
    return multiply_source<Source, PASS, VECTORS + 1>(pairs, layout, fetch, p, q, passing);
  }
}

// Pass `number` over a row's pairs; returns b . p.
template <Pass PASS>
double multiply(const Pairs& pairs, const Layout& layout, int number, const float* p, float* q,
                const Passing& passing) {
  const Fetch fetch = fetch_in_pass(pairs, layout, number);
  if (pairs.halves) return multiply_source<Halves, PASS>(pairs, layout, fetch, p, q, passing);
  return layout.n_factors == layout.bias_at ? multiply_source<WholeFloats, PASS>(pairs, layout, fetch, p, q, passing)
                                            : multiply_source<RaggedFloats, PASS>(pairs, layout, fetch, p, q, passing);
}

#undef RIDGEBACK_EACH_NEIGHBOUR

}  // namespace
}  // namespace ridgeback::RIDGEBACK_LEVEL
