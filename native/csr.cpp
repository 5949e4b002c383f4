#include "csr.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace ridgeback {
namespace {

constexpr std::int64_t kBlock = 1 << 20;  // entries a thread handles between two looks at the cancel flag

// How many parts a counting sort is cut into: each needs a histogram of its own, which may not outgrow the data.
std::int64_t n_parts(std::int64_t n_entries, std::int64_t n_counts, int n_threads) {
  const std::int64_t affordable = std::max<std::int64_t>(1, n_entries / std::max<std::int64_t>(1, 2 * n_counts));
  const std::int64_t useful = std::max<std::int64_t>(1, n_entries / (1 << 16));
  return std::clamp<std::int64_t>(n_threads, 1, std::min(affordable, useful));
}

// Histograms of the parts (part after part) become each part's first free place; offsets (n_counts + 1) the totals'.
void histograms_to_places(std::vector<std::int64_t>& histograms, std::int64_t parts, std::int64_t n_counts,
                          std::int64_t* offsets) {
  std::int64_t place = 0;
  for (std::int64_t code = 0; code < n_counts; ++code) {
    offsets[code] = place;
    for (std::int64_t part = 0; part < parts; ++part) {
      std::int64_t& cell = histograms[part * n_counts + code];
      const std::int64_t count = cell;
      cell = place;
      place += count;
    }
  }
  offsets[n_counts] = place;
}

Chunk even_part(std::int64_t n, std::int64_t part, std::int64_t parts) {
  const std::int64_t size = n / parts, rest = n % parts;
  const std::int64_t begin = part * size + std::min(part, rest);
  return {begin, begin + size + (part < rest)};
}

// Calls visit(i) for i in the chunk; false when cancelled on the way.
template <class Visit>
bool visit_entries(Chunk chunk, const Execution& execution, Visit&& visit) {
  for (std::int64_t begin = chunk.begin; begin < chunk.end; begin += kBlock) {
    if (is_cancelled(execution)) return false;
    const std::int64_t end = std::min(begin + kBlock, chunk.end);
    for (std::int64_t i = begin; i < end; ++i) visit(i);
  }
  return true;
}

constexpr std::ptrdiff_t kShortRow = 48, kLongRow = 1 << 22;

// Sorts by column the slots of a row, which come in the order of the table, byte by byte of the column (stable).
// A comparing sort takes three times as long, mispredicting half of its branches.
template <class Slot>
void sort_by_bytes(Slot* begin, Slot* end, std::vector<Slot>& scratch) {
  const auto n = static_cast<std::size_t>(end - begin);
  if (scratch.size() < n) scratch.resize(n);
  std::uint32_t used = 0;
  for (const Slot* slot = begin; slot != end; ++slot) used |= slot->column();
  Slot *from = begin, *to = scratch.data();
  for (int shift = 0; shift < 32 && used >> shift; shift += 8) {
    std::uint32_t places[256] = {};
    for (std::size_t i = 0; i < n; ++i) ++places[from[i].column() >> shift & 0xff];
    std::uint32_t place = 0;
    for (std::uint32_t& cell : places) place += std::exchange(cell, place);
    for (std::size_t i = 0; i < n; ++i) to[places[from[i].column() >> shift & 0xff]++] = from[i];
    std::swap(from, to);
  }
  if (from != begin) std::copy(from, from + n, begin);
}

// Sorts the slots of a row, which come in the order of the table, by (column, table row); returns how many columns
// differ.
template <class Slot>
std::int64_t sort_row(Slot* begin, Slot* end, std::vector<Slot>& scratch) {
  if (!std::is_sorted(begin, end)) {
    if (end - begin < kShortRow || end - begin > kLongRow) {
      std::sort(begin, end);
    } else {
      sort_by_bytes(begin, end, scratch);
    }
  }
  std::int64_t n_unique = 0;
  for (const Slot* slot = begin; slot != end; ++slot)
    n_unique += slot == begin || slot->column() != (slot - 1)->column();
  return n_unique;
}

// The entries [first, last) of one (row, column), combined into entry `out`.
template <class Slot, class Row>
void combine_group(const Combination<Slot, Row>& c, const Slot* first, const Slot* last, std::int64_t out) {
  const Slot* latest = last - 1;
  if (c.timestamps) {
    for (const Slot* slot = latest; slot-- != first;)
      if (c.timestamps[slot->row()] > c.timestamps[latest->row()]) latest = slot;
  }
  c.out_columns[out] = static_cast<std::int32_t>(first->column());
  if (c.out_latest) c.out_latest[out] = static_cast<Row>(latest->row());
  if (c.out_counts) c.out_counts[out] = static_cast<std::int32_t>(last - first);
  if (!c.out_values) return;

  const auto value = [&](const Slot* slot) { return c.values ? c.values[slot->row()] : 1.0f; };
  if (last - first == 1 || c.rule == Duplicates::kLast) {
    c.out_values[out] = value(latest);
  } else if (c.rule == Duplicates::kMax) {
    float largest = value(first);
    for (const Slot* slot = first + 1; slot != last; ++slot) largest = std::max(largest, value(slot));
    c.out_values[out] = largest;
  } else {
    double sum = 0.0;
    for (const Slot* slot = first; slot != last; ++slot) sum += value(slot);
    if (c.rule == Duplicates::kMean) sum /= static_cast<double>(last - first);
    c.out_values[out] = static_cast<float>(sum);
  }
}

}  // namespace

