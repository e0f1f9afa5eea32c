// A RestSource asks for one type of resource again and again: POST of a DiscoveryRequest as JSON,
// answered by a DiscoveryResponse, or by 304 when nothing has changed. Main thread; `services`
// outlives it.
#pragma once

#include <optional>
#include <string>

#include "envoy/config/core/v3/base.pb.h"
#include "source/stream/services.h"
#include "source/xds/source.h"
#include "weir/client.h"
#include "weir/task.h"

namespace weir::xds {

class RestSource final : public Source, private net::TimerUser {
 public:
  struct Settings {
    std::string cluster;
    std::chrono::milliseconds refresh{0};
    std::chrono::milliseconds timeout{1000};
    envoy::config::core::v3::Node node;
    std::function<void(TypeState&)> keep;  // may have it saved; empty: nothing is
  };

  RestSource(stream::Services& services, ResourceType type, Settings settings);

  TypeState& of(ResourceType) override { return state_; }

 private:
  // Asks, waits, and asks again; begun anew when something else is wanted.
  Task<Done> poll();
  void onTimer() override;
  CallRequest request() const;
  void take(const CallResult& result);
  void apply(const std::string& body);

  stream::Services& services_;
  const Settings settings_;
  TypeState state_;
  net::Timer timer_;     // soon after somebody wants something
  std::string version_;  // accepted last, of what is wanted
  bool met_ = false;     // the server has answered
  std::optional<Task<Done>> polling_;
};

}  // namespace weir::xds
