// What becomes of connections when their listener's plan changes, or the listener goes.
#include <string>

#include "source/codec/http2/recorder.h"
#include "test/harness/listener_fixture.h"

namespace weir::listener {
namespace {

constexpr std::string_view kClose = "connection: close\r\n";
constexpr std::string_view kUpgrade =
    "GET /origin HTTP/1.1\r\nhost: t\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n";

class ListenerUpdate : public ListenerFixture {
 protected:
  // One request and its response.
  std::string exchange(Wire& client, std::string_view path = "/") {
    client.ask(path);
    EXPECT_TRUE(soon([&] { return client.got("\r\n\r\n") || client.ended(); }));
    settle();
    return client.take();
  }
};

// Wants one byte 'x' before anything else.
class Latch final : public ListenerFilterPlan {
  class Filter final : public ListenerFilter {
    Step onBytes(std::string_view bytes, Introduction&) override {
      return bytes.empty() ? Step{} : Step{Verdict::Done, 1};
    }
  };
  std::unique_ptr<ListenerFilter> start() const override { return std::make_unique<Filter>(); }
};

TEST_F(ListenerUpdate, aChainThatStaysKeepsItsConnections) {
  const FilterChainPtr stays = chain("stays");
  const net::Address at = add(plan("a", stays));
  Wire client(at), busy(at);
  origin_.answer({.status = 200, .body = "late", .delay = 1min});
  busy.ask("/origin");
  for (int i = 0; i < 100; ++i) {
    const Plan next = plan("a", stays);
    next->default_chain = chain("new" + std::to_string(i));
    update(next);
    const std::string said = exchange(client);
    ASSERT_TRUE(said.ends_with("stays")) << i << said;
    ASSERT_EQ(said.find(kClose), said.npos) << i;
  }
  EXPECT_EQ(stat("listener.at.downstream_cx_total"), 2u);
  EXPECT_EQ(stat("listener.at.downstream_cx_active"), 2u);
  pass(1min);
  EXPECT_TRUE(soon([&] { return busy.got("late"); })) << "long after the drain times";
}

TEST_F(ListenerUpdate, aChainThatGoesSaysSoWithTheNextResponse) {
  const net::Address at = add(plan("a", chain("old")));
  Wire client(at);
  EXPECT_EQ(exchange(client).find(kClose), std::string::npos);
  update(plan("a", chain("new")));
  Wire next(at);
  const std::string said = exchange(next);
  EXPECT_TRUE(said.ends_with("new"));
  EXPECT_EQ(said.find(kClose), said.npos);
  const std::string last = exchange(client);
  EXPECT_TRUE(last.ends_with("old"));
  EXPECT_NE(last.find(kClose), last.npos) << last;
  EXPECT_TRUE(soon([&] { return client.ended(); }));
  EXPECT_FALSE(next.ended());
}

TEST_F(ListenerUpdate, anIdleConnectionIsNotCutInTheMiddleOfItsNextRequest) {
  const net::Address at = add(plan("a", chain("old")));
  Wire idle(at), fresh(at);
  exchange(idle);
  pass(1min);
  update(plan("a", chain("new")));
  pass(900ms);
  EXPECT_FALSE(idle.ended());
  EXPECT_NE(exchange(fresh).find(kClose), std::string::npos);
  pass(200ms);
  EXPECT_TRUE(soon([&] { return idle.ended(); }));
}

TEST_F(ListenerUpdate, aRequestInFlightIsAnswered) {
  const net::Address at = add(plan("a", chain("old")));
  origin_.answer({.status = 200, .body = "late", .delay = 3s});
  Wire client(at);
  client.ask("/origin");
  settle();
  update(plan("a", chain("new")));
  pass(3s);
  EXPECT_TRUE(soon([&] { return client.got("late"); }));
  EXPECT_TRUE(client.got(kClose));
  EXPECT_TRUE(soon([&] { return client.ended(); }));
}

TEST_F(ListenerUpdate, whatIsLeftAfterTheDrainTimeIsClosed) {
  origin_.answer({.fate = test::Reply::Fate::Never});
  const net::Address at = add(plan("a", chain("first")));
  Wire first(at);
  first.ask("/origin");
  settle();
  update(plan("a", chain("second")));
  Wire second(at);
  second.ask("/origin");
  settle();
  pass(5s);
  update(plan("a", chain("third")));
  pass(4900ms);
  EXPECT_FALSE(first.ended());
  pass(200ms);
  EXPECT_TRUE(soon([&] { return first.ended(); }));
  EXPECT_FALSE(second.ended()) << "each chain has an end of its own";
  pass(5s);
  EXPECT_TRUE(soon([&] { return second.ended(); }));
  EXPECT_EQ(stat("listener.at.downstream_cx_active"), 0u);
  EXPECT_EQ(stat("listener.at.downstream_cx_destroy"), 2u);
}

TEST_F(ListenerUpdate, aTunnelLivesUntilTheDrainTimeIsOver) {
  const net::Address at =
      add(plan("a", chain("old", "upgrade_configs: [{upgrade_type: websocket}]")));
  origin_.answer({.status = 101, .fields = {{"upgrade", "websocket"}, {"connection", "upgrade"}}});
  Wire client(at);
  client.send(kUpgrade);
  ASSERT_TRUE(soon([&] { return client.got("101"); }));
  update(plan("a", chain("new")));
  pass(9900ms);
  client.take();
  client.send(kUpgrade);  // whatever passes through it
  EXPECT_TRUE(soon([&] { return client.got("101"); }));
  EXPECT_FALSE(client.ended());
  pass(200ms);
  EXPECT_TRUE(soon([&] { return client.ended(); }));
}

TEST_F(ListenerUpdate, http2IsToldByGoaway) {
  const net::Address at = add(plan("a", chain("old")));
  origin_.answer({.status = 200, .body = "late", .delay = 3s});
  codec::Http2Options options;
  codec::ClientRecorder recorder;
  codec::Http2ClientSession session(options, recorder.pool, recorder);
  Wire client(at);
  const auto talk = [&] {
    for (int quiet = 0; quiet < 3; ++quiet) {
      const std::string out = recorder.take(session);
      if (!out.empty()) client.send(out);
      settle();
      const std::string in = client.take();
      if (in.empty()) continue;
      session.receive(in);
      quiet = 0;
    }
  };
  const auto ask = [&](std::string_view path) {
    codec::RecordedStream& stream = recorder.newStream();
    stream.request.setMethod("GET");
    stream.request.path = path;
    stream.request.authority = "t";
    ASSERT_TRUE(session.open(stream, stream.request, true));
    talk();
  };
  session.start();
  ask("/");
  ask("/origin");
  recorder.log();
  update(plan("a", chain("new")));
  std::string told;
  EXPECT_TRUE(soon([&] {
    talk();
    told += recorder.log() + ";";
    return told.find("goaway 3 0") != told.npos;
  })) << told;
  EXPECT_LT(told.find("goaway 2147483647 0"), told.find("goaway 3 0"));
  EXPECT_FALSE(client.ended());
  pass(3s);
  EXPECT_TRUE(soon([&] {
    talk();
    return recorder.at(1).body == "late";
  }));
  EXPECT_TRUE(soon([&] { return client.ended(); }));
  session.abandon({});
}

TEST_F(ListenerUpdate, anOpeningFinishesOnThePlanItBeganWith) {
  const FilterChainPtr stays = chain("stays");
  const auto latched = [&](const FilterChainPtr& one) {
    const Plan made = plan("a", one);
    made->filters.push_back({std::make_shared<Latch>(), {}});
    made->filters_timeout = 0ms;
    return made;
  };
  const net::Address at = add(latched(stays));
  Wire kept(at);
  settle();
  update(latched(stays));
  Wire goes(at), late(at);
  settle();
  update(plan("a", chain("new")));
  update(plan("a", stays));
  pass(2s);
  kept.send("x");
  EXPECT_EQ(exchange(kept).find(kClose), std::string::npos) << "its chain is back";
  update(plan("a", chain("newer")));
  goes.send("x");
  const std::string said = exchange(goes);
  EXPECT_TRUE(said.ends_with("stays"));
  EXPECT_NE(said.find(kClose), said.npos);
  EXPECT_FALSE(late.ended());
  pass(8100ms);
  EXPECT_TRUE(soon([&] { return late.ended(); })) << "its plan's time is over";
  EXPECT_EQ(stat("listener.at.downstream_pre_cx_active"), 0u);
}

TEST_F(ListenerUpdate, gradualDrainTakesItsTime) {
  const net::Address at = add(plan("a", chain("old")));
  std::deque<Wire> clients;
  for (int i = 0; i < 50; ++i) clients.emplace_back(at);
  for (Wire& client : clients) exchange(client);
  update(plan("a", chain("new")), {100s, true});
  const auto closing = [&] {
    int count = 0;
    for (Wire& client : clients) {
      if (!client.ended()) count += exchange(client).find(kClose) != std::string::npos;
    }
    return count;
  };
  EXPECT_EQ(closing(), 0);
  const DrainPeriod period(net::SteadyTime{}, {100s, true});
  EXPECT_EQ(period.share(net::SteadyTime{} + 50s), overload::kAll / 2);
  EXPECT_EQ(period.share(net::SteadyTime{} + 100s), overload::kAll);
  pass(500ms);
  int gone = closing();
  for (int i = 0; i < 49; ++i) {  // asked twice a second: none is idle for a whole one
    pass(500ms);
    gone += closing();
  }
  EXPECT_GT(gone, 35) << "a quarter of the time, a share of up to a quarter each half second";
  pass(75s);
  for (Wire& client : clients) EXPECT_TRUE(soon([&] { return client.ended(); }));
}

TEST_F(ListenerUpdate, aListenerThatGoesAnswersWhatIsInFlight) {
  const net::Address at = add(plan("a", chain("old")));
  origin_.answer({.status = 200, .body = "late", .delay = 3s});
  std::deque<Wire> clients;
  for (int i = 0; i < 10; ++i) clients.emplace_back(at).ask("/origin");
  EXPECT_TRUE(soon([&] { return origin_.seen().size() == 10; }));
  Wire waits(at);  // in the kernel's queue: nobody accepted it
  remove("a");
  EXPECT_FALSE(Wire(at).connected());
  EXPECT_NE(exchange(waits).find(kClose), std::string::npos);
  EXPECT_EQ(listeners_.connections(), 11u) << "one lingers";
  pass(3s);
  for (Wire& client : clients) {
    EXPECT_TRUE(soon([&] { return client.got("late"); }));
    EXPECT_TRUE(client.got(kClose));
  }
  pass(2s);
  EXPECT_EQ(listeners_.connections(), 0u);
  EXPECT_EQ(stat("listener.at.downstream_cx_active"), 0u);
}

TEST_F(ListenerUpdate, aRemovedListenerWithoutConnectionsIsGone) {
  const std::weak_ptr<const ListenerPlan> gone = [&] {
    const Plan made = plan("a", chain("old"));
    add(made);
    return std::weak_ptr<const ListenerPlan>(made);
  }();
  remove("a");
  EXPECT_TRUE(gone.expired());
}

TEST_F(ListenerUpdate, countsMoveWithThePlan) {
  const auto limit = std::make_shared<ConnectionLimit>(2);
  const FilterChainPtr stays = chain("stays");
  const net::Address at = add(plan("a", stays, "first"));
  Wire client(at), other(at);
  exchange(client);
  exchange(other);
  const Plan limited = plan("a", stays, "second");
  limited->global_limit = limit;
  update(limited);
  EXPECT_EQ(stat("listener.first.downstream_cx_active"), 0u);
  EXPECT_EQ(stat("listener.second.downstream_cx_active"), 2u);
  EXPECT_FALSE(limit->take());
  update(plan("a", stays, "second"));
  EXPECT_TRUE(limit->take());
  limit->give();
  exchange(client);
  EXPECT_EQ(stat("listener.second.downstream_cx_active"), 2u);
}

}  // namespace
}  // namespace weir::listener
