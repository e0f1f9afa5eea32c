#include "source/live/consul_discovery.h"

#include <algorithm>
#include <utility>

namespace weir::live {

class ConsulDiscovery::Datacenter final : public consul::ServiceUser {
 public:
  Datacenter(ConsulDiscovery& of, consul::ServiceWatchPtr watch)
      : of_(of), watch_(std::move(watch)) {
    watch_->add(*this);
  }
  Datacenter(const Datacenter&) = delete;
  ~Datacenter() { watch_->remove(*this); }

  const consul::ServiceWatch& watch() const { return *watch_; }
  bool settled() const { return watch_->current() != nullptr || watch_->watch().trouble(); }

 private:
  void onInstances(const consul::InstancesPtr&) override { of_.onChange(); }
  void onTrouble(const consul::Trouble*) override { of_.settle(); }

  ConsulDiscovery& of_;
  const consul::ServiceWatchPtr watch_;
};

ConsulDiscovery::ConsulDiscovery(consul::ServiceWatches& watches,
                                 const consul::ServiceSettings& service, Callbacks callbacks)
    : callbacks_(std::move(callbacks)) {
  for (const std::string& name : service.datacenters) {
    datacenters_.push_back(std::make_unique<Datacenter>(*this, watches.follow(service, name)));
  }
}

ConsulDiscovery::~ConsulDiscovery() = default;

// What another cluster's, or another version's, watch knows already is used at once.
void ConsulDiscovery::start() {
  const bool known = std::any_of(datacenters_.begin(), datacenters_.end(), [](const auto& each) {
    return each->watch().current() != nullptr;
  });
  known ? onChange() : settle();
}

void ConsulDiscovery::onChange() {
  std::vector<cluster::EndpointSpec> all;
  for (size_t priority = 0; priority < datacenters_.size(); ++priority) {
    const consul::InstancesPtr& now = datacenters_[priority]->watch().current();
    if (now == nullptr) continue;
    std::vector<cluster::EndpointSpec> some = endpointsOf(*now, static_cast<uint32_t>(priority));
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  callbacks_.publish(all);
  settle();
}

void ConsulDiscovery::settle() {
  const bool all = std::all_of(datacenters_.begin(), datacenters_.end(),
                               [](const auto& each) { return each->settled(); });
  if (all && !std::exchange(ready_, true)) callbacks_.ready();
}

std::chrono::seconds ConsulDiscovery::age() const {
  std::chrono::seconds oldest{0};
  for (const auto& each : datacenters_) oldest = std::max(oldest, each->watch().watch().age());
  return oldest;
}

const consul::Trouble* ConsulDiscovery::trouble() const {
  for (const auto& each : datacenters_) {
    if (const auto& trouble = each->watch().watch().trouble()) return &*trouble;
  }
  return nullptr;
}

namespace {

cluster::Health healthOf(consul::Status status) {
  switch (status) {
    case consul::Status::Passing:
      return cluster::Health::Healthy;
    case consul::Status::Warning:
      return cluster::Health::Degraded;
    case consul::Status::Critical:
    case consul::Status::Maintenance:
      break;
  }
  return cluster::Health::Unhealthy;
}

// What subsets are made by, and what tells instances apart in logs.
cluster::EndpointMetadataPtr metadataOf(const consul::Instance& instance) {
  envoy::config::core::v3::Metadata proto;
  auto& own = *(*proto.mutable_filter_metadata())["consul"].mutable_fields();
  own["id"].set_string_value(instance.id);
  own["node"].set_string_value(instance.node);
  own["datacenter"].set_string_value(instance.datacenter);
  auto& said = *(*proto.mutable_filter_metadata())[cluster::kBalancingMetadata].mutable_fields();
  for (const auto& [key, value] : instance.meta) said[key].set_string_value(value);
  if (!instance.tags.empty()) {
    auto& tags = *said["tags"].mutable_list_value();
    for (const std::string& tag : instance.tags) tags.add_values()->set_string_value(tag);
  }
  return cluster::EndpointMetadata::from(proto);
}

}  // namespace

std::vector<cluster::EndpointSpec> endpointsOf(const std::vector<consul::Instance>& instances,
                                               uint32_t priority) {
  std::vector<cluster::EndpointSpec> specs;
  specs.reserve(instances.size());
  for (const consul::Instance& instance : instances) {
    cluster::EndpointSpec spec;
    spec.address = instance.address;
    spec.weight = std::max<uint32_t>(instance.weight(), 1);
    spec.priority = priority;
    spec.health = healthOf(instance.status);
    spec.region = instance.datacenter;
    spec.metadata = metadataOf(instance);
    specs.push_back(std::move(spec));
  }
  return specs;
}

}  // namespace weir::live
