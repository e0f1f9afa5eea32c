// What is refused of a response, what that costs the rest of it, and what is said.
#include "source/config/text_check.h"
#include "source/xds/scripted_server.h"

namespace weir::xds {
namespace {

using namespace std::chrono_literals;
using enum ResourceType;

class Refusing : public ScriptedServer {};

bool isText(std::string_view text) {
  while (!text.empty()) {
    const size_t size = config::utf8Length(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

google::protobuf::Any raw(ResourceType type, std::string bytes) {
  google::protobuf::Any any;
  any.set_type_url(std::string(factsOf(type).url));
  any.set_value(std::move(bytes));
  return any;
}

// It may be any of those that are there: none of them is taken away.
TEST_F(Refusing, WhatHasNoNameTakesNothingAway) {
  const google::protobuf::Any nameless[] = {raw(Cluster, ""), raw(Cluster, "\x22\xff"),
                                            endpoints("a")};
  for (const auto& bad : nameless) {
    make(false);
    Probe probe;
    const auto all = watch(Cluster, probe, Watch::Kind::All);
    connect();
    say(sotw(Cluster, "1", "n1", {cluster("a"), cluster("b")}));
    probe.take(), sent.clear();
    say(sotw(Cluster, "2", "n2", {bad, cluster("c")}));
    EXPECT_EQ(probe.take(), Strings{"+c@2"});
    const auto nack = request<SotwRequest>();
    EXPECT_EQ(nack.version_info() + nack.response_nonce(), "1n2");
    EXPECT_NE(nack.error_detail().message().find("(without a name): "), std::string::npos);
    say(sotw(Cluster, "3", "n3", {cluster("c")}));
    EXPECT_EQ(probe.take(), (Strings{"-a", "-b"}));
    sent.clear();
  }
}

// Nobody can tell which of the two is meant.
TEST_F(Refusing, NeitherOfTwoWithOneNameIsUsed) {
  for (const bool by_delta : {false, true}) {
    make(by_delta);
    Probe probe;
    const auto all = watch(Cluster, probe, Watch::Kind::All);
    connect();
    sent.clear();
    by_delta ? say(delta(Cluster, "n1", {"a", "b", "a", "c"}, {"c", "d", "d"}))
             : say(sotw(Cluster, "1", "n1", {cluster("a", "x"), cluster("b"), cluster("a", "y")}));
    EXPECT_EQ(probe.take(), by_delta ? (Strings{"+b@1", "-d"}) : Strings{"+b@1"});
    EXPECT_EQ(source->of(Cluster).current("a"), nullptr);
    const auto text = by_delta ? request<DeltaRequest>().error_detail().message()
                               : request<SotwRequest>().error_detail().message();
    EXPECT_NE(text.find("a: the name stands twice"), std::string::npos) << text;
  }
}

TEST_F(Refusing, AResponseThatIsRefusedIsCountedAsRejected) {
  make(false);
  Probe probe, one;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  const auto a = watch(Endpoints, one, Watch::Kind::Name, "a");
  connect();
  say(sotw(Cluster, "1", "1", {cluster("a")}));
  say(sotw(Endpoints, "1", "2", {endpoints("a")}));
  EXPECT_EQ(stat("w.update_success"), 2u);
  say(sotw(Cluster, "2", "3", {cluster("a"), endpoints("a")}));
  say(sotw(Endpoints, "2", "4", {endpoints("a", 1), endpoints("a", 2)}));
  EXPECT_EQ(stat("w.update_success"), 2u);
  EXPECT_EQ(stat("w.update_rejected"), 2u);
}

// What was wrong may have been something else, which is mended meanwhile.
TEST_F(Refusing, AnotherVersionIsAnotherTry) {
  make(false);
  Probe probe;
  probe.bad = {"a"};
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  say(sotw(Cluster, "1", "1", {cluster("a")}));
  EXPECT_EQ(probe.take(), Strings{"+a@1"});
  probe.bad.clear();
  sent.clear();
  say(sotw(Cluster, "1", "2", {cluster("a")}));
  EXPECT_EQ(probe.take(), Strings{}) << "the same again";
  say(sotw(Cluster, "2", "3", {cluster("a")}));
  EXPECT_EQ(probe.take(), Strings{"+a@2"});
  EXPECT_NE(source->of(Cluster).current("a"), nullptr);
}

// Who counts versions up at each refusal gets no faster answers by that.
TEST_F(Refusing, AnotherVersionOfTheSameMistakeIsAnsweredLater) {
  make(false);
  Probe probe;
  probe.bad = {"a"};
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  say(sotw(Cluster, "1", "1", {cluster("a")}));
  sent.clear();
  say(sotw(Cluster, "2", "2", {cluster("a")}));
  EXPECT_TRUE(sent.empty());
  pass(150ms);
  EXPECT_EQ(request<SotwRequest>().response_nonce(), "2");
  say(sotw(Cluster, "3", "3", {cluster("a")}));
  pass(150ms);
  EXPECT_TRUE(sent.empty());
  pass(100ms);
  EXPECT_EQ(request<SotwRequest>().response_nonce(), "3");
}

TEST_F(Refusing, OneBadAmongAThousandCostsNoOther) {
  make(true);
  Probe probe;
  probe.bad = {"c500"};
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  Strings names;
  for (int i = 0; i < 1000; ++i) names.push_back("c" + std::to_string(i));
  sent.clear();
  say(delta(Cluster, "0", names));
  goOn();
  EXPECT_EQ(probe.take().size(), 1000u);
  EXPECT_EQ(source->of(Cluster).versions().size(), 999u);
  EXPECT_EQ(request<DeltaRequest>().error_detail().message(),
            "Error adding/updating cluster(s) c500: it is bad");
}

// Who says what is wrong must not be a burden of its own: 4 KiB, whatever there is to say.
TEST_F(Refusing, ManyRefusalsAreToldInFewWords) {
  make(false);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  std::vector<google::protobuf::Any> all_bad;
  for (int i = 0; i < 20'000; ++i) all_bad.push_back(cluster("c" + std::to_string(i)));
  for (int i = 0; i < 20'000; ++i) probe.bad.insert("c" + std::to_string(i));
  sent.clear();
  say(sotw(Cluster, "1", "1", std::move(all_bad)));
  goOn();
  const std::string text = request<SotwRequest>().error_detail().message();
  EXPECT_NE(text.find("c0: it is bad\n"), std::string::npos);
  EXPECT_NE(text.find("… (20000 in all)"), std::string::npos);
  EXPECT_LE(text.size(), kMostErrorText + 30);
}

TEST_F(Refusing, NamesThatAreLongOrNoTextAreSaidAsText) {
  make(false);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  sent.clear();
  const std::string odd = "odd\xff\n\xc3\xa9", large(4097, 'l');
  std::string long_one;
  while (long_one.size() < 300) long_one += "\xc3\xa9";
  probe.bad = {odd, long_one};
  const auto named = [](const std::string& name) {
    std::string bytes = "\n";
    for (size_t n = name.size();; n >>= 7) {
      bytes += static_cast<char>(n > 0x7f ? (n & 0x7f) | 0x80 : n);
      if (n <= 0x7f) break;
    }
    return raw(Cluster, bytes + name);
  };
  say(sotw(Cluster, "1", "1", {named(odd), named(long_one), named(large)}));
  EXPECT_EQ(probe.take().size(), 2u);
  const std::string text = request<SotwRequest>().error_detail().message();
  EXPECT_TRUE(isText(text)) << text;
  EXPECT_NE(text.find("odd??\xc3\xa9: it is bad"), std::string::npos) << text;
  EXPECT_NE(text.find("\xc3\xa9…: it is bad"), std::string::npos) << text;
  EXPECT_NE(text.find("l…: its name has 4097 bytes, more than the 4096"), std::string::npos);
}

TEST_F(Refusing, AnOlderTypeIsRefused) {
  make(false);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  sent.clear();
  google::protobuf::Any old = cluster("a");
  old.set_type_url("type.googleapis.com/envoy.api.v2.Cluster");
  say(sotw(Cluster, "1", "1", {old}));
  EXPECT_EQ(probe.take(), Strings{"nothing"});
  EXPECT_NE(request<SotwRequest>().error_detail().message().find("found 'type.googleapis.com/"
                                                                 "envoy.api.v2.Cluster'"),
            std::string::npos);
}

}  // namespace
}  // namespace weir::xds
