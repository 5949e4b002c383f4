#include "negatives.hpp"

#include <algorithm>

namespace ridgeback {

namespace {

constexpr std::uint64_t GOLDEN = 0x9e3779b97f4a7c15u;

// The finaliser of SplitMix64 (Steele, Lea & Flood 2014): every output bit depends on every input bit.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// A number in 0..bound-1 from 64 random bits: the high half of the product.
std::int64_t below(std::uint64_t bits, std::int64_t bound) {
  return static_cast<std::int64_t>((static_cast<unsigned __int128>(bits) * static_cast<std::uint64_t>(bound)) >> 64);
}

// The first `n` different numbers of 0..n_free-1 that the key draws, ascending.
void draw(std::uint64_t key, std::int64_t n_free, std::size_t n, std::vector<std::int64_t>& drawn) {
  drawn.clear();
  std::uint64_t t = 0;
  while (drawn.size() < n) {
    for (std::size_t missing = n - drawn.size(); missing > 0; --missing)
      drawn.push_back(below(mix(key + ++t * GOLDEN), n_free));
    std::sort(drawn.begin(), drawn.end());
    drawn.erase(std::unique(drawn.begin(), drawn.end()), drawn.end());
  }
}

// The numbers of 0..n_free-1 that are not in `left_out` (ascending).
void complement(const std::vector<std::int64_t>& left_out, std::int64_t n_free, std::vector<std::int64_t>& result) {
  result.clear();
  std::size_t next = 0;
  for (std::int64_t rank = 0; rank < n_free; ++rank) {
    if (next < left_out.size() && left_out[next] == rank)
      ++next;
    else
      result.push_back(rank);
  }
}

}  // namespace

bool sample_negatives(const std::int64_t* indptr, const std::int32_t* indices, std::int64_t n_rows,
                      const std::int32_t* pool, std::int64_t n_pool, std::uint64_t seed,
                      const std::int64_t* sampled_indptr, std::int32_t* sampled, const Execution& execution) {
  const std::vector<Chunk> chunks = chunks_of_rows(sampled_indptr, n_rows, 16);
  return run_chunks(static_cast<std::int64_t>(chunks.size()), execution, [&](std::int64_t chunk, int) {
    std::vector<std::int64_t> drawn, others, held;
    for (std::int64_t r = chunks[chunk].begin; r < chunks[chunk].end; ++r) {
      const std::int64_t n = sampled_indptr[r + 1] - sampled_indptr[r];
      if (n == 0) continue;
      std::uint64_t key = seed;
      held.clear();  // places in the pool that the row holds
      for (std::int64_t p = indptr[r]; p < indptr[r + 1]; ++p) {
        key = mix(key ^ static_cast<std::uint64_t>(indices[p]));
        const std::int32_t* place = std::lower_bound(pool, pool + n_pool, indices[p]);
        if (place != pool + n_pool && *place == indices[p]) held.push_back(place - pool);
      }
      const std::int64_t n_free = n_pool - static_cast<std::int64_t>(held.size());
      const bool is_most = n > n_free / 2;  // then the ones to leave out are drawn
      draw(key, n_free, static_cast<std::size_t>(is_most ? n_free - n : n), drawn);
      if (is_most) complement(drawn, n_free, others);
      // The rank-th free place: the rank and the held places before it. Both run upwards, so one pass finds all.
      std::int32_t* out = sampled + sampled_indptr[r];
      std::size_t n_before = 0;
      for (const std::int64_t rank : is_most ? others : drawn) {
        while (n_before < held.size() && held[n_before] <= rank + static_cast<std::int64_t>(n_before)) ++n_before;
        *out++ = pool[rank + static_cast<std::int64_t>(n_before)];
      }
    }
  });
}

}  // namespace ridgeback
