// The frames of HTTP/2 (RFC 9113 §4.1, §6) as numbers: types, flags, settings and error codes, and
// the nine bytes in front of every frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::codec {

enum class FrameType : uint8_t {
  Data,
  Headers,
  Priority,
  RstStream,
  Settings,
  PushPromise,
  Ping,
  Goaway,
  WindowUpdate,
  Continuation,
};

inline constexpr uint8_t kFlagEndStream = 0x1;
inline constexpr uint8_t kFlagAck = 0x1;
inline constexpr uint8_t kFlagEndHeaders = 0x4;
inline constexpr uint8_t kFlagPadded = 0x8;
inline constexpr uint8_t kFlagPriority = 0x20;

enum class SettingId : uint16_t {
  HeaderTableSize = 1,
  EnablePush = 2,
  MaxConcurrentStreams = 3,
  InitialWindowSize = 4,
  MaxFrameSize = 5,
  MaxHeaderListSize = 6,
  EnableConnectProtocol = 8,  // RFC 8441 §3
};

// RFC 9113 §7. Peers may send any other number, too.
enum class Http2Code : uint32_t {
  NoError,
  ProtocolError,
  InternalError,
  FlowControlError,
  SettingsTimeout,
  StreamClosed,
  FrameSizeError,
  RefusedStream,
  Cancel,
  CompressionError,
  ConnectError,
  EnhanceYourCalm,
  InadequateSecurity,
  Http11Required,
};

inline constexpr std::string_view kClientPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline constexpr size_t kFrameHeaderSize = 9;
inline constexpr uint32_t kMaxFrameSize = 16384;  // what we accept, and the most we write
inline constexpr uint32_t kDefaultWindow = 65535;
inline constexpr uint32_t kMaxWindow = 0x7fffffff;
inline constexpr uint32_t kMaxStreamId = 0x7fffffff;
inline constexpr uint32_t kDefaultHeaderTableSize = 4096;

struct FrameHeader {
  uint32_t length = 0;
  uint8_t type = 0;  // a FrameType, or one we do not know
  uint8_t flags = 0;
  uint32_t stream = 0;

  bool is(FrameType wanted) const { return type == static_cast<uint8_t>(wanted); }
  bool has(uint8_t flag) const { return (flags & flag) != 0; }
};

inline uint16_t readUint16(const char* at) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(at);
  return static_cast<uint16_t>(bytes[0] << 8 | bytes[1]);
}

inline uint32_t readUint32(const char* at) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(at);
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

inline void writeUint16(char* at, uint16_t value) {
  at[0] = static_cast<char>(value >> 8);
  at[1] = static_cast<char>(value);
}

inline void writeUint32(char* at, uint32_t value) {
  writeUint16(at, static_cast<uint16_t>(value >> 16));
  writeUint16(at + 2, static_cast<uint16_t>(value));
}

// `at` has kFrameHeaderSize bytes. The reserved bit is ignored.
inline FrameHeader readFrameHeader(const char* at) {
  return {readUint32(at) >> 8, static_cast<uint8_t>(at[3]), static_cast<uint8_t>(at[4]),
          readUint32(at + 5) & kMaxStreamId};
}

inline void writeFrameHeader(char* at, uint32_t length, FrameType type, uint8_t flags,
                             uint32_t stream) {
  writeUint32(at, length << 8 | static_cast<uint8_t>(type));
  at[4] = static_cast<char>(flags);
  writeUint32(at + 5, stream);
}

}  // namespace weir::codec
