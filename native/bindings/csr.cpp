#include "csr.hpp"

#include <nanobind/stl/optional.h>

#include "bindings/execution.hpp"

namespace {

namespace rb = ridgeback;
template <class T>
using In = Vector<const T>;
template <class T>
using OptionalIn = std::optional<Vector<const T>>;
template <class T>
using OptionalOut = std::optional<Vector<T>>;
using Cancel = std::optional<Vector<std::uint8_t>>;

void expect(bool is_right, const char* message) {
  if (!is_right) throw nb::value_error(message);
}

template <class T>
bool has_length(const std::optional<Vector<T>>& array, std::size_t n) {
  return !array || array->shape(0) == n;
}

bool count_codes(In<std::int32_t> codes, Vector<std::int64_t> counts, int n_threads, const Cancel& cancel) {
  return run_released(n_threads, cancel, [&](const rb::Execution& execution) {
    return rb::count_codes(codes.data(), codes.shape(0), counts.shape(0), counts.data(), execution);
  });
}

bool transpose(In<std::int64_t> indptr, In<std::int32_t> indices, const OptionalIn<float>& data,
               Vector<std::int64_t> out_indptr, Vector<std::int32_t> out_indices, const OptionalOut<float>& out_data,
               int n_threads, const Cancel& cancel) {
  const std::size_t n = indices.shape(0);
  expect(indptr.shape(0) > 0 && out_indptr.shape(0) > 0, "row pointers may not be empty");
  expect(has_length(data, n) && out_indices.shape(0) == n && has_length(out_data, n) &&
             data.has_value() == out_data.has_value(),
         "arrays of entries differ in length");
  const auto n_rows = static_cast<std::int64_t>(indptr.shape(0)) - 1;
  const auto n_columns = static_cast<std::int64_t>(out_indptr.shape(0)) - 1;
  const rb::Matrix matrix{indptr.data(), indices.data(), data_or_null(data), n_rows, n_columns};
  return run_released(n_threads, cancel, [&](const rb::Execution& execution) {
    return rb::transpose(matrix, out_indptr.data(), out_indices.data(), data_or_null(out_data), execution);
  });
}

bool sort_pairs(In<std::int32_t> rows, In<std::int32_t> columns, Vector<std::int64_t> indptr,
                Vector<std::uint64_t> slots, Vector<std::int64_t> unique_indptr, bool is_wide, int n_threads,
                const Cancel& cancel) {
  const std::size_t n = rows.shape(0);
  expect(columns.shape(0) == n && slots.shape(0) == (is_wide ? 2 * n : n), "arrays of entries differ in length");
  expect(indptr.shape(0) > 0 && unique_indptr.shape(0) == indptr.shape(0), "row pointers differ in length");
  const auto n_rows = static_cast<std::int64_t>(indptr.shape(0)) - 1;
  const rb::Pairs pairs{rows.data(), columns.data(), static_cast<std::int64_t>(n)};
  return run_released(n_threads, cancel, [&](const rb::Execution& execution) {
    if (is_wide)
      return rb::sort_pairs(pairs, n_rows, indptr.data(), reinterpret_cast<rb::WideSlot*>(slots.data()),
                            unique_indptr.data(), execution);
    return rb::sort_pairs(pairs, n_rows, indptr.data(), reinterpret_cast<rb::NarrowSlot*>(slots.data()),
                          unique_indptr.data(), execution);
  });
}

template <class Slot, class Row>
bool combine(In<std::int64_t> indptr, In<std::uint64_t> slots, In<std::int64_t> unique_indptr,
             const OptionalIn<float>& values, const OptionalIn<std::int64_t>& timestamps, int rule,
             Vector<std::int32_t> out_columns, const OptionalOut<float>& out_values,
             const OptionalOut<std::int32_t>& out_counts, const OptionalOut<Row>& out_latest, int n_threads,
             const Cancel& cancel) {
  const std::size_t n = slots.shape(0) / (sizeof(Slot) / sizeof(std::uint64_t)), n_unique = out_columns.shape(0);
  expect(has_length(values, n) && has_length(timestamps, n) && has_length(out_values, n_unique) &&
             has_length(out_counts, n_unique) && has_length(out_latest, n_unique),
         "arrays of entries differ in length");
  expect(indptr.shape(0) > 0 && unique_indptr.shape(0) == indptr.shape(0), "row pointers differ in length");
  const rb::Combination<Slot, Row> combination{indptr.data(),
                                               reinterpret_cast<const Slot*>(slots.data()),
                                               unique_indptr.data(),
                                               static_cast<std::int64_t>(indptr.shape(0)) - 1,
                                               data_or_null(values),
                                               data_or_null(timestamps),
                                               static_cast<rb::Duplicates>(rule),
                                               out_columns.data(),
                                               data_or_null(out_values),
                                               data_or_null(out_counts),
                                               data_or_null(out_latest)};
  return run_released(n_threads, cancel,
                      [&](const rb::Execution& execution) { return rb::combine(combination, execution); });
}

template <class Value, class Row>
bool gather(In<Value> source, In<Row> rows, Vector<Value> out, int n_threads, const Cancel& cancel) {
  expect(rows.shape(0) == out.shape(0), "arrays of entries differ in length");
  return run_released(n_threads, cancel, [&](const rb::Execution& execution) {
    return rb::gather(source.data(), rows.data(), static_cast<std::int64_t>(rows.shape(0)), out.data(), execution);
  });
}

template <class Function>
void define_combine(nb::module_& m, const char* name, Function function) {
  m.def(name, function, nb::arg("indptr"), nb::arg("slots"), nb::arg("unique_indptr"), nb::arg("values").none(),
        nb::arg("timestamps").none(), nb::arg("rule"), nb::arg("out_columns"), nb::arg("out_values").none(),
        nb::arg("out_counts").none(), nb::arg("out_latest").none(), nb::arg("n_threads") = 1,
        nb::arg("cancel").none() = nb::none(), "Combine sorted slots into one entry per (row, column).");
}

template <class Value, class Row>
void define_gather(nb::module_& m) {
  m.def("csr_gather", &gather<Value, Row>, nb::arg("source"), nb::arg("rows"), nb::arg("out"), nb::arg("n_threads") = 1,
        nb::arg("cancel").none() = nb::none(), "out[i] = source[rows[i]]; rows are trusted.");
}

}  // namespace

