// What tests of TLS openings share: a ClientHello written byte by byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::codec {

inline std::string bigEndian(size_t number, size_t size) {
  std::string text;
  for (size_t i = size; i-- > 0;) text.push_back(static_cast<char>(number >> (8 * i)));
  return text;
}

inline std::string withLength(std::string_view body, size_t length_size) {
  return bigEndian(body.size(), length_size).append(body);
}

inline std::string extensionBytes(uint16_t type, std::string_view body) {
  return bigEndian(type, 2) + withLength(body, 2);
}

inline std::string serverNameBytes(std::string_view name) {
  return extensionBytes(0, withLength(std::string(1, '\0') + withLength(name, 2), 2));
}

inline std::string alpnBytes(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += withLength(name, 1);
  return extensionBytes(16, withLength(list, 2));
}

// The handshake message, without records.
inline std::string helloMessage(std::string_view extensions) {
  const std::string body = std::string("\x03\x03", 2) + std::string(32, 'r') + withLength("", 1) +
                           withLength(std::string("\x13\x01", 2), 2) +
                           withLength(std::string(1, '\0'), 1) + withLength(extensions, 2);
  return "\x01" + withLength(body, 3);
}

// The message in records of at most `record` bytes.
inline std::string inRecords(std::string_view message, size_t record = 16384) {
  std::string bytes;
  while (!message.empty()) {
    bytes += std::string("\x16\x03\x01", 3) + withLength(message.substr(0, record), 2);
    message.remove_prefix(std::min(record, message.size()));
  }
  return bytes;
}

}  // namespace weir::codec