bool count_codes(const std::int32_t* codes, std::int64_t n, std::int64_t n_counts, std::int64_t* counts,
                 const Execution& execution) {
  const std::int64_t parts = n_parts(n, n_counts, execution.n_threads);
  std::vector<std::int64_t> histograms(parts * n_counts);
  const bool is_complete = run_chunks(parts, execution, [&](std::int64_t part, int) {
    std::int64_t* histogram = histograms.data() + part * n_counts;
    visit_entries(even_part(n, part, parts), execution, [&](std::int64_t i) { ++histogram[codes[i]]; });
  });
  for (std::int64_t part = 0; part < parts; ++part)
    for (std::int64_t code = 0; code < n_counts; ++code) counts[code] += histograms[part * n_counts + code];
  return is_complete;
}

template <class Slot>
bool sort_pairs(const Pairs& pairs, std::int64_t n_rows, std::int64_t* indptr, Slot* slots, std::int64_t* unique_indptr,
                const Execution& execution) {
  const std::int64_t parts = n_parts(pairs.n, n_rows, execution.n_threads);
  std::vector<std::int64_t> places(parts * n_rows);
  if (!run_chunks(parts, execution, [&](std::int64_t part, int) {
        std::int64_t* histogram = places.data() + part * n_rows;
        visit_entries(even_part(pairs.n, part, parts), execution, [&](std::int64_t i) { ++histogram[pairs.rows[i]]; });
      }))
    return false;
  histograms_to_places(places, parts, n_rows, indptr);
  if (!run_chunks(parts, execution, [&](std::int64_t part, int) {
        std::int64_t* place = places.data() + part * n_rows;
        visit_entries(even_part(pairs.n, part, parts), execution, [&](std::int64_t i) {
          slots[place[pairs.rows[i]]++] = Slot::make(static_cast<std::uint32_t>(pairs.columns[i]), i);
        });
      }))
    return false;

  const auto chunks = chunks_of_rows(indptr, n_rows, 4);
  if (!run_chunks(static_cast<std::int64_t>(chunks.size()), execution, [&](std::int64_t chunk, int) {
        std::vector<Slot> scratch;
        for (std::int64_t row = chunks[chunk].begin; row < chunks[chunk].end; ++row)
          unique_indptr[row + 1] = sort_row(slots + indptr[row], slots + indptr[row + 1], scratch);
      }))
    return false;
  unique_indptr[0] = 0;
  for (std::int64_t row = 0; row < n_rows; ++row) unique_indptr[row + 1] += unique_indptr[row];
  return true;
}

