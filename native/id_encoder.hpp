// Ids of a column, numbered while the rows come in: ints stay ints until the first id that is text.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "growing.hpp"
#include "parallel.hpp"
#include "text.hpp"

namespace ridgeback {

// The ids of one block of rows, filled by one thread.
class IdBlock {
 public:
  // Empties the block, keeping its memory.
  void start(bool is_text);

  bool is_text() const { return is_text_; }
  std::int64_t size() const { return static_cast<std::int64_t>(is_text_ ? hashes_.size() : ints_.size()); }
  void add(std::int64_t id);
  void add(std::string_view id);
  void become_text();

  const std::vector<std::int64_t>& ints() const { return ints_; }
  std::string_view word(std::int64_t row) const {
    return {bytes_.data() + ends_[static_cast<std::size_t>(row)],
            static_cast<std::size_t>(ends_[static_cast<std::size_t>(row) + 1] - ends_[static_cast<std::size_t>(row)])};
  }
  std::uint32_t hash(std::int64_t row) const { return hashes_[static_cast<std::size_t>(row)]; }

 private:
  bool is_text_ = false;
  std::vector<std::int64_t> ints_;  // while all are ints
  std::vector<char> bytes_;         // afterwards: words one after the other
  std::vector<std::int64_t> ends_{0};
  std::vector<std::uint32_t> hashes_;
};

// Distinct words, numbered in the order of their first appearance. The prefetches belong to the find that follows.
class WordTable {
 public:
  std::int32_t find_or_add(std::string_view word, std::uint32_t hash);
  void prefetch_slot(std::uint32_t hash) const;
  void prefetch_entry(std::uint32_t hash) const;
  void prefetch_word(std::uint32_t hash) const;

  std::int64_t size() const { return static_cast<std::int64_t>(entries_.size()); }
  std::string_view operator[](std::int64_t code) const {
    const Entry& entry = entries_[static_cast<std::size_t>(code)];
    return {bytes_.data() + entry.begin, entry.size};
  }

 private:
  struct Slot {
    std::uint32_t hash;
    std::int32_t code;  // -1: free
  };
  struct Entry {
    std::int64_t begin;
    std::uint32_t size;
    std::uint32_t hash;
  };
  void grow();

  std::vector<Slot> slots_;  // a power of two long
  std::vector<Entry> entries_;
  std::vector<char> bytes_;
};

// The same for ints.
class IntTable {
 public:
  std::int32_t find_or_add(std::int64_t id, std::uint32_t hash);
  void prefetch_slot(std::uint32_t hash) const;

  std::int64_t size() const { return static_cast<std::int64_t>(ids_.size()); }
  std::int64_t operator[](std::int64_t code) const { return ids_[static_cast<std::size_t>(code)]; }

 private:
  struct Slot {
    std::int64_t id;
    std::int32_t code;
  };
  void grow();

  std::vector<Slot> slots_;
  std::vector<std::int64_t> ids_;
};

// All ids of a column. Blocks are appended in the order of the table.
class IdEncoder {
 public:
  bool append(std::vector<IdBlock*> blocks, const Execution& execution);

  // Puts the ids in ascending order (ints by value, text by bytes) and renumbers the rows.
  bool finish(const Execution& execution);

  bool is_text() const { return is_text_; }
  GrowingColumn<std::int32_t>& codes() { return codes_; }

  // After finish: the ids in ascending order.
  const std::vector<std::int64_t>& ints() const { return ints_; }
  std::vector<std::int64_t>& word_offsets() { return word_offsets_; }
  std::vector<std::uint8_t>& word_bytes() { return word_bytes_; }

 private:
  // Each part of the tables holds the ids whose hash begins with its number, so that threads fill them side by side.
  // A code is (code within the part) * kParts + part, until finish.
  static constexpr int kPartBits = 3;
  static constexpr std::int32_t kParts = 1 << kPartBits;

  bool append_words(const std::vector<IdBlock*>& blocks, const Execution& execution);
  bool append_ints(const std::vector<IdBlock*>& blocks, const Execution& execution);
  bool number_plain_ints(const Execution& execution);
  bool become_text(const Execution& execution);
  bool finish_plain_ints(std::int32_t largest, const Execution& execution);
  bool finish_ints(const Execution& execution);
  bool finish_words(const Execution& execution);
  // codes <- ranks[first of the part + code within the part]
  bool renumber(const std::array<std::int64_t, kParts + 1>& firsts, const std::vector<std::int32_t>& ranks,
                const Execution& execution);

  // Small ints stand for themselves in codes_ until finish; larger or negative ones go through the tables.
  bool is_plain_ = true;
  bool is_text_ = false;
  GrowingColumn<std::int32_t> codes_;
  std::array<IntTable, kParts> int_parts_;
  std::array<WordTable, kParts> word_parts_;
  std::vector<std::int64_t> ints_;
  std::vector<std::int64_t> word_offsets_;
  std::vector<std::uint8_t> word_bytes_;
};

}  // namespace ridgeback
