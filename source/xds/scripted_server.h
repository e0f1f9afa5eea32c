// What the tests of the protocol share: a source whose streams end in the test, which sees every
// message and answers as it likes, and watchers that write down what they are told.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "source/net/still_clock.h"
#include "source/telemetry/stat_store.h"
#include "source/xds/grpc_source.h"
#include "source/xds/scripted_messages.h"

namespace weir::xds {

class ScriptedServer : public testing::Test {
 protected:
  void make(bool delta, std::optional<ResourceType> only = std::nullopt, bool node_once = true,
            std::function<void(TypeState&)> keep = {}) {
    GrpcSource::Settings settings;
    settings.delta = delta;
    settings.only = only;
    settings.node.set_id("test-id");
    settings.node_once = node_once;
    settings.random = [this] { return random; };
    settings.scope = StatScope(stats).scope("control_plane");
    settings.keep = std::move(keep);
    settings.pace = pace;
    settings.identified = [this](std::string name) { identity = std::move(name); };
    source = std::make_unique<GrpcSource>(
        loop, std::move(settings), [this](std::string_view method, rpc::MessageStreamUser& user) {
          methods.emplace_back(method);
          return std::make_unique<Line>(*this, user);
        });
  }
  std::unique_ptr<Watch> watch(ResourceType type, Probe& probe, Watch::Kind kind,
                               std::string name = {}) {
    net::Loop::Turn turn(loop);
    return std::make_unique<Watch>(
        source->of(type), loop,
        Watch::Wish{kind, std::move(name), std::chrono::seconds(15), StatScope(stats).scope("w")},
        probe);
  }
  void pass(std::chrono::milliseconds time) {
    clock.at += time;
    net::Loop::Turn turn(loop);
    loop.timers().advance(clock.at);
  }
  // Time enough for a first stream.
  void connect() { pass(std::chrono::milliseconds(20)); }
  void say(const google::protobuf::Message& message) { sayBytes(message.SerializeAsString()); }
  void sayBytes(const std::string& bytes) {
    net::Loop::Turn turn(loop);
    ASSERT_NE(user, nullptr);
    user->onMessage(bytes);
  }
  // What the loop has to do by itself; all of it, or that many rounds.
  void goOn(int rounds = 1000) {
    for (; rounds > 0; --rounds) event_base_loop(loop.base(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
  }
  void breakStream() {
    net::Loop::Turn turn(loop);
    ASSERT_NE(user, nullptr);
    user->onStreamEnd("the test ended it");
  }
  // The oldest request that was not looked at; fails where there is none.
  template <typename Request>
  Request request() {
    Request request;
    if (sent.empty()) {
      ADD_FAILURE() << "no request";
      return request;
    }
    EXPECT_TRUE(request.ParseFromString(sent.front()));
    sent.erase(sent.begin());
    return request;
  }
  uint64_t stat(const std::string& name) const { return stats.value(name).value_or(4711); }

  struct Line final : rpc::MessageStream {
    Line(ScriptedServer& test, rpc::MessageStreamUser& user) : test(test) { test.user = &user; }
    ~Line() override { test.user = nullptr; }
    void start() override {}
    void send(const google::protobuf::Message& message) override {
      test.sent.push_back(message.SerializeAsString());
    }
    bool congested() const override { return false; }
    void finish() override {}
    ScriptedServer& test;
  };

  net::StillClock clock;
  net::Loop loop{&clock};
  StatStore stats;
  uint64_t random = 0;
  RequestPace::Settings pace{};            // of sources that are made next
  rpc::MessageStreamUser* user = nullptr;  // of the open stream
  std::vector<std::string> methods;        // of the streams, in their order
  std::vector<std::string> sent;
  std::string identity;
  std::unique_ptr<GrpcSource> source;
};

}  // namespace weir::xds
