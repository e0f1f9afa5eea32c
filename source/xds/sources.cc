#include "source/xds/sources.h"

#include <utility>

#include "source/config/explain.h"
#include "source/rpc/bounded_ms.h"
#include "source/xds/file_source.h"
#include "source/xds/grpc_source.h"
#include "source/xds/rest_source.h"

namespace weir::xds {
namespace {

using envoy::config::core::v3::ApiConfigSource;
using envoy::config::core::v3::ApiVersion;
using envoy::config::core::v3::ConfigSource;
using envoy::config::core::v3::GrpcService;
using rpc::boundedMs;

// False: reported.
bool readPace(const ApiConfigSource& proto, RequestPace::Settings& pace, const Where& at) {
  if (!proto.has_rate_limit_settings()) return true;
  const auto& limit = proto.rate_limit_settings();
  pace.most = limit.has_max_tokens() ? limit.max_tokens().value() : 100;  // as in Envoy
  pace.per_second = limit.has_fill_rate() ? limit.fill_rate().value() : 10;
  const Where here = at.field("rate_limit_settings");
  if (pace.most == 0) here.field("max_tokens").error("expected at least 1, or nothing is asked");
  const bool fills = pace.per_second >= 0.001;
  if (!fills) here.field("fill_rate").error("expected requests a second, at least 0.001");
  return pace.most != 0 && fills;
}

}  // namespace

Sources::~Sources() = default;

std::chrono::milliseconds Sources::patienceOf(const ConfigSource& proto) {
  constexpr std::chrono::seconds kUsual{15};
  return proto.has_initial_fetch_timeout() ? boundedMs(proto.initial_fetch_timeout()) : kUsual;
}

std::unique_ptr<Source> Sources::makeGrpc(const ApiConfigSource& proto,
                                          std::optional<ResourceType> only, const Where& at) {
  if (proto.api_type() != ApiConfigSource::GRPC &&
      proto.api_type() != ApiConfigSource::DELTA_GRPC) {
    at.field("api_type")
        .error("expected GRPC or DELTA_GRPC, found " +
               ApiConfigSource::ApiType_Name(proto.api_type()));
    return nullptr;
  }
  if (proto.grpc_services().empty()) {
    at.field("grpc_services").error("expected the service to ask");
    return nullptr;
  }
  const GrpcService& service = proto.grpc_services(0);
  auto target = rpc::readTarget(service, at.field("grpc_services").index(0));
  if (!target) return nullptr;
  GrpcSource::Settings settings;
  if (!readPace(proto, settings.pace, at)) return nullptr;
  clusters_.insert(target->cluster);
  settings.delta = proto.api_type() == ApiConfigSource::DELTA_GRPC;
  settings.only = only;
  settings.node = node_;
  settings.node_once = proto.set_node_on_first_message_only();
  settings.back_off = rpc::readBackOff(service.envoy_grpc().retry_policy());
  settings.random = [this] { return parts_.services.random.next(); };
  settings.scope = parts_.root.scope("control_plane");
  settings.identified = parts_.identified;
  settings.keep = keeperOf(proto, only.has_value() ? "one type" : "all types");
  return std::make_unique<GrpcSource>(
      parts_.loop, std::move(settings),
      [this, target = *std::move(target)](std::string_view method, rpc::MessageStreamUser& user) {
        return std::make_unique<rpc::GrpcStream>(parts_.services, target, method, user);
      });
}

void Sources::setAds(const ApiConfigSource& proto, const Where& at) {
  ads_ = makeGrpc(proto, std::nullopt, at);
  ads_delta_ = proto.api_type() == ApiConfigSource::DELTA_GRPC;
  ads_cluster_ = clusterOf(proto);
}

std::string Sources::clusterOf(const ApiConfigSource& proto) {
  if (!proto.grpc_services().empty()) return proto.grpc_services(0).envoy_grpc().cluster_name();
  return proto.cluster_names().empty() ? std::string() : proto.cluster_names(0);
}

std::string Sources::clusterOf(const ConfigSource& proto) const {
  if (proto.has_ads()) return ads_cluster_;
  return proto.has_api_config_source() ? clusterOf(proto.api_config_source()) : std::string();
}

// What was said to another node, or by another server, is another state.
std::function<void(TypeState&)> Sources::keeperOf(const google::protobuf::Message& where,
                                                  std::string_view kind) {
  std::string key = node_.id() + '\n' + node_.cluster() + '\n' + std::string(kind) + '\n' +
                    where.SerializeAsString();
  return [this, key = std::move(key)](TypeState& state) {
    if (parts_.state == nullptr) return;
    kept_.push_back(&state);
    const std::string_view url = state.facts().url;
    state.keepIn(*parts_.state, StateDirectory::nameOf(url.substr(url.rfind('.') + 1), key));
  };
}

void Sources::finishSaving() const {
  for (const TypeState* state : kept_) state->finishSaving();
}

std::vector<std::string> Sources::staleness() const {
  std::vector<std::string> all;
  for (const TypeState* state : kept_) {
    std::string one = state->staleness();
    if (!one.empty()) all.push_back(std::move(one));
  }
  return all;
}

std::unique_ptr<Source> Sources::makeRest(const ApiConfigSource& proto, ResourceType type,
                                          const Where& at) {
  if (proto.has_rate_limit_settings()) {
    at.field("rate_limit_settings").warning("has no effect: refresh_delay says how often is asked");
  }
  RestSource::Settings settings;
  settings.node = node_;
  settings.refresh = boundedMs(proto.refresh_delay());
  settings.keep = keeperOf(proto, "one type");
  if (proto.has_request_timeout()) settings.timeout = boundedMs(proto.request_timeout());
  if (!proto.cluster_names().empty()) settings.cluster = proto.cluster_names(0);
  if (settings.cluster.empty()) {
    at.field("cluster_names").error("expected the cluster to ask");
  } else if (settings.refresh.count() <= 0) {
    at.field("refresh_delay").error("expected how often to ask, such as 5s");
  } else if (factsOf(type).fetch_path.empty()) {
    at.field("api_type").error("there is no REST method for this type");
  } else {
    clusters_.insert(settings.cluster);
    return std::make_unique<RestSource>(parts_.services, type, std::move(settings));
  }
  return nullptr;
}

std::unique_ptr<Source> Sources::makeApi(const ApiConfigSource& proto, ResourceType type,
                                         const Where& at) {
  if (proto.transport_api_version() == ApiVersion::V2) {
    at.field("transport_api_version").error("only V3 is spoken");
    return nullptr;
  }
  return proto.api_type() == ApiConfigSource::REST ? makeRest(proto, type, at)
                                                   : makeGrpc(proto, type, at);
}

std::unique_ptr<Source> Sources::makeFile(const ConfigSource& proto, ResourceType type,
                                          const Where& at) {
  const auto& file = proto.path_config_source();
  const bool old = proto.config_source_specifier_case() == ConfigSource::kPath;
  const std::string path = old ? proto.path() : file.path();
  if (path.empty()) {
    at.field("path_config_source").field("path").error("expected a file, found nothing");
    return nullptr;
  }
  return std::make_unique<FileSource>(parts_.loop, type, path, file.watched_directory().path());
}

bool Sources::sendsDeltas(const ConfigSource& proto) const {
  if (proto.has_ads()) return ads_delta_;
  return proto.api_config_source().api_type() == ApiConfigSource::DELTA_GRPC;
}

TypeState* Sources::find(const ConfigSource& proto, ResourceType type, const Where& at) {
  const size_t errors_before = at.report().errors();
  config::reportIgnored(proto, at);
  if (factsOf(type).stream_method.empty() && !sendsDeltas(proto)) {
    at.error(std::string(factsOf(type).title) +
             "s come as deltas only: expected a source of DELTA_GRPC");
  }
  if (at.report().errors() != errors_before) return nullptr;
  switch (proto.config_source_specifier_case()) {
    case ConfigSource::kAds:
      if (ads_ != nullptr) return &ads_->of(type);
      at.field("ads").error("the bootstrap has no dynamic_resources.ads_config");
      return nullptr;
    case ConfigSource::kApiConfigSource:
    case ConfigSource::kPathConfigSource:
    case ConfigSource::kPath:
      return findOther(proto, type, at);
    case ConfigSource::kSelf:
      if (self_ != nullptr) return &self_->of(type);
      at.field("self").error(
          "that is Consul, where weir.bootstrap.consul has kv or catalog: name ads or another "
          "source");
      return nullptr;
    default:
      at.error("expected ads, api_config_source or path_config_source");
      return nullptr;
  }
}

// Sources that are the same but for how long somebody waits are one.
TypeState* Sources::findOther(const ConfigSource& proto, ResourceType type, const Where& at) {
  ConfigSource where = proto;
  where.clear_initial_fetch_timeout();
  where.clear_resource_api_version();  // there is only one
  auto& source = others_[{type, where.SerializeAsString()}];
  if (source == nullptr) {
    source = proto.has_api_config_source()
                 ? makeApi(proto.api_config_source(), type, at.field("api_config_source"))
                 : makeFile(proto, type, at);
  }
  return source == nullptr ? nullptr : &source->of(type);
}

}  // namespace weir::xds
