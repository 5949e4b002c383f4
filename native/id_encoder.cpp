#include "id_encoder.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace ridgeback {
namespace {

constexpr std::int32_t kMaxInt32 = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kGroup = 256;  // ids whose places in memory are fetched ahead together

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * 0x9E3779B97F4A7C15ull;
  return hash ^ (hash >> 29);
}

std::uint32_t hash_of(std::int64_t id) {
  return static_cast<std::uint32_t>(mix(mix(0, static_cast<std::uint64_t>(id)), 0) >> 32);
}

std::uint32_t hash_of(std::string_view word) {
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
  return static_cast<std::uint32_t>(mix(mix(hash, tail), 0) >> 32);
}

std::string_view spell(std::int64_t id, char (&buffer)[24]) {
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, id);
  return {buffer, static_cast<std::size_t>(end - buffer)};
}

void check_room(std::int64_t n_ids, std::int32_t n_parts) {
  if (n_ids >= kMaxInt32 / n_parts) throw std::length_error("more than 2^31 - 1 distinct ids");
}

}  // namespace

void IdBlock::start(bool is_text) {
  is_text_ = is_text;
  ints_.clear();
  bytes_.clear();
  ends_.resize(1);
  hashes_.clear();
}

void IdBlock::add(std::int64_t id) {
  if (is_text_) {
    char buffer[24];
    add(spell(id, buffer));
  } else {
    ints_.push_back(id);
  }
}

void IdBlock::add(std::string_view id) {
  if (!is_text_) become_text();
  bytes_.insert(bytes_.end(), id.begin(), id.end());
  ends_.push_back(static_cast<std::int64_t>(bytes_.size()));
  hashes_.push_back(hash_of(id));
}

void IdBlock::become_text() {
  is_text_ = true;
  for (const std::int64_t id : ints_) add(id);
  ints_.clear();
}

std::int32_t WordTable::find_or_add(std::string_view word, std::uint32_t hash) {
  if (2 * (entries_.size() + 1) > slots_.size()) grow();
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
    Slot& slot = slots_[i];
    if (slot.code < 0) {
      slot = {hash, static_cast<std::int32_t>(entries_.size())};
      entries_.push_back({static_cast<std::int64_t>(bytes_.size()), static_cast<std::uint32_t>(word.size()), hash});
      bytes_.insert(bytes_.end(), word.begin(), word.end());
      return slot.code;
    }
    if (slot.hash == hash && (*this)[slot.code] == word) return slot.code;
  }
}

void WordTable::prefetch_slot(std::uint32_t hash) const {
  if (!slots_.empty()) __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
}

void WordTable::prefetch_entry(std::uint32_t hash) const {
  if (slots_.empty()) return;
  const std::int32_t code = slots_[hash & (slots_.size() - 1)].code;
  if (code >= 0) __builtin_prefetch(&entries_[static_cast<std::size_t>(code)]);
}

void WordTable::prefetch_word(std::uint32_t hash) const {
  if (slots_.empty()) return;
  const std::int32_t code = slots_[hash & (slots_.size() - 1)].code;
  if (code >= 0) __builtin_prefetch(bytes_.data() + entries_[static_cast<std::size_t>(code)].begin);
}

void WordTable::grow() {
  slots_.assign(std::max<std::size_t>(1024, slots_.size() * 2), Slot{0, -1});
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t code = 0; code < entries_.size(); ++code) {
    std::size_t i = entries_[code].hash & mask;
    while (slots_[i].code >= 0) i = (i + 1) & mask;
    slots_[i] = {entries_[code].hash, static_cast<std::int32_t>(code)};
  }
}

std::int32_t IntTable::find_or_add(std::int64_t id, std::uint32_t hash) {
  if (2 * (ids_.size() + 1) > slots_.size()) grow();
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
    Slot& slot = slots_[i];
    if (slot.code < 0) {
      slot = {id, static_cast<std::int32_t>(ids_.size())};
      ids_.push_back(id);
      return slot.code;
    }
    if (slot.id == id) return slot.code;
  }
}

