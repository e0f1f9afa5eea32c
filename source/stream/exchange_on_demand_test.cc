// Requests to clusters that are made because of them, by somebody whom the test plays.
#include <gmock/gmock.h>
#include <google/protobuf/empty.pb.h>

#include "source/cluster/worker_cluster.h"
#include "test/harness/exchange.h"
#include "weir/filter.h"
#include "weir/filter_registry.h"

namespace weir::stream {
namespace {

using namespace std::chrono_literals;
using cluster::WantedClusters;
using test::Exchange;
using testing::ElementsAre;

constexpr char kNamed[] = "GET / HTTP/1.1\r\nhost: a.test\r\n\r\n";
constexpr char kByField[] = "GET / HTTP/1.1\r\nhost: a.test\r\nto: other\r\n\r\n";
constexpr char kUnknown[] = "GET / HTTP/1.1\r\nhost: a.test\r\nto: nobody\r\n\r\n";

test::Config routes(const test::Config& from = test::noFilter()) {
  test::Config config = from;
  return config
      .withRoutes(
          "- match: {prefix: /, headers: [{name: to, present_match: true}]}\n"
          "  route: {cluster_header: to, timeout: 2s}\n"
          "- match: {prefix: /}\n"
          "  route: {cluster: other, timeout: 2s, cluster_not_found_response_code: NOT_FOUND}\n")
      .cluster("other");
}

class ExchangeOnDemand : public testing::Test {
 protected:
  explicit ExchangeOnDemand(const test::Config& config = routes()) : x(config) {
    x.takeAway("other");
    x.origin("other", {200, {}, "made"});
    x.wanted().serve([this](const std::string& name) { asked.push_back(name); }, StatScope());
  }
  void refuse(std::string_view name) {
    x.wanted().settle(name);
    x.settle();
  }
  void bring() {
    x.bring("other");
    x.settle();
  }

