#include "source/router/key_table.h"

#include <algorithm>
#include <bit>

namespace weir::router {
namespace {

constexpr size_t kLeastSlots = 8;
constexpr size_t kFilterBitsPerSlot = 8;  // half of the slots are free, so 16 a key

uint32_t tagOf(uint64_t hash) { return static_cast<uint32_t>(hash >> 20); }

}  // namespace

uint32_t KeyTable::insert(std::string_view key) {
  const uint64_t hash = PrefixHash(key).at(key.size());
  if (const uint32_t known = find(key, hash); known != kNone) return known;
  if ((keys_.size() + 1) * 2 > slots_.size()) grow();
  const auto id = static_cast<uint32_t>(keys_.size());
  keys_.push_back({static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(key.size())});
  bytes_.append(key);
  place(id, hash);
  const auto length = static_cast<uint32_t>(key.size());
  const auto at = std::lower_bound(lengths_.begin(), lengths_.end(), length);
  if (at == lengths_.end() || *at != length) lengths_.insert(at, length);
  return id;
}

uint32_t KeyTable::probe(std::string_view text, uint64_t hash) const {
  const size_t mask = slots_.size() - 1;
  for (size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.id == kNone) return kNone;
    if (slot.tag == tagOf(hash) && key(slot.id) == text) return slot.id;
  }
}

void KeyTable::place(uint32_t id, uint64_t hash) {
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  while (slots_[at].id != kNone) at = (at + 1) & mask;
  slots_[at] = {tagOf(hash), id};
  const uint64_t bit = hash >> filter_shift_;
  filter_[bit >> 6] |= uint64_t{1} << (bit & 63);
}

void KeyTable::grow() {
  const size_t slots = std::max(kLeastSlots, slots_.size() * 2);
  slots_.assign(slots, Slot{});
  const size_t bits = slots * kFilterBitsPerSlot;
  filter_.assign(bits / 64, 0);
  filter_shift_ = 64 - std::countr_zero(bits);
  for (uint32_t id = 0; id < keys_.size(); ++id) {
    place(id, PrefixHash(key(id)).at(keys_[id].size));
  }
}

}  // namespace weir::router
