// A LogStream against a scripted service, in virtual time.
#include "source/access_logs/log_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "source/net/still_clock.h"
#include "source/telemetry/stat_cells.h"
#include "source/telemetry/stat_store.h"

namespace weir::access_logs {
namespace {

using namespace std::chrono_literals;
using Message = LogStream::Message;

class LogStreamTest : public testing::Test {
 protected:
  LogStreamTest() {
    settings_->target.cluster = "collector";
    settings_->identifier.set_log_name("test");
    settings_->identifier.mutable_node()->set_id("node");
    const StatScope scope = StatScope(stats_).scope("log");
    settings_->written = scope.counter("written");
    settings_->dropped = scope.counter("dropped");
  }
  ~LogStreamTest() override {
    net::Loop::Turn turn(loop_);
    if (stream_ != nullptr) stream_->stop();
  }

  // What the service is like.
  struct Line final : rpc::MessageStream {
    Line(LogStreamTest& test, rpc::MessageStreamUser& user) : test(test) {
      test.user_ = &user;
      ++test.opened_;
    }
    ~Line() override { test.user_ = nullptr; }
    void start() override {
      if (test.refuses_) test.user_->onStreamEnd("refused");
    }
    void send(const google::protobuf::Message& message) override {
      test.sent_.push_back(static_cast<const Message&>(message));
    }
    bool congested() const override { return test.congested_; }
    void finish() override { ++test.finished_; }
    LogStreamTest& test;
  };

  void make() {
    stream_ = std::make_shared<LogStream>(
        loop_, settings_,
        [this](std::string_view method, rpc::MessageStreamUser& user) {
          method_ = method;
          return std::make_unique<Line>(*this, user);
        },
        [this] { return random_; });
  }
  // One entry in a turn of its own; its path has that many bytes.
  bool log(size_t bytes = 1) {
    net::Loop::Turn turn(loop_);
    if (stream_ == nullptr) make();
    if (!stream_->admit()) return false;
    auto& entry = *stream_->message().mutable_http_logs()->add_log_entry();
    entry.mutable_request()->set_path(std::string(bytes, 'p'));
    stream_->added(entry.ByteSizeLong());
    return true;
  }
  void pass(std::chrono::milliseconds time) {
    clock_.at += time;
    net::Loop::Turn turn(loop_);
    loop_.timers().advance(clock_.at);
  }
  void breakOff() {
    net::Loop::Turn turn(loop_);
    user_->onStreamEnd("broken");
  }
  void decongest() {
    congested_ = false;
    net::Loop::Turn turn(loop_);
    user_->onStreamWritable();
  }
  void finish() {
    net::Loop::Turn turn(loop_);
    stream_->finish();
  }
  std::vector<int> sizes() const {
    std::vector<int> sizes;
    for (const Message& message : sent_) sizes.push_back(message.http_logs().log_entry_size());
    return sizes;
  }
  uint64_t stat(const std::string& name) const { return stats_.value(name).value_or(4711); }

