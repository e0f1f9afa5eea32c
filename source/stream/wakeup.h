// A Wakeup resumes a coroutine at the end of the turn: never from inside what it waited for. It is
// a member of every piece of PendingWork; destroying it means nobody is resumed. One worker.
#pragma once

#include <coroutine>

#include "source/net/loop.h"

namespace weir::stream {

class Wakeup : public net::TurnEnd {
 public:
  explicit Wakeup(net::Loop& loop) : loop_(loop) {}
  Wakeup(const Wakeup&) = delete;
  ~Wakeup() { loop_.cancelTurnEnd(*this); }
  void waitFor(std::coroutine_handle<> then) { then_ = then; }
  void fire() {
    done_ = true;
    if (then_) loop_.atTurnEnd(*this);
  }
  bool done() const { return done_; }

 private:
  void onTurnEnd() override { then_.resume(); }  // may destroy this
  net::Loop& loop_;
  std::coroutine_handle<> then_;
  bool done_ = false;
};

}  // namespace weir::stream
