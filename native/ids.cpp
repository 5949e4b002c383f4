#include "ids.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace ridgeback {
namespace {

constexpr std::int64_t kAhead = 16;  // queries whose first slot is fetched before they are compared

int log2_of(std::int64_t size) { return 63 - __builtin_clzll(static_cast<unsigned long long>(size)); }

struct TextKeys {
  const TextView& ids;
  std::int64_t size() const { return ids.size; }
  std::string_view operator[](std::int64_t row) const { return ids[row]; }
  static std::uint64_t hash(std::string_view key) { return hash_text(key); }
};

struct IntKeys {
  const std::int64_t* ids;
  std::int64_t n;
  std::int64_t size() const { return n; }
  std::int64_t operator[](std::int64_t row) const { return ids[row]; }
  static std::uint64_t hash(std::int64_t key) { return static_cast<std::uint64_t>(key); }
};

template <class Keys>
Duplicate build(const Keys& keys, std::int32_t* table, std::int64_t size) {
  std::fill(table, table + size, -1);
  for (std::int64_t row = 0; row < keys.size(); ++row) {
    const auto key = keys[row];
    std::int64_t slot = slot_of(keys.hash(key), size);
    while (table[slot] >= 0) {
      if (keys[table[slot]] == key) return {table[slot], row};
      slot = (slot + 1) & (size - 1);
    }
    table[slot] = static_cast<std::int32_t>(row);
  }
  return {};
}

template <class Keys, class Key>
std::int32_t find_from(const Keys& keys, const std::int32_t* table, std::int64_t size, std::int64_t slot, Key key) {
  for (std::int64_t step = 0; step < size; ++step) {
    const std::int32_t row = table[slot];
    if (row < 0 || row >= keys.size()) return -1;
    if (keys[row] == key) return row;
    slot = (slot + 1) & (size - 1);
  }
  return -1;
}

// Slots of a block of queries are fetched before any of them is followed, so that cache misses overlap.
template <class Keys>
void find_all(const Keys& keys, const std::int32_t* table, std::int64_t size, const Keys& queries, std::int32_t* rows) {
  std::int64_t slots[kAhead];
  for (std::int64_t begin = 0; begin < queries.size(); begin += kAhead) {
    const std::int64_t count = std::min(kAhead, queries.size() - begin);
    for (std::int64_t i = 0; i < count; ++i) {
      slots[i] = slot_of(queries.hash(queries[begin + i]), size);
      __builtin_prefetch(table + slots[i]);
    }
    for (std::int64_t i = 0; i < count; ++i) {
      rows[begin + i] = find_from(keys, table, size, slots[i], queries[begin + i]);
    }
  }
}

// Groups equal keys: codes in order of first occurrence; returns those first positions.
template <class Keys>
std::vector<std::int64_t> group(const Keys& keys, std::int32_t* codes) {
  std::vector<std::int64_t> firsts;
  std::vector<std::uint64_t> hashes;
  std::vector<std::int32_t> table(1024, -1);
  auto size = static_cast<std::int64_t>(table.size());
  for (std::int64_t i = 0; i < keys.size(); ++i) {
    const auto key = keys[i];
    const std::uint64_t hash = keys.hash(key);
    std::int64_t slot = slot_of(hash, size);
    while (table[slot] >= 0) {
      const std::int32_t code = table[slot];
      if (hashes[code] == hash && keys[firsts[code]] == key) break;
      slot = (slot + 1) & (size - 1);
    }
    if (table[slot] < 0) {
      if (firsts.size() >= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
        throw std::length_error("more than 2147483647 distinct ids");
      }
      table[slot] = static_cast<std::int32_t>(firsts.size());
      firsts.push_back(i);
      hashes.push_back(hash);
    }
    codes[i] = table[slot];
    if (2 * static_cast<std::int64_t>(firsts.size()) > size) {
      size *= 2;
      table.assign(size, -1);
      for (std::size_t code = 0; code < hashes.size(); ++code) {
        std::int64_t free = slot_of(hashes[code], size);
        while (table[free] >= 0) free = (free + 1) & (size - 1);
        table[free] = static_cast<std::int32_t>(code);
      }
    }
  }
  return firsts;
}

// From codes in order of first occurrence to codes in ascending order.
std::vector<std::int64_t> recode(const std::vector<std::int64_t>& firsts, const std::vector<std::int64_t>& order,
                                 std::int32_t* codes, std::int64_t n) {
  std::vector<std::int32_t> ranks(order.size());
  std::vector<std::int64_t> sorted(order.size());
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    ranks[order[rank]] = static_cast<std::int32_t>(rank);
    sorted[rank] = firsts[order[rank]];
  }
  for (std::int64_t i = 0; i < n; ++i) codes[i] = ranks[codes[i]];
  return sorted;
}

