#include "source/live/cluster_life.h"

#include <google/protobuf/arena.h>

#include <random>

#include "source/live/log.h"
#include "source/live/refused.h"

namespace weir::live {

using cluster::Discovery;

ClusterLife::ClusterLife(const Parts& parts, cluster::ClusterPlan plan, cluster::ClusterPtr cluster,
                         Callbacks callbacks)
    : parts_(parts),
      plan_(std::move(plan)),
      cluster_(std::move(cluster)),
      callbacks_(std::move(callbacks)),
      former_(std::make_shared<const cluster::EndpointSet>()) {
  const auto& tls = cluster_->settings().tls;
  if (!SecretLife::isNeeded(tls.get())) return;
  secrets_ = std::make_unique<SecretLife>(parts_.secrets, tls, [this] { becomeWarm(); });
}

ClusterLife::~ClusterLife() = default;

void ClusterLife::start(const cluster::Cluster* former) {
  if (former != nullptr) former_ = former->endpoints();
  if (secrets_ != nullptr) secrets_->start();
  switch (plan_.settings.discovery) {
    case Discovery::Static:
      publish(cluster::makeEndpoints(plan_.endpoints, *former_, plan_.rules));
      return becomeFound();
    case Discovery::StrictDns:
    case Discovery::LogicalDns:
      return startDns();
    case Discovery::Eds:
      return startEds();
    case Discovery::Consul:
      return startConsul();
  }
}

void ClusterLife::startDns() {
  net::Resolver* resolver = parts_.resolvers.find(plan_.dns.resolver, cluster_->name());
  if (resolver == nullptr) return becomeFound();
  cluster::DnsDiscovery::Callbacks callbacks;
  callbacks.publish = [this](cluster::EndpointSetPtr endpoints) { publish(std::move(endpoints)); };
  callbacks.ready = [this] { becomeFound(); };
  callbacks.failing = [this](std::string_view host, net::DnsError error) {
    upstreamLog().warn("cluster '{}': cannot resolve '{}': {}", cluster_->name(), host,
                       net::dnsErrorText(error));
  };
  dns_ = std::make_unique<cluster::DnsDiscovery>(parts_.loop, *resolver, plan_,
                                                 cluster_->statScope(), std::random_device{}(),
                                                 std::move(callbacks), *former_);
  dns_->start();
}

// What is known already, because another version of the cluster asked, is used at once: a server
// that sees the same wish again has no reason to answer again.
void ClusterLife::startEds() {
  Report report;
  xds::TypeState* state =
      parts_.sources.find(plan_.eds.source, xds::ResourceType::Endpoints, Where(report));
  if (state == nullptr) return becomeFound();  // the plan's check has refused it before
  eds_ = xds::Watch::make(
      *state, parts_.loop,
      xds::Watch::Wish{xds::Watch::Kind::Name, plan_.eds.name,
                       xds::Sources::patienceOf(plan_.eds.source), cluster_->statScope()},
      *this);
  const xds::ResourcePtr known = eds_->current();
  if (known == nullptr) return;
  if (const auto why = take(*known)) {
    upstreamLog().error("cluster '{}': endpoints '{}': {}", cluster_->name(), plan_.eds.name, *why);
  }
  becomeFound();
}

void ClusterLife::startConsul() {
  Report report;
  const auto service = consul::readService(plan_.consul, Where(report));
  if (!service || parts_.consul == nullptr) return becomeFound();  // refused before
  ConsulDiscovery::Callbacks callbacks;
  callbacks.publish = [this](const std::vector<cluster::EndpointSpec>& specs) {
    const cluster::EndpointSetPtr now = cluster_->endpoints();
    publish(cluster::makeEndpoints(specs, now->all.empty() ? *former_ : *now, plan_.rules));
  };
  callbacks.ready = [this] { becomeFound(); };
  consul_ = std::make_unique<ConsulDiscovery>(*parts_.consul, *service, std::move(callbacks));
  consul_->start();
}

void ClusterLife::onUpdate(const xds::Update& update, std::vector<xds::Refusal>& refusals) {
  for (const xds::ResourcePtr& resource : update.resources) {
    if (auto why = take(*resource)) refusals.push_back({resource->name, *std::move(why)});
  }
  becomeFound();  // that there is nothing of that name, or nothing good, is an answer, too
}

std::optional<std::string> ClusterLife::take(const xds::Resource& resource) {
  google::protobuf::Arena arena;  // it is many small messages, and gone in a moment
  auto& assignment =
      *google::protobuf::Arena::CreateMessage<envoy::config::endpoint::v3::ClusterLoadAssignment>(
          &arena);
  if (auto why = parse(resource, assignment)) return why;
  Report report;
  const auto planned = cluster::planAssignment(assignment, plan_, Where(report));
  if (!planned) return wordsOf(report);
  const cluster::EndpointSetPtr now = cluster_->endpoints();
  publish(cluster::makeEndpoints(planned->endpoints, now->all.empty() ? *former_ : *now,
                                 planned->rules));
  return std::nullopt;
}

void ClusterLife::publish(cluster::EndpointSetPtr endpoints) {
  cluster_->publish(endpoints);
  if (warm_) callbacks_.changed(cluster_, endpoints);
}

void ClusterLife::becomeFound() {
  found_ = true;
  becomeWarm();
}

void ClusterLife::becomeWarm() {
  if (!found_ || (secrets_ != nullptr && !secrets_->warm()) || std::exchange(warm_, true)) return;
  former_ = std::make_shared<const cluster::EndpointSet>();
  callbacks_.warm();
}

std::set<std::string> ClusterLife::needs() const {
  std::set<std::string> needed;
  if (plan_.settings.discovery == Discovery::Eds) {
    needed.insert(parts_.sources.clusterOf(plan_.eds.source));
  }
  if (plan_.settings.discovery == Discovery::Consul && parts_.consul != nullptr) {
    needed.insert(parts_.consul->agent().settings().cluster);
  }
  if (const auto& tls = plan_.settings.tls) {
    for (const auto& secret : tls->fetched().all()) {
      needed.insert(parts_.sources.clusterOf(secret.reference.sds_config()));
    }
  }
  needed.erase("");  // files
  return needed;
}

std::string_view ClusterLife::waitsFor() const {
  if (warm_) return {};
  if (found_) return "sds";
  if (plan_.settings.discovery == Discovery::Consul) return "consul";
  return plan_.settings.discovery == Discovery::Eds ? "eds" : "dns";
}

}  // namespace weir::live
