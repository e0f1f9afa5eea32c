#include "source/server/on_demand.h"

#include <utility>

namespace weir::server {

void askOnDemand(cluster::WantedClusters& wanted, net::Loop& own, net::Loop& main,
                 OnDemand on_demand, const StatScope& scope) {
  const auto ask = [&wanted, &own, &main, make = std::move(on_demand)](const std::string& name) {
    main.post([&wanted, &own, make, name] {
      if (make(name)) return;
      own.post([&wanted, name] { wanted.settle(name); });
    });
  };
  wanted.serve(ask, scope);
}

}  // namespace weir::server
