#include "event_table.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdlib>
#include <utility>

#include "arrow_stream.hpp"
#include "bindings/execution.hpp"

namespace {

namespace rb = ridgeback;
template <class T>
using Result = nb::ndarray<nb::numpy, T, nb::ndim<1>>;

// NumPy arrays that own what they are given.
template <class T>
Result<T> to_array(rb::GrowingColumn<T>& column) {
  const auto n = static_cast<std::size_t>(column.size());
  T* data = column.release();
  return Result<T>(data, {n}, nb::capsule(data, [](void* p) noexcept { std::free(p); }));
}

template <class T>
Result<T> to_array(std::vector<T>&& values) {
  auto* kept = new std::vector<T>(std::move(values));
  const nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return Result<T>(kept->data(), {kept->size()}, owner);
}

std::size_t checked(const rb::EventTable& table, int role, std::initializer_list<rb::Role> wanted) {
  const auto i = static_cast<std::size_t>(role);
  if (role < 0 || i >= table.plan.size() ||
      std::find(wanted.begin(), wanted.end(), table.plan.roles[i]) == wanted.end())
    throw nb::index_error("no column of this kind at that place");
  return i;
}

void construct(rb::EventTable* self, const std::vector<int>& roles, const std::vector<int>& id_styles,
               const std::vector<std::string>& kinds, const std::vector<float>& kind_values, bool stops_at_bad_row,
               int max_examples) {
  if (id_styles.size() != roles.size() || kind_values.size() != kinds.size())
    throw nb::value_error("one style a role and one value a kind are needed");
  rb::Plan plan;
  for (const int role : roles) plan.roles.push_back(static_cast<rb::Role>(role));
  for (const int style : id_styles) plan.id_styles.push_back(static_cast<rb::IdStyle>(style));
  for (std::size_t i = 0; i < kinds.size(); ++i) plan.kinds.emplace(kinds[i], kind_values[i]);
  new (self) rb::EventTable(std::move(plan), stops_at_bad_row, static_cast<std::size_t>(max_examples));
}

void set_dialect(rb::EventTable& table, const std::string& separator, bool has_quotes, std::int64_t n_cells,
                 const std::vector<std::int64_t>& cells, std::int64_t n_rows_to_skip) {
  if (separator.empty() || cells.size() != table.plan.size())
    throw nb::value_error("a separator and one cell a role are needed");
  for (const std::int64_t cell : cells) {
    if (cell < 0 || cell >= n_cells) throw nb::value_error("a cell is outside the row");
  }
  table.set_dialect({separator, has_quotes, n_cells, cells}, n_rows_to_skip);
}

bool add_text(rb::EventTable& table, nb::bytes text, bool is_last, int n_threads) {
  const std::string_view view(text.c_str(), text.size());
  return run_released(n_threads, std::nullopt,
                      [&](const rb::Execution& execution) { return table.add_text(view, is_last, execution); });
}

bool add_stream(rb::EventTable& table, nb::capsule capsule, int n_threads) {
  auto* stream = static_cast<rb::ArrowArrayStream*>(capsule.data("arrow_array_stream"));
  if (!stream || !stream->release) throw nb::value_error("the stream was already read");
  return run_released(n_threads, std::nullopt,
                      [&](const rb::Execution& execution) { return rb::add_stream(*stream, table, execution); });
}

// (kind, values or offsets, bytes or None, missing or None); the arrays live as long as the caller's tuples.
rb::TypedColumn typed_column(nb::handle column, std::int64_t& n_rows) {
  const auto parts = nb::cast<nb::tuple>(column);
  const auto kind = nb::cast<std::string>(parts[0]);
  rb::TypedColumn typed{};
  if (kind == "int") {
    const auto values = nb::cast<Vector<const std::int64_t>>(parts[1]);
    typed.kind = rb::TypedColumn::kInt64;
    typed.values = values.data();
    n_rows = static_cast<std::int64_t>(values.shape(0));
  } else if (kind == "float") {
    const auto values = nb::cast<Vector<const double>>(parts[1]);
    typed.kind = rb::TypedColumn::kFloat64;
    typed.values = values.data();
    n_rows = static_cast<std::int64_t>(values.shape(0));
  } else if (kind == "text") {
    const auto offsets = nb::cast<Vector<const std::int64_t>>(parts[1]);
    const auto bytes = nb::cast<Vector<const std::uint8_t>>(parts[2]);
    n_rows = static_cast<std::int64_t>(offsets.shape(0)) - 1;
    if (n_rows < 0 || offsets.data()[n_rows] > static_cast<std::int64_t>(bytes.shape(0)))
      throw nb::value_error("offsets do not fit the bytes");
    typed.kind = rb::TypedColumn::kText64;
    typed.values = offsets.data();
    typed.bytes = reinterpret_cast<const char*>(bytes.data());
  } else {
    throw nb::value_error("a column is int, float or text");
  }
  if (!parts[3].is_none()) {
    const auto missing = nb::cast<Vector<const std::uint8_t>>(parts[3]);
    if (static_cast<std::int64_t>(missing.shape(0)) != n_rows) throw nb::value_error("one flag a row is needed");
    typed.missing = missing.data();
  }
  return typed;
}

bool add_columns(rb::EventTable& table, const nb::list& columns, int n_threads) {
  std::vector<rb::TypedColumn> typed;
  std::int64_t n_rows = -1;
  for (const nb::handle column : columns) {
    std::int64_t n = 0;
    typed.push_back(typed_column(column, n));
    if (n_rows >= 0 && n != n_rows) throw nb::value_error("columns differ in length");
    n_rows = n;
  }
  if (typed.size() != table.plan.size()) throw nb::value_error("one column a role is needed");
  return run_released(n_threads, std::nullopt,
                      [&](const rb::Execution& execution) { return table.add_rows(typed, n_rows, execution); });
}

nb::object bytes_of(const std::string& value) { return nb::bytes(value.data(), value.size()); }

nb::tuple place(const rb::EventTable::Place& place) {
  return nb::make_tuple(place.row, place.line, bytes_of(place.value));
}

nb::list bad_rows(const rb::EventTable& table) {
  nb::list rows;
  for (const auto& noted : table.bad_rows)
    rows.append(nb::make_tuple(noted.bad.row, noted.line, noted.bad.role, static_cast<int>(noted.bad.problem),
                               noted.bad.detail, bytes_of(noted.bad.value)));
  return rows;
}

nb::object ids(rb::EventTable& table, int role) {
  rb::IdEncoder& encoder = table.ids[checked(table, role, {rb::Role::kId})];
  if (!encoder.is_text()) return nb::cast(to_array(std::vector<std::int64_t>(encoder.ints())));
  return nb::make_tuple(to_array(std::move(encoder.word_offsets())), to_array(std::move(encoder.word_bytes())));
}

nb::tuple texts(rb::EventTable& table, int role) {
  rb::TextBlock& block = table.texts[checked(table, role, {rb::Role::kText})];
  std::vector<std::int64_t> offsets{0};
  offsets.insert(offsets.end(), block.ends.begin(), block.ends.end());
  return nb::make_tuple(to_array(std::move(offsets)), to_array(std::move(block.bytes)));
}

}  // namespace

