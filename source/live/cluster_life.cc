#include "source/live/cluster_life.h"

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
      former_(std::make_shared<const cluster::EndpointSet>()) {}

ClusterLife::~ClusterLife() = default;

void ClusterLife::start(const cluster::Cluster* former) {
  if (former != nullptr) former_ = former->endpoints();
  switch (plan_.settings.discovery) {
    case Discovery::Static:
      publish(cluster::makeEndpoints(plan_.endpoints, *former_));
      return becomeWarm();
    case Discovery::StrictDns:
    case Discovery::LogicalDns:
      return startDns();
    case Discovery::Eds:
      return startEds();
  }
}

void ClusterLife::startDns() {
  net::Resolver* resolver = parts_.resolvers.find(plan_.dns.resolver, cluster_->name());
  if (resolver == nullptr) return becomeWarm();
  cluster::DnsDiscovery::Callbacks callbacks;
  callbacks.publish = [this](cluster::EndpointSetPtr endpoints) {
    cluster_->publish(endpoints);
    callbacks_.changed(cluster_, endpoints);
  };
  callbacks.ready = [this] { becomeWarm(); };
  callbacks.failing = [this](std::string_view host, net::DnsError error) {
    upstreamLog().warn("cluster '{}': cannot resolve '{}': {}", cluster_->name(), host,
                       net::dnsErrorText(error));
  };
  dns_ =
      std::make_unique<cluster::DnsDiscovery>(parts_.loop, *resolver, plan_, cluster_->statScope(),
                                              std::random_device{}(), std::move(callbacks));
  dns_->start();
}

// What is known already, because another version of the cluster asked, is used at once: a server
// that sees the same wish again has no reason to answer again.
void ClusterLife::startEds() {
  Report report;
  xds::TypeState* state =
      parts_.sources.find(plan_.eds.source, xds::ResourceType::Endpoints, Where(report));
  if (state == nullptr) return becomeWarm();  // the plan's check has refused it before
  membership_.emplace(cluster_->statScope());
  eds_ = xds::Watch::make(
      *state, parts_.loop,
      xds::Watch::Wish{xds::Watch::Kind::Name, plan_.eds.name,
                       xds::Sources::patienceOf(plan_.eds.source), cluster_->statScope()},
      *this);
  const xds::ResourcePtr known = eds_->current();
  if (known != nullptr && !take(*known)) becomeWarm();
}

void ClusterLife::onUpdate(const xds::Update& update, std::vector<xds::Refusal>& refusals) {
  for (const xds::ResourcePtr& resource : update.resources) {
    if (auto why = take(*resource)) refusals.push_back({resource->name, *std::move(why)});
  }
  becomeWarm();  // that there is nothing of that name, or nothing good, is an answer, too
}

std::optional<std::string> ClusterLife::take(const xds::Resource& resource) {
  envoy::config::endpoint::v3::ClusterLoadAssignment assignment;
  if (auto why = parse(resource, assignment)) return why;
  Report report;
  const auto specs = cluster::planAssignment(assignment, plan_, Where(report));
  if (!specs) return wordsOf(report);
  const cluster::EndpointSetPtr now = cluster_->endpoints();
  publish(cluster::makeEndpoints(*specs, now->all.empty() ? *former_ : *now));
  return std::nullopt;
}

void ClusterLife::publish(cluster::EndpointSetPtr endpoints) {
  if (membership_) membership_->publish(endpoints->all.size());
  cluster_->publish(endpoints);
  if (warm_) callbacks_.changed(cluster_, endpoints);
}

void ClusterLife::becomeWarm() {
  if (std::exchange(warm_, true)) return;
  former_ = std::make_shared<const cluster::EndpointSet>();
  callbacks_.warm();
}

void ClusterLife::withdraw() const {
  if (membership_) membership_->publish(0);
}

std::string_view ClusterLife::waitsFor() const {
  if (warm_) return {};
  return plan_.settings.discovery == Discovery::Eds ? "eds" : "dns";
}

}  // namespace weir::live
