// The tests' own vocabulary: a test is a function with a name, CHECK says what must hold in it.
//
// Nothing here is inline or a template: the files of levels/ are compiled for processors that may not be this one, and
// share only plain declarations with the rest.
#pragma once

#include <cstdint>

namespace ridgeback::tests {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool IS_SANITIZED = true;
#else
constexpr bool IS_SANITIZED = false;
#endif

struct Test {
  const char* name;
  void (*run)();
};

struct Tests {
  const Test* tests;
  int n;
};

// Counts a failure of the running test and prints it.
void fail(const char* file, int line, const char* condition);

// Leaves the running test and prints why.
[[noreturn]] void skip(const char* reason);

// Numbers by seed: uniform in 0 .. 2^64 - 1 (SplitMix64), and in [-1, 1).
struct Random {
  std::uint64_t state;
  std::uint64_t next();
  double number();
};

}  // namespace ridgeback::tests

#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) ridgeback::tests::fail(__FILE__, __LINE__, #condition); \
  } while (0)
