#include "top_k.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "dispatch.hpp"
#include "shortlist.hpp"

namespace ridgeback {

namespace {

constexpr std::int64_t MAX_USERS_PER_CHUNK = 1024, MIN_USERS_PER_CHUNK = 96;
constexpr std::int64_t FACTORS_PER_CHUNK = 1 << 16;  // of its users: 256 KB stay in the cache while the items go by
constexpr std::int64_t FEW_KEPT = 32;                // so many are kept in order, with a threshold that is never stale
constexpr std::int64_t SHORTLIST_BYTES_PER_CHUNK = 8 << 20;
constexpr std::int64_t MIN_ITEMS_PER_PART = 2048;
constexpr std::int64_t COUNTED_AT_ONCE = 64;
constexpr std::int64_t CHUNKS_PER_THREAD = 4;
constexpr std::int64_t PRODUCTS_PER_CHUNK = std::int64_t{1} << 33;  // so that ctrl-C is heard in time
constexpr std::int64_t PRODUCTS_PER_THREAD = 1 << 22;               // less is not worth starting a thread
constexpr std::int64_t BONUSES_PER_CHUNK = 1 << 20, MIN_ITEMS_PER_RANGE = 1024;
constexpr std::int64_t LANES = PANEL_ITEMS * MAX_PANELS;
constexpr std::int64_t FEW_ITEMS = 16;  // of one user: looked up among the neighbours instead of adding up all of them

// Keeps the best `keep` keys; from then on only scores above the worst of them enter.
void prune(Shortlist& list) {
  if (list.n <= list.keep) return;
  if (list.keep <= FEW_KEPT) {
    const bool is_in_order = shortlist_score(list.keys[list.keep - 1]) == list.threshold;  // from the second call on
    for (std::uint64_t* end = list.keys + (is_in_order ? list.keep : 1); end < list.keys + list.n; ++end) {
      const std::uint64_t key = *end;
      std::uint64_t* at = end;
      for (; at > list.keys && at[-1] < key; --at) *at = at[-1];
      *at = key;
    }
  } else {
    std::nth_element(list.keys, list.keys + list.keep - 1, list.keys + list.n, std::greater<>());
  }
  list.n = list.keep;
  list.threshold = shortlist_score(list.keys[list.keep - 1]);
}

// Room for more than many makes pruning rare; where everything fits nothing is ever pruned.
std::int64_t shortlist_capacity(std::int64_t keep, std::int64_t n_eligible) {
  return std::min(keep + (keep <= FEW_KEPT ? 1 : keep), n_eligible + 1);
}

void write_best(Shortlist& list, std::int32_t* rows, float* scores, std::int32_t* count) {
  prune(list);
  std::sort(list.keys, list.keys + list.n, std::greater<>());
  for (std::int64_t i = 0; i < list.n; ++i) {
    rows[i] = shortlist_row(list.keys[i]);
    scores[i] = shortlist_score(list.keys[i]);
  }
  *count = static_cast<std::int32_t>(list.n);
}

float user_offset(const Scorer& s, std::int64_t user) { return s.mean + (s.user_biases ? s.user_biases[user] : 0.0f); }

float item_offset(const Scorer& s, std::int64_t item) { return s.item_biases ? s.item_biases[item] : 0.0f; }

// Products are counted in float64: billions of users times billions of items are beyond 64-bit integers.
Execution limited(const Execution& execution, double n_products) {
  Execution limited = execution;
  limited.n_threads =
      static_cast<int>(std::min<double>(std::max(1, execution.n_threads), 1 + n_products / PRODUCTS_PER_THREAD));
  return limited;
}

int workers_of(const Execution& execution, std::int64_t n_chunks) {
  return static_cast<int>(
      std::clamp<std::int64_t>(std::min<std::int64_t>(execution.n_threads, n_chunks), 1, MOST_WORKERS));
}

// Products and additions that all items cost a user, about.
double cost_per_user(const Scorer& s, std::int64_t n_eligible) {
  double cost = static_cast<double>(n_eligible) * (s.n_factors + 4);
  if (s.neighbors) {
    const double history = static_cast<double>(s.neighbors.history_indptr[s.n_users] - s.neighbors.history_indptr[0]);
    cost += history / s.n_users * s.neighbors.indptr[s.n_items] / s.n_items * 4;
  }
  return cost;
}

// How users and items are cut. Scores do not depend on it and the order of keys is total, so neither do results.
struct Partition {
  std::int64_t users_per_chunk, n_user_chunks, items_per_part, n_parts;
};

Partition partition_of(const Scorer& s, std::int64_t n_eligible, std::int64_t capacity, int n_threads) {
  const std::int64_t n_users = s.n_users;
  Partition p;
  const std::int64_t wanted = n_threads > 1 ? CHUNKS_PER_THREAD * n_threads : 1;
  const std::int64_t by_memory = SHORTLIST_BYTES_PER_CHUNK / (8 * capacity);
  const auto by_time = static_cast<std::int64_t>(PRODUCTS_PER_CHUNK / cost_per_user(s, n_eligible));
  const std::int64_t by_cache =
      std::clamp(FACTORS_PER_CHUNK / std::max(s.n_factors, 1), MIN_USERS_PER_CHUNK, MAX_USERS_PER_CHUNK);
  p.users_per_chunk = std::clamp((n_users + wanted - 1) / wanted, MIN_USERS_PER_CHUNK, by_cache);
  p.users_per_chunk = std::clamp<std::int64_t>(std::min({p.users_per_chunk, by_memory, by_time}), 1, n_users);
  p.n_user_chunks = (n_users + p.users_per_chunk - 1) / p.users_per_chunk;
  // Few users: their items are cut as well, unless the parts' shortlists would be as long as the parts.
  std::int64_t n_parts = (wanted + p.n_user_chunks - 1) / p.n_user_chunks;
  n_parts = std::min(n_parts, n_eligible / std::max(MIN_ITEMS_PER_PART, 2 * capacity));
  n_parts = std::max<std::int64_t>(n_parts, 1);
  p.items_per_part = (n_eligible + n_parts - 1) / n_parts;
  p.items_per_part =
      (p.items_per_part + PANEL_ITEMS * MAX_PANELS - 1) / (PANEL_ITEMS * MAX_PANELS) * (PANEL_ITEMS * MAX_PANELS);
  p.n_parts = (n_eligible + p.items_per_part - 1) / p.items_per_part;
  return p;
}

// What one worker needs: an item block's panels and the shortlists of a chunk of users.
struct Workspace {
  std::vector<float> panels, offsets, user_offsets, bonuses;
  std::vector<std::int32_t> rows;
  std::vector<std::uint64_t> keys;
  std::vector<Shortlist> lists;
  UserBonuses user_bonuses;
};

// Items whose bonuses are added up at a time, for so many users.
std::int64_t items_per_range(std::int64_t n_users) {
  return std::max(BONUSES_PER_CHUNK / n_users / LANES * LANES, MIN_ITEMS_PER_RANGE);
}

// One for each worker, with all the memory that `n_users` of `room` keys at a time will ever take: a thread that found
// none left could not even say so. Pages that are not used take none.
std::vector<Workspace> workspaces(int n_workers, const Scorer& s, std::int64_t n_users, std::int64_t room) {
  const std::int64_t size = kernels().top_k->items_per_block;
  std::vector<Workspace> work(n_workers);
  for (Workspace& own : work) {
    own.panels.reserve(size * s.n_factors);
    own.offsets.reserve(size);
    own.rows.reserve(size);
    own.keys.reserve(n_users * room);
    own.lists.reserve(n_users);
    own.user_offsets.reserve(n_users);
    if (s.neighbors) own.bonuses.reserve(std::max(BONUSES_PER_CHUNK, n_users * MIN_ITEMS_PER_RANGE));
  }
  return work;
}

// The lane of every item row among the eligible ones, -1 where it is none; empty where all are.
std::vector<std::int32_t> lanes_of(const Scorer& s, const TopKRequest& request) {
  std::vector<std::int32_t> lanes;
  if (!s.neighbors || !request.items) return lanes;
  lanes.assign(s.n_items, -1);
  for (std::int64_t lane = 0; lane < request.n_eligible; ++lane)
    lanes[request.items[lane]] = static_cast<std::int32_t>(lane);
  return lanes;
}

// Fills work.bonuses (n_users, stride) with what neighbours add to the eligible items begin..end-1.
void add_up_bonuses(const Scorer& s, const TopKRequest& request, const std::vector<std::int32_t>& lanes,
                    std::int64_t first_user, std::int64_t n_users, std::int64_t begin, std::int64_t end,
                    std::int64_t stride, Workspace& work) {
  const auto row_of = [&](std::int64_t lane) { return request.items ? request.items[lane] : lane; };
  const auto first = static_cast<std::int32_t>(row_of(begin)), last = static_cast<std::int32_t>(row_of(end - 1) + 1);
  work.bonuses.assign(n_users * stride, 0.0f);
  for (std::int64_t u = 0; u < n_users; ++u) {
    float* own = work.bonuses.data() + u * stride;
    for_each_neighbor(s.neighbors, first_user + u, first, last, [&](std::int32_t item, float value) {
      const std::int64_t lane = request.items ? lanes[item] : item;
      if (lane >= 0) own[lane - begin] += value;
    });
    const float scale = s.neighbors.user_scales[first_user + u];
    for (std::int64_t i = 0; i < end - begin; ++i) own[i] *= scale;
  }
}

// Offers the eligible items begin..end-1 to the users' shortlists; `when_full` makes room in one. Their bonuses, where
// there are any, stand in work.bonuses from its first place on.
void offer_range(const Scorer& s, const TopKRequest& request, std::int64_t first_user, std::int64_t n_users,
                 std::int64_t begin, std::int64_t end, std::int64_t bonus_stride, Prune when_full, Workspace& work) {
  const TopKKernels& kernel = *kernels().top_k;
  const std::int64_t size = kernel.items_per_block;
  work.panels.resize(size * s.n_factors);
  work.offsets.resize(size);
  work.rows.resize(size);
  for (std::int64_t block = begin; block < end; block += size) {
    const int n = static_cast<int>(std::min(size, end - block));
    const int n_panels = (n + PANEL_ITEMS - 1) / PANEL_ITEMS;
    for (int lane = 0; lane < n_panels * PANEL_ITEMS; ++lane) {
      const std::int64_t item = lane >= n ? 0 : request.items ? request.items[block + lane] : block + lane;
      const bool is_left_out = lane >= n || (request.item_scales && request.item_scales[item] == 0);
      work.rows[lane] = static_cast<std::int32_t>(item);
      work.offsets[lane] = is_left_out ? -std::numeric_limits<float>::infinity() : item_offset(s, item);
    }
    kernel.pack(s.item_factors, request.item_scales, work.rows.data(), n, s.n_factors, work.panels.data());
    kernel.offer(s.user_factors + first_user * s.n_factors, work.user_offsets.data(), n_users, s.n_factors,
                 {work.panels.data(), work.offsets.data(), work.rows.data(), n_panels,
                  bonus_stride ? work.bonuses.data() + (block - begin) : nullptr, bonus_stride},
                 request.bounds, when_full, work.lists.data());
  }
}

// The same range by range, so that the users' bonuses stay small.
void offer_items(const Scorer& s, const TopKRequest& request, const std::vector<std::int32_t>& lanes,
                 std::int64_t first_user, std::int64_t n_users, std::int64_t begin, std::int64_t end, Prune when_full,
                 Workspace& work) {
  if (!s.neighbors) return offer_range(s, request, first_user, n_users, begin, end, 0, when_full, work);
  const std::int64_t size = items_per_range(n_users);
  for (std::int64_t from = begin; from < end; from += size) {
    const std::int64_t to = std::min(from + size, end), stride = (to - from + LANES - 1) / LANES * LANES;
    add_up_bonuses(s, request, lanes, first_user, n_users, from, to, stride, work);
    offer_range(s, request, first_user, n_users, from, to, stride, when_full, work);
  }
}

// The bonus of one of `n_asked` items of the user; `user` is the last one whose neighbours were added up.
float bonus_of(const Scorer& s, std::int64_t asked, std::int32_t item, std::int64_t n_asked, std::int64_t& user,
               UserBonuses& bonuses) {
  if (n_asked < FEW_ITEMS) return bonus_of_item(s.neighbors, asked, item);
  if (user != asked) bonuses.set(s.neighbors, s.n_items, user = asked);
  return bonuses.of_item(item);
}

void start_lists(const Scorer& s, ItemLists excluded, std::int64_t first_user, std::int64_t n_users, std::int64_t keep,
                 std::int64_t capacity, std::int32_t first_row, Workspace& work) {
  work.keys.resize(n_users * capacity);
  work.lists.resize(n_users);
  work.user_offsets.resize(n_users);
  for (std::int64_t u = 0; u < n_users; ++u) {
    const std::int64_t user = first_user + u;
    const std::int32_t *from = nullptr, *to = nullptr;
    if (excluded.indptr) {
      to = excluded.indices + excluded.indptr[user + 1];
      from = std::lower_bound(excluded.indices + excluded.indptr[user], to, first_row);
    }
    work.user_offsets[u] = user_offset(s, user);
    work.lists[u] = {work.keys.data() + u * capacity,         0,    capacity, keep,
                     -std::numeric_limits<float>::infinity(), from, to};
  }
}

// Behind the keys of a list that only counts stand its `keep` wanted scores, descending, and a count for each. An item
// is counted at the highest wanted score below its own, as the high half of a key orders them, and forgotten.
void count_and_empty(Shortlist& list) {
  const std::uint64_t* wanted = list.keys + list.capacity;
  for (std::int64_t i = 0; i < list.n; ++i) {
    const std::uint64_t score = list.keys[i] >> 32;
    const std::uint64_t* at = wanted;
    for (std::int64_t n = list.keep; n > 1; n -= n / 2) at += n / 2 * (at[n / 2 - 1] >= score);  // nothing to foretell
    ++list.keys[list.capacity + list.keep + (at - wanted) + (*at >= score)];
  }
  list.n = 0;
}

// Lists that let in what scores higher than a user's lowest wanted score, each with its wanted scores behind it.
void start_counting(const Scorer& s, WantedScores wanted, std::int64_t first_user, std::int64_t n_users,
                    std::int64_t room, Workspace& work) {
  work.keys.assign(n_users * room, 0);
  work.lists.resize(n_users);
  work.user_offsets.resize(n_users);
  for (std::int64_t u = 0; u < n_users; ++u) {
    const std::int64_t user = first_user + u, begin = wanted.indptr[user], end = wanted.indptr[user + 1];
    std::uint64_t* keys = work.keys.data() + u * room;
    for (std::int64_t i = begin; i < end; ++i)
      keys[COUNTED_AT_ONCE + i - begin] = shortlist_key(wanted.scores[i], 0) >> 32;
    const float lowest = end > begin ? wanted.scores[end - 1] : std::numeric_limits<float>::infinity();
    work.user_offsets[u] = user_offset(s, user);
    work.lists[u] = {keys, 0, COUNTED_AT_ONCE, end - begin, lowest, nullptr, nullptr};
  }
}

}  // namespace

bool top_k(const Scorer& scorer, const TopKRequest& request, const Execution& execution, std::int32_t* rows,
           float* scores, std::int32_t* counts) {
  const std::int64_t n_users = scorer.n_users, n_eligible = request.n_eligible, keep = request.keep;
  std::fill(counts, counts + n_users, 0);
  if (n_users == 0 || keep == 0) return true;
  const Execution run = limited(execution, n_users * cost_per_user(scorer, n_eligible));
  const std::int64_t capacity = shortlist_capacity(keep, n_eligible);
  const Partition cut = partition_of(scorer, n_eligible, capacity, run.n_threads);
  const std::vector<std::int32_t> lanes = lanes_of(scorer, request);

  const std::int64_t n_chunks = cut.n_user_chunks * cut.n_parts;
  std::vector<Workspace> work = workspaces(workers_of(run, n_chunks), scorer, cut.users_per_chunk, capacity);
  // The best of every part and user, where items are cut.
  const std::int64_t n_partial = cut.n_parts > 1 ? cut.n_parts * n_users : 0;
  std::vector<std::uint64_t> partial(n_partial * keep);
  std::vector<std::int64_t> n_kept(n_partial);
  const bool is_complete = run_chunks(n_chunks, run, [&](std::int64_t chunk, int worker) {
    Workspace& own = work[worker];
    const std::int64_t part = chunk % cut.n_parts, first = chunk / cut.n_parts * cut.users_per_chunk;
    const std::int64_t n = std::min(cut.users_per_chunk, n_users - first);
    const std::int64_t begin = part * cut.items_per_part, end = std::min(begin + cut.items_per_part, n_eligible);
    start_lists(scorer, request.excluded, first, n, keep, capacity,
                request.items ? request.items[begin] : static_cast<std::int32_t>(begin), own);
    offer_items(scorer, request, lanes, first, n, begin, end, &prune, own);
    for (std::int64_t u = 0; u < n; ++u) {
      Shortlist& list = own.lists[u];
      if (cut.n_parts == 1) {
        write_best(list, rows + (first + u) * keep, scores + (first + u) * keep, counts + first + u);
      } else {
        prune(list);
        const std::int64_t place = part * n_users + first + u;
        std::copy_n(list.keys, list.n, partial.data() + place * keep);
        n_kept[place] = list.n;
      }
    }
  });
  if (!is_complete || cut.n_parts == 1) return is_complete;

  std::vector<std::uint64_t> keys;
  for (std::int64_t user = 0; user < n_users; ++user) {
    keys.clear();
    for (std::int64_t part = 0; part < cut.n_parts; ++part) {
      const std::int64_t place = part * n_users + user;
      keys.insert(keys.end(), partial.begin() + place * keep, partial.begin() + place * keep + n_kept[place]);
    }
    Shortlist all{
        keys.data(), static_cast<std::int64_t>(keys.size()), static_cast<std::int64_t>(keys.size()), keep, 0, nullptr,
        nullptr};
    write_best(all, rows + user * keep, scores + user * keep, counts + user);
  }
  return true;
}

bool top_k_of_candidates(const Scorer& scorer, ItemLists candidates, ItemLists excluded, std::int64_t keep,
                         const Execution& execution, std::int32_t* rows, float* scores, std::int32_t* counts) {
  std::fill(counts, counts + scorer.n_users, 0);
  if (scorer.n_users == 0 || keep == 0) return true;
  const auto score = kernels().top_k->score;
  const std::int64_t n_pairs = candidates.indptr[scorer.n_users] - candidates.indptr[0];
  const Execution run = limited(execution, n_pairs * (scorer.n_factors + 4));
  const auto chunks = chunks_of_rows(candidates.indptr, scorer.n_users, 1);
  std::int64_t longest = 0;
  for (std::int64_t u = 0; u < scorer.n_users; ++u)
    longest = std::max(longest, candidates.indptr[u + 1] - candidates.indptr[u]);
  std::vector<Workspace> work = workspaces(workers_of(run, chunks.size()), scorer, 1, longest + 1);
  if (scorer.neighbors)
    for (Workspace& own : work) own.user_bonuses.reserve(scorer.n_items);
  return run_chunks(chunks.size(), run, [&](std::int64_t chunk, int worker) {
    Workspace& own = work[worker];
    for (std::int64_t user = chunks[chunk].begin; user < chunks[chunk].end; ++user) {
      const std::int64_t begin = candidates.indptr[user], end = candidates.indptr[user + 1];
      start_lists(scorer, excluded, user, 1, keep, end - begin + 1, 0, own);
      Shortlist& list = own.lists[0];
      std::int64_t added_up = -1;
      for (std::int64_t place = begin; place < end; ++place) {
        const std::int32_t item = candidates.indices[place];
        while (list.excluded < list.excluded_end && *list.excluded < item) ++list.excluded;
        if (list.excluded < list.excluded_end && *list.excluded == item) continue;
        float value = score(scorer.user_factors + user * scorer.n_factors,
                            scorer.item_factors + static_cast<std::int64_t>(item) * scorer.n_factors, scorer.n_factors,
                            own.user_offsets[0], item_offset(scorer, item));
        if (scorer.neighbors) value += bonus_of(scorer, user, item, end - begin, added_up, own.user_bonuses);
        if (value > list.threshold) list.keys[list.n++] = shortlist_key(value, item);
      }
      write_best(list, rows + user * keep, scores + user * keep, counts + user);
    }
  });
}

bool count_higher(const Scorer& scorer, const TopKRequest& request, WantedScores wanted, const Execution& execution,
                  std::int32_t* higher) {
  const std::int64_t n_users = scorer.n_users, n_eligible = request.n_eligible, first_wanted = wanted.indptr[0];
  std::int64_t most = 0;
  for (std::int64_t u = 0; u < n_users; ++u) most = std::max(most, wanted.indptr[u + 1] - wanted.indptr[u]);
  std::fill(higher, higher + (wanted.indptr[n_users] - first_wanted), 0);
  if (most == 0 || n_eligible == 0) return true;
  const Execution run = limited(execution, n_users * cost_per_user(scorer, n_eligible));
  const std::int64_t room = COUNTED_AT_ONCE + 2 * most;
  const Partition cut = partition_of(scorer, n_eligible, room, run.n_threads);
  const std::vector<std::int32_t> lanes = lanes_of(scorer, request);
  const std::int64_t n_chunks = cut.n_user_chunks * cut.n_parts;
  std::vector<Workspace> work = workspaces(workers_of(run, n_chunks), scorer, cut.users_per_chunk, room);
  return run_chunks(n_chunks, run, [&](std::int64_t chunk, int worker) {
    Workspace& own = work[worker];
    const std::int64_t part = chunk % cut.n_parts, first = chunk / cut.n_parts * cut.users_per_chunk;
    const std::int64_t n = std::min(cut.users_per_chunk, n_users - first);
    const std::int64_t begin = part * cut.items_per_part, end = std::min(begin + cut.items_per_part, n_eligible);
    start_counting(scorer, wanted, first, n, room, own);
    offer_items(scorer, request, lanes, first, n, begin, end, &count_and_empty, own);
    for (std::int64_t u = 0; u < n; ++u) {
      Shortlist& list = own.lists[u];
      count_and_empty(list);
      std::int64_t sum = 0;
      for (std::int64_t i = 0; i < list.keep; ++i) {
        sum += static_cast<std::int64_t>(list.keys[list.capacity + list.keep + i]);
        __atomic_fetch_add(higher + wanted.indptr[first + u] - first_wanted + i, static_cast<std::int32_t>(sum),
                           __ATOMIC_RELAXED);  // parts of the items add up in any order
      }
    }
  });
}

bool score_pairs(const Scorer& scorer, const std::int32_t* users, const std::int32_t* items, std::int64_t n_pairs,
                 const Execution& execution, float* scores) {
  const auto score = kernels().top_k->score;
  const Execution run = limited(execution, n_pairs * (scorer.n_factors + 4));
  const auto chunks = even_chunks(n_pairs, 4096);
  std::vector<UserBonuses> bonuses(scorer.neighbors ? workers_of(run, chunks.size()) : 0);
  for (UserBonuses& own : bonuses) own.reserve(scorer.n_items);
  return run_chunks(chunks.size(), run, [&](std::int64_t chunk, int worker) {
    std::int64_t added_up = -1, same_user_until = chunks[chunk].begin, n_of_user = 0;
    for (std::int64_t i = chunks[chunk].begin; i < chunks[chunk].end; ++i) {
      const std::int64_t user = users[i], item = items[i];
      float value = score(scorer.user_factors + user * scorer.n_factors, scorer.item_factors + item * scorer.n_factors,
                          scorer.n_factors, user_offset(scorer, user), item_offset(scorer, item));
      if (scorer.neighbors) {
        if (i == same_user_until) {
          while (same_user_until < chunks[chunk].end && users[same_user_until] == user) ++same_user_until;
          n_of_user = same_user_until - i;
        }
        value += bonus_of(scorer, user, items[i], n_of_user, added_up, bonuses[worker]);
      }
      scores[i] = 0.0f + value;
    }
  });
}

bool inverse_norms(const float* factors, std::int64_t n_rows, int n_factors, const Execution& execution,
                   float* scales) {
  const Execution run = limited(execution, n_rows * (n_factors + 4));
  const auto chunks = even_chunks(n_rows, 4096);
  return run_chunks(chunks.size(), run, [&](std::int64_t chunk, int) {
    for (std::int64_t row = chunks[chunk].begin; row < chunks[chunk].end; ++row) {
      double sum[4] = {0, 0, 0, 0};
      const float* x = factors + row * n_factors;
      for (int f = 0; f < n_factors; ++f) sum[f % 4] += static_cast<double>(x[f]) * x[f];
      const double norm = std::sqrt((sum[0] + sum[1]) + (sum[2] + sum[3]));
      scales[row] = norm > 0 ? static_cast<float>(1 / norm) : 0.0f;
    }
  });
}

}  // namespace ridgeback
