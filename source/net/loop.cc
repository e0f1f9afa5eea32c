#include "source/net/loop.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "source/net/event_memory.h"

namespace weir::net {
namespace {

event_base* makeBase() {
  useEventMemory();
  event_config* config = event_config_new();
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE);
  event_base* base = event_base_new_with_config(config);
  event_config_free(config);
  if (base == nullptr) {
    std::fputs("weir: cannot make an event loop: epoll is needed (Linux >= 4.5)\n", stderr);
    std::exit(1);
  }
  return base;
}

}  // namespace

Loop::Loop(Clock* clock)
    : clock_(clock),
      base_(makeBase()),
      now_(clock == nullptr ? std::chrono::steady_clock::now() : clock->now()),
      wheel_(now_),
      mailbox_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      scratch_(std::make_unique_for_overwrite<char[]>(kScratchSize)) {
  evtimer_assign(&wheel_event_, base_, onWheel, this);
  event_assign(&mailbox_event_, base_, mailbox_fd_.get(), EV_READ | EV_PERSIST, onMailbox, this);
  event_add(&mailbox_event_, nullptr);
  event_assign(&round_event_, base_, -1, 0, onRoundEnd, this);
  wheel_.on_earlier_context = this;
  wheel_.on_earlier = [](void* self) { static_cast<Loop*>(self)->armWheel(); };
}

Loop::~Loop() {
  {
    Turn last(*this);
    drainMailbox();
  }
  event_del(&mailbox_event_);
  event_del(&wheel_event_);
  event_del(&round_event_);
  event_base_free(base_);
}

void Loop::run() {
  in_round_ = true;
  event_base_loop(base_, EVLOOP_NO_EXIT_ON_EMPTY);
  in_round_ = false;
}

void Loop::stop() {
  post([this] { event_base_loopbreak(base_); });
}

void Loop::post(std::function<void()> work) {
  bool wake = false;
  {
    std::lock_guard lock(mailbox_mutex_);
    wake = mailbox_.empty();
    mailbox_.push_back(std::move(work));
  }
  if (!wake) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(mailbox_fd_.get(), &one, sizeof one);
}

void Loop::beginTurn() {
  if (depth_++ == 0) now_ = clock_ == nullptr ? std::chrono::steady_clock::now() : clock_->now();
}

void Loop::flushTurn() {
  while (turn_end_ != nullptr) {  // work may queue more, and may flush in the middle of this
    TurnEnd& work = *turn_end_;
    cancelTurnEnd(work);
    work.onTurnEnd();
  }
}

bool Loop::awaitRoundEnd(TurnEnd& work) {
  if (!in_round_) return false;
  // libevent runs what becomes active behind all that is active already.
  if (round_end_ == nullptr) event_active(&round_event_, EV_TIMEOUT, 0);
  work.awaits_round_ = true;
  work.back_ = round_end_tail_;
  *round_end_tail_ = &work;
  round_end_tail_ = &work.next_;
  return true;
}

void Loop::onRoundEnd(evutil_socket_t, short, void* self) {
  auto& loop = *static_cast<Loop*>(self);
  Turn turn(loop);
  loop.in_round_ = false;
  while (loop.round_end_ != nullptr) {
    TurnEnd& work = *loop.round_end_;
    loop.cancelTurnEnd(work);
    work.onTurnEnd();
  }
  loop.flushTurn();
  loop.in_round_ = true;
}

void Loop::endTurn() {
  if (depth_ == 1) {
    flushTurn();
    while (deferred_ != nullptr) {
      Deferred* object = deferred_;
      deferred_ = object->next_;
      delete object;
      if (deferred_ == nullptr) flushTurn();  // of what its end has left to do
    }
  }
  --depth_;
}

void Loop::armWheel() {
  const SteadyTime wake = wheel_.nextWake();
  if (wake == SteadyTime::max() || clock_ != nullptr) return;
  const auto wait = std::max(wake - std::chrono::steady_clock::now(), SteadyTime::duration::zero());
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(wait).count() + 1;
  const timeval tv{static_cast<time_t>(us / 1'000'000), static_cast<suseconds_t>(us % 1'000'000)};
  event_add(&wheel_event_, &tv);
}

void Loop::onWheel(evutil_socket_t, short, void* self) {
  auto& loop = *static_cast<Loop*>(self);
  Turn turn(loop);
  loop.wheel_.advance(loop.now_);
  loop.armWheel();
}

void Loop::drainMailbox() {
  std::vector<std::function<void()>> work;
  {
    std::lock_guard lock(mailbox_mutex_);
    work.swap(mailbox_);
  }
  for (auto& item : work) item();
}

void Loop::onMailbox(evutil_socket_t fd, short, void* self) {
  auto& loop = *static_cast<Loop*>(self);
  Turn turn(loop);
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(fd, &count, sizeof count);
  loop.drainMailbox();
}

}  // namespace weir::net
