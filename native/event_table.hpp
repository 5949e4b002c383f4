// A table of events, filled block after block from text or from typed columns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "delimited.hpp"
#include "event_block.hpp"
#include "growing.hpp"
#include "id_encoder.hpp"
#include "parallel.hpp"

namespace ridgeback {

// One column of a batch of typed rows.
struct TypedColumn {
  enum Kind { kInt64, kFloat64, kFloat32, kText32, kText64 } kind;
  const void* values;                     // numbers, or the offsets of text
  const char* bytes = nullptr;            // of text
  const std::uint8_t* bits = nullptr;     // one bit a row, set where there is a value; or null
  const std::uint8_t* missing = nullptr;  // one byte a row, set where there is none; or null
  std::int64_t offset = 0;                // added to the row

  Cell cell(std::int64_t row) const;
};

class EventTable {
 public:
  EventTable(Plan plan, bool stops_at_bad_row, std::size_t max_examples);
  EventTable(const EventTable&) = delete;
  EventTable& operator=(const EventTable&) = delete;

  void set_dialect(Dialect dialect, std::int64_t n_rows_to_skip);

  // Text that goes on where the text before ended. Both return false when stopped by a signal or by a bad row.
  bool add_text(std::string_view text, bool is_last, const Execution& execution);
  bool add_rows(const std::vector<TypedColumn>& columns, std::int64_t n_rows, const Execution& execution);

  // Puts ids in ascending order.
  bool finish(const Execution& execution);

  // Where something is: the row counted from 0 with bad rows, and the line counted from 1.
  struct Place {
    std::int64_t row = -1, line = -1;
    std::string value;
  };
  struct Noted {
    BadRow bad;
    std::int64_t line;
  };

  const Plan plan;
  std::int64_t n_rows = 0, n_bad = 0;
  std::vector<Noted> bad_rows;
  Place first_number, first_date;
  std::vector<Place> first_text;  // by role
  std::vector<IdEncoder> ids;
  std::vector<GrowingColumn<float>> floats;
  std::vector<GrowingColumn<std::int64_t>> times;
  std::vector<TextBlock> texts;

 private:
  // The first n of blocks_, emptied.
  void start_blocks(std::size_t n);
  // The first n blocks, in the order of the table; false when a bad row or a signal stops it.
  bool append_blocks(std::size_t n, const Execution& execution);
  void append(const EventBlock& block);
  void note(const EventBlock& block);

  const bool stops_at_bad_row_;
  const std::size_t max_examples_;
  Dialect dialect_;
  std::int64_t n_rows_to_skip_ = 0;
  std::int64_t n_lines_ = 0;
  std::string rest_;
  std::vector<EventBlock> blocks_;  // kept for their memory
};

}  // namespace ridgeback
