#include "source/xds/watch.h"

#include "source/xds/type_state.h"

namespace weir::xds {

Watch::Watch(TypeState& state, net::Loop& loop, Wish wish, Watcher& watcher)
    : state_(state), wish_(std::move(wish)), watcher_(watcher), stats_(wish_.scope), timer_(*this) {
  answered_ = wish_.kind == Kind::Name && current() != nullptr;
  if (!answered_ && wish_.patience.count() != 0) {
    timer_.arm(loop.timers(), loop.now() + wish_.patience);
  }
  state_.add(*this);
}

Watch::~Watch() { state_.remove(*this); }

ResourcePtr Watch::current() const { return state_.current(wish_.name); }

bool Watch::wants(std::string_view name) const {
  return wish_.kind == Kind::All ||
         (wish_.kind == Kind::Name ? name == wish_.name : name.starts_with(wish_.name));
}

void Watch::tell(const Update& update, std::vector<Refusal>& refusals) {
  answered_ = true;
  timer_.disarm();
  watcher_.onUpdate(update, refusals);
}

void Watch::onTimer() {
  stats_.init_fetch_timeout.add();
  watcher_.onFetchTimeout();
}

}  // namespace weir::xds