  Exchange x;
  std::vector<std::string> asked;
};

TEST_F(ExchangeOnDemand, ARequestWaitsForItsCluster) {
  x.request(kNamed);
  EXPECT_EQ(x.status(), 0);
  EXPECT_THAT(asked, ElementsAre("other"));
  bring();
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.body(), "made");
  EXPECT_EQ(x.stat("http.test.rq_total"), 1u);
  EXPECT_EQ(x.stat("http.test.no_cluster"), 0u);
  x.request(kNamed);
  EXPECT_EQ(x.status(), 200);
  EXPECT_THAT(asked, ElementsAre("other")) << "it is there";
}

TEST_F(ExchangeOnDemand, AlsoForOneThatAFieldNames) {
  x.request(kByField);
  EXPECT_EQ(x.status(), 0);
  bring();
  EXPECT_EQ(x.body(), "made");
  EXPECT_THAT(asked, ElementsAre("other"));
}

TEST_F(ExchangeOnDemand, WhatNobodyMakesIsAnsweredAsEver) {
  x.request(kUnknown);
  EXPECT_EQ(x.status(), 0);
  refuse("nobody");
  EXPECT_EQ(x.status(), 503);
  EXPECT_EQ(x.details(), "cluster_not_found");
  EXPECT_TRUE(x.has(ResponseFlag::NoClusterFound));
  EXPECT_EQ(x.stat("http.test.no_cluster"), 1u);
  x.request(kNamed);
  refuse("other");
  EXPECT_EQ(x.status(), 404);
  EXPECT_THAT(asked, ElementsAre("nobody", "other"));
}

TEST_F(ExchangeOnDemand, ItIsAskedForOnceARequest) {
  x.request(kUnknown);
  refuse("nobody");
  x.request(kUnknown);
  EXPECT_EQ(x.status(), 0);
  EXPECT_THAT(asked, ElementsAre("nobody", "nobody"));
}

TEST_F(ExchangeOnDemand, WhoeverMakesItMayNotTakeForEver) {
  x.request(kNamed);
  x.advance(WantedClusters::kPatience - 1s);
  EXPECT_EQ(x.status(), 0);
  x.advance(1100ms);
  EXPECT_EQ(x.status(), 404);
}

// As while a filter waits.
TEST_F(ExchangeOnDemand, TheTimeOfTheRouteGoesOnMeanwhile) {
  test::Reply never;
  never.fate = test::Reply::Fate::Never;
  x.origin("other", never);
  x.request(kNamed);
  x.advance(1s);
  bring();
  x.advance(900ms);
  EXPECT_EQ(x.status(), 0);
  x.advance(200ms);
  EXPECT_EQ(x.status(), 504);
}

TEST_F(ExchangeOnDemand, TheBodyWaitsToo) {
  const std::string body(100'000, 'b');
  const std::string head = "POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 100000\r\n\r\n";
  x.request(head + body, {head.size(), head.size() + 10});
  EXPECT_EQ(x.status(), 0);
  EXPECT_TRUE(x.requestPaused()) << "it is more than is held";
  bring();
  EXPECT_EQ(x.body(), "made");
  EXPECT_EQ(x.originSaw("other").body, body);
}

TEST_F(ExchangeOnDemand, SoDoTrailers) {
  x.request(
      "POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n0\r\nt: v\r\n\r\n");
  EXPECT_EQ(x.status(), 0);
  bring();
  EXPECT_EQ(x.body(), "made");
  EXPECT_EQ(x.originSaw("other").body, "abc");
}

TEST_F(ExchangeOnDemand, WhoVanishesLeavesNothing) {
  x.request(kNamed);
  x.vanish();
  EXPECT_TRUE(x.finished());
  bring();
  EXPECT_EQ(x.originRequests("other"), 0u);
  x.request(kNamed);
  EXPECT_EQ(x.status(), 200);
}

TEST_F(ExchangeOnDemand, ManyNamesOfClientsAreNotWaitedFor) {
  struct Waiting final : WantedClusters::Waiter {
    void onSettled() override {}
  };
  std::vector<std::unique_ptr<Waiting>> others;
  for (size_t i = 0; i < WantedClusters::kMostNames; ++i) {
    others.push_back(std::make_unique<Waiting>());
    x.wanted().wait("n" + std::to_string(i), *others.back());
  }
  x.request(kUnknown);
  EXPECT_EQ(x.status(), 503);
}

struct Plan {
  static Result<Plan> from(const google::protobuf::Empty&, PlanBuild&) { return Plan{}; }
};

// Answers with what cluster "other" says, or with why it says nothing.
class Asker final : public Filter {
 public:
  explicit Asker(const Plan&) {}
  Verdict onRequest(RequestHead&, Stream& stream) override { return Verdict::wait(ask(stream)); }

 private:
  static Task<Verdict> ask(Stream& stream) {
    CallRequest request;
    request.cluster = "other";
    request.timeout = 800ms;
    const CallResult result = co_await stream.call(std::move(request));
    const std::string_view said = result.failure ? result.failure.detail : result.body;
    co_return Verdict::reply(200, stream.arena().copy(said), "asked");
  }
};

class CallOnDemand : public ExchangeOnDemand {
 protected:
  CallOnDemand()
      : ExchangeOnDemand(routes(test::filter("\"@type\": type.googleapis.com/google.protobuf.Empty")
                                    .knowing([](FilterRegistry& registry) {
                                      registry.add<google::protobuf::Empty, Plan, Asker>(
                                          "test.asker");
                                    }))) {}
};

TEST_F(CallOnDemand, ACallWaitsToo) {
  x.request(kNamed);
  EXPECT_EQ(x.status(), 0);
  EXPECT_THAT(asked, ElementsAre("other"));
  bring();
  EXPECT_EQ(x.body(), "made");
}

TEST_F(CallOnDemand, ItFailsWhereThereIsNone) {
  x.request(kNamed);
  refuse("other");
  EXPECT_EQ(x.body(), "no such cluster");
}

TEST_F(CallOnDemand, AndTakesNoLongerForThat) {
  x.request(kNamed);
  x.advance(790ms);
  EXPECT_EQ(x.status(), 0);
  x.advance(20ms);
  EXPECT_EQ(x.body(), "call timed out");
  bring();
  x.takeAway("other");
  test::Reply never;
  never.fate = test::Reply::Fate::Never;
  x.origin("other", never);
  x.request(kNamed);
  x.advance(500ms);
  bring();
  x.advance(290ms);
  EXPECT_EQ(x.status(), 0);
  x.advance(20ms);
  EXPECT_EQ(x.body(), "call timed out");
}

TEST_F(CallOnDemand, WhoeverVanishesMeanwhileLeavesNothing) {
  EXPECT_GE(x.cancelAtEveryWait(kNamed), 1u);
  bring();
  EXPECT_EQ(x.originRequests("other"), 0u);
}

class ExchangeOnDemandGathered : public ExchangeOnDemand {
 protected:
  ExchangeOnDemandGathered()
      : ExchangeOnDemand(routes(test::filter(
            "\"@type\": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer\n"
            "max_request_bytes: 1000000"))) {}
};

TEST_F(ExchangeOnDemandGathered, ABodyThatAFilterGatheredStaysWhole) {
  x.request(
      "POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");
  EXPECT_EQ(x.status(), 0);
  bring();
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.originSaw("other").body, "abcdef");
  EXPECT_EQ(x.originSaw("other").field("content-length"), "6");
}

}  // namespace
}  // namespace weir::stream