void register_event_table(nb::module_& m) {
  nb::class_<rb::EventTable>(m, "EventTable", "A table of events, filled block after block. Bad rows are left out.")
      .def("__init__", &construct, nb::arg("roles"), nb::arg("id_styles"), nb::arg("kinds"), nb::arg("kind_values"),
           nb::arg("stops_at_bad_row"), nb::arg("max_examples"))
      .def("set_dialect", &set_dialect, nb::arg("separator"), nb::arg("has_quotes"), nb::arg("n_cells"),
           nb::arg("cells"), nb::arg("n_rows_to_skip"), "How rows of text are written; `cells` one a role.")
      .def("add_text", &add_text, nb::arg("text"), nb::arg("is_last"), nb::arg("n_threads"),
           "Text that goes on where the text before ended; False when a bad row stopped it.")
      .def("add_stream", &add_stream, nb::arg("capsule"), nb::arg("n_threads"),
           // Spelt out: where a capsule's type is imported from differs between versions of Python.
           nb::sig("def add_stream(self, capsule: object, n_threads: int) -> bool"),
           "All rows of an Arrow stream; False when a bad row stopped it.")
      .def("add_columns", &add_columns, nb::arg("columns"), nb::arg("n_threads"),
           "Rows of (kind, values or offsets, bytes, missing) columns; False when a bad row stopped it.")
      .def(
          "finish",
          [](rb::EventTable& table, int n_threads) {
            return run_released(n_threads, std::nullopt,
                                [&](const rb::Execution& execution) { return table.finish(execution); });
          },
          nb::arg("n_threads"), "Put ids in ascending order.")
      .def_ro("n_rows", &rb::EventTable::n_rows, "Rows seen, bad ones included.")
      .def_ro("n_bad", &rb::EventTable::n_bad)
      .def_prop_ro("bad_rows", &bad_rows, "The first few, as (row, line, role or -1, problem, detail, value).")
      .def_prop_ro(
          "first_number", [](const rb::EventTable& table) { return place(table.first_number); },
          "(row, line, value) of the first time that is a number; row -1: none.")
      .def_prop_ro(
          "first_date", [](const rb::EventTable& table) { return place(table.first_date); },
          "The same for the first date.")
      .def(
          "first_text",
          [](const rb::EventTable& table, int role) {
            return place(table.first_text[checked(table, role, {rb::Role::kId})]);
          },
          nb::arg("role"), "(row, line, value) of the first id that is no int; row -1: none.")
      .def(
          "codes",
          [](rb::EventTable& table, int role) {
            return to_array(table.ids[checked(table, role, {rb::Role::kId})].codes());
          },
          nb::arg("role"), "Row of each id in ids(role); the table gives them away.")
      .def("ids", &ids, nb::arg("role"),
           "Distinct ids, ascending: int64, or (offsets, bytes), which the table gives away.")
      .def(
          "floats",
          [](rb::EventTable& table, int role) {
            return to_array(
                table.floats[checked(table, role, {rb::Role::kValue, rb::Role::kWeight, rb::Role::kEvent})]);
          },
          nb::arg("role"), "Values, weights or values of kinds; the table gives them away.")
      .def(
          "times",
          [](rb::EventTable& table, int role) {
            return to_array(table.times[checked(table, role, {rb::Role::kTime})]);
          },
          nb::arg("role"), "Timestamps; the table gives them away.")
      .def("texts", &texts, nb::arg("role"), "(offsets, bytes) of a text column; the table gives them away.");
}
