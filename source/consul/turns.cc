#include "source/consul/turns.h"

#include "source/stream/wakeup.h"

namespace weir::consul {

class Turns::Wait final : public PendingWork<Place> {
 public:
  explicit Wait(Turns& turns)
      : turns_(turns), wakeup_(turns.loop_), at_(turns.queue_.insert(turns.queue_.end(), this)) {}
  ~Wait() override {
    if (!wakeup_.done()) turns_.queue_.erase(at_);
    if (wakeup_.done() && !given_) turns_.giveBack();
  }
  bool ready() const override { return wakeup_.done(); }
  void resumeWhenDone(std::coroutine_handle<> then) override { wakeup_.waitFor(then); }
  Place take() override {
    given_ = true;
    return Place(turns_);
  }

  void onPlace() { wakeup_.fire(); }

 private:
  Turns& turns_;
  stream::Wakeup wakeup_;
  const std::list<Wait*>::iterator at_;
  bool given_ = false;
};

Pending<Turns::Place> Turns::next() {
  auto wait = std::make_unique<Wait>(*this);
  handOut();
  return Pending<Place>(std::move(wait));
}

void Turns::allow(size_t most) {
  most_ = most;
  handOut();
}

void Turns::giveBack() {
  --taken_;
  handOut();
}

void Turns::handOut() {
  while (taken_ < most_ && !queue_.empty()) {
    ++taken_;
    Wait& first = *queue_.front();
    queue_.pop_front();
    first.onPlace();
  }
}

}  // namespace weir::consul
