#include "id_encoder.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace ridgeback {
namespace {

constexpr std::int64_t kMaxIds = std::numeric_limits<std::int32_t>::max();

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * 0x9E3779B97F4A7C15ull;
  return hash ^ (hash >> 29);
}

std::uint64_t hash_word(std::string_view word) {
  std::uint64_t hash = word.size() * 0xD6E8FEB86659FD93ull;
  const char* p = word.data();
  std::size_t left = word.size();
  for (; left >= 8; p += 8, left -= 8) {
    std::uint64_t part;
    std::memcpy(&part, p, 8);
    hash = mix(hash, part);
  }
  std::uint64_t tail = 0;
  if (left) std::memcpy(&tail, p, left);
  return mix(mix(hash, tail), 0);
}

void check_room(std::int64_t n_ids) {
  if (n_ids >= kMaxIds) throw std::length_error("more than 2^31 - 1 distinct ids");
}

std::string_view spell(std::int64_t id, char (&buffer)[24]) {
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, id);
  return {buffer, static_cast<std::size_t>(end - buffer)};
}

}  // namespace

std::int32_t Dictionary::find_or_add(std::string_view word) {
  if (2 * static_cast<std::size_t>(size() + 1) > slots_.size()) grow();
  const std::uint64_t hash = hash_word(word);
  const auto upper = static_cast<std::uint32_t>(hash >> 32);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = upper & mask;; slot = (slot + 1) & mask) {
    const std::int32_t code = slots_[slot];
    if (code < 0) {
      check_room(size());
      slots_[slot] = static_cast<std::int32_t>(size());
      hashes_.push_back(upper);
      bytes_.insert(bytes_.end(), word.begin(), word.end());
      offsets_.push_back(static_cast<std::int64_t>(bytes_.size()));
      return slots_[slot];
    }
    if (hashes_[static_cast<std::size_t>(code)] == upper && (*this)[code] == word) return code;
  }
}

void Dictionary::clear() {
  offsets_.resize(1);
  bytes_.clear();
  hashes_.clear();
  std::fill(slots_.begin(), slots_.end(), -1);
}

void Dictionary::grow() {
  slots_.assign(std::max<std::size_t>(64, slots_.size() * 2), -1);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t code = 0; code < hashes_.size(); ++code) {
    std::size_t slot = hashes_[code] & mask;
    while (slots_[slot] >= 0) slot = (slot + 1) & mask;
    slots_[slot] = static_cast<std::int32_t>(code);
  }
}

void IdBlock::start(bool is_text) {
  is_text_ = is_text;
  ints_.clear();
  words_.clear();
  codes_.clear();
}

void IdBlock::add(std::int64_t id) {
  if (is_text_) {
    char buffer[24];
    codes_.push_back(words_.find_or_add(spell(id, buffer)));
  } else {
    ints_.push_back(id);
  }
}

void IdBlock::add(std::string_view id) {
  if (!is_text_) become_text();
  codes_.push_back(words_.find_or_add(id));
}

void IdBlock::become_text() {
  is_text_ = true;
  char buffer[24];
  for (const std::int64_t id : ints_) codes_.push_back(words_.find_or_add(spell(id, buffer)));
  ints_.clear();
}

void IdEncoder::append(const IdBlock& block) {
  if (!block.is_text() && !is_text_) return append_ints(block.ints());
  if (!is_text_) become_text();
  if (!block.is_text()) {
    char buffer[24];
    std::int32_t* out = codes_.extend(static_cast<std::int64_t>(block.ints().size()));
    for (const std::int64_t id : block.ints()) *out++ = words_.find_or_add(spell(id, buffer));
    return;
  }
  std::vector<std::int32_t> code_here(static_cast<std::size_t>(block.words().size()));
  for (std::size_t code = 0; code < code_here.size(); ++code)
    code_here[code] = words_.find_or_add(block.words()[static_cast<std::int64_t>(code)]);
  std::int32_t* out = codes_.extend(static_cast<std::int64_t>(block.codes().size()));
  for (const std::int32_t code : block.codes()) *out++ = code_here[static_cast<std::size_t>(code)];
}

void IdEncoder::append_ints(const std::vector<std::int64_t>& ids) {
  if (is_plain_) {
    const bool is_small = std::all_of(ids.begin(), ids.end(), [](std::int64_t id) {
      return id >= 0 && id <= std::numeric_limits<std::int32_t>::max();
    });
    if (is_small) {
      std::int32_t* out = codes_.extend(static_cast<std::int64_t>(ids.size()));
      for (const std::int64_t id : ids) *out++ = static_cast<std::int32_t>(id);
      return;
    }
    number_ints();
  }
  std::int32_t* out = codes_.extend(static_cast<std::int64_t>(ids.size()));
  for (const std::int64_t id : ids) *out++ = find_or_add(id);
}

