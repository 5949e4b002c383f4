// Scores of users for blocks of items, and the filter that feeds each user's shortlist.
//
// Vector lanes are items: a panel holds PANEL_ITEMS items with the factors one after the other, so a score is
// summed over the factors in order, one fused multiply-add each. A pair scored alone goes through the same steps
// and gives the same bits.
#pragma once

#include <cstdint>

namespace ridgeback {

constexpr int PANEL_ITEMS = 16;
constexpr int MAX_PANELS = 4;  // of one block of items, at any level

// The best entries of one user so far. A key orders by score (high first), then by row (low first): see shortlist.hpp.
struct Shortlist {
  std::uint64_t* keys;
  std::int64_t n, capacity, keep;
  float threshold;               // a score must exceed it to enter
  const std::int32_t* excluded;  // rows left out, ascending; walked forward as the items go by
  const std::int32_t* excluded_end;
};

// Makes room in a full shortlist: it falls back to its `keep` best and raises its threshold, or is counted and emptied.
using Prune = void (*)(Shortlist&);

struct ScoreBounds {
  float low, high;
};

struct ItemBlock {
  const float* panels;       // (n_panels, k, PANEL_ITEMS)
  const float* offsets;      // (n_panels * PANEL_ITEMS), minus infinity where no item is
  const std::int32_t* rows;  // the item rows of the lanes
  int n_panels;              // at most items_per_block / PANEL_ITEMS
  const float* bonuses;      // a row a user, a place a lane: added to the score; or null
  std::int64_t bonus_stride;
};

struct TopKKernels {
  int items_per_block;
  // Copies n_items (<= items_per_block) rows into panels, scaled where scales is given; empty lanes become zero.
  void (*pack)(const float* item_factors, const float* scales, const std::int32_t* rows, int n_items, int k,
               float* panels);
  // Offers the block to every user's shortlist. Score: (user_offset + item_offset) + x.y, + bonus where there is one.
  void (*offer)(const float* user_factors, const float* user_offsets, std::int64_t n_users, int k,
                const ItemBlock& block, ScoreBounds bounds, Prune prune, Shortlist* shortlists);
  // The score of one pair without a bonus, with the same bits.
  float (*score)(const float* user_factors, const float* item_factors, int k, float user_offset, float item_offset);
};

}  // namespace ridgeback
