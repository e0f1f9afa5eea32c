// A ChainConnections is one worker's connections of one filter chain, from the match of the chain
// to their end. They live on while that chain is in their listener's plan, whatever else changes
// there. Once it is not, they are asked to leave, as is who still comes; at the end of the drain
// what is left is closed. Owned by its listener. Worker thread only.
//
//   add* [leave add*]
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "source/listener/drain.h"
#include "source/listener/listener_plan.h"
#include "source/stream/services.h"
#include "source/transport/server_connection.h"
#include "weir/network_filter.h"

namespace weir::listener {

using NetworkFilters = std::vector<std::unique_ptr<NetworkFilter>>;

class ChainConnections final : public transport::ServerConnections,
                               public net::Deferred,
                               net::TimerUser {
 public:
  class Owner {
   public:
    // One has gone; `of` may be empty now.
    virtual void onConnectionClosed(ChainConnections& of) = 0;

   protected:
    ~Owner() = default;
  };

  ChainConnections(stream::Services& services, Owner& owner,
                   std::shared_ptr<const FilterChainPlan> chain)
      : services_(services), owner_(owner), chain_(std::move(chain)), timer_(*this) {}

  const FilterChainPlan& chain() const { return *chain_; }
  bool empty() const { return list_.empty(); }
  bool leaving() const { return period_.has_value(); }

  void add(transport::ServerConnection& connection);
  // Filters that live as long as the connection does.
  void keepFilters(transport::ServerConnection& of, NetworkFilters filters);
  // Once.
  void leave(const DrainPeriod& period);
  // The process drains: idle connections close at once.
  void drain();
  void closeAll();

  // transport::ServerConnections
  void onServerClosed(transport::ServerConnection& connection) override;
  void onServerReplaced(transport::ServerConnection& former,
                        transport::ServerConnection& next) override;
  bool leavesNow() override;

 private:
  void onTimer() override;

  stream::Services& services_;
  Owner& owner_;
  const std::shared_ptr<const FilterChainPlan> chain_;
  transport::ServerList list_;
  std::unordered_map<const transport::ServerConnection*, NetworkFilters> filters_;
  std::optional<DrainPeriod> period_;
  net::Timer timer_;
};

}  // namespace weir::listener
