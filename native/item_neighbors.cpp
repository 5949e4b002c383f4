#include "item_neighbors.hpp"

#include <algorithm>
#include <functional>
#include <vector>

#include "shortlist.hpp"

namespace ridgeback {

namespace {

constexpr std::int64_t ADDITIONS_PER_CHUNK = 1 << 22;  // so that ctrl-C is heard in time, and threads share evenly

// One worker's sums over all items, and which of them are not zero.
struct Sums {
  std::vector<float> of_item;
  std::vector<std::int32_t> touched;
  std::vector<std::uint64_t> keys;
};

std::int64_t length(const Matrix& matrix, std::int64_t row) { return matrix.indptr[row + 1] - matrix.indptr[row]; }

// Rows cut into runs of about equal numbers of additions; a popular item stands alone.
std::vector<Chunk> chunks_of_items(const NeighborRequest& request, std::int64_t begin, std::int64_t end) {
  std::vector<Chunk> chunks;
  std::int64_t first = begin, cost = 0;
  for (std::int64_t item = begin; item < end; ++item) {
    const Matrix& item_users = request.item_users;
    for (std::int64_t e = item_users.indptr[item]; e < item_users.indptr[item + 1]; ++e)
      cost += length(request.user_items, item_users.indices[e]);
    if (cost >= ADDITIONS_PER_CHUNK || item + 1 == end) {
      chunks.push_back({first, item + 1});
      first = item + 1;
      cost = 0;
    }
  }
  return chunks;
}

void add_row(const NeighborRequest& request, std::int64_t item, Sums& sums) {
  const Matrix &item_users = request.item_users, &user_items = request.user_items;
  for (std::int64_t e = item_users.indptr[item]; e < item_users.indptr[item + 1]; ++e) {
    const std::int32_t user = item_users.indices[e];
    const float weight = request.user_weights[user];
    for (std::int64_t o = user_items.indptr[user]; o < user_items.indptr[user + 1]; ++o) {
      float& sum = sums.of_item[user_items.indices[o]];
      if (sum == 0) sums.touched.push_back(user_items.indices[o]);
      sum += weight;
    }
  }
}

// The largest sums as items and values, items ascending; the sums are zero again afterwards.
std::int32_t take_largest(const NeighborRequest& request, std::int64_t item, Sums& sums, std::int32_t* items,
                          float* values) {
  sums.keys.clear();
  for (const std::int32_t other : sums.touched) {
    const float value = sums.of_item[other] * request.item_weights[other] * request.item_weights[item];
    sums.of_item[other] = 0;
    if (other != item && value > 0) sums.keys.push_back(shortlist_key(value, other));
  }
  sums.touched.clear();
  const std::int64_t n = std::min<std::int64_t>(request.keep, sums.keys.size());
  if (n < static_cast<std::int64_t>(sums.keys.size()))
    std::nth_element(sums.keys.begin(), sums.keys.begin() + n, sums.keys.end(), std::greater<>());
  std::sort(sums.keys.begin(), sums.keys.begin() + n,
            [](std::uint64_t a, std::uint64_t b) { return shortlist_row(a) < shortlist_row(b); });
  for (std::int64_t i = 0; i < n; ++i) {
    items[i] = shortlist_row(sums.keys[i]);
    values[i] = shortlist_score(sums.keys[i]);
  }
  return static_cast<std::int32_t>(n);
}

}  // namespace

bool item_neighbors(const NeighborRequest& request, std::int64_t begin, std::int64_t end, const Execution& execution,
                    std::int32_t* items, float* values, std::int32_t* counts) {
  const auto chunks = chunks_of_items(request, begin, end);
  const std::int64_t n_items = request.user_items.n_columns;
  const std::int64_t n_workers = std::min<std::int64_t>(execution.n_threads, chunks.size());
  std::vector<Sums> work(std::clamp<std::int64_t>(n_workers, 1, MOST_WORKERS));
  for (Sums& own : work) {  // before threads start, which could not say that there is no memory left
    own.of_item.resize(n_items);
    own.touched.reserve(n_items);
    own.keys.reserve(n_items);
  }
  return run_chunks(chunks.size(), execution, [&](std::int64_t chunk, int worker) {
    Sums& own = work[worker];
    for (std::int64_t item = chunks[chunk].begin; item < chunks[chunk].end; ++item) {
      add_row(request, item, own);
      const std::int64_t place = (item - begin) * request.keep;
      counts[item - begin] = take_largest(request, item, own, items + place, values + place);
    }
  });
}

}  // namespace ridgeback
