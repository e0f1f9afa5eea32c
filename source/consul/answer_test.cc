// What Consul says of instances, and what is made of it.
#include "source/consul/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace weir::consul {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using From = ReadOptions::From;

const ReadOptions kAll{From::Service, "", false};

constexpr std::string_view kWeb = R"([
  {"Node": {"ID": "40e4a748", "Node": "n1", "Address": "10.1.10.12", "Datacenter": "dc1",
            "TaggedAddresses": {"lan": "10.1.10.12", "wan": "198.18.1.2"}, "Meta": {"os": "x"}},
   "Service": {"ID": "web-1", "Service": "web", "Tags": ["v1", "weir.enable=true"],
               "Address": "10.1.10.20", "Meta": {"version": "2", "zone": "b"}, "Port": 8000,
               "TaggedAddresses": {"lan_ipv4": {"Address": "10.1.10.20", "Port": 8000},
                                   "wan": {"Address": "198.18.1.1", "Port": 443},
                                   "virtual": {"Address": "240.0.0.1", "Port": 8000}},
               "Weights": {"Passing": 10, "Warning": 3}, "Namespace": "default"},
   "Checks": [{"CheckID": "serfHealth", "Status": "passing", "ServiceID": ""},
              {"CheckID": "service:web-1", "Status": "passing", "ServiceID": "web-1"}]}])";

std::string with(std::string_view service, std::string_view checks = "",
                 std::string_view node = R"("Address":"10.0.0.1")") {
  return R"({"Node":{"Node":"n1",)" + std::string(node) + R"(},"Service":{"ID":"a",)" +
         std::string(service) + R"(},"Checks":[)" + std::string(checks) + "]}";
}
std::string check(std::string_view status, std::string_view id = "c") {
  return R"({"CheckID":")" + std::string(id) + R"(","Status":")" + std::string(status) + R"("})";
}
std::vector<std::string> addressesOf(const std::string& json, const ReadOptions& options = {}) {
  std::vector<std::string> addresses;
  const auto answer = readAnswer(json, options);
  if (!answer) return {answer.error().field + ": " + answer.error().text};
  for (const Instance& each : answer->instances) addresses.push_back(each.address.text());
  return addresses;
}
std::string errorOf(std::string_view json) {
  const auto answer = readAnswer(json, {});
  if (answer) return "no error";
  return answer.error().field + ": " + answer.error().text;
}
Status statusOf(const std::string& checks) {
  const auto answer = readAnswer("[" + with(R"("Port":80)", checks) + "]", kAll);
  return answer->instances.at(0).status;
}
std::vector<std::string> droppedOf(const std::string& json) {
  std::vector<std::string> all;
  const auto answer = readAnswer(json, {});
  for (const auto& each : answer->dropped) {
    all.push_back(each.id + ": " + std::string(kLeftOut[static_cast<size_t>(each.why)]));
  }
  return all;
}

TEST(ReadAnswer, TakesWhatConsulSaysOfAnInstance) {
  const auto answer = readAnswer(kWeb, {});
  ASSERT_TRUE(answer) << answer.error().text;
  ASSERT_EQ(answer->instances.size(), 1u);
  const Instance& web = answer->instances[0];
  EXPECT_EQ(web.address.text(), "10.1.10.20:8000");
  EXPECT_EQ(web.id, "web-1");
  EXPECT_EQ(web.node, "n1");
  EXPECT_EQ(web.datacenter, "dc1");
  EXPECT_THAT(web.tags, ElementsAre("v1", "weir.enable=true"));
  EXPECT_THAT(web.meta, ElementsAre(Pair("version", "2"), Pair("zone", "b")));
  EXPECT_EQ(web.weight_passing, 10u);
  EXPECT_EQ(web.weight_warning, 3u);
  EXPECT_EQ(web.status, Status::Passing);
}

TEST(ReadAnswer, TakesTheAnswerOfAPreparedQuery) {
  const std::string json = R"({"Service": "web", "Datacenter": "dc2", "Failovers": 1, "Nodes": )" +
                           std::string(kWeb) + "}";
  EXPECT_THAT(addressesOf(json), ElementsAre("10.1.10.20:8000"));
  EXPECT_THAT(addressesOf(R"({"Service":"web","Nodes":null})"), ElementsAre());
}

TEST(ReadAnswer, NothingIsAnAnswer) {
  EXPECT_THAT(addressesOf("[]"), ElementsAre());
  EXPECT_THAT(addressesOf("null"), ElementsAre());
}

