#include "source/codec/http2/stream_table.h"

#include <algorithm>
#include <utility>

namespace weir::codec {

Http2Stream* StreamTable::find(uint32_t id) const {
  if (capacity_ == 0) return nullptr;
  for (size_t i = home(id); slots_[i] != nullptr; i = (i + 1) & (capacity_ - 1)) {
    if (slots_[i]->id_ == id) return slots_[i];
  }
  return nullptr;
}

void StreamTable::add(Http2Stream& stream) {
  if ((size_ + 1) * 4 > capacity_ * 3) grow();
  place(stream);
  ++size_;
}

void StreamTable::place(Http2Stream& stream) {
  size_t i = home(stream.id_);
  while (slots_[i] != nullptr) i = (i + 1) & (capacity_ - 1);
  slots_[i] = &stream;
}

void StreamTable::grow() {
  const size_t old = capacity_;
  const auto slots = std::move(slots_);
  capacity_ = std::max(kSmallest, old * 2);
  slots_ = std::make_unique<Http2Stream*[]>(capacity_);
  for (size_t i = 0; i < old; ++i) {
    if (slots[i] != nullptr) place(*slots[i]);
  }
}

void StreamTable::remove(Http2Stream& stream) {
  const size_t mask = capacity_ - 1;
  size_t hole = home(stream.id_);
  while (slots_[hole] != &stream) hole = (hole + 1) & mask;
  --size_;
  slots_[hole] = nullptr;
  if (size_ == 0 && capacity_ > kSmallest) {  // what a burst needed is not kept
    slots_.reset();
    capacity_ = 0;
    return;
  }
  // Whoever was pushed past the hole moves into it.
  for (size_t i = (hole + 1) & mask; slots_[i] != nullptr; i = (i + 1) & mask) {
    const size_t from_home = (i - home(slots_[i]->id_)) & mask;
    if (from_home < ((i - hole) & mask)) continue;
    slots_[hole] = std::exchange(slots_[i], nullptr);
    hole = i;
  }
}

void ClosedStreams::add(uint32_t id, How how) {
  uint32_t& slot = ids_[next_++ % ids_.size()];
  if ((slot & kReset) != 0) forgotten_reset_ = std::max(forgotten_reset_, slot & ~kReset);
  slot = how == How::Reset ? id | kReset : id;
}

ClosedStreams::How ClosedStreams::howOf(uint32_t id) const {
  for (uint32_t known : ids_) {
    if (known == id) return How::Ended;
    if (known == (id | kReset)) return How::Reset;
  }
  return id <= forgotten_reset_ ? How::Reset : How::Unknown;
}

}  // namespace weir::codec
