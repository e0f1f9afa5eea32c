#include "source/codec/http2/settings.h"

namespace weir::codec {

Http2Fault PeerSettings::apply(std::string_view payload, bool from_server) {
  for (; payload.size() >= 6; payload.remove_prefix(6)) {
    const Http2Fault fault =
        applyOne(readUint16(payload.data()), readUint32(payload.data() + 2), from_server);
    if (fault != Http2Fault::None) return fault;
  }
  return Http2Fault::None;
}

Http2Fault PeerSettings::applyOne(uint16_t id, uint32_t value, bool from_server) {
  switch (static_cast<SettingId>(id)) {
    case SettingId::HeaderTableSize:
      header_table_size = value;
      break;
    case SettingId::EnablePush:
      // We push to nobody; a server may not offer it (§6.5.2).
      if (value > 1 || (from_server && value != 0)) return Http2Fault::InvalidSettings;
      break;
    case SettingId::MaxConcurrentStreams:
      max_concurrent_streams = value;
      break;
    case SettingId::InitialWindowSize:
      if (value > kMaxWindow) return Http2Fault::InvalidWindowSetting;
      initial_window = value;
      break;
    case SettingId::MaxFrameSize:
      if (value < kMaxFrameSize || value > 0xffffff) return Http2Fault::InvalidSettings;
      max_frame_size = value;
      break;
    case SettingId::MaxHeaderListSize:
      break;  // advice only: who refuses a head says so
    case SettingId::EnableConnectProtocol:
      // RFC 8441 §3: never back to 0.
      if (value > 1 || (enable_connect && value == 0)) return Http2Fault::InvalidSettings;
      enable_connect = value == 1;
      break;
    default:
      break;  // §6.5.2: unknown ones are ignored
  }
  return Http2Fault::None;
}

}  // namespace weir::codec
