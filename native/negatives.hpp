// Sampled negatives: for every row, columns of a pool that the row does not hold, each equally likely, none twice.
//
// A row's draws depend on the seed and on the columns it holds, never on the row's number or the thread count, so a
// row of the same history gets the same negatives wherever and whenever it is solved:
//   key = seed;  for each held column c, ascending:  key = mix(key ^ c);   draw t = mix(key + (t + 1) * GOLDEN).
#pragma once

#include <cstdint>

#include "parallel.hpp"

namespace ridgeback {

// Row r receives sampled_indptr[r + 1] - sampled_indptr[r] columns, ascending; that many must be free.
bool sample_negatives(const std::int64_t* indptr, const std::int32_t* indices, std::int64_t n_rows,
                      const std::int32_t* pool, std::int64_t n_pool, std::uint64_t seed,
                      const std::int64_t* sampled_indptr, std::int32_t* sampled, const Execution& execution);

}  // namespace ridgeback
