#include "ids.hpp"

#include <nanobind/stl/tuple.h>

#include <stdexcept>
#include <tuple>
#include <utility>

#include "bindings/register.hpp"

namespace {

using ridgeback::TextView;
using Offsets = Vector<const std::int64_t>;
using Bytes = Vector<const std::uint8_t>;
using Ints = Vector<const std::int64_t>;
using Table = Vector<const std::int32_t>;

TextView view(const Offsets& offsets, const Bytes& data) {
  if (offsets.shape(0) == 0) throw std::invalid_argument("offsets need at least one entry");
  return {offsets.data(), data.data(), static_cast<std::int64_t>(offsets.shape(0)) - 1};
}

// A NumPy array that owns the vector.
template <class T>
nb::ndarray<nb::numpy, T, nb::ndim<1>> to_array(std::vector<T>&& values) {
  auto* kept = new std::vector<T>(std::move(values));
  const nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return nb::ndarray<nb::numpy, T, nb::ndim<1>>(kept->data(), {kept->size()}, owner);
}

template <class Work>
auto released(Work&& work) {
  const nb::gil_scoped_release release;
  return work();
}

void check_table(const Table& table) {
  const std::size_t size = table.shape(0);
  if (size < 2 || (size & (size - 1)) != 0) throw std::invalid_argument("the size of a table is a power of two");
}

template <class Build>
auto build_table(std::int64_t n, Build&& build) {
  std::vector<std::int32_t> table;
  const ridgeback::Duplicate duplicate = released([&] {
    table.resize(static_cast<std::size_t>(ridgeback::table_size(n)));
    return build(table.data(), static_cast<std::int64_t>(table.size()));
  });
  return std::make_tuple(to_array(std::move(table)), duplicate.first, duplicate.second);
}

template <class Factorize>
auto factorize(std::int64_t n, Factorize&& work) {
  std::vector<std::int32_t> codes;
  std::vector<std::int64_t> firsts = released([&] {
    codes.resize(static_cast<std::size_t>(n));
    return work(codes.data());
  });
  return std::make_tuple(to_array(std::move(codes)), to_array(std::move(firsts)));
}

template <class LookUp>
auto look_up(std::int64_t n, LookUp&& work) {
  std::vector<std::int32_t> rows;
  released([&] {
    rows.resize(static_cast<std::size_t>(n));
    work(rows.data());
  });
  return to_array(std::move(rows));
}

void register_text(nb::module_& m) {
  m.def(
      "first_invalid_utf8",
      [](const Offsets& offsets, const Bytes& data) {
        return released([&] { return ridgeback::first_invalid_utf8(view(offsets, data)); });
      },
      "First position whose bytes are not well-formed UTF-8, or -1.");
  m.def(
      "first_falling_offset",
      [](const Offsets& offsets) {
        return released([&] {
          return ridgeback::first_falling_offset(offsets.data(), static_cast<std::int64_t>(offsets.shape(0)) - 1);
        });
      },
      "First i with offsets[i + 1] < offsets[i], or -1.");
  m.def(
      "gather_text",
      [](const Offsets& offsets, const Bytes& data, const Ints& rows) {
        const TextView text = view(offsets, data);
        std::vector<std::int64_t> out_offsets;
        std::vector<std::uint8_t> out;
        released([&] {
          const auto n = static_cast<std::int64_t>(rows.shape(0));
          out_offsets.assign(rows.shape(0) + 1, 0);
          for (std::int64_t i = 0; i < n; ++i) {
            const std::int64_t row = rows.data()[i];
            if (row < 0 || row >= text.size) throw std::out_of_range("a row is outside the text");
            out_offsets[i + 1] = out_offsets[i] + static_cast<std::int64_t>(text[row].size());
          }
          out.resize(static_cast<std::size_t>(out_offsets.back()));
          ridgeback::gather_text(text, rows.data(), n, out_offsets.data(), out.data());
        });
        return std::make_tuple(to_array(std::move(out_offsets)), to_array(std::move(out)));
      },
      "Offsets and bytes of the strings at these rows.");
  m.def(
      "is_ascending_text",
      [](const Offsets& offsets, const Bytes& data) {
        return released([&] { return ridgeback::is_ascending(view(offsets, data)); });
      },
      "Whether each string is above the one before it, by bytes.");
  m.def(
      "parse_canonical_ints",
      [](const Offsets& offsets, const Bytes& data) {
        const TextView text = view(offsets, data);
        std::vector<std::int64_t> values;
        std::vector<std::uint8_t> is_int;
        released([&] {
          values.resize(static_cast<std::size_t>(text.size));
          is_int.resize(static_cast<std::size_t>(text.size));
          ridgeback::parse_canonical_ints(text, values.data(), is_int.data());
        });
        return std::make_tuple(to_array(std::move(values)), to_array(std::move(is_int)));
      },
      "The int that each string is the canonical decimal of, and where it is one.");
  m.def(
      "spell_ints",
      [](const Ints& values) {
        std::vector<std::int64_t> offsets;
        std::vector<std::uint8_t> data;
        released([&] {
          offsets.resize(values.shape(0) + 1);
          ridgeback::spell_ints(values.data(), static_cast<std::int64_t>(values.shape(0)), offsets.data(), data);
        });
        return std::make_tuple(to_array(std::move(offsets)), to_array(std::move(data)));
      },
      "Offsets and bytes of the decimals of ints.");
}

void register_tables(nb::module_& m) {
  m.def(
      "build_text_table",
      [](const Offsets& offsets, const Bytes& data) {
        const TextView ids = view(offsets, data);
        return build_table(
            ids.size, [&](std::int32_t* table, std::int64_t size) { return ridgeback::build_table(ids, table, size); });
      },
      "Hash table over text ids, and the rows of the first id that comes twice (-1, -1 where none does).");
  m.def(
      "build_int_table",
      [](const Ints& ids) {
        const auto n = static_cast<std::int64_t>(ids.shape(0));
        return build_table(n, [&](std::int32_t* table, std::int64_t size) {
          return ridgeback::build_table(ids.data(), n, table, size);
        });
      },
      "Hash table over int ids, and the rows of the first id that comes twice (-1, -1 where none does).");
  m.def(
      "look_up_text",
      [](const Offsets& offsets, const Bytes& data, const Table& table, const Offsets& query_offsets,
         const Bytes& query_data) {
        check_table(table);
        const TextView ids = view(offsets, data), queries = view(query_offsets, query_data);
        return look_up(queries.size, [&](std::int32_t* rows) {
          ridgeback::look_up(ids, table.data(), static_cast<std::int64_t>(table.shape(0)), queries, rows);
        });
      },
      "The row of each query, -1 where unknown.");
  m.def(
      "look_up_ints",
      [](const Ints& ids, const Table& table, const Ints& queries) {
        check_table(table);
        const auto n_queries = static_cast<std::int64_t>(queries.shape(0));
        return look_up(n_queries, [&](std::int32_t* rows) {
          ridgeback::look_up(ids.data(), static_cast<std::int64_t>(ids.shape(0)), table.data(),
                             static_cast<std::int64_t>(table.shape(0)), queries.data(), n_queries, rows);
        });
      },
      "The row of each query, -1 where unknown.");
  m.def(
      "look_up_ascending",
      [](const Ints& ids, const Ints& queries) {
        const auto n_queries = static_cast<std::int64_t>(queries.shape(0));
        return look_up(n_queries, [&](std::int32_t* rows) {
          ridgeback::look_up_ascending(ids.data(), static_cast<std::int64_t>(ids.shape(0)), queries.data(), n_queries,
                                       rows);
        });
      },
      "The row of each query in strictly ascending ids, -1 where unknown.");
}

}  // namespace

