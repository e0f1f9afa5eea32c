// A downstream HTTP/2 connection in time that stands still: deadlines, drain, keep-alive.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "source/codec/http2/recorder.h"
#include "source/codec/http2/test_frames.h"
#include "source/net/still_clock.h"
#include "source/stream/codec_choice.h"
#include "source/stream/hcm.h"
#include "test/harness/config.h"
#include "test/harness/origin.h"

namespace weir::stream {
namespace {

using namespace std::chrono_literals;

constexpr char kRoutes[] =
    "- match: {path: /}\n"
    "  direct_response: {status: 200, body: {inline_string: hi}}\n"
    "- match: {prefix: /}\n"
    "  route: {cluster: origin}\n";

constexpr char kNewRoutes[] =
    "- match: {prefix: /}\n"
    "  direct_response: {status: 200, body: {inline_string: new}}\n";

class Http2ServerTest : public testing::Test, public transport::ServerConnections {
 protected:
  ~Http2ServerTest() override {
    net::Loop::Turn turn(loop_);
    if (server_ != nullptr) server_->close();
    clusters_.clear();
    session_->abandon({});
  }

  void open(const std::string& hcm) {
    proxy_ = std::make_unique<test::Proxy>(test::noFilter().withRoutes(kRoutes).withHcm(hcm));
    ASSERT_NE(proxy_->plan, nullptr) << proxy_->report.text();
    for (const auto& cluster : proxy_->clusters) clusters_.set(cluster->slot(), cluster);
    reachOrigin();
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    client_fd_ = net::Fd(ends[0]);
    net::Loop::Turn turn(loop_);
    auto connection = std::make_unique<transport::Connection>(loop_);
    connection->accept(net::Fd(ends[1]));
    const transport::Accepted accepted{*net::Address::ip("192.0.2.1", 1),
                                       *net::Address::ip("192.0.2.2", 2), 7, loop_.now()};
    hcm_ = std::make_shared<Hcm>(proxy_->plan, 1);
    server_ = &serveHttp(services_, hcm_, *this, std::move(connection), accepted, {});
    session_->start();
  }

  void reachOrigin() {
    auto endpoint = std::make_shared<cluster::Endpoint>();
    endpoint->address = *net::Address::unixPath(origin_.address());
    auto set = std::make_shared<cluster::EndpointSet>();
    set->all.push_back(std::move(endpoint));
    proxy_->clusters.front()->publish(std::move(set));
  }

  void onServerClosed(transport::ServerConnection& connection) override {
    EXPECT_EQ(&connection, server_);
    server_ = nullptr;
  }
  void onServerReplaced(transport::ServerConnection& former,
                        transport::ServerConnection& next) override {
    EXPECT_EQ(&former, server_);
    server_ = &next;
  }

