#include "source/server/server.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <random>

#include "source/config/bootstrap.h"
#include "source/config/explain.h"
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

uint64_t randomSeed() {
  std::random_device seed;
  return (uint64_t{seed()} << 32) | seed();
}

void overrideNode(const Options& options, envoy::config::core::v3::Node& node) {
  if (!options.service_cluster.empty()) node.set_cluster(options.service_cluster);
  if (!options.service_node.empty()) node.set_id(options.service_node);
  if (!options.service_zone.empty()) node.mutable_locality()->set_zone(options.service_zone);
  if (node.user_agent_name().empty()) node.set_user_agent_name("weir");
  if (node.user_agent_version_type_case() == node.USER_AGENT_VERSION_TYPE_NOT_SET) {
    node.set_user_agent_version(kVersion);
  }
}

// Where CPUs are short, requests go before what changes their configuration. Of the calling thread
// (Linux), and of those that it starts later.
void comeAfterWorkers() {
  constexpr int kLater = 5;
  ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + kLater);
}

}  // namespace

Server::Server(const Options& options)
    : options_(options),
      signals_(loop_, [this](int signal) { onSignal(signal); }),
      timer_(*this),
      logs_(StatScope(stats_), options.file_flush_interval),
      runtime_(StatScope(stats_)),
      own_clusters_(loop_),
      own_services_(loop_, own_clusters_, randomSeed()),
      cluster_post_(loop_,
                    [this](const ClusterChanges& changes) {
                      for (auto& worker : workers_) worker->changeClusters(changes);
                    }),
      tls_rotation_(loop_,
                    [this](const std::shared_ptr<const void>& former) {
                      for (auto& worker : workers_) worker->hold(former);
                    }),
      admin_view_({.options = options_,
                   .config = config_,
                   .workers = workers_,
                   .stats = stats_,
                   .logs = logs_,
                   .runtime = runtime_,
                   .tls = tls_rotation_},
                  {.state = [this] { return phase_; },
                   .drain = [this](const admin::DrainRequest& request) { drainListeners(request); },
                   .quit = [this] { stopNow(); }}),
      housekeeping_(
          loop_, stats_,
          [this] {
            uint64_t gone = admin_view_.closedConnections();
            for (const char* name :
                 {"cluster_manager.cluster_removed", "cluster_manager.cluster_modified",
                  "listener_manager.listener_removed", "listener_manager.listener_modified"}) {
              gone += stats_.value(name).value_or(0);
            }
            return gone;
          },
          [this] { return stats_.value("control_plane.message_bytes").value_or(0); }) {
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
  if (!openState() || !load() || !openListeners() || !openAdmin()) return 1;
  if (options_.mode == Mode::InitOnly) return 0;
  return serve();
}

bool Server::openState() {
  if (options_.state_dir.empty()) return true;
  auto opened = xds::StateDirectory::open(options_.state_dir, StatScope(stats_));
  if (opened) {
    kept_state_ = *std::move(opened);
  } else {
    std::fprintf(stderr, "weir: --state-dir %s: %s\n", opened.error().field.c_str(),
                 opened.error().text.c_str());
  }
  return kept_state_ != nullptr;
}

