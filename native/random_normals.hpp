// Normal numbers by counter: each is a function of (seed, stream, row, place) alone, so that neither threads nor the
// order of the rows change what a row draws.
//
// The bits are those of Philox4x64-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC
// 2011): key (seed, stream), counter (block, row, 0, 0) with blocks from 1 on. Four words of a block make four normals
// by Box and Muller. Include only from native/kernels/.
#pragma once

#include <cmath>
#include <cstdint>

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

struct Words {
  std::uint64_t word[4];
};

__extension__ typedef unsigned __int128 Wide;

inline Words philox(std::uint64_t seed, std::uint64_t stream, std::uint64_t block, std::uint64_t row) {
  Words c = {{block, row, 0, 0}};
  for (int round = 0; round < 10; ++round) {
    const Wide first = static_cast<Wide>(0xD2E7470EE14C6C93u) * c.word[0];
    const Wide second = static_cast<Wide>(0xCA5A826395121157u) * c.word[2];
    c = {{static_cast<std::uint64_t>(second >> 64) ^ c.word[1] ^ seed, static_cast<std::uint64_t>(second),
          static_cast<std::uint64_t>(first >> 64) ^ c.word[3] ^ stream, static_cast<std::uint64_t>(first)}};
    seed += 0x9E3779B97F4A7C15u;
    stream += 0xBB67AE8584CAA73Bu;
  }
  return c;
}

// Two normals from two words: sqrt(-2 log u) (cos, sin)(2 pi v), u in (0, 1], v in [0, 1).
inline void box_muller(std::uint64_t a, std::uint64_t b, double* normals) {
  const double u = static_cast<double>((a >> 11) + 1) * 0x1p-53, v = static_cast<double>(b >> 11) * 0x1p-53;
  const double radius = std::sqrt(-2.0 * std::log(u)), angle = 6.283185307179586 * v;
  normals[0] = radius * std::cos(angle);
  normals[1] = radius * std::sin(angle);
}

// The normals of one row, one after the other.
class Normals {
 public:
  Normals(std::uint64_t seed, std::uint64_t stream, std::int64_t row)
      : seed_(seed), stream_(stream), row_(static_cast<std::uint64_t>(row)) {}

  double next() {
    if (at_ == 4) {
      const Words words = philox(seed_, stream_, ++block_, row_);
      box_muller(words.word[0], words.word[1], normals_);
      box_muller(words.word[2], words.word[3], normals_ + 2);
      at_ = 0;
    }
    return normals_[at_++];
  }

 private:
  std::uint64_t seed_, stream_, row_, block_ = 0;
  double normals_[4];
  int at_ = 4;
};

}  // namespace
}  // namespace ridgeback::RIDGEBACK_LEVEL