std::int32_t IdEncoder::find_or_add(std::int64_t id) {
  if (2 * (ints_.size() + 1) > int_slots_.size()) {
    int_slots_.assign(std::max<std::size_t>(1024, int_slots_.size() * 2), -1);
    const std::size_t mask = int_slots_.size() - 1;
    for (std::size_t code = 0; code < ints_.size(); ++code) {
      std::size_t slot = mix(0, static_cast<std::uint64_t>(ints_[code])) >> 20 & mask;
      while (int_slots_[slot] >= 0) slot = (slot + 1) & mask;
      int_slots_[slot] = static_cast<std::int32_t>(code);
    }
  }
  const std::size_t mask = int_slots_.size() - 1;
  std::size_t slot = mix(0, static_cast<std::uint64_t>(id)) >> 20 & mask;
  while (int_slots_[slot] >= 0) {
    if (ints_[static_cast<std::size_t>(int_slots_[slot])] == id) return int_slots_[slot];
    slot = (slot + 1) & mask;
  }
  check_room(static_cast<std::int64_t>(ints_.size()));
  int_slots_[slot] = static_cast<std::int32_t>(ints_.size());
  ints_.push_back(id);
  return int_slots_[slot];
}

// From plain small ints to codes: by a bitmap of those that occur where that is affordable, else by hash. Either way
// `ints_` and the hash table are in step afterwards when rows may still follow.
void IdEncoder::number_ints() {
  is_plain_ = false;
  std::int32_t* codes = codes_.data();
  for (std::int64_t row = 0; row < codes_.size(); ++row) codes[row] = find_or_add(codes[row]);
}

void IdEncoder::become_text() {
  if (is_plain_) number_ints();
  is_text_ = true;
  char buffer[24];
  for (const std::int64_t id : ints_) words_.find_or_add(spell(id, buffer));  // distinct: the codes stay
  ints_ = {};
  int_slots_ = {};
}

bool IdEncoder::renumber(const std::vector<std::int32_t>& new_codes, const Execution& execution) {
  const auto chunks = even_chunks(codes_.size(), 1 << 20);
  std::int32_t* codes = codes_.data();
  return run_chunks(static_cast<std::int64_t>(chunks.size()), execution, [&](std::int64_t chunk, int) {
    for (std::int64_t row = chunks[static_cast<std::size_t>(chunk)].begin;
         row < chunks[static_cast<std::size_t>(chunk)].end; ++row)
      codes[row] = new_codes[static_cast<std::size_t>(codes[row])];
  });
}

bool IdEncoder::finish(const Execution& execution) {
  std::vector<std::int32_t> new_codes;
  if (is_text_) {
    order_ = ascending_order(words_.view());
    new_codes.resize(order_.size());
    for (std::size_t rank = 0; rank < order_.size(); ++rank)
      new_codes[static_cast<std::size_t>(order_[rank])] = static_cast<std::int32_t>(rank);
    return renumber(new_codes, execution);
  }
  if (is_plain_) {
    const std::int32_t* codes = codes_.data();
    std::int32_t largest = -1;
    for (std::int64_t row = 0; row < codes_.size(); ++row) largest = std::max(largest, codes[row]);
    // A table as long as the largest id, where that is no more than the rows themselves (or 4 MB).
    if (largest < std::max<std::int64_t>(codes_.size(), 1 << 20)) {
      new_codes.assign(static_cast<std::size_t>(largest + 1), -1);
      for (std::int64_t row = 0; row < codes_.size(); ++row) new_codes[static_cast<std::size_t>(codes[row])] = 0;
      for (std::int32_t id = 0; id <= largest; ++id) {
        if (new_codes[static_cast<std::size_t>(id)] < 0) continue;
        new_codes[static_cast<std::size_t>(id)] = static_cast<std::int32_t>(ints_.size());
        ints_.push_back(id);
      }
      return renumber(new_codes, execution);
    }
    number_ints();
  }
  std::vector<std::int32_t> by_value(ints_.size());
  for (std::size_t code = 0; code < ints_.size(); ++code) by_value[code] = static_cast<std::int32_t>(code);
  std::sort(by_value.begin(), by_value.end(), [&](std::int32_t a, std::int32_t b) {
    return ints_[static_cast<std::size_t>(a)] < ints_[static_cast<std::size_t>(b)];
  });
  new_codes.resize(ints_.size());
  for (std::size_t rank = 0; rank < by_value.size(); ++rank)
    new_codes[static_cast<std::size_t>(by_value[rank])] = static_cast<std::int32_t>(rank);
  std::sort(ints_.begin(), ints_.end());
  int_slots_ = {};
  return renumber(new_codes, execution);
}

}  // namespace ridgeback
