#include "source/xds/resource.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include "source/rpc/bounded_ms.h"

namespace weir::xds {
namespace {

namespace pb = envoy::service::discovery::v3;
using google::protobuf::Any;

// Bytes. Statistics and slots keep a name for ever, and it travels in every request.
constexpr size_t kMostName = 4096;

// What may be added to a response, one by one.
class Reading {
 public:
  Reading(Response& response, const TypeFacts& facts) : response_(response), facts_(facts) {}

  void add(std::shared_ptr<Resource> resource) {
    if (!resource->isHeartbeat() && findType(resource->body.type_url()) != &facts_) {
      return refuse(*resource, "expected a resource of type " + std::string(facts_.url) +
                                   ", found '" + resource->body.type_url() + "'");
    }
    if (resource->name.empty()) {
      auto name = nameOf(resource->body);
      if (!name) return refuse(*resource, "it has no name, or cannot be parsed");
      resource->name = *std::move(name);
    }
    if (resource->name.size() > kMostName) {
      return refuse(*resource, "its name has " + std::to_string(resource->name.size()) +
                                   " bytes, more than the " + std::to_string(kMostName) +
                                   " that are allowed");
    }
    const auto [at, fresh] = names_.emplace(resource->name, response_.resources.size());
    if (!fresh) {
      drop(at->second);
      return refuse(*resource, "the name stands twice in one response");
    }
    response_.resources.push_back(std::move(resource));
  }

  void remove(const std::string& name) {
    const auto [at, fresh] = names_.emplace(name, kNone);
    if (fresh) {
      response_.removed.push_back(name);
    } else {
      drop(at->second);
      response_.refusals.push_back({name, "it is both there and removed, or removed twice"});
    }
  }

  // After the last.
  void finish() { std::erase(response_.resources, nullptr); }

 private:
  static constexpr size_t kNone = SIZE_MAX;

  // Nobody can tell which of two is meant: neither is used.
  void drop(size_t at) {
    if (at != kNone) response_.resources[at] = nullptr;
  }
  void refuse(const Resource& resource, std::string text) {
    response_.refusals.push_back({resource.name.substr(0, kMostName), std::move(text)});
  }

  Response& response_;
  const TypeFacts& facts_;
  std::map<std::string, size_t> names_;  // and where in the response they are
};

// A wrapper, which a response of the state of the world may put around what has a time to live.
bool isWrapper(const Any& any) {
  return any.type_url() == "type.googleapis.com/envoy.service.discovery.v3.Resource";
}

std::shared_ptr<Resource> unwrap(pb::Resource&& from) {
  auto resource = std::make_shared<Resource>();
  resource->name = std::move(*from.mutable_name());
  resource->version = std::move(*from.mutable_version());
  if (from.has_resource()) resource->body.Swap(from.mutable_resource());
  for (std::string& alias : *from.mutable_aliases()) resource->aliases.push_back(std::move(alias));
  if (from.has_ttl()) resource->ttl = rpc::boundedMs(from.ttl());
  return resource;
}

}  // namespace

std::optional<std::string> nameOf(const Any& body) {
  using google::protobuf::internal::WireFormatLite;
  google::protobuf::io::CodedInputStream input(
      reinterpret_cast<const uint8_t*>(body.value().data()), static_cast<int>(body.value().size()));
  constexpr uint32_t kName = WireFormatLite::MakeTag(1, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  std::optional<std::string> name;
  while (const uint32_t tag = input.ReadTag()) {
    if (tag != kName) {
      if (!WireFormatLite::SkipField(&input, tag)) return std::nullopt;
      continue;
    }
    if (!WireFormatLite::ReadBytes(&input, &name.emplace())) return std::nullopt;
  }
  if (!input.ConsumedEntireMessage() || !name || name->empty()) return std::nullopt;
  return name;
}

Response readResponse(pb::DiscoveryResponse&& message, const TypeFacts& facts) {
  Response response;
  response.type = facts.type;
  response.version = std::move(*message.mutable_version_info());
  response.nonce = std::move(*message.mutable_nonce());
  response.control_plane = message.control_plane().identifier();
  Reading reading(response, facts);
  for (Any& any : *message.mutable_resources()) {
    auto resource = std::make_shared<Resource>();
    if (!isWrapper(any)) {
      resource->body.Swap(&any);
    } else if (pb::Resource wrapper; wrapper.ParseFromString(any.value())) {
      resource = unwrap(std::move(wrapper));
    } else {
      response.refusals.push_back({{}, "a wrapped resource cannot be parsed"});
      continue;
    }
    resource->version = response.version;
    reading.add(std::move(resource));
  }
  reading.finish();
  return response;
}

Response readResponse(pb::DeltaDiscoveryResponse&& message, const TypeFacts& facts) {
  Response response;
  response.type = facts.type;
  response.delta = true;
  response.version = std::move(*message.mutable_system_version_info());
  response.nonce = std::move(*message.mutable_nonce());
  response.control_plane = message.control_plane().identifier();
  Reading reading(response, facts);
  for (pb::Resource& resource : *message.mutable_resources()) {
    reading.add(unwrap(std::move(resource)));
  }
  for (const std::string& name : message.removed_resources()) reading.remove(name);
  reading.finish();
  return response;
}

}  // namespace weir::xds
