// What this processor can do at most, for roofline.py: reading random rows, streaming, fused multiply-adds.
//
// Compiled by roofline.py with -march=native; each function runs on the thread that calls it and returns what it did.
#include <cstdint>
#include <cstring>

#if defined(__AVX512F__)
constexpr int BYTES = 64;
#elif defined(__AVX2__)
constexpr int BYTES = 32;
#else
constexpr int BYTES = 16;
#endif
typedef float Floats __attribute__((vector_size(BYTES)));
typedef double Doubles __attribute__((vector_size(BYTES)));

// Twelve independent sums: enough for two units with a latency of four or five cycles. Named one by one, so that each
// stays in a register.
#define RATES_EACH(do) do(0) do(1) do(2) do(3) do(4) do(5) do(6) do(7) do(8) do(9) do(10) do(11)

template <class Vector, class T>
static double multiply_add(std::int64_t n_rounds) {
  Vector a = Vector{} + static_cast<T>(0.999999), b = Vector{} + static_cast<T>(1e-6);
  asm volatile("" : "+v"(a), "+v"(b));
#define RATES_START(i) Vector sum##i = a;
  RATES_EACH(RATES_START)
  for (std::int64_t round = 0; round < n_rounds; ++round) {
#define RATES_STEP(i)        \
  sum##i = sum##i * a + b;   \
  asm volatile("" : "+v"(sum##i));  // no step is merged with the next
    RATES_EACH(RATES_STEP)
  }
  Vector total = a;
#define RATES_ADD(i) total += sum##i;
  RATES_EACH(RATES_ADD)
  volatile T kept = total[0];
  (void)kept;
  return 2.0 * 12 * (BYTES / sizeof(T)) * static_cast<double>(n_rounds);
}

extern "C" {

int register_bytes() { return BYTES; }

// Floating-point operations done.
double multiply_add_float32(std::int64_t n_rounds) { return multiply_add<Floats, float>(n_rounds); }
double multiply_add_float64(std::int64_t n_rounds) { return multiply_add<Doubles, double>(n_rounds); }

// Cycles: a chain of additions of one register to another takes one each.
double chain_of_additions(std::int64_t n_rounds) {
  std::uint64_t x = 1, y = 3;
  for (std::int64_t round = 0; round < n_rounds; ++round) {
    asm volatile("" : "+r"(y));
#define RATES_LINK(i) \
  x += y;             \
  asm volatile("" : "+r"(x));
    RATES_EACH(RATES_LINK)
  }
  volatile std::uint64_t kept = x;
  (void)kept;
  return 12.0 * static_cast<double>(n_rounds);
}

// Bytes read: rows of k floats to a buffer of 64 rows that stays in cache, later rows fetched ahead.
double gather_rows(const float* table, const std::int32_t* rows, std::int64_t n, std::int64_t k, float* buffer) {
  constexpr std::int64_t AHEAD = 12;
  for (std::int64_t j = 0; j < n; ++j) {
    if (j + AHEAD < n) {
      const char* next = reinterpret_cast<const char*>(table + rows[j + AHEAD] * k);
      for (std::int64_t line = 0; line < 4 * k; line += 64) __builtin_prefetch(next + line);
    }
    std::memcpy(buffer + j % 64 * k, table + rows[j] * k, 4 * k);
  }
  return 4.0 * static_cast<double>(n * k);
}

// Bytes read and written, as STREAM counts them: a = b + s c.
double triad(float* a, const float* b, const float* c, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) a[i] = b[i] + 3.0f * c[i];
  return 12.0 * static_cast<double>(n);
}

// Bytes read of an array that is gone through again and again, each number used in one multiply-add.
double read_again(const float* array, std::int64_t n, std::int64_t n_rounds, float* result) {
  constexpr int LANES = BYTES / 4;
  Floats sum[8] = {};
  const Floats scale = Floats{} + 0.5f;
  for (std::int64_t round = 0; round < n_rounds; ++round)
    for (std::int64_t i = 0; i + 8 * LANES <= n; i += 8 * LANES) {
#pragma GCC unroll 8
      for (int v = 0; v < 8; ++v) {
        Floats x;
        std::memcpy(&x, array + i + v * LANES, BYTES);
        sum[v] = x * scale + sum[v];
      }
    }
  for (int v = 1; v < 8; ++v) sum[0] += sum[v];
  *result = sum[0][0];
  return 4.0 * static_cast<double>(n / (8 * LANES) * (8 * LANES) * n_rounds);
}
}
