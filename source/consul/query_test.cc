// One question's protocol, answer by answer. Rules of
// https://developer.hashicorp.com/consul/api-docs/features/blocking.
#include "source/consul/query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::consul {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Kind = Taken::Kind;

class QueryTest : public testing::Test {
 protected:
  static CallResult answer(std::string index, std::string body = "[]") {
    return {{}, 200, {{"x-consul-index", std::move(index)}}, std::move(body)};
  }
  // The answer to the next question.
  Taken take(CallResult result, std::chrono::nanoseconds took = 60s, uint64_t random = 0) {
    query_.request("token", 60s);
    return query_.take(std::move(result), took, random, [this](const std::string& body) {
      used_.push_back(body);
      return wrong_;
    });
  }
  std::string path() { return query_.request("", 60s).path; }

  Query query_{{.target = "/v1/health/service/web?passing"}, 10s};
  std::vector<std::string> used_;
  std::optional<std::string> wrong_;
};

TEST_F(QueryTest, WaitsForWhatIsNewerThanTheAnswer) {
  EXPECT_EQ(path(), "/v1/health/service/web?passing");
  EXPECT_EQ(query_.request("", 60s).timeout, Query::kPatience);
  EXPECT_EQ(take(answer("7")).kind, Kind::Changed);
  EXPECT_EQ(path(), "/v1/health/service/web?passing&index=7&wait=60000ms");
  // Consul waits up to a sixteenth longer.
  EXPECT_EQ(query_.request("", 64s).timeout, 64s + 4s + Query::kPatience);
}

TEST_F(QueryTest, AsksAtOnceWhereThatIsWanted) {
  take(answer("7", "[1]"));
  EXPECT_EQ(query_.request("", 0ms).path, "/v1/health/service/web?passing");
  const auto use = [](const std::string&) { return std::nullopt; };
  EXPECT_EQ(query_.take(answer("9", "[]"), 0s, 0, use).kind, Kind::Changed);
  EXPECT_THAT(path(), HasSubstr("index=9&"));
}

TEST_F(QueryTest, TheCacheIsAskedForNewsOnly) {
  Query query({.target = "/v1/health/service/web?stale", .cached = true});
  EXPECT_EQ(query.request("", 1s).path, "/v1/health/service/web?stale");
  query.take(answer("7"), 0s, 0, [](const std::string&) { return std::nullopt; });
  EXPECT_EQ(query.request("", 1s).path, "/v1/health/service/web?stale&cached&index=7&wait=1000ms");
}

TEST_F(QueryTest, ATargetWithoutParametersGetsItsFirst) {
  Query query({.target = "/v1/catalog/services?"});
  query.take(answer("7"), 0s, 0, [](const std::string&) { return std::nullopt; });
  EXPECT_EQ(query.request("", 1s).path, "/v1/catalog/services?index=7&wait=1000ms");
}

TEST_F(QueryTest, TheTokenIsAFieldAndNeverPartOfThePath) {
  const CallRequest request = query_.request("secret", 60s);
  EXPECT_THAT(request.fields, testing::Contains(std::pair("x-consul-token", "secret")));
  EXPECT_THAT(request.path, Not(HasSubstr("secret")));
  EXPECT_THAT(query_.request("", 60s).fields,
              Not(testing::Contains(testing::Key("x-consul-token"))));
}

TEST_F(QueryTest, AnIndexThatGoesBackIsForgotten) {
  take(answer("7", "[1]"));
  take(answer("6", "[2]"));
  EXPECT_EQ(path(), "/v1/health/service/web?passing");
  take(answer("6", "[2]"));
  EXPECT_THAT(path(), HasSubstr("index=6&"));
  EXPECT_THAT(used_, ElementsAre("[1]", "[2]"));
}

TEST_F(QueryTest, WhatComesWithTheSameIndexIsNoNews) {
  take(answer("7", "[1]"));
  EXPECT_EQ(take(answer("7", "[2]")).kind, Kind::Unchanged);
  EXPECT_THAT(path(), HasSubstr("index=7&"));
  EXPECT_THAT(used_, ElementsAre("[1]"));
}

TEST_F(QueryTest, SaysWhetherAnythingHasChanged) {
  EXPECT_TRUE(take(answer("7")).moved);
  EXPECT_FALSE(take(answer("7")).moved);
  EXPECT_TRUE(take(answer("8")).moved);
}

