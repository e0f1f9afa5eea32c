#include "source/net/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace weir::net {

void Timer::arm(TimerWheel& wheel, SteadyTime deadline) {
  tick_ = std::max(wheel.tickOf(deadline), wheel.now_tick_ + 1);
  armed_ = true;
  if (back_ != nullptr) {
    if (tick_ >= slot_tick_) return;  // lazily: place() again when that slot comes round
    unlink();
  }
  wheel.place(*this);
}

void Timer::disarm() {
  armed_ = false;
  if (back_ != nullptr) unlink();
}

void Timer::unlink() {
  *back_ = next_;
  if (next_ != nullptr) next_->back_ = back_;
  back_ = nullptr;
  next_ = nullptr;
}

TimerWheel::~TimerWheel() {
  for (auto& level : slots_) {
    for (Timer*& head : level) {
      while (head != nullptr) head->unlink();
    }
  }
}

int64_t TimerWheel::tickOf(SteadyTime time) const {
  if (time <= start_) return 0;
  return (time - start_ + kTick - std::chrono::nanoseconds(1)) / kTick;
}

void TimerWheel::pushFront(Timer** head, Timer& timer) {
  timer.next_ = *head;
  if (timer.next_ != nullptr) timer.next_->back_ = &timer.next_;
  timer.back_ = head;
  *head = &timer;
}

void TimerWheel::place(Timer& timer) {
  constexpr int64_t kReach = int64_t{1} << (kBits * kLevels);
  const int64_t tick = std::min(timer.tick_, now_tick_ + kReach - kSlots);
  const int64_t distance = tick - now_tick_;
  int level = 0;
  while (level < kLevels - 1 && distance >= (int64_t{1} << (kBits * (level + 1)))) ++level;
  const auto slot = static_cast<size_t>((tick >> (kBits * level)) & (kSlots - 1));
  const auto at = static_cast<size_t>(level);
  timer.slot_tick_ = (tick >> (kBits * level)) << (kBits * level);
  pushFront(&slots_[at][slot], timer);
  used_[at] |= uint64_t{1} << slot;
  if (timer.slot_tick_ < next_tick_) {
    next_tick_ = timer.slot_tick_;
    if (on_earlier != nullptr) on_earlier(on_earlier_context);
  }
}

void TimerWheel::cascade(int level) {
  const auto at = static_cast<size_t>(level);
  const auto slot = static_cast<size_t>((now_tick_ >> (kBits * level)) & (kSlots - 1));
  used_[at] &= ~(uint64_t{1} << slot);
  Timer* due = slots_[at][slot];
  if (due == nullptr) return;
  slots_[at][slot] = nullptr;
  due->back_ = &due;
  while (due != nullptr) {
    Timer& timer = *due;
    timer.unlink();
    if (timer.tick_ > now_tick_) {
      place(timer);
    } else {
      pushFront(&slots_[0][static_cast<size_t>(now_tick_ & (kSlots - 1))], timer);
    }
  }
}

void TimerWheel::expire(Timer** head) {
  Timer* due = *head;
  *head = nullptr;
  if (due != nullptr) due->back_ = &due;
  while (due != nullptr) {
    Timer& timer = *due;
    timer.unlink();
    if (timer.tick_ > now_tick_) {
      place(timer);  // was moved later while it sat here
      continue;
    }
    timer.armed_ = false;
    timer.user_->onTimer();  // may destroy the timer, and any other in this list
  }
}

void TimerWheel::advance(SteadyTime now) {
  const int64_t target = now <= start_ ? 0 : (now - start_) / kTick;
  while (now_tick_ < target) {
    next_tick_ = INT64_MAX;
    const SteadyTime wake = nextWake();
    const int64_t next = wake == SteadyTime::max() ? target : (wake - start_) / kTick;
    now_tick_ = std::min(std::max(next, now_tick_ + 1), target);
    for (int level = kLevels - 1; level > 0; --level) {
      if ((now_tick_ & ((int64_t{1} << (kBits * level)) - 1)) == 0) cascade(level);
    }
    const auto slot = static_cast<size_t>(now_tick_ & (kSlots - 1));
    used_[0] &= ~(uint64_t{1} << slot);
    expire(&slots_[0][slot]);
  }
  next_tick_ = INT64_MAX;
  const SteadyTime wake = nextWake();
  if (wake != SteadyTime::max()) next_tick_ = (wake - start_) / kTick;
}

SteadyTime TimerWheel::nextWake() const {
  int64_t best = next_tick_;
  for (int level = 0; level < kLevels && best == INT64_MAX; ++level) {
    const auto at = static_cast<size_t>(level);
    if (used_[at] == 0) continue;
    const int64_t base = now_tick_ >> (kBits * level);
    const int here = static_cast<int>(base & (kSlots - 1));
    // The first used slot strictly after the current one, going round.
    const uint64_t turned = std::rotr(used_[at], (here + 1) & 63);
    const int64_t ahead = std::countr_zero(turned) + 1;
    best = std::min(best, (base + ahead) << (kBits * level));
  }
  // A lower level may be empty now and be filled by a cascade before `best`.
  for (int level = 1; level < kLevels && best != INT64_MAX; ++level) {
    const auto at = static_cast<size_t>(level);
    if (used_[at] == 0) continue;
    const int64_t base = now_tick_ >> (kBits * level);
    const uint64_t turned = std::rotr(used_[at], static_cast<int>((base + 1) & 63));
    best = std::min(best, (base + std::countr_zero(turned) + 1) << (kBits * level));
  }
  if (best == INT64_MAX) return SteadyTime::max();
  return start_ + best * kTick;
}

}  // namespace weir::net
