// Who watches what: waiting, sharing, coming back; by the state of the world.
#include "source/xds/scripted_server.h"

namespace weir::xds {
namespace {

using namespace std::chrono_literals;
using enum ResourceType;

class Watching : public ScriptedServer {};

// Its content is lost, and the server has no reason to send it again.
TEST_F(Watching, WhatIsWantedAgainIsAskedForAnew) {
  make(false);
  Probe probe;
  const auto a = watch(Endpoints, probe, Watch::Kind::Name, "a");
  auto b = watch(Endpoints, probe, Watch::Kind::Name, "b");
  connect();
  say(sotw(Endpoints, "1", "1", {endpoints("a"), endpoints("b")}));
  sent.clear();
  {
    const net::Loop::Turn turn(loop);
    b.reset();
    b = watch(Endpoints, probe, Watch::Kind::Name, "b");
  }
  EXPECT_EQ(request<SotwRequest>().resource_names_size(), 1);
  EXPECT_EQ(request<SotwRequest>().resource_names_size(), 2);
  EXPECT_TRUE(sent.empty());
}

TEST_F(Watching, WhoWaitsTooLongIsTold) {
  make(false);
  Probe probe;
  const auto a = watch(Endpoints, probe, Watch::Kind::Name, "a");
  connect();
  pass(16s);
  EXPECT_EQ(probe.take(), Strings{"timeout"});
  EXPECT_EQ(stat("w.init_fetch_timeout"), 1u);
  say(sotw(Endpoints, "1", "1", {endpoints("a")}));
  EXPECT_EQ(probe.take(), Strings{"+a@1"});
}

TEST_F(Watching, WhatIsHeldForOneIsThereForTheNext) {
  make(false);
  Probe probe, other;
  auto first = watch(Endpoints, probe, Watch::Kind::Name, "a");
  connect();
  say(sotw(Endpoints, "1", "1", {endpoints("a")}));
  sent.clear();
  const auto second = watch(Endpoints, other, Watch::Kind::Name, "a");
  ASSERT_NE(second->current(), nullptr);
  first.reset();
  EXPECT_TRUE(sent.empty());  // nothing else is wanted than before
  EXPECT_NE(second->current(), nullptr);
}

TEST_F(Watching, WhatNobodyWantsAnyMoreIsForgotten) {
  make(false);
  Probe probe;
  const auto b = watch(Endpoints, probe, Watch::Kind::Name, "b");
  auto a = watch(Endpoints, probe, Watch::Kind::Name, "a");
  connect();
  say(sotw(Endpoints, "1", "1", {endpoints("a")}));
  a.reset();
  a = watch(Endpoints, probe, Watch::Kind::Name, "a");
  EXPECT_EQ(a->current(), nullptr);
}

}  // namespace
}  // namespace weir::xds
