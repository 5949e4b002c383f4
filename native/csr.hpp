// Building and transposing CSR matrices by counting sort. Row pointers and entry numbers are 64-bit throughout.
#pragma once

#include <cstdint>

#include "parallel.hpp"

namespace ridgeback {

// What becomes of several rows of the table with the same (row, column).
enum class Duplicates : int { kSum = 0, kMean = 1, kMax = 2, kLast = 3 };

// (row, column) pairs in the order of the table.
struct Pairs {
  const std::int32_t* rows;
  const std::int32_t* columns;
  std::int64_t n;
};

// A table row under its column; sorting slots sorts by column, then by place in the table.
struct NarrowSlot {  // up to 2^32 table rows
  std::uint64_t key;
  static NarrowSlot make(std::uint32_t column, std::uint64_t row) { return {std::uint64_t{column} << 32 | row}; }
  std::uint32_t column() const { return static_cast<std::uint32_t>(key >> 32); }
  std::uint64_t row() const { return key & 0xffffffffu; }
  bool operator<(const NarrowSlot& other) const { return key < other.key; }
};

struct WideSlot {  // beyond
  std::uint64_t table_row;
  std::uint64_t key;
  static WideSlot make(std::uint32_t column, std::uint64_t row) { return {row, column}; }
  std::uint32_t column() const { return static_cast<std::uint32_t>(key); }
  std::uint64_t row() const { return table_row; }
  bool operator<(const WideSlot& other) const {
    return key != other.key ? key < other.key : table_row < other.table_row;
  }
};

// counts[c] += number of codes equal to c.
bool count_codes(const std::int32_t* codes, std::int64_t n, std::int64_t n_counts, std::int64_t* counts,
                 const Execution& execution);

// Sorts the pairs by (row, column, place in the table). indptr (n_rows + 1): where each row's slots begin;
// unique_indptr (n_rows + 1): the same when each column of a row is counted once.
template <class Slot>
bool sort_pairs(const Pairs& pairs, std::int64_t n_rows, std::int64_t* indptr, Slot* slots, std::int64_t* unique_indptr,
                const Execution& execution);

// One entry per distinct (row, column) out of sorted slots. The values are combined by the rule; `latest` receives the
// table row with the latest timestamp (of equals, and without timestamps, the last one). Null arrays are left out.
template <class Slot, class Row>
struct Combination {
  const std::int64_t* indptr;
  const Slot* slots;
  const std::int64_t* unique_indptr;
  std::int64_t n_rows;
  const float* values;             // per table row; null: each counts 1
  const std::int64_t* timestamps;  // per table row, or null
  Duplicates rule;
  std::int32_t* out_columns;
  float* out_values;
  std::int32_t* out_counts;  // table rows merged into the entry
  Row* out_latest;
};
template <class Slot, class Row>
bool combine(const Combination<Slot, Row>& combination, const Execution& execution);

struct Matrix {
  const std::int64_t* indptr;
  const std::int32_t* indices;
  const float* data;  // or null
  std::int64_t n_rows, n_columns;
};

// Columns of the result ascend when the rows of the input are visited in order, whatever their own order of columns.
bool transpose(const Matrix& matrix, std::int64_t* out_indptr, std::int32_t* out_indices, float* out_data,
               const Execution& execution);

// out[i] = source[rows[i]]
template <class Value, class Row>
bool gather(const Value* source, const Row* rows, std::int64_t n, Value* out, const Execution& execution);

}  // namespace ridgeback
