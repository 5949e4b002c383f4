// assemble.hpp, panels.hpp, cholesky.hpp: from neighbours to normal equations and back, at odd sizes.
#include <cmath>

#include "assemble.hpp"
#include "cholesky.hpp"
#include "tests/check.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

using tests::Random;

constexpr int SIZES[] = {1, 2, 3, 4, 5, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128};
constexpr int MOST = 128;

int padded_to(int size) { return (size + 15) / 16 * 16; }

// The memory of one system; static, so that no library template is needed here. `whole` is A row by row.
template <class T>
struct System {
  alignas(64) T whole[MOST * MOST], A[MOST * MOST], U[MOST * MOST], turned[MOST * 16];
  alignas(64) T inverse[MOST], b[MOST], z[MOST], x[MOST];
  bool solve(int padded, double smallest) {
    return solve_system<T>(A, b, padded, static_cast<T>(smallest), Factor<T>{U, turned, inverse, z}, x);
  }
  // A from `whole`, padded by the identity; what no panel holds is NaN.
  void pack(int size, int padded) {
    for (int i = 0; i < padded * padded; ++i) A[i] = static_cast<T>(__builtin_nan(""));
    for (int i = 0; i < padded; ++i)
      for (int k = i / Vec<T>::N * Vec<T>::N; k < padded; ++k)
        A[place<T>(i, k, padded)] = i < size && k < size ? whole[i * padded + k] : T(i == k);
  }
};
template <class T>
System<T>& system() {
  static System<T> memory;
  return memory;
}

// A positive definite A of the size and a right side.
template <class T>
void draw_system(int size, Random& random, System<T>& s) {
  const int padded = padded_to(size);
  for (int i = 0; i < padded * padded; ++i) s.whole[i] = 0;
  for (int i = 0; i < padded; ++i) s.b[i] = 0;
  for (int j = 0; j < size + 3; ++j) {
    double y[MOST];
    for (int i = 0; i < size; ++i) y[i] = random.number();
    for (int i = 0; i < size; ++i)
      for (int k = 0; k < size; ++k) s.whole[i * padded + k] += static_cast<T>(y[i] * y[k]);
  }
  for (int i = 0; i < size; ++i) {
    s.whole[i * padded + i] += static_cast<T>(1 + size / 10);
    s.b[i] = static_cast<T>(random.number());
  }
  s.pack(size, padded);
}

template <class T>
void check_solution(double tolerance) {
  Random random{6};
  System<T>& s = system<T>();
  for (const int size : SIZES) {
    const int padded = padded_to(size);
    draw_system(size, random, s);
    CHECK(s.solve(padded, 1e-5));
    double form = 0, pull = 0;
    for (int i = 0; i < size; ++i) {
      double sum = 0;
      for (int k = 0; k < size; ++k) sum += static_cast<double>(s.whole[i * padded + k]) * s.x[k];
      CHECK(std::fabs(sum - s.b[i]) < tolerance);
      form += s.x[i] * sum;
      pull += static_cast<double>(s.x[i]) * s.b[i];
    }
    for (int i = size; i < padded; ++i) CHECK(s.x[i] == 0);
    CHECK(std::fabs(quadratic_form<T>(s.A, padded, s.x) - form) < tolerance * (1 + form));
    CHECK(std::fabs(pull - form) < tolerance * (1 + form));
  }
}

void solutions_solve() {
  check_solution<float>(2e-4);
  check_solution<double>(1e-12);
}

template <class T>
void check_factor(double tolerance) {
  Random random{7};
  System<T>& s = system<T>();
  constexpr int N = Vec<T>::N;
  for (const int size : SIZES) {
    const int padded = padded_to(size);
    draw_system(size, random, s);
    CHECK(s.solve(padded, 1e-5));
    for (int i = 0; i < size; ++i) {
      CHECK(std::fabs(s.inverse[i] * s.U[place<T>(i, i, padded)] - 1) < 1e-6);
      for (int k = i; k < size; ++k) {
        double sum = 0;
        for (int j = 0; j <= i; ++j)
          sum += static_cast<double>(s.U[place<T>(j, i, padded)]) * s.U[place<T>(j, k, padded)];
        CHECK(std::fabs(sum - s.whole[i * padded + k]) < tolerance * size);
        if (k / N == i / N) CHECK(s.turned[k * N + i % N] == s.U[place<T>(i, k, padded)]);
      }
    }
  }
}

void the_factor_squared_is_the_matrix() {
  check_factor<float>(2e-5);
  check_factor<double>(1e-13);
}

void a_symmetric_matrix_unpacks() {
  Random random{8};
  System<double>& s = system<double>();
  static double whole[48 * 48];
  draw_system(40, random, s);
  unpack_symmetric<double>(s.A, 48, whole);
  for (int i = 0; i < 48; ++i)
    for (int k = 0; k < 48; ++k) CHECK(whole[i * 48 + k] == (i < 40 && k < 40 ? s.whole[i * 48 + k] : i == k));
}

