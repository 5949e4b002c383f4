#include <cstdint>
#include <vector>

#include "parallel.hpp"
#include "tests/suites.hpp"

namespace ridgeback::tests {
namespace {

// Chunks follow each other without a gap, none is empty, and the last ends where the rows do.
bool is_partition(const std::vector<Chunk>& chunks, std::int64_t n_rows) {
  std::int64_t next = 0;
  for (const Chunk& chunk : chunks) {
    if (chunk.begin != next || chunk.end <= chunk.begin) return false;
    next = chunk.end;
  }
  return next == n_rows;
}

std::vector<std::int64_t> pointers_of(std::int64_t first, std::int64_t n_rows, std::int64_t row_length) {
  std::vector<std::int64_t> indptr(n_rows + 1);
  for (std::int64_t row = 0; row <= n_rows; ++row) indptr[row] = first + row * row_length;
  return indptr;
}

void even_runs_have_equal_length() {
  CHECK(even_chunks(0, 10).empty());
  for (const std::int64_t n : {1, 9, 10, 11, 1000003}) {
    const auto chunks = even_chunks(n, 10);
    CHECK(is_partition(chunks, n));
    for (std::size_t i = 0; i + 1 < chunks.size(); ++i) CHECK(chunks[i].end - chunks[i].begin == 10);
  }
}

void runs_of_rows_cost_about_the_same() {
  CHECK(chunks_of_rows(nullptr, 0, 16).empty());
  Random random{1};
  std::vector<std::int64_t> indptr = {7};  // rows of a larger matrix: the first pointer is not 0
  for (int row = 0; row < 100000; ++row)
    indptr.push_back(indptr.back() + static_cast<std::int64_t>(random.next() % 100));
  const auto chunks = chunks_of_rows(indptr.data(), 100000, 16);
  CHECK(is_partition(chunks, 100000));
  const std::int64_t target = (indptr.back() - 7 + 100000 * 16) / 1024;
  for (std::size_t i = 0; i + 1 < chunks.size(); ++i) {
    const std::int64_t cost = indptr[chunks[i].end] - indptr[chunks[i].begin] + 16 * (chunks[i].end - chunks[i].begin);
    CHECK(cost >= target && cost < target + 100 + 16);
  }
  CHECK(chunks.size() >= 900 && chunks.size() <= 1025);
}

void small_data_stay_in_one_piece() {
  const auto indptr = pointers_of(0, 10, 20);
  CHECK(chunks_of_rows(indptr.data(), 10, 16).size() == 1);
}

void rows_of_billions_of_entries_are_cut_apart() {
  const std::int64_t row_length = std::int64_t{1} << 31;
  const auto indptr = pointers_of(0, 6, row_length);
  const auto chunks = chunks_of_rows(indptr.data(), 6, 80);
  CHECK(is_partition(chunks, 6));
  CHECK(chunks.size() == 6);
}

void many_rows_beyond_32_bits_are_cut_evenly() {
  const std::int64_t n_rows = 1 << 20, row_length = 5000;  // 5.2e9 entries
  const auto indptr = pointers_of(0, n_rows, row_length);
  const auto chunks = chunks_of_rows(indptr.data(), n_rows, 80);
  CHECK(is_partition(chunks, n_rows));
  CHECK(chunks.size() >= 1000 && chunks.size() <= 1025);
  for (const Chunk& chunk : chunks) CHECK(chunk.end - chunk.begin <= 1025);
}

void even_runs_beyond_32_bits() {
  const std::int64_t n = (std::int64_t{1} << 33) + 5;
  const auto chunks = even_chunks(n, std::int64_t{1} << 30);
  CHECK(is_partition(chunks, n));
  CHECK(chunks.size() == 9 && chunks.back().end - chunks.back().begin == 5);
}

constexpr Test TESTS[] = {
    {"even runs have equal length", even_runs_have_equal_length},
    {"runs of rows cost about the same", runs_of_rows_cost_about_the_same},
    {"small data stay in one piece", small_data_stay_in_one_piece},
    {"rows of billions of entries are cut apart", rows_of_billions_of_entries_are_cut_apart},
    {"many rows beyond 32 bits are cut evenly", many_rows_beyond_32_bits_are_cut_evenly},
    {"even runs beyond 32 bits", even_runs_beyond_32_bits},
};

}  // namespace

const Tests chunk_tests = {TESTS, sizeof TESTS / sizeof TESTS[0]};

}  // namespace ridgeback::tests
