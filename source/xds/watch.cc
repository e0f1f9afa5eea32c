#include "source/xds/watch.h"

#include "source/xds/type_state.h"

namespace weir::xds {

Watch::Watch(TypeState& state, net::Loop& loop, Wish wish, Watcher& watcher)
    : state_(state), wish_(std::move(wish)), watcher_(watcher), stats_(wish_.scope), timer_(*this) {
  answered_ = wish_.kind == Kind::All ? state_.complete() : !known().empty();
  // A stream that has said everything may have nothing of this prefix, and say no more.
  constexpr std::chrono::seconds kSoon{1};
  const bool complete = wish_.kind == Kind::Prefix && state_.complete();
  const auto patience = complete ? kSoon : wish_.patience;
  if (!answered_ && patience.count() != 0) {
    timer_.arm(loop.timers(), loop.now() + patience);
  }
  state_.add(*this);
}

Watch::~Watch() { state_.remove(*this); }

ResourcePtr Watch::current() const { return state_.current(wish_.name); }

std::vector<ResourcePtr> Watch::known() const {
  if (wish_.kind != Kind::Name) return state_.known(*this);
  const ResourcePtr one = current();
  return one == nullptr ? std::vector<ResourcePtr>() : std::vector{one};
}

bool Watch::wants(std::string_view name) const {
  if (wish_.kind == Kind::All) return true;
  if (wish_.kind == Kind::Name) return name == wish_.name;
  return name.starts_with(wish_.name) && name.find('/', wish_.name.size()) == name.npos;
}

void Watch::tell(const Update& update, std::vector<Refusal>& refusals) {
  if (!wish_.must_exist || !update.resources.empty()) {
    answered_ = true;
    timer_.disarm();
  }
  watcher_.onUpdate(update, refusals);
}

void Watch::onTimer() {
  stats_.init_fetch_timeout.add();
  watcher_.onFetchTimeout();
}

}  // namespace weir::xds
