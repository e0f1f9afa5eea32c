// A KeyTable is an immutable set of byte strings, made for questions of the form "which prefixes of
// this path are in the set?": a PrefixHash walks the path once and gives the hash of any prefix, a
// bit filter answers most misses without touching the table, and the distinct lengths present say
// which prefixes are worth asking. Each key has a dense id, in the order of insertion. Filled on
// the main thread, then read by every worker.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace weir::router {

// Hashes of growing prefixes of one text: at(n) must be called with n never decreasing. Each call
// costs O(bytes since the last one / 8). Not against chosen collisions: the keys are configuration.
class PrefixHash {
 public:
  explicit PrefixHash(std::string_view text) : text_(text) {}

  uint64_t at(size_t size) {
    while (done_ + 8 <= size) {
      uint64_t word;
      std::memcpy(&word, text_.data() + done_, 8);
      state_ = mix(state_ ^ word);
      done_ += 8;
    }
    uint64_t tail = 0;
    if (text_.size() >= done_ + 8) {
      std::memcpy(&tail, text_.data() + done_, 8);
      tail &= (uint64_t{1} << ((size - done_) * 8)) - 1;
    } else if (size > done_) {
      std::memcpy(&tail, text_.data() + done_, size - done_);
    }
    return mix(state_ ^ mix(tail + size));
  }

 private:
  static uint64_t mix(uint64_t value) {
    value *= 0x9e3779b97f4a7c15u;
    return value ^ (value >> 29);
  }

  std::string_view text_;
  size_t done_ = 0;
  uint64_t state_ = 0x2545f4914f6cdd1du;
};

class KeyTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // The id of the key, new or known. Only before the first find().
  uint32_t insert(std::string_view key);

  uint32_t find(std::string_view key) const { return find(key, PrefixHash(key).at(key.size())); }
  uint32_t find(std::string_view key, uint64_t hash) const {
    if (filter_.empty()) return kNone;
    const uint64_t bit = hash >> filter_shift_;
    if (((filter_[bit >> 6] >> (bit & 63)) & 1) == 0) return kNone;
    return probe(key, hash);
  }

  // Ascending.
  const std::vector<uint32_t>& lengths() const { return lengths_; }
  size_t size() const { return keys_.size(); }
  bool empty() const { return keys_.empty(); }
  std::string_view key(uint32_t id) const {
    return {bytes_.data() + keys_[id].offset, keys_[id].size};
  }

 private:
  struct Key {
    uint32_t offset;
    uint32_t size;
  };
  struct Slot {
    uint32_t tag = 0;
    uint32_t id = kNone;
  };

  uint32_t probe(std::string_view key, uint64_t hash) const;
  void place(uint32_t id, uint64_t hash);
  void grow();

  std::string bytes_;
  std::vector<Key> keys_;
  std::vector<Slot> slots_;       // a power of two, at most half full; linear probing
  std::vector<uint64_t> filter_;  // a power of two of bits, 16 or more a key
  int filter_shift_ = 0;
  std::vector<uint32_t> lengths_;
};

}  // namespace weir::router
