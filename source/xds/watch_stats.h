// What is counted of one watch, under the names that Envoy gives a subscription
// ("cluster_manager.cds.update_success").
#pragma once

#include <chrono>
#include <functional>
#include <string_view>

#include "weir/stats.h"

namespace weir::xds {

struct WatchStats {
  explicit WatchStats(const StatScope& scope)
      : update_attempt(scope.counter("update_attempt")),
        update_success(scope.counter("update_success")),
        update_failure(scope.counter("update_failure")),
        update_rejected(scope.counter("update_rejected")),
        init_fetch_timeout(scope.counter("init_fetch_timeout")),
        update_time(scope.gauge("update_time")),
        version(scope.gauge("version")) {}

  void accept(std::string_view version_text) const {
    using namespace std::chrono;
    update_success.add();
    version.set(std::hash<std::string_view>()(version_text) >>
                1);  // gauges are signed for some readers
    const auto now = system_clock::now().time_since_epoch();
    update_time.set(static_cast<uint64_t>(duration_cast<milliseconds>(now).count()));
  }

  Counter update_attempt, update_success, update_failure, update_rejected, init_fetch_timeout;
  Gauge update_time;  // ms since 1970
  Gauge version;      // a number made of the version's text: another one when it changes
};

}  // namespace weir::xds
