// A DecisionRing keeps a worker's last records. The worker pushes, any thread reads at the same
// time without a lock: each slot has a sequence number that is odd while the slot is written, and a
// reader that saw it change has read a torn record and leaves it out. Memory is committed as it
// fills.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "source/telemetry/decision_record.h"

namespace weir::telemetry {

class DecisionRing {
 public:
  static constexpr size_t kRecords = 1024;

  DecisionRing();

  // The worker only. Two instructions a word.
  void push(const DecisionRecord& record) {
    Slot& slot = slots_[pushed_ % kRecords];
    const auto* from = reinterpret_cast<const char*>(&record);
    // Each word is stored with release order, so none is seen before the odd number is.
    slot.sequence.store(2 * pushed_ + 1, std::memory_order_relaxed);
#pragma GCC unroll 63
    for (size_t i = 0; i < kWords; ++i) {
      uint64_t word;
      std::memcpy(&word, from + i * sizeof(word), sizeof(word));
      slot.words[i].store(word, std::memory_order_release);
    }
    slot.sequence.store(2 * pushed_ + 2, std::memory_order_release);
    ++pushed_;
  }

  // Any thread: the newest records, newest first, at most `limit`.
  std::vector<DecisionRecord> newest(size_t limit = kRecords) const;

 private:
  static constexpr size_t kWords = sizeof(DecisionRecord) / sizeof(uint64_t);
  static_assert(sizeof(DecisionRecord) % sizeof(uint64_t) == 0);

  struct alignas(64) Slot {
    std::atomic<uint64_t> sequence;
    std::array<std::atomic<uint64_t>, kWords> words;
  };
  static_assert(sizeof(Slot) <= 512);

  // False when the slot is empty, being written, or was written meanwhile.
  static bool read(const Slot& slot, DecisionRecord& record, uint64_t& sequence);

  struct Unmap {
    void operator()(Slot* slots) const;
  };
  std::unique_ptr<Slot[], Unmap> slots_;
  uint64_t pushed_ = 0;
};

}  // namespace weir::telemetry
