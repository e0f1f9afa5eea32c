#include "source/consul/catalog.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <utility>

#include "source/consul/json_members.h"

namespace weir::consul {
namespace {

// Equal messages get equal bytes, and so the same version.
xds::ResourcePtr resourceOf(const std::string& name, xds::ResourceType type,
                            const google::protobuf::Message& message) {
  auto made = std::make_shared<xds::Resource>();
  made->name = name;
  made->body.set_type_url(std::string(xds::factsOf(type).url));
  {
    google::protobuf::io::StringOutputStream stream(made->body.mutable_value());
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    message.SerializePartialToCodedStream(&out);
  }
  made->version = std::to_string(std::hash<std::string>()(made->body.value()));
  return made;
}

// The names of those that are to become clusters. `report` says what is wrong with `body`.
std::set<std::string> readServices(const rapidjson::Document& body, const std::string& enable_tag,
                                   Report& report) {
  std::set<std::string> names;
  if (!body.IsObject()) {
    Where(report).error("expected an object, found " + std::string(json::kindOf(body)));
    return names;
  }
  for (const auto& [key, tags] : body.GetObject()) {
    const std::string_view name = json::viewOf(key);
    bool enabled = enable_tag.empty() && name != "consul";
    if (!tags.IsArray() && !tags.IsNull()) {
      Where(report).key(name).error("expected a list, found " + std::string(json::kindOf(tags)));
      continue;
    }
    for (rapidjson::SizeType i = 0; tags.IsArray() && i < tags.Size(); ++i) {
      if (!tags[i].IsString()) {
        Where(report).key(name).index(i).error("expected a string");
        break;
      }
      enabled |= !enable_tag.empty() && json::viewOf(tags[i]) == enable_tag;
    }
    if (enabled && !name.empty()) names.emplace(name);
  }
  return names;
}

Question servicesOf(const std::string& datacenter, AgentSettings agent) {
  agent.datacenter = datacenter;
  return allServices(agent);
}

// A route is not to vanish because all instances fail.
ServiceSettings allInstances(v1::ConsulCluster proto, const std::string& service) {
  proto.set_service(service);
  proto.mutable_passing_only()->set_value(false);
  Report none;  // what is wrong was said of the settings
  return readService(proto, Where(none)).value();
}

}  // namespace

envoy::config::cluster::v3::Cluster clusterFor(const CatalogSettings& settings,
                                               const std::string& service) {
  envoy::config::cluster::v3::Cluster cluster = settings.cluster;
  cluster.set_name(settings.clusterOf(service));
  v1::ConsulCluster instances = settings.instances;
  instances.set_service(service);
  cluster.mutable_cluster_type()->set_name("weir.clusters.consul");
  cluster.mutable_cluster_type()->mutable_typed_config()->PackFrom(instances);
  return cluster;
}

// One that is a cluster, or may become one.
class Catalog::Service final : public ServiceUser {
 public:
  Service(Catalog& of, std::string name, std::string cluster_name)
      : wishes{std::move(name), std::move(cluster_name), {}}, of_(of) {
    if (of.settings_.route_config_name.empty()) return;
    const ServiceSettings all = allInstances(of.settings_.instances, wishes.service);
    watch_ = of.watches_.follow(all, all.datacenters.front());
    watch_->add(*this);
    if (watch_->current() != nullptr) wishes.wishes = wishesOf(*watch_->current());
  }
  ~Service() {
    if (watch_ != nullptr) watch_->remove(*this);
  }

  void onInstances(const InstancesPtr& instances) override {
    Wishes now = wishesOf(*instances);
    if (now == wishes.wishes) return;
    wishes.wishes = std::move(now);
    of_.routesSoon();
  }
  // Its instances are known, or Consul says none of them, but others'.
  bool decided() const {
    const std::optional<Trouble>& trouble = watch_->watch().trouble();
    return watch_->current() != nullptr || (trouble && !concernsAll(trouble->reason));
  }

  ServiceWishes wishes;
  xds::ResourcePtr cluster;  // null: nobody has used it

