// A LoadReporter against a scripted service, in virtual time.
#include "source/load_reports/load_reporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "source/net/still_clock.h"
#include "source/telemetry/stat_store.h"

namespace weir::load_reports {
namespace {

using namespace std::chrono_literals;
using envoy::service::load_stats::v3::LoadStatsRequest;
using envoy::service::load_stats::v3::LoadStatsResponse;

class LoadReporterTest : public testing::Test {
 protected:
  LoadReporterTest() {
    add("a");
    LoadReporter::Settings settings;
    settings.node.set_id("node");
    settings.random = [] { return 0; };
    settings.clusters = [this] { return clusters_; };
    settings.dropped = [this](const cluster::Cluster&) { return dropped_; };
    settings.scope = StatScope(stats_).scope("load_reporter");
    reporter_ = std::make_unique<LoadReporter>(
        loop_, std::move(settings), [this](std::string_view method, rpc::MessageStreamUser& user) {
          method_ = method;
          return std::make_unique<Line>(*this, user);
        });
    net::Loop::Turn turn(loop_);
    reporter_->start();
  }

  struct Line final : rpc::MessageStream {
    Line(LoadReporterTest& test, rpc::MessageStreamUser& user) : test(test) { test.user_ = &user; }
    ~Line() override { test.user_ = nullptr; }
    void start() override {}
    void send(const google::protobuf::Message& message) override {
      test.sent_.push_back(static_cast<const LoadStatsRequest&>(message));
    }
    bool congested() const override { return false; }
    void finish() override {}
    LoadReporterTest& test;
  };

  void add(const std::string& name) {
    cluster::ClusterSettings settings;
    settings.name = name;
    clusters_.push_back(
        {std::make_shared<cluster::Cluster>(0, std::move(settings), StatScope(stats_)), ""});
  }
  std::shared_ptr<cluster::Endpoint> endpoint(uint16_t port, const std::string& zone = "",
                                              uint32_t priority = 0) {
    auto made = std::make_shared<cluster::Endpoint>();
    made->address = *net::Address::ip("10.0.0.1", port);
    made->zone = zone;
    made->priority = priority;
    return made;
  }
  void publish(std::vector<cluster::EndpointPtr> endpoints) {
    clusters_.front().cluster->publish(
        std::make_shared<cluster::EndpointSet>(cluster::EndpointSet{std::move(endpoints)}));
  }
  void want(const std::function<void(LoadStatsResponse&)>& set) {
    LoadStatsResponse response;
    response.mutable_load_reporting_interval()->set_seconds(2);
    set(response);
    net::Loop::Turn turn(loop_);
    user_->onMessage(response.SerializeAsString());
  }
  void wantA() {
    want([](LoadStatsResponse& response) { response.add_clusters("a"); });
  }
  void pass(std::chrono::milliseconds time) {
    clock_.at += time;
    net::Loop::Turn turn(loop_);
    loop_.timers().advance(clock_.at);
  }
  uint64_t stat(const std::string& name) const {
    return stats_.value("load_reporter." + name).value_or(4711);
  }

  net::StillClock clock_;
  net::Loop loop_{&clock_};
  StatStore stats_;
  std::vector<Reported> clusters_;
  uint64_t dropped_ = 0;
  std::string method_;
  rpc::MessageStreamUser* user_ = nullptr;
  std::vector<LoadStatsRequest> sent_;
  std::unique_ptr<LoadReporter> reporter_;
};

TEST_F(LoadReporterTest, SaysWhoItIsAndThenOnlyWhatIsWanted) {
  EXPECT_EQ(method_, "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats");
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0].node().id(), "node");
  EXPECT_EQ(sent_[0].node().client_features(0), "envoy.lrs.supports_send_all_clusters");
  EXPECT_EQ(sent_[0].cluster_stats_size(), 0);
  pass(1h);
  EXPECT_EQ(sent_.size(), 1u);
  add("b");
  wantA();
  pass(2s);
  ASSERT_EQ(sent_.size(), 2u);
  ASSERT_EQ(sent_[1].cluster_stats_size(), 1);
  EXPECT_EQ(sent_[1].cluster_stats(0).cluster_name(), "a");
  want([](LoadStatsResponse& response) { response.set_send_all_clusters(true); });
  pass(2s);
  EXPECT_EQ(sent_.back().cluster_stats_size(), 2);
  EXPECT_EQ(stat("requests"), 3);
  EXPECT_EQ(stat("responses"), 2);
}