bool Server::load() {
  Report report;
  if (read(options_, bootstrap_, report)) {
    overrideNode(options_, *bootstrap_.mutable_node());
    config::reportIgnored(bootstrap_, Where(report));
    config_.emplace(Configuration::Parts{loop_, own_services_, registry_, stats_, logs_, runtime_,
                                         options_.concurrency, kept_state_.get()},
                    bootstrap_, report, configurationCallbacks());
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

Configuration::Callbacks Server::configurationCallbacks() {
  Configuration::Callbacks callbacks;
  callbacks.secrets_given = [this](const std::shared_ptr<transport::ReloadableTls>& tls,
                                   std::shared_ptr<const void> former) {
    tls_rotation_.onSecrets(tls, std::move(former));
  };
  callbacks.clusters.set = [this](uint32_t slot, const cluster::ClusterPtr& cluster) {
    own_clusters_.set(slot, cluster);
    cluster_post_.add({slot, cluster, nullptr});
    if (cluster != nullptr) tls_rotation_.add(cluster->settings().tls);
  };
  callbacks.clusters.endpoints = [this](const cluster::ClusterPtr& cluster,
                                        const cluster::EndpointSetPtr& endpoints) {
    own_clusters_.update(cluster, endpoints);
    cluster_post_.add({cluster->slot(), cluster, endpoints});
  };
  callbacks.clusters.progress = callbacks.listeners.progress =
      callbacks.runtime_progress = [this] { onProgress(); };
  callbacks.listeners.change = [this](size_t worker,
                                      std::vector<listener::ListenerChange> changes) {
    for (const listener::ListenerChange& change : changes) {
      if (worker != 0 || change.plan == nullptr) continue;
      for (const auto& chain : change.plan->chains) tls_rotation_.add(chain->tls);
      if (change.plan->default_chain) tls_rotation_.add(change.plan->default_chain->tls);
    }
    cluster_post_.flush();
    workers_[worker]->changeListeners(std::move(changes),
                                      {options_.drain_time, !options_.drain_immediately});
  };
  callbacks.listeners.hand_over = [this](size_t worker, listener::HandedSocket socket) {
    workers_[worker]->handOver(std::move(socket));
  };
  callbacks.listeners.replace = [this](const std::shared_ptr<stream::Hcm>& hcm,
                                       const std::shared_ptr<const stream::HcmPlan>& plan) {
    cluster_post_.flush();
    for (auto& worker : workers_) worker->setPlan(hcm, plan);
  };
  return callbacks;
}

bool Server::openListeners() {
  for (uint32_t i = 0; i < options_.concurrency; ++i) {
    workers_.push_back(std::make_unique<Worker>(i, randomSeed()));
    if (!config_->onDemand()) continue;
    workers_.back()->wantFrom(loop_, config_->onDemand(),
                              StatScope(stats_).scope("cluster_manager").scope("on_demand"));
  }
  const auto opened = config_->listeners().open();
  if (!opened) std::fprintf(stderr, "weir: %s\n", opened.error().text.c_str());
  return static_cast<bool>(opened);
}

bool Server::openAdmin() {
  admin_view_.show(bootstrap_);
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

// First the clusters of the bootstrap, which control planes and Consul are reached through; then
// theirs; then their listeners. Runtime values are asked for before all that, and waited for at its
// end.
void Server::onProgress() {
  if (workers_started_ || phase_ != ServerInfo::INITIALIZING) return;
  if (!config_->clusters().staticWarm()) return;
  if (!std::exchange(follows_clusters_, true)) config_->followClusters(bootstrap_);
  if (!config_->clusters().allWarm()) return;
  if (!std::exchange(follows_listeners_, true)) config_->followListeners(bootstrap_);
  if (config_->listeners().allWarm() && config_->runtime().allWarm()) startWorkers();
}

void Server::startWorkers() {
  if (draining_) return;
  spdlog::info("all dependencies initialized. starting workers");
  workers_started_ = true;
  live_.set(1);
  setPhase(ServerInfo::LIVE);
  cluster_post_.flush();
  for (auto& worker : workers_) worker->start();
  comeAfterWorkers();
  registerItself();
}

void Server::registerItself() {
  consul::Registration* const registration = config_->registration();
  if (registration == nullptr) return;
  consul::Registration::Found at;
  at.port = config_->listeners().firstPort();
  if (admin_ != nullptr) at.admin = admin_->address();
  registration->start(at);
}

void Server::startWatch() {
  watch_.emplace(loop_, config_->takeOverload(), StatScope(stats_),
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
    tls_rotation_.start();
    startWatch();
    config_->start();
    onProgress();
  }
  spdlog::info("starting main dispatch loop");
  loop_.run();
  config_->sources().finishSaving();
  admin_.reset();
  for (auto& worker : workers_) worker->stop();
  for (auto& worker : workers_) worker->join();
  {
    const net::Loop::Turn last(loop_);  // streams to control planes end before their clusters
    config_.reset();
    own_clusters_.clear();
  }
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
  // Who looks for Weir in Consul finds it no more before it refuses connections.
  if (consul::Registration* const registration = config_->registration()) {
    return registration->leave([this] { drainWorkers(); });
  }
  drainWorkers();
}

void Server::drainWorkers() {
  config_->listeners().freeze();
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
    overrideNode(options, *bootstrap.mutable_node());
    config::reportIgnored(bootstrap, Where(report));
    runtime::Runtime runtime{StatScope(stats)};
    net::Loop loop;
    cluster::WorkerClusters own_clusters(loop);
    stream::Services services(loop, own_clusters, 0);
    Configuration({loop, services, registry, stats, logs, runtime, options.concurrency}, bootstrap,
                  report, {});
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
