#include "test/harness/exchange.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "source/net/address.h"

namespace weir::test {
namespace {

// Turns in which nothing happened: a request is at most two events away from its next sign of life.
constexpr int kQuietTurns = 4;
constexpr size_t kMostSteps = 10'000;
constexpr std::chrono::hours kLongest{1};

}  // namespace

Exchange::Exchange(const Config& config) : proxy_(config) {
  if (proxy_.plan == nullptr) {
    throw std::runtime_error("the test's configuration is refused:\n" + proxy_.report.text() +
                             config.yaml());
  }
  for (const auto& cluster : proxy_.clusters) {
    clusters_.set(cluster->slot(), cluster);
    auto origin = std::make_unique<Origin>(loop_, progress_);
    reach(cluster->name(), *net::Address::unixPath(origin->address()));
    origins_.emplace(cluster->name(), std::move(origin));
  }
  net::Loop::Turn turn(loop_);
  for (const auto& work : proxy_.plan->background) work->startOn(services_);
}

Exchange::~Exchange() {
  vanish();
  net::Loop::Turn turn(loop_);
  for (const auto& work : proxy_.plan->background) work->stop();
  clusters_.clear();
}

void Exchange::reach(std::string_view cluster, const net::Address& address) {
  auto endpoint = std::make_shared<cluster::Endpoint>();
  endpoint->address = address;
  endpoint->text = endpoint->hostname = cluster;
  auto set = std::make_shared<cluster::EndpointSet>();
  set->all.push_back(std::move(endpoint));
  const cluster::ClusterPtr& at = proxy_.clusters[clusters_.slotOf(cluster)];
  at->publish(set);
  net::Loop::Turn turn(loop_);
  clusters_.update(at, std::move(set));
}

std::weak_ptr<cluster::Cluster> Exchange::replace(std::string_view cluster) {
  cluster::ClusterPtr& at = proxy_.clusters[clusters_.slotOf(cluster)];
  auto next = std::make_shared<cluster::Cluster>(at->slot(), at->settings(), at->statScope());
  next->publish(at->endpoints());
  return set(at, std::move(next));
}

std::weak_ptr<cluster::Cluster> Exchange::remove(std::string_view cluster) {
  return set(proxy_.clusters[clusters_.slotOf(cluster)], nullptr);
}

void Exchange::takeAway(std::string_view cluster) {
  away_.emplace(cluster, proxy_.clusters[clusters_.slotOf(cluster)]);
  remove(cluster);
}

void Exchange::bring(std::string_view cluster) {
  const cluster::ClusterPtr former = away_.extract(away_.find(cluster)).mapped();
  auto next =
      std::make_shared<cluster::Cluster>(former->slot(), former->settings(), former->statScope());
  next->publish(former->endpoints());
  net::Loop::Turn turn(loop_);
  clusters_.set(former->slot(), proxy_.clusters[former->slot()] = std::move(next));
}

std::weak_ptr<cluster::Cluster> Exchange::set(cluster::ClusterPtr& at, cluster::ClusterPtr next) {
  const cluster::ClusterPtr former = std::exchange(at, std::move(next));
  net::Loop::Turn turn(loop_);
  clusters_.set(former->slot(), at);
  return former;
}

Origin& Exchange::originOf(std::string_view cluster) {
  const auto found = origins_.find(cluster);
  if (found == origins_.end()) throw std::runtime_error("no cluster " + std::string(cluster));
  return *found->second;
}

void Exchange::begin(std::string_view bytes, const std::vector<size_t>& cuts) {
  vanish();
  client_ = std::make_unique<Client>(services_, proxy_.plan, progress_);
  client_->send(bytes, cuts);
}

void Exchange::request(std::string_view bytes, const std::vector<size_t>& cuts) {
  begin(bytes, cuts);
  settle();
}

// One round of the loop and one piece of the request. False: nothing happened.
bool Exchange::step() {
  const uint64_t before = progress_;
  const bool sent = client_ != nullptr && client_->sendMore();
  event_base_loop(loop_.base(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
  return sent || progress_ != before;
}

void Exchange::settle() {
  for (int quiet = 0; quiet < kQuietTurns;) quiet = step() ? 0 : quiet + 1;
}

void Exchange::passTime(SteadyTime to) {
  clock_.at = to;
  net::Loop::Turn turn(loop_);
  loop_.timers().advance(to);
}

void Exchange::advance(std::chrono::milliseconds time) {
  const SteadyTime target = clock_.at + time;
  while (clock_.at < target) {
    const SteadyTime wake = std::max(loop_.timers().nextWake(), clock_.at + net::TimerWheel::kTick);
    passTime(std::min(wake, target));
    settle();
  }
}

void Exchange::finish() {
  const SteadyTime limit = clock_.at + kLongest;
  settle();
  while (!finished() && clock_.at < limit) {
    const SteadyTime wake = std::max(loop_.timers().nextWake(), clock_.at + net::TimerWheel::kTick);
    passTime(std::min(wake, limit));
    settle();
  }
}

void Exchange::vanish() {
  if (client_ == nullptr) return;
  client_->vanish();
  settle();
}

const Seen& Exchange::originSaw(std::string_view cluster) {
  static const Seen none{"nothing arrived at the origin"};
  const auto& seen = originOf(cluster).seen();
  EXPECT_FALSE(seen.empty()) << "nothing arrived at the origin of " << cluster;
  return seen.empty() ? none : seen.back();
}

uint64_t Exchange::stat(std::string_view name) {
  const auto value = proxy_.stats.value(name);
  EXPECT_TRUE(value.has_value()) << "no statistic " << name;
  return value.value_or(~uint64_t{0});
}

uint64_t Exchange::recorded(std::string_view histogram) {
  for (const auto* metric : *proxy_.stats.sorted()) {
    if (metric->name == histogram) return proxy_.stats.cumulative(*metric).count();
  }
  ADD_FAILURE() << "no histogram " << histogram;
  return 0;
}

std::string Exchange::outcome() {
  std::string text = response().text() + "\n";
  for (const auto& [name, origin] : origins_) {
    text += "--- " + name + "\n";
    for (const Seen& seen : origin->seen()) text += seen.text() + "\n";
    origin->forget();
  }
  return text;
}

void Exchange::everySplit(std::string_view bytes) {
  const auto run = [&](const std::vector<size_t>& cuts) {
    vanish();
    services_.random = stream::Random(1);
    for (auto& [name, origin] : origins_) origin->forget();
    begin(bytes, cuts);
    finish();
    EXPECT_TRUE(finished());
    return outcome();
  };
  const size_t size = bytes.size() - std::min(bytes.find("\r\n\r\n") + 4, bytes.size());
  const std::string whole = run({});
  std::vector<size_t> all;
  for (size_t cut = 1; cut < size; ++cut) {
    all.push_back(cut);
    EXPECT_EQ(run({cut}), whole) << "with the body cut at byte " << cut;
  }
  EXPECT_EQ(run(all), whole) << "with the body cut at every byte";
}

// True: the request was finished before.
bool Exchange::runTo(size_t steps) {
  int quiet = 0;
  while (steps-- > 0) {
    if (finished()) return true;
    quiet = step() ? 0 : quiet + 1;
    if (quiet < kQuietTurns) continue;
    const SteadyTime wake = std::max(loop_.timers().nextWake(), clock_.at + net::TimerWheel::kTick);
    passTime(std::min(wake, clock_.at + kLongest));
    quiet = 0;
  }
  return finished();
}

size_t Exchange::cancelAtEveryWait(std::string_view bytes) {
  for (size_t steps = 0; steps < kMostSteps; ++steps) {
    services_.random = stream::Random(1);
    begin(bytes);
    if (runTo(steps)) return steps;
    client_->vanish();
    settle();
    EXPECT_TRUE(finished());
    advance(std::chrono::seconds(30));
    expectNothingLeft();
    if (testing::Test::HasFailure()) {
      ADD_FAILURE() << "with the client gone after step " << steps;
      return steps;
    }
  }
  ADD_FAILURE() << "the request never ends";
  return kMostSteps;
}

void Exchange::expectNothingLeft() {
  EXPECT_EQ(stat("http.test.downstream_rq_active"), 0u);
  for (const auto& cluster : proxy_.clusters) {
    if (cluster == nullptr) continue;
    const cluster::Budgets& budgets = cluster->budgets(cluster::Priority::Default);
    EXPECT_EQ(budgets.requests.taken(), 0u) << cluster->name();
    EXPECT_EQ(budgets.pending.taken(), 0u) << cluster->name();
    EXPECT_EQ(budgets.retries.taken(), 0u) << cluster->name();
  }
}

}  // namespace weir::test
