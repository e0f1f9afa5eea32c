// The loader and the table against the real Bootstrap.
#include <gtest/gtest.h>

#include <string>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/any.h"
#include "source/config/bootstrap.h"
#include "source/config/explain.h"
#include "source/config/honoured_fields.h"

namespace weir::config {
namespace {

using envoy::config::bootstrap::v3::Bootstrap;
using envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;

constexpr const char* kBootstrap = R"(
admin:
  address: {socket_address: {address: 127.0.0.1, port_value: 9901}}
static_resources:
  listeners:
  - name: main
    address: {socketAddress: {address: 0.0.0.0, portValue: "10000"}}
    filter_chains:
      filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: ingress
          codec_type: auto
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: /}
                route: {cluster: origin, timeout: 2s}
                typed_per_filter_config:
                  buffer:
                    "@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute
                    disabled: true
          http_filters:
          - name: router
            typed_config:
              "@type": type.googleapis.com/xds.type.v3.TypedStruct
              type_url: type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
              value: {suppress_envoy_headers: true}
  clusters:
  - name: origin
    type: strict_dns
    connect_timeout: 0.25s
    load_assignment:
      cluster_name: origin
      endpoints:
      - lb_endpoints:
        - endpoint: {address: {socket_address: {address: localhost, port_value: 8080}}}
)";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

std::string problems(const std::string& yaml) {
  Report report;
  Bootstrap bootstrap;
  if (loadBootstrap({.yaml = yaml}, bootstrap, report)) reportIgnored(bootstrap, Where(report));
  return report.text();
}

TEST(PublicApi, TheTableNamesOnlyWhatExists) {
  EXPECT_EQ(HonouredFields::builtin().unknownNames(*Bootstrap::descriptor()->file()->pool()),
            std::vector<std::string>{});
}

TEST(PublicApi, ABootstrapIsReadAndObeyed) {
  Report report;
  Bootstrap bootstrap;
  ASSERT_TRUE(loadBootstrap({.yaml = kBootstrap}, bootstrap, report)) << report.text();
  EXPECT_EQ(problems(kBootstrap), "");
  const auto& listener = bootstrap.static_resources().listeners(0);
  EXPECT_EQ(listener.address().socket_address().port_value(), 10000u);
  HttpConnectionManager manager;
  ASSERT_TRUE(
      unpackAny(listener.filter_chains(0).filters(0).typed_config(), manager, Where(report)));
  EXPECT_EQ(anyTypeName(manager.http_filters(0).typed_config()),
            "envoy.extensions.filters.http.router.v3.Router");
  EXPECT_EQ(bootstrap.static_resources().clusters(0).type(),
            envoy::config::cluster::v3::Cluster::STRICT_DNS);
}

TEST(PublicApi, WhatIsNotObeyedHasItsLine) {
  EXPECT_EQ(
      problems(replaced(kBootstrap, "stat_prefix: ingress", "path_normalization_options: {}")),
      "--config-yaml:13:11: static_resources.listeners[0].filter_chains[0].filters[0]."
      "typed_config.path_normalization_options: not supported, and not ignored because "
      "it may decide who may pass, where traffic goes or how it is protected\n");
  EXPECT_EQ(problems(replaced(kBootstrap, "codec_type: auto", "codec_type: http3")),
            "--config-yaml:14:23: static_resources.listeners[0].filter_chains[0].filters[0]."
            "typed_config.codec_type: HTTP3 is not supported, only AUTO, HTTP1, HTTP2\n");
  EXPECT_EQ(
      problems(replaced(kBootstrap, "codec_type: auto", "record_route_resolution_stats: true")),
      "--config-yaml:14:42: warning: static_resources.listeners[0].filter_chains[0]."
      "filters[0].typed_config.record_route_resolution_stats: not supported, ignored\n");
}

TEST(PublicApi, MistakesDeepInsideAnyHaveTheirLine) {
  EXPECT_EQ(problems(replaced(kBootstrap, "{cluster: origin", "{clustr: origin")),
            "--config-yaml:21:25: static_resources.listeners[0].filter_chains.filters[0]."
            "typed_config.route_config.virtual_hosts[0].routes[0].route.clustr: unknown field; did "
            "you mean 'cluster'? (fields of envoy.config.route.v3.RouteAction)\n");
  EXPECT_EQ(problems(replaced(kBootstrap, "value: {suppress_", "value: {supress_")),
            "--config-yaml:31:23: static_resources.listeners[0].filter_chains.filters[0]."
            "typed_config.http_filters[0].typed_config.value.supress_envoy_headers: unknown field; "
            "did you mean 'suppress_envoy_headers'? (fields of "
            "envoy.extensions.filters.http.router.v3.Router)\n");
}

}  // namespace
}  // namespace weir::config
