// A work queue on std::thread. Chunks depend on the data only, never on the thread count, so results do not either.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace ridgeback {

constexpr int MOST_WORKERS = 1024;  // however many threads are asked for

struct Execution {
  int n_threads = 1;
  const std::uint8_t* cancel = nullptr;  // set to non-zero by a signal handler: stop after the running chunks
  std::function<bool()> interrupted;     // asked by the calling thread now and then; true stops as well
};

// Whether the flag is set, whoever sets it meanwhile.
inline bool is_cancelled(const Execution& execution) {
  return execution.cancel && __atomic_load_n(execution.cancel, __ATOMIC_RELAXED) != 0;
}

struct Chunk {
  std::int64_t begin, end;
};

// Runs work(chunk, worker) for every chunk in 0..n_chunks-1, in that order of starting; worker is 0..n_threads-1.
// Returns false when it was stopped early. The first exception of a worker is thrown again here. Where the system gives
// fewer threads than were asked for, those do all the work.
bool run_chunks(std::int64_t n_chunks, const Execution& execution,
                const std::function<void(std::int64_t chunk, int worker)>& work);

// Rows cut into runs of about equal cost, a row costing its stored entries + row_cost.
std::vector<Chunk> chunks_of_rows(const std::int64_t* indptr, std::int64_t n_rows, std::int64_t row_cost);

// n rows cut into runs of equal length (the last may be shorter).
std::vector<Chunk> even_chunks(std::int64_t n_rows, std::int64_t rows_per_chunk);

}  // namespace ridgeback
