// Every suite of tests. A file of levels/ has its suite once per instruction set.
#pragma once

#include "tests/check.hpp"

namespace ridgeback::tests {
extern const Tests work_queue_tests;
extern const Tests chunk_tests;
extern const Tests large_index_tests;
extern const Tests row_solver_tests;
extern const Tests control_word_tests;
extern const Tests many_thread_tests;
}  // namespace ridgeback::tests

#define RIDGEBACK_LEVEL_SUITES(level)       \
  namespace ridgeback::level {              \
  extern const tests::Tests vector_tests;   \
  extern const tests::Tests equation_tests; \
  }

RIDGEBACK_LEVEL_SUITES(baseline)
#ifdef RIDGEBACK_X86_LEVELS
RIDGEBACK_LEVEL_SUITES(avx2)
RIDGEBACK_LEVEL_SUITES(avx512)
#endif
