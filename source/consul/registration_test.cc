// Weir as a service of an agent that forgets, refuses and hangs, in virtual time.
#include "source/consul/registration.h"

#include <gmock/gmock.h>

#include "source/consul/scripted_agent.h"

namespace weir::consul {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RegistrationTest : public ScriptedAgent {
 protected:
  void SetUp() override {
    settings.name = "weir";
    settings.id = "weir-n1";
    script = [this](const CallRequest& request) { return answerTo(request); };
  }
  void start(const AgentSettings& agent_settings = {}) {
    make(agent_settings);
    net::Loop::Turn turn(loop);
    registration.emplace(*agent, settings);
    registration->start(at);
  }
  void leave() {
    net::Loop::Turn turn(loop);
    registration->leave([this] { left = true; });
  }
  // The agent's own list, as Consul keeps it.
  std::optional<CallResult> answerTo(const CallRequest& request) {
    constexpr std::string_view kOwn = "/v1/agent/service/";
    if (!request.path.starts_with(kOwn)) return std::nullopt;
    asked.push_back(request.method + " " + request.path.substr(kOwn.size()));
    if (refusal) return refusal;
    const bool was_known = known;
    if (request.method == "PUT") {
      known = request.path.find("deregister") == std::string::npos;
      if (known) body = request.body;
      if (known || was_known) return CallResult{{}, 200, {}, {}};
    }
    if (was_known) return CallResult{{}, 200, {}, "{}"};
    return CallResult{{}, 404, {}, "Unknown service ID \"weir-n1\"."};
  }
  std::vector<std::string> took() { return std::exchange(asked, {}); }

  RegistrationSettings settings;
  Registration::Found at{8080, *net::Address::ip("127.0.0.1", 9901)};
  bool known = false;
  std::optional<CallResult> refusal;
  std::vector<std::string> asked;
  std::string body;
  bool left = false;
  std::optional<Registration> registration;
};

TEST_F(RegistrationTest, SaysWhereWeirIsAndHowItIsChecked) {
  start();
  pass(1s);
  EXPECT_THAT(took(), ElementsAre("PUT register"));
  EXPECT_EQ(body, R"({"ID":"weir-n1","Name":"weir","Tags":[],"Meta":{},"Port":8080,)"
                  R"("Check":{"HTTP":"http://127.0.0.1:9901/ready","Interval":"10000ms"}})");
  EXPECT_THAT(lines, ElementsAre("good: consul: registration of 'weir-n1': the agent has it"));
  EXPECT_EQ(stat("consul.registration.registered"), 1u);
}

TEST_F(RegistrationTest, SaysWhatItIsTold) {
  settings.tags = {"edge", "say \"hi\""};
  settings.meta = {{"zone", "a"}};
  settings.address = "10.0.0.9";
  settings.port = 443;
  settings.check = RegistrationSettings::Check::Grpc;
  settings.target = "10.0.0.9:443/health";
  settings.interval = 1500ms;
  settings.forgotten_after = 90s;
  start();
  pass(1s);
  EXPECT_EQ(body,
            R"({"ID":"weir-n1","Name":"weir","Tags":["edge","say \"hi\""],"Meta":{"zone":"a"},)"
            R"("Address":"10.0.0.9","Port":443,"Check":{"GRPC":"10.0.0.9:443/health",)"
            R"("Interval":"1500ms","DeregisterCriticalServiceAfter":"90000ms"}})");
}