void a_singular_matrix_is_refused() {
  System<float>& s = system<float>();
  constexpr int sizes[] = {1, 2, 17, 64};
  for (const int size : sizes) {
    const int padded = padded_to(size);
    const auto fill = [&](float others, float diagonal) {
      for (int i = 0; i < size; ++i)
        for (int k = 0; k < size; ++k) s.whole[i * padded + k] = i == k ? diagonal : others;
      s.pack(size, padded);
    };
    fill(0, 0);
    CHECK(!s.solve(padded, 1e-5));
    fill(3, 3);  // rank 1
    CHECK(s.solve(padded, 1e-5) == (size == 1));
    fill(3, -1);  // indefinite
    CHECK(!s.solve(padded, 1e-5));
  }
}

void a_matrix_with_nan_is_refused() {
  Random random{9};
  System<double>& s = system<double>();
  constexpr int places[] = {0, 5, 16, 32};
  for (const int i : places) {
    draw_system(33, random, s);
    s.A[place<double>(i, i, 48)] = __builtin_nan("");
    CHECK(!s.solve(48, 2e-12));
  }
}

// Six columns of three factors, and a row that has four of them.
const float FACTORS[6 * 3] = {1, 2, 3, -1, 0, 4, 5, -6, 7, 0, 1, 0, 2, 2, 2, 9, -8, 7};
const std::int64_t INDPTR[] = {0, 1, 5};
const std::int32_t INDICES[] = {3, 0, 2, 4, 5};
const float TARGETS[] = {0, 4, 2, 1, -3}, CONFIDENCES[] = {1, 2, 0.5f, 1, 4}, BIASES[] = {.5f, 0, -1, 0, .25f, 2};
const double ROW_SCALES[] = {1, 3}, COLUMN_SCALES[] = {1, 2, .5, 1, 4, 1}, RIDGES[] = {9, .75}, BIAS_RIDGES[] = {9, .5};

RowProblem row_problem(Pull pull) {
  return {INDPTR, INDICES, TARGETS, CONFIDENCES, ROW_SCALES, COLUMN_SCALES, RIDGES, nullptr, 0.0, 2, 6, pull};
}

void gathered_rows_are_padded() {
  constexpr bool kinds[] = {false, true};
  for (const bool has_bias : kinds) {
    RowProblem problem = row_problem(Pull::weight);
    if (has_bias) problem.bias_ridges = BIAS_RIDGES;
    const FixedSide fixed{FACTORS, nullptr, nullptr, 3};
    const Shape shape = shape_of(problem, fixed);
    CHECK(shape.size == (has_bias ? 4 : 3) && shape.padded == 16);
    double rows[4 * 16];
    for (double& x : rows) x = 77;
    gather<double>(fixed, shape, INDICES + 1, 4, rows);
    for (int j = 0; j < 4; ++j)
      for (int f = 0; f < 16; ++f)
        CHECK(rows[j * 16 + f] == (f < 3 ? FACTORS[INDICES[1 + j] * 3 + f] : f == 3 && has_bias ? 1 : 0));
  }
}

void weights_and_pulls_are_those_of_the_formula() {
  constexpr Pull pulls[] = {Pull::weight, Pull::one_plus_weight, Pull::target};
  const float* const kinds[] = {nullptr, BIASES};
  for (const Pull pull : pulls)
    for (const float* biases : kinds) {
      double w[4], c[4], expected_constant = 0;
      RowProblem problem = row_problem(pull);
      problem.target_offset = 0.75;
      const double constant = pair_weights<double>(problem, {FACTORS, biases, nullptr, 3}, 1, w, c);
      for (int j = 0; j < 4; ++j) {
        const int column = INDICES[1 + j];
        const double weight = 3 * COLUMN_SCALES[column] * CONFIDENCES[1 + j];
        const double target = TARGETS[1 + j] - 0.75 - (biases ? biases[column] : 0.0);
        const double expected = pull == Pull::weight ? weight : pull == Pull::target ? weight * target : 1 + weight;
        CHECK(w[j] == weight && c[j] == expected);
        expected_constant += pull == Pull::target ? expected * target : expected;
      }
      CHECK(std::fabs(constant - expected_constant) < 1e-12);
    }
}

