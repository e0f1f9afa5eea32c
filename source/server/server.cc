#include "source/server/server.h"

#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>
#include <random>

#include "source/config/bootstrap.h"
#include "source/listener/socket.h"
#include "source/server/version.h"
#include "weir/builtin_filters.h"

namespace weir::server {
namespace {

// server.state, as Envoy numbers it.
enum State : uint64_t { kLive = 0, kDraining = 1, kPreInitializing = 2 };

constexpr std::chrono::milliseconds kDrainPoll{20};

bool read(const Options& options, envoy::config::bootstrap::v3::Bootstrap& bootstrap, Report& report) {
  config::BootstrapSource source;
  source.path = options.config_path;
  source.yaml = options.config_yaml;
  source.allow_unknown_fields = options.allow_unknown_static_fields;
  return config::loadBootstrap(source, bootstrap, report);
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
      started_(loop_.now()) {
  installBuiltinFilters(registry_);
  const StatScope scope = StatScope(stats_).scope("server");
  live_ = scope.gauge("live");
  state_ = scope.gauge("state");
  concurrency_ = scope.gauge("concurrency");
  uptime_ = scope.gauge("uptime");
  stats_.setText("server.version", kVersion);
}

Server::~Server() = default;

int Server::run() {
  state_.set(kPreInitializing);
  spdlog::info("initializing {} (pid {}), {} worker(s)", versionLine(), ::getpid(), options_.concurrency);
  if (!load() || !openListeners()) return 1;
  if (options_.mode == Mode::InitOnly) return 0;
  startWorkers();
  return serve();
}

bool Server::load() {
  Report report;
  if (read(options_, bootstrap_, report)) {
    overrideNode(options_, *bootstrap_.mutable_node());
    snapshot_ = buildSnapshot(bootstrap_, report, registry_, stats_, logs_);
  }
  if (report.ok()) {
    for (const Problem& problem : report.sorted()) spdlog::warn("{}", problem.line());
    return true;
  }
  std::fputs(report.text().c_str(), stderr);
  std::fprintf(stderr, "weir: %zu error(s) in the configuration; nothing was started\n", report.errors());
  return false;
}

bool Server::openListeners() {
  std::random_device seed;
  for (uint32_t i = 0; i < options_.concurrency; ++i) {
    workers_.push_back(std::make_unique<Worker>(i, (uint64_t{seed()} << 32) | seed()));
    workers_.back()->setClusters(snapshot_.clusters);
  }
  for (const auto& plan : snapshot_.listeners) {
    auto sockets = listener::openSockets(*plan, workers_.size());
    if (!sockets) {
      std::fprintf(stderr, "weir: listener '%s': %s\n", plan->name.c_str(), sockets.error().text.c_str());
      return false;
    }
    auto balance = std::make_shared<listener::Balance>(workers_.size());
    balance->hand_over = [this, plan = plan.get()](size_t worker, int fd, net::Address remote) {
      workers_[worker]->handOver(plan, fd, std::move(remote));
    };
    spdlog::info("listener '{}' on {}", plan->name, net::Address::localOf(sockets->front().get()).text());
    for (size_t i = 0; i < workers_.size(); ++i) {
      workers_[i]->addListener(plan, std::move((*sockets)[i]), balance);
    }
  }
  return true;
}

void Server::startWorkers() {
  for (size_t i = 0; i < snapshot_.cluster_plans.size(); ++i) {
    const cluster::ClusterPtr& cluster = (*snapshot_.clusters)[i];
    if (cluster->settings().discovery == cluster::Discovery::Static) {
      cluster->publish(cluster::makeStaticEndpoints(snapshot_.cluster_plans[i]));
    }
  }
  spdlog::info("all dependencies initialized. starting workers");
  for (auto& worker : workers_) worker->start();
}

int Server::serve() {
  live_.set(1);
  state_.set(kLive);
  concurrency_.set(workers_.size());
  spdlog::info("starting main dispatch loop");
  loop_.run();
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
  state_.set(kDraining);
  drain_deadline_ = loop_.now() + options_.drain_time;
  spdlog::info("draining: no new connections, at most {} s for requests in flight",
               options_.drain_time.count());
  for (auto& worker : workers_) worker->drain();
  timer_.arm(loop_.timers(), loop_.now() + kDrainPoll);
}

void Server::onTimer() { checkDrained(); }

void Server::checkDrained() {
  if (loop_.now() >= drain_deadline_) {
    spdlog::warn("drain time is over; {} connection(s) are cut", connections());
    return stopNow();
  }
  if (connections() == 0) return stopNow();
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
  if (read(options, bootstrap, report)) buildSnapshot(bootstrap, report, registry, stats, logs);
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
