// assemble.hpp: from neighbours to normal equations and back, at odd sizes.
#include <cmath>

#include "assemble.hpp"
#include "tests/check.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

using tests::Random;

constexpr int SIZES[] = {1, 2, 3, 4, 5, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128};
constexpr int MOST = 128;

Shape shape_without_bias(int size) { return {size, size, (size + 15) / 16 * 16, false}; }

// The memory of one system; static, so that no library template is needed here.
template <class T>
struct System {
  alignas(64) T A[MOST * MOST], U[MOST * MOST], b[MOST], z[MOST], x[MOST];
};
template <class T>
System<T>& system() {
  static System<T> memory;
  return memory;
}

// A positive definite A of the size, its padding zero, and a right side.
template <class T>
void draw_system(const Shape& shape, Random& random, System<T>& s) {
  const int padded = shape.padded;
  for (int i = 0; i < padded * padded; ++i) s.A[i] = 0;
  for (int i = 0; i < padded; ++i) s.b[i] = 0;
  for (int j = 0; j < shape.size + 3; ++j) {
    double y[MOST];
    for (int i = 0; i < shape.size; ++i) y[i] = random.number();
    for (int i = 0; i < shape.size; ++i)
      for (int k = 0; k < shape.size; ++k) s.A[i * padded + k] += static_cast<T>(y[i] * y[k]);
  }
  for (int i = 0; i < shape.size; ++i) {
    s.A[i * padded + i] += static_cast<T>(1 + shape.size / 10);
    s.b[i] = static_cast<T>(random.number());
  }
}

template <class T>
void check_solution(double tolerance) {
  Random random{6};
  System<T>& s = system<T>();
  for (const int size : SIZES) {
    const Shape shape = shape_without_bias(size);
    draw_system(shape, random, s);
    CHECK(factorise<T>(s.A, shape, T(1e-5), s.U));
    solve_factorised<T>(s.U, shape, s.b, s.z, s.x);
    for (int i = 0; i < size; ++i) {
      double sum = 0;
      for (int k = 0; k < size; ++k) sum += static_cast<double>(s.A[i * shape.padded + k]) * s.x[k];
      CHECK(std::fabs(sum - s.b[i]) < tolerance);
    }
    for (int i = size; i < shape.padded; ++i) CHECK(s.x[i] == 0);
    multiply<T>(s.A, shape, s.x, s.z);
    for (int i = 0; i < size; ++i) CHECK(std::fabs(s.z[i] - s.b[i]) < tolerance);
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
  for (const int size : SIZES) {
    const Shape shape = shape_without_bias(size);
    draw_system(shape, random, s);
    CHECK(factorise<T>(s.A, shape, T(1e-5), s.U));
    for (int i = 0; i < size; ++i)
      for (int k = i; k < size; ++k) {
        double sum = 0;
        for (int j = 0; j <= i; ++j) sum += static_cast<double>(s.U[j * shape.padded + i]) * s.U[j * shape.padded + k];
        CHECK(std::fabs(sum - s.A[i * shape.padded + k]) < tolerance * size);
      }
  }
}

void the_factor_squared_is_the_matrix() {
  check_factor<float>(2e-5);
  check_factor<double>(1e-13);
}

void only_the_upper_triangle_is_read() {
  Random random{8};
  System<float>& s = system<float>();
  constexpr int sizes[] = {17, 33, 100};
  for (const int size : sizes) {
    const Shape shape = shape_without_bias(size);
    draw_system(shape, random, s);
    CHECK(factorise<float>(s.A, shape, 1e-5f, s.U));
    solve_factorised<float>(s.U, shape, s.b, s.z, s.x);
    float before[MOST];
    for (int i = 0; i < size; ++i) before[i] = s.x[i];
    for (int i = 16; i < size; ++i)
      for (int k = 0; k < i / 16 * 16; ++k) s.A[i * shape.padded + k] = __builtin_nanf("");
    CHECK(factorise<float>(s.A, shape, 1e-5f, s.U));
    solve_factorised<float>(s.U, shape, s.b, s.z, s.x);
    for (int i = 0; i < size; ++i) CHECK(s.x[i] == before[i]);
  }
}

void a_singular_matrix_is_refused() {
  System<float>& s = system<float>();
  constexpr int sizes[] = {1, 2, 17, 64};
  for (const int size : sizes) {
    const Shape shape = shape_without_bias(size);
    for (int i = 0; i < shape.padded * shape.padded; ++i) s.A[i] = 0;
    CHECK(!factorise<float>(s.A, shape, 1e-5f, s.U));  // zero
    for (int i = 0; i < size; ++i)
      for (int k = 0; k < size; ++k) s.A[i * shape.padded + k] = 3;  // rank 1
    CHECK(factorise<float>(s.A, shape, 1e-5f, s.U) == (size == 1));
    for (int i = 0; i < size; ++i) s.A[i * shape.padded + i] = -1;  // indefinite
    CHECK(!factorise<float>(s.A, shape, 1e-5f, s.U));
  }
}

void a_matrix_with_nan_is_refused() {
  Random random{9};
  System<double>& s = system<double>();
  constexpr int places[] = {0, 5, 16, 32};
  for (const int place : places) {
    const Shape shape = shape_without_bias(33);
    draw_system(shape, random, s);
    s.A[place * shape.padded + place] = __builtin_nan("");
    CHECK(!factorise<double>(s.A, shape, 2e-12, s.U));
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
      const double constant = pair_weights<double>(row_problem(pull), {FACTORS, biases, nullptr, 3}, 1, w, c);
      for (int j = 0; j < 4; ++j) {
        const int column = INDICES[1 + j];
        const double weight = 3 * COLUMN_SCALES[column] * CONFIDENCES[1 + j];
        const double target = TARGETS[1 + j] - (biases ? biases[column] : 0.0);
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
  static double gram[K * K], A[48 * 48], b[48], rows[BLOCK * 48], weighted[BLOCK * 48], w[N], c[N];
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
  start_system<double>(problem, fixed, shape, 1, A, b);
  add_neighbours<double>(fixed, shape, neighbours, N, w, c, rows, weighted, A, b);
  const auto y = [&](int j, int f) { return f < K ? static_cast<double>(factors[neighbours[j] * K + f]) : 1.0; };
  for (int i = 0; i <= K; ++i) {
    double pull = 0;
    for (int j = 0; j < N; ++j) pull += c[j] * y(j, i);
    CHECK(std::fabs(b[i] - pull) < 1e-11);
    for (int k = i; k <= K; ++k) {
      double sum = i < K && k < K ? 0.25 * gram[i * K + k] : 0.0;
      if (i == k) sum += i < K ? RIDGES[1] : BIAS_RIDGES[1];
      for (int j = 0; j < N; ++j) sum += w[j] * y(j, i) * y(j, k);
      CHECK(std::fabs(A[i * shape.padded + k] - sum) < 1e-11);
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
    {"only the upper triangle is read", only_the_upper_triangle_is_read},
    {"a singular matrix is refused", a_singular_matrix_is_refused},
    {"a matrix with NaN is refused", a_matrix_with_nan_is_refused},
    {"gathered rows are padded", gathered_rows_are_padded},
    {"weights and pulls are those of the formula", weights_and_pulls_are_those_of_the_formula},
    {"normal equations are sums over neighbours", normal_equations_are_sums_over_neighbours},
    {"scratch is handed out on cache lines", scratch_is_handed_out_on_cache_lines},
};

}  // namespace

extern const tests::Tests equation_tests = {TESTS, sizeof TESTS / sizeof TESTS[0]};

}  // namespace ridgeback::RIDGEBACK_LEVEL
