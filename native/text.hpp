// Many strings in two buffers: string i is data[offsets[i] .. offsets[i + 1]), UTF-8.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace ridgeback {

struct TextView {
  const std::int64_t* offsets;
  const std::uint8_t* data;
  std::int64_t size;

  std::string_view operator[](std::int64_t i) const {
    return {reinterpret_cast<const char*>(data) + offsets[i], static_cast<std::size_t>(offsets[i + 1] - offsets[i])};
  }
};

// First position whose bytes are not well-formed UTF-8 (Unicode table 3-7: no overlong forms, no surrogates), or -1.
std::int64_t first_invalid_utf8(const TextView& text);

// First i with offsets[i + 1] < offsets[i], or -1.
std::int64_t first_falling_offset(const std::int64_t* offsets, std::int64_t n_strings);

// Copies the strings at `rows`, one after the other, to where out_offsets say.
void gather_text(const TextView& text, const std::int64_t* rows, std::int64_t n_rows, const std::int64_t* out_offsets,
                 std::uint8_t* out);

// Positions in ascending order of bytes; equal strings in the order given.
std::vector<std::int64_t> ascending_order(const TextView& text);

// Whether each string is above the one before it.
bool is_ascending(const TextView& text);

// The int that each string is the canonical decimal of (no leading zeros, no plus, no "-0"); is_int tells where.
void parse_canonical_ints(const TextView& text, std::int64_t* values, std::uint8_t* is_int);

// The decimal of each int: bytes into `out` (at least 20 a value), ends into offsets[1 ..]; offsets[0] = 0.
void spell_ints(const std::int64_t* values, std::int64_t n, std::int64_t* offsets, std::vector<std::uint8_t>& out);

}  // namespace ridgeback
