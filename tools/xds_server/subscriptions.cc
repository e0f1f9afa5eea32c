#include "tools/xds_server/subscriptions.h"

#include <utility>

namespace weir::xds_server {
namespace {

using xds::ResourceType;

const Shelf& shelfOf(const Shelves& shelves, ResourceType type) {
  static const Shelf kEmpty;
  const auto found = shelves.find(type);
  return found == shelves.end() ? kEmpty : found->second;
}

template <typename Request>
std::optional<ResourceType> typeOf(const Request& request, std::optional<ResourceType> only) {
  if (only) return only;
  const xds::TypeFacts* facts = xds::findType(request.type_url());
  return facts == nullptr ? std::nullopt : std::optional(facts->type);
}

template <typename Request>
std::string describe(const Request& request, ResourceType type) {
  std::string text = std::string(xds::factsOf(type).title) + ": ";
  if (request.response_nonce().empty()) return text + "asks";
  text += (request.has_error_detail() ? "NACK " : "ACK ") + request.response_nonce();
  if (request.has_error_detail()) text += " " + request.error_detail().message();
  return text;
}

}  // namespace

std::string Subscriptions::take(const Request& request, std::optional<ResourceType> only) {
  const auto type = typeOf(request, only);
  if (!type) return "a type nobody knows: " + request.type_url();
  Wanted& wanted = wanted_[*type];
  if (!request.response_nonce().empty() && request.response_nonce() != wanted.nonce) {
    return std::string(xds::factsOf(*type).title) + ": an old nonce";
  }
  std::set<std::string> names(request.resource_names().begin(), request.resource_names().end());
  const bool star = names.erase("*") != 0;
  wanted.named |= !names.empty() || star;
  const bool all = star || !wanted.named;
  wanted.asked |= request.response_nonce().empty() || names != wanted.names || all != wanted.all;
  wanted.names = std::move(names);
  wanted.all = all;
  if (wanted.nonce.empty()) wanted.sent_version = request.version_info();
  return describe(request, *type);
}

std::vector<Subscriptions::Response> Subscriptions::due(const Shelves& shelves) {
  std::vector<Response> responses;
  for (auto& [type, wanted] : wanted_) {
    const Shelf& shelf = shelfOf(shelves, type);
    if (wanted.sent_version == shelf.version && !wanted.asked) continue;
    Response response;
    for (const auto& [name, item] : shelf.items) {
      if (wants(wanted, name)) *response.add_resources() = item.body;
    }
    const bool whole = xds::factsOf(type).whole;
    if (!whole && response.resources().empty()) continue;  // there may be some later
    if (!wanted.all && wanted.names.empty()) continue;
    if (std::exchange(wanted.asked, false) && !wanted.sent_version.empty() &&
        wanted.sent_version == shelf.version && wanted.nonce.empty()) {
      continue;  // the client has it from a stream before
    }
    response.set_type_url(std::string(xds::factsOf(type).url));
    response.set_version_info(shelf.version);
    response.set_nonce(nextNonce());
    response.mutable_control_plane()->set_identifier("weir-xds-server");
    wanted.nonce = response.nonce();
    wanted.sent_version = shelf.version;
    responses.push_back(std::move(response));
  }
  return responses;
}

std::string Subscriptions::take(const DeltaRequest& request, std::optional<ResourceType> only) {
  const auto type = typeOf(request, only);
  if (!type) return "a type nobody knows: " + request.type_url();
  const bool first = !wanted_.contains(*type);
  Wanted& wanted = wanted_[*type];
  if (first) {
    wanted.asked = true;
    wanted.all = request.resource_names_subscribe().empty();
    for (const auto& [name, version] : request.initial_resource_versions()) {
      wanted.sent[name] = version;
    }
  }
  for (const std::string& name : request.resource_names_subscribe()) {
    if (name == "*") {
      wanted.all = true;
      continue;
    }
    wanted.names.insert(name);
    wanted.unknown.erase(name);
    if (!first) wanted.sent.erase(name);  // asked for again: it is sent again
  }
  for (const std::string& name : request.resource_names_unsubscribe()) {
    if (name == "*") wanted.all = false;
    wanted.names.erase(name);
    if (!wanted.all) wanted.sent.erase(name);
  }
  return describe(request, *type);
}

std::vector<Subscriptions::DeltaResponse> Subscriptions::dueDelta(const Shelves& shelves) {
  std::vector<DeltaResponse> responses;
  for (auto& [type, wanted] : wanted_) {
    const Shelf& shelf = shelfOf(shelves, type);
    DeltaResponse response;
    for (const auto& [name, item] : shelf.items) {
      if (!wants(wanted, name) || wanted.sent[name] == item.version) continue;
      wanted.sent[name] = item.version;
      wanted.unknown.erase(name);
      auto& resource = *response.add_resources();
      resource.set_name(name);
      resource.set_version(item.version);
      *resource.mutable_resource() = item.body;
    }
    std::erase_if(wanted.sent, [&](const auto& sent) {
      if (shelf.items.contains(sent.first)) return false;
      response.add_removed_resources(sent.first);
      return true;
    });
    for (const std::string& name : wanted.names) {
      if (shelf.items.contains(name) || !wanted.unknown.insert(name).second) continue;
      response.add_removed_resources(name);
    }
    const bool nothing = response.resources().empty() && response.removed_resources().empty();
    // The first answer says that this is all, even if it is nothing.
    if (nothing && !(wanted.asked && wanted.all)) continue;
    wanted.asked = false;
    response.set_type_url(std::string(xds::factsOf(type).url));
    response.set_system_version_info(shelf.version);
    response.set_nonce(nextNonce());
    response.mutable_control_plane()->set_identifier("weir-xds-server");
    wanted.nonce = response.nonce();
    responses.push_back(std::move(response));
  }
  return responses;
}

}  // namespace weir::xds_server
