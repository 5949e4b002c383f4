// Nobody who loads or runs the core may find the processor treating numbers differently afterwards.
#include <cstdint>
#include <thread>
#include <vector>

#include "half_step.hpp"
#include "tests/suites.hpp"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace ridgeback::tests {
namespace {

void small_numbers_survive_in_every_thread() {
  // Squares of float32 denormals, summed in float64: zero as soon as denormals are taken for zero.
  const std::int64_t n = 20000;
  std::vector<float> factors(n, 1e-42f);
  double sum = 0;
  Execution execution;
  execution.n_threads = 4;
  gram(factors.data(), nullptr, n, 1, execution, &sum);
  const double square = static_cast<double>(1e-42f) * 1e-42f;
  CHECK(sum > 0.999 * static_cast<double>(n) * square && sum < 1.001 * static_cast<double>(n) * square);
}

void denormals_are_neither_flushed_nor_read_as_zero() {
#if defined(__x86_64__)
  constexpr unsigned FLUSH_TO_ZERO = 0x8000, DENORMALS_ARE_ZERO = 0x0040;
  CHECK((_mm_getcsr() & (FLUSH_TO_ZERO | DENORMALS_ARE_ZERO)) == 0);
  run_chunks(
      8,
      [] {
        Execution e;
        e.n_threads = 4;
        return e;
      }(),
      [](std::int64_t, int) { CHECK((_mm_getcsr() & (FLUSH_TO_ZERO | DENORMALS_ARE_ZERO)) == 0); });
#else
  skip("no MXCSR register");
#endif
}

constexpr Test TESTS[] = {
    {"small numbers survive in every thread", small_numbers_survive_in_every_thread},
    {"denormals are neither flushed nor read as zero", denormals_are_neither_flushed_nor_read_as_zero},
};

}  // namespace

const Tests control_word_tests = {TESTS, sizeof TESTS / sizeof TESTS[0]};

}  // namespace ridgeback::tests
