#include "source/stream/hcm_builder.h"

#include <map>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/stream/chain_builder.h"
#include "source/stream/scopes.h"

namespace weir::stream {
namespace {

using Proto = HttpConnectionManager;

std::chrono::milliseconds toMs(const google::protobuf::Duration& duration) {
  return std::chrono::milliseconds(duration.seconds() * 1000 + duration.nanos() / 1'000'000);
}

// Reads a duration if it is set; a positive one below a millisecond is not "none".
void read(bool set, const google::protobuf::Duration& from, std::chrono::milliseconds& to) {
  if (!set) return;
  to = toMs(from);
  if (to.count() == 0 && from.nanos() > 0) to = std::chrono::milliseconds(1);
}

// nginx's default, where Envoy has none: half a head must not cost a connection for ever.
constexpr std::chrono::seconds kRequestHeadersTimeout{60};

void readTimeouts(const Proto& proto, HcmPlan& plan) {
  plan.request_headers_timeout = kRequestHeadersTimeout;
  const auto& common = proto.common_http_protocol_options();
  read(common.has_idle_timeout(), common.idle_timeout(), plan.idle_timeout);
  read(common.has_max_connection_duration(), common.max_connection_duration(),
       plan.max_connection_duration);
  read(common.has_max_stream_duration(), common.max_stream_duration(), plan.max_stream_duration);
  read(proto.has_request_timeout(), proto.request_timeout(), plan.request_timeout);
  read(proto.has_request_headers_timeout(), proto.request_headers_timeout(),
       plan.request_headers_timeout);
  read(proto.has_stream_idle_timeout(), proto.stream_idle_timeout(), plan.stream_idle_timeout);
  read(proto.has_delayed_close_timeout(), proto.delayed_close_timeout(),
       plan.delayed_close_timeout);
  read(proto.has_drain_timeout(), proto.drain_timeout(), plan.drain_timeout);
}

void readLimits(const Proto& proto, HcmPlan& plan, const Where& at) {
  const auto& common = proto.common_http_protocol_options();
  if (proto.has_max_request_headers_kb()) {
    const uint32_t kb = proto.max_request_headers_kb().value();
    if (kb == 0 || kb > 8192) {
      at.field("max_request_headers_kb").error("expected 1 to 8192, found " + std::to_string(kb));
    }
    plan.max_head_bytes = kb * 1024;
  }
  if (common.has_max_headers_count()) {
    plan.max_fields = common.max_headers_count().value();
    if (plan.max_fields == 0) {
      at.field("common_http_protocol_options")
          .field("max_headers_count")
          .error("expected at least 1");
    }
  }
  if (common.has_max_requests_per_connection()) {
    plan.max_requests_per_connection = common.max_requests_per_connection().value();
  }
}

class Routes final : public router::RouteBuild {
 public:
  // `validates`: what an unset validate_clusters means.
  Routes(const Where& at, const BuildContext& context, bool validates)
      : at_(at), context_(context), validates_(validates) {}
  uint32_t clusterSlot(std::string_view name) override {
    const uint32_t slot = context_.cluster_slot(name);
    if (slot == cluster::kNoSlot || !context_.named_cluster) return slot;
    const auto [at, is_new] = named_.try_emplace(slot);
    if (is_new) at->second = context_.named_cluster(name);
    return slot;
  }
  bool isThere(std::string_view name) override {
    return context_.cluster_is_there ? context_.cluster_is_there(name)
                                     : clusterSlot(name) != cluster::kNoSlot;
  }
  void error(std::string path, std::string text) override {
    at_.report().error(at_.path() + "." + path, std::move(text));
  }
  void warn(std::string path, std::string text) override {
    at_.report().warning(at_.path() + "." + path, std::move(text));
  }
  bool validatesClusters() const override { return validates_; }
  RuntimeKey runtime(std::string_view key) override { return keyOf(context_.runtime, key); }
  std::shared_ptr<cluster::NamedClusters> named() const {
    auto clusters = std::make_shared<cluster::NamedClusters>();
    for (const auto& [slot, named] : named_) {
      if (named != nullptr) clusters->all.push_back(named);
    }
    return clusters;
  }