  net::StillClock clock_;
  net::Loop loop_{&clock_};
  StatStore stats_;
  std::shared_ptr<LogSettings> settings_ = std::make_shared<LogSettings>();
  std::shared_ptr<LogStream> stream_;
  rpc::MessageStreamUser* user_ = nullptr;  // of the open stream
  std::string method_;
  std::vector<Message> sent_;
  uint64_t random_ = 0;
  int opened_ = 0, finished_ = 0;
  bool refuses_ = false, congested_ = false;
};

TEST_F(LogStreamTest, WhatWaitedLongEnoughLeavesInOneMessageAndTheFirstSaysWhoSpeaks) {
  log();
  log();
  EXPECT_EQ(opened_, 1);
  EXPECT_EQ(method_, "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs");
  pass(900ms);
  EXPECT_THAT(sizes(), testing::IsEmpty());
  pass(110ms);
  EXPECT_THAT(sizes(), testing::ElementsAre(2));
  EXPECT_EQ(sent_[0].identifier().log_name(), "test");
  EXPECT_EQ(sent_[0].identifier().node().id(), "node");
  log();
  pass(1010ms);
  EXPECT_THAT(sizes(), testing::ElementsAre(2, 1));
  EXPECT_FALSE(sent_[1].has_identifier());
  EXPECT_EQ(stat("log.written"), 3);
  EXPECT_EQ(stat("log.dropped"), 0);
}

TEST_F(LogStreamTest, AFullBufferLeavesAtOnce) {
  settings_->buffer_bytes = 1000;
  log(600);
  EXPECT_THAT(sizes(), testing::IsEmpty());
  log(600);
  EXPECT_THAT(sizes(), testing::ElementsAre(2));
}

TEST_F(LogStreamTest, WithoutABufferEachEntryIsAMessage) {
  settings_->buffer_bytes = 0;
  log();
  log();
  EXPECT_THAT(sizes(), testing::ElementsAre(1, 1));
}

TEST_F(LogStreamTest, AServiceThatIsDownIsTriedAgainAfterGrowingPauses) {
  refuses_ = true;
  random_ = 499;  // each pause as long as it may be: 500 ms, then 999 or less of its bound
  log();
  EXPECT_EQ(opened_, 1);
  log();
  EXPECT_EQ(opened_, 1);
  pass(490ms);
  EXPECT_EQ(opened_, 1);
  pass(20ms);
  EXPECT_EQ(opened_, 2);
  refuses_ = false;
  pass(510ms);
  EXPECT_EQ(opened_, 3);
  EXPECT_THAT(sizes(), testing::ElementsAre(2)) << "they waited long enough";
  EXPECT_TRUE(sent_[0].has_identifier());
  EXPECT_EQ(stat("log.dropped"), 0);
}

TEST_F(LogStreamTest, NothingIsOpenedAgainForNobody) {
  log();
  pass(1010ms);
  breakOff();
  pass(1h);
  EXPECT_EQ(opened_, 1);
  log();
  EXPECT_EQ(opened_, 2);
  pass(1010ms);
  EXPECT_THAT(sizes(), testing::ElementsAre(1, 1));
  EXPECT_TRUE(sent_[1].has_identifier()) << "another stream";
}

TEST_F(LogStreamTest, WhatWaitsIsBoundedAndTheRestIsCounted) {
  congested_ = true;
  int taken = 0;
  for (int i = 0; i < 200; ++i) taken += log(16 * 1024) ? 1 : 0;
  EXPECT_EQ(taken, 64) << "a mebibyte";
  EXPECT_EQ(stat("log.written"), 64);
  EXPECT_EQ(stat("log.dropped"), 136);
  decongest();
  EXPECT_THAT(sizes(), testing::ElementsAre(64));
  EXPECT_TRUE(log());
}

TEST_F(LogStreamTest, AtTheEndWhatWaitsIsSentAndTheStreamEnded) {
  log();
  finish();
  EXPECT_THAT(sizes(), testing::ElementsAre(1));
  EXPECT_EQ(finished_, 1);
  EXPECT_FALSE(stream_->done()) << "the service has not said that it took all";
  EXPECT_FALSE(log());
  breakOff();
  EXPECT_TRUE(stream_->done());
  EXPECT_EQ(finished_, 1);
  EXPECT_EQ(opened_, 1);
}

TEST_F(LogStreamTest, AtTheEndAServiceThatDoesNotReadIsNotWaitedForLong) {
  congested_ = true;
  log();
  log();
  finish();
  EXPECT_FALSE(stream_->done());
  pass(510ms);
  EXPECT_TRUE(stream_->done());
  EXPECT_EQ(stat("log.dropped"), 2);
  EXPECT_EQ(finished_, 0);
}

TEST_F(LogStreamTest, AtTheEndWithoutAStreamThereIsNothingToWaitFor) {
  refuses_ = true;
  log();
  finish();
  EXPECT_TRUE(stream_->done());
  EXPECT_EQ(stat("log.dropped"), 1);
}

TEST_F(LogStreamTest, WhoIsReleasedFinishesOnItsOwnThread) {
  log();
  stream_->release();
  EXPECT_THAT(sizes(), testing::IsEmpty());
  event_base_loop(loop_.base(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
  EXPECT_THAT(sizes(), testing::ElementsAre(1));
  EXPECT_EQ(finished_, 1);
}

}  // namespace
}  // namespace weir::access_logs
