// simd.hpp against plain loops: the order in which lanes are added, and one rounding where the level has the
// instruction.
#include "simd.hpp"
#include "tests/check.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

using tests::Random;

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
constexpr bool IS_FUSED = true;
#else
constexpr bool IS_FUSED = false;
#endif

bool same_bits(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; }
bool same_bits(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }

// Numbers over many magnitudes, so that every order of adding them has its own last bits.
float uneven(Random& random) {
  const int exponent = static_cast<int>(random.next() % 24) - 12;
  return static_cast<float>(random.number() * __builtin_ldexp(1.0, exponent));
}

// The documented order: in each group of four, lanes 0 + 2 and 1 + 3; then groups 0 + 2 and 1 + 3.
float fold_by_hand(const float* lane) {
  float group[4];
  for (int g = 0; g < 4; ++g) group[g] = (lane[4 * g] + lane[4 * g + 2]) + (lane[4 * g + 1] + lane[4 * g + 3]);
  return (group[0] + group[2]) + (group[1] + group[3]);
}

double fold_by_hand(const double* lane) {
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

void loads_and_stores_anywhere() {
  alignas(64) float source[20], target[20];
  for (int shift = 0; shift < 4; ++shift) {
    for (int i = 0; i < 20; ++i) {
      source[i] = static_cast<float>(i);
      target[i] = -1;
    }
    Vec<float>::load(source + shift).store(target + shift);
    for (int i = 0; i < 20; ++i) CHECK(target[i] == (i >= shift && i < shift + 16 ? source[i] : -1.0f));
  }
}

void splat_keeps_every_kind_of_number() {
  const float kinds[] = {0.0f, -0.0f, 1.5f, 1e-45f, -3e-39f, __builtin_inff(), -__builtin_inff(), 3.4e38f};
  for (const float kind : kinds) {
    float lane[16];
    Vec<float>::splat(kind).store(lane);
    for (const float x : lane) CHECK(same_bits(x, kind));
  }
  float lane[16];
  Vec<float>::splat(__builtin_nanf("")).store(lane);
  for (const float x : lane) CHECK(x != x);
}

void four_sums_come_in_one_order() {
  Random random{2};
  for (int round = 0; round < 2000; ++round) {
    float lanes[4][16], sums[4];
    for (auto& vector : lanes)
      for (float& x : vector) x = uneven(random);
    fold4(Vec<float>::load(lanes[0]), Vec<float>::load(lanes[1]), Vec<float>::load(lanes[2]),
          Vec<float>::load(lanes[3]), sums);
    for (int i = 0; i < 4; ++i) {
      CHECK(same_bits(sums[i], fold_by_hand(lanes[i])));
      CHECK(same_bits(fold(Vec<float>::load(lanes[i])), sums[i]));
    }
  }
}

void every_lane_is_added_once() {
  for (int i = 0; i < 16; ++i) {
    float lanes[16] = {};
    lanes[i] = 1;
    CHECK(fold(Vec<float>::load(lanes)) == 1.0f);
  }
}

void float64_sums_come_in_one_order() {
  Random random{3};
  for (int round = 0; round < 2000; ++round) {
    double lanes[8];
    for (double& x : lanes) x = uneven(random) * (1 + random.number());
    CHECK(same_bits(fold(Vec<double>::load(lanes)), fold_by_hand(lanes)));
  }
}

// (1 + e)^2 - (1 + 2e) = e^2, which only survives where the product is not rounded first.
template <class T>
void check_fused(T e) {
  const T a = 1 + e, c = -(1 + 2 * e), expected = IS_FUSED ? e * e : T(0);
  T lanes[Vec<T>::N];
  fma(Vec<T>::splat(a), Vec<T>::splat(a), Vec<T>::splat(c)).store(lanes);
  for (const T x : lanes) CHECK(same_bits(x, expected));
  subtract_product(Vec<T>::splat(-a), Vec<T>::splat(a), Vec<T>::splat(c)).store(lanes);
  for (const T x : lanes) CHECK(same_bits(x, expected));
  volatile T one = a;  // not known to the compiler
  CHECK(same_bits(fused(static_cast<T>(one), a, c), expected));
}

void products_are_rounded_once_where_the_level_can() {
  check_fused<float>(0x1p-12f);
  check_fused<double>(0x1p-27);
}

template <class T>
void check_loads_of_floats() {
  constexpr int N = Vec<T>::N;
  float source[N + 1];
  for (int i = 0; i <= N; ++i) source[i] = 0.1f * static_cast<float>(i + 1);
  T lanes[N];
  for (int n = 0; n <= N; ++n) {
    (n == N ? Vec<T>::load_floats(source + 1) : Vec<T>::load_floats(source + 1, n)).store(lanes);
    for (int i = 0; i < N; ++i) CHECK(lanes[i] == (i < n ? static_cast<T>(source[i + 1]) : T(0)));
  }
  for (int i = 0; i < N; ++i) CHECK(Vec<T>::load_floats(source).lane(i) == static_cast<T>(source[i]));
}

void floats_load_as_either_type_and_in_part() {
  check_loads_of_floats<float>();
  check_loads_of_floats<double>();
}

template <class T>
void check_turning() {
  constexpr int N = Vec<T>::N, STRIDE = 6;
  T rows[4][N], out[N * STRIDE];
  for (int r = 0; r < 4; ++r)
    for (int f = 0; f < N; ++f) rows[r][f] = static_cast<T>(100 * r + f);
  for (T& x : out) x = -1;
  store_turned(Vec<T>::load(rows[0]), Vec<T>::load(rows[1]), Vec<T>::load(rows[2]), Vec<T>::load(rows[3]), out, STRIDE);
  for (int f = 0; f < N; ++f)
    for (int r = 0; r < STRIDE; ++r) CHECK(out[f * STRIDE + r] == (r < 4 ? rows[r][f] : T(-1)));
}

void four_rows_turn() {
  check_turning<float>();
  check_turning<double>();
}

void arithmetic_is_lane_by_lane() {
  Random random{4};
  float a[16], b[16], out[16];
  for (int i = 0; i < 16; ++i) {
    a[i] = uneven(random);
    b[i] = uneven(random) + 10;
  }
  const Vec<float> x = Vec<float>::load(a), y = Vec<float>::load(b);
  (x + y).store(out);
  for (int i = 0; i < 16; ++i) CHECK(same_bits(out[i], a[i] + b[i]));
  (x - y).store(out);
  for (int i = 0; i < 16; ++i) CHECK(same_bits(out[i], a[i] - b[i]));
  (x * y).store(out);
  for (int i = 0; i < 16; ++i) CHECK(same_bits(out[i], a[i] * b[i]));
  (x / y).store(out);
  for (int i = 0; i < 16; ++i) CHECK(same_bits(out[i], a[i] / b[i]));
}

template <class T>
void check_dot_and_add_scaled(Random& random) {
  constexpr int N = Vec<T>::N;
  T x[5 * N], y[5 * N], lanes[N], expected[5 * N];
  for (int length = 0; length <= 5 * N; length += N) {
    for (int i = 0; i < length; ++i) {
      x[i] = uneven(random);
      y[i] = uneven(random);
    }
    for (T& lane : lanes) lane = 0;
    for (int i = 0; i < length; ++i) lanes[i % N] = fused(x[i], y[i], lanes[i % N]);
    CHECK(same_bits(dot<T>(x, y, length), fold_by_hand(lanes)));
    const T a = uneven(random);
    for (int i = 0; i < length; ++i) expected[i] = fused(a, x[i], y[i]);
    add_scaled<T>(a, x, y, length);
    for (int i = 0; i < length; ++i) CHECK(same_bits(y[i], expected[i]));
  }
}

void dot_and_add_scaled_equal_their_loops() {
  Random random{5};
  for (int round = 0; round < 200; ++round) {
    check_dot_and_add_scaled<float>(random);
    check_dot_and_add_scaled<double>(random);
  }
}

constexpr tests::Test TESTS[] = {
    {"loads and stores anywhere", loads_and_stores_anywhere},
    {"splat keeps every kind of number", splat_keeps_every_kind_of_number},
    {"four sums come in one order", four_sums_come_in_one_order},
    {"every lane is added once", every_lane_is_added_once},
    {"float64 sums come in one order", float64_sums_come_in_one_order},
    {"products are rounded once where the level can", products_are_rounded_once_where_the_level_can},
    {"floats load as either type and in part", floats_load_as_either_type_and_in_part},
    {"four rows turn", four_rows_turn},
    {"arithmetic is lane by lane", arithmetic_is_lane_by_lane},
    {"dot and add_scaled equal their loops", dot_and_add_scaled_equal_their_loops},
};

}  // namespace

extern const tests::Tests vector_tests = {TESTS, sizeof TESTS / sizeof TESTS[0]};

}  // namespace ridgeback::RIDGEBACK_LEVEL
