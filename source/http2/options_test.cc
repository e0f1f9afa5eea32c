#include "source/http2/options.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

namespace weir::http2 {
namespace {

using namespace std::chrono_literals;

struct Outcome {
  Options options;
  std::string report;
};

Outcome read(const std::string& text, Role role = Role::Server) {
  OptionsProto proto;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &proto)) << text;
  Outcome outcome{.options = defaultOptions(role), .report = {}};
  Report report;
  readOptions(proto, role, outcome.options, Where(report).field("h2"));
  outcome.report = report.text();
  return outcome;
}

TEST(Http2Options, defaultsAreEnvoysAdviceForTheEdge) {
  const Options options = read("").options;
  EXPECT_EQ(options.codec.max_concurrent_streams, 100u);
  EXPECT_EQ(options.codec.initial_stream_window, 65536u);
  EXPECT_EQ(options.codec.initial_connection_window, 1048576u);
  EXPECT_FALSE(options.codec.allow_connect);
  EXPECT_FALSE(options.codec.stream_error_on_invalid_http_messaging);
  EXPECT_EQ(options.keepalive.interval, 0ms);
}

TEST(Http2Options, aClientsConnectionWindowHoldsEveryStreams) {
  const Options options = read("", Role::Client).options;
  EXPECT_GE(options.codec.initial_connection_window,
            options.codec.max_concurrent_streams * options.codec.initial_stream_window);
}

TEST(Http2Options, allAreRead) {
  const Outcome outcome = read(
      "hpack_table_size {value: 0} max_concurrent_streams {value: 7} "
      "initial_stream_window_size {value: 70000} initial_connection_window_size {value: 80000} "
      "allow_connect: true max_outbound_frames {value: 11} "
      "max_outbound_control_frames {value: 12} "
      "max_consecutive_inbound_frames_with_empty_payload {value: 0} "
      "max_inbound_priority_frames_per_stream {value: 14} "
      "max_inbound_window_update_frames_per_data_frame_sent {value: 15} "
      "override_stream_error_on_invalid_http_message {value: true} "
      "custom_settings_parameters {identifier {value: 4660} value {value: 5}} "
      "connection_keepalive {interval {seconds: 30} timeout {nanos: 500000000} "
      "interval_jitter {value: 5} connection_idle_interval {seconds: 3}} "
      "stream_reset_burst {value: 9} stream_reset_rate {value: 2}");
  EXPECT_EQ(outcome.report, "");
  const codec::Http2Options& codec = outcome.options.codec;
  EXPECT_EQ(codec.header_table_size, 0u);
  EXPECT_EQ(codec.max_concurrent_streams, 7u);
  EXPECT_EQ(codec.initial_stream_window, 70000u);
  EXPECT_EQ(codec.initial_connection_window, 80000u);
  EXPECT_TRUE(codec.allow_connect);
  EXPECT_EQ(codec.max_outbound_frames, 11u);
  EXPECT_EQ(codec.max_outbound_control_frames, 12u);
  EXPECT_EQ(codec.max_consecutive_inbound_frames_with_empty_payload, 0u);
  EXPECT_EQ(codec.max_inbound_priority_frames_per_stream, 14u);
  EXPECT_EQ(codec.max_inbound_window_update_frames_per_data_frame_sent, 15u);
  EXPECT_TRUE(codec.stream_error_on_invalid_http_messaging);
  ASSERT_EQ(codec.custom_settings.size(), 1u);
  EXPECT_EQ(codec.custom_settings[0].id, 0x1234);
  EXPECT_EQ(codec.max_resets, 9u);
  EXPECT_EQ(outcome.options.resets_per_second, 2u);
  EXPECT_EQ(outcome.options.keepalive.interval, 30s);
  EXPECT_EQ(outcome.options.keepalive.timeout, 500ms);
  EXPECT_EQ(outcome.options.keepalive.idle, 3s);
  EXPECT_EQ(outcome.options.keepalive.jitter_percent, 5);
}

TEST(Http2Options, whatCannotBeIsRefusedByName) {
  const struct {
    const char* text;
    const char* said;
  } rows[] = {
      {"max_concurrent_streams {value: 0}", "h2.max_concurrent_streams"},
      {"initial_stream_window_size {value: 1000}", "h2.initial_stream_window_size"},
      {"initial_connection_window_size {value: 65534}", "h2.initial_connection_window_size"},
      {"max_outbound_frames {value: 0}", "h2.max_outbound_frames"},
      {"max_outbound_control_frames {value: 0}", "h2.max_outbound_control_frames"},
      {"max_inbound_window_update_frames_per_data_frame_sent {value: 0}",
       "h2.max_inbound_window_update_frames_per_data_frame_sent"},
      {"allow_metadata: true", "h2.allow_metadata"},
      {"enable_huffman_encoding {value: false}", "h2.enable_huffman_encoding"},
      {"max_header_field_size_kb {value: 128}", "h2.max_header_field_size_kb"},
      {"disallow_obs_text {value: true}", "h2.disallow_obs_text"},
      {"connection_keepalive {interval {seconds: 1}}", "expected a timeout"},
      {"connection_keepalive {timeout {seconds: 1}}", "when to ping"},
      {"connection_keepalive {interval {} timeout {seconds: 1}}", "interval"},
      {"connection_keepalive {interval {seconds: 1} timeout {seconds: 1} "
       "interval_jitter {value: 101}}",
       "interval_jitter"},
      {"custom_settings_parameters {value {value: 5}}", "identifier"},
      {"custom_settings_parameters {identifier {value: 9}}", "custom_settings_parameters[0].value"},
      {"custom_settings_parameters {identifier {value: 2} value {value: 1}}", "push"},
      {"max_concurrent_streams {value: 5} "
       "custom_settings_parameters {identifier {value: 3} value {value: 6}}",
       "contradicts"},
      {"custom_settings_parameters {identifier {value: 8} value {value: 1}}", "allow_connect"},
      {"custom_settings_parameters {identifier {value: 5} value {value: 20000}}", "16384"},
      {"custom_settings_parameters {identifier {value: 6} value {value: 20000}}", "announced"},
  };
  for (const auto& row : rows) {
    const std::string report = read(row.text).report;
    EXPECT_NE(report.find(row.said), report.npos) << row.text << "\n" << report;
  }
}

TEST(Http2Options, aSettingMayRepeatItsOption) {
  EXPECT_EQ(read("max_concurrent_streams {value: 5} allow_connect: true "
                 "custom_settings_parameters {identifier {value: 3} value {value: 5}} "
                 "custom_settings_parameters {identifier {value: 8} value {value: 1}}")
                .report,
            "");
}

}  // namespace
}  // namespace weir::http2
