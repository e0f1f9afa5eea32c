// Frames as bytes and bytes as text, by hand and without any code of the codec but its numbers, so
// that tests and fuzz targets can say what no honest peer would. Test only.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "source/codec/http2/frame.h"

namespace weir::codec {

inline std::string number32(uint32_t value) {
  char bytes[4];
  writeUint32(bytes, value);
  return {bytes, 4};
}

inline std::string frame(FrameType type, uint8_t flags, uint32_t stream,
                         std::string_view payload = {}) {
  char header[kFrameHeaderSize];
  writeFrameHeader(header, static_cast<uint32_t>(payload.size()), type, flags, stream);
  return std::string(header, sizeof header) + std::string(payload);
}

// RFC 7541 §5.1 with a prefix of 7 bits.
inline std::string hpackLength(size_t size) {
  if (size < 127) return {static_cast<char>(size)};
  std::string out = "\x7f";
  for (size -= 127; size >= 128; size /= 128) out += static_cast<char>(size % 128 + 128);
  return out + static_cast<char>(size);
}

using FieldList = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// Literals that no table keeps (RFC 7541 §6.2.2): any bytes can be said.
inline std::string block(FieldList fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    out += '\0';
    out.append(hpackLength(name.size())).append(name);
    out.append(hpackLength(value.size())).append(value);
  }
  return out;
}

inline std::string getBlock(std::string_view path = "/") {
  return block({{":method", "GET"}, {":scheme", "http"}, {":path", path}, {":authority", "h"}});
}
inline std::string postBlock() {
  return block({{":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {":authority", "h"}});
}

inline std::string headers(uint32_t stream, std::string_view block, bool end = true) {
  const uint8_t flags = kFlagEndHeaders | (end ? kFlagEndStream : 0);
  return frame(FrameType::Headers, flags, stream, block);
}
inline std::string data(uint32_t stream, std::string_view bytes, bool end = true) {
  return frame(FrameType::Data, end ? kFlagEndStream : 0, stream, bytes);
}
inline std::string windowUpdate(uint32_t stream, uint32_t increment) {
  return frame(FrameType::WindowUpdate, 0, stream, number32(increment));
}
inline std::string rstStream(uint32_t stream, Http2Code code) {
  return frame(FrameType::RstStream, 0, stream, number32(static_cast<uint32_t>(code)));
}
inline std::string setting(SettingId id, uint32_t value) {
  char bytes[2];
  writeUint16(bytes, static_cast<uint16_t>(id));
  return std::string(bytes, 2) + number32(value);
}
inline std::string settings(std::string_view payload = {}) {
  return frame(FrameType::Settings, 0, 0, payload);
}
inline std::string settingsAck() { return frame(FrameType::Settings, kFlagAck, 0); }
inline std::string pingFrame(std::string_view opaque = "12345678", uint8_t flags = 0) {
  return frame(FrameType::Ping, flags, 0, opaque);
}
inline std::string goaway(uint32_t last, Http2Code code) {
  return frame(FrameType::Goaway, 0, 0, number32(last) + number32(static_cast<uint32_t>(code)));
}
inline std::string preface() { return std::string(kClientPreface) + settings(); }

inline std::string_view nameOf(Http2Code code) {
  constexpr std::string_view kNames[] = {"NO_ERROR",
                                         "PROTOCOL_ERROR",
                                         "INTERNAL_ERROR",
                                         "FLOW_CONTROL_ERROR",
                                         "SETTINGS_TIMEOUT",
                                         "STREAM_CLOSED",
                                         "FRAME_SIZE_ERROR",
                                         "REFUSED_STREAM",
                                         "CANCEL",
                                         "COMPRESSION_ERROR",
                                         "CONNECT_ERROR",
                                         "ENHANCE_YOUR_CALM",
                                         "INADEQUATE_SECURITY",
                                         "HTTP_1_1_REQUIRED"};
  const auto index = static_cast<size_t>(code);
  return index < std::size(kNames) ? kNames[index] : "?";
}

// One frame as "TYPE stream [what it says]"; DATA of more than 16 bytes as its size.
inline std::string describe(const FrameHeader& header, std::string_view payload) {
  constexpr std::string_view kTypes[] = {"DATA",          "HEADERS",     "PRIORITY", "RST_STREAM",
                                         "SETTINGS",      "PUSH",        "PING",     "GOAWAY",
                                         "WINDOW_UPDATE", "CONTINUATION"};
  std::string out(header.type < std::size(kTypes) ? kTypes[header.type] : "UNKNOWN");
  if (header.stream != 0) out += " " + std::to_string(header.stream);
  const auto code = [&](size_t at) {
    return " " + std::string(nameOf(static_cast<Http2Code>(readUint32(payload.data() + at))));
  };
  switch (static_cast<FrameType>(header.type)) {
    case FrameType::Data:
      out += payload.size() > 16 ? " [" + std::to_string(payload.size()) + "]"
                                 : " '" + std::string(payload) + "'";
      [[fallthrough]];
    case FrameType::Headers:
      if (header.has(kFlagEndStream)) out += " end";
      break;
    case FrameType::RstStream:
      out += code(0);
      break;
    case FrameType::WindowUpdate:
      out += " " + std::to_string(readUint32(payload.data()));
      break;
    case FrameType::Goaway:
      out += " " + std::to_string(readUint32(payload.data())) + code(4);
      if (payload.size() > 8) out += " " + std::string(payload.substr(8));
      break;
    case FrameType::Settings:
    case FrameType::Ping:
      if (header.has(kFlagAck)) out += " ack";
      break;
    default:
      break;
  }
  return out;
}

// All frames, with ", " between them.
inline std::string describe(std::string_view bytes) {
  std::string out;
  if (bytes.substr(0, kClientPreface.size()) == kClientPreface) {
    out = "PRI";
    bytes.remove_prefix(kClientPreface.size());
  }
  while (bytes.size() >= kFrameHeaderSize) {
    const FrameHeader header = readFrameHeader(bytes.data());
    if (!out.empty()) out += ", ";
    if (bytes.size() < kFrameHeaderSize + header.length) return out + "incomplete";
    out += describe(header, bytes.substr(kFrameHeaderSize, header.length));
    bytes.remove_prefix(kFrameHeaderSize + header.length);
  }
  return bytes.empty() ? out : out + ", incomplete";
}

}  // namespace weir::codec
