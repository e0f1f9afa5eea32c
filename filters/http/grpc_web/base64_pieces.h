// Base64 (RFC 4648 §4) of a body that comes in pieces of any size. gRPC-Web's text form is a
// sequence of encoded parts, each with its own padding: a message, a trailers frame, or whatever a
// peer flushed. So padding may stand at the end of any four characters. Pure; one stream each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::filters::grpc_web {

class Base64Decoder {
 public:
  // Appends what the text stands for. False: it is not base64, and nothing more may be decoded.
  // Strict: no line ends, no other alphabet, padding only where and as long as it must be.
  bool decode(std::string_view text, std::string& out);
  // The text may end here.
  bool atEnd() const { return held_ == 0; }

 private:
  bool take(char c, std::string& out);

  uint32_t bits_ = 0;     // of the characters held
  uint32_t held_ = 0;     // characters of the four that are under way
  uint32_t padding_ = 0;  // … of these '='
};

class Base64Encoder {
 public:
  // Appends the text of all bytes but one or two at the end, which wait for more.
  void encode(std::string_view data, std::string& out);
  // … and of these, with padding: the part ends.
  void flush(std::string& out);

 private:
  uint32_t bits_ = 0;
  uint32_t held_ = 0;  // bytes, 0 to 2
};

}  // namespace weir::filters::grpc_web
