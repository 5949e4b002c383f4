#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "parallel.hpp"
#include "tests/suites.hpp"

namespace ridgeback::tests {
namespace {

Execution threads(int n) {
  Execution execution;
  execution.n_threads = n;
  return execution;
}

void every_chunk_runs_once() {
  for (const int n_threads : {-1, 0, 1, 2, 7, 64})
    for (const std::int64_t n_chunks : {0, 1, 2, 63, 1000}) {
      std::vector<std::atomic<int>> runs(n_chunks);
      CHECK(run_chunks(n_chunks, threads(n_threads), [&](std::int64_t chunk, int) { ++runs[chunk]; }));
      CHECK(std::all_of(runs.begin(), runs.end(), [](const auto& n) { return n == 1; }));
    }
}

void a_worker_is_one_thread_at_a_time() {
  constexpr int N = 7;
  std::vector<std::atomic<int>> busy(N);
  std::vector<std::int64_t> unguarded(N);  // a worker's own memory: a race here is for the sanitizer to see
  run_chunks(2000, threads(N), [&](std::int64_t chunk, int worker) {
    CHECK(worker >= 0 && worker < N);
    CHECK(busy[worker]++ == 0);
    unguarded[worker] += chunk;
    --busy[worker];
  });
  std::int64_t sum = 0;
  for (const std::int64_t part : unguarded) sum += part;
  CHECK(sum == 2000 * 1999 / 2);
}

void chunks_start_in_order() {
  std::vector<std::int64_t> alone;
  run_chunks(100, threads(1), [&](std::int64_t chunk, int) { alone.push_back(chunk); });
  CHECK(std::is_sorted(alone.begin(), alone.end()) && alone.size() == 100);

  std::vector<std::vector<std::int64_t>> of_worker(5);
  run_chunks(1000, threads(5), [&](std::int64_t chunk, int worker) { of_worker[worker].push_back(chunk); });
  for (const auto& chunks : of_worker) CHECK(std::is_sorted(chunks.begin(), chunks.end()));
}

void the_calling_thread_works_too() {
  const auto caller = std::this_thread::get_id();
  run_chunks(10, threads(1), [&](std::int64_t, int worker) {
    CHECK(worker == 0);
    CHECK(std::this_thread::get_id() == caller);
  });
}

void an_exception_ends_the_run_and_arrives() {
  for (const int n_threads : {1, 3, 16}) {
    std::atomic<int> n_run{0};
    bool is_caught = false;
    try {
      run_chunks(100000, threads(n_threads), [&](std::int64_t chunk, int) {
        ++n_run;
        if (chunk == 5) throw std::runtime_error("chunk 5");
        std::this_thread::sleep_for(std::chrono::microseconds(50));
      });
    } catch (const std::runtime_error& error) {
      is_caught = std::string(error.what()) == "chunk 5";
    }
    CHECK(is_caught);
    CHECK(n_threads == 1 ? n_run == 6 : n_run < 50000);
  }
}

void of_many_exceptions_one_arrives() {
  int n_caught = 0;
  for (int round = 0; round < 20; ++round) try {
      run_chunks(64, threads(8), [](std::int64_t chunk, int) { throw static_cast<int>(chunk); });
    } catch (const int chunk) {
      n_caught += chunk >= 0 && chunk < 64;
    }
  CHECK(n_caught == 20);
}

void a_set_flag_stops_before_the_first_chunk() {
  std::uint8_t cancel = 1;
  Execution execution = threads(4);
  execution.cancel = &cancel;
  std::atomic<int> n_run{0};
  CHECK(!run_chunks(1000, execution, [&](std::int64_t, int) { ++n_run; }));
  CHECK(n_run == 0);
}

void a_flag_set_on_the_way_stops_after_the_running_chunks() {
  for (const int n_threads : {1, 4}) {
    std::uint8_t cancel = 0;
    Execution execution = threads(n_threads);
    execution.cancel = &cancel;
    std::atomic<int> n_run{0};
    CHECK(!run_chunks(100000, execution, [&](std::int64_t chunk, int) {
      ++n_run;
      if (chunk == 9) __atomic_store_n(&cancel, std::uint8_t{1}, __ATOMIC_RELAXED);
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }));
    CHECK(n_threads == 1 ? n_run == 10 : n_run < 50000);
  }
}

void signals_are_asked_for_by_the_caller_now_and_then() {
  const auto caller = std::this_thread::get_id();
  int n_asked = 0;
  Execution execution = threads(3);
  execution.interrupted = [&] {
    CHECK(std::this_thread::get_id() == caller);
    ++n_asked;
    return false;
  };
  const auto begin = std::chrono::steady_clock::now();
  CHECK(
      run_chunks(600, execution, [](std::int64_t, int) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }));
  const auto elapsed = std::chrono::steady_clock::now() - begin;
  CHECK(n_asked >= 1);
  CHECK(n_asked <= elapsed / std::chrono::milliseconds(50) + 1);
}

void an_interrupt_stops_the_others() {
  Execution execution = threads(3);
  execution.interrupted = [] { return true; };
  std::atomic<int> n_run{0};
  CHECK(!run_chunks(100000, execution, [&](std::int64_t, int) {
    ++n_run;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }));
  CHECK(n_run < 50000);
}

void fewer_threads_than_asked_for_do_all_the_work() {
  if (IS_SANITIZED) skip("a sanitizer needs its own address space");
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    // Room for a thread's stack or two, so that most of 64 threads cannot be had.
    std::ifstream statm("/proc/self/statm");
    std::uint64_t pages = 0;
    statm >> pages;
    const rlim_t limit = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) + (20 << 20);
    const rlimit few = {limit, limit};
    setrlimit(RLIMIT_AS, &few);
    std::vector<std::atomic<int>> runs(1000);
    const bool is_complete = run_chunks(1000, threads(64), [&](std::int64_t chunk, int) { ++runs[chunk]; });
    const bool is_right = std::all_of(runs.begin(), runs.end(), [](const auto& n) { return n == 1; });
    _exit(is_complete && is_right ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

constexpr Test TESTS[] = {
    {"every chunk runs once", every_chunk_runs_once},
    {"a worker is one thread at a time", a_worker_is_one_thread_at_a_time},
    {"chunks start in order", chunks_start_in_order},
    {"the calling thread works too", the_calling_thread_works_too},
    {"an exception ends the run and arrives", an_exception_ends_the_run_and_arrives},
    {"of many exceptions one arrives", of_many_exceptions_one_arrives},
    {"a set flag stops before the first chunk", a_set_flag_stops_before_the_first_chunk},
    {"a flag set on the way stops after the running chunks", a_flag_set_on_the_way_stops_after_the_running_chunks},
    {"signals are asked for by the caller now and then", signals_are_asked_for_by_the_caller_now_and_then},
    {"an interrupt stops the others", an_interrupt_stops_the_others},
    {"fewer threads than asked for do all the work", fewer_threads_than_asked_for_do_all_the_work},
};

}  // namespace

const Tests work_queue_tests = {TESTS, sizeof TESTS / sizeof TESTS[0]};

}  // namespace ridgeback::tests
