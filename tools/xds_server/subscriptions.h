// Subscriptions are what one stream wants and has: from requests and the shelves of a store to
// responses, for the state of the world and for deltas. Pure; one thread at a time.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "envoy/service/discovery/v3/discovery.pb.h"
#include "tools/xds_server/store.h"

namespace weir::xds_server {

class Subscriptions {
 public:
  using Request = envoy::service::discovery::v3::DiscoveryRequest;
  using Response = envoy::service::discovery::v3::DiscoveryResponse;
  using DeltaRequest = envoy::service::discovery::v3::DeltaDiscoveryRequest;
  using DeltaResponse = envoy::service::discovery::v3::DeltaDiscoveryResponse;

  // `only`: the type of a stream that is not ADS. Each tells what the request says, for people:
  // "cluster: ACK 3", "cluster: NACK 3 why".
  std::string take(const Request& request, std::optional<xds::ResourceType> only);
  std::string take(const DeltaRequest& request, std::optional<xds::ResourceType> only);

  // What is to be sent now; clusters before endpoints, listeners before routes.
  std::vector<Response> due(const Shelves& shelves);
  std::vector<DeltaResponse> dueDelta(const Shelves& shelves);

 private:
  struct Wanted {
    std::set<std::string> names;
    bool all = false;
    bool asked = false;                       // since the last response
    bool named = false;                       // a name was given on this stream
    std::string sent_version;                 // of the state of the world
    std::map<std::string, std::string> sent;  // delta: what the client has
    std::set<std::string> unknown;            // delta: told to be not there
    std::string nonce;
  };

  bool wants(const Wanted& wanted, const std::string& name) const {
    return wanted.all || wanted.names.contains(name);
  }
  std::string nextNonce() { return std::to_string(++nonces_); }

  std::map<xds::ResourceType, Wanted> wanted_;
  uint64_t nonces_ = 0;
};

}  // namespace weir::xds_server