  void send(std::string_view bytes) {
    if (bytes.empty()) return;
    ASSERT_EQ(::send(client_fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // Both sides talk until nothing moves. `ended_` tells whether the server has closed.
  void settle() {
    for (int quiet = 0; quiet < 3; ++quiet) {
      send(recorder_.take(*session_));
      event_base_loop(loop_.base(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
      char bytes[65536];
      const ssize_t got = ::recv(client_fd_.get(), bytes, sizeof bytes, 0);
      if (got == 0) ended_ = true;
      if (got <= 0) continue;
      if (listens_) session_->receive({bytes, static_cast<size_t>(got)});
      quiet = 0;
    }
  }
  void advance(std::chrono::milliseconds time) {
    clock_.at += time;
    net::Loop::Turn turn(loop_);
    loop_.timers().advance(clock_.at);
  }
  // Time passes, and what it causes happens.
  void pass(std::chrono::milliseconds time) {
    advance(time + net::TimerWheel::kTick);
    settle();
  }
  void request(std::string_view path = "/") {
    codec::RecordedStream& stream = recorder_.newStream();
    stream.request.setMethod("GET");
    stream.request.path = path;
    stream.request.authority = "a.test";
    ASSERT_TRUE(session_->open(stream, stream.request, true));
    settle();
  }
  void drain() {
    recorder_.log();
    net::Loop::Turn turn(loop_);
    server_->drain();
  }
  uint64_t stat(std::string_view name) { return proxy_->stats.value(name).value_or(~uint64_t{0}); }

  net::StillClock clock_;
  net::Loop loop_{&clock_};
  std::unique_ptr<test::Proxy> proxy_, next_;
  std::shared_ptr<Hcm> hcm_;
  cluster::WorkerClusters clusters_{loop_};
  Services services_{loop_, clusters_, 1};
  uint64_t progress_ = 0;
  test::Origin origin_{loop_, progress_};
  transport::ServerConnection* server_ = nullptr;
  net::Fd client_fd_;
  codec::Http2Options options_;
  codec::ClientRecorder recorder_;
  std::unique_ptr<codec::Http2ClientSession> session_ =
      std::make_unique<codec::Http2ClientSession>(options_, recorder_.pool, recorder_);
  bool listens_ = true;
  bool ended_ = false;
};

TEST_F(Http2ServerTest, ItAnswersAndCounts) {
  open("");
  request();
  EXPECT_EQ(recorder_.at(0).body, "hi");
  EXPECT_EQ(stat("http.test.downstream_cx_http2_active"), 1u);
  EXPECT_EQ(stat("http.test.downstream_cx_http1_total"), 0u) << "it made way before it was counted";
  EXPECT_EQ(stat("http.test.downstream_rq_http2_total"), 1u);
  EXPECT_EQ(stat("http2.streams_active"), 0u);
  client_fd_.reset();
  for (int i = 0; i < 3; ++i) event_base_loop(loop_.base(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
  EXPECT_EQ(server_, nullptr);
  EXPECT_EQ(stat("http.test.downstream_cx_active"), 0u);
  EXPECT_EQ(stat("http.test.downstream_cx_http2_active"), 0u);
}

TEST_F(Http2ServerTest, AnIdleConnectionSaysSoAndEnds) {
  open("common_http_protocol_options: {idle_timeout: 10s}");
  request();
  recorder_.log();
  pass(9s);
  EXPECT_FALSE(ended_);
  request();
  pass(9s);
  EXPECT_FALSE(ended_) << "it was idle for nine seconds twice";
  recorder_.log();
  pass(1s);
  EXPECT_TRUE(ended_);
  EXPECT_EQ(recorder_.log(), "goaway 3 0");
  EXPECT_EQ(stat("http.test.downstream_cx_idle_timeout"), 1u);
  EXPECT_NE(server_, nullptr) << "it lingers";
  pass(1s);
  EXPECT_EQ(server_, nullptr);
  EXPECT_EQ(stat("http.test.downstream_cx_delayed_close_timeout"), 1u);
}

TEST_F(Http2ServerTest, ADrainTakesARoundTrip) {
  open("");
  request();
  drain();
  listens_ = false;
  settle();
  EXPECT_FALSE(ended_) << "the ping has no answer yet";
  listens_ = true;
  pass(5s);
  EXPECT_TRUE(ended_) << "drain_timeout has passed";
  EXPECT_EQ(stat("http2.goaway_sent"), 2u);
}

TEST_F(Http2ServerTest, ADrainWaitsForStreams) {
  open("");
  origin_.answer({.status = 200, .body = "late", .delay = 3s});
  request("/late");
  drain();
  settle();
  EXPECT_EQ(recorder_.log(), "goaway 2147483647 0; goaway 1 0");
  EXPECT_FALSE(ended_);
  pass(3s);
  EXPECT_EQ(recorder_.at(0).body, "late");
  EXPECT_TRUE(ended_);
}

TEST_F(Http2ServerTest, TheNextStreamSeesTheNewPlan) {
  open("");
  origin_.answer({.status = 200, .body = "late", .delay = 3s});
  request("/late");
  next_ = std::make_unique<test::Proxy>(test::noFilter().withRoutes(kNewRoutes));
  hcm_->replace(0, next_->plan);
  request("/late");
  EXPECT_EQ(recorder_.at(1).body, "new");
  EXPECT_EQ(recorder_.at(0).body, "");
  pass(3s);
  EXPECT_EQ(recorder_.at(0).body, "late");
}

TEST_F(Http2ServerTest, AConnectionOfAgeIsDrained) {
  open("common_http_protocol_options: {max_connection_duration: 60s}");
  request();
  recorder_.log();
  pass(59s);
  EXPECT_EQ(recorder_.log(), "");
  pass(1s);
  EXPECT_EQ(recorder_.log(), "goaway 2147483647 0; goaway 1 0");
  EXPECT_EQ(stat("http.test.downstream_cx_max_duration_reached"), 1u);
}

TEST_F(Http2ServerTest, PingsKeepItAliveWhileTheyAreAnswered) {
  open(
      "http2_protocol_options: {connection_keepalive: {interval: 10s, timeout: 2s, "
      "interval_jitter: {value: 0}}}");
  request();
  for (int i = 0; i < 5; ++i) pass(11s);
  EXPECT_FALSE(ended_);
  listens_ = false;
  pass(11s);
  EXPECT_NE(server_, nullptr);
  pass(2s);
  EXPECT_EQ(server_, nullptr);
  EXPECT_EQ(stat("http2.keepalive_timeout"), 1u);
}

TEST_F(Http2ServerTest, AHeadHasToBecomeComplete) {
  open("request_headers_timeout: 3s");
  settle();
  using namespace codec;
  send(frame(FrameType::Headers, 0, 1, getBlock()));
  settle();
  pass(2s);
  EXPECT_FALSE(ended_);
  pass(1s);
  EXPECT_TRUE(ended_);
  EXPECT_EQ(recorder_.log(), "goaway 0 11");
  EXPECT_EQ(stat("http.test.downstream_rq_header_timeout"), 1u);
}

TEST_F(Http2ServerTest, ResetsAreForgivenAsTimePasses) {
  open("http2_protocol_options: {stream_reset_burst: 2, stream_reset_rate: 1}");
  origin_.answer({.fate = test::Reply::Fate::Never});
  settle();
  using namespace codec;
  uint32_t stream = 1;
  const auto openAndReset = [&] {
    send(headers(stream, getBlock("/never"), true) +
         frame(FrameType::RstStream, 0, stream, number32(8)));
    stream += 2;
    settle();
  };
  openAndReset();
  openAndReset();
  pass(1s);
  openAndReset();
  EXPECT_FALSE(ended_);
  openAndReset();
  EXPECT_TRUE(ended_);
  EXPECT_EQ(recorder_.log(), "goaway 7 11");
  EXPECT_EQ(stat("http2.reset_flood"), 1u);
  EXPECT_EQ(stat("http2.streams_active"), 0u);
}

TEST(CodecChoice, theConfigurationThenAlpnThenTheFirstBytes) {
  constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  using enum CodecChoice;
  EXPECT_EQ(chooseCodec(CodecType::Http1, "h2", kPreface), Http1);
  EXPECT_EQ(chooseCodec(CodecType::Http2, "", ""), Http2);
  EXPECT_EQ(chooseCodec(CodecType::Auto, "h2", ""), Http2);
  EXPECT_EQ(chooseCodec(CodecType::Auto, "http/1.1", kPreface), Http1);
  EXPECT_EQ(chooseCodec(CodecType::Auto, "", ""), MoreBytes);
  for (size_t size = 1; size < kPreface.size(); ++size) {
    EXPECT_EQ(chooseCodec(CodecType::Auto, "", kPreface.substr(0, size)), MoreBytes) << size;
  }
  EXPECT_EQ(chooseCodec(CodecType::Auto, "", kPreface), Http2);
  EXPECT_EQ(chooseCodec(CodecType::Auto, "", std::string(kPreface) + "more"), Http2);
  EXPECT_EQ(chooseCodec(CodecType::Auto, "", "G"), Http1);
  EXPECT_EQ(chooseCodec(CodecType::Auto, "", "PRI * HTTP/2.0\r\n\r\nXX"), Http1);
}

}  // namespace
}  // namespace weir::stream
