// The best k items of many users, how many items score higher, the scores of listed pairs, and the scales that turn
// scores into cosines.
#pragma once

#include <cstdint>
#include <limits>

#include "neighbor_scores.hpp"
#include "parallel.hpp"
#include "top_k_kernels.hpp"

namespace ridgeback {

// score(u, i) = (((mean + user_bias) + item_bias) + scaled x_u . scaled y_i) + bonus of neighbours, in float32 and in
// that order.
struct Scorer {
  const float* user_factors;  // (n_users, n_factors)
  const float* item_factors;  // (n_items, n_factors)
  std::int64_t n_users, n_items;
  int n_factors;
  const float* user_biases;  // or null
  const float* item_biases;  // or null
  float mean;
  NeighborTerm neighbors = {};
};

// Rows of item numbers, one a user; a row's items ascend. indptr need not start at 0.
struct ItemLists {
  const std::int64_t* indptr;  // null: no lists
  const std::int32_t* indices;
};

struct TopKRequest {
  const std::int32_t* items;  // eligible rows, ascending; null: all n_items
  std::int64_t n_eligible;
  ItemLists excluded;
  const float* item_scales;  // (n_items) or null; an item of scale 0 is left out
  ScoreBounds bounds{-std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity()};
  std::int64_t keep;  // places a user: min(k, n_eligible)
};

// Fills rows and scores (n_users, keep) from the left, best first, and counts (n_users). False when it was stopped.
bool top_k(const Scorer& scorer, const TopKRequest& request, const Execution& execution, std::int32_t* rows,
           float* scores, std::int32_t* counts);

// The same where every user has own candidates; keep is min(k, longest list).
bool top_k_of_candidates(const Scorer& scorer, ItemLists candidates, ItemLists excluded, std::int64_t keep,
                         const Execution& execution, std::int32_t* rows, float* scores, std::int32_t* counts);

// Scores to be placed among all items, descending within a user. indptr (n_users + 1) need not start at 0.
struct WantedScores {
  const std::int64_t* indptr;
  const float* scores;
};

// For each wanted score the number of eligible items with a higher score for that user; of the request only the items
// count. Equal ones are not higher. False when it was stopped.
bool count_higher(const Scorer& scorer, const TopKRequest& request, WantedScores wanted, const Execution& execution,
                  std::int32_t* higher);

bool score_pairs(const Scorer& scorer, const std::int32_t* users, const std::int32_t* items, std::int64_t n_pairs,
                 const Execution& execution, float* scores);

// 1 / length of every row, 0 where the row is zero.
bool inverse_norms(const float* factors, std::int64_t n_rows, int n_factors, const Execution& execution, float* scales);

}  // namespace ridgeback