template <class Slot, class Row>
bool combine(const Combination<Slot, Row>& c, const Execution& execution) {
  const auto chunks = chunks_of_rows(c.indptr, c.n_rows, 4);
  return run_chunks(static_cast<std::int64_t>(chunks.size()), execution, [&](std::int64_t chunk, int) {
    for (std::int64_t row = chunks[chunk].begin; row < chunks[chunk].end; ++row) {
      const Slot* const end = c.slots + c.indptr[row + 1];
      std::int64_t out = c.unique_indptr[row];
      for (const Slot* first = c.slots + c.indptr[row]; first != end;) {
        const Slot* last = first + 1;
        while (last != end && last->column() == first->column()) ++last;
        combine_group(c, first, last, out++);
        first = last;
      }
    }
  });
}

bool transpose(const Matrix& matrix, std::int64_t* out_indptr, std::int32_t* out_indices, float* out_data,
               const Execution& execution) {
  const std::int64_t n_entries = matrix.n_rows ? matrix.indptr[matrix.n_rows] : 0;
  const std::int64_t parts = n_parts(n_entries, matrix.n_columns, execution.n_threads);
  std::vector<std::int64_t> places(parts * matrix.n_columns);
  std::vector<std::int64_t> bounds(parts + 1, matrix.n_rows);  // rows, cut where the entries are even
  for (std::int64_t part = 0; part < parts; ++part) {
    const std::int64_t entry = even_part(n_entries, part, parts).begin;
    bounds[part] =
        part == 0 ? 0 : std::lower_bound(matrix.indptr, matrix.indptr + matrix.n_rows + 1, entry) - matrix.indptr;
  }
  if (!run_chunks(parts, execution, [&](std::int64_t part, int) {
        std::int64_t* histogram = places.data() + part * matrix.n_columns;
        const Chunk entries{matrix.indptr[bounds[part]], matrix.indptr[bounds[part + 1]]};
        visit_entries(entries, execution, [&](std::int64_t i) { ++histogram[matrix.indices[i]]; });
      }))
    return false;
  histograms_to_places(places, parts, matrix.n_columns, out_indptr);
  return run_chunks(parts, execution, [&](std::int64_t part, int) {
    std::int64_t* place = places.data() + part * matrix.n_columns;
    for (std::int64_t row = bounds[part]; row < bounds[part + 1]; ++row) {
      if ((row & 0xfff) == 0 && is_cancelled(execution)) return;
      for (std::int64_t i = matrix.indptr[row]; i < matrix.indptr[row + 1]; ++i) {
        const std::int64_t out = place[matrix.indices[i]]++;
        out_indices[out] = static_cast<std::int32_t>(row);
        if (out_data) out_data[out] = matrix.data[i];
      }
    }
  });
}

template <class Value, class Row>
bool gather(const Value* source, const Row* rows, std::int64_t n, Value* out, const Execution& execution) {
  const auto chunks = even_chunks(n, kBlock);
  return run_chunks(static_cast<std::int64_t>(chunks.size()), execution, [&](std::int64_t chunk, int) {
    for (std::int64_t i = chunks[chunk].begin; i < chunks[chunk].end; ++i) out[i] = source[rows[i]];
  });
}

template bool sort_pairs(const Pairs&, std::int64_t, std::int64_t*, NarrowSlot*, std::int64_t*, const Execution&);
template bool sort_pairs(const Pairs&, std::int64_t, std::int64_t*, WideSlot*, std::int64_t*, const Execution&);
template bool combine(const Combination<NarrowSlot, std::uint32_t>&, const Execution&);
template bool combine(const Combination<WideSlot, std::uint64_t>&, const Execution&);
template bool gather(const float*, const std::uint32_t*, std::int64_t, float*, const Execution&);
template bool gather(const float*, const std::uint64_t*, std::int64_t, float*, const Execution&);
template bool gather(const std::int64_t*, const std::uint32_t*, std::int64_t, std::int64_t*, const Execution&);
template bool gather(const std::int64_t*, const std::uint64_t*, std::int64_t, std::int64_t*, const Execution&);

}  // namespace ridgeback
