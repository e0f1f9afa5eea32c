// A server that is none: an AdminSource with a configuration, a cluster, stats, and a list of what
// it was asked to do. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "source/admin/admin_source.h"
#include "source/config/bootstrap.h"

namespace weir::admin {

inline constexpr const char* kSampleBootstrap = R"(
node: {id: n1, cluster: c1}
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
layered_runtime:
  layers: [{name: adm, admin_layer: {}}]
static_resources:
  listeners:
  - name: web
    address: {socket_address: {address: 127.0.0.1, port_value: 80}}
    filter_chains:
    - filters:
      - name: h
        typed_config:
          "@type": "type.googleapis.com/envoy.extensions.filters.network.\
                    http_connection_manager.v3.HttpConnectionManager"
          stat_prefix: web
          route_config:
            name: local
            virtual_hosts:
            - name: v
              domains: ["*"]
              routes: [{match: {prefix: /}, route: {cluster: back}}]
              request_headers_to_add: [{header: {key: Authorization, value: Basic aGVsbG8=}}]
  clusters:
  - name: back
    type: STATIC
  - name: other
    type: STATIC
  secrets:
  - name: gs
    generic_secret: {secret: {inline_string: hush}}
)";

struct SampleSource final : AdminSource {
  explicit SampleSource(const std::string& yaml = kSampleBootstrap) {
    Report report;
    auto loaded = std::make_shared<envoy::config::bootstrap::v3::Bootstrap>();
    EXPECT_TRUE(config::loadBootstrap({.yaml = yaml}, *loaded, report)) << report.text();
    config = std::move(loaded);
    auto endpoint = std::make_shared<cluster::Endpoint>();
    endpoint->address = *net::Address::ip("127.0.0.1", 19873);
    endpoint->text = endpoint->address.text();
    endpoint->region = "r1";
    endpoint->zone = "z1";
    envoy::config::core::v3::Metadata said;
    auto& balancing = *(*said.mutable_filter_metadata())["envoy.lb"].mutable_fields();
    balancing["version"].set_string_value("2");
    endpoint->metadata = cluster::EndpointMetadata::from(said);
    endpoint->counts.cx_total = 3;
    endpoint->counts.rq_active = 2;
    auto clusters = std::make_shared<std::vector<cluster::ClusterPtr>>();
    for (const char* name : {"back", "other"}) {
      cluster::ClusterSettings settings;
      settings.name = settings.stat_name = name;
      settings.high_limits.max_retries = 7;
      clusters->push_back(std::make_shared<cluster::Cluster>(
          static_cast<uint32_t>(clusters->size()), settings,
          StatScope(store).scope("cluster").tagged(name, "envoy_cluster_name")));
    }
    clusters->front()->publish(
        std::make_shared<cluster::EndpointSet>(cluster::EndpointSet{{endpoint}}));
    table = std::move(clusters);
  }

  BootstrapPtr bootstrap() const override { return config; }
  std::chrono::system_clock::time_point configuredAt() const override {
    return std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000));
  }
  ClusterTable clusters() const override { return table; }
  DynamicViews dynamic() const override { return dynamic_views; }
  std::vector<ListenerView> listeners() const override {
    return {{"web", *net::Address::ip("127.0.0.1", 10000)},
            {"sock", *net::Address::unixPath("/run/weir.sock")}};
  }
  envoy::admin::v3::ServerInfo::State state() const override { return state_now; }
  std::string version() const override { return "0/1.2.3/Clean/RELEASE/OpenSSL"; }
  std::chrono::seconds uptime() const override { return std::chrono::seconds(61); }
  envoy::admin::v3::CommandLineOptions commandLine() const override {
    envoy::admin::v3::CommandLineOptions line;
    line.set_concurrency(2);
    line.set_config_yaml("password: x");
    return line;
  }
  std::vector<Unready> unready() const override { return waiting; }
  StatStore& stats() const override { return store; }
  void refreshStats() override { done.push_back("refreshStats"); }
  std::vector<std::string> decisions(size_t most) const override {
    return std::vector<std::string>(std::min<size_t>(most, 3), "{\"code\":200}");
  }
  std::vector<RuntimeLayerView> runtime() const override {
    if (!config->has_layered_runtime()) return {};
    return {{"static", {{"health_check.min_interval", "5"}, {"a.b", "true"}}}, {"adm", overrides}};
  }
  std::optional<Error> modifyRuntime(const RuntimeValues& values) override {
    if (!config->has_layered_runtime()) return Error{"", "No admin layer specified"};
    for (const auto& [key, value] : values) {
      if (key == "bad") return Error{"", "bad is not a key"};
      overrides[key] = value;
    }
    return std::nullopt;
  }
  void failHealthChecks(bool fail) override { done.push_back(fail ? "fail" : "pass"); }
  void drainListeners(const DrainRequest& how) override {
    done.push_back(std::string("drain") + (how.graceful ? " graceful" : "") +
                   (how.skip_exit ? " skip_exit" : "") + (how.inbound_only ? " inbound" : ""));
  }
  void reopenLogs() override { done.push_back("reopen"); }
  void quit() override { done.push_back("quit"); }

  mutable StatStore store;
  BootstrapPtr config;
  ClusterTable table;
  DynamicViews dynamic_views;
  envoy::admin::v3::ServerInfo::State state_now = envoy::admin::v3::ServerInfo::LIVE;
  std::vector<Unready> waiting;
  RuntimeValues overrides;
  std::vector<std::string> done;
};

}  // namespace weir::admin