 private:
  const Where at_;
  const BuildContext& context_;
  const bool validates_;
  std::map<uint32_t, cluster::NamedClusterPtr> named_;  // by slot
};

// Behind readLimits(): the limits to heads are the same for every version.
void readHttp2(const Proto& proto, HcmPlan& plan, const Where& at) {
  codec::Http2Options& codec = plan.http2.codec;
  codec.max_head_bytes = plan.max_head_bytes;
  codec.max_fields = plan.max_fields;
  codec.stream_error_on_invalid_http_messaging =
      proto.stream_error_on_invalid_http_message().value();
  http2::readOptions(proto.http2_protocol_options(), http2::Role::Server, plan.http2,
                     at.field("http2_protocol_options"));
}

void readCodec(const Proto& proto, HcmPlan& plan, const Where& at) {
  switch (proto.codec_type()) {
    case Proto::HTTP1:
      plan.codec = CodecType::Http1;
      break;
    case Proto::HTTP2:
      plan.codec = CodecType::Http2;
      break;
    case Proto::HTTP3:
      at.field("codec_type").error("HTTP/3 is not supported");
      break;
    default:
      break;
  }
  const auto& http1 = proto.http_protocol_options();
  const Where ignored = at.field("http_protocol_options").field("ignore_http_11_upgrade");
  for (int i = 0; i < http1.ignore_http_11_upgrade_size(); ++i) {
    auto matcher = StringMatcher::from(http1.ignore_http_11_upgrade(i));
    if (matcher) {
      plan.upgrades.ignore(*std::move(matcher));
    } else {
      ignored.index(static_cast<size_t>(i))
          .field(matcher.error().field)
          .error(matcher.error().text);
    }
  }
  plan.enable_trailers = http1.enable_trailers();
  plan.accept_http_10 = http1.accept_http_10();
  plan.default_host_for_http_10 = http1.default_host_for_http_10();
  plan.proxy_100_continue = proto.proxy_100_continue();
  plan.append_local_overload = proto.append_local_overload();
}

void readPolicies(const Proto& proto, HcmPlan& plan, const Where& at, const ProxyIdentity& proxy) {
  const auto take = [&at](auto result, auto& into) {
    if (result) {
      into = *std::move(result);
    } else {
      at.field(result.error().field).error(result.error().text);
    }
  };
  take(ForwardingPolicy::from(proto, proxy), plan.forwarding);
  take(PathPolicy::from(proto), plan.paths);
  take(RequestIdPolicy::from(proto), plan.ids);
}

// A table that is good; else what was there stays, and it is reported.
void takeRoutes(const RouteConfiguration& proto, HcmPlan& plan, const Where& at,
                const BuildContext& context, bool validates) {
  const size_t errors_before = at.report().errors();
  Routes routes(at, context, validates);
  if (auto table = router::RouteTable::from(proto, routes)) {
    plan.routes = std::move(table);
    plan.clusters = routes.named();
  } else if (at.report().errors() == errors_before) {
    at.error("the routes could not be read");
  }
  buildChains(plan, at, context);
}

// What has a control plane's routes has none at first.
void readRoutes(const Proto& proto, HcmPlan& plan, const Where& at, const BuildContext& context) {
  const Where here = at.field("route_config");
  if (proto.has_rds()) {
    if (proto.rds().route_config_name().empty()) {
      at.field("rds").field("route_config_name").error("expected a name, found nothing");
    }
    plan.rds = std::make_shared<const RdsSpec>(
        RdsSpec{proto.rds().config_source(), proto.rds().route_config_name()});
    const Where source = at.field("rds").field("config_source");
    context.check_source
        ? context.check_source(proto.rds().config_source(), Fetched::Routes, source)
        : source.error("there is nothing to ask for routes here");
  } else if (proto.has_route_config()) {
    return takeRoutes(proto.route_config(), plan, here, context, true);
  } else if (!proto.has_scoped_routes()) {
    at.error("expected route_config, rds or scoped_routes: the routes of this listener");
  }
  buildChains(plan, here, context);
  if (proto.has_scoped_routes()) readScopes(proto, plan, at, context);
}

}  // namespace

std::shared_ptr<const HcmPlan> buildHcm(const HttpConnectionManager& proto, const Where& at,
                                        const BuildContext& context) {
  const size_t errors_before = at.report().errors();
  if (proto.stat_prefix().empty()) {
    at.field("stat_prefix").error("expected a name for the statistics, such as ingress_http");
  }
  auto plan = std::make_shared<HcmPlan>(
      context.stats.scope("http").tagged(proto.stat_prefix(), "envoy_http_conn_manager_prefix"),
      context.stats.scope("http2"));
  plan->buffer_limit = context.buffer_limit;
  plan->bypasses_overload = context.bypasses_overload;
  readTimeouts(proto, *plan);
  readLimits(proto, *plan, at);
  readCodec(proto, *plan, at);
  readHttp2(proto, *plan, at);
  readPolicies(proto, *plan, at, context.proxy);
  readFilters(proto, *plan, at, context);
  plan->own_background = plan->background.size();
  readRoutes(proto, *plan, at, context);
  return at.report().errors() == errors_before ? plan : nullptr;
}

std::shared_ptr<const HcmPlan> withRoutes(const HcmPlan& plan, const RouteConfiguration& proto,
                                          const Where& at, const BuildContext& context,
                                          bool validates) {
  const size_t errors_before = at.report().errors();
  auto next = std::make_shared<HcmPlan>(plan);
  next->background.resize(plan.own_background);
  takeRoutes(proto, *next, at, context, validates);
  return at.report().errors() == errors_before ? next : nullptr;
}

}  // namespace weir::stream