void normal_equations_are_sums_over_neighbours() {
  Random random{10};
  constexpr int K = 37, N_COLUMNS = 200, N = 150;  // more than two blocks of neighbours
  static float factors[N_COLUMNS * K];
  alignas(64) static double gram[K * K], start[48 * 48], A[48 * 48], b[48], rows[BLOCK * 48], w[N], c[N];
  static std::int32_t neighbours[N];
  for (float& x : factors) x = static_cast<float>(random.number());
  for (double& x : gram) x = random.number();
  for (int j = 0; j < N; ++j) {
    neighbours[j] = j + j / 3;
    w[j] = random.number() + 2;
    c[j] = random.number();
  }
  RowProblem problem = row_problem(Pull::weight);
  problem.unobserved_weight = 0.25;
  problem.bias_ridges = BIAS_RIDGES;
  const FixedSide fixed{factors, nullptr, gram, K};
  const Shape shape = shape_of(problem, fixed);
  start_system<double>(problem, fixed, shape, start);
  add_neighbours<double>(fixed, shape, {neighbours, N, 0}, w, c, start, rows, nullptr, A, b);
  add_ridges<double>(problem, shape, 1, A);
  const auto y = [&](int j, int f) { return f < K ? static_cast<double>(factors[neighbours[j] * K + f]) : 1.0; };
  for (int i = 0; i <= K; ++i) {
    double pull = 0;
    for (int j = 0; j < N; ++j) pull += c[j] * y(j, i);
    CHECK(std::fabs(b[i] - pull) < 1e-11);
    for (int k = i; k <= K; ++k) {
      double sum = i < K && k < K ? 0.25 * gram[i * K + k] : 0.0;
      if (i == k) sum += i < K ? RIDGES[1] : BIAS_RIDGES[1];
      for (int j = 0; j < N; ++j) sum += w[j] * y(j, i) * y(j, k);
      CHECK(std::fabs(A[place<double>(i, k, shape.padded)] - sum) < 1e-11);
    }
  }
}

void rounding_does_not_grow_with_the_row() {
  Random random{12};
  constexpr int K = 20, N_COLUMNS = 50, N = 100000;  // one after the other, a tenth each would be off by 1e-4
  static float factors[N_COLUMNS * K], start[32 * 32], rows[BLOCK * 64], group[33 * 32], A[32 * 32], b[32], w[N], c[N];
  static std::int32_t neighbours[N];
  for (float& x : factors) x = static_cast<float>(1.5 + random.number());
  for (int j = 0; j < N; ++j) {
    neighbours[j] = static_cast<std::int32_t>(random.next() % N_COLUMNS);
    w[j] = 0.1f;
    c[j] = 0.1f;
  }
  RowProblem problem = row_problem(Pull::weight);
  problem.bias_ridges = BIAS_RIDGES;
  const FixedSide fixed{factors, nullptr, nullptr, K};
  const Shape shape = shape_of(problem, fixed);
  for (float& x : A) x = group[0] = __builtin_nanf("");
  start_system<float>(problem, fixed, shape, start);
  add_neighbours<float>(fixed, shape, {neighbours, N, 0}, w, c, start, rows, group, A, b);
  const auto y = [&](int j, int f) { return f < K ? static_cast<double>(factors[neighbours[j] * K + f]) : 1.0; };
  for (int i = 0; i <= K; ++i) {
    double pull = 0;
    for (int j = 0; j < N; ++j) pull += static_cast<double>(c[j]) * y(j, i);
    CHECK(std::fabs(b[i] / pull - 1) < 1e-5);
    for (int k = i; k <= K; ++k) {
      double sum = 0;
      for (int j = 0; j < N; ++j) sum += static_cast<double>(w[j]) * y(j, i) * y(j, k);
      CHECK(std::fabs(A[place<float>(i, k, shape.padded)] / sum - 1) < 1e-5);
    }
  }
}

void scratch_is_handed_out_on_cache_lines() {
  alignas(64) static char memory[1024];
  Scratch scratch{memory};
  CHECK(reinterpret_cast<char*>(scratch.take<float>(1)) == memory);
  CHECK(reinterpret_cast<char*>(scratch.take<float>(16)) == memory + 64);
  CHECK(reinterpret_cast<char*>(scratch.take<double>(9)) == memory + 128);
  CHECK(reinterpret_cast<char*>(scratch.take<double>(0)) == memory + 256);
  CHECK(scratch.next == memory + 256);
}

constexpr tests::Test TESTS[] = {
    {"solutions solve", solutions_solve},
    {"the factor squared is the matrix", the_factor_squared_is_the_matrix},
    {"a symmetric matrix unpacks", a_symmetric_matrix_unpacks},
    {"a singular matrix is refused", a_singular_matrix_is_refused},
    {"a matrix with NaN is refused", a_matrix_with_nan_is_refused},
    {"gathered rows are padded", gathered_rows_are_padded},
    {"weights and pulls are those of the formula", weights_and_pulls_are_those_of_the_formula},
    {"normal equations are sums over neighbours", normal_equations_are_sums_over_neighbours},
    {"rounding does not grow with the row", rounding_does_not_grow_with_the_row},
    {"scratch is handed out on cache lines", scratch_is_handed_out_on_cache_lines},
};

}  // namespace

extern const tests::Tests equation_tests = {TESTS, sizeof TESTS / sizeof TESTS[0]};

}  // namespace ridgeback::RIDGEBACK_LEVEL
