// A run of table rows turned into columns by one thread. Rows with a bad cell are left out and noted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "id_encoder.hpp"

namespace ridgeback {

// What a column is for.
enum class Role : int { kId = 0, kValue = 1, kWeight = 2, kTime = 3, kEvent = 4, kText = 5 };

// How an id that arrives as text is meant.
enum class IdStyle : int {
  kText = 0,    // as it is
  kCell = 1,    // a cell of a text file: an int where it is the canonical decimal of one
  kTagged = 2,  // first a letter: s text, i int, anything else is no id
};

// Why a row was left out. The numbers are known to Python.
enum class Problem : int {
  kMissing = 0,
  kNotANumber = 1,
  kNotFinite = 2,
  kNegative = 3,
  kNotATime = 4,
  kUnknownKind = 5,
  kNotUtf8 = 6,
  kNotAnId = 7,
  kTooFewCells = 8,  // detail: how many there are
  kTooManyCells = 9,
  kUnclosedQuote = 10,
  kTextAfterQuote = 11,
};

struct Plan {
  std::vector<Role> roles;
  std::vector<IdStyle> id_styles;  // one a role; looked at for ids only
  std::unordered_map<std::string, float> kinds;

  std::size_t size() const { return roles.size(); }
};

struct Cell {
  enum Kind { kMissing, kWord, kInt, kReal } kind = kMissing;
  std::string_view word;
  std::int64_t integer = 0;
  double real = 0.0;
};

struct BadRow {
  std::int64_t row;   // counted from the first row of the block, bad ones included
  std::int64_t line;  // lines after the first one of the block
  int role;           // -1: the row as a whole
  Problem problem;
  std::int64_t detail;
  std::string value;
};

struct TextBlock {
  std::vector<std::int64_t> ends;  // after each string
  std::vector<std::uint8_t> bytes;
};

class EventBlock {
 public:
  EventBlock(const Plan& plan, std::size_t max_examples);

  // Empties the block, keeping its memory.
  void start(const std::vector<bool>& ids_are_text);

  // One row; the cell of role r is row[places[r]].
  void add_row(const Cell* row, const std::int64_t* places, std::int64_t line);
  void add_bad_row(std::int64_t line, int role, Problem problem, std::string_view value, std::int64_t detail = 0);

  std::int64_t n_rows = 0;  // bad ones included
  std::int64_t n_bad = 0;
  std::int64_t n_lines = 0;      // line ends, for text
  std::vector<BadRow> bad_rows;  // the first few
  // Indexed by role; only the one that fits is filled.
  std::vector<IdBlock> ids;
  std::vector<std::vector<float>> floats;
  std::vector<std::vector<std::int64_t>> times;
  std::vector<TextBlock> texts;
  // Rows (within the block) of the first plain number and the first date among the times, -1 where there is none.
  std::int64_t first_number = -1, first_date = -1;
  std::int64_t first_number_line = 0, first_date_line = 0;
  // By role: row and text of the first id that is no int.
  struct FirstText {
    std::int64_t row = -1, line = 0;
    std::string value;
  };
  std::vector<FirstText> first_text;

 private:
  struct Read {  // a cell, understood
    float number = 0.0f;
    std::int64_t integer = 0;
    bool is_date = false, is_int = false;
    std::string_view word;
  };
  bool read(std::size_t role, const Cell& cell, Read& out, Problem& problem) const;
  bool read_id(IdStyle style, bool is_text, const Cell& cell, Read& out, Problem& problem) const;
  void store(std::size_t role, const Read& read, std::int64_t line);

  const Plan& plan_;
  std::size_t max_examples_;
  std::vector<Read> reads_;
};

}  // namespace ridgeback
