#include "source/codec/opening/client_hello.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace weir::codec {
namespace {

constexpr size_t kRecordHeader = 5;
constexpr size_t kMessageHeader = 4;
constexpr size_t kLongestRecord = 16 * 1024;  // RFC 8446 §5.1
constexpr uint8_t kHandshake = 22;
constexpr uint8_t kClientHello = 1;

uint32_t numberAt(std::string_view bytes, size_t at, size_t size) {
  uint32_t number = 0;
  for (size_t i = 0; i < size; ++i) {
    number = number << 8 | static_cast<uint8_t>(bytes[at + i]);
  }
  return number;
}

// Takes vectors with a length in front off the beginning of a text; after one that does not fit,
// nothing does.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool ok() const { return ok_; }
  bool empty() const { return text_.empty(); }
  std::string_view take(size_t size) {
    if (size > text_.size()) {
      ok_ = false;
      text_ = {};
      return {};
    }
    const std::string_view taken = text_.substr(0, size);
    text_.remove_prefix(size);
    return taken;
  }
  uint32_t number(size_t size) {
    const std::string_view taken = take(size);
    return ok_ ? numberAt(taken, 0, size) : 0;
  }
  // `length_size`: of the length in front.
  std::string_view vector(size_t length_size) { return take(number(length_size)); }

 private:
  std::string_view text_;
  bool ok_ = true;
};

// RFC 6066 §3: one name of type host_name. Names that no host can have are no ClientHello.
bool readServerName(std::string_view data, ClientHello& hello) {
  constexpr size_t kLongestName = 255;
  Cursor extension(data);
  Cursor names(extension.vector(2));
  if (!extension.ok() || !extension.empty() || names.empty()) return false;
  while (!names.empty()) {
    const uint32_t type = names.number(1);
    const std::string_view name = names.vector(2);
    if (!names.ok() || name.empty() || name.size() > kLongestName) return false;
    if (type != 0) continue;
    if (!hello.server_name.empty()) return false;
    for (const char c : name) {
      if (c <= ' ' || c >= 0x7f) return false;
      const bool upper = c >= 'A' && c <= 'Z';
      hello.server_name.push_back(upper ? static_cast<char>(c - 'A' + 'a') : c);
    }
  }
  return true;
}

bool readAlpn(std::string_view data, ClientHello& hello) {
  Cursor extension(data);
  Cursor names(extension.vector(2));
  if (!extension.ok() || !extension.empty() || names.empty()) return false;
  while (!names.empty()) {
    const std::string_view name = names.vector(1);
    if (!names.ok() || name.empty()) return false;
    hello.alpn.emplace_back(name);
  }
  return true;
}

// RFC 8446 §4.2.1; values that only probe the server's tolerance (RFC 8701) are no versions.
bool readVersions(std::string_view data, ClientHello& hello) {
  Cursor extension(data);
  Cursor versions(extension.vector(1));
  if (!extension.ok() || !extension.empty() || versions.empty()) return false;
  uint32_t highest = 0;
  while (!versions.empty()) {
    const uint32_t version = versions.number(2);
    if (!versions.ok()) return false;
    if (version >> 8 == 3) highest = std::max(highest, version);
  }
  hello.version = static_cast<uint16_t>(highest);
  return true;
}

bool readExtensions(std::string_view data, ClientHello& hello) {
  constexpr uint32_t kServerName = 0, kAlpn = 16, kSupportedVersions = 43;
  Cursor extensions(data);
  bool name = false, alpn = false, versions = false;  // each stands at most once
  while (!extensions.empty()) {
    const uint32_t type = extensions.number(2);
    const std::string_view body = extensions.vector(2);
    if (!extensions.ok()) return false;
    if (type == kServerName && (std::exchange(name, true) || !readServerName(body, hello))) {
      return false;
    }
    if (type == kAlpn && (std::exchange(alpn, true) || !readAlpn(body, hello))) return false;
    if (type == kSupportedVersions &&
        (std::exchange(versions, true) || !readVersions(body, hello))) {
      return false;
    }
  }
  return true;
}

std::optional<ClientHello> parseHello(std::string_view body) {
  constexpr size_t kRandom = 32;
  ClientHello hello;
  Cursor at(body);
  hello.version = static_cast<uint16_t>(at.number(2));
  at.take(kRandom);
  const std::string_view session = at.vector(1);
  const std::string_view ciphers = at.vector(2);
  const std::string_view compression = at.vector(1);
  if (!at.ok() || session.size() > 32 || ciphers.empty() || ciphers.size() % 2 != 0 ||
      compression.empty() || hello.version >> 8 != 3) {
    return std::nullopt;
  }
  if (at.empty()) return hello;  // of old, without extensions
  const std::string_view extensions = at.vector(2);
  if (!at.ok() || !at.empty() || !readExtensions(extensions, hello)) return std::nullopt;
  return hello;
}

}  // namespace

HelloReader::State HelloReader::read(std::string_view bytes) {
  // What is beyond the limit has no say, or what comes of it would depend on how it arrives.
  bytes = bytes.substr(0, max_size_);
  while (true) {
    const std::string_view rest = bytes.substr(at_);
    if (!rest.empty() && static_cast<uint8_t>(rest[0]) != kHandshake) return State::NotTls;
    if (rest.size() > 1 && rest[1] != 3) return State::NotTls;
    if (rest.size() < kRecordHeader) break;
    const size_t size = numberAt(rest, 3, 2);
    if (size == 0 || size > kLongestRecord) return State::NotTls;
    if (rest.size() > kRecordHeader && message_.empty() && rest[kRecordHeader] != kClientHello) {
      return State::NotTls;
    }
    if (rest.size() < kRecordHeader + size) break;
    at_ += kRecordHeader + size;
    if (const State state = readRecord(rest.substr(kRecordHeader, size)); state != State::NeedMore)
      return state;
  }
  return bytes.size() >= max_size_ ? State::TooLarge : State::NeedMore;
}

HelloReader::State HelloReader::readRecord(std::string_view record) {
  message_.append(record);
  if (message_.size() < kMessageHeader) return State::NeedMore;
  const size_t size = numberAt(message_, 1, 3);
  if (size > max_size_) return State::TooLarge;
  if (message_.size() - kMessageHeader < size) return State::NeedMore;
  auto hello = parseHello(std::string_view(message_).substr(kMessageHeader, size));
  if (!hello) return State::NotTls;
  hello_ = *std::move(hello);
  return State::Found;
}

}  // namespace weir::codec
