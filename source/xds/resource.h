// A Response is what a control plane says of one type of resource, read from any of the messages
// that carry it; a Resource is one thing in it. Values, but that resources are shared by who keeps
// them. Any thread.
#pragma once

#include <google/protobuf/any.pb.h>
#include <google/protobuf/duration.pb.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "envoy/service/discovery/v3/discovery.pb.h"
#include "source/xds/resource_type.h"
#include "weir/result.h"

namespace weir::xds {

struct Resource {
  std::string name;
  std::string version;
  google::protobuf::Any body;  // empty: a heartbeat, which only lets `ttl` begin again
  std::optional<std::chrono::milliseconds> ttl;
  std::vector<std::string> aliases;  // of a VirtualHost by delta

  bool isHeartbeat() const { return body.type_url().empty() && body.value().empty(); }
};

using ResourcePtr = std::shared_ptr<const Resource>;

// A resource that cannot be used, and why.
struct Refusal {
  std::string name;
  std::string text;

  bool operator==(const Refusal&) const = default;
};

struct Response {
  ResourceType type = ResourceType::Cluster;
  std::string version;  // of the state of the world; of delta for people to read
  std::string nonce;
  std::vector<ResourcePtr> resources;
  std::vector<std::string> removed;  // delta
  std::vector<Refusal> refusals;     // what could not even be read
  std::string control_plane;         // its identifier, if it says one
  bool delta = false;
};

// `facts` is the type the message must be of. A resource that has another type or no name, or
// whose name another one has, is refused; the others stand.
Response readResponse(envoy::service::discovery::v3::DiscoveryResponse&& message,
                      const TypeFacts& facts);
Response readResponse(envoy::service::discovery::v3::DeltaDiscoveryResponse&& message,
                      const TypeFacts& facts);

// Every type of resource has its name in field 1; nothing else of it is read. Nothing: no name.
std::optional<std::string> nameOf(const google::protobuf::Any& body);

}  // namespace weir::xds
