#include "bindings/neighbors.hpp"

#include <stdexcept>

#include "bindings/execution.hpp"
#include "item_neighbors.hpp"

namespace {

using ridgeback::Execution;
using Places = Vector<const std::int64_t>;
using Rows = Vector<const std::int32_t>;
using Weights = Vector<const float>;
using Cancel = std::optional<Vector<std::uint8_t>>;

void require(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

bool is_sound(const Places& indptr, std::size_t n_rows, std::size_t n_entries) {
  if (indptr.size() != n_rows + 1) return false;
  const std::int64_t* p = indptr.data();
  bool is_rising = p[0] >= 0 && p[n_rows] <= static_cast<std::int64_t>(n_entries);
  for (std::size_t row = 0; is_rising && row < n_rows; ++row) is_rising = p[row] <= p[row + 1];
  return is_rising;
}

// The columns of the matrix are trusted, as everywhere; those of histories, which come with each question, are not.
BoundNeighbors* neighbors_of(const Places& indptr, const Rows& items, const Weights& values,
                             const Places& history_indptr, const Rows& history, const Weights& user_scales) {
  require(indptr.size() > 0 && items.size() == values.size() && indptr.data()[0] == 0 &&
              indptr.data()[indptr.size() - 1] == static_cast<std::int64_t>(items.size()),
          "neighbours must be rows of items and values");
  require(is_sound(history_indptr, user_scales.size(), history.size()), "histories and user_scales differ in users");
  const auto n_items = static_cast<std::int64_t>(indptr.size()) - 1;
  bool is_inside = true;
  const std::int64_t* p = history_indptr.data();
  for (std::int64_t i = p[0]; i < p[user_scales.size()]; ++i)
    is_inside &= history.data()[i] >= 0 && history.data()[i] < n_items;
  require(is_inside, "histories must hold rows of items");
  return new BoundNeighbors{indptr, items, values, history_indptr, history, user_scales};
}

bool item_neighbors(const Places& user_indptr, const Rows& user_items, const Places& item_indptr,
                    const Rows& item_users, const Weights& user_weights, const Weights& item_weights,
                    std::int64_t begin, std::int64_t end, const Matrix<std::int32_t>& items,
                    const Matrix<float>& values, const Vector<std::int32_t>& counts, int n_threads,
                    const Cancel& cancel) {
  const std::size_t n_users = user_weights.size(), n_items = item_weights.size();
  require(
      user_indptr.size() == n_users + 1 && item_indptr.size() == n_items + 1 && user_items.size() == item_users.size(),
      "matrices and weights differ in shape");
  require(0 <= begin && begin <= end && end <= static_cast<std::int64_t>(n_items), "rows must be items");
  const auto n_rows = static_cast<std::size_t>(end - begin);
  require(items.shape(0) == n_rows && values.shape(0) == n_rows && items.shape(1) == values.shape(1) &&
              counts.size() == n_rows,
          "items, values and counts must have one row an item");
  const auto users = static_cast<std::int64_t>(n_users), columns = static_cast<std::int64_t>(n_items);
  const ridgeback::NeighborRequest request{{user_indptr.data(), user_items.data(), nullptr, users, columns},
                                           {item_indptr.data(), item_users.data(), nullptr, columns, users},
                                           user_weights.data(),
                                           item_weights.data(),
                                           static_cast<std::int64_t>(items.shape(1))};
  return run_released(n_threads, cancel, [&](const Execution& execution) {
    return ridgeback::item_neighbors(request, begin, end, execution, items.data(), values.data(), counts.data());
  });
}

}  // namespace

void register_neighbors(nb::module_& m) {
  nb::class_<BoundNeighbors>(m, "Neighbors", "What the items of histories add to the scores of their neighbours.")
      .def(nb::new_(&neighbors_of), nb::arg("indptr"), nb::arg("items"), nb::arg("values"), nb::arg("history_indptr"),
           nb::arg("history"), nb::arg("user_scales"));
  m.def("item_neighbors", &item_neighbors, nb::arg("user_indptr"), nb::arg("user_items"), nb::arg("item_indptr"),
        nb::arg("item_users"), nb::arg("user_weights"), nb::arg("item_weights"), nb::arg("begin"), nb::arg("end"),
        nb::arg("items"), nb::arg("values"), nb::arg("counts"), nb::arg("n_threads") = 1,
        nb::arg("cancel").none() = nb::none(),
        "Fill the rows begin..end-1 of the largest normalised co-occurrences; matrices are trusted.");
}
