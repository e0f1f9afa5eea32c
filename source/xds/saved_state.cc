#include "source/xds/saved_state.h"

#include <spdlog/spdlog.h>

#include "source/xds/type_state.h"

namespace weir::xds {

using envoy::service::discovery::v3::DeltaDiscoveryResponse;

void SavedState::onChange() {
  if (!timer_.armed()) timer_.arm(loop_.timers(), loop_.now() + kTogether);
}

void SavedState::finish() {
  if (!timer_.armed()) return;
  timer_.disarm();
  onTimer();
}

// As a response by delta, which has every resource's version.
void SavedState::onTimer() {
  if (!state_.isWanted()) return;  // the process ends
  DeltaDiscoveryResponse message;
  message.set_type_url(std::string(state_.facts().url));
  message.set_system_version_info(state_.version());
  for (const auto& [name, held] : state_.held()) {
    if (held->accepted == nullptr || held->removed) continue;
    auto& resource = *message.add_resources();
    resource.set_name(name);
    resource.set_version(held->accepted->version);
    *resource.mutable_resource() = held->accepted->body;
    if (const auto& ttl = held->accepted->ttl)
      resource.mutable_ttl()->set_seconds(1 + ttl->count() / 1000);
  }
  directory_.write(name_, message.SerializeAsString());
}

const SavedState::Earlier* SavedState::earlier() {
  if (std::exchange(read_, true)) return earlier_.get();
  const auto kept = directory_.read(name_);
  if (!kept) return nullptr;
  DeltaDiscoveryResponse message;
  if (!message.ParseFromString(kept->text)) {
    spdlog::warn("state: {} cannot be parsed and is not used", name_);
    return nullptr;
  }
  const Response response = readResponse(std::move(message), state_.facts());
  auto earlier = std::make_unique<Earlier>();
  earlier->version = response.version;
  earlier->written = kept->written;
  for (const ResourcePtr& resource : response.resources) {
    earlier->resources.emplace(resource->name, resource);
  }
  earlier_ = std::move(earlier);
  return earlier_.get();
}

}  // namespace weir::xds
