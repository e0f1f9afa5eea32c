// Feeds are the places where all clusters, or all listeners, come from beside the bootstrap: a
// control plane, Consul. What one gave only that one changes or takes away. Owned by Clusters and
// Listeners; main thread.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/xds/watch.h"

namespace weir::live {

class Feed final : private xds::Watcher {
 public:
  struct Callbacks {
    std::function<void(const Feed& from, const xds::Update&, std::vector<xds::Refusal>&)> update;
    std::function<void()> timeout;  // its first answer is not waited for any longer
  };

  // `of_consul`: else a control plane.
  Feed(bool of_consul, xds::TypeState& state, net::Loop& loop, xds::Watch::Wish wish,
       const Callbacks& callbacks)
      : callbacks_(callbacks),
        of_consul_(of_consul),
        watch_(xds::Watch::make(state, loop, std::move(wish), *this)) {}

  const xds::TypeState& state() const { return watch_->state(); }
  // The first answer is in, or is not waited for.
  bool answered() const { return answered_; }
  // Why it may not give a `what` that `owner`, null for the bootstrap, gave already. Nothing: it
  // does not matter. As in Envoy what a control plane sends of the bootstrap's is no mistake.
  std::optional<std::string> refusal(std::string_view what, const Feed* owner) const {
    if (owner == nullptr && !of_consul_) return std::nullopt;
    return std::string(owner == nullptr ? "the bootstrap has a " : "another source gave a ") +
           std::string(what) + " of that name first, which stays";
  }

 private:
  void onUpdate(const xds::Update& update, std::vector<xds::Refusal>& refusals) override {
    answered_ |= !update.more;
    callbacks_.update(*this, update, refusals);
  }
  void onFetchTimeout() override {
    answered_ = true;
    callbacks_.timeout();
  }

  const Callbacks& callbacks_;
  const bool of_consul_;
  bool answered_ = false;
  const std::unique_ptr<xds::Watch> watch_;
};

class Feeds {
 public:
  explicit Feeds(Feed::Callbacks callbacks) : callbacks_(std::move(callbacks)) {}
  Feeds(const Feeds&) = delete;

  // Once for each source.
  void follow(bool of_consul, xds::TypeState& state, net::Loop& loop, xds::Watch::Wish wish) {
    all_.push_back(std::make_unique<Feed>(of_consul, state, loop, std::move(wish), callbacks_));
  }
  void clear() { all_.clear(); }
  bool answered() const {
    return std::all_of(all_.begin(), all_.end(), [](const auto& feed) { return feed->answered(); });
  }
  std::vector<const xds::TypeState*> states() const {
    std::vector<const xds::TypeState*> states;
    for (const auto& feed : all_) states.push_back(&feed->state());
    return states;
  }

 private:
  const Feed::Callbacks callbacks_;
  std::vector<std::unique_ptr<Feed>> all_;
};

}  // namespace weir::live
