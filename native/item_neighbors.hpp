// Which items are held by the same users, and how much: the largest entries a row of a normalised co-occurrence matrix.
#pragma once

#include <cstdint>

#include "csr.hpp"
#include "parallel.hpp"

namespace ridgeback {

// S_ij = item_weights[i] item_weights[j] * sum of user_weights over the users who have both; zero diagonal.
struct NeighborRequest {
  Matrix user_items, item_users;  // the same pairs both ways; values are not read
  const float* user_weights;      // (n_users), above 0
  const float* item_weights;      // (n_items), above 0
  std::int64_t keep;              // entries kept of a row: the largest, of equals the first
};

// Fills the rows begin..end-1: items and values (end - begin, keep) from the left, items ascending, and counts. Each
// row is summed by one thread in the order of its users. Memory beside the result: 8 bytes an item and thread. False
// when it was stopped.
bool item_neighbors(const NeighborRequest& request, std::int64_t begin, std::int64_t end, const Execution& execution,
                    std::int32_t* items, float* values, std::int32_t* counts);

}  // namespace ridgeback
