// What the user of one service's watch is told.
#include <gmock/gmock.h>

#include "source/consul/scripted_agent.h"

namespace weir::consul {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class ServiceWatchTest : public ScriptedAgent {
 protected:
  void SetUp() override { make(); }
  Listener user;
};

TEST_F(ServiceWatchTest, TellsEveryListThatIsNotTheOneBefore) {
  const auto web = watch("web", user);
  EXPECT_EQ(web->current(), nullptr);
  pass(10ms);
  EXPECT_THAT(user.take(), ElementsAre(""));
  ASSERT_NE(web->current(), nullptr);
  pass(1s);
  change("web", "[" + instanceJson("web-1", 80) + "," + instanceJson("web-2", 81) + "]");
  pass(10ms);
  EXPECT_THAT(user.take(), ElementsAre("web-1@10.0.0.1:80 web-2@10.0.0.1:81"));
  pass(1s);
  change("web", "[" + instanceJson("web-2", 81) + "]");
  pass(10ms);
  EXPECT_THAT(user.take(), ElementsAre("web-2@10.0.0.1:81"));
  EXPECT_EQ(stat("consul.web.update_success"), 3u);
}

TEST_F(ServiceWatchTest, TheLastInstanceGoesToo) {
  services["web"].body = "[" + instanceJson("web-1", 80) + "]";
  const auto web = watch("web", user);
  pass(1s);
  user.take();
  change("web", "[]");
  pass(1s);
  EXPECT_THAT(user.take(), ElementsAre(""));
  EXPECT_TRUE(web->current()->empty());
  EXPECT_EQ(stat("consul.web.update_empty"), 1u);
}

// Another order, and what a check prints, change the body.
TEST_F(ServiceWatchTest, WhatMeansTheSameIsNoNews) {
  const std::string a = instanceJson("a", 80, "passing", "200 OK in 3 ms");
  const std::string b = instanceJson("b", 81);
  services["web"].body = "[" + a + "," + b + "]";
  const auto web = watch("web", user);
  pass(1s);
  const InstancesPtr before = web->current();
  user.take();
  change("web", "[" + b + "," + instanceJson("a", 80, "passing", "200 OK in 5 ms") + "]");
  pass(1s);
  EXPECT_THAT(user.take(), IsEmpty());
  EXPECT_EQ(web->current(), before);
  EXPECT_EQ(stat("consul.web.update_success"), 2u);
}

TEST_F(ServiceWatchTest, WhatIsNoAnswerOfConsulsChangesNothing) {
  services["web"].body = "[" + instanceJson("web-1", 80) + "]";
  const auto web = watch("web", user);
  pass(1s);
  user.take();
  change("web", R"([{"Node":{},"Service":{"Port":"80"}}])");
  pass(1500ms);
  EXPECT_THAT(user.take(), ElementsAre("!bad_answer"));
  EXPECT_EQ(web->current()->size(), 1u);
  EXPECT_THAT(lines, ElementsAre("bad: consul: 'web': bad_answer: [0].Service.Port: expected a "
                                 "number from 0 to 65535, found a string; what Consul said before "
                                 "stays in use"));
  EXPECT_TRUE(agent->answers()) << "it does answer";
}

TEST_F(ServiceWatchTest, WhoIsLeftOutIsSaidOnce) {
  const std::string bad = R"({"Node":{"Address":"n.local"},"Service":{"ID":"x","Port":1}})";
  services["web"].body = "[" + bad + "]";
  const auto web = watch("web", user);
  pass(1s);
  change("web", "[" + bad + "," + instanceJson("a", 80) + "]");
  pass(1s);
  EXPECT_THAT(lines, ElementsAre("bad: consul: 'web': instances are left out: 'x' (n.local): its "
                                 "address is no IP address one can connect to"));
  EXPECT_EQ(stat("consul.web.instances_left_out"), 1u);
  lines.clear();
  change("web", "[" + instanceJson("a", 80) + "]");
  pass(1s);
  EXPECT_THAT(lines, ElementsAre("good: consul: 'web': no instance is left out any more"));
  EXPECT_EQ(stat("consul.web.instances_left_out"), 0u);
}

TEST_F(ServiceWatchTest, EachDatacenterIsAWatchOfItsOwn) {
  ServiceSettings settings;
  settings.name = "web";
  ServiceWatch far(*agent, settings, "dc2");
  far.add(user);
  const net::Loop::Turn turn(loop);
  far.start();
  ASSERT_EQ(open.size(), 1u);
  EXPECT_EQ(open.front()->request.path, "/v1/health/service/web?passing&dc=dc2");
  EXPECT_EQ(open.front()->request.cluster, "consul_agent");
  EXPECT_EQ(far.watch().label(), "web@dc2");
}

TEST_F(ServiceWatchTest, AskingEndsWithTheWatch) {
  auto web = watch("web", user);
  pass(1s);
  EXPECT_EQ(open.size(), 1u);
  {
    net::Loop::Turn turn(loop);
    web.reset();
  }
  EXPECT_TRUE(open.empty());
  const size_t before = count;
  pass(1min);
  EXPECT_EQ(count, before);
  EXPECT_EQ(stat("consul.watches"), 0u);
}

// As a cluster that is removed because of what another one's watch said.
TEST_F(ServiceWatchTest, AUserMayEndOtherWatches) {
  Listener other;
  auto a = watch("a", user);
  auto b = watch("b", other);
  user.on_instances = [&] { b.reset(); };
  pass(1s);
  EXPECT_THAT(user.take(), ElementsAre(""));
  EXPECT_EQ(agent->watches(), 1u);
}

}  // namespace
}  // namespace weir::consul