void register_csr(nb::module_& m) {
  m.def("csr_count", &count_codes, nb::arg("codes"), nb::arg("counts"), nb::arg("n_threads") = 1,
        nb::arg("cancel").none() = nb::none(), "counts[c] += number of codes equal to c; codes are trusted.");
  m.def("csr_transpose", &transpose, nb::arg("indptr"), nb::arg("indices"), nb::arg("data").none(),
        nb::arg("out_indptr"), nb::arg("out_indices"), nb::arg("out_data").none(), nb::arg("n_threads") = 1,
        nb::arg("cancel").none() = nb::none(), "The same entries with columns as rows, ascending.");
  m.def("csr_sort_pairs", &sort_pairs, nb::arg("rows"), nb::arg("columns"), nb::arg("indptr"), nb::arg("slots"),
        nb::arg("unique_indptr"), nb::arg("is_wide"), nb::arg("n_threads") = 1, nb::arg("cancel").none() = nb::none(),
        "Sort (row, column) pairs; a slot is column << 32 | table row, or two words when wide.");
  define_combine(m, "csr_combine", &combine<rb::NarrowSlot, std::uint32_t>);
  define_combine(m, "csr_combine_wide", &combine<rb::WideSlot, std::uint64_t>);
  define_gather<float, std::uint32_t>(m);
  define_gather<float, std::uint64_t>(m);
  define_gather<std::int64_t, std::uint32_t>(m);
  define_gather<std::int64_t, std::uint64_t>(m);
}
