#include "delimited.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <deque>

namespace ridgeback {
namespace {

constexpr char kQuote = '"';
constexpr std::ptrdiff_t kMaxQuoted = 2'000'000;  // bytes in quotes; beyond, the quote counts as unclosed

constexpr std::uint64_t kEveryByte = 0x0101010101010101;

// The high bit of the first byte that is zero, and maybe of some after it.
std::uint64_t zero_bytes(std::uint64_t word) { return (word - kEveryByte) & ~word & (kEveryByte << 7); }

int first_byte_of(std::uint64_t high_bits) {
  if constexpr (std::endian::native == std::endian::little) return std::countr_zero(high_bits) / 8;
  return std::countl_zero(high_bits) / 8;
}

// Reads row after row. A row ends after its line end, or at the end of the text.
class RowReader {
 public:
  RowReader(std::string_view text, const Dialect& dialect)
      : begin_(text.data()),
        p_(text.data()),
        end_(text.data() + text.size()),
        dialect_(dialect),
        first_of_separator_(kEveryByte * static_cast<unsigned char>(dialect.separator[0])),
        row_(static_cast<std::size_t>(dialect.n_cells) + 1) {}

  const char* position() const { return p_; }
  std::int64_t n_lines() const { return n_lines_; }
  // Whether the row read last might go on in text that is not here yet.
  bool is_open() const { return is_open_; }

  // Whether the text ends with what may be the first half of a CRLF.
  bool may_go_on() const { return p_ == end_ && p_ != begin_ && p_[-1] == '\r'; }

  // Line ends before the next row; false when none follows.
  bool skip_blank_lines() {
    while (p_ != end_ && (*p_ == '\n' || *p_ == '\r')) end_line();
    return p_ != end_;
  }

  // Reads the cells of the next row and passes over its line end. Returns the number of cells, or the problem that
  // spoilt the row as -1 - problem. A spoilt row is no longer than its first line, so that a stray quote does not
  // swallow the rows below.
  std::int64_t read() {
    const char* const begin = p_;
    const std::int64_t lines_before = n_lines_;
    std::int64_t n_cells = 0, problem = 0;
    n_kept_ = 0;
    is_open_ = false;
    for (;; ++n_cells) {
      Cell& cell = row_[static_cast<std::size_t>(std::min(n_cells, dialect_.n_cells))];
      if (dialect_.has_quotes && p_ != end_ && *p_ == kQuote) {
        problem = read_quoted(cell);
        if (problem) break;
      } else {
        const char* start = p_;
        find_cell_end();
        cell.word = {start, static_cast<std::size_t>(p_ - start)};
      }
      cell.kind = cell.word.empty() ? Cell::kMissing : Cell::kWord;
      if (!at_separator()) break;
      p_ += dialect_.separator.size();
    }
    if (!problem) ++n_cells;
    is_open_ |= p_ == end_;
    if (problem || (n_cells != dialect_.n_cells && n_lines_ != lines_before)) {
      p_ = begin;
      n_lines_ = lines_before;
      while (p_ != end_ && *p_ != '\n' && *p_ != '\r') ++p_;
      is_open_ |= p_ == end_;
    }
    if (p_ != end_) end_line();
    return problem ? problem : n_cells;
  }

  // The cells of the row read last, valid until the next one is read.
  const Cell* row() const { return row_.data(); }

 private:
  bool at_separator() const { return p_ != end_ && is_separator(p_); }

  bool is_separator(const char* p) const {
    const std::size_t size = dialect_.separator.size();
    return *p == dialect_.separator[0] && (size == 1 || (static_cast<std::size_t>(end_ - p) >= size &&
                                                         std::memcmp(p, dialect_.separator.data(), size) == 0));
  }

  // To the separator, line end or end of text after an unquoted cell.
  void find_cell_end() {
    const char* p = p_;
    const char* const end = end_;
    do {
      p = find_any(p, end);
    } while (p != end && *p != '\n' && *p != '\r' && !is_separator(p) && ++p);
    p_ = p;
  }

  // The first byte that is a line end or begins like the separator: eight bytes at a time, without a branch a byte.
  const char* find_any(const char* p, const char* end) const {
    for (; end - p >= 8; p += 8) {
      std::uint64_t word;
      std::memcpy(&word, p, 8);
      const std::uint64_t found = zero_bytes(word ^ first_of_separator_) | zero_bytes(word ^ kEveryByte * '\n') |
                                  zero_bytes(word ^ kEveryByte * '\r');
      if (found) return p + (first_byte_of(found));
    }
    while (p != end && *p != dialect_.separator[0] && *p != '\n' && *p != '\r') ++p;
    return p;
  }

  void end_line() {
    const bool is_return = *p_++ == '\r';
    if (is_return && p_ != end_ && *p_ == '\n') ++p_;
    ++n_lines_;
  }