TEST_F(LoadReporterTest, EachReportHasWhatHappenedSinceTheLast) {
  const auto one = endpoint(80);
  publish({one});
  one->counts.rq_total = 100;  // before anybody wanted to know
  wantA();
  one->counts.rq_total = 107;
  one->counts.rq_success = 4;
  one->counts.rq_error = 2;
  one->counts.rq_active = 1;
  dropped_ = 3;
  pass(2s);
  const auto& stats = sent_.at(1).cluster_stats(0);
  EXPECT_EQ(stats.load_report_interval().seconds(), 2);
  EXPECT_EQ(stats.total_dropped_requests(), 3u);
  ASSERT_EQ(stats.upstream_locality_stats_size(), 1);
  const auto& load = stats.upstream_locality_stats(0);
  EXPECT_EQ(load.total_issued_requests(), 7u);
  EXPECT_EQ(load.total_successful_requests(), 4u);
  EXPECT_EQ(load.total_error_requests(), 2u);
  EXPECT_EQ(load.total_requests_in_progress(), 1u);
  EXPECT_EQ(load.upstream_endpoint_stats_size(), 0);
  one->counts.rq_active = 0;
  pass(2s);
  EXPECT_EQ(sent_.at(2).cluster_stats(0).upstream_locality_stats_size(), 0);
  EXPECT_EQ(sent_.at(2).cluster_stats(0).total_dropped_requests(), 0u);
}

TEST_F(LoadReporterTest, LocalitiesAndPrioritiesAreApartAndEndpointsOnRequest) {
  const auto here = endpoint(80, "here"), same = endpoint(81, "here"), far = endpoint(82, "far"),
             later = endpoint(83, "here", 1);
  publish({here, same, far, later});
  want([](LoadStatsResponse& response) {
    response.add_clusters("a");
    response.set_report_endpoint_granularity(true);
  });
  for (const auto& each : {here, same, far, later}) each->counts.rq_total = 2;
  pass(2s);
  const auto& stats = sent_.at(1).cluster_stats(0);
  ASSERT_EQ(stats.upstream_locality_stats_size(), 3);
  EXPECT_EQ(stats.upstream_locality_stats(0).locality().zone(), "here");
  EXPECT_EQ(stats.upstream_locality_stats(0).total_issued_requests(), 4u);
  ASSERT_EQ(stats.upstream_locality_stats(0).upstream_endpoint_stats_size(), 2);
  const auto& one = stats.upstream_locality_stats(0).upstream_endpoint_stats(1);
  EXPECT_EQ(one.address().socket_address().port_value(), 81u);
  EXPECT_EQ(one.total_issued_requests(), 2u);
  EXPECT_EQ(stats.upstream_locality_stats(1).locality().zone(), "far");
  EXPECT_EQ(stats.upstream_locality_stats(2).priority(), 1u);
}

TEST_F(LoadReporterTest, AHostWithAnotherWeightIsNotToldOfTwice) {
  const auto one = endpoint(80);
  publish({one});
  one->counts.rq_total = 100;
  wantA();
  one->counts.rq_total = 103;
  auto heavier = std::make_shared<cluster::Endpoint>(one->shared_counts);
  heavier->address = one->address;
  heavier->weight = 5;
  publish({heavier});
  pass(2s);
  const auto& stats = sent_.at(1).cluster_stats(0);
  ASSERT_EQ(stats.upstream_locality_stats_size(), 1);
  EXPECT_EQ(stats.upstream_locality_stats(0).total_issued_requests(), 3u);
}

TEST_F(LoadReporterTest, AnEndpointThatLeavesIsToldOfToItsLastRequest) {
  const auto one = endpoint(80);
  publish({one});
  wantA();
  one->counts.rq_total = one->counts.rq_active = 1;
  publish({});
  pass(2s);
  EXPECT_EQ(sent_.at(1).cluster_stats(0).upstream_locality_stats(0).total_issued_requests(), 1u);
  one->counts.rq_active = 0;
  one->counts.rq_success = 1;
  pass(2s);
  EXPECT_EQ(sent_.at(2).cluster_stats(0).upstream_locality_stats(0).total_successful_requests(),
            1u);
  EXPECT_EQ(one.use_count(), 1) << "it is kept no longer";
}

TEST_F(LoadReporterTest, AStreamThatEndsIsOpenedAgainAndNothingIsLost) {
  const auto one = endpoint(80);
  publish({one});
  wantA();
  {
    net::Loop::Turn turn(loop_);
    user_->onStreamEnd("broken");
  }
  one->counts.rq_total = 5;
  EXPECT_EQ(user_, nullptr);
  pass(20ms);
  ASSERT_NE(user_, nullptr);
  EXPECT_EQ(stat("errors"), 1);
  EXPECT_EQ(stat("retries"), 1);
  ASSERT_EQ(sent_.size(), 2u);
  EXPECT_EQ(sent_[1].node().id(), "node");
  wantA();
  pass(2s);
  EXPECT_EQ(sent_.at(2).cluster_stats(0).upstream_locality_stats(0).total_issued_requests(), 5u);
}

TEST_F(LoadReporterTest, NobodyIsToldHot) {
  want([](LoadStatsResponse& response) {
    response.add_clusters("a");
    response.clear_load_reporting_interval();
  });
  pass(90ms);
  EXPECT_EQ(sent_.size(), 1u);
  pass(20ms);
  EXPECT_EQ(sent_.size(), 2u);
}

}  // namespace
}  // namespace weir::load_reports
