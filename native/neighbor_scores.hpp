// What the items of a user's history add to the scores of their neighbours.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace ridgeback {

// bonus(u, i) = user_scales[u] * sum over j in history(u), ascending, of S_ji, in float32 and in that order.
struct NeighborTerm {
  const std::int64_t* indptr = nullptr;          // of S, (n_items + 1); null: no such term
  const std::int32_t* items = nullptr;           // ascending in each row
  const float* values = nullptr;                 // above 0
  const std::int64_t* history_indptr = nullptr;  // (n_users + 1), need not start at 0
  const std::int32_t* history = nullptr;
  const float* user_scales = nullptr;  // (n_users)

  explicit operator bool() const { return indptr != nullptr; }
};

// Calls visit(item, value) for the neighbours, within rows first..last-1, of everything in the user's history.
template <class Visit>
void for_each_neighbor(const NeighborTerm& term, std::int64_t user, std::int32_t first, std::int32_t last,
                       const Visit& visit) {
  for (std::int64_t h = term.history_indptr[user]; h < term.history_indptr[user + 1]; ++h) {
    const std::int64_t end = term.indptr[term.history[h] + 1];
    std::int64_t e = term.indptr[term.history[h]];
    if (first > 0) e = std::lower_bound(term.items + e, term.items + end, first) - term.items;
    for (; e < end && term.items[e] < last; ++e) visit(term.items[e], term.values[e]);
  }
}

// The bonus of one item: for a few items of a user.
inline float bonus_of_item(const NeighborTerm& term, std::int64_t user, std::int32_t item) {
  float sum = 0;
  for (std::int64_t h = term.history_indptr[user]; h < term.history_indptr[user + 1]; ++h) {
    const std::int32_t* end = term.items + term.indptr[term.history[h] + 1];
    const std::int32_t* place = std::lower_bound(term.items + term.indptr[term.history[h]], end, item);
    if (place < end && *place == item) sum += term.values[place - term.items];
  }
  return term.user_scales[user] * sum;
}

// The bonuses of all items of one user at a time: for many items of a user. With the same bits.
class UserBonuses {
 public:
  // All the memory that it will ever take; before threads start, which could not say that there is none left.
  void reserve(std::int64_t n_items) {
    sums_.reserve(n_items);
    touched_.reserve(n_items);
  }

  // Sums of the user's neighbours in place of the last user's.
  void set(const NeighborTerm& term, std::int64_t n_items, std::int64_t user) {
    clear();
    sums_.resize(n_items);
    scale_ = term.user_scales[user];
    for_each_neighbor(term, user, 0, static_cast<std::int32_t>(n_items), [&](std::int32_t item, float value) {
      if (sums_[item] == 0) touched_.push_back(item);
      sums_[item] += value;
    });
  }

  float of_item(std::int32_t item) const { return scale_ * sums_[item]; }

 private:
  void clear() {
    for (const std::int32_t item : touched_) sums_[item] = 0;
    touched_.clear();
  }

  std::vector<float> sums_;
  std::vector<std::int32_t> touched_;
  float scale_ = 0;
};

}  // namespace ridgeback
