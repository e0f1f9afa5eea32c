#include "source/xds/resource.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <set>
#include <utility>

namespace weir::xds {
namespace {

namespace pb = envoy::service::discovery::v3;
using google::protobuf::Any;

void takeTtl(const pb::Resource& from, Resource& to) {
  if (!from.has_ttl()) return;
  to.ttl = std::chrono::milliseconds(from.ttl().seconds() * 1000 + from.ttl().nanos() / 1'000'000);
}

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
    if (!names_.insert(resource->name).second) {
      return refuse(*resource, "the name stands twice in one response");
    }
    response_.resources.push_back(std::move(resource));
  }

  void remove(const std::string& name) {
    if (names_.insert(name).second) {
      response_.removed.push_back(name);
    } else {
      response_.refusals.push_back({name, "it is both there and removed, or removed twice"});
    }
  }

 private:
  void refuse(const Resource& resource, std::string text) {
    response_.refusals.push_back({resource.name, std::move(text)});
  }

  Response& response_;
  const TypeFacts& facts_;
  std::set<std::string> names_;
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
  takeTtl(from, *resource);
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
  return response;
}

}  // namespace weir::xds