// Agents that lost their servers, and tokens that lost their rights, look so after a wait.
TEST_F(QueryTest, AnEmptyListIsTrueWhenItIsSaidAtOnce) {
  take(answer("7", "[1]"));
  EXPECT_EQ(take(answer("8", "[]")).kind, Kind::Unchanged);
  EXPECT_FALSE(query_.waits());
  EXPECT_EQ(take(answer("8", "[]")).kind, Kind::Changed);
  EXPECT_THAT(used_, ElementsAre("[1]", "[]"));
  EXPECT_EQ(take(answer("9", "[]")).kind, Kind::Unchanged);
  EXPECT_TRUE(query_.waits()) << "what is empty already needs no second question";
}

TEST_F(QueryTest, AnEmptyListThatIsTakenBackIsNone) {
  take(answer("7", "[1]"));
  take(answer("7", "[]"));
  EXPECT_EQ(take({{}, 500, {{"x-consul-index", "1"}}, "No known Consul servers"}).reason,
            Reason::NoLeader);
  EXPECT_EQ(take(answer("7", "[1]")).kind, Kind::Unchanged);
  EXPECT_THAT(used_, ElementsAre("[1]"));
}

TEST_F(QueryTest, NothingForNobodyMayMeanThatATokenIsMissing) {
  int index = 7;
  const auto ask = [&](std::string_view token, std::string body) {
    query_.request(token, 60s);
    CallResult result = answer(std::to_string(++index), std::move(body));
    result.fields.emplace_back("x-consul-default-acl-policy", "deny");
    return query_.take(std::move(result), 0s, 0, [](const std::string&) { return std::nullopt; });
  };
  EXPECT_EQ(ask("", "[]").reason, Reason::PermissionDenied);
  EXPECT_EQ(ask("token", "[]").kind, Kind::Changed);
  EXPECT_EQ(ask("", "[1]").kind, Kind::Changed);
  ask("", "[]");
  EXPECT_EQ(ask("", "[]").kind, Kind::Changed) << "what could be seen before can be seen now";
}

// An agent that streams and has not heard from the servers yet says [] and 1 when the wait is over.
TEST_F(QueryTest, WhatComesWithAnIndexThatGoesBackIsNotUsed) {
  take(answer("7", "[1]"));
  EXPECT_EQ(take(answer("1", "[]")).kind, Kind::Unchanged);
  EXPECT_EQ(take(answer("8", "[1]")).kind, Kind::Unchanged);
  EXPECT_THAT(used_, ElementsAre("[1]"));
}

TEST_F(QueryTest, AnIndexOfNothingCountsAsOne) {
  take(answer("0"));
  EXPECT_THAT(path(), HasSubstr("index=1&"));
}

TEST_F(QueryTest, WhatHasNoIndexIsPolled) {
  for (const char* index : {"", "x", "7x", "-1", "99999999999999999999"}) {
    EXPECT_EQ(take(answer(index)).pause, 10s) << index;
    EXPECT_FALSE(query_.waits()) << index;
  }
  Query prepared({.target = "/v1/query/web/execute?", .blocks = false}, 20s);
  const auto taken =
      prepared.take(answer("7"), 0s, 0, [](const std::string&) { return std::nullopt; });
  EXPECT_EQ(taken.pause, 20s);
  EXPECT_FALSE(prepared.waits());
}

TEST_F(QueryTest, TheSameBodyIsUsedOnce) {
  EXPECT_EQ(take(answer("7")).kind, Kind::Changed);
  EXPECT_EQ(take(answer("8")).kind, Kind::Unchanged);
  EXPECT_EQ(take(answer("9", "[1]")).kind, Kind::Changed);
  EXPECT_THAT(used_, ElementsAre("[]", "[1]"));
}

TEST_F(QueryTest, AnIndexThatNeverRestsIsAskedMoreAndMoreSlowly) {
  EXPECT_EQ(take(answer("1"), 0ms).pause, 100ms);
  EXPECT_EQ(take(answer("2"), 20ms).pause, 200ms);
  EXPECT_EQ(take(answer("3"), 20ms).pause, 400ms);
  EXPECT_EQ(take(answer("4"), 20ms).pause, 400ms);
  EXPECT_EQ(take(answer("5"), 1s).pause, 400ms);
  EXPECT_EQ(take(answer("6"), 1s).pause, 100ms);
}

