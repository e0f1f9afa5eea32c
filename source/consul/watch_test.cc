// Many watches and one agent: when it fails, and when there are more watches than places.
#include "source/consul/watch.h"

#include <gmock/gmock.h>

#include <cstdio>
#include <deque>
#include <fstream>

#include "source/consul/scripted_agent.h"

namespace weir::consul {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class WatchTest : public ScriptedAgent {
 protected:
  void watchMany(size_t number) {
    net::Loop::Turn turn(loop);
    for (size_t i = 0; i < number; ++i) {
      const std::string name = "s" + std::to_string(watches.size());
      services[name].body = "[" + instanceJson(name, 80) + "]";
      watches.push_back(watch(name, users.emplace_back()));
    }
  }
  size_t told() {
    size_t all = 0;
    for (Listener& user : users) all += user.take().size();
    return all;
  }

  std::deque<Listener> users;
  std::vector<std::unique_ptr<ServiceWatch>> watches;
};

TEST_F(WatchTest, AtRestEachAsksOnceAMinute) {
  make();
  watchMany(50);
  pass(2s);
  EXPECT_EQ(told(), 50u);
  EXPECT_EQ(open.size(), 50u);
  const size_t before = count;
  pass(5min);
  EXPECT_THAT(count - before, testing::AllOf(testing::Ge(200u), testing::Le(250u)));
  EXPECT_EQ(told(), 0u);
  EXPECT_THAT(lines, IsEmpty());
}

TEST_F(WatchTest, WhatConsulSaidStaysWhileItIsAway) {
  make();
  watchMany(50);
  pass(2s);
  told();
  failConnections();
  pass(10min);
  for (Listener& user : users) EXPECT_THAT(user.take(), ElementsAre("!no_answer"));
  for (const auto& each : watches) EXPECT_THAT(*each->current(), SizeIs(1));
  EXPECT_FALSE(agent->answers());
  EXPECT_EQ(watches[0]->watch().trouble()->detail, "refused");
  EXPECT_NEAR(watches[0]->watch().age().count(), 601, 2);
  EXPECT_NEAR(stat("consul.s0.list_age_seconds"), 600, 6);
  EXPECT_EQ(stat("consul.watches_in_trouble"), 50u);
  EXPECT_EQ(stat("consul.connected_state"), 0u);
  EXPECT_THAT(lines, ElementsAre("bad: consul: 's0', 's1', 's10', 's11', 's12' and 45 more: "
                                 "no_answer: refused; what Consul said before stays in use"));

  faulty.reset();
  change("s7", "[]");
  pass(31s);
  EXPECT_THAT(users[7].take(), ElementsAre("", "well"));
  for (size_t i = 0; i < users.size(); ++i) {
    EXPECT_EQ(users[i].take(), std::vector<std::string>(i == 7 ? 0 : 1, "well")) << i;
  }
  EXPECT_THAT(lines, SizeIs(2));
  EXPECT_THAT(lines.back(), HasSubstr("and 45 more: answered again"));
  EXPECT_EQ(stat("consul.s0.list_age_seconds"), 0u);
  EXPECT_EQ(stat("consul.connected_state"), 1u);
}

// 200 services that try by themselves would be 200 connections each half second.
TEST_F(WatchTest, WhileItIsAwayOneTriesForAll) {
  make();
  random = 1'000'003;
  watchMany(100);
  pass(2s);
  failConnections();
  pass(1s);
  const size_t before = count;
  pass(10min);
  EXPECT_LT(count - before, 80u);
  faulty.reset();
  delay = 50ms;
  told();
  while (!agent->answers()) pass(10ms);
  pass(1s);  // 16 at a time
  EXPECT_EQ(told(), 100u) << "all ask as soon as one is answered";
}

TEST_F(WatchTest, AConnectionThatBreaksIsNotWorthALine) {
  make();
  watchMany(5);
  pass(2s);
  told();
  failConnections();
  faulty.reset();
  pass(5s);
  EXPECT_THAT(lines, IsEmpty());
  for (const auto& each : watches) EXPECT_FALSE(each->watch().trouble());
}

TEST_F(WatchTest, ATroubleOfOneIsNotThatOfAll) {
  make();
  watchMany(2);
  pass(2s);
  told();
  for (int i = 0; i < 20; ++i) {
    {
      net::Loop::Turn turn(loop);
      for (Asked* asked : open) {
        if (asked->name() == "s0" && !asked->ready())
          asked->answer({{}, 403, {}, "Permission denied"});
      }
    }
    change("s1", "[" + instanceJson("b", static_cast<uint16_t>(100 + i)) + "]");
    pass(1s);
  }
  EXPECT_TRUE(agent->answers());
  EXPECT_THAT(users[1].take(), SizeIs(20));
  EXPECT_THAT(users[0].take(), Each(testing::AnyOf("!permission_denied", "well")));
  EXPECT_GE(stat("consul.s0.acl_error"), 1u);
  EXPECT_EQ(stat("consul.failure_permission_denied"), stat("consul.s0.acl_error"));
}

TEST_F(WatchTest, ATokenThatConsulDoesNotKnowIsReadAgain) {
  const std::string path = testing::TempDir() + "/consul_rotated_token";
  std::ofstream(path) << "old\n";
  AgentSettings settings;
  settings.token.set_filename(path);
  make(std::move(settings));
  watchMany(1);
  const auto token = [&] { return open.front()->request.fields.back().second; };
  EXPECT_EQ(token(), "old");
  pass(2s);
  std::ofstream(path) << "new\n";
  fail({{}, 403, {}, "ACL not found"});
  faulty.reset();
  pass(2s);
  EXPECT_EQ(token(), "new");
  std::remove(path.c_str());
  fail({{}, 403, {}, "ACL not found"});
  faulty.reset();
  pass(2s);
  EXPECT_EQ(token(), "new") << "a file that is gone is no token";
}

TEST_F(WatchTest, MoreThanThePlacesShareThem) {
  AgentSettings settings;
  settings.max_queries = 32;
  make(std::move(settings));
  watchMany(400);
  pass(6s);
  EXPECT_EQ(told(), 400u);
  most_open = 0;
  const size_t before = count;
  for (size_t i = 0; i < 400; i += 40) change("s" + std::to_string(i), "[]");
  pass(Agent::kRound * 11 / 10);
  for (size_t i = 0; i < 400; i += 40) EXPECT_THAT(users[i].take(), ElementsAre("")) << i;
  EXPECT_LE(count - before, 500u) << "each once, and who changed twice";
  EXPECT_LE(most_open, 32u + Agent::kQuick);
}

TEST_F(WatchTest, ANewWatchNeverStandsBehindTheOthers) {
  AgentSettings settings;
  settings.max_queries = 8;
  make(std::move(settings));
  watchMany(8);
  pass(2s);
  told();
  watchMany(20);
  pass(50ms);
  EXPECT_EQ(told(), 20u);
}

TEST_F(WatchTest, TooManyConnectionsLeadToFewer) {
  AgentSettings settings;
  settings.max_queries = 100;
  make(std::move(settings));
  watchMany(100);
  pass(2s);
  EXPECT_EQ(open.size(), 100u);
  fail({{}, 429, {}, "too many"});
  faulty.reset();
  pass(1s);
  EXPECT_EQ(stat("consul.failure_too_many_requests"), 100u);
  // Three quarters of the places wait; the others share them.
  pass(20s);
  EXPECT_LE(open.size(), 85u);
  pass(5min);
  EXPECT_GE(open.size(), 95u) << "they come back one by one";
  EXPECT_TRUE(agent->answers());
}

class AlarmsTest : public WatchTest {
 protected:
  void SetUp() override {
    AgentSettings settings;
    settings.max_queries = 4;
    make(std::move(settings));
    services["critical"].body = failing("n9", "s9");
    watchMany(400);
    pass(Agent::kTick + 5s);  // more services than places: the checks that fail are followed, too
    told();
  }
  static std::string failing(const std::string& node, const std::string& service) {
    return R"([{"Node":")" + node + R"(","CheckID":"c","ServiceName":")" + service + R"("}])";
  }
  // How many of ten changes. By chance one or the other is, in so short a time, but not all.
  size_t seen(std::chrono::milliseconds within,
              const std::function<std::string(const std::string& name)>& body_of_critical) {
    size_t number = 0;
    for (size_t i = 100; i < 110; ++i) {
      const std::string name = "s" + std::to_string(i);
      change(name, "[]");
      change("critical", body_of_critical(name));
      pass(within);
      number += users[i].take() == std::vector<std::string>{""} ? 1 : 0;
      pass(1s);
    }
    return number;
  }
};

TEST_F(AlarmsTest, AServiceWhoseCheckFailsIsAskedAtOnce) {
  EXPECT_EQ(seen(100ms, [](const std::string& name) { return failing("n1", name); }), 10u);
}

TEST_F(AlarmsTest, SoAreThoseOfANodeThatFails) {
  bool failed = false;
  // All 400 are asked, 16 at a time.
  EXPECT_EQ(seen(1s,
                 [&](const std::string&) {
                   failed = !failed;
                   return failed ? failing("n1", "") : "[]";
                 }),
            10u);
}

TEST_F(AlarmsTest, ARegistrationHasAllAsked) {
  for (size_t i = 100; i < 110; ++i) change("s" + std::to_string(i), "[]");
  moveCatalog();
  pass(1s);
  for (size_t i = 100; i < 110; ++i) EXPECT_THAT(users[i].take(), ElementsAre("")) << i;
}

TEST_F(AlarmsTest, WhoFailsIsAskedWhenItsTimeComes) {
  random = 499;  // half a second
  delay = 100ms;
  change("critical", failing("n1", "s100"));
  pass(20ms);
  {
    net::Loop::Turn turn(loop);
    for (Asked* asked : open) {
      if (asked->name() == "s100" && !asked->ready()) asked->answer({{}, 403, {}, "denied"});
    }
  }
  delay = 0ms;  // all are asked within 300 ms
  const uint64_t before = stat("consul.s100.update_attempt");
  moveCatalog();
  pass(400ms);
  EXPECT_EQ(stat("consul.s100.update_attempt"), before);
  pass(400ms);
  EXPECT_GT(stat("consul.s100.update_attempt"), before);
}

// 400 services: every three seconds.
TEST_F(AlarmsTest, ManyRegistrationsDoNotHaveAllAskedEachTime) {
  const size_t before = count;
  for (int i = 0; i < 100; ++i) {
    moveCatalog();
    pass(90ms);
  }
  EXPECT_GE(count - before, 2 * 400u);
  EXPECT_LE(count - before, 4 * 400u + 200);
}

// What fails between a service's first list and the first of the checks that fail is in neither as
// a change.
TEST_F(AlarmsTest, WhatChangesAtTheStartIsCaughtUpWith) {
  watches.clear();
  users.clear();
  agent.reset();
  AgentSettings settings;
  settings.max_queries = 4;
  make(std::move(settings));
  services["critical"].body = failing("n1", "s200");
  delay = 100ms;
  watchMany(400);
  pass(2s);  // 16 at a time
  ASSERT_THAT(users[200].take(), testing::SizeIs(1));
  services["s200"].body = "[]";
  services["s200"].index = ++last_index;
  pass(6s);  // its turn would come after 15
  EXPECT_THAT(users[200].take(), ElementsAre(""));
}

// Consul does not say that a check has failed when it is well again by the time it is asked.
TEST_F(AlarmsTest, WhatFlapsIsCaughtUpWith) {
  const auto place = std::find_if(open.begin(), open.end(), [](const Asked* each) {
    return each->index() != 0 && each->name().starts_with("s") && each->name() != "services";
  });
  ASSERT_NE(place, open.end());
  const std::string name = (*place)->name();
  const std::string before = services[name].body;
  Listener& user = users[std::stoul(name.substr(1))];
  change(name, "[]");
  for (int i = 0; i < 100 && user.told.empty(); ++i) pass(10ms);
  ASSERT_THAT(user.take(), ElementsAre(""));
  change(name, before);
  pass(2s);
  EXPECT_THAT(user.take(), testing::SizeIs(1));
}

TEST_F(AlarmsTest, OthersAreNot) {
  EXPECT_LT(seen(100ms, [](const std::string& name) { return failing("n1", name + "x"); }), 5u);
}

TEST_F(AlarmsTest, WithoutACrowdNobodyAsksForThem) {
  const auto asked = [this](std::string_view status) {
    return std::count_if(open.begin(), open.end(), [&](Asked* each) {
      return each->request.path.starts_with("/v1/health/state/" + std::string(status));
    });
  };
  EXPECT_EQ(asked("critical"), 1);
  EXPECT_EQ(asked("warning"), 1);
  EXPECT_EQ(agent->watches(), 403u);
  {
    net::Loop::Turn turn(loop);
    watches.resize(4);
  }
  pass(Agent::kTick + 1s);
  EXPECT_EQ(asked("critical"), 0);
  EXPECT_EQ(stat("consul.watches"), 4u);
}

TEST_F(AlarmsTest, WhatTheTokenMayNotSeeIsNoTrouble) {
  faulty = CallResult{{}, 200, {{"x-consul-results-filtered-by-acls", "true"}}, "[]"};
  change("critical", "[]");
  {
    net::Loop::Turn turn(loop);
    for (Asked* each : open) {
      if (each->name() == "critical" && !each->ready()) each->onTimer();
    }
  }
  faulty.reset();
  pass(2s);
  EXPECT_EQ(stat("consul.failure_permission_denied"), 0u);
}

}  // namespace
}  // namespace weir::consul