TEST(ReadAnswer, WithoutAnAddressOfItsOwnItIsTheNodes) {
  EXPECT_THAT(addressesOf("[" + with(R"("Address":"","Port":80)") + "]"),
              ElementsAre("10.0.0.1:80"));
  EXPECT_THAT(addressesOf("[" + with(R"("Port":80)") + "]"), ElementsAre("10.0.0.1:80"));
}

TEST(ReadAnswer, TakesTheAddressThatIsAskedFor) {
  const std::string web(kWeb);
  EXPECT_THAT(addressesOf(web, {From::Node, ""}), ElementsAre("10.1.10.12:8000"));
  EXPECT_THAT(addressesOf(web, {From::Tagged, "wan"}), ElementsAre("198.18.1.1:443"));
  EXPECT_THAT(addressesOf(web, {From::Tagged, "virtual"}), ElementsAre("240.0.0.1:8000"));
  // The service has none of this name; its node has.
  EXPECT_THAT(addressesOf(web, {From::Tagged, "lan"}), ElementsAre("10.1.10.12:8000"));
  EXPECT_THAT(addressesOf(web, {From::Tagged, "moon"}), ElementsAre());
  EXPECT_EQ(readAnswer(web, {From::Tagged, "moon"})->dropped.at(0).why, LeftOut::NoAddress);
  EXPECT_THAT(addressesOf("[" + with(R"("Address":"fd00::1","Port":80)") + "]"),
              ElementsAre("[fd00::1]:80"));
}

TEST(ReadAnswer, TheWorstCheckCounts) {
  EXPECT_EQ(statusOf(""), Status::Passing);
  EXPECT_EQ(statusOf(check("passing") + "," + check("warning")), Status::Warning);
  EXPECT_EQ(statusOf(check("critical") + "," + check("warning")), Status::Critical);
  EXPECT_EQ(statusOf(check("critical", "serfHealth") + "," + check("passing")), Status::Critical);
  EXPECT_EQ(statusOf(check("critical", "_node_maintenance")), Status::Maintenance);
  EXPECT_EQ(statusOf(check("critical", "_service_maintenance:a") + "," + check("critical")),
            Status::Maintenance);
  EXPECT_EQ(statusOf(check("maintenance")), Status::Maintenance);
  EXPECT_EQ(statusOf(check("splendid")), Status::Critical);
}

TEST(ReadAnswer, OnlyWhatPassesUnlessAllIsAskedFor) {
  const std::string json = "[" + with(R"("Port":80)", check("warning")) + "," +
                           with(R"("Port":81)", check("passing")) + "]";
  EXPECT_THAT(addressesOf(json), ElementsAre("10.0.0.1:81"));
  EXPECT_THAT(addressesOf(json, kAll), ElementsAre("10.0.0.1:80", "10.0.0.1:81"));
}

TEST(ReadAnswer, TheWeightIsThatOfTheStatus) {
  const std::string service = R"("Port":80,"Weights":{"Passing":10,"Warning":0})";
  const auto answer = readAnswer("[" + with(service, check("warning")) + "," +
                                     with(R"("Port":81,"Weights":{"Passing":4})") + "]",
                                 kAll);
  EXPECT_EQ(answer->instances.at(0).weight(), 0u);
  EXPECT_EQ(answer->instances.at(1).weight(), 4u);
  EXPECT_EQ(answer->instances.at(1).weight_warning, 1u);
}

