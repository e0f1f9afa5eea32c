#include "source/load_reports/load_reporter.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "source/rpc/bounded_ms.h"

namespace weir::load_reports {
namespace {

namespace pb = envoy::service::load_stats::v3;
using cluster::Endpoint;
using cluster::EndpointPtr;
using envoy::config::endpoint::v3::ClusterStats;
using envoy::config::endpoint::v3::UpstreamLocalityStats;

constexpr std::string_view kMethod =
    "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats";
// A service that asks for more has one answer in this time.
constexpr std::chrono::milliseconds kShortest{100};

void setInterval(std::chrono::nanoseconds time, google::protobuf::Duration& to) {
  to.set_seconds(time.count() / 1'000'000'000);
  to.set_nanos(static_cast<int32_t>(time.count() % 1'000'000'000));
}

uint64_t read(const std::atomic<uint64_t>& count) { return count.load(std::memory_order_relaxed); }

void setAddress(const net::Address& address, envoy::config::core::v3::Address& to) {
  if (address.isUnix()) {
    to.mutable_pipe()->set_path(address.ipText());
    return;
  }
  to.mutable_socket_address()->set_address(address.ipText());
  to.mutable_socket_address()->set_port_value(address.port());
}

// What happened at one endpoint since the last report; sums of the same, too.
struct Load {
  uint64_t issued = 0, success = 0, error = 0, active = 0;
  uint64_t connections = 0, failed_connections = 0, active_connections = 0;

  bool any() const {
    return (issued | success | error | active | connections | failed_connections) != 0;
  }
  template <typename Proto>
  void addRequests(Proto& to) const {
    to.set_total_issued_requests(to.total_issued_requests() + issued);
    to.set_total_successful_requests(to.total_successful_requests() + success);
    to.set_total_error_requests(to.total_error_requests() + error);
    to.set_total_requests_in_progress(to.total_requests_in_progress() + active);
  }
  void addConnections(UpstreamLocalityStats& to) const {
    to.set_total_new_connections(to.total_new_connections() + connections);
    to.set_total_fail_connections(to.total_fail_connections() + failed_connections);
    to.set_total_active_connections(to.total_active_connections() + active_connections);
  }
};

template <typename Told>
Load loadSince(Told& told, const Endpoint& endpoint) {
  const cluster::EndpointCounts& counts = endpoint.counts;
  const Told now{read(counts.rq_total), read(counts.rq_success), read(counts.rq_error),
                 read(counts.cx_total), read(counts.cx_connect_fail)};
  const Load load{now.issued - told.issued,
                  now.success - told.success,
                  now.error - told.error,
                  read(counts.rq_active),
                  now.connections - told.connections,
                  now.failed_connections - told.failed_connections,
                  read(counts.cx_active)};
  told = now;
  return load;
}

// The localities of one cluster's report, as far as anything happened there.
class Localities {
 public:
  Localities(ClusterStats& to, bool endpoints_too) : to_(to), endpoints_too_(endpoints_too) {}

  void add(const Endpoint& endpoint, const Load& load) {
    if (!load.any()) return;
    UpstreamLocalityStats& locality = of(endpoint);
    load.addRequests(locality);
    load.addConnections(locality);
    if (!endpoints_too_) return;
    auto& one = *locality.add_upstream_endpoint_stats();
    setAddress(endpoint.connectAddress(), *one.mutable_address());
    load.addRequests(one);
  }

 private:
  UpstreamLocalityStats& of(const Endpoint& endpoint) {
    auto*& known = known_[{endpoint.priority, endpoint.region, endpoint.zone, endpoint.sub_zone}];
    if (known != nullptr) return *known;
    known = to_.add_upstream_locality_stats();
    known->set_priority(endpoint.priority);
    known->mutable_locality()->set_region(endpoint.region);
    known->mutable_locality()->set_zone(endpoint.zone);
    known->mutable_locality()->set_sub_zone(endpoint.sub_zone);
    return *known;
  }

  ClusterStats& to_;
  const bool endpoints_too_;
  std::map<std::tuple<uint32_t, std::string, std::string, std::string>, UpstreamLocalityStats*>
      known_;
};

}  // namespace

LoadReporter::LoadReporter(net::Loop& loop, Settings settings, rpc::MakeStream make)
    : loop_(loop),
      settings_(std::move(settings)),
      node_(settings_.node),
      make_(std::move(make)),
      requests_(settings_.scope.counter("requests")),
      responses_(settings_.scope.counter("responses")),
      errors_(settings_.scope.counter("errors")),
      retries_(settings_.scope.counter("retries")),
      back_off_(settings_.back_off),
      timer_(*this) {
  node_.add_client_features("envoy.lrs.supports_send_all_clusters");
}

LoadReporter::~LoadReporter() = default;

// The first request says who asks, and reports nothing: what is wanted is not known yet.
void LoadReporter::open() {
  stream_ = make_(kMethod, *this);
  stream_->start();
  if (stream_ == nullptr) return;
  pb::LoadStatsRequest request;
  *request.mutable_node() = node_;
  send(request);
}

void LoadReporter::send(const pb::LoadStatsRequest& request) {
  requests_.add();
  stream_->send(request);
}

void LoadReporter::onMessage(std::string_view bytes) {
  if (stream_ == nullptr) return;  // behind one that could not be read
  pb::LoadStatsResponse response;
  if (!response.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return onStreamEnd("a message that cannot be parsed");
  }
  back_off_.reset();
  responses_.add();
  all_ = response.send_all_clusters();
  endpoints_too_ = response.report_endpoint_granularity();
  names_ = {response.clusters().begin(), response.clusters().end()};
  interval_ = std::max(rpc::boundedMs(response.load_reporting_interval()), kShortest);
  std::erase_if(tracked_, [this](const auto& item) { return !wants(item.first); });
  track();
  timer_.arm(loop_.timers(), loop_.now() + interval_);
}

// What happened before somebody wanted to know it is in no report.
void LoadReporter::track() {
  for (const Reported& reported : settings_.clusters()) {
    const std::string& name = reported.cluster->name();
    if (!wants(name) || tracked_.contains(name)) continue;
    Tracked& tracked = tracked_[name];
    tracked.since = loop_.now();
    tracked.dropped = settings_.dropped(*reported.cluster);
    for (const EndpointPtr& endpoint : reported.cluster->endpoints()->all) {
      loadSince(tracked.endpoints[endpoint], *endpoint);
    }
  }
}

void LoadReporter::report() {
  pb::LoadStatsRequest request;
  *request.mutable_node() = node_;
  std::set<std::string_view> present;
  const std::vector<Reported> clusters = settings_.clusters();
  for (const Reported& reported : clusters) {
    const std::string& name = reported.cluster->name();
    if (!wants(name)) continue;
    present.insert(name);
    const auto [at, is_new] = tracked_.try_emplace(name);
    if (is_new) {
      at->second.since = loop_.now() - interval_;
      at->second.dropped = settings_.dropped(*reported.cluster);
    }
    fill(reported, at->second, *request.add_cluster_stats());
  }
  std::erase_if(tracked_, [&](const auto& item) { return !present.contains(item.first); });
  send(request);
}

void LoadReporter::fill(const Reported& reported, Tracked& tracked, ClusterStats& to) const {
  const cluster::Cluster& cluster = *reported.cluster;
  to.set_cluster_name(cluster.name());
  to.set_cluster_service_name(reported.service_name);
  setInterval(loop_.now() - std::exchange(tracked.since, loop_.now()),
              *to.mutable_load_report_interval());
  const uint64_t dropped = settings_.dropped(cluster);
  to.set_total_dropped_requests(dropped - std::min(dropped, tracked.dropped));
  tracked.dropped = std::max(dropped, tracked.dropped);
  Localities localities(to, endpoints_too_);
  const auto set = cluster.endpoints();
  auto before = std::exchange(tracked.endpoints, {});
  for (const EndpointPtr& endpoint : set->all) {
    const auto known = before.extract(endpoint);
    Told told = known.empty() ? Told{} : known.mapped();
    localities.add(*endpoint, loadSince(told, *endpoint));
    tracked.endpoints.emplace(endpoint, told);
  }
  for (auto& [endpoint, told] : before) {  // they left, and count until their last request ends
    const Load load = loadSince(told, *endpoint);
    localities.add(*endpoint, load);
    if (load.active != 0) tracked.endpoints.emplace(endpoint, told);
  }
}

void LoadReporter::onStreamEnd(std::string_view why) {
  if (stream_ == nullptr) return;
  rpc::destroyLater(loop_, std::move(stream_));
  errors_.add();
  const auto pause = back_off_.next(settings_.random());
  spdlog::warn("load reports: the stream ended: {}; the next one in {} ms", why, pause.count());
  timer_.arm(loop_.timers(), loop_.now() + pause);
}

void LoadReporter::onTimer() {
  if (stream_ == nullptr) {
    retries_.add();
    return open();
  }
  // What was sent has not even left: the next report has the sums all the same.
  if (!stream_->congested()) report();
  if (stream_ != nullptr) timer_.arm(loop_.timers(), loop_.now() + interval_);
}

}  // namespace weir::load_reports
