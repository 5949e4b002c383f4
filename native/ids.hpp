// Ids to rows: hash tables over text and over 64-bit ints, factorising, and the closest ids to an unknown one.
//
// A table is an array of int32 whose size is a power of two, at least twice the number of ids and at least 2. A slot
// holds a row, or -1. The search for a value begins at slot_of(hash, size) and goes on to the next slot (around the
// end) until the value or a -1. Rows are inserted in ascending order, so that the table is a function of the ids.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text.hpp"

namespace ridgeback {

// FNV-1a, 64 bits.
std::uint64_t hash_text(std::string_view text);

// The top log2(size) bits of hash * 0x9E3779B97F4A7C15 (mod 2^64).
std::int64_t slot_of(std::uint64_t hash, std::int64_t size);

std::int64_t table_size(std::int64_t n_ids);

struct Duplicate {
  std::int64_t first = -1, second = -1;
};

// Fills a table. At the first id that comes twice it stops and tells both rows.
Duplicate build_table(const TextView& ids, std::int32_t* table, std::int64_t size);
Duplicate build_table(const std::int64_t* ids, std::int64_t n, std::int32_t* table, std::int64_t size);

// The row of each query, or -1. Never reads outside the buffers, whatever the table holds.
void look_up(const TextView& ids, const std::int32_t* table, std::int64_t size, const TextView& queries,
             std::int32_t* rows);
void look_up(const std::int64_t* ids, std::int64_t n, const std::int32_t* table, std::int64_t size,
             const std::int64_t* queries, std::int64_t n_queries, std::int32_t* rows);

// The same by binary search in strictly ascending ids.
void look_up_ascending(const std::int64_t* ids, std::int64_t n, const std::int64_t* queries, std::int64_t n_queries,
                       std::int32_t* rows);

// codes[i] = rank of value i among the distinct values; returns the position of each distinct value's first occurrence,
// ascending by value. Throws std::length_error beyond 2^31 - 1 distinct values.
std::vector<std::int64_t> factorize(const TextView& values, std::int32_t* codes);
std::vector<std::int64_t> factorize(const std::int64_t* values, std::int64_t n, std::int32_t* codes);

// Rows in begin .. end of up to n_wanted ids with the smallest edit distance to the query (code points, ASCII case
// folded, the first 64 of each), nearest first, equal distances in row order; none further than half the query.
std::vector<std::int64_t> closest(const TextView& ids, std::int64_t begin, std::int64_t end, std::string_view query,
                                  int n_wanted);

}  // namespace ridgeback
