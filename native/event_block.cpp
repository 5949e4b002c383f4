#include "event_block.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "cell_text.hpp"

namespace ridgeback {
namespace {

constexpr std::size_t kShownBytes = 200;

bool is_ascii(std::string_view word) {
  unsigned char any = 0;
  for (const char c : word) any |= static_cast<unsigned char>(c);
  return any < 0x80;
}

bool is_utf8(std::string_view word) {
  if (is_ascii(word)) return true;
  const std::int64_t offsets[] = {0, static_cast<std::int64_t>(word.size())};
  return first_invalid_utf8({offsets, reinterpret_cast<const std::uint8_t*>(word.data()), 1}) < 0;
}

std::string spell(const Cell& cell) {
  if (cell.kind == Cell::kWord) return std::string(cell.word.substr(0, kShownBytes));
  if (cell.kind == Cell::kInt) return std::to_string(cell.integer);
  if (cell.kind == Cell::kMissing) return {};
  char buffer[64];
  int length = 0;
  for (int digits = 6; digits <= 17; ++digits) {  // as few as say the same number
    length = std::snprintf(buffer, sizeof buffer, "%.*g", digits, cell.real);
    if (std::strtod(buffer, nullptr) == cell.real) break;
  }
  return {buffer, static_cast<std::size_t>(length)};
}

// A number of any kind of cell as float64.
bool number_of(const Cell& cell, double& number) {
  if (cell.kind == Cell::kInt) number = static_cast<double>(cell.integer);
  if (cell.kind == Cell::kReal) number = cell.real;
  if (cell.kind != Cell::kWord) return true;
  const auto parsed = parse_number(cell.word);
  if (parsed) number = *parsed;
  return parsed.has_value();
}

}  // namespace

EventBlock::EventBlock(const Plan& plan, std::size_t max_examples)
    : ids(plan.size()),
      floats(plan.size()),
      times(plan.size()),
      texts(plan.size()),
      first_text(plan.size()),
      plan_(plan),
      max_examples_(max_examples),
      reads_(plan.size()) {}

void EventBlock::start(const std::vector<bool>& ids_are_text) {
  n_rows = n_bad = n_lines = 0;
  bad_rows.clear();
  first_number = first_date = -1;
  for (std::size_t role = 0; role < plan_.size(); ++role) {
    ids[role].start(ids_are_text[role]);
    floats[role].clear();
    times[role].clear();
    texts[role].ends.clear();
    texts[role].bytes.clear();
    first_text[role] = {};
  }
}

void EventBlock::add_bad_row(std::int64_t line, int role, Problem problem, std::string_view value,
                             std::int64_t detail) {
  if (bad_rows.size() < max_examples_)
    bad_rows.push_back({n_rows, line, role, problem, detail, std::string(value.substr(0, kShownBytes))});
  ++n_bad;
  ++n_rows;
}

void EventBlock::add_row(const Cell* row, const std::int64_t* places, std::int64_t line) {
  for (std::size_t role = 0; role < plan_.size(); ++role) {
    const Cell& cell = row[places[role]];
    Problem problem = Problem::kMissing;
    if (!read(role, cell, reads_[role], problem)) {
      const bool is_tagged = plan_.roles[role] == Role::kId && plan_.id_styles[role] == IdStyle::kTagged;
      const std::string shown = spell(cell);
      add_bad_row(line, static_cast<int>(role), problem, is_tagged && !shown.empty() ? shown.substr(1) : shown);
      return;
    }
  }
  for (std::size_t role = 0; role < plan_.size(); ++role) store(role, reads_[role], line);
  ++n_rows;
}

bool EventBlock::read(std::size_t role, const Cell& cell, Read& out, Problem& problem) const {
  if (plan_.roles[role] == Role::kText) {  // nothing there is an empty text
    out.word = cell.kind == Cell::kWord ? cell.word : std::string_view();
    problem = Problem::kNotUtf8;
    return is_utf8(out.word);
  }
  if (cell.kind == Cell::kMissing) {
    problem = Problem::kMissing;
    return false;
  }
  switch (plan_.roles[role]) {
    case Role::kId:
      return read_id(plan_.id_styles[role], ids[role].is_text(), cell, out, problem);
    case Role::kTime: {
      const auto moment = cell.kind == Cell::kWord   ? parse_moment(cell.word)
                          : cell.kind == Cell::kReal ? moment_of(cell.real)
                                                     : Moment{false, cell.integer};
      problem = Problem::kNotATime;
      if (!moment) return false;
      out.integer = moment->value;
      out.is_date = moment->is_date;
      return true;
    }
    case Role::kEvent: {
      const auto kind = plan_.kinds.find(spell(cell));
      problem = Problem::kUnknownKind;
      if (kind == plan_.kinds.end()) return false;
      out.number = kind->second;
      return true;
    }
    default: {
      double number = 0.0;
      problem = Problem::kNotANumber;
      if (!number_of(cell, number)) return false;
      out.number = static_cast<float>(number);
      problem = Problem::kNotFinite;
      if (!std::isfinite(out.number)) return false;
      problem = Problem::kNegative;
      return plan_.roles[role] != Role::kWeight || number >= 0.0;
    }
  }
}

bool EventBlock::read_id(IdStyle style, bool is_text, const Cell& cell, Read& out, Problem& problem) const {
  out.is_int = cell.kind == Cell::kInt;
  out.integer = cell.integer;
  if (cell.kind != Cell::kWord) {
    problem = Problem::kNotAnId;
    return out.is_int;
  }
  out.word = cell.word;
  if (style == IdStyle::kTagged) {
    const char tag = out.word.empty() ? '?' : out.word.front();
    problem = Problem::kNotAnId;
    if (tag != 's' && tag != 'i') return false;
    out.word.remove_prefix(1);
    if (tag == 's') style = IdStyle::kText;
  }
  if (style != IdStyle::kText && !is_text) {
    if (const auto id = parse_canonical_int(out.word)) {
      out.is_int = true;
      out.integer = *id;
      return true;
    }
  }
  problem = Problem::kNotUtf8;
  return is_utf8(out.word);
}

void EventBlock::store(std::size_t role, const Read& read, std::int64_t line) {
  switch (plan_.roles[role]) {
    case Role::kId:
      if (read.is_int) {
        ids[role].add(read.integer);
      } else {
        if (first_text[role].row < 0) first_text[role] = {n_rows, line, std::string(read.word.substr(0, kShownBytes))};
        ids[role].add(read.word);
      }
      break;
    case Role::kTime:
      times[role].push_back(read.integer);
      if (read.is_date && first_date < 0) {
        first_date = n_rows;
        first_date_line = line;
      } else if (!read.is_date && first_number < 0) {
        first_number = n_rows;
        first_number_line = line;
      }
      break;
    case Role::kText:
      texts[role].bytes.insert(texts[role].bytes.end(), read.word.begin(), read.word.end());
      texts[role].ends.push_back(static_cast<std::int64_t>(texts[role].bytes.size()));
      break;
    default:
      floats[role].push_back(read.number);
  }
}

}  // namespace ridgeback