TEST(ReadAnswer, LeavesOutWhatCannotBeReached) {
  for (const char* address :
       {"db.local", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "10.0.0.256", "255.255.255.255"}) {
    EXPECT_THAT(
        droppedOf("[" + with(R"("Port":80,"Address":")" + std::string(address) + '"') + "]"),
        ElementsAre("a: its address is no IP address one can connect to"))
        << address;
  }
  EXPECT_THAT(droppedOf("[" + with(R"("Port":0)") + "]"), ElementsAre("a: it has no port"));
  EXPECT_THAT(droppedOf("[" + with(R"("SocketPath":"/s")") + "]"),
              ElementsAre("a: it has no port"));
  EXPECT_THAT(droppedOf("[" + with(R"("Port":80)", "", R"("Address":"")") + "]"),
              ElementsAre("a: it has no such address"));
}

// A stale registration of a node that died must not take a live endpoint's place.
TEST(ReadAnswer, OfTwoWithOneAddressTheBetterOneStays) {
  const std::string good = with(R"("Port":80)", check("passing"));
  const std::string bad = with(R"("Port":80)", check("critical"));
  for (const std::string& json : {"[" + good + "," + bad + "]", "[" + bad + "," + good + "]"}) {
    const auto answer = readAnswer(json, kAll);
    ASSERT_EQ(answer->instances.size(), 1u);
    EXPECT_EQ(answer->instances[0].status, Status::Passing);
    EXPECT_EQ(answer->dropped.at(0).why, LeftOut::Duplicate);
  }
}

TEST(ReadAnswer, NamesThePlaceOfWhatIsWrong) {
  const auto entry = [](std::string_view service) { return "[" + with(service) + "]"; };
  EXPECT_EQ(errorOf(entry(R"("Port":"80")")),
            "[0].Service.Port: expected a number from 0 to 65535, found a string");
  EXPECT_EQ(errorOf("[" + with(R"("Port":1)") + "," + with(R"("Port":70000)") + "]"),
            "[1].Service.Port: expected a number from 0 to 65535, found another number");
  EXPECT_EQ(errorOf(entry(R"("Port":80.5)")),
            "[0].Service.Port: expected a number from 0 to 65535, found another number");
  EXPECT_EQ(errorOf(entry(R"("Tags":["a",1])")), "[0].Service.Tags[1]: expected a string");
  EXPECT_EQ(errorOf(entry(R"("Meta":{"k":[]})")), "[0].Service.Meta[\"k\"]: expected a string");
  EXPECT_EQ(errorOf(entry(R"("Weights":{"Passing":-1})")),
            "[0].Service.Weights.Passing: expected a number from 0 to 65535, found another number");
  EXPECT_EQ(errorOf(R"([{"Node":{}}])"), "[0]: expected an object with Node and Service");
  EXPECT_EQ(errorOf(R"({"Nodes":{}})"), "Nodes: expected a list, found an object");
  EXPECT_EQ(errorOf("[1]"), "[0]: expected an object, found another number");
  EXPECT_EQ(errorOf(R"("x")"), ": expected a list of instances, found a string");
  EXPECT_EQ(errorOf("[" + with("\"Port\":80", "7") + "]"), "[0].Checks[0]: expected an object");
  EXPECT_THAT(errorOf("<html>"), HasSubstr("not JSON"));
  EXPECT_THAT(errorOf(""), HasSubstr("not JSON"));
  EXPECT_THAT(errorOf("[] []"), HasSubstr("not JSON"));
  EXPECT_THAT(errorOf("[\"\xff\"]"), HasSubstr("not JSON"));
}

TEST(ReadAnswer, DepthAndNumberAreBounded) {
  EXPECT_THAT(errorOf(std::string(1'000'000, '[')), HasSubstr("not JSON"));
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  EXPECT_EQ(errorOf(deep), "[0]: expected an object, found a list");
  std::string many = "[{}";
  for (size_t i = 0; i < kMostInstances; ++i) many += ",{}";
  EXPECT_EQ(errorOf(many + "]"), ": expected at most 20000 instances, found 20001");
}

TEST(HashOf, IsOfAllThatIsSaidAndOfNoOrder) {
  Instance a, b;
  a.address = *net::Address::ip("10.0.0.1", 80);
  a.id = "a";
  a.tags = {"x", "yz"};
  b.address = *net::Address::ip("10.0.0.1", 81);
  EXPECT_EQ(hashOf({a, b}), hashOf({b, a}));
  EXPECT_NE(hashOf({a, b}), hashOf({a}));
  EXPECT_NE(hashOf({a, a, b}), hashOf({a, b}));

  std::vector<Instance> others(9, a);
  others[0].id = "c";
  others[1].node = "n";
  others[2].datacenter = "d";
  others[3].tags = {"xy", "z"};
  others[4].meta = {{"k", "v"}};
  others[5].weight_passing = 2;
  others[6].weight_warning = 2;
  others[7].status = Status::Warning;
  others[8].address.setPort(82);
  std::vector<uint64_t> hashes{hashOf({a})};
  for (const Instance& each : others) hashes.push_back(hashOf({each}));
  std::sort(hashes.begin(), hashes.end());
  EXPECT_EQ(std::adjacent_find(hashes.begin(), hashes.end()), hashes.end());
}

}  // namespace
}  // namespace weir::consul
