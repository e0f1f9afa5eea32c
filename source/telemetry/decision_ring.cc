#include "source/telemetry/decision_ring.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace weir::telemetry {

// Zero pages from the kernel are empty slots: sequence 0 was never pushed.
DecisionRing::DecisionRing() {
  void* at = mmap(nullptr, kRecords * sizeof(Slot), PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  slots_.reset(static_cast<Slot*>(at));
}

void DecisionRing::Unmap::operator()(Slot* slots) const { munmap(slots, kRecords * sizeof(Slot)); }

bool DecisionRing::read(const Slot& slot, DecisionRecord& record, uint64_t& sequence) {
  sequence = slot.sequence.load(std::memory_order_acquire);
  if (sequence == 0 || sequence % 2 == 1) return false;
  std::array<uint64_t, kWords> words;
  for (size_t i = 0; i < kWords; ++i) words[i] = slot.words[i].load(std::memory_order_acquire);
  if (slot.sequence.load(std::memory_order_relaxed) != sequence) return false;
  std::memcpy(static_cast<void*>(&record), words.data(), sizeof(record));
  return true;
}

std::vector<DecisionRecord> DecisionRing::newest(size_t limit) const {
  std::vector<std::pair<uint64_t, DecisionRecord>> found;
  for (size_t i = 0; i < kRecords; ++i) {
    std::pair<uint64_t, DecisionRecord> one;
    if (read(slots_[i], one.second, one.first)) found.push_back(one);
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<DecisionRecord> records;
  for (size_t i = 0; i < std::min(limit, found.size()); ++i) records.push_back(found[i].second);
  return records;
}

}  // namespace weir::telemetry
