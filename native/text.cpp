#include "text.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <numeric>

namespace ridgeback {
namespace {

// Length of the well-formed sequence at p, or 0.
int sequence_length(const std::uint8_t* p, const std::uint8_t* end) {
  const std::uint8_t lead = p[0];
  if (lead < 0x80) return 1;
  const int length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length == 0 || end - p < length) return 0;
  const std::uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const std::uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (p[1] < low || p[1] > high) return 0;
  for (int i = 2; i < length; ++i) {
    if ((p[i] & 0xC0) != 0x80) return 0;
  }
  return length;
}

bool is_utf8(std::string_view text) {
  const auto* p = reinterpret_cast<const std::uint8_t*>(text.data());
  const std::uint8_t* end = p + text.size();
  while (p < end) {
    std::uint64_t word = 0;
    if (end - p >= 8) {
      std::memcpy(&word, p, 8);
      if ((word & 0x8080808080808080ull) == 0) {
        p += 8;
        continue;
      }
    }
    const int length = sequence_length(p, end);
    if (length == 0) return false;
    p += length;
  }
  return true;
}

// The first eight bytes as a number that orders like them; shorter strings are filled with zeros.
std::uint64_t prefix(std::string_view text) {
  std::uint64_t value = 0;
  const std::size_t n = std::min<std::size_t>(text.size(), 8);
  for (std::size_t i = 0; i < n; ++i)
    value |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(text[i])) << (56 - 8 * i);
  return value;
}

}  // namespace

std::int64_t first_invalid_utf8(const TextView& text) {
  for (std::int64_t i = 0; i < text.size; ++i) {
    if (!is_utf8(text[i])) return i;
  }
  return -1;
}

std::int64_t first_falling_offset(const std::int64_t* offsets, std::int64_t n_strings) {
  for (std::int64_t i = 0; i < n_strings; ++i) {
    if (offsets[i + 1] < offsets[i]) return i;
  }
  return -1;
}

void gather_text(const TextView& text, const std::int64_t* rows, std::int64_t n_rows, const std::int64_t* out_offsets,
                 std::uint8_t* out) {
  for (std::int64_t i = 0; i < n_rows; ++i) {
    const std::string_view value = text[rows[i]];
    if (!value.empty()) std::memcpy(out + out_offsets[i], value.data(), value.size());
  }
}

std::vector<std::int64_t> ascending_order(const TextView& text) {
  struct Key {
    std::uint64_t prefix;
    std::int64_t row;
  };
  std::vector<Key> keys(static_cast<std::size_t>(text.size));
  for (std::int64_t i = 0; i < text.size; ++i) keys[static_cast<std::size_t>(i)] = {prefix(text[i]), i};
  std::sort(keys.begin(), keys.end(), [&](const Key& a, const Key& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    const int order = text[a.row].compare(text[b.row]);  // char_traits<char> compares as unsigned bytes
    return order != 0 ? order < 0 : a.row < b.row;
  });
  std::vector<std::int64_t> order(keys.size());
  std::transform(keys.begin(), keys.end(), order.begin(), [](const Key& key) { return key.row; });
  return order;
}

bool is_ascending(const TextView& text) {
  for (std::int64_t i = 1; i < text.size; ++i) {
    if (text[i - 1].compare(text[i]) >= 0) return false;
  }
  return true;
}

void parse_canonical_ints(const TextView& text, std::int64_t* values, std::uint8_t* is_int) {
  for (std::int64_t i = 0; i < text.size; ++i) {
    const std::string_view word = text[i];
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    char spelled[20];
    const auto [stop, unused] = std::to_chars(spelled, spelled + sizeof spelled, value);
    const bool is_whole = error == std::errc() && end == word.data() + word.size();
    is_int[i] = is_whole && word == std::string_view(spelled, static_cast<std::size_t>(stop - spelled));
    values[i] = is_int[i] ? value : 0;
  }
}

void spell_ints(const std::int64_t* values, std::int64_t n, std::int64_t* offsets, std::vector<std::uint8_t>& out) {
  offsets[0] = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    char spelled[20];
    const auto [stop, unused] = std::to_chars(spelled, spelled + sizeof spelled, values[i]);
    out.insert(out.end(), spelled, stop);
    offsets[i + 1] = static_cast<std::int64_t>(out.size());
  }
}

}  // namespace ridgeback
