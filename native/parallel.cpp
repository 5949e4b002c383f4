#include "parallel.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <thread>

namespace ridgeback {

bool run_chunks(std::int64_t n_chunks, const Execution& execution, const std::function<void(std::int64_t, int)>& work) {
  std::atomic<std::int64_t> next{0};
  std::atomic<bool> stopped{false};
  std::mutex failure_lock;
  std::exception_ptr failure;

  const auto take_chunks = [&](int worker, const std::function<void()>& between) {
    try {
      while (!stopped.load(std::memory_order_relaxed)) {
        if (is_cancelled(execution)) {
          stopped = true;
          break;
        }
        const std::int64_t chunk = next.fetch_add(1);
        if (chunk >= n_chunks) break;
        work(chunk, worker);
        if (between) between();
      }
    } catch (...) {
      const std::lock_guard<std::mutex> guard(failure_lock);
      if (!failure) failure = std::current_exception();
      stopped = true;
    }
  };

  const int n_workers = static_cast<int>(
      std::clamp<std::int64_t>(std::min<std::int64_t>(execution.n_threads, n_chunks), 1, MOST_WORKERS));
  std::vector<std::thread> others;
  others.reserve(n_workers - 1);
  try {
    for (int worker = 1; worker < n_workers; ++worker)
      others.emplace_back(take_chunks, worker, std::function<void()>());
  } catch (const std::exception&) {
    // No more threads to be had; leaving now would end the process with the first of them still at work.
  }

  // The calling thread works too, and asks for signals between its chunks, twenty times a second.
  auto asked = std::chrono::steady_clock::now();
  take_chunks(0, [&] {
    if (!execution.interrupted) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - asked < std::chrono::milliseconds(50)) return;
    asked = now;
    if (execution.interrupted()) stopped = true;
  });
  for (auto& thread : others) thread.join();
  if (failure) std::rethrow_exception(failure);
  return !stopped.load();
}

std::vector<Chunk> chunks_of_rows(const std::int64_t* indptr, std::int64_t n_rows, std::int64_t row_cost) {
  const std::int64_t total = (n_rows ? indptr[n_rows] - indptr[0] : 0) + n_rows * row_cost;
  const std::int64_t target = std::max<std::int64_t>(4096, total / 1024);
  std::vector<Chunk> chunks;
  std::int64_t begin = 0, cost = 0;
  for (std::int64_t row = 0; row < n_rows; ++row) {
    cost += indptr[row + 1] - indptr[row] + row_cost;
    if (cost >= target || row + 1 == n_rows) {
      chunks.push_back({begin, row + 1});
      begin = row + 1;
      cost = 0;
    }
  }
  return chunks;
}

std::vector<Chunk> even_chunks(std::int64_t n_rows, std::int64_t rows_per_chunk) {
  std::vector<Chunk> chunks;
  for (std::int64_t begin = 0; begin < n_rows; begin += rows_per_chunk)
    chunks.push_back({begin, std::min(begin + rows_per_chunk, n_rows)});
  return chunks;
}

}  // namespace ridgeback