void IntTable::prefetch_slot(std::uint32_t hash) const {
  if (!slots_.empty()) __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
}

void IntTable::grow() {
  slots_.assign(std::max<std::size_t>(1024, slots_.size() * 2), Slot{0, -1});
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t code = 0; code < ids_.size(); ++code) {
    std::size_t i = hash_of(ids_[code]) & mask;
    while (slots_[i].code >= 0) i = (i + 1) & mask;
    slots_[i] = {ids_[code], static_cast<std::int32_t>(code)};
  }
}

namespace {

// Numbers ids [0, n) of which hash(i) begins with `part`: codes[i] = code within the part * n_parts + part.
template <class Table, class Hash, class Find, class Fetch>
void number_part(Table& table, std::uint32_t part, int part_bits, std::int64_t n, const Hash& hash, const Find& find,
                 const Fetch& fetch, std::int32_t* codes) {
  const std::int32_t n_parts = 1 << part_bits;
  std::int64_t mine[kGroup];
  for (std::int64_t begin = 0; begin < n; begin += kGroup) {
    std::size_t n_mine = 0;
    for (std::int64_t i = begin; i < std::min(begin + kGroup, n); ++i) {
      mine[n_mine] = i;
      n_mine += hash(i) >> (32 - part_bits) == part;
    }
    fetch(mine, n_mine);
    check_room(table.size() + kGroup, n_parts);
    for (std::size_t k = 0; k < n_mine; ++k) codes[mine[k]] = find(mine[k]) * n_parts + static_cast<std::int32_t>(part);
  }
}

}  // namespace

bool IdEncoder::append(std::vector<IdBlock*> blocks, const Execution& execution) {
  const bool has_text =
      std::any_of(blocks.begin(), blocks.end(), [](const IdBlock* block) { return block->is_text(); });
  if (!is_text_ && has_text && !become_text(execution)) return false;
  return is_text_ ? append_words(blocks, execution) : append_ints(blocks, execution);
}

bool IdEncoder::append_words(const std::vector<IdBlock*>& blocks, const Execution& execution) {
  std::vector<std::int32_t*> places;
  std::int64_t n = 0;
  for (IdBlock* block : blocks) {
    if (!block->is_text()) block->become_text();
    n += block->size();
  }
  std::int32_t* place = codes_.extend(n);
  for (const IdBlock* block : blocks) {
    places.push_back(place);
    place += block->size();
  }
  return run_chunks(kParts, execution, [&](std::int64_t part, int) {
    WordTable& table = word_parts_[static_cast<std::size_t>(part)];
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      const IdBlock& block = *blocks[b];
      const auto hash = [&](std::int64_t i) { return block.hash(i); };
      const auto find = [&](std::int64_t i) { return table.find_or_add(block.word(i), block.hash(i)); };
      const auto fetch = [&](const std::int64_t* rows, std::size_t n_rows) {
        for (std::size_t k = 0; k < n_rows; ++k) table.prefetch_slot(block.hash(rows[k]));
        for (std::size_t k = 0; k < n_rows; ++k) table.prefetch_entry(block.hash(rows[k]));
        for (std::size_t k = 0; k < n_rows; ++k) table.prefetch_word(block.hash(rows[k]));
      };
      number_part(table, static_cast<std::uint32_t>(part), kPartBits, block.size(), hash, find, fetch, places[b]);
    }
  });
}

