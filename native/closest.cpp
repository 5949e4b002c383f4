// Edit distance by bit-parallel dynamic programming (Myers 1999, in Hyyrö's form): one word holds a column.
#include <algorithm>
#include <array>

#include "ids.hpp"

namespace ridgeback {
namespace {

constexpr int kMaxLength = 64;

using CodePoints = std::array<std::uint32_t, kMaxLength>;

std::uint32_t fold(std::uint32_t c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }

// The first 64 code points, ASCII in lower case. Malformed bytes stand for themselves.
int decode(std::string_view text, CodePoints& out) {
  int n = 0;
  for (std::size_t i = 0; i < text.size() && n < kMaxLength; ++n) {
    const auto lead = static_cast<std::uint8_t>(text[i]);
    const std::size_t length = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    std::uint32_t c = length == 1 ? lead : lead & (0xFFu >> (length + 1));
    for (std::size_t j = 1; j < length && i + j < text.size(); ++j) c = (c << 6) | (text[i + j] & 0x3F);
    out[static_cast<std::size_t>(n)] = fold(c);
    i += length;
  }
  return n;
}

class Pattern {
 public:
  explicit Pattern(std::string_view query) : length_(decode(query, points_)) {
    for (int i = 0; i < length_; ++i) {
      if (points_[i] < 128) ascii_[points_[i]] |= 1ull << i;
    }
  }

  int length() const { return length_; }

  int distance(const CodePoints& other, int n) const {
    if (length_ == 0) return n;
    std::uint64_t plus = ~0ull, minus = 0;
    int score = length_;
    const std::uint64_t last = 1ull << (length_ - 1);
    for (int j = 0; j < n; ++j) {
      const std::uint64_t match = positions(other[static_cast<std::size_t>(j)]);
      const std::uint64_t diagonal = (((match & plus) + plus) ^ plus) | match | minus;
      std::uint64_t up = minus | ~(diagonal | plus);
      std::uint64_t down = plus & diagonal;
      score += (up & last) != 0 ? 1 : 0;
      score -= (down & last) != 0 ? 1 : 0;
      up = (up << 1) | 1;
      down <<= 1;
      plus = down | ~(diagonal | up);
      minus = up & diagonal;
    }
    return score;
  }

 private:
  std::uint64_t positions(std::uint32_t c) const {
    if (c < 128) return ascii_[c];
    std::uint64_t bits = 0;
    for (int i = 0; i < length_; ++i) bits |= static_cast<std::uint64_t>(points_[i] == c) << i;
    return bits;
  }

  CodePoints points_{};
  int length_;
  std::array<std::uint64_t, 128> ascii_{};
};

struct Candidate {
  int distance;
  std::int64_t row;
  bool operator<(const Candidate& other) const {
    return distance != other.distance ? distance < other.distance : row < other.row;
  }
};

}  // namespace

std::vector<std::int64_t> closest(const TextView& ids, std::int64_t begin, std::int64_t end, std::string_view query,
                                  int n_wanted) {
  const Pattern pattern(query);
  int limit = std::max(1, (pattern.length() + 1) / 2);
  std::vector<Candidate> best;
  CodePoints points;
  for (std::int64_t row = begin; row < end && n_wanted > 0; ++row) {
    const int n = decode(ids[row], points);
    if (std::abs(n - pattern.length()) > limit) continue;
    const int distance = pattern.distance(points, n);
    if (distance > limit) continue;
    const Candidate candidate{distance, row};
    best.insert(std::upper_bound(best.begin(), best.end(), candidate), candidate);
    if (static_cast<int>(best.size()) > n_wanted) best.pop_back();
    if (static_cast<int>(best.size()) == n_wanted) limit = best.back().distance - (best.back().distance > 0 ? 1 : 0);
  }
  std::vector<std::int64_t> rows;
  for (const Candidate& candidate : best) rows.push_back(candidate.row);
  return rows;
}

}  // namespace ridgeback
