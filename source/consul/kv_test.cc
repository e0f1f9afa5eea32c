// Keys that come, change and go, as the user of a Kv is told of them.
#include "source/consul/kv.h"

#include <gmock/gmock.h>
#include <openssl/evp.h>

#include "source/consul/resources.h"
#include "source/consul/scripted_agent.h"
#include "source/xds/scripted_messages.h"

namespace weir::consul {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using enum xds::ResourceType;

std::string base64(const std::string& text) {
  std::string coded(4 * ((text.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(coded.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  coded.resize(static_cast<size_t>(size));
  return coded;
}

class KvTest : public ScriptedAgent {
 protected:
  // Its target ends with "weir/?", so "" is what the scripted agent knows it as.
  void follow() {
    make();
    net::Loop::Turn turn(loop);
    kv = std::make_unique<Kv>(
        *agent, "weir/",
        Kv::User{[this](xds::ResourceType type, std::vector<xds::ResourcePtr> resources,
                        std::vector<xds::Refusal> unreadable) {
                   ++answers;
                   said[type] = {std::move(resources), std::move(unreadable)};
                 },
                 [this] { ++missed; }});
    kv->start();
  }
  void put(const std::string& key, const std::string& value) {
    keys[key] = {value, ++last_index};
    answer();
  }
  void remove(const std::string& key) {
    keys.erase(key);
    ++last_index;
    answer();
  }
  void answer() {
    std::string body;
    for (const auto& [key, value] : keys) {
      body += (body.empty() ? "[" : ",") + (R"({"LockIndex":0,"Key":")" + key) +
              R"(","Flags":0,"Value":)" +
              (value.first.empty() ? "null" : "\"" + base64(value.first) + "\"") +
              R"(,"CreateIndex":1,"ModifyIndex":)" + std::to_string(value.second) + "}";
    }
    change("", body.empty() ? "" : body + "]");
    pass(1s);
  }
  std::vector<std::string> names(xds::ResourceType type) {
    std::vector<std::string> names;
    for (const auto& each : said.at(type).resources)
      names.push_back(each->name + "@" + each->version);
    for (const auto& each : said.at(type).unreadable) names.push_back("!" + each.name);
    return names;
  }

  struct Said {
    std::vector<xds::ResourcePtr> resources;
    std::vector<xds::Refusal> unreadable;
  };
  std::map<std::string, std::pair<std::string, uint64_t>> keys;
  std::map<xds::ResourceType, Said> said;
  size_t answers = 0, missed = 0;
  std::unique_ptr<Kv> kv;
};

TEST_F(KvTest, KeysAreResourcesOfFourTypes) {
  put("weir/clusters/web", "connect_timeout: 1s");
  put("weir/listeners/in", "{}");
  put("weir/routes/all", "{}");
  put("weir/runtime/base", "a: 1");
  follow();
  pass(1s);
  EXPECT_THAT(names(Cluster), ElementsAre("web@11"));
  EXPECT_THAT(names(Listener), ElementsAre("in@13"));
  EXPECT_THAT(names(Routes), ElementsAre("all@15"));
  EXPECT_THAT(names(Runtime), ElementsAre("base@17"));
  ASSERT_THAT(open, SizeIs(1));
  EXPECT_EQ(open.front()->request.path.substr(0, 28), "/v1/kv/weir/?recurse&index=1");
}

TEST_F(KvTest, WhereThereIsNoKeyThereIsNothing) {
  answer();
  follow();
  pass(10ms);
  for (const auto& [folder, type] : kFolders) EXPECT_THAT(names(type), IsEmpty());
  EXPECT_EQ(answers, 4u);
  EXPECT_FALSE(kv->watch().trouble());
  EXPECT_EQ(missed, 0u);
  put("weir/clusters/web", "{}");
  EXPECT_THAT(names(Cluster), SizeIs(1));
  remove("weir/clusters/web");
  EXPECT_THAT(names(Cluster), IsEmpty()) << "the last key goes, too";
}

TEST_F(KvTest, WhatIsAsItWasIsNotReadAgain) {
  put("weir/clusters/a", "{}");
  put("weir/clusters/b", "{}");
  put("weir/clusters/bad", "x: 1");
  follow();
  pass(10ms);
  const auto before = said[Cluster].resources;
  put("weir/clusters/b", "{}");
  EXPECT_EQ(said[Cluster].resources[0], before[0]);
  EXPECT_NE(said[Cluster].resources[1], before[1]) << "another index is another version";
  EXPECT_THAT(said[Cluster].unreadable, SizeIs(1));
  keys["weir/clusters/a"].first = "connect_timeout: 3s";  // Consul's data was replaced
  answer();
  EXPECT_NE(said[Cluster].resources[0], before[0]);
}

TEST_F(KvTest, WhatCannotBeReadIsNamedAndTheRestIsUsed) {
  put("weir/clusters/good", "{}");
  put("weir/clusters/web", "name: web\nconnect_timeout: soon");
  follow();
  pass(10ms);
  EXPECT_THAT(names(Cluster), ElementsAre("good@11", "!web"));
  EXPECT_THAT(said[Cluster].unreadable[0].text,
              HasSubstr("weir/clusters/web:2:18: connect_timeout: "));
  put("weir/clusters/web", "name: web\nconnect_timeout: 1s");
  EXPECT_THAT(names(Cluster), SizeIs(2));
  EXPECT_THAT(said[Cluster].unreadable, IsEmpty());
}

TEST_F(KvTest, OtherKeysAreNamedOnce) {
  put("weir/clusters/web", "{}");
  put("weir/clusters/", "");
  put("weir/", "");
  follow();
  pass(10ms);
  EXPECT_THAT(lines, IsEmpty()) << "folders are no mistake";
  put("weir/cluster/web", "{}");
  EXPECT_THAT(lines, ElementsAre(AllOf(HasSubstr("'weir/cluster/web' is not used"),
                                       HasSubstr("clusters/NAME"))));
  put("weir/notes", "text");
  EXPECT_THAT(lines, SizeIs(2));
  EXPECT_THAT(lines.back(), AllOf(HasSubstr("'weir/notes'"), Not(HasSubstr("cluster/web"))));
  put("weir/notes", "other");
  EXPECT_THAT(lines, SizeIs(2));
  EXPECT_THAT(names(Cluster), SizeIs(1));
}

TEST_F(KvTest, WhileConsulFailsWhatItSaidHolds) {
  put("weir/clusters/web", "{}");
  follow();
  pass(10ms);
  failConnections();
  pass(1min);
  EXPECT_THAT(names(Cluster), SizeIs(1));
  EXPECT_EQ(answers, 4u);
  EXPECT_EQ(missed, 0u) << "it has answered";
}

TEST_F(KvTest, WhoHearsNothingAtFirstIsTold) {
  faulty = CallResult{
      {}, 404, {{"x-consul-index", "9"}, {"x-consul-results-filtered-by-acls", "true"}}, ""};
  follow();
  pass(10ms);
  EXPECT_EQ(missed, 1u);
  EXPECT_EQ(kv->watch().trouble()->reason, Reason::PermissionDenied);
  EXPECT_EQ(answers, 0u);
  faulty.reset();
  put("weir/clusters/web", "{}");
  pass(31s);
  EXPECT_THAT(names(Cluster), SizeIs(1));
}

TEST_F(KvTest, AnAnswerThatIsNotConsulsChangesNothing) {
  put("weir/clusters/web", "{}");
  follow();
  pass(10ms);
  change("", R"([{"Key":"weir/clusters/web","Value":"*"}])");
  pass(1s);
  EXPECT_THAT(names(Cluster), SizeIs(1));
  EXPECT_EQ(kv->watch().trouble()->reason, Reason::BadAnswer);
  EXPECT_EQ(kv->watch().trouble()->detail, "[0].Value: expected base64");
}

// All of it together: a value that cannot be read, and one that goes, as a watcher sees it.
TEST_F(KvTest, FeedsASource) {
  make();
  Resources resources(loop, {{{Resources::Origin::Keys, {Cluster}}}, agent->scope()});
  kv = std::make_unique<Kv>(*agent, "weir/",
                            Kv::User{[&](auto type, auto there, auto unreadable) {
                                       resources.set(Resources::Origin::Keys, type,
                                                     std::move(there), std::move(unreadable));
                                     },
                                     [&] { resources.miss(Resources::Origin::Keys); }});
  {
    net::Loop::Turn turn(loop);
    kv->start();
  }
  xds::Probe probe;
  const auto all = xds::Watch::make(resources.of(Cluster), loop,
                                    {xds::Watch::Kind::All, "", 15s, agent->scope()}, probe);
  put("weir/clusters/a", "{}");
  put("weir/clusters/b", "{}");
  EXPECT_THAT(probe.take(), testing::Contains("+b@13"));
  put("weir/clusters/a", "{");
  EXPECT_THAT(probe.take(), IsEmpty());
  remove("weir/clusters/b");
  EXPECT_THAT(probe.take(), ElementsAre("-b"));
  EXPECT_EQ(resources.of(Cluster).current("a")->version, "11");
  EXPECT_EQ(stat("consul.resources_refused"), 1u);
}

TEST(ReadPrefix, EndsWithASlash) {
  const auto read = [](const std::string& prefix) {
    Report report;
    v1::Kv proto;
    proto.set_prefix(prefix);
    return readPrefix(proto, Where(report).field("kv")).value_or(report.text());
  };
  EXPECT_EQ(read(""), "weir/");
  EXPECT_EQ(read("a/b/"), "a/b/");
  EXPECT_THAT(read("a"), HasSubstr("kv.prefix: expected a prefix such as 'weir/'"));
  EXPECT_THAT(read("/a/"), HasSubstr("kv.prefix: expected"));
}

}  // namespace
}  // namespace weir::consul