bool IdEncoder::append_ints(const std::vector<IdBlock*>& blocks, const Execution& execution) {
  for (const IdBlock* block : blocks) {
    const std::vector<std::int64_t>& ids = block->ints();
    const bool is_small =
        std::all_of(ids.begin(), ids.end(), [](std::int64_t id) { return id >= 0 && id <= kMaxInt32; });
    if (is_plain_ && !is_small && !number_plain_ints(execution)) return false;
    std::int32_t* const place = codes_.extend(block->size());
    if (is_plain_) {
      std::transform(ids.begin(), ids.end(), place, [](std::int64_t id) { return static_cast<std::int32_t>(id); });
      continue;
    }
    const bool is_complete = run_chunks(kParts, execution, [&](std::int64_t part, int) {
      IntTable& table = int_parts_[static_cast<std::size_t>(part)];
      const auto hash = [&](std::int64_t i) { return hash_of(ids[static_cast<std::size_t>(i)]); };
      const auto find = [&](std::int64_t i) { return table.find_or_add(ids[static_cast<std::size_t>(i)], hash(i)); };
      const auto fetch = [&](const std::int64_t* rows, std::size_t n_rows) {
        for (std::size_t k = 0; k < n_rows; ++k) table.prefetch_slot(hash(rows[k]));
      };
      number_part(table, static_cast<std::uint32_t>(part), kPartBits, block->size(), hash, find, fetch, place);
    });
    if (!is_complete) return false;
  }
  return true;
}

// From ints that stand for themselves to codes.
bool IdEncoder::number_plain_ints(const Execution& execution) {
  is_plain_ = false;
  std::int32_t* const codes = codes_.data();
  // Each part would read codes that another part has written already: go through them block by block, by a copy.
  std::vector<std::int64_t> ids;
  for (const Chunk& chunk : even_chunks(codes_.size(), 1 << 18)) {
    ids.assign(codes + chunk.begin, codes + chunk.end);
    const bool is_complete = run_chunks(kParts, execution, [&](std::int64_t part, int) {
      IntTable& table = int_parts_[static_cast<std::size_t>(part)];
      const auto hash = [&](std::int64_t i) { return hash_of(ids[static_cast<std::size_t>(i)]); };
      const auto find = [&](std::int64_t i) { return table.find_or_add(ids[static_cast<std::size_t>(i)], hash(i)); };
      const auto fetch = [&](const std::int64_t* rows, std::size_t n_rows) {
        for (std::size_t k = 0; k < n_rows; ++k) table.prefetch_slot(hash(rows[k]));
      };
      number_part(table, static_cast<std::uint32_t>(part), kPartBits, chunk.end - chunk.begin, hash, find, fetch,
                  codes + chunk.begin);
    });
    if (!is_complete) return false;
  }
  return true;
}

bool IdEncoder::become_text(const Execution& execution) {
  if (is_plain_ && !number_plain_ints(execution)) return false;
  is_text_ = true;
  std::array<std::int64_t, kParts + 1> firsts{};
  std::vector<std::int32_t> new_codes;
  for (std::int32_t part = 0; part < kParts; ++part) {
    IntTable& ints = int_parts_[static_cast<std::size_t>(part)];
    for (std::int64_t code = 0; code < ints.size(); ++code) {
      char buffer[24];
      const std::string_view word = spell(ints[code], buffer);
      const std::uint32_t hash = hash_of(word);
      const auto new_part = static_cast<std::int32_t>(hash >> (32 - kPartBits));
      new_codes.push_back(word_parts_[static_cast<std::size_t>(new_part)].find_or_add(word, hash) * kParts + new_part);
    }
    firsts[static_cast<std::size_t>(part) + 1] = static_cast<std::int64_t>(new_codes.size());
    ints = {};
  }
  return renumber(firsts, new_codes, execution);
}

bool IdEncoder::renumber(const std::array<std::int64_t, kParts + 1>& firsts, const std::vector<std::int32_t>& ranks,
                         const Execution& execution) {
  const auto chunks = even_chunks(codes_.size(), 1 << 20);
  std::int32_t* const codes = codes_.data();
  return run_chunks(static_cast<std::int64_t>(chunks.size()), execution, [&](std::int64_t chunk, int) {
    const Chunk rows = chunks[static_cast<std::size_t>(chunk)];
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      const std::int64_t place = firsts[static_cast<std::size_t>(codes[row] % kParts)] + codes[row] / kParts;
      codes[row] = ranks[static_cast<std::size_t>(place)];
    }
  });
}

