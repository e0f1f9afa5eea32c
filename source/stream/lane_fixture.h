// Filters made of functions, a user that writes down what comes out, a still clock. One thread.
#pragma once

#include "source/stream/lane.h"
#include "source/stream/waits.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace weir::stream {

using namespace std::chrono_literals;

struct LaneClock final : net::Clock {
  SteadyTime at{1000h};
  SteadyTime now() override { return at; }
};

class Scripted final : public Filter {
 public:
  std::function<Verdict(RequestHead&, Stream&)> head;
  std::function<Verdict(Chunk&, Stream&)> body;
  std::function<Verdict(Fields&, Stream&)> trailers;

  Verdict onRequest(RequestHead& h, Stream& s) override {
    return head ? head(h, s) : Verdict::pass();
  }
  Verdict onRequestBody(Chunk& c, Stream& s) override {
    return body ? body(c, s) : Verdict::pass();
  }
  Verdict onRequestTrailers(Fields& f, Stream& s) override {
    return trailers ? trailers(f, s) : Verdict::pass();
  }
};

class LaneTest : public testing::Test, public LaneUser, public Stream {
 protected:
  ~LaneTest() override {
    net::Loop::Turn turn(loop_);
    if (lane_) lane_->cancel();
  }

  Scripted& add(BodyNeed need = {}) {
    Scripted& filter = filters_.emplace_back();
    needs_.push_back(need);
    pointers_.push_back(&filter);
    return filter;
  }

  void open() {
    std::vector<ChainSlot> slots;
    for (size_t i = 0; i < filters_.size(); ++i) {
      FilterType& type = types_.emplace_back();
      type.hooks = (filters_[i].head ? kOnRequest : 0) | (filters_[i].body ? kOnRequestBody : 0) |
                   (filters_[i].trailers ? kOnRequestTrailers : 0);
      type.request_body = [](const void* plan) { return *static_cast<const BodyNeed*>(plan); };
      type.response_body = [](const void*) { return BodyNeed::none(); };
      slots.push_back({&type, std::make_shared<const BodyNeed>(needs_[i]), "f"});
    }
    chain_.emplace(std::move(slots));
    lane_.emplace(*this);
    lane_->open(*chain_, pointers_.data(), *this);
  }

  // One turn each.
  void head(bool end = false) {
    open();
    net::Loop::Turn turn(loop_);
    lane_->head(head_, end);
  }
  void body(std::string data, bool end = false) {
    net::Loop::Turn turn(loop_);
    lane_->body(data, end);
    loop_.flushTurn();
  }
  void trailers() {
    trailers_.add("x-end", "1");
    net::Loop::Turn turn(loop_);
    lane_->trailers(trailers_);
  }
  void pass(std::chrono::milliseconds time) {
    clock_.at += time;
    net::Loop::Turn turn(loop_);
    loop_.timers().advance(clock_.at);
  }

  Task<Verdict> sleepThen(Verdict verdict) {
    co_await sleep(50ms);
    co_return std::move(verdict);
  }
  Task<Verdict> sleepThenPass() { return sleepThen(Verdict::pass()); }
  Task<Verdict> sleepThenReply(uint16_t status) {
    co_await sleep(50ms);
    co_return Verdict::reply(status, "no\n", "test");
  }
  void waitInHead(Scripted& filter) {
    filter.head = [this](RequestHead&, Stream&) { return Verdict::wait(sleepThenPass()); };
  }

  // LaneUser
  void onLaneHead(Direction, bool end) override { out_ += end ? "head. " : "head "; }
  void onLaneBody(Direction, std::string_view data, bool end) override {
    out_ +=
        (data.size() > 100 ? std::to_string(data.size()) : std::string(data)) + (end ? ". " : " ");
  }
  void onLaneTrailers(Direction, Fields&) override { out_ += "trailers. "; }
  void onLaneReply(Direction, const LocalReply& reply) override {
    out_ += "reply " + std::to_string(reply.status);
    lane_->cancel();
  }
  void onLaneTooLarge(Direction) override {
    out_ += "too large";
    lane_->cancel();
  }
  void onLaneVerdict(size_t, Verdict::Kind, bool) override {}
  void onLanePause(Direction, bool pause) override { out_ += pause ? "[pause] " : "[go] "; }
  net::Loop& laneLoop() override { return loop_; }
  // Stream
  Arena& arena() override { return arena_; }
  const StreamInfo& info() const override { return info_; }
  SteadyTime now() const override { return loop_.now(); }
  uint64_t random() override { return 0; }
  RequestHead& request() override { return head_; }
  ResponseHead* response() override { return nullptr; }
  std::string_view requestBody() const override { return lane_->whole(); }
  std::string_view responseBody() const override { return {}; }
  Pending<void> sleep(std::chrono::microseconds wait) override { return sleepOn(loop_, wait); }
  Pending<CallResult> call(CallRequest) override { std::abort(); }
  Pending<ByteReply> exchange(ByteRequest) override { std::abort(); }
  Pending<bool> until(Signal&, std::chrono::milliseconds) override { std::abort(); }
  void setMetadata(std::string_view, std::string_view, std::string_view) override {}
  std::string_view metadata(std::string_view, std::string_view) const override { return {}; }
  std::string_view routeCluster() const override { return {}; }
  const StatScope* routeClusterStats() const override { return nullptr; }
  std::optional<ClusterHealth> clusterHealth(std::string_view) const override { return {}; }
  void setFlag(ResponseFlag) override {}
  bool healthCheckFailed() const override { return false; }

  std::string length() {
    return std::string(head_.fields.get(HeaderId::ContentLength).value_or("none"));
  }

  LaneClock clock_;
  net::Loop loop_{&clock_};
  ChunkPool chunks_;
  Arena arena_{chunks_};
  RequestHead head_{arena_};
  Fields trailers_{arena_};
  StreamInfo info_;
  std::deque<Scripted> filters_;
  std::vector<BodyNeed> needs_;
  std::vector<Filter*> pointers_;
  std::deque<FilterType> types_;
  std::optional<Chain> chain_;
  std::optional<Lane<Direction::Request>> lane_;
  std::string out_;
};

}  // namespace weir::stream
