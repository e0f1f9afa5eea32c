#include <algorithm>
#include <limits>

#include "envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver.pb.h"
#include "envoy/extensions/network/dns_resolver/getaddrinfo/v3/getaddrinfo_dns_resolver.pb.h"
#include "source/cluster/plan_parts.h"

namespace weir::cluster {
namespace {

using envoy::config::core::v3::Address;
using envoy::config::core::v3::DnsResolverOptions;
using envoy::extensions::network::dns_resolver::cares::v3::CaresDnsResolverConfig;
using net::AddressFamily;
using std::chrono::milliseconds;
namespace common_dns = envoy::extensions::clusters::common::dns::v3;

constexpr int kMaxTries = 16;
constexpr uint64_t kMaxQuerySeconds = 60;

AddressFamily familyOf(ClusterProto::DnsLookupFamily family, const Where& at) {
  switch (family) {
    case ClusterProto::AUTO:
      return AddressFamily::Auto;
    case ClusterProto::V4_ONLY:
      return AddressFamily::V4Only;
    case ClusterProto::V6_ONLY:
      return AddressFamily::V6Only;
    case ClusterProto::V4_PREFERRED:
      return AddressFamily::V4Preferred;
    case ClusterProto::ALL:
      return AddressFamily::All;
    default:
      at.error("not a look-up family: " + std::to_string(family));
  }
  return AddressFamily::Auto;
}

// The enum of the same name in the DnsCluster extension has other numbers.
AddressFamily familyOf(common_dns::DnsLookupFamily family, const Where& at) {
  switch (family) {
    case common_dns::UNSPECIFIED:
    case common_dns::AUTO:
      return AddressFamily::Auto;
    case common_dns::V4_ONLY:
      return AddressFamily::V4Only;
    case common_dns::V6_ONLY:
      return AddressFamily::V6Only;
    case common_dns::V4_PREFERRED:
      return AddressFamily::V4Preferred;
    case common_dns::ALL:
      return AddressFamily::All;
    default:
      at.error("not a look-up family: " + std::to_string(family));
  }
  return AddressFamily::Auto;
}

// Cluster's own fields and DnsCluster's share names and meaning.
template <typename Proto>
void readRates(const Proto& proto, DnsSpec& spec, const Where& at) {
  constexpr milliseconds kLeast{2};  // Envoy: more than 1 ms
  spec.respect_ttl = proto.respect_dns_ttl();
  if (proto.has_dns_refresh_rate()) {
    spec.refresh = readDuration(proto.dns_refresh_rate(), kLeast, at.field("dns_refresh_rate"))
                       .value_or(spec.refresh);
  }
  if (proto.has_dns_jitter()) {
    spec.jitter =
        readDuration(proto.dns_jitter(), {}, at.field("dns_jitter")).value_or(spec.jitter);
  }
  spec.failure_base = spec.failure_max = spec.refresh;
  if (!proto.has_dns_failure_refresh_rate()) return;
  const auto& rate = proto.dns_failure_refresh_rate();
  const Where here = at.field("dns_failure_refresh_rate");
  if (!rate.has_base_interval()) here.field("base_interval").error("expected a duration");
  const auto base =
      readDuration(rate.base_interval(), rate.has_base_interval() ? kLeast : milliseconds(),
                   here.field("base_interval"));
  if (!base) return;
  spec.failure_base = *base;
  spec.failure_max = *base * 10;
  if (!rate.has_max_interval()) return;
  const auto max = readDuration(rate.max_interval(), kLeast, here.field("max_interval"));
  if (!max) return;
  spec.failure_max = *max;
  if (*max < *base) here.field("max_interval").error("expected at least base_interval");
}

template <typename Addresses>
void readServers(const Addresses& addresses, net::ResolverSettings& settings, const Where& at) {
  for (int i = 0; i < addresses.size(); ++i) {
    const Where here = at.index(static_cast<size_t>(i)).field("socket_address");
    const auto& socket = addresses[i].socket_address();
    if (!addresses[i].has_socket_address()) {
      here.error("expected the address of a name server");
      continue;
    }
    if (socket.port_value() > 65535) {
      here.field("port_value").error("a port is at most 65535");
      continue;
    }
    auto address = net::Address::ip(socket.address(), static_cast<uint16_t>(socket.port_value()));
    if (address) {
      settings.servers.push_back(*std::move(address));
    } else {
      here.field("address").error(address.error().text);
    }
  }
}

void readResolverOptions(const DnsResolverOptions& proto, net::ResolverSettings& settings) {
  settings.tcp_only = proto.use_tcp_for_dns_lookups();
  settings.search_domains = !proto.no_default_search_domain();
}

void readCares(const CaresDnsResolverConfig& proto, net::ResolverSettings& settings,
               const Where& at) {
  readServers(proto.resolvers(), settings, at.field("resolvers"));
  readResolverOptions(proto.dns_resolver_options(), settings);
  settings.servers_as_fallback = proto.use_resolvers_as_fallback();
  settings.routable_only = proto.filter_unroutable_families();
  settings.rotate = proto.rotate_nameservers();
  if (proto.has_query_timeout_seconds()) {
    const uint64_t seconds = proto.query_timeout_seconds().value();
    if (seconds == 0 || seconds > kMaxQuerySeconds) {
      at.field("query_timeout_seconds").error("expected 1 to 60");
    } else {
      settings.timeout = std::chrono::seconds(seconds);
    }
  }
  if (proto.has_query_tries()) {
    const uint32_t tries = proto.query_tries().value();
    if (tries == 0 || tries > kMaxTries) {
      at.field("query_tries").error("expected 1 to 16");
    } else {
      settings.tries = static_cast<int>(tries);
    }
  }
  if (proto.has_edns0_max_payload_size()) {
    settings.edns_payload_size = proto.edns0_max_payload_size().value();
    if (settings.edns_payload_size < 512 || settings.edns_payload_size > 4096) {
      at.field("edns0_max_payload_size").error("expected 512 to 4096");
    }
  }
  const Unsupported unsupported(at);
  unsupported.ignore(proto.udp_max_queries().value() != 0, "udp_max_queries",
                     "renewing the resolver's sockets by count");
  unsupported.ignore(proto.has_max_udp_channel_duration(), "max_udp_channel_duration",
                     "renewing the resolver's sockets by age");
  unsupported.ignore(proto.reinit_channel_on_timeout(), "reinit_channel_on_timeout",
                     "renewing the resolver after timeouts");
  unsupported.ignore(proto.qcache_max_ttl().value() != 0, "qcache_max_ttl", "a cache of answers");
}

void readTypedResolver(const envoy::config::core::v3::TypedExtensionConfig& proto,
                       net::ResolverSettings& settings, const Where& at) {
  const Where here = at.field("typed_config");
  if (anyTypeName(proto.typed_config()) ==
      "envoy.extensions.network.dns_resolver.getaddrinfo.v3.GetAddrInfoDnsResolverConfig") {
    here.warning(
        "names are resolved by c-ares, with the servers of /etc/resolv.conf, instead of "
        "getaddrinfo");
    return;
  }
  CaresDnsResolverConfig config;
  if (unpackPlain(proto.typed_config(), config, here)) readCares(config, settings, here);
}

// The newest form that is set counts, as in Envoy.
void readResolver(const ClusterProto& proto, const DnsClusterProto* dns_cluster,
                  net::ResolverSettings& settings, const Where& at, const Where& dns_cluster_at) {
  if (dns_cluster != nullptr && dns_cluster->has_typed_dns_resolver_config()) {
    return readTypedResolver(dns_cluster->typed_dns_resolver_config(), settings,
                             dns_cluster_at.field("typed_dns_resolver_config"));
  }
  if (proto.has_typed_dns_resolver_config()) {
    return readTypedResolver(proto.typed_dns_resolver_config(), settings,
                             at.field("typed_dns_resolver_config"));
  }
  if (proto.has_dns_resolution_config()) {
    const Where here = at.field("dns_resolution_config");
    readServers(proto.dns_resolution_config().resolvers(), settings, here.field("resolvers"));
    readResolverOptions(proto.dns_resolution_config().dns_resolver_options(), settings);
    return;
  }
  readServers(proto.dns_resolvers(), settings, at.field("dns_resolvers"));
  settings.tcp_only = proto.use_tcp_for_dns_lookups();
}

}  // namespace

DnsSpec planDns(const ClusterProto& proto, const DnsClusterProto* dns_cluster, const Where& at,
                const Where& dns_cluster_at) {
  DnsSpec spec;
  if (dns_cluster == nullptr) {
    spec.family = familyOf(proto.dns_lookup_family(), at.field("dns_lookup_family"));
    readRates(proto, spec, at);
  } else {
    spec.family =
        familyOf(dns_cluster->dns_lookup_family(), dns_cluster_at.field("dns_lookup_family"));
    readRates(*dns_cluster, spec, dns_cluster_at);
    if (dns_cluster->has_dns_min_refresh_rate()) {
      const Where here = dns_cluster_at.field("dns_min_refresh_rate");
      spec.min_refresh = readDuration(dns_cluster->dns_min_refresh_rate(), milliseconds(1000), here)
                             .value_or(spec.min_refresh);
    }
  }
  if (proto.has_wait_for_warm_on_init()) spec.wait_for_warm = proto.wait_for_warm_on_init().value();
  readResolver(proto, dns_cluster, spec.resolver, at, dns_cluster_at);
  return spec;
}

}  // namespace weir::cluster
