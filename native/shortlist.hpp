// The key of a shortlist entry: larger is better. The score's bits in the high half, the row's complement in the low
// half, so that equal scores stand in ascending row order and a key gives its score back exactly.
#pragma once

#include <cstdint>
#include <cstring>

#include "top_k_kernels.hpp"

namespace ridgeback {

static inline std::uint64_t shortlist_key(float score, std::int32_t row) {
  score += 0.0f;  // minus zero ties with zero
  std::uint32_t bits;
  std::memcpy(&bits, &score, sizeof bits);
  bits = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return static_cast<std::uint64_t>(bits) << 32 | static_cast<std::uint32_t>(~row);
}

static inline float shortlist_score(std::uint64_t key) {
  std::uint32_t bits = static_cast<std::uint32_t>(key >> 32);
  bits = bits & 0x80000000u ? bits & 0x7fffffffu : ~bits;
  float score;
  std::memcpy(&score, &bits, sizeof score);
  return score;
}

static inline std::int32_t shortlist_row(std::uint64_t key) {
  return static_cast<std::int32_t>(~static_cast<std::uint32_t>(key));
}

}  // namespace ridgeback