bool IdEncoder::finish(const Execution& execution) {
  if (is_text_) return finish_words(execution);
  if (is_plain_) {
    const std::int32_t* codes = codes_.data();
    std::int32_t largest = -1;
    for (std::int64_t row = 0; row < codes_.size(); ++row) largest = std::max(largest, codes[row]);
    // A table as long as the largest id, where that is no more than the rows themselves (or 4 MB).
    if (largest < std::max<std::int64_t>(codes_.size(), 1 << 20)) return finish_plain_ints(largest, execution);
    if (!number_plain_ints(execution)) return false;
  }
  return finish_ints(execution);
}

bool IdEncoder::finish_plain_ints(std::int32_t largest, const Execution& execution) {
  std::vector<std::int32_t> ranks(static_cast<std::size_t>(largest + 1), -1);
  std::int32_t* const codes = codes_.data();
  for (std::int64_t row = 0; row < codes_.size(); ++row) ranks[static_cast<std::size_t>(codes[row])] = 0;
  for (std::int32_t id = 0; id <= largest; ++id) {
    if (ranks[static_cast<std::size_t>(id)] < 0) continue;
    ranks[static_cast<std::size_t>(id)] = static_cast<std::int32_t>(ints_.size());
    ints_.push_back(id);
  }
  const auto chunks = even_chunks(codes_.size(), 1 << 20);
  return run_chunks(static_cast<std::int64_t>(chunks.size()), execution, [&](std::int64_t chunk, int) {
    const Chunk rows = chunks[static_cast<std::size_t>(chunk)];
    for (std::int64_t row = rows.begin; row < rows.end; ++row) codes[row] = ranks[static_cast<std::size_t>(codes[row])];
  });
}

bool IdEncoder::finish_ints(const Execution& execution) {
  std::array<std::int64_t, kParts + 1> firsts{};
  for (std::size_t part = 0; part < int_parts_.size(); ++part) {
    for (std::int64_t code = 0; code < int_parts_[part].size(); ++code) ints_.push_back(int_parts_[part][code]);
    firsts[part + 1] = static_cast<std::int64_t>(ints_.size());
    int_parts_[part] = {};
  }
  std::vector<std::int32_t> by_value(ints_.size()), ranks(ints_.size());
  std::iota(by_value.begin(), by_value.end(), 0);
  std::sort(by_value.begin(), by_value.end(), [&](std::int32_t a, std::int32_t b) {
    return ints_[static_cast<std::size_t>(a)] < ints_[static_cast<std::size_t>(b)];
  });
  for (std::size_t rank = 0; rank < by_value.size(); ++rank)
    ranks[static_cast<std::size_t>(by_value[rank])] = static_cast<std::int32_t>(rank);
  std::sort(ints_.begin(), ints_.end());
  return renumber(firsts, ranks, execution);
}

bool IdEncoder::finish_words(const Execution& execution) {
  std::array<std::int64_t, kParts + 1> firsts{};
  std::vector<std::int64_t> offsets{0};
  std::vector<std::uint8_t> bytes;
  for (std::size_t part = 0; part < word_parts_.size(); ++part) {
    WordTable& table = word_parts_[part];
    for (std::int64_t code = 0; code < table.size(); ++code) {
      const std::string_view word = table[code];
      bytes.insert(bytes.end(), word.begin(), word.end());
      offsets.push_back(static_cast<std::int64_t>(bytes.size()));
    }
    firsts[part + 1] = static_cast<std::int64_t>(offsets.size()) - 1;
    table = {};
  }
  const TextView words{offsets.data(), bytes.data(), static_cast<std::int64_t>(offsets.size()) - 1};
  const std::vector<std::int64_t> order = ascending_order(words);
  std::vector<std::int32_t> ranks(order.size());
  word_offsets_.assign(1, 0);
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    ranks[static_cast<std::size_t>(order[rank])] = static_cast<std::int32_t>(rank);
    word_offsets_.push_back(word_offsets_.back() + static_cast<std::int64_t>(words[order[rank]].size()));
  }
  word_bytes_.resize(bytes.size());
  gather_text(words, order.data(), words.size, word_offsets_.data(), word_bytes_.data());
  return renumber(firsts, ranks, execution);
}

}  // namespace ridgeback
