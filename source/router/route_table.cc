#include "source/router/route_table.h"

#include <unordered_set>

namespace weir::router {
namespace {

namespace route = envoy::config::route::v3;

void checkRest(const route::RouteConfiguration& proto, const FieldPath& path, Report& report) {
  if (proto.has_vhds()) {
    report.error(path.at("vhds"),
                 "only a route configuration from RDS may have virtual hosts sent");
  }
  if (proto.route_specifiers_size() != 0) report.refuse(path.at("route_specifiers"));
  if (proto.request_mirror_policies_size() != 0) report.notYet(path.at("request_mirror_policies"));
  // A plugin that no route names decides nothing; a route that names one is refused.
  if (proto.cluster_specifier_plugins_size() != 0) {
    report.notYet(path.at("cluster_specifier_plugins"));
  }
}

}  // namespace

std::shared_ptr<const RouteTable> RouteTable::none() {
  static const std::shared_ptr<const RouteTable> kNone(new RouteTable);
  return kNone;
}

std::shared_ptr<const RouteTable> RouteTable::from(const route::RouteConfiguration& proto,
                                                   RouteBuild& build) {
  Report report(build);
  const std::shared_ptr<RouteTable> table(new RouteTable);
  table->read(proto, report);
  return report.failed() ? nullptr : table;
}

void RouteTable::read(const route::RouteConfiguration& proto, Report& report) {
  const FieldPath root;
  name_ = proto.name();
  headers_ = HeaderLevel::from(proto, root, report);
  config_ = LevelConfig(proto.typed_per_filter_config(),
                        proto.has_metadata() ? &proto.metadata() : nullptr);
  ignore_port_ = proto.ignore_port_in_host_matching();
  if (!proto.vhost_header().empty()) {
    auto name = HeaderName::parse(proto.vhost_header());
    if (name) {
      host_header_ = *std::move(name);
    } else {
      report.error(root.at("vhost_header"), name.error().text);
    }
  }
  for (int i = 0; i < proto.internal_only_headers_size(); ++i) {
    auto name = HeaderName::parse(proto.internal_only_headers(i));
    if (name) {
      internal_only_.push_back(*std::move(name));
    } else {
      report.error(root.at("internal_only_headers", i), name.error().text);
    }
  }
  HostBuild build;
  build.ignore_path_parameters = proto.ignore_path_parameters_in_path_matching();
  if (proto.has_validate_clusters()) {
    build.check = proto.validate_clusters().value() ? ClusterCheck::IsThere : ClusterCheck::None;
  } else if (report.build().validatesClusters()) {
    build.check = ClusterCheck::MayCome;
  }
  if (proto.has_max_direct_response_body_size_bytes()) {
    build.body_limit = proto.max_direct_response_body_size_bytes().value();
  }
  checkRest(proto, root, report);
  readHosts(proto, build, root, report);
  route_count_ = build.next_route_id;
}

void RouteTable::readHosts(const route::RouteConfiguration& proto, HostBuild& build,
                           const FieldPath& root, Report& report) {
  std::unordered_set<std::string_view> names;
  hosts_.reserve(static_cast<size_t>(proto.virtual_hosts_size()));
  for (int i = 0; i < proto.virtual_hosts_size(); ++i) {
    const route::VirtualHost& host = proto.virtual_hosts(i);
    const FieldPath path = root.at("virtual_hosts", i);
    if (!names.insert(host.name()).second) {
      report.error(path.at("name"), "'" + host.name() + "' is the name of an earlier virtual host");
    }
    auto& made = hosts_.emplace_back(std::make_unique<VirtualHost>());
    made->table_headers = &headers_;
    made->most_specific_wins = proto.most_specific_header_mutations_wins();
    made->read(host, build, path, report);
    if (host.domains_size() == 0) report.error(path.at("domains"), "at least one is expected");
    for (int d = 0; d < host.domains_size(); ++d) {
      const std::string& domain = host.domains(d);
      if (domain.empty() || !isFieldValue(domain)) {
        report.error(path.at("domains", d), "'" + domain + "' is not a domain");
        continue;
      }
      const uint32_t other = domains_.add(domain, static_cast<uint32_t>(i));
      if (other == Domains::kNone) continue;
      report.error(path.at("domains", d), "'" + domain + "' is already a domain of virtual host '" +
                                              hosts_[other]->name + "'");
    }
  }
}

const VirtualHost* RouteTable::findHost(const RequestHead& head) const {
  std::string_view host = head.authority;
  if (host_header_) {
    const auto value = head.fields.get(*host_header_);
    if (!value) return nullptr;
    host = *value;
  }
  const uint32_t found = domains_.find(ignore_port_ ? withoutPort(host) : host);
  return found == Domains::kNone ? nullptr : hosts_[found].get();
}

Match RouteTable::find(const Query& query, Candidates* trace) const {
  const VirtualHost* host = findHost(query.head);
  if (host == nullptr) return {};
  if (host->wantsTls(query)) return {Match::Kind::TlsRequired, host, nullptr};
  const Route* found = host->find(query, trace);
  return {found != nullptr ? Match::Kind::Route : Match::Kind::NoRoute, host, found};
}

}  // namespace weir::router
