// Resources are what Consul says as a source of xDS resources. Up to two origins say something of a
// type, each the whole of it again and again; merged they are one state of the world, which watches
// are told like that of a control plane. Nothing is told before all origins of a type have said
// something, or are missed. Main thread; the watches go first.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "source/xds/source.h"
#include "weir/stats.h"

namespace weir::consul {

class Resources final : public xds::Source, private net::TimerUser {
 public:
  // Of two resources with one name that of the first stands, and the other is refused.
  enum class Origin : uint8_t { Keys, Catalog };
  struct Settings {
    // Which types each says something of. Of one that nobody does there is nothing, at once.
    std::map<Origin, std::set<xds::ResourceType>> origins;
    StatScope scope;  // "consul."
  };
  // Resources of a type that are applied in one go; the loop serves others before the next.
  static constexpr size_t kAtOnce = 250;

  Resources(net::Loop& loop, Settings settings);
  ~Resources();

  xds::TypeState& of(xds::ResourceType type) override;

  // All that there is of the type; what is as it was is no news. `unreadable` are there, too, as
  // they were when they could be read last.
  void set(Origin origin, xds::ResourceType type, std::vector<xds::ResourcePtr> resources,
           std::vector<xds::Refusal> unreadable);
  // Consul fails, and the origin has said nothing yet: nobody waits for it any longer. What others
  // say is used; nothing is taken away before it has said its word.
  void miss(Origin origin);

 private:
  struct Lane;
  struct Merged;

  Lane& laneOf(xds::ResourceType type);
  void onTimer() override;
  void wake() { timer_.arm(loop_.timers(), loop_.now()); }
  void begin(Lane& lane);
  Merged merge(Lane& lane, bool whole) const;
  bool goOn(Lane& lane);  // true: all is applied
  void tell(Lane& lane, const std::vector<xds::Refusal>& refusals);

  net::Loop& loop_;
  const Settings settings_;
  std::set<Origin> missed_;
  std::map<xds::ResourceType, std::unique_ptr<Lane>> lanes_;
  net::Timer timer_;  // in the next turn, when there is something to do
  Gauge refused_;
};

}  // namespace weir::consul
