// A worker's listeners on a real loop whose time stands still, clients on real sockets, an origin,
// and plans whose chains answer with a text. For tests; one thread.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/listener/socket.h"
#include "source/listener/worker_listeners.h"
#include "test/harness/config.h"
#include "test/harness/origin.h"
#include "test/harness/wire.h"

namespace weir::listener {

using namespace std::chrono_literals;

class ListenerFixture : public testing::Test {
 protected:
  using Plan = std::shared_ptr<ListenerPlan>;

  ~ListenerFixture() override {
    listeners_.clear();
    net::Loop::Turn turn(loop_);
    clusters_.clear();
  }

  // Answers "/" with `text`; what is below /origin goes there.
  std::shared_ptr<stream::Hcm> hcm(const std::string& text, const std::string& fields = {}) {
    const std::string routes =
        "- match: {prefix: /origin}\n  route: {cluster: origin, timeout: 0s}\n"
        "- match: {prefix: /}\n  direct_response: {status: 200, body: {inline_string: " +
        text + "}}\n";
    auto& proxy = proxies_.emplace_back(test::noFilter().withRoutes(routes).withHcm(fields));
    EXPECT_NE(proxy.plan, nullptr) << proxy.report.text();
    if (proxies_.size() == 1) reachOrigin();
    return std::make_shared<stream::Hcm>(proxy.plan, 1);
  }
  FilterChainPtr chain(const std::string& text, const std::string& fields = {}) {
    auto made = std::make_shared<FilterChainPlan>();
    made->name = text;
    made->hcm = hcm(text, fields);
    return made;
  }
  // A port that is free: the kernel's choice, when it is opened.
  static ListenAddress address(const char* ip) {
    ListenAddress made;
    made.address = *net::Address::ip(ip, 0);
    return made;
  }
  Plan plan(const std::string& name, FilterChainPtr chain, const std::string& stat_name = "at") {
    auto made =
        std::make_shared<ListenerPlan>(name, StatScope(stats_).scope("listener").scope(stat_name));
    made->addresses.push_back(address("127.0.0.1"));
    made->chains.push_back(std::move(chain));
    made->only_chain = true;
    return made;
  }
  net::Fd socket(const ListenerPlan& plan) {
    auto opened = openSockets(plan, plan.addresses.front(), 1);
    EXPECT_TRUE(opened) << opened.error().text;
    return std::move(opened->front());
  }
  // Where it listens.
  net::Address add(const Plan& plan) {
    std::vector<ListenerChange> changes(1);
    changes[0] = {plan->name, plan, {}, std::make_shared<Balance>(1)};
    changes[0].sockets.push_back(socket(*plan));
    const net::Address at = net::Address::localOf(changes[0].sockets.front().get());
    listeners_.change(std::move(changes), {});
    return at;
  }
  void update(const Plan& plan, Drain drain = {10s}) {
    std::vector<ListenerChange> changes(1);
    changes[0] = {plan->name, plan, {}, nullptr};
    listeners_.change(std::move(changes), drain);
  }
  void remove(const std::string& name, Drain drain = {10s}) {
    std::vector<ListenerChange> changes(1);
    changes[0].name = name;
    listeners_.change(std::move(changes), drain);
  }

  // Until nothing moves.
  void settle() {
    for (int i = 0; i < 12; ++i) event_base_loop(loop_.base(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
  }
  // Polls for what the kernel may take a moment for.
  bool soon(const std::function<bool()>& is_true) {
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (!is_true()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      settle();
    }
    return true;
  }
  void pass(std::chrono::milliseconds time) {
    clock_.at += time;
    {
      net::Loop::Turn turn(loop_);
      loop_.timers().advance(clock_.at);
    }
    settle();
  }
  uint64_t stat(std::string_view name) { return stats_.value(name).value_or(~uint64_t{0}); }

 private:
  void reachOrigin() {
    for (const auto& one : proxies_.front().clusters) clusters_.set(one->slot(), one);
    auto endpoint = std::make_shared<cluster::Endpoint>();
    endpoint->address = *net::Address::unixPath(origin_.address());
    auto set = std::make_shared<cluster::EndpointSet>();
    set->all.push_back(std::move(endpoint));
    proxies_.front().clusters.front()->publish(std::move(set));
  }

  struct ManualClock final : net::Clock {
    net::SteadyTime at{1000h};
    net::SteadyTime now() override { return at; }
  };
  StatStore stats_;
  std::deque<test::Proxy> proxies_;
  ManualClock clock_;

 protected:
  net::Loop loop_{&clock_};
  cluster::WorkerClusters clusters_{loop_};
  stream::Services services_{loop_, clusters_, 1};
  uint64_t progress_ = 0;
  test::Origin origin_{loop_, progress_};
  WorkerListeners listeners_{services_, 0};
};

}  // namespace weir::listener