TEST_F(QueryTest, EachFailureHasItsReason) {
  const struct {
    uint16_t status;
    const char* body;
    Reason reason;
  } cases[] = {
      {403, "ACL not found", Reason::AclNotFound},
      {500, "rpc error making call: ACL not found", Reason::AclNotFound},
      {403, "Permission denied: token with AccessorID 'x' lacks permission 'service:read'",
       Reason::PermissionDenied},
      {403, "", Reason::PermissionDenied},
      {429, "Your IP is issuing too many concurrent connections", Reason::TooManyRequests},
      {500, "No cluster leader", Reason::NoLeader},
      {500, "No known Consul servers", Reason::NoLeader},
      {500, "rpc error getting client: failed to get conn", Reason::NoLeader},
      {503, "error reading from server: EOF", Reason::NoLeader},
      {500, "Failed to create boolean expression evaluator: 1:1", Reason::BadRequest},
      {503, "rate limit exceeded for operation that can only be performed by the leader",
       Reason::TooManyRequests},
      {500, "No path to datacenter", Reason::ServerError},
      {503, "", Reason::ServerError},
      {404, "Query not found", Reason::NotFound},
      {400, "Failed to create boolean expression evaluator", Reason::BadRequest},
      {302, "", Reason::BadAnswer},
      {204, "", Reason::BadAnswer},
  };
  for (const auto& each : cases) {
    take(answer("7"));
    const Taken taken = take({{}, each.status, {}, each.body});
    EXPECT_EQ(taken.kind, Kind::Failed) << each.body;
    EXPECT_EQ(taken.reason, each.reason) << each.status << " " << each.body;
    EXPECT_THAT(taken.detail, HasSubstr(std::to_string(each.status)));
    EXPECT_THAT(taken.detail, HasSubstr(each.body));
    EXPECT_FALSE(query_.waits()) << "what is in the way may go without news";
  }
  EXPECT_EQ(used_.size(), 1u) << "after a failure the same body is no news";
}

TEST_F(QueryTest, AFailureIsToldInOneShortLine) {
  const Taken taken = take({{}, 500, {}, "a\r\nb\x01" + std::string(5000, 'c')});
  EXPECT_THAT(taken.detail, HasSubstr("a  b c"));
  EXPECT_LT(taken.detail.size(), 300u);
}

TEST_F(QueryTest, NoAnswerSaysWhy) {
  const Taken taken =
      take({{Side::Upstream, FailureKind::ConnectFailed, Retry::Safe, "refused"}, 0, {}, {}});
  EXPECT_EQ(taken.reason, Reason::NoAnswer);
  EXPECT_EQ(taken.detail, "refused");
}

TEST_F(QueryTest, AListThatTheTokenMayNotSeeIsNoEmptyList) {
  take(answer("7", "[1]"));
  for (const char* body : {"[]", "[]\n", "null", "{}"}) {
    CallResult result = answer("8", body);
    result.fields.emplace_back("x-consul-results-filtered-by-acls", "true");
    EXPECT_EQ(take(std::move(result)).reason, Reason::PermissionDenied) << body;
  }
  CallResult part = answer("8", "[2]");
  part.fields.emplace_back("x-consul-results-filtered-by-acls", "true");
  EXPECT_EQ(take(std::move(part)).kind, Kind::Changed);
  EXPECT_THAT(used_, ElementsAre("[1]", "[2]"));
}

TEST_F(QueryTest, ABodyThatCannotBeUsedIsOfferedAgain) {
  wrong_ = "[0]: not an instance";
  Taken taken = take(answer("7", "[0]"));
  EXPECT_EQ(taken.reason, Reason::BadAnswer);
  EXPECT_EQ(taken.detail, "[0]: not an instance");
  EXPECT_FALSE(query_.waits());
  wrong_.reset();
  EXPECT_EQ(take(answer("7", "[0]")).kind, Kind::Changed);
}

TEST_F(QueryTest, FailuresAreAskedAgainLaterAndLater) {
  constexpr uint64_t kRandom = 499'999'999;
  const CallResult failed{{}, 500, {}, ""};
  std::vector<std::chrono::milliseconds> pauses;
  for (int i = 0; i < 9; ++i) pauses.push_back(take(failed, 0s, kRandom).pause);
  EXPECT_LE(pauses.front(), 500ms);
  EXPECT_GT(pauses.back(), 16s);
  for (const auto pause : pauses) EXPECT_LE(pause, 30s);
  // Bad bodies are failures like others.
  wrong_ = "bad";
  EXPECT_GT(take(answer("7"), 0s, kRandom).pause, 16s);
  wrong_.reset();
  take(answer("7"));
  EXPECT_LE(take(failed, 0s, kRandom).pause, 500ms);
}