TEST_F(RegistrationTest, AnAdminInterfaceOnAllAddressesIsFoundBesideTheAgent) {
  at.admin = *net::Address::ip("0.0.0.0", 9901);
  start();
  pass(1s);
  EXPECT_THAT(body, HasSubstr(R"("HTTP":"http://127.0.0.1:9901/ready")"));
  at.admin = *net::Address::ip("::", 9901);
  start();
  pass(1s);
  EXPECT_THAT(body, HasSubstr(R"("HTTP":"http://[::1]:9901/ready")"));
}

TEST_F(RegistrationTest, IsAskedWithTheTokenInItsNamespace) {
  AgentSettings agent_settings;
  agent_settings.token.set_inline_string("secret");
  agent_settings.name_space = "n s";
  agent_settings.partition = "p";
  agent_settings.consistency = AgentSettings::Consistency::Stale;  // of no meaning here
  agent_settings.datacenter = "dc2";
  start(agent_settings);
  ASSERT_EQ(open.size(), 1u);
  const CallRequest& request = open.front()->request;
  EXPECT_EQ(request.cluster, "consul_agent");
  EXPECT_EQ(request.path, "/v1/agent/service/register?ns=n%20s&partition=p");
  EXPECT_THAT(request.fields, testing::Contains(testing::Pair("x-consul-token", "secret")));
}

TEST_F(RegistrationTest, WithoutAPortItSaysSo) {
  at.port = 0;
  start();
  EXPECT_THAT(lines, ElementsAre(HasSubstr("it has no port, as no listener has one")));
}

// As an agent in memory that was restarted.
TEST_F(RegistrationTest, WhatTheAgentHasLostIsRegisteredAgain) {
  start();
  pass(35s);
  EXPECT_THAT(took(), ElementsAre("PUT register", "GET weir-n1", "GET weir-n1", "GET weir-n1"));
  lines.clear();
  known = false;
  pass(10s);
  EXPECT_THAT(took(), ElementsAre("GET weir-n1", "PUT register"));
  EXPECT_TRUE(known);
  EXPECT_THAT(lines, ElementsAre(HasSubstr("the agent has lost it; it is made again"),
                                 HasSubstr("the agent has it")));
  EXPECT_EQ(stat("consul.registration.success"), 2u);
  EXPECT_EQ(stat("consul.registration.failure"), 0u);
}

TEST_F(RegistrationTest, WhileTheAgentIsAwayItIsTriedAgainAndSaidOnce) {
  random = 7999;
  faulty =
      CallResult{{Side::Upstream, FailureKind::ConnectFailed, Retry::Safe, "refused"}, 0, {}, {}};
  start();
  pass(10min);
  EXPECT_GE(count, 60u) << "every 10 s at least";
  EXPECT_LT(count, 100u);
  EXPECT_THAT(lines, ElementsAre("bad: consul: registration of 'weir-n1': no_answer: refused; it "
                                 "is tried again"));
  EXPECT_EQ(stat("consul.registration.failure"), count);
  EXPECT_EQ(stat("consul.registration.registered"), 0u);
  faulty.reset();
  pass(11s);
  EXPECT_EQ(stat("consul.registration.registered"), 1u);
  EXPECT_THAT(lines.back(), HasSubstr("good: "));
}

TEST_F(RegistrationTest, WhatConsulRefusesIsNamed) {
  refusal = CallResult{{}, 403, {}, "Permission denied: token lacks permission 'service:write'"};
  start();
  pass(1min);
  EXPECT_THAT(lines, ElementsAre(HasSubstr("permission_denied: HTTP status 403: Permission denied: "
                                           "token lacks permission 'service:write'")));
  EXPECT_EQ(stat("consul.failure_permission_denied"), stat("consul.registration.failure"));
  EXPECT_THAT(asked, testing::Each("PUT register"));
}

TEST_F(RegistrationTest, AFailureWhileItIsRegisteredDoesNotRegisterAgain) {
  start();
  pass(1s);
  refusal = CallResult{{}, 500, {}, "No known Consul servers"};
  pass(1min);
  refusal.reset();
  pass(11s);
  EXPECT_THAT(std::count(asked.begin(), asked.end(), "PUT register"), 1);
  EXPECT_EQ(stat("consul.registration.registered"), 1u);
}

// An agent without its servers answers for itself still.
TEST_F(RegistrationTest, IsNoAnswerForThoseWhoWatch) {
  start();
  const auto own = script;
  script = [own](const CallRequest& request) -> std::optional<CallResult> {
    if (auto answer = own(request)) return answer;
    return CallResult{{}, 500, {}, "No cluster leader"};
  };
  Listener user;
  const auto web = watch("web", user);
  pass(1min);
  EXPECT_FALSE(agent->answers());
  EXPECT_EQ(stat("consul.registration.registered"), 1u);
}

TEST_F(RegistrationTest, LeavesWhenTheAgentHasTakenNote) {
  start();
  pass(15s);
  took();
  leave();
  EXPECT_FALSE(left) << "the agent has not answered";
  pass(10ms);
  EXPECT_TRUE(left);
  EXPECT_FALSE(known);
  pass(1min);
  EXPECT_THAT(took(), ElementsAre("PUT deregister/weir-n1")) << "and is not asked any more";
  EXPECT_THAT(lines.back(), HasSubstr("good: consul: registration of 'weir-n1': withdrawn"));
  EXPECT_EQ(stat("consul.registration.registered"), 0u);
}

TEST_F(RegistrationTest, WhatTheAgentHasLostAlreadyHasLeft) {
  start();
  pass(1s);
  known = false;
  leave();
  pass(10ms);
  EXPECT_TRUE(left);
  EXPECT_THAT(lines.back(), HasSubstr("withdrawn"));
}

TEST_F(RegistrationTest, AnAgentThatHangsIsNotWaitedForLong) {
  start();
  pass(1s);
  delay = 1h;
  leave();
  pass(Registration::kFarewell - 10ms);
  EXPECT_FALSE(left);
  pass(20ms);
  EXPECT_TRUE(left);
  EXPECT_THAT(lines.back(), HasSubstr("could not be withdrawn: no_answer"));
  EXPECT_EQ(stat("consul.registration.failure"), 1u);
}

// It may know of it all the same.
TEST_F(RegistrationTest, LeavesAlsoWhileItIsBeingRegistered) {
  start();
  leave();
  pass(1s);
  EXPECT_TRUE(left);
  EXPECT_THAT(asked, ElementsAre("PUT deregister/weir-n1"));
}

TEST_F(RegistrationTest, WhoNeverStartedLeavesAtOnce) {
  make();
  registration.emplace(*agent, settings);
  leave();
  EXPECT_TRUE(left);
  EXPECT_EQ(count, 0u);
}

TEST_F(RegistrationTest, ItsEndCancelsWhatIsUnderWay) {
  start();
  delay = 1h;
  pass(11s);
  leave();
  EXPECT_EQ(open.size(), 1u);
  registration.reset();
  EXPECT_TRUE(open.empty());
  pass(5s);
  EXPECT_FALSE(left);
}

}  // namespace
}  // namespace weir::consul