// Ints that lie close together: a table over their whole range instead of a hash.
std::vector<std::int64_t> factorize_dense(const std::int64_t* values, std::int64_t n, std::int64_t low,
                                          std::int64_t span, std::int32_t* codes) {
  std::vector<std::int32_t> ranks(static_cast<std::size_t>(span), -1);
  for (std::int64_t i = 0; i < n; ++i) ranks[values[i] - low] = 0;
  std::int32_t n_distinct = 0;
  for (std::int32_t& rank : ranks) {
    if (rank == 0) rank = n_distinct++;
  }
  std::vector<std::int64_t> firsts(static_cast<std::size_t>(n_distinct), -1);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int32_t code = ranks[values[i] - low];
    codes[i] = code;
    if (firsts[code] < 0) firsts[code] = i;
  }
  return firsts;
}

}  // namespace

std::uint64_t hash_text(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325ull;
  for (const char byte : text) hash = (hash ^ static_cast<std::uint8_t>(byte)) * 0x100000001B3ull;
  return hash;
}

std::int64_t slot_of(std::uint64_t hash, std::int64_t size) {
  return static_cast<std::int64_t>((hash * 0x9E3779B97F4A7C15ull) >> (64 - log2_of(size)));
}

std::int64_t table_size(std::int64_t n_ids) {
  std::int64_t size = 2;
  while (size < 2 * n_ids) size *= 2;
  return size;
}

Duplicate build_table(const TextView& ids, std::int32_t* table, std::int64_t size) {
  return build(TextKeys{ids}, table, size);
}

Duplicate build_table(const std::int64_t* ids, std::int64_t n, std::int32_t* table, std::int64_t size) {
  return build(IntKeys{ids, n}, table, size);
}

void look_up(const TextView& ids, const std::int32_t* table, std::int64_t size, const TextView& queries,
             std::int32_t* rows) {
  find_all(TextKeys{ids}, table, size, TextKeys{queries}, rows);
}

void look_up(const std::int64_t* ids, std::int64_t n, const std::int32_t* table, std::int64_t size,
             const std::int64_t* queries, std::int64_t n_queries, std::int32_t* rows) {
  find_all(IntKeys{ids, n}, table, size, IntKeys{queries, n_queries}, rows);
}

void look_up_ascending(const std::int64_t* ids, std::int64_t n, const std::int64_t* queries, std::int64_t n_queries,
                       std::int32_t* rows) {
  if (n == 0) {
    std::fill(rows, rows + n_queries, -1);
    return;
  }
  for (std::int64_t begin = 0; begin < n_queries; begin += kAhead) {  // a block of searches steps together
    const std::int64_t count = std::min(kAhead, n_queries - begin);
    std::int64_t low[kAhead] = {};
    for (std::int64_t length = n; length > 1; length -= length / 2) {
      const std::int64_t half = length / 2;
      for (std::int64_t i = 0; i < count; ++i) low[i] += ids[low[i] + half] <= queries[begin + i] ? half : 0;
    }
    for (std::int64_t i = 0; i < count; ++i) {
      rows[begin + i] = ids[low[i]] == queries[begin + i] ? static_cast<std::int32_t>(low[i]) : -1;
    }
  }
}

std::vector<std::int64_t> factorize(const TextView& values, std::int32_t* codes) {
  const std::vector<std::int64_t> firsts = group(TextKeys{values}, codes);
  std::vector<std::int64_t> offsets(1, 0);
  std::vector<std::uint8_t> data;
  offsets.reserve(firsts.size() + 1);
  for (const std::int64_t row : firsts) {
    const std::string_view value = values[row];
    data.insert(data.end(), value.begin(), value.end());
    offsets.push_back(static_cast<std::int64_t>(data.size()));
  }
  const TextView distinct{offsets.data(), data.data(), static_cast<std::int64_t>(firsts.size())};
  return recode(firsts, ascending_order(distinct), codes, values.size);
}

std::vector<std::int64_t> factorize(const std::int64_t* values, std::int64_t n, std::int32_t* codes) {
  if (n == 0) return {};
  const auto [low, high] = std::minmax_element(values, values + n);
  const std::uint64_t span = static_cast<std::uint64_t>(*high) - static_cast<std::uint64_t>(*low);
  if (span <= 2 * static_cast<std::uint64_t>(n) && span < std::numeric_limits<std::int32_t>::max()) {
    return factorize_dense(values, n, *low, static_cast<std::int64_t>(span) + 1, codes);
  }
  const std::vector<std::int64_t> firsts = group(IntKeys{values, n}, codes);
  std::vector<std::int64_t> order(firsts.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](std::int64_t a, std::int64_t b) { return values[firsts[a]] < values[firsts[b]]; });
  return recode(firsts, order, codes, n);
}

}  // namespace ridgeback
