#include "envoy/extensions/upstreams/http/v3/http_protocol_options.pb.h"
#include "source/cluster/plan_parts.h"

namespace weir::cluster {
namespace {

using envoy::config::core::v3::Http1ProtocolOptions;
using envoy::config::core::v3::Http2ProtocolOptions;
using envoy::extensions::upstreams::http::v3::HttpProtocolOptions;
using CommonOptions = envoy::config::core::v3::HttpProtocolOptions;

constexpr std::string_view kOptionsKey = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
constexpr uint32_t kMaxHeadKb = 8192;

void readCommon(const CommonOptions& proto, ClusterSettings& settings, const Where& at) {
  if (proto.has_idle_timeout()) {
    const auto idle = readDuration(proto.idle_timeout(), {}, at.field("idle_timeout"));
    settings.idle_timeout = idle.value_or(settings.idle_timeout);
  }
  if (proto.has_max_headers_count()) {
    settings.max_response_fields = proto.max_headers_count().value();
    if (settings.max_response_fields == 0)
      at.field("max_headers_count").error("expected at least 1");
  }
  if (proto.has_max_response_headers_kb()) {
    const uint32_t kb = proto.max_response_headers_kb().value();
    settings.max_response_head_bytes = kb * 1024;
    if (kb == 0 || kb > kMaxHeadKb) {
      at.field("max_response_headers_kb").error("expected 1 to 8192, found " + std::to_string(kb));
    }
  }
  if (proto.has_max_requests_per_connection()) {
    settings.max_requests_per_connection = proto.max_requests_per_connection().value();
  }
  const Unsupported unsupported(at);
  unsupported.ignore(proto.has_max_connection_duration(), "max_connection_duration",
                     "a limit to a connection's age");
  unsupported.refuse(proto.has_max_stream_duration(), "max_stream_duration",
                     "a cluster's own limit to a request's duration");
  // headers_with_underscores_action is about downstream only, in Envoy as here.
}

void readHttp1(const Http1ProtocolOptions& proto, ClusterSettings& settings, const Where& at) {
  const Unsupported unsupported(at);
  unsupported.refuse(proto.send_fully_qualified_url(), "send_fully_qualified_url",
                     "sending absolute URLs");
  unsupported.ignore(proto.has_header_key_format(), "header_key_format",
                     "another case of header names");
  settings.enable_trailers |= proto.enable_trailers();
  unsupported.ignore(proto.allow_chunked_length(), "allow_chunked_length",
                     "Transfer-Encoding beside Content-Length");
  unsupported.ignore(proto.ignore_http_11_upgrade_size() != 0, "ignore_http_11_upgrade",
                     "ignoring upgrades");
}

void readHttp2(const Http2ProtocolOptions& proto, ClusterSettings& settings, const Where& at) {
  http2::readOptions(proto, http2::Role::Client, settings.http2, at);
}

// Of a message that has options for each version.
template <typename Config>
void readBoth(const Config& config, HttpVersion version, ClusterSettings& settings,
              const Where& at) {
  settings.http_version = version;
  readHttp1(config.http_protocol_options(), settings, at.field("http_protocol_options"));
  readHttp2(config.http2_protocol_options(), settings, at.field("http2_protocol_options"));
  if (config.has_http3_protocol_options()) {
    at.field("http3_protocol_options").error("HTTP/3 to clusters is not supported");
  }
}

void readVersion(const HttpProtocolOptions& proto, ClusterSettings& settings, const Where& at) {
  using Options = HttpProtocolOptions;
  switch (proto.upstream_protocol_options_case()) {
    case Options::kExplicitHttpConfig:
      break;
    case Options::kUseDownstreamProtocolConfig:
      return readBoth(proto.use_downstream_protocol_config(), HttpVersion::AsDownstream, settings,
                      at.field("use_downstream_protocol_config"));
    case Options::kAutoConfig:
      if (proto.auto_config().has_alternate_protocols_cache_options()) {
        at.field("auto_config")
            .field("alternate_protocols_cache_options")
            .warning("has no effect: alternative services are HTTP/3's");
      }
      return readBoth(proto.auto_config(), HttpVersion::Agreed, settings, at.field("auto_config"));
    default:
      at.error("expected explicit_http_config: which HTTP version the cluster speaks");
      return;
  }
  const auto& config = proto.explicit_http_config();
  const Where here = at.field("explicit_http_config");
  switch (config.protocol_config_case()) {
    case Options::ExplicitHttpConfig::kHttpProtocolOptions:
      return readHttp1(config.http_protocol_options(), settings,
                       here.field("http_protocol_options"));
    case Options::ExplicitHttpConfig::kHttp2ProtocolOptions:
      settings.http_version = HttpVersion::Http2;
      return readHttp2(config.http2_protocol_options(), settings,
                       here.field("http2_protocol_options"));
    case Options::ExplicitHttpConfig::kHttp3ProtocolOptions:
      here.field("http3_protocol_options").error("HTTP/3 to clusters is not supported");
      return;
    default:
      here.error("expected http_protocol_options");
  }
}

// The limits to heads are the same for both versions.
void limitHttp2Heads(ClusterSettings& settings) {
  settings.http2.codec.max_head_bytes = settings.max_response_head_bytes;
  settings.http2.codec.max_fields = settings.max_response_fields;
}

void readUpstreamFilters(const HttpProtocolOptions& proto, const Where& at) {
  constexpr std::string_view kCodec =
      "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec";
  for (int i = 0; i < proto.http_filters_size(); ++i) {
    const auto& filter = proto.http_filters(i);
    const bool is_last = i + 1 == proto.http_filters_size();
    if (is_last && anyTypeName(filter.typed_config()) == kCodec) continue;
    at.field("http_filters")
        .index(static_cast<size_t>(i))
        .error("filters of a cluster are not supported yet, but for the codec at the end");
  }
}

void readOptions(const HttpProtocolOptions& proto, ClusterSettings& settings, const Where& at) {
  readCommon(proto.common_http_protocol_options(), settings,
             at.field("common_http_protocol_options"));
  readVersion(proto, settings, at);
  readUpstreamFilters(proto, at);
  limitHttp2Heads(settings);
  const Unsupported unsupported(at);
  unsupported.refuse(proto.has_header_validation_config(), "header_validation_config",
                     "another header validator");
  unsupported.ignore(proto.has_outlier_detection(), "outlier_detection", "outlier detection");
  unsupported.refuse(proto.request_mirror_policies_size() != 0, "request_mirror_policies",
                     "a cluster's own mirror policy");
  unsupported.ignore(proto.hash_policy_size() != 0, "hash_policy", "a cluster's own hash policy");
  unsupported.refuse(proto.has_retry_policy(), "retry_policy", "a cluster's own retry policy");
}

// What HttpProtocolOptions replaced; configurations still have it.
void readOldOptions(const ClusterProto& proto, ClusterSettings& settings, const Where& at) {
  if (proto.has_max_requests_per_connection()) {
    settings.max_requests_per_connection = proto.max_requests_per_connection().value();
  }
  readCommon(proto.common_http_protocol_options(), settings,
             at.field("common_http_protocol_options"));
  readHttp1(proto.http_protocol_options(), settings, at.field("http_protocol_options"));
  if (proto.has_http2_protocol_options()) {
    settings.http_version = HttpVersion::Http2;
    readHttp2(proto.http2_protocol_options(), settings, at.field("http2_protocol_options"));
  }
  if (proto.protocol_selection() == ClusterProto::USE_DOWNSTREAM_PROTOCOL) {
    settings.http_version = HttpVersion::AsDownstream;
  }
  limitHttp2Heads(settings);
}

void warnOverridden(const ClusterProto& proto, const Where& at) {
  const auto warn = [&at](bool set, std::string_view field) {
    if (!set) return;
    at.field(field).warning("has no effect beside typed_extension_protocol_options[\"" +
                            std::string(kOptionsKey) + "\"]");
  };
  warn(proto.has_max_requests_per_connection(), "max_requests_per_connection");
  warn(proto.has_common_http_protocol_options(), "common_http_protocol_options");
  warn(proto.has_http_protocol_options(), "http_protocol_options");
  warn(proto.has_http2_protocol_options(), "http2_protocol_options");
  warn(proto.has_upstream_http_protocol_options(), "upstream_http_protocol_options");
}

}  // namespace

void planHttp(const ClusterProto& proto, ClusterSettings& settings, const Where& at) {
  const Where map_at = at.field("typed_extension_protocol_options");
  bool typed = false;
  for (const auto& [key, any] : proto.typed_extension_protocol_options()) {
    const Where here = map_at.key(key);
    if (key != kOptionsKey) {
      here.error("options of '" + key + "' are not supported, only those of " +
                 std::string(kOptionsKey));
      continue;
    }
    typed = true;
    HttpProtocolOptions options;
    if (unpackPlain(any, options, here)) readOptions(options, settings, here);
  }
  if (typed) {
    warnOverridden(proto, at);
  } else {
    readOldOptions(proto, settings, at);
  }
}

}  // namespace weir::cluster
