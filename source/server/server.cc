#include "source/server/server.h"

#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <random>

#include "source/config/bootstrap.h"
#include "source/config/explain.h"
#include "source/listener/socket.h"
#include "source/server/version.h"
#include "weir/builtin_filters.h"

namespace weir::server {
namespace {

using envoy::admin::v3::ServerInfo;

constexpr std::chrono::milliseconds kDrainPoll{20};

bool read(const Options& options, envoy::config::bootstrap::v3::Bootstrap& bootstrap,
          Report& report) {
  config::BootstrapSource source;
  source.path = options.config_path;
  source.yaml = options.config_yaml;
  source.allow_unknown_fields = options.allow_unknown_static_fields;
  return config::loadBootstrap(source, bootstrap, report);
}

std::chrono::milliseconds flushInterval(const envoy::config::bootstrap::v3::Bootstrap& bootstrap) {
  const auto& interval = bootstrap.stats_flush_interval();
  const std::chrono::milliseconds ms(interval.seconds() * 1000 + interval.nanos() / 1'000'000);
  return ms.count() == 0 ? std::chrono::milliseconds(5000) : ms;
}

void overrideNode(const Options& options, envoy::config::core::v3::Node& node) {
  if (!options.service_cluster.empty()) node.set_cluster(options.service_cluster);
  if (!options.service_node.empty()) node.set_id(options.service_node);
  if (!options.service_zone.empty()) node.mutable_locality()->set_zone(options.service_zone);
}

}  // namespace

Server::Server(const Options& options)
    : options_(options),
      signals_(loop_, [this](int signal) { onSignal(signal); }),
      timer_(*this),
      logs_(StatScope(stats_), options.file_flush_interval),
      tls_rotation_(loop_,
                    [this](const std::shared_ptr<const void>& former) {
                      for (auto& worker : workers_) worker->hold(former);
                    }),
      admin_view_({.options = options_,
                   .snapshot = snapshot_,
                   .workers = workers_,
                   .stats = stats_,
                   .logs = logs_,
                   .runtime = runtime_,
                   .tls = tls_rotation_},
                  {.state = [this] { return phase_; },
                   .drain = [this](const admin::DrainRequest& request) { drainListeners(request); },
                   .quit = [this] { stopNow(); }}),
      housekeeping_(loop_, stats_, [this] { return admin_view_.closedConnections(); }) {
  installBuiltinFilters(registry_);
  const StatScope scope = StatScope(stats_).scope("server");
  live_ = scope.gauge("live");
  state_ = scope.gauge("state");
  concurrency_ = scope.gauge("concurrency");
  stats_.setText("server.version", kVersion);
}

Server::~Server() = default;

int Server::run() {
  setPhase(ServerInfo::PRE_INITIALIZING);
  spdlog::info("initializing {} (pid {}), {} worker(s)", versionLine(), ::getpid(),
               options_.concurrency);
  for (const std::string& name : options_.ignored) spdlog::warn("{} has no effect", name);
  if (!load() || !openListeners() || !openAdmin()) return 1;
  if (options_.mode == Mode::InitOnly) return 0;
  return serve();
}

bool Server::load() {
  Report report;
  if (read(options_, bootstrap_, report)) {
    overrideNode(options_, *bootstrap_.mutable_node());
    config::reportIgnored(bootstrap_, Where(report));
    runtime_.load(bootstrap_.layered_runtime());
    snapshot_ =
        buildSnapshot(bootstrap_, report, registry_, stats_, logs_, runtime_, options_.concurrency);
    if (bootstrap_.has_admin())
      admin_settings_ = admin::readAdmin(bootstrap_.admin(), Where(report).field("admin"));
  }
  if (report.ok()) {
    for (const Problem& problem : report.sorted()) spdlog::warn("{}", problem.line());
    return true;
  }
  std::fputs(report.text().c_str(), stderr);
  std::fprintf(stderr, "weir: %zu error(s) in the configuration; nothing was started\n",
               report.errors());
  return false;
}

bool Server::openListeners() {
  std::random_device seed;
  for (uint32_t i = 0; i < options_.concurrency; ++i) {
    workers_.push_back(std::make_unique<Worker>(i, (uint64_t{seed()} << 32) | seed()));
    for (const auto& cluster : *snapshot_.clusters) {
      workers_.back()->setCluster(cluster->slot(), cluster);
    }
  }
  for (const auto& plan : snapshot_.listeners) {
    auto balance = std::make_shared<listener::Balance>(workers_.size());
    balance->hand_over = [this](size_t worker, listener::HandedSocket socket) {
      workers_[worker]->handOver(std::move(socket));
    };
    std::vector<std::vector<net::Fd>> of_workers(workers_.size());
    for (const listener::ListenAddress& at : plan->addresses) {
      auto sockets = listener::openSockets(*plan, at, workers_.size());
      if (!sockets) {
        std::fprintf(stderr, "weir: listener '%s': %s\n", plan->name.c_str(),
                     sockets.error().text.c_str());
        return false;
      }
      const net::Address address = net::Address::localOf(sockets->front().get());
      listener_views_.push_back({plan->name, address});
      spdlog::info("listener '{}' on {}", plan->name, address.text());
      for (size_t i = 0; i < workers_.size(); ++i)
        of_workers[i].push_back(std::move((*sockets)[i]));
    }
    for (size_t i = 0; i < workers_.size(); ++i) {
      workers_[i]->addListener(plan, std::move(of_workers[i]), balance);
    }
  }
  return true;
}

bool Server::openAdmin() {
  admin_view_.show(bootstrap_, listener_views_);
  if (!admin_settings_) return true;
  auto opened = admin::AdminServer::open(loop_, *admin_settings_, admin_view_);
  if (!opened) {
    std::fprintf(stderr, "weir: admin: %s\n", opened.error().text.c_str());
    return false;
  }
  admin_ = *std::move(opened);
  spdlog::info("admin address: {}", admin_->address().text());
  if (options_.admin_address_path.empty()) return true;
  std::ofstream(options_.admin_address_path) << admin_->address().text();
  return true;
}

void Server::setPhase(ServerInfo::State phase) {
  phase_ = phase;
  state_.set(phase);
}

void Server::startDiscovery() {
  discovery_ = std::make_unique<ClusterDiscovery>(
      loop_, snapshot_,
      ClusterDiscovery::Callbacks{
          .changed =
              [this](const cluster::ClusterPtr& cluster, const cluster::EndpointSetPtr& endpoints) {
                for (auto& worker : workers_) worker->updateEndpoints(cluster, endpoints);
              },
          .ready = [this] { startWorkers(); }});
  discovery_->start();
}

void Server::startWorkers() {
  if (draining_) return;
  spdlog::info("all dependencies initialized. starting workers");
  workers_started_ = true;
  live_.set(1);
  setPhase(ServerInfo::LIVE);
  for (auto& worker : workers_) worker->start();
}

void Server::startWatch() {
  watch_.emplace(loop_, std::move(snapshot_.overload), StatScope(stats_),
                 overload::Watch::Callbacks{.changed =
                                                [this](const overload::Actions& actions) {
                                                  for (auto& worker : workers_)
                                                    worker->setOverload(actions);
                                                },
                                            .saturated =
                                                [](std::string_view action, bool saturated) {
                                                  spdlog::warn("overload: {} is {}", action,
                                                               saturated ? "saturated"
                                                                         : "no longer saturated");
                                                }});
  watch_->start();
}

int Server::serve() {
  concurrency_.set(workers_.size());
  setPhase(ServerInfo::INITIALIZING);
  {
    net::Loop::Turn turn(loop_);
    housekeeping_.start(flushInterval(bootstrap_));
    tls_rotation_.start(snapshot_.tls());
    startWatch();
    startDiscovery();
  }
  spdlog::info("starting main dispatch loop");
  loop_.run();
  admin_.reset();
  discovery_.reset();
  for (auto& worker : workers_) worker->stop();
  for (auto& worker : workers_) worker->join();
  spdlog::info("exiting");
  return 0;
}

void Server::onSignal(int signal) {
  if (signal == SIGUSR1) return logs_.reopen();
  spdlog::info("caught signal {}", signal);
  draining_ ? stopNow() : beginDrain();
}

void Server::beginDrain() {
  draining_ = true;
  setPhase(ServerInfo::DRAINING);
  drain_deadline_ = loop_.now() + options_.drain_time;
  spdlog::info("draining: no new connections, at most {} s for requests in flight",
               options_.drain_time.count());
  if (!workers_started_) return stopNow();
  for (auto& worker : workers_) worker->drain();
  timer_.arm(loop_.timers(), loop_.now() + kDrainPoll);
}

// The process goes on; only SIGTERM and /quitquitquit end it.
void Server::drainListeners(const admin::DrainRequest& request) {
  const bool accept = request.graceful;
  spdlog::info("draining listeners{}", accept ? ", still accepting" : "");
  for (auto& worker : workers_) worker->drain(accept, request.inbound_only);
  if (!request.graceful || request.skip_exit) return;
  listener_stop_.inbound_only = request.inbound_only;
  listener_stop_.timer.arm(loop_.timers(), loop_.now() + options_.drain_time);
}

void Server::onTimer() { checkDrained(); }

void Server::checkDrained() {
  if (connections() == 0) return stopNow();
  if (loop_.now() >= drain_deadline_) {
    spdlog::warn("the drain time is over; {} connection(s) are cut", connections());
    return stopNow();
  }
  for (auto& worker : workers_) worker->countConnections();
  timer_.arm(loop_.timers(), loop_.now() + kDrainPoll);
}

uint64_t Server::connections() const {
  uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->connections();
  return sum;
}

void Server::stopNow() { loop_.stop(); }

int validate(const Options& options) {
  FilterRegistry registry;
  installBuiltinFilters(registry);
  StatStore stats;
  telemetry::LogThread logs{StatScope(stats)};
  Report report;
  envoy::config::bootstrap::v3::Bootstrap bootstrap;
  if (read(options, bootstrap, report)) {
    config::reportIgnored(bootstrap, Where(report));
    Runtime runtime;
    runtime.load(bootstrap.layered_runtime());
    buildSnapshot(bootstrap, report, registry, stats, logs, runtime, options.concurrency);
    if (bootstrap.has_admin()) admin::readAdmin(bootstrap.admin(), Where(report).field("admin"));
  }
  std::fputs(report.text().c_str(), report.ok() ? stdout : stderr);
  const std::string name = options.config_path.empty() ? "--config-yaml" : options.config_path;
  if (report.ok()) {
    std::printf("configuration '%s' OK\n", name.c_str());
    return 0;
  }
  std::fprintf(stderr, "configuration '%s' has %zu error(s)\n", name.c_str(), report.errors());
  return 1;
}

}  // namespace weir::server