class KeysTest : public QueryTest {
 protected:
  KeysTest() { keys_.take(answer("8", "[1]"), 0s, 0, use()); }

  Query::Use use() {
    return [this](const std::string& body) {
      used_.push_back(body);
      return std::nullopt;
    };
  }
  static CallResult absent(std::vector<std::pair<std::string, std::string>> fields,
                           std::string body = "") {
    return {{}, 404, std::move(fields), std::move(body)};
  }
  Taken takeKeys(CallResult result, std::string_view token = "token") {
    keys_.request(token, 60s);
    return keys_.take(std::move(result), 60s, 0, use());
  }

  Query keys_{{.target = "/v1/kv/weir/?recurse", .absent_is_empty = true}};
};

TEST_F(KeysTest, ThatAreGoneAreAnEmptyList) {
  EXPECT_EQ(takeKeys(absent({{"x-consul-index", "9"}})).kind, Kind::Unchanged);
  EXPECT_FALSE(keys_.waits()) << "like an empty list it has to be said at once";
  EXPECT_EQ(takeKeys(absent({{"x-consul-index", "9"}})).kind, Kind::Changed);
  EXPECT_EQ(keys_.index(), 9u);
  EXPECT_EQ(takeKeys(absent({{"x-consul-index", "12"}})).kind, Kind::Unchanged);
  EXPECT_EQ(keys_.index(), 12u) << "Consul waits for keys that do not exist, too";
  EXPECT_THAT(used_, ElementsAre("[1]", "[]"));
}

TEST_F(KeysTest, AreGoneOnlyWhereConsulSaysSo) {
  const struct {
    CallResult result;
    Reason reason;
  } cases[] = {
      {absent({}), Reason::NotFound},
      {absent({{"x-consul-index", "x"}}), Reason::NotFound},
      {absent({{"x-consul-index", "9"}}, "no such page"), Reason::NotFound},
      {absent({{"x-consul-index", "9"}, {"x-consul-results-filtered-by-acls", "true"}}),
       Reason::PermissionDenied},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(takeKeys(each.result).reason, each.reason) << each.result.body;
    EXPECT_FALSE(keys_.waits());
  }
  EXPECT_THAT(used_, ElementsAre("[1]"));
}

TEST_F(KeysTest, OfAnyOtherQuestionAreAFailure) {
  EXPECT_EQ(take(absent({{"x-consul-index", "9"}})).reason, Reason::NotFound);
}

TEST(QuestionTest, SaysAllThatIsConfigured) {
  ServiceSettings service;
  service.name = "we/b é";
  service.tags = {"a=b", "c"};
  service.near = "_agent";
  service.filter = R"(Service.Meta.v == "2")";
  AgentSettings agent;
  agent.name_space = "ns1";
  agent.partition = "p1";
  agent.datacenter = "dc1";
  agent.consistency = AgentSettings::Consistency::Stale;
  agent.use_cache = true;
  EXPECT_EQ(instancesOf(service, "", agent).target,
            "/v1/health/service/we%2Fb%20%C3%A9?passing&tag=a%3Db&tag=c"
            "&filter=Service.Meta.v%20%3D%3D%20%222%22&near=_agent&dc=dc1&ns=ns1&partition=p1"
            "&stale");
  EXPECT_TRUE(instancesOf(service, "", agent).cached);
  EXPECT_THAT(instancesOf(service, "dc2", agent).target, HasSubstr("&dc=dc2&"));
}

TEST(QuestionTest, OfAllInstancesDoesNotAskForThoseThatPass) {
  ServiceSettings service;
  service.name = "web";
  service.read.passing_only = false;
  EXPECT_EQ(instancesOf(service, "", {}).target, "/v1/health/service/web?");
}

TEST(QuestionTest, OfAPreparedQueryIsPolled) {
  ServiceSettings service;
  service.name = "geo";
  service.prepared = true;
  const Question question = instancesOf(service, "", {});
  EXPECT_EQ(question.target, "/v1/query/geo/execute?");
  EXPECT_FALSE(question.blocks);
}

TEST(QuestionTest, OfTheCatalogAndOfKeys) {
  AgentSettings agent;
  agent.consistency = AgentSettings::Consistency::Consistent;
  EXPECT_EQ(allServices(agent).target, "/v1/catalog/services?consistent");
  EXPECT_EQ(keysBelow("weir/", {}).target, "/v1/kv/weir/?recurse");
  EXPECT_TRUE(keysBelow("weir/", {}).absent_is_empty);
}

}  // namespace
}  // namespace weir::consul