void register_ids(nb::module_& m) {
  register_text(m);
  register_tables(m);
  m.def(
      "factorize_text",
      [](const Offsets& offsets, const Bytes& data) {
        const TextView values = view(offsets, data);
        return factorize(values.size, [&](std::int32_t* codes) { return ridgeback::factorize(values, codes); });
      },
      "Rank of each string among the distinct ones, and where each distinct one occurs first, ascending by bytes.");
  m.def(
      "factorize_ints",
      [](const Ints& values) {
        const auto n = static_cast<std::int64_t>(values.shape(0));
        return factorize(n, [&](std::int32_t* codes) { return ridgeback::factorize(values.data(), n, codes); });
      },
      "Rank of each int among the distinct ones, and where each distinct one occurs first, ascending.");
  m.def(
      "closest_text",
      [](const Offsets& offsets, const Bytes& data, std::int64_t begin, std::int64_t end, const Bytes& query,
         int n_wanted) {
        const TextView ids = view(offsets, data);
        if (begin < 0 || end > ids.size) throw std::out_of_range("begin and end must lie in the text");
        const std::string_view word(reinterpret_cast<const char*>(query.data()), query.shape(0));
        return to_array(released([&] { return ridgeback::closest(ids, begin, end, word, n_wanted); }));
      },
      "Rows in begin .. end of the ids with the smallest edit distance to the query, nearest first.");
}