 private:
  Catalog& of_;
  ServiceWatchPtr watch_;  // null: no routes are made
};

Catalog::Catalog(ServiceWatches& watches, CatalogSettings settings, User user)
    : watches_(watches),
      agent_(watches.agent()),
      settings_(std::move(settings)),
      user_(std::move(user)),
      timer_(*this),
      count_(agent_.scope().gauge("catalog_services")),
      problem_count_(agent_.scope().gauge("catalog_routes_refused")),
      watch_(agent_, "catalog", servicesOf(settings_.datacenter, agent_.settings()), *this) {}

Catalog::~Catalog() = default;

std::optional<std::string> Catalog::onBody(const std::string& body) {
  rapidjson::Document document;
  if (auto wrong = json::parse(body, document)) return wrong;
  Report report;
  const std::set<std::string> names = readServices(document, settings_.enable_tag, report);
  if (!report.ok()) return report.sorted().front().line();
  watch_.keep(body);
  const size_t gone = std::erase_if(services_, [&](const auto& each) {
    if (names.contains(each.second->wishes.service)) return false;
    clusters_changed_ |= each.second->cluster != nullptr;
    return true;
  });
  for (const std::string& name : names) {
    auto& service = services_[settings_.clusterOf(name)];
    if (service != nullptr) continue;
    service = std::make_unique<Service>(*this, name, settings_.clusterOf(name));
    if (settings_.at_once) make(*service);
  }
  count_.set(services_.size());
  known_ = true;
  // A route goes before its cluster does.
  if (gone != 0 && routes_ != nullptr) tellRoutes();
  tellClusters();
  routesSoon();
  return std::nullopt;
}

void Catalog::onTrouble() {
  if (watch_.trouble() && !known_) user_.miss();
}

bool Catalog::make(Service& service) {
  if (service.cluster != nullptr) return false;
  const std::string& name = service.wishes.cluster;
  service.cluster =
      resourceOf(name, xds::ResourceType::Cluster, clusterFor(settings_, service.wishes.service));
  clusters_changed_ = true;
  return true;
}

bool Catalog::use(std::string_view cluster) {
  const auto found = services_.find(cluster);
  if (found == services_.end()) return false;
  make(*found->second);
  tellClusters();
  return true;
}

void Catalog::tellClusters() {
  if (!std::exchange(clusters_changed_, false)) return;
  std::vector<xds::ResourcePtr> all;
  for (const auto& [name, service] : services_) {
    if (service->cluster != nullptr) all.push_back(service->cluster);
  }
  user_.tell(xds::ResourceType::Cluster, all);
}

void Catalog::setBase(Base base) {
  base_ = std::move(base);
  routesSoon();
}

void Catalog::routesSoon() {
  if (!known_ || settings_.route_config_name.empty() || timer_.armed()) return;
  timer_.arm(agent_.loop().timers(), std::max(agent_.loop().now(), next_));
}

bool Catalog::instancesKnown() const {
  return std::all_of(services_.begin(), services_.end(),
                     [](const auto& each) { return each.second->decided(); });
}

void Catalog::onTimer() {
  next_ = agent_.loop().now() + kTogether;
  if (routes_ == nullptr && !instancesKnown()) return routesSoon();
  tellRoutes();
}

void Catalog::tellRoutes() {
  std::vector<const ServiceWishes*> wishes;
  for (const auto& [name, service] : services_) wishes.push_back(&service->wishes);
  MergedRoutes merged = mergeRoutes(settings_.route_config_name, base_ ? &*base_ : nullptr, wishes);
  tellProblems(std::move(merged.problems));
  auto routes = resourceOf(settings_.route_config_name, xds::ResourceType::Routes, merged.config);
  if (routes_ != nullptr && routes_->body.value() == routes->body.value()) return;
  bool made = false;
  for (const std::string& cluster : merged.clusters) made |= make(*services_.at(cluster));
  if (made) tellClusters();
  routes_ = std::move(routes);
  user_.tell(xds::ResourceType::Routes, {routes_});
}

void Catalog::tellProblems(std::set<std::string> problems) {
  for (const std::string& line : problems) {
    if (!problems_.contains(line)) agent_.say(false, "consul: catalog: " + line);
  }
  for (const std::string& line : problems_) {
    if (!problems.contains(line)) agent_.say(true, "consul: catalog: no longer: " + line);
  }
  problems_ = std::move(problems);
  problem_count_.set(problems_.size());
}

}  // namespace weir::consul
