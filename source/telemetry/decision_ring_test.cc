#include "source/telemetry/decision_ring.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "source/telemetry/sample_stream.h"

namespace weir::telemetry {
namespace {

std::string json(const DecisionRecord& record, std::span<const std::string_view> filters = {}) {
  std::string text;
  record.appendJson(text, filters);
  return text;
}

TEST(DecisionRecord, tellsTheWholeStory) {
  SampleStream sample;
  sample.info.flags.set(ResponseFlag::UpstreamConnectionFailure);
  DecisionRecord record;
  record.addCandidate(3, RouteOutcome::Header);
  record.addCandidate(5, RouteOutcome::Chosen);
  record.addVerdict(0, FilterOutcome::Waited, 120);
  record.addVerdict(1, FilterOutcome::Passed, 2);
  record.addAttempt("10.0.0.2:443", FailureKind::ConnectFailed, 900);
  record.addAttempt("10.0.0.1:443", FailureKind::None, 18000);
  record.finish(sample.info);
  const std::array<std::string_view, 1> filters = {"ext_authz"};
  EXPECT_EQ(
      json(record, filters),
      "{\"stream_id\":99,\"connection_id\":7,\"start\":\"2016-04-15T20:17:00.310042Z\","
      "\"protocol\":\"HTTP/1.1\",\"method\":\"GET\",\"authority\":\"example.com\","
      "\"path\":\"/api/"
      "v1?a=1&b=%20x\",\"virtual_host\":\"main\",\"route\":\"api\",\"cluster\":\"backend\","
      "\"code\":200,\"flags\":\"UF\",\"details\":\"via_upstream\",\"request_end_us\":1500,"
      "\"upstream_start_us\":2000,\"response_start_us\":20250,\"end_us\":26100,"
      "\"routes\":[{\"order\":3,\"outcome\":\"header\"},{\"order\":5,\"outcome\":\"chosen\"}],"
      "\"filters\":[{\"filter\":\"ext_authz\",\"outcome\":\"waited\",\"us\":120},"
      "{\"filter\":1,\"outcome\":\"passed\",\"us\":2}],"
      "\"attempts\":[{\"endpoint\":\"10.0.0.2:443\",\"failure\":\"connect_failed\",\"us\":900},"
      "{\"endpoint\":\"10.0.0.1:443\",\"failure\":\"none\",\"us\":18000}]}");
}

TEST(DecisionRecord, leavesOutWhatDidNotHappen) {
  DecisionRecord record;
  record.finish(StreamInfo{});
  EXPECT_EQ(json(record),
            "{\"stream_id\":0,\"connection_id\":0,\"start\":\"1970-01-01T00:00:00.000000Z\","
            "\"protocol\":\"HTTP/1.1\",\"code\":0}");
}

TEST(DecisionRecord, truncatesAndCountsWhatDoesNotFit) {
  SampleStream sample;
  const std::string path = "/" + std::string(500, 'p');
  sample.request.path = path;
  DecisionRecord record;
  for (uint32_t i = 0; i < 300; ++i) {
    record.addCandidate(i, RouteOutcome::Path);
    record.addVerdict(static_cast<uint8_t>(i), FilterOutcome::Passed, i);
    record.addAttempt("[2001:db8:1111:2222:3333:4444:5555:6666]:443", FailureKind::Timeout, i);
  }
  record.finish(sample.info);
  const std::string text = json(record);
  EXPECT_NE(text.find("\"path\":\"/" + std::string(70, 'p') + "…\""), std::string::npos);
  EXPECT_NE(text.find("\"routes_not_kept\":247"), std::string::npos);  // counted up to 255
  EXPECT_NE(text.find("\"endpoint\":\"[2001:db8:1111:2222:3333…\""), std::string::npos);
}

TEST(DecisionRing, keepsTheNewest) {
  DecisionRing ring;
  EXPECT_TRUE(ring.newest().empty());
  StreamInfo info;
  for (uint64_t i = 1; i <= DecisionRing::kRecords + 10; ++i) {
    info.stream_id = i;
    DecisionRecord record;
    record.finish(info);
    ring.push(record);
  }
  const auto records = ring.newest();
  ASSERT_EQ(records.size(), DecisionRing::kRecords);
  EXPECT_EQ(records.front().streamId(), DecisionRing::kRecords + 10);
  EXPECT_EQ(records.back().streamId(), 11u);
  EXPECT_EQ(ring.newest(3).size(), 3u);
}

// Records carry the same number in both ids: a reader that mixes two would see them differ.
TEST(DecisionRing, readersNeverSeeATornRecord) {
  DecisionRing ring;
  std::atomic<bool> done{false};
  std::thread reader([&] {
    size_t seen = 0;
    while (!done || seen == 0) {
      for (const DecisionRecord& record : ring.newest()) {
        ASSERT_EQ(record.streamId(), record.connectionId());
        ++seen;
      }
    }
  });
  StreamInfo info;
  for (uint64_t i = 1; i <= 100000; ++i) {
    info.stream_id = info.connection_id = i;
    DecisionRecord record;
    record.finish(info);
    ring.push(record);
  }
  done = true;
  reader.join();
}

}  // namespace
}  // namespace weir::telemetry
