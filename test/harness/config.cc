#include "test/harness/config.h"

#include <algorithm>
#include <sstream>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/any.h"
#include "source/config/proto_reader.h"
#include "source/stream/hcm_builder.h"
#include "weir/builtin_filters.h"

namespace weir::test {
namespace {

// As many spaces in front of each line as make it a value below what stands before it.
std::string indented(std::string_view yaml, size_t depth) {
  std::istringstream lines{std::string(yaml)};
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) out += std::string(depth, ' ') + line + "\n";
  }
  return out;
}

std::string perFilter(std::string_view yaml, size_t depth) {
  if (yaml.empty()) return {};
  return std::string(depth, ' ') + "typed_per_filter_config:\n" + std::string(depth + 2, ' ') +
         "filter:\n" + indented(yaml, depth + 4);
}

std::string filterName(size_t i) { return i == 0 ? "filter" : "filter" + std::to_string(i + 1); }

// "http_filters[0].typed_config.a.b" -> "a.b", and the same for what a route says.
std::string belowFilter(const std::string& path) {
  for (const std::string_view mark : {"typed_config", "typed_per_filter_config[\"filter\"]"}) {
    const size_t at = path.find(mark);
    if (at == std::string::npos) continue;
    const std::string rest = path.substr(at + mark.size());
    return rest.empty() ? rest : rest.substr(1);
  }
  return path;
}

cluster::ClusterPtr makeCluster(StatStore& stats, const std::string& name, uint32_t slot) {
  cluster::ClusterSettings settings;
  settings.name = settings.stat_name = name;
  settings.enable_trailers = true;
  return std::make_shared<cluster::Cluster>(
      slot, settings, StatScope(stats).scope("cluster").tagged(name, "envoy_cluster_name"));
}

}  // namespace

std::string Config::yaml() const {
  std::string text = "stat_prefix: test\nhttp_protocol_options: {enable_trailers: true}\n" + hcm +
                     "\nhttp_filters:\n";
  for (size_t i = 0; i < filters.size(); ++i) {
    text += "- name: " + filterName(i) + "\n  typed_config:\n" + indented(filters[i], 4);
  }
  text +=
      "- name: router\n"
      "  typed_config:\n"
      "    \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router\n"
      "route_config:\n";
  text += perFilter(table, 2);
  text += "  virtual_hosts:\n  - name: all\n    domains: [\"*\"]\n";
  text += perFilter(virtual_host, 4) + indented(virtual_host_fields, 4);
  text += "    routes:\n";
  if (!routes.empty()) return text + indented(routes, 4);
  return text + "    - match: {prefix: /}\n      route: {cluster: origin}\n" + perFilter(route, 6);
}

Config filter(std::string_view typed_config) {
  Config config;
  config.then(typed_config);
  return config;
}

Config noFilter() { return {}; }

Proxy::Proxy(const Config& config) {
  installBuiltinFilters(registry);
  for (const auto install : config.more_filters) install(registry);
  for (const std::string& name : config.clusters) {
    clusters.push_back(makeCluster(stats, name, static_cast<uint32_t>(clusters.size())));
  }
  stream::HttpConnectionManager proto;
  const auto tree = config::parseYaml("test", config.yaml(), report);
  if (tree == nullptr || !config::readProto(*tree, proto, report)) return;
  const stream::BuildContext context{
      .registry = registry,
      .stats = StatScope(stats),
      .logs = logs,
      .unpack = [](const auto& any, auto& into,
                   const Where& at) { return config::unpackAny(any, into, at); },
      .type_of = [](const auto& any) { return config::anyTypeName(any); },
      .cluster_slot =
          [this](std::string_view name) {
            const auto found =
                std::find_if(clusters.begin(), clusters.end(),
                             [name](const auto& cluster) { return cluster->name() == name; });
            return found == clusters.end() ? cluster::kNoSlot : (*found)->slot();
          },
      .check_source = {},
      .runtime =
          [this](std::string_view key) {
            runtime(key);
            return RuntimeKey(cells.find(key)->second);
          },
      .proxy = {.server_name = "weir",
                .address = "127.0.0.1",
                .service_cluster = "test-cluster",
                .service_node = "test-node"},
      .secrets = {},
  };
  plan = stream::buildHcm(proto, Where(report), context);
}

RuntimeCell& Proxy::runtime(std::string_view key) {
  auto& cell = cells.try_emplace(std::string(key)).first->second;
  if (cell == nullptr) cell = std::make_shared<RuntimeCell>();
  return *cell;
}

Refusal refusal(const Config& config) {
  const Proxy proxy(config);
  for (const Problem& problem : proxy.report.sorted()) {
    if (problem.severity == Severity::Error) return {belowFilter(problem.path), problem.text};
  }
  return {};
}

Refusal refusal(std::string_view typed_config) { return refusal(filter(typed_config)); }

std::vector<std::string> warnings(const Config& config) {
  const Proxy proxy(config);
  std::vector<std::string> found;
  for (const Problem& problem : proxy.report.sorted()) {
    if (problem.severity != Severity::Warning) continue;
    const std::string field = belowFilter(problem.path);
    found.push_back(field.empty() ? problem.text : field + ": " + problem.text);
  }
  return found;
}

}  // namespace weir::test
