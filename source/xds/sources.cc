#include "source/xds/sources.h"

#include <utility>

#include "source/xds/file_source.h"
#include "source/xds/grpc_source.h"
#include "source/xds/rest_source.h"

namespace weir::xds {
namespace {

using envoy::config::core::v3::ApiConfigSource;
using envoy::config::core::v3::ApiVersion;
using envoy::config::core::v3::ConfigSource;
using envoy::config::core::v3::GrpcService;

std::chrono::milliseconds toMs(const google::protobuf::Duration& duration) {
  return std::chrono::milliseconds(duration.seconds() * 1000 + duration.nanos() / 1'000'000);
}

// Nothing, and reported, when it is not to be used.
std::optional<GrpcTarget> readTarget(const GrpcService& proto, const Where& at) {
  if (!proto.has_envoy_grpc()) {
    at.error("expected envoy_grpc: control planes are reached through clusters");
    return std::nullopt;
  }
  GrpcTarget target;
  target.cluster = proto.envoy_grpc().cluster_name();
  target.authority = proto.envoy_grpc().authority();
  if (target.cluster.empty()) {
    at.field("envoy_grpc").field("cluster_name").error("expected a name, found nothing");
    return std::nullopt;
  }
  if (const uint32_t most = proto.envoy_grpc().max_receive_message_length().value(); most != 0) {
    target.most_message = most;
  }
  for (const auto& header : proto.initial_metadata()) {
    target.metadata.emplace_back(header.key(), header.value());
  }
  return target;
}

BackOff::Bounds readBackOff(const GrpcService& proto) {
  BackOff::Bounds bounds;
  const auto& back_off = proto.envoy_grpc().retry_policy().retry_back_off();
  if (back_off.has_base_interval()) bounds.base = toMs(back_off.base_interval());
  if (back_off.has_max_interval()) bounds.most = toMs(back_off.max_interval());
  return bounds;
}

}  // namespace

Sources::~Sources() = default;

std::chrono::milliseconds Sources::patienceOf(const ConfigSource& proto) {
  constexpr std::chrono::seconds kUsual{15};
  return proto.has_initial_fetch_timeout() ? toMs(proto.initial_fetch_timeout()) : kUsual;
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
  auto target = readTarget(service, at.field("grpc_services").index(0));
  if (!target) return nullptr;
  clusters_.insert(target->cluster);
  GrpcSource::Settings settings;
  settings.delta = proto.api_type() == ApiConfigSource::DELTA_GRPC;
  settings.only = only;
  settings.node = node_;
  settings.node_once = proto.set_node_on_first_message_only();
  settings.back_off = readBackOff(service);
  settings.random = [this] { return parts_.services.random.next(); };
  settings.scope = parts_.root.scope("control_plane");
  settings.identified = parts_.identified;
  return std::make_unique<GrpcSource>(
      parts_.loop, std::move(settings),
      [this, target = *std::move(target)](std::string_view method, MessageStreamUser& user) {
        return std::make_unique<GrpcStream>(parts_.services, target, method, user);
      });
}

void Sources::setAds(const ApiConfigSource& proto, const Where& at) {
  ads_ = makeGrpc(proto, std::nullopt, at);
}

std::unique_ptr<Source> Sources::makeRest(const ApiConfigSource& proto, ResourceType type,
                                          const Where& at) {
  RestSource::Settings settings;
  settings.node = node_;
  settings.refresh = toMs(proto.refresh_delay());
  if (proto.has_request_timeout()) settings.timeout = toMs(proto.request_timeout());
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

TypeState* Sources::find(const ConfigSource& proto, ResourceType type, const Where& at) {
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
      at.field("self").error("only control planes send themselves: name ads or another source");
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
  auto& source = others_[{type, where.SerializeAsString()}];
  if (source == nullptr) {
    source = proto.has_api_config_source()
                 ? makeApi(proto.api_config_source(), type, at.field("api_config_source"))
                 : makeFile(proto, type, at);
  }
  return source == nullptr ? nullptr : &source->of(type);
}

}  // namespace weir::xds
