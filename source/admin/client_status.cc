// The client status discovery service (CSDS) by its mapping to HTTP: what became of every resource
// that a control plane sent or was asked for.
// https://www.envoyproxy.io/docs/envoy/latest/api-v3/service/status/v3/csds.proto
#include <google/protobuf/util/json_util.h>

#include <set>

#include "envoy/service/status/v3/csds.pb.h"
#include "source/admin/dump_parts.h"
#include "source/admin/handlers.h"
#include "source/admin/json.h"
#include "source/admin/redact.h"
#include "weir/string_matcher.h"

namespace weir::admin {
namespace {

namespace pb = envoy::service::status::v3;
using envoy::admin::v3::ClientResourceStatus;
using xds::ResourceType;

// What an answer is made from: immutable, or guarded by itself.
struct StatusInput {
  BootstrapPtr bootstrap;
  ClusterTable clusters;
  std::chrono::system_clock::time_point configured_at;
  DynamicViews dynamic;
  bool contents = true;
};

class StatusPage {
 public:
  StatusPage(const StatusInput& input, pb::ClientConfig& config) : input_(input), config_(config) {}

  void write() {
    *config_.mutable_node() = input_.bootstrap->node();
    const auto& resources = input_.bootstrap->static_resources();
    addStatic(ResourceType::Listener, resources.listeners());
    addStatic(ResourceType::Cluster, resources.clusters());
    addStatic(ResourceType::Secret, resources.secrets());
    add(ResourceType::Listener, input_.dynamic.listeners);
    add(ResourceType::Routes, input_.dynamic.routes);
    for (const ScopesView& view : input_.dynamic.scopes) addScopes(view);
    add(ResourceType::Cluster, input_.dynamic.clusters);
    addEndpoints();
    add(ResourceType::Secret, input_.dynamic.secrets);
    add(ResourceType::Extension, input_.dynamic.filters);
  }

 private:
  using Entry = pb::ClientConfig::GenericXdsConfig;

  Entry& entry(ResourceType type, const std::string& name, ClientResourceStatus status) {
    Entry& made = *config_.add_generic_xds_configs();
    made.set_type_url(std::string(xds::factsOf(type).url));
    made.set_name(name);
    made.set_client_status(status);
    return made;
  }

  template <typename List>
  void addStatic(ResourceType type, const List& list) {
    for (const auto& resource : list) {
      Entry& made = entry(type, resource.name(), envoy::admin::v3::ACKED);
      made.set_is_static_resource(true);
      *made.mutable_last_updated() = stampOf(input_.configured_at);
      if (input_.contents) made.mutable_xds_config()->PackFrom(resource);
    }
  }

  void add(ResourceType type, const std::vector<DynamicView>& views) {
    for (const DynamicView& view : views) {
      const xds::ResourcePtr& known = view.active != nullptr ? view.active : view.warming;
      Entry& made = entry(type, view.name, statusOf(view));
      if (known != nullptr) {
        made.set_version_info(known->version);
        if (input_.contents) *made.mutable_xds_config() = known->body;
      }
      if (view.updated.time_since_epoch().count() != 0) {
        *made.mutable_last_updated() = stampOf(view.updated);
      }
      addRefusal(view, made);
    }
  }

  void addScopes(const ScopesView& view) {
    if (!view.dynamic) return;
    Entry& made = entry(ResourceType::ScopedRoutes, view.name, envoy::admin::v3::ACKED);
    made.set_version_info(view.version);
    *made.mutable_last_updated() = stampOf(view.updated);
    add(ResourceType::ScopedRoutes, view.refused);
  }

  // What a cluster is balanced over. By name, a static cluster's are static, too.
  void addEndpoints() {
    std::set<std::string_view> dynamic;
    for (const DynamicView& view : input_.dynamic.clusters) dynamic.insert(view.name);
    for (const cluster::ClusterPtr& cluster : *input_.clusters) {
      Entry& made = entry(ResourceType::Endpoints, cluster->name(), envoy::admin::v3::ACKED);
      made.set_is_static_resource(!dynamic.contains(cluster->name()));
      if (input_.contents) made.mutable_xds_config()->PackFrom(assignmentOf(*cluster));
    }
  }

  static ClientResourceStatus statusOf(const DynamicView& view) {
    if (view.refused != nullptr) return envoy::admin::v3::NACKED;
    const bool received = view.active != nullptr || view.warming != nullptr;
    return received ? envoy::admin::v3::ACKED : envoy::admin::v3::REQUESTED;
  }

  void addRefusal(const DynamicView& view, Entry& made) const {
    if (view.refused == nullptr) return;
    *made.mutable_error_state() = refusalOf(view);
    if (!input_.contents) made.mutable_error_state()->clear_failed_configuration();
  }

  const StatusInput& input_;
  pb::ClientConfig& config_;
};

// Whether the question is for this node; an error names the field that cannot be answered.
Result<bool> isMeant(const pb::ClientStatusRequest& asked, const std::string& node) {
  for (int i = 0; i < asked.node_matchers_size(); ++i) {
    const auto& matcher = asked.node_matchers(i);
    const std::string field = "node_matchers[" + std::to_string(i) + "].";
    if (matcher.node_metadatas_size() > 0) {
      return Error{field + "node_metadatas", "is not honoured; ask by node_id"};
    }
    if (!matcher.has_node_id()) return true;
    const auto id = StringMatcher::from(matcher.node_id());
    if (!id) return Error{field + "node_id." + id.error().field, id.error().text};
    if (id->matches(node)) return true;
  }
  return asked.node_matchers().empty();
}

}  // namespace

Response clientStatus(const Request& request, AdminSource& source) {
  pb::ClientStatusRequest asked;
  if (!request.body.empty()) {
    const auto read = google::protobuf::util::JsonStringToMessage(request.body, &asked);
    if (!read.ok()) return refused(400, "no ClientStatusRequest: " + read.ToString() + "\n");
  }
  StatusInput input{source.bootstrap(), source.clusters(), source.configuredAt(), source.dynamic(),
                    !asked.exclude_resource_contents()};
  const Result<bool> meant = isMeant(asked, input.bootstrap->node().id());
  if (!meant) return refused(400, meant.error().field + ": " + meant.error().text + "\n");
  if (!*meant) return jsonResponse(pb::ClientStatusResponse());
  Response response{.content_type = kJson};
  response.page = [input = std::move(input)](const Sink& sink) {
    pb::ClientStatusResponse status;
    StatusPage(input, *status.add_config()).write();
    redact(status);
    sink(toJson(status));
  };
  return response;
}

}  // namespace weir::admin
