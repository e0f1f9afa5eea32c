// A FilterType is what the registry knows of one kind of filter: the messages that configure it,
// how its Plan is built and its Filter placed, and which hooks it has. Made by FilterRegistry::add.
#pragma once

#include <google/protobuf/any.pb.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "weir/filter.h"
#include "weir/plan_build.h"

namespace weir {

using PlanPtr = std::shared_ptr<const void>;

// Bits of FilterType::hooks.
enum Hook : uint8_t {
  kOnRequest = 1,
  kOnRequestBody = 2,
  kOnRequestTrailers = 4,
  kOnResponse = 8,
  kOnResponseBody = 16,
  kOnResponseTrailers = 32,
  kOnDone = 64,
  kOnAttempt = 128,
};

struct FilterType {
  std::string_view name;                          // "envoy.filters.http.cors"
  const google::protobuf::Message* config;        // prototypes, for their type names
  const google::protobuf::Message* route_config;  // null: no per-route configuration
  Result<PlanPtr> (*plan)(const google::protobuf::Any&, PlanBuild&);
  Result<PlanPtr> (*route_plan)(const void* base, std::span<const google::protobuf::Any* const>,
                                PlanBuild&);
  Filter* (*place)(Arena&, const void* plan);  // null for the terminal filter
  BodyNeed (*request_body)(const void* plan);
  BodyNeed (*response_body)(const void* plan);
  uint8_t hooks;
  bool terminal;  // the router: hands the request to the cluster
};

}  // namespace weir
