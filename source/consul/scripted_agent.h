// What the tests of watches share: an agent of Consul that is played by the test, in virtual time.
// It answers questions as Consul does, waits included; or as it is told to.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/consul/scripted_service.h"
#include "source/net/still_clock.h"
#include "source/stream/wakeup.h"
#include "source/telemetry/stat_store.h"

namespace weir::consul {

class ScriptedAgent : public testing::Test {
 protected:
  struct Service {
    uint64_t index = 1;
    std::string body = "[]";
  };
  // One question; lives as long as somebody waits for its answer.
  struct Asked final : PendingWork<CallResult>, net::TimerUser {
    Asked(ScriptedAgent& test, CallRequest question)
        : test(test), request(std::move(question)), wakeup(test.loop), timer(*this) {
      at = test.open.insert(test.open.end(), this);
      ++test.count;
      test.most_open = std::max(test.most_open, test.open.size());
      if (test.faulty || index() != test.services[name()].index) {
        timer.arm(test.loop.timers(), test.loop.now() + std::min(test.delay, request.timeout));
      } else {
        timer.arm(test.loop.timers(), test.loop.now() + wait());
      }
    }
    ~Asked() override { test.open.erase(at); }
    bool ready() const override { return wakeup.done(); }
    void resumeWhenDone(std::coroutine_handle<> then) override { wakeup.waitFor(then); }
    CallResult take() override { return std::move(result); }
    void onTimer() override {
      if (test.delay > request.timeout)
        return answer({{{}, FailureKind::Timeout, {}, ""}, 0, {}, {}});
      if (test.faulty) return answer(*test.faulty);
      if (auto own = test.script(request)) return answer(*std::move(own));
      const Service& service = test.services[name()];
      const uint16_t status = service.body.empty() ? 404 : 200;  // keys that do not exist
      answer({{}, status, {{"x-consul-index", std::to_string(service.index)}}, service.body});
    }
    void answer(CallResult with) {
      timer.disarm();
      result = std::move(with);
      wakeup.fire();
    }
    std::string name() const { return nameIn(request.path); }
    uint64_t number(std::string_view key) const { return numberIn(request.path, key); }
    uint64_t index() const { return number("index="); }
    std::chrono::milliseconds wait() const { return std::chrono::milliseconds(number("wait=")); }

    ScriptedAgent& test;
    const CallRequest request;
    stream::Wakeup wakeup;
    net::Timer timer;
    CallResult result;
    std::list<Asked*>::iterator at;
  };

  void make(AgentSettings settings = {}) {
    settings.cluster = "consul_agent";
    agent = std::make_unique<Agent>(
        Agent::Parts{loop,
                     [this](CallRequest request) {
                       return Pending<CallResult>(
                           std::make_unique<Asked>(*this, std::move(request)));
                     },
                     [this] { return random; }, StatScope(stats).scope("consul"),
                     [this](bool good, const std::string& line) {
                       lines.push_back((good ? "good: " : "bad: ") + line);
                     },
                     kept},
        std::move(settings));
    agent->begin();
  }
  std::unique_ptr<ServiceWatch> watch(const std::string& name, ServiceUser& user) {
    ServiceSettings settings;
    settings.name = name;
    net::Loop::Turn turn(loop);
    auto made = std::make_unique<ServiceWatch>(*agent, settings, "");
    made->add(user);
    made->start();
    return made;
  }
  void change(const std::string& name, std::string body) {
    net::Loop::Turn turn(loop);
    Service& service = services[name];
    service.index = ++last_index;
    service.body = std::move(body);
    for (Asked* asked : open) {
      if (!faulty && asked->name() == name && !asked->ready()) asked->onTimer();
    }
  }
  void moveCatalog() { change("services", "{}"); }
  // From now on every question ends so, and those that wait, at once.
  void fail(CallResult with) {
    net::Loop::Turn turn(loop);
    faulty = std::move(with);
    for (Asked* asked : open) {
      if (!asked->ready()) asked->onTimer();
    }
  }
  void failConnections() {
    fail({{Side::Upstream, FailureKind::ConnectFailed, Retry::Safe, "refused"}, 0, {}, {}});
  }
  void pass(std::chrono::milliseconds time) {
    constexpr std::chrono::milliseconds kStep{10};
    for (; time.count() > 0; time -= kStep) {
      clock.at += kStep;
      net::Loop::Turn turn(loop);
      loop.timers().advance(clock.at);
    }
  }
  uint64_t stat(const std::string& name) const { return stats.value(name).value_or(4711); }

  net::StillClock clock;
  net::Loop loop{&clock};
  StatStore stats;
  uint64_t random = 0, last_index = 10;
  std::chrono::milliseconds delay{0};
  std::map<std::string, Service> services;
  std::optional<CallResult> faulty;
  using Script = std::function<std::optional<CallResult>(const CallRequest&)>;
  Script script = [](const CallRequest&) { return std::nullopt; };  // as Consul
  std::list<Asked*> open;
  size_t count = 0, most_open = 0;  // questions
  std::vector<std::string> lines;   // of the log
  xds::StateDirectory* kept = nullptr;
  std::unique_ptr<Agent> agent;
};

}  // namespace weir::consul
