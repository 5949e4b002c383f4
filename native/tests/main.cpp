// Runs every C++ unit test, or those whose name holds the one argument. Ends with 1 if anything failed.
#include <atomic>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "dispatch.hpp"
#include "tests/suites.hpp"

namespace ridgeback::tests {
namespace {

std::atomic<int> n_failures{0};  // CHECK may stand in a worker

struct Skipped {
  const char* reason;
};

struct Suite {
  std::string name;
  Tests tests;
};

void run(const std::string& suite, const Test& test) {
  const int before = n_failures;
  std::string outcome = "ok";
  try {
    test.run();
    if (n_failures > before) outcome = "FAILED";
  } catch (const Skipped& skipped) {
    outcome = std::string("skipped: ") + skipped.reason;
  } catch (const std::exception& error) {
    fail(suite.c_str(), 0, error.what());
    outcome = "FAILED";
  }
  std::printf("%s / %s: %s\n", suite.c_str(), test.name, outcome.c_str());
  std::fflush(stdout);
}

}  // namespace

void fail(const char* file, int line, const char* condition) {
  if (++n_failures <= 50) std::printf("%s:%d: not true: %s\n", file, line, condition);
}

void skip(const char* reason) { throw Skipped{reason}; }

std::uint64_t Random::next() {
  std::uint64_t x = state += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

double Random::number() { return static_cast<double>(next() >> 11) * 0x1p-52 - 1.0; }

}  // namespace ridgeback::tests

int main(int argc, char** argv) {
  using namespace ridgeback;
  std::vector<tests::Suite> suites = {
      {"work queue", tests::work_queue_tests},     {"chunks", tests::chunk_tests},
      {"large indices", tests::large_index_tests}, {"row solvers", tests::row_solver_tests},
      {"control word", tests::control_word_tests}, {"many threads", tests::many_thread_tests},
  };
  for (const std::string& level : available_instruction_sets()) {
#define RIDGEBACK_SUITES(name)                                     \
  if (level == #name) {                                            \
    suites.push_back({"vectors, " #name, name::vector_tests});     \
    suites.push_back({"equations, " #name, name::equation_tests}); \
  }
    RIDGEBACK_SUITES(baseline)
#ifdef RIDGEBACK_X86_LEVELS
    RIDGEBACK_SUITES(avx2)
    RIDGEBACK_SUITES(avx512)
#endif
  }
  std::printf("kernels: %s\n", kernels().instruction_set);
  for (const tests::Suite& suite : suites)
    for (int i = 0; i < suite.tests.n; ++i)
      if (argc < 2 || (suite.name + " / " + suite.tests.tests[i].name).find(argv[1]) != std::string::npos)
        tests::run(suite.name, suite.tests.tests[i]);
  std::printf("%d failures\n", tests::n_failures.load());
  return tests::n_failures ? 1 : 0;
}
