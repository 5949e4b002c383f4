#include "top_k.hpp"

#include <stdexcept>
#include <string>

#include "bindings/execution.hpp"
#include "bindings/neighbors.hpp"
#include "bindings/register.hpp"

namespace {

using ridgeback::Execution;
using ridgeback::ItemLists;
using ridgeback::Scorer;
using Floats = std::optional<Vector<const float>>;
using Rows = Vector<const std::int32_t>;
using Cancel = std::optional<Vector<std::uint8_t>>;

void require(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

Scorer scorer_of(const Matrix<const float>& user_factors, const Matrix<const float>& item_factors,
                 const Floats& user_biases, const Floats& item_biases, float mean, const BoundNeighbors* neighbors) {
  require(user_factors.shape(1) == item_factors.shape(1), "user_factors and item_factors differ in their columns");
  require(!user_biases || user_biases->size() == user_factors.shape(0), "user_biases and user_factors differ in rows");
  require(!item_biases || item_biases->size() == item_factors.shape(0), "item_biases and item_factors differ in rows");
  require(!neighbors || (neighbors->user_scales.size() == user_factors.shape(0) &&
                         neighbors->indptr.size() == item_factors.shape(0) + 1),
          "neighbors are of other users or items");
  return {user_factors.data(),
          item_factors.data(),
          static_cast<std::int64_t>(user_factors.shape(0)),
          static_cast<std::int64_t>(item_factors.shape(0)),
          static_cast<int>(user_factors.shape(1)),
          user_biases ? user_biases->data() : nullptr,
          item_biases ? item_biases->data() : nullptr,
          mean,
          neighbors ? neighbors->term() : ridgeback::NeighborTerm{}};
}

// Every row within 0..n-1: kernels read where these point.
void require_rows(const Rows& rows, std::int64_t n, const char* what) {
  bool is_inside = true;
  for (std::size_t i = 0; i < rows.size(); ++i) is_inside &= rows.data()[i] >= 0 && rows.data()[i] < n;
  require(is_inside, what);
}

ItemLists lists_of(const std::optional<Vector<const std::int64_t>>& indptr, const std::optional<Rows>& indices,
                   std::int64_t n_users) {
  if (!indptr) return {nullptr, nullptr};
  const std::int64_t* p = indptr->data();
  bool is_sound = static_cast<std::int64_t>(indptr->size()) == n_users + 1 && indices && p[0] >= 0 &&
                  p[n_users] <= static_cast<std::int64_t>(indices->size());
  for (std::int64_t u = 0; is_sound && u < n_users; ++u) is_sound = p[u] <= p[u + 1];
  require(is_sound, "indptr must have n_users + 1 ascending places within indices");
  return {p, indices->data()};
}

bool top_k(const Matrix<const float>& user_factors, const Matrix<const float>& item_factors, const Floats& user_biases,
           const Floats& item_biases, float mean, const BoundNeighbors* neighbors, const std::optional<Rows>& items,
           const std::optional<Vector<const std::int64_t>>& excluded_indptr,
           const std::optional<Rows>& excluded_indices, const Floats& item_scales, float low, float high,
           const Matrix<std::int32_t>& rows, const Matrix<float>& scores, const Vector<std::int32_t>& counts,
           int n_threads, const Cancel& cancel) {
  const Scorer scorer = scorer_of(user_factors, item_factors, user_biases, item_biases, mean, neighbors);
  require(!item_scales || static_cast<std::int64_t>(item_scales->size()) == scorer.n_items,
          "item_scales and item_factors differ in rows");
  if (items) require_rows(*items, scorer.n_items, "items must be rows of item_factors");
  ridgeback::TopKRequest request{items ? items->data() : nullptr,
                                 items ? static_cast<std::int64_t>(items->size()) : scorer.n_items,
                                 lists_of(excluded_indptr, excluded_indices, scorer.n_users),
                                 item_scales ? item_scales->data() : nullptr,
                                 {low, high},
                                 static_cast<std::int64_t>(rows.shape(1))};
  require(request.keep <= request.n_eligible, "more places than eligible items");
  require(static_cast<std::int64_t>(rows.shape(0)) == scorer.n_users && rows.size() == scores.size() &&
              static_cast<std::int64_t>(counts.size()) == scorer.n_users,
          "rows, scores and counts must have one row a user");
  return run_released(n_threads, cancel, [&](const Execution& execution) {
    return ridgeback::top_k(scorer, request, execution, rows.data(), scores.data(), counts.data());
  });
}

bool top_k_of_candidates(const Matrix<const float>& user_factors, const Matrix<const float>& item_factors,
                         const Floats& user_biases, const Floats& item_biases, float mean,
                         const BoundNeighbors* neighbors, const Vector<const std::int64_t>& indptr, const Rows& indices,
                         const std::optional<Vector<const std::int64_t>>& excluded_indptr,
                         const std::optional<Rows>& excluded_indices, const Matrix<std::int32_t>& rows,
                         const Matrix<float>& scores, const Vector<std::int32_t>& counts, int n_threads,
                         const Cancel& cancel) {
  const Scorer scorer = scorer_of(user_factors, item_factors, user_biases, item_biases, mean, neighbors);
  require_rows(indices, scorer.n_items, "candidates must be rows of item_factors");
  const ItemLists candidates = lists_of(indptr, indices, scorer.n_users);
  const ItemLists excluded = lists_of(excluded_indptr, excluded_indices, scorer.n_users);
  require(static_cast<std::int64_t>(rows.shape(0)) == scorer.n_users && rows.size() == scores.size() &&
              static_cast<std::int64_t>(counts.size()) == scorer.n_users,
          "rows, scores and counts must have one row a user");
  const std::int64_t keep = static_cast<std::int64_t>(rows.shape(1));
  return run_released(n_threads, cancel, [&](const Execution& execution) {
    return ridgeback::top_k_of_candidates(scorer, candidates, excluded, keep, execution, rows.data(), scores.data(),
                                          counts.data());
  });
}

bool count_higher(const Matrix<const float>& user_factors, const Matrix<const float>& item_factors,
                  const Floats& user_biases, const Floats& item_biases, float mean, const BoundNeighbors* neighbors,
                  const std::optional<Rows>& items, const Vector<const std::int64_t>& indptr,
                  const Vector<const float>& wanted, const Vector<std::int32_t>& higher, int n_threads,
                  const Cancel& cancel) {
  const Scorer scorer = scorer_of(user_factors, item_factors, user_biases, item_biases, mean, neighbors);
  if (items) require_rows(*items, scorer.n_items, "items must be rows of item_factors");
  const std::int64_t* p = indptr.data();
  bool is_sound = static_cast<std::int64_t>(indptr.size()) == scorer.n_users + 1 && p[0] == 0 &&
                  p[scorer.n_users] == static_cast<std::int64_t>(wanted.size()) && wanted.size() == higher.size();
  for (std::int64_t u = 0; is_sound && u < scorer.n_users; ++u) is_sound = p[u] <= p[u + 1];
  require(is_sound, "indptr must have n_users + 1 ascending places from 0 to the number of scores");
  bool is_descending = true;
  for (std::int64_t u = 0; u < scorer.n_users; ++u)
    for (std::int64_t i = p[u] + 1; i < p[u + 1]; ++i) is_descending &= wanted.data()[i] <= wanted.data()[i - 1];
  require(is_descending, "the scores of each user must descend");
  ridgeback::TopKRequest request{};
  request.items = items ? items->data() : nullptr;
  request.n_eligible = items ? static_cast<std::int64_t>(items->size()) : scorer.n_items;
  return run_released(n_threads, cancel, [&](const Execution& execution) {
    return ridgeback::count_higher(scorer, request, {p, wanted.data()}, execution, higher.data());
  });
}

bool score_pairs(const Matrix<const float>& user_factors, const Matrix<const float>& item_factors,
                 const Floats& user_biases, const Floats& item_biases, float mean, const BoundNeighbors* neighbors,
                 const Rows& users, const Rows& items, const Vector<float>& scores, int n_threads,
                 const Cancel& cancel) {
  const Scorer scorer = scorer_of(user_factors, item_factors, user_biases, item_biases, mean, neighbors);
  require(users.size() == items.size() && users.size() == scores.size(), "users, items and scores differ in length");
  require_rows(users, scorer.n_users, "users must be rows of user_factors");
  require_rows(items, scorer.n_items, "items must be rows of item_factors");
  return run_released(n_threads, cancel, [&](const Execution& execution) {
    return ridgeback::score_pairs(scorer, users.data(), items.data(), static_cast<std::int64_t>(users.size()),
                                  execution, scores.data());
  });
}

bool inverse_norms(const Matrix<const float>& factors, const Vector<float>& scales, int n_threads,
                   const Cancel& cancel) {
  require(scales.size() == factors.shape(0), "scales and factors differ in rows");
  return run_released(n_threads, cancel, [&](const Execution& execution) {
    return ridgeback::inverse_norms(factors.data(), static_cast<std::int64_t>(factors.shape(0)),
                                    static_cast<int>(factors.shape(1)), execution, scales.data());
  });
}

}  // namespace

void register_top_k(nb::module_& m) {
  m.def("top_k", &top_k, nb::arg("user_factors"), nb::arg("item_factors"), nb::arg("user_biases").none(),
        nb::arg("item_biases").none(), nb::arg("mean"), nb::arg("neighbors").none(), nb::arg("items").none(),
        nb::arg("excluded_indptr").none(), nb::arg("excluded_indices").none(), nb::arg("item_scales").none(),
        nb::arg("low"), nb::arg("high"), nb::arg("rows"), nb::arg("scores"), nb::arg("counts"), nb::arg("n_threads"),
        nb::arg("cancel").none(),
        "Fill rows and scores (n_users, keep) with every user's best items, and counts; False when stopped early.");
  m.def("top_k_of_candidates", &top_k_of_candidates, nb::arg("user_factors"), nb::arg("item_factors"),
        nb::arg("user_biases").none(), nb::arg("item_biases").none(), nb::arg("mean"), nb::arg("neighbors").none(),
        nb::arg("indptr"), nb::arg("indices"), nb::arg("excluded_indptr").none(), nb::arg("excluded_indices").none(),
        nb::arg("rows"), nb::arg("scores"), nb::arg("counts"), nb::arg("n_threads"), nb::arg("cancel").none(),
        "The same where every user has own candidates, ascending rows of items.");
  m.def("count_higher", &count_higher, nb::arg("user_factors"), nb::arg("item_factors"), nb::arg("user_biases").none(),
        nb::arg("item_biases").none(), nb::arg("mean"), nb::arg("neighbors").none(), nb::arg("items").none(),
        nb::arg("indptr"), nb::arg("scores"), nb::arg("higher"), nb::arg("n_threads"), nb::arg("cancel").none(),
        "Fill higher with the number of items whose score for the user is above each of the user's scores.");
  m.def("score_pairs", &score_pairs, nb::arg("user_factors"), nb::arg("item_factors"), nb::arg("user_biases").none(),
        nb::arg("item_biases").none(), nb::arg("mean"), nb::arg("neighbors").none(), nb::arg("users"), nb::arg("items"),
        nb::arg("scores"), nb::arg("n_threads"), nb::arg("cancel").none(),
        "Fill scores with those of the pairs (users[i], items[i]).");
  m.def("inverse_norms", &inverse_norms, nb::arg("factors"), nb::arg("scales"), nb::arg("n_threads"),
        nb::arg("cancel").none(), "Fill scales with 1 / length of every row, 0 where the row is zero.");
}
