// Ids of a column, numbered while the rows come in: ints stay ints until the first id that is text.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "growing.hpp"
#include "parallel.hpp"
#include "text.hpp"

namespace ridgeback {

// Distinct strings, numbered in the order of their first appearance.
class Dictionary {
 public:
  std::int32_t find_or_add(std::string_view word);
  std::string_view operator[](std::int64_t code) const { return view()[code]; }
  std::int64_t size() const { return static_cast<std::int64_t>(offsets_.size()) - 1; }
  void clear();
  TextView view() const { return {offsets_.data(), bytes_.data(), size()}; }

 private:
  void grow();

  std::vector<std::int64_t> offsets_{0};
  std::vector<std::uint8_t> bytes_;
  std::vector<std::int32_t> slots_;    // a code, or -1; a power of two long
  std::vector<std::uint32_t> hashes_;  // upper half of each word's hash
};

// The ids of one block of rows, filled by one thread.
class IdBlock {
 public:
  void start(bool is_text);
  bool is_text() const { return is_text_; }
  void add(std::int64_t id);
  void add(std::string_view id);

  const std::vector<std::int64_t>& ints() const { return ints_; }
  const Dictionary& words() const { return words_; }
  const std::vector<std::int32_t>& codes() const { return codes_; }

 private:
  void become_text();

  bool is_text_ = false;
  std::vector<std::int64_t> ints_;  // while all are ints
  Dictionary words_;                // afterwards
  std::vector<std::int32_t> codes_;
};

// All ids of a column. Blocks are appended in the order of the table.
class IdEncoder {
 public:
  void append(const IdBlock& block);

  // Puts the ids in ascending order (ints by value, text by bytes) and renumbers the rows.
  bool finish(const Execution& execution);

  bool is_text() const { return is_text_; }
  GrowingColumn<std::int32_t>& codes() { return codes_; }
  const std::vector<std::int64_t>& ints() const { return ints_; }
  Dictionary& words() { return words_; }
  const std::vector<std::int64_t>& text_order() const { return order_; }

 private:
  void append_ints(const std::vector<std::int64_t>& ids);
  void number_ints();
  void become_text();
  bool renumber(const std::vector<std::int32_t>& new_codes, const Execution& execution);

  // Small ints are kept as they are, as if they were codes, until finish; larger or negative ones are numbered by hash.
  bool is_plain_ = true;
  bool is_text_ = false;
  GrowingColumn<std::int32_t> codes_;
  std::vector<std::int64_t> ints_;       // distinct ints by code, once numbered
  std::vector<std::int32_t> int_slots_;  // hash table over them
  Dictionary words_;
  std::vector<std::int64_t> order_;  // of the words, ascending

  std::int32_t find_or_add(std::int64_t id);
};

}  // namespace ridgeback
