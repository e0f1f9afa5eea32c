#include "source/http2/options.h"

#include <limits>
#include <optional>
#include <string>

namespace weir::http2 {
namespace {

using google::protobuf::Duration;
using google::protobuf::UInt32Value;
using std::chrono::milliseconds;

constexpr uint32_t kMaxInt = std::numeric_limits<int32_t>::max();

struct Range {
  uint32_t least;
  uint32_t most;
};

void read(bool set, uint32_t value, Range range, uint32_t& into, const Where& at) {
  if (!set) return;
  into = value;
  if (value >= range.least && value <= range.most) return;
  at.error("expected " + std::to_string(range.least) + " to " + std::to_string(range.most) +
           ", found " + std::to_string(value));
}

std::optional<milliseconds> duration(bool set, const Duration& proto, const Where& at) {
  if (!set) return std::nullopt;
  constexpr int64_t kMostSeconds = 315'576'000'000;  // protobuf's own bound: 10,000 years
  const int64_t seconds = proto.seconds();
  const int32_t nanos = proto.nanos();
  if (seconds >= 0 && seconds <= kMostSeconds && nanos >= 0 && nanos <= 999'999'999) {
    const milliseconds value(seconds * 1000 + nanos / 1'000'000);
    if (value.count() >= 1) return value;
  }
  at.error("expected at least 1ms");
  return std::nullopt;
}

void readKeepalive(const envoy::config::core::v3::KeepaliveSettings& proto,
                   Keepalive::Options& into, const Where& at) {
  const auto timeout = duration(proto.has_timeout(), proto.timeout(), at.field("timeout"));
  if (!proto.has_timeout()) at.error("expected a timeout: how long a ping may be unanswered");
  into.timeout = timeout.value_or(milliseconds(0));
  into.interval = duration(proto.has_interval(), proto.interval(), at.field("interval"))
                      .value_or(milliseconds(0));
  into.idle = duration(proto.has_connection_idle_interval(), proto.connection_idle_interval(),
                       at.field("connection_idle_interval"))
                  .value_or(milliseconds(0));
  if (proto.has_interval_jitter()) {
    into.jitter_percent = proto.interval_jitter().value();
    if (into.jitter_percent < 0 || into.jitter_percent > 100) {
      at.field("interval_jitter").field("value").error("expected 0 to 100");
    }
  }
  if (!proto.has_interval() && !proto.has_connection_idle_interval()) {
    at.error("expected interval or connection_idle_interval: when to ping");
  }
}

// Null: it has none.
const UInt32Value* optionOf(uint32_t id, const OptionsProto& proto) {
  switch (static_cast<codec::SettingId>(id)) {
    case codec::SettingId::HeaderTableSize:
      return &proto.hpack_table_size();
    case codec::SettingId::MaxConcurrentStreams:
      return &proto.max_concurrent_streams();
    case codec::SettingId::InitialWindowSize:
      return &proto.initial_stream_window_size();
    default:
      return nullptr;
  }
}

// Settings that have no option of their own here. Those that have may be repeated, not
// contradicted.
void readCustom(const OptionsProto& proto, Options& into, const Where& at) {
  for (int i = 0; i < proto.custom_settings_parameters_size(); ++i) {
    const auto& setting = proto.custom_settings_parameters(i);
    const Where here = at.field("custom_settings_parameters").index(static_cast<size_t>(i));
    const uint32_t id = setting.identifier().value();
    const uint32_t value = setting.value().value();
    if (!setting.has_identifier() || id > 0xffff) {
      here.field("identifier").error("expected a setting's number, 0 to 65535");
      continue;
    }
    if (!setting.has_value()) {
      here.field("value").error("expected the setting's value");
      continue;
    }
    using codec::SettingId;
    const auto known = static_cast<SettingId>(id);
    if (const UInt32Value* option = optionOf(id, proto); option != nullptr) {
      if (option->value() != value) {
        here.error("contradicts, or has to be given as, the option of the same meaning");
      }
    } else if (known == SettingId::EnablePush) {
      if (value != 0) here.error("server push is never used");
    } else if (known == SettingId::EnableConnectProtocol) {
      if ((value != 0) != proto.allow_connect()) here.error("contradicts allow_connect");
    } else if (known == SettingId::MaxFrameSize) {
      if (value != codec::kMaxFrameSize) here.error("only 16384 is supported");
    } else if (known == SettingId::MaxHeaderListSize) {
      here.error("is announced from the limit to header sizes");
    } else {
      into.codec.custom_settings.push_back({static_cast<uint16_t>(id), value});
    }
  }
}

void readLimits(const OptionsProto& proto, codec::Http2Options& codec, const Where& at) {
  const auto limit = [&](bool set, uint32_t value, uint32_t least, uint32_t& into,
                         std::string_view field) {
    read(set, value, {least, std::numeric_limits<uint32_t>::max()}, into, at.field(field));
  };
  limit(proto.has_max_outbound_frames(), proto.max_outbound_frames().value(), 1,
        codec.max_outbound_frames, "max_outbound_frames");
  limit(proto.has_max_outbound_control_frames(), proto.max_outbound_control_frames().value(), 1,
        codec.max_outbound_control_frames, "max_outbound_control_frames");
  limit(proto.has_max_consecutive_inbound_frames_with_empty_payload(),
        proto.max_consecutive_inbound_frames_with_empty_payload().value(), 0,
        codec.max_consecutive_inbound_frames_with_empty_payload,
        "max_consecutive_inbound_frames_with_empty_payload");
  limit(proto.has_max_inbound_priority_frames_per_stream(),
        proto.max_inbound_priority_frames_per_stream().value(), 0,
        codec.max_inbound_priority_frames_per_stream, "max_inbound_priority_frames_per_stream");
  limit(proto.has_max_inbound_window_update_frames_per_data_frame_sent(),
        proto.max_inbound_window_update_frames_per_data_frame_sent().value(), 1,
        codec.max_inbound_window_update_frames_per_data_frame_sent,
        "max_inbound_window_update_frames_per_data_frame_sent");
}

void readResets(const OptionsProto& proto, Role role, Options& into, const Where& at) {
  if (!proto.has_stream_reset_burst() && !proto.has_stream_reset_rate()) return;
  if (role == Role::Client) {
    at.field("stream_reset_burst").warning("resets are limited where requests come in");
    return;
  }
  constexpr uint64_t kMost = std::numeric_limits<uint32_t>::max();
  if (proto.has_stream_reset_burst()) {
    into.codec.max_resets =
        static_cast<uint32_t>(std::min(proto.stream_reset_burst().value(), kMost));
  }
  if (proto.has_stream_reset_rate()) {
    into.resets_per_second =
        static_cast<uint32_t>(std::min(proto.stream_reset_rate().value(), kMost));
  }
}

void refuseUnsupported(const OptionsProto& proto, const Where& at) {
  if (proto.allow_metadata()) {
    at.field("allow_metadata").error("METADATA frames are not supported: they are ignored");
  }
  if (proto.has_enable_huffman_encoding() && !proto.enable_huffman_encoding().value()) {
    at.field("enable_huffman_encoding")
        .error("text is written Huffman coded where that is shorter");
  }
  if (proto.has_max_header_field_size_kb() && proto.max_header_field_size_kb().value() != 64) {
    at.field("max_header_field_size_kb").error("only 64, a field's greatest size, is supported");
  }
  if (proto.disallow_obs_text().value()) {
    at.field("disallow_obs_text").error("bytes above 0x7f in values cannot be refused yet");
  }
}

}  // namespace

Options defaultOptions(Role role) {
  Options options;
  if (role == Role::Client) {
    options.codec.max_concurrent_streams = 1024;
    options.codec.initial_connection_window = 1024 * options.codec.initial_stream_window;
  }
  return options;
}

void readOptions(const OptionsProto& proto, Role role, Options& into, const Where& at) {
  codec::Http2Options& codec = into.codec;
  const uint32_t any = std::numeric_limits<uint32_t>::max();
  read(proto.has_hpack_table_size(), proto.hpack_table_size().value(), {0, any},
       codec.header_table_size, at.field("hpack_table_size"));
  read(proto.has_max_concurrent_streams(), proto.max_concurrent_streams().value(), {1, kMaxInt},
       codec.max_concurrent_streams, at.field("max_concurrent_streams"));
  read(proto.has_initial_stream_window_size(), proto.initial_stream_window_size().value(),
       {65535, kMaxInt}, codec.initial_stream_window, at.field("initial_stream_window_size"));
  read(proto.has_initial_connection_window_size(), proto.initial_connection_window_size().value(),
       {65535, kMaxInt}, codec.initial_connection_window,
       at.field("initial_connection_window_size"));
  codec.allow_connect = proto.allow_connect();
  if (proto.stream_error_on_invalid_http_messaging()) {
    codec.stream_error_on_invalid_http_messaging = true;
  }
  if (proto.has_override_stream_error_on_invalid_http_message()) {
    codec.stream_error_on_invalid_http_messaging =
        proto.override_stream_error_on_invalid_http_message().value();
  }
  readLimits(proto, codec, at);
  readResets(proto, role, into, at);
  readCustom(proto, into, at);
  if (proto.has_connection_keepalive()) {
    readKeepalive(proto.connection_keepalive(), into.keepalive, at.field("connection_keepalive"));
  }
  refuseUnsupported(proto, at);
}

}  // namespace weir::http2
