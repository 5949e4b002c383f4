// The neighbourhood term as Python hands it over: arrays that live as long as it does.
#pragma once

#include "bindings/register.hpp"
#include "neighbor_scores.hpp"

struct BoundNeighbors {
  Vector<const std::int64_t> indptr;
  Vector<const std::int32_t> items;
  Vector<const float> values;
  Vector<const std::int64_t> history_indptr;
  Vector<const std::int32_t> history;
  Vector<const float> user_scales;

  ridgeback::NeighborTerm term() const {
    return {indptr.data(), items.data(), values.data(), history_indptr.data(), history.data(), user_scales.data()};
  }
};