  // A cell that begins with a quote, up to what follows its closing quote. 0 when all is well.
  std::int64_t read_quoted(Cell& cell) {
    const char* begin = ++p_;
    bool has_doubled = false;
    for (;;) {
      const std::ptrdiff_t reach = std::min(end_ - p_, kMaxQuoted - (p_ - begin));
      const void* quote = reach > 0 ? std::memchr(p_, kQuote, static_cast<std::size_t>(reach)) : nullptr;
      if (!quote) {
        is_open_ = end_ - begin <= kMaxQuoted;
        return -1 - static_cast<std::int64_t>(Problem::kUnclosedQuote);
      }
      p_ = static_cast<const char*>(quote) + 1;
      if (p_ == end_ || *p_ != kQuote) break;
      has_doubled = true;
      ++p_;
    }
    count_lines(begin, p_ - 1);
    if (p_ != end_ && *p_ != '\n' && *p_ != '\r' && !at_separator()) {
      is_open_ = static_cast<std::size_t>(end_ - p_) < dialect_.separator.size();  // the separator may be cut in two
      return -1 - static_cast<std::int64_t>(Problem::kTextAfterQuote);
    }
    cell.word = {begin, static_cast<std::size_t>(p_ - 1 - begin)};
    if (has_doubled) cell.word = without_doubled(cell.word);
    return 0;
  }

  void count_lines(const char* begin, const char* end) {
    for (const char* p = begin; p != end; ++p) n_lines_ += *p == '\n' || (*p == '\r' && (p + 1 == end || p[1] != '\n'));
  }

  // The word with each doubled quote once.
  std::string_view without_doubled(std::string_view word) {
    if (n_kept_ == kept_.size()) kept_.emplace_back();
    std::string& plain = kept_[n_kept_++];
    plain.clear();
    for (std::size_t i = 0; i < word.size(); ++i) {
      plain.push_back(word[i]);
      if (word[i] == kQuote) ++i;
    }
    return plain;
  }

  const char* const begin_;
  const char* p_;
  const char* const end_;
  const Dialect& dialect_;
  std::int64_t n_lines_ = 0;
  bool is_open_ = false;
  const std::uint64_t first_of_separator_;
  std::vector<Cell> row_;         // one more than a row has, for what is too much
  std::deque<std::string> kept_;  // words that had doubled quotes, of this row
  std::size_t n_kept_ = 0;
};

// The end of the last row of text[begin, end) that is whole, or begin. CR at the very end may be half of a CRLF.
std::size_t last_line_end(std::string_view text, std::size_t begin, std::size_t end) {
  for (std::size_t i = end; i > begin; --i) {
    if (text[i - 1] == '\n') return i;
    if (text[i - 1] == '\r' && i < text.size() && text[i] != '\n') return i;
  }
  return begin;
}

// The same where quotes may hide line ends: row by row.
std::size_t last_row_end(std::string_view text, std::size_t begin, std::size_t end, const Dialect& dialect) {
  RowReader reader(text.substr(begin), dialect);
  std::size_t found = begin;
  while (found < end && reader.skip_blank_lines()) {
    reader.read();
    const auto position = static_cast<std::size_t>(reader.position() - text.data());
    if (reader.is_open() || reader.may_go_on()) break;
    found = position;
  }
  return found;
}

}  // namespace

std::vector<std::string_view> cut_rows(std::string_view text, const Dialect& dialect, std::size_t target,
                                       bool is_last) {
  std::vector<std::string_view> pieces;
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t size = target, end = begin;
    while (end == begin) {  // a row longer than the target: look further
      const std::size_t stop = std::min(text.size(), begin + size);
      const bool may_hide = dialect.has_quotes && std::memchr(text.data() + begin, kQuote, stop - begin) != nullptr;
      end = may_hide ? last_row_end(text, begin, stop, dialect) : last_line_end(text, begin, stop);
      if (stop == text.size()) break;
      size *= 2;
    }
    if (end == begin) break;
    pieces.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  if (is_last && begin < text.size()) pieces.push_back(text.substr(begin));
  return pieces;
}

void read_rows(std::string_view piece, const Dialect& dialect, EventBlock& block) {
  RowReader reader(piece, dialect);
  while (reader.skip_blank_lines()) {
    const std::int64_t line = reader.n_lines();
    const char* begin = reader.position();
    const std::int64_t n_cells = reader.read();
    if (n_cells == dialect.n_cells) {
      block.add_row(reader.row(), dialect.cells.data(), line);
      continue;
    }
    std::string_view shown(begin, static_cast<std::size_t>(reader.position() - begin));
    while (!shown.empty() && (shown.back() == '\n' || shown.back() == '\r')) shown.remove_suffix(1);
    const Problem problem = n_cells < 0                 ? static_cast<Problem>(-1 - n_cells)
                            : n_cells < dialect.n_cells ? Problem::kTooFewCells
                                                        : Problem::kTooManyCells;
    block.add_bad_row(line, -1, problem, shown, n_cells);
  }
  block.n_lines = reader.n_lines();
}

bool skip_row(std::string_view& text, const Dialect& dialect, bool is_last, std::int64_t& n_lines) {
  RowReader reader(text, dialect);
  const bool has_row = reader.skip_blank_lines();
  if (has_row) reader.read();
  if (!is_last && (!has_row || reader.is_open() || reader.may_go_on())) return false;
  n_lines += reader.n_lines();
  text.remove_prefix(static_cast<std::size_t>(reader.position() - text.data()));
  return true;
}

}  // namespace ridgeback
