#include "event_table.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace ridgeback {
namespace {

constexpr std::size_t kPieceBytes = 1 << 19;
constexpr std::int64_t kBatchRows = 1 << 15;

}  // namespace

Cell TypedColumn::cell(std::int64_t row) const {
  Cell cell;
  row += offset;
  if (bits && !(bits[row >> 3] >> (row & 7) & 1)) return cell;
  if (missing && missing[row]) return cell;
  const auto word = [&](const auto* offsets) {
    cell.kind = Cell::kWord;
    cell.word = {bytes + offsets[row], static_cast<std::size_t>(offsets[row + 1] - offsets[row])};
  };
  switch (kind) {
    case kInt64:
      cell.kind = Cell::kInt;
      cell.integer = static_cast<const std::int64_t*>(values)[row];
      break;
    case kFloat64:
    case kFloat32:
      cell.kind = Cell::kReal;
      cell.real =
          kind == kFloat64 ? static_cast<const double*>(values)[row] : double{static_cast<const float*>(values)[row]};
      break;
    case kText32:
      word(static_cast<const std::int32_t*>(values));
      break;
    case kText64:
      word(static_cast<const std::int64_t*>(values));
      break;
  }
  return cell;
}

EventTable::EventTable(Plan plan_, bool stops_at_bad_row, std::size_t max_examples)
    : plan(std::move(plan_)),
      first_text(plan.size()),
      ids(plan.size()),
      floats(plan.size()),
      times(plan.size()),
      texts(plan.size()),
      stops_at_bad_row_(stops_at_bad_row),
      max_examples_(max_examples) {}

void EventTable::set_dialect(Dialect dialect, std::int64_t n_rows_to_skip) {
  dialect_ = std::move(dialect);
  n_rows_to_skip_ = n_rows_to_skip;
}

void EventTable::start_blocks(std::size_t n) {
  std::vector<bool> ids_are_text(plan.size());
  for (std::size_t role = 0; role < plan.size(); ++role) ids_are_text[role] = ids[role].is_text();
  while (blocks_.size() < n) blocks_.emplace_back(plan, max_examples_);
  for (std::size_t i = 0; i < n; ++i) blocks_[i].start(ids_are_text);
}

bool EventTable::add_text(std::string_view text, bool is_last, const Execution& execution) {
  rest_.append(text);
  std::string_view left = rest_;
  for (; n_rows_to_skip_ > 0; --n_rows_to_skip_) {
    if (!skip_row(left, dialect_, is_last, n_lines_)) return true;
  }
  const auto pieces = cut_rows(left, dialect_, kPieceBytes, is_last);
  start_blocks(pieces.size());
  if (!run_chunks(static_cast<std::int64_t>(pieces.size()), execution, [&](std::int64_t piece, int) {
        const auto i = static_cast<std::size_t>(piece);
        read_rows(pieces[i], dialect_, blocks_[i]);
      }))
    return false;
  if (!append_blocks(pieces.size(), execution)) return false;
  const char* end = pieces.empty() ? left.data() : pieces.back().data() + pieces.back().size();
  rest_.erase(0, static_cast<std::size_t>(end - rest_.data()));
  return true;
}

bool EventTable::add_rows(const std::vector<TypedColumn>& columns, std::int64_t n, const Execution& execution) {
  const auto chunks = even_chunks(n, kBatchRows);
  std::vector<std::int64_t> places(columns.size());
  std::iota(places.begin(), places.end(), 0);
  start_blocks(chunks.size());
  if (!run_chunks(static_cast<std::int64_t>(chunks.size()), execution, [&](std::int64_t chunk, int) {
        const auto i = static_cast<std::size_t>(chunk);
        std::vector<Cell> cells(columns.size());
        for (std::int64_t row = chunks[i].begin; row < chunks[i].end; ++row) {
          for (std::size_t role = 0; role < columns.size(); ++role) cells[role] = columns[role].cell(row);
          blocks_[i].add_row(cells.data(), places.data(), 0);
        }
      }))
    return false;
  return append_blocks(chunks.size(), execution);
}

bool EventTable::append_blocks(std::size_t n, const Execution& execution) {
  for (std::size_t i = 0; i < n; ++i) {
    note(blocks_[i]);
    if (stops_at_bad_row_ && n_bad > 0) return false;
    append(blocks_[i]);
  }
  for (std::size_t role = 0; role < plan.size(); ++role) {
    if (plan.roles[role] != Role::kId) continue;
    std::vector<IdBlock*> columns;
    for (std::size_t i = 0; i < n; ++i) columns.push_back(&blocks_[i].ids[role]);
    if (!ids[role].append(std::move(columns), execution)) return false;
  }
  return true;
}

// All but the ids.
void EventTable::append(const EventBlock& block) {
  for (std::size_t role = 0; role < plan.size(); ++role) {
    switch (plan.roles[role]) {
      case Role::kId:
        break;
      case Role::kTime:
        times[role].append(block.times[role].data(), static_cast<std::int64_t>(block.times[role].size()));
        break;
      case Role::kText: {
        const auto start = static_cast<std::int64_t>(texts[role].bytes.size());
        texts[role].bytes.insert(texts[role].bytes.end(), block.texts[role].bytes.begin(),
                                 block.texts[role].bytes.end());
        for (const std::int64_t end : block.texts[role].ends) texts[role].ends.push_back(start + end);
        break;
      }
      default:
        floats[role].append(block.floats[role].data(), static_cast<std::int64_t>(block.floats[role].size()));
    }
  }
}

// Counts, and the places of what is bad or first of its kind.
void EventTable::note(const EventBlock& block) {
  const auto place = [&](std::int64_t row, std::int64_t line, const std::string& value) {
    return Place{n_rows + row, n_lines_ + line + 1, value};
  };
  if (first_number.row < 0 && block.first_number >= 0)
    first_number = place(block.first_number, block.first_number_line, {});
  if (first_date.row < 0 && block.first_date >= 0) first_date = place(block.first_date, block.first_date_line, {});
  for (std::size_t role = 0; role < plan.size(); ++role) {
    const auto& text = block.first_text[role];
    if (first_text[role].row < 0 && text.row >= 0) first_text[role] = place(text.row, text.line, text.value);
  }
  for (const BadRow& bad : block.bad_rows) {
    if (bad_rows.size() >= max_examples_) break;
    bad_rows.push_back({bad, n_lines_ + bad.line + 1});
    bad_rows.back().bad.row += n_rows;
  }
  n_rows += block.n_rows;
  n_bad += block.n_bad;
  n_lines_ += block.n_lines;
}

bool EventTable::finish(const Execution& execution) {
  for (std::size_t role = 0; role < plan.size(); ++role) {
    if (plan.roles[role] == Role::kId && !ids[role].finish(execution)) return false;
  }
  return true;
}

}  // namespace ridgeback
