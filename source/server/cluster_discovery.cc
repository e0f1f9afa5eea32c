#include "source/server/cluster_discovery.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <random>

namespace weir::server {
namespace {

// --component-log-level upstream:…; a process that made no such logger has one log.
spdlog::logger& log() {
  const auto named = spdlog::get("upstream");
  return named != nullptr ? *named : *spdlog::default_logger_raw();
}

}  // namespace

ClusterDiscovery::ClusterDiscovery(net::Loop& loop, const Snapshot& snapshot, Callbacks callbacks)
    : loop_(loop), snapshot_(snapshot), callbacks_(std::move(callbacks)) {}

ClusterDiscovery::~ClusterDiscovery() = default;

void ClusterDiscovery::start() {
  for (uint32_t slot = 0; slot < snapshot_.cluster_plans.size(); ++slot) {
    const cluster::ClusterPlan& plan = snapshot_.cluster_plans[slot];
    if (plan.settings.discovery == cluster::Discovery::Static) {
      (*snapshot_.clusters)[slot]->publish(cluster::makeStaticEndpoints(plan));
    } else {
      addDns(slot, plan);
    }
  }
  for (auto& dns : dns_) dns->start();
  checkReady();
}

net::Resolver* ClusterDiscovery::resolverFor(const net::ResolverSettings& settings,
                                             const std::string& cluster) {
  for (auto& [known, resolver] : resolvers_) {
    if (known == settings) return resolver.get();
  }
  auto made = net::Resolver::make(loop_, settings);
  if (!made) {
    log().error("cluster '{}': no DNS: {}", cluster, made.error().text);
    return nullptr;
  }
  resolvers_.emplace_back(settings, *std::move(made));
  return resolvers_.back().second.get();
}

void ClusterDiscovery::addDns(uint32_t slot, const cluster::ClusterPlan& plan) {
  const cluster::ClusterPtr& cluster = (*snapshot_.clusters)[slot];
  net::Resolver* resolver = resolverFor(plan.dns.resolver, cluster->name());
  if (resolver == nullptr) return;
  cluster::DnsDiscovery::Callbacks callbacks;
  callbacks.publish = [this, cluster](cluster::EndpointSetPtr endpoints) {
    cluster->publish(endpoints);
    callbacks_.changed(cluster, std::move(endpoints));
  };
  callbacks.ready = [this] { checkReady(); };
  callbacks.failing = [name = cluster->name()](std::string_view host, net::DnsError error) {
    log().warn("cluster '{}': cannot resolve '{}': {}", name, host, net::dnsErrorText(error));
  };
  dns_.push_back(std::make_unique<cluster::DnsDiscovery>(
      loop_, *resolver, plan, cluster->statScope(), std::random_device{}(), std::move(callbacks)));
}

void ClusterDiscovery::checkReady() {
  const bool all = std::all_of(dns_.begin(), dns_.end(), [](auto& dns) { return dns->ready(); });
  if (!all || told_ready_) return;
  told_ready_ = true;
  callbacks_.ready();
}

}  // namespace weir::server
