// Rows of delimited text: any separator, quotes doubled inside quotes, lines ended by LF, CRLF or CR, blank lines
// between rows passed over.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "event_block.hpp"

namespace ridgeback {

struct Dialect {
  std::string separator;
  bool has_quotes = true;
  std::int64_t n_cells = 0;         // in every row
  std::vector<std::int64_t> cells;  // by role: which cell of the row
};

// Cuts text that begins with a row into pieces of about `target` bytes that end with one. What follows the last piece
// is no whole row yet; the last text of all has no rest.
std::vector<std::string_view> cut_rows(std::string_view text, const Dialect& dialect, std::size_t target, bool is_last);

// Reads all rows of a piece into the block.
void read_rows(std::string_view piece, const Dialect& dialect, EventBlock& block);

// Takes the first row with anything in it off the text and counts the line ends on the way. False, and nothing done,
// when the row may go on in text that is not here yet.
bool skip_row(std::string_view& text, const Dialect& dialect, bool is_last, std::int64_t& n_lines);

}  // namespace ridgeback
