// Builds HcmPlans: reads the HttpConnectionManager message, its route table, its filters and their
// per-route configuration. Main thread, while a configuration is loaded.
#pragma once

#include <google/protobuf/any.pb.h>

#include <functional>
#include <memory>
#include <string_view>

#include "envoy/config/route/v3/route.pb.h"
#include "source/stream/hcm_plan.h"
#include "source/telemetry/access_log_filter.h"
#include "source/telemetry/log_sink.h"
#include "source/telemetry/log_thread.h"
#include "weir/filter_registry.h"
#include "weir/report.h"
#include "weir/stats.h"

namespace envoy::extensions::filters::network::http_connection_manager::v3 {
class HttpConnectionManager;
}

namespace weir::transport {
class Secrets;
}

namespace weir::stream {

// What a control plane may be asked for.
enum class Fetched : uint8_t { Routes, Scopes, Filters };

// What building needs from the server. Everything outlives the build.
struct BuildContext {
  const FilterRegistry& registry;
  StatScope stats;  // the root
  telemetry::LogThread& logs;
  // Reads an Any, TypedStruct included; reports below the place and says whether it worked.
  std::function<bool(const google::protobuf::Any&, google::protobuf::Message&, const Where&)>
      unpack;
  // The full name of the message inside.
  std::function<std::string(const google::protobuf::Any&)> type_of;
  std::function<uint32_t(std::string_view)> cluster_slot;
  // Whether one has been announced, and not removed. Empty: who has a slot.
  std::function<bool(std::string_view)> cluster_is_there = {};
  // Of one with a slot; null where clusters are never taken away. May be empty.
  std::function<cluster::NamedClusterPtr(std::string_view)> named_cluster = {};
  // Reports why what is fetched cannot come from there.
  std::function<void(const envoy::config::core::v3::ConfigSource&, Fetched, const Where&)>
      check_source;
  RuntimeKeys runtime;
  ProxyIdentity proxy;
  telemetry::LogSinks* log_sinks = nullptr;  // of access logs that are no files; null: none
  std::shared_ptr<const transport::Secrets> secrets;
  uint32_t workers = 1;
  uint64_t buffer_limit = 1 << 20;  // the listener's, of each connection
  bool bypasses_overload = false;   // the listener's
};

using HttpConnectionManager =
    envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;

using RouteConfiguration = envoy::config::route::v3::RouteConfiguration;

// Null when errors were reported. With rds it has no routes until withRoutes().
std::shared_ptr<const HcmPlan> buildHcm(const HttpConnectionManager& proto, const Where& at,
                                        const BuildContext& context);

// The same plan with other routes: its filters are the same objects, with all they remember. `at`
// is the RouteConfiguration's place; `validates`: what an unset validate_clusters means. Null when
// errors were reported.
std::shared_ptr<const HcmPlan> withRoutes(const HcmPlan& plan, const RouteConfiguration& proto,
                                          const Where& at, const BuildContext& context,
                                          bool validates = false);

}  // namespace weir::stream
