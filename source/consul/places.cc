#include "source/consul/places.h"

#include "source/stream/wakeup.h"

namespace weir::consul {

class Places::Wait final : public PendingWork<Place> {
 public:
  explicit Wait(Places& places)
      : places_(places),
        wakeup_(places.loop_),
        at_(places.queue_.insert(places.queue_.end(), this)) {}
  ~Wait() override {
    if (!wakeup_.done()) places_.queue_.erase(at_);
    if (wakeup_.done() && !given_) places_.giveBack();
  }
  bool ready() const override { return wakeup_.done(); }
  void resumeWhenDone(std::coroutine_handle<> then) override { wakeup_.waitFor(then); }
  Place take() override {
    given_ = true;
    return Place(places_);
  }

  void onPlace() { wakeup_.fire(); }

 private:
  Places& places_;
  stream::Wakeup wakeup_;
  const std::list<Wait*>::iterator at_;
  bool given_ = false;
};

Pending<Places::Place> Places::next() {
  auto wait = std::make_unique<Wait>(*this);
  handOut();
  return Pending<Place>(std::move(wait));
}

void Places::allow(size_t most) {
  most_ = most;
  handOut();
}

void Places::giveBack() {
  --taken_;
  handOut();
}

void Places::handOut() {
  while (taken_ < most_ && !queue_.empty()) {
    ++taken_;
    Wait& first = *queue_.front();
    queue_.pop_front();
    first.onPlace();
  }
}

}  // namespace weir::consul
