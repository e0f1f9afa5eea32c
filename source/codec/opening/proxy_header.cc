#include "source/codec/opening/proxy_header.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace weir::codec {
namespace {

using Kind = ProxyParse::Kind;

constexpr std::string_view kV1 = "PROXY ";
constexpr std::string_view kV2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kLongestV1 = 107;  // with its line end
constexpr size_t kV2Fixed = 16;
constexpr size_t kUnixPath = 108;

ProxyParse bad(uint8_t version, std::string_view why) {
  ProxyParse parse;
  parse.kind = Kind::Bad;
  parse.version = version;
  parse.why = why;
  return parse;
}

size_t numberAt(std::string_view bytes, size_t at) {
  return static_cast<size_t>(static_cast<uint8_t>(bytes[at]) << 8 |
                             static_cast<uint8_t>(bytes[at + 1]));
}

// Cuts the text up to the next space off; without a space, all of it.
std::string_view takeWord(std::string_view& text) {
  const size_t end = text.find(' ');
  const std::string_view word = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return word;
}

bool readIp(std::string_view text, ProxyFamily family, ProxyEnd& end) {
  char zero_ended[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof zero_ended) return false;
  if (text.find('\0') != std::string_view::npos) return false;  // the end, to inet_pton()
  std::memcpy(zero_ended, text.data(), text.size());
  zero_ended[text.size()] = '\0';
  return inet_pton(family == ProxyFamily::V4 ? AF_INET : AF_INET6, zero_ended, end.ip.data()) == 1;
}

bool readPort(std::string_view text, ProxyEnd& end) {
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return false;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), end.port);
  return error == std::errc() && stop == text.data() + text.size();
}

ProxyParse parseV1(std::string_view bytes) {
  const size_t end = bytes.substr(0, kLongestV1).find("\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() >= kLongestV1) return bad(1, "the line is too long");
    if (bytes.find('\n') != std::string_view::npos) {
      return bad(1, "a line end without CR");
    }
    ProxyParse more;
    more.version = 1;
    return more;
  }
  if (bytes.substr(0, end).find('\n') != std::string_view::npos) {
    return bad(1, "a line end without CR");
  }
  ProxyParse parse;
  parse.kind = Kind::Found;
  parse.version = 1;
  parse.size = end + 2;
  ProxyHeader& header = parse.header;
  std::string_view line = bytes.substr(kV1.size(), end - kV1.size());
  const bool fields_follow = line.find(' ') != std::string_view::npos;
  const std::string_view family = takeWord(line);
  if (family == "UNKNOWN") {
    header.local = true;
    return parse;
  }
  if (family != "TCP4" && family != "TCP6") return bad(1, "expected TCP4, TCP6 or UNKNOWN");
  if (!fields_follow) return bad(1, "no addresses");
  header.family = family == "TCP4" ? ProxyFamily::V4 : ProxyFamily::V6;
  const std::string_view source = takeWord(line), destination = takeWord(line);
  const std::string_view source_port = takeWord(line);
  if (!readIp(source, header.family, header.source) ||
      !readIp(destination, header.family, header.destination)) {
    return bad(1, "not an address of the family");
  }
  if (!readPort(source_port, header.source) || !readPort(line, header.destination)) {
    return bad(1, "not a port");
  }
  return parse;
}

bool areTlvs(std::string_view tlvs) {
  while (!tlvs.empty()) {
    if (tlvs.size() < 3 || numberAt(tlvs, 1) > tlvs.size() - 3) return false;
    tlvs.remove_prefix(3 + numberAt(tlvs, 1));
  }
  return true;
}

std::string_view pathOf(std::string_view field) {
  return field.substr(0, field.find('\0', field[0] == '\0' ? 1 : 0));
}

// The addresses of `body`; how many bytes they take.
size_t readAddresses(std::string_view body, ProxyHeader& header) {
  const size_t ip = header.family == ProxyFamily::V4 ? 4 : 16;
  if (header.family == ProxyFamily::Unix) {
    if (body.size() < 2 * kUnixPath) return std::string_view::npos;
    header.source.path = pathOf(body.substr(0, kUnixPath));
    header.destination.path = pathOf(body.substr(kUnixPath, kUnixPath));
    return 2 * kUnixPath;
  }
  if (body.size() < 2 * ip + 4) return std::string_view::npos;
  std::copy_n(body.begin(), ip, header.source.ip.begin());
  std::copy_n(body.begin() + static_cast<ptrdiff_t>(ip), ip, header.destination.ip.begin());
  header.source.port = static_cast<uint16_t>(numberAt(body, 2 * ip));
  header.destination.port = static_cast<uint16_t>(numberAt(body, 2 * ip + 2));
  return 2 * ip + 4;
}

ProxyParse parseV2(std::string_view bytes) {
  ProxyParse parse;
  parse.version = 2;
  if (bytes.size() > kV2.size()) {
    const auto command = static_cast<uint8_t>(bytes[12]);
    if (command != 0x20 && command != 0x21)
      return bad(2, "not a version or command of the protocol");
  }
  if (bytes.size() < kV2Fixed) return parse;
  const size_t length = numberAt(bytes, 14);
  const auto protocol = static_cast<uint8_t>(bytes[13]);
  ProxyHeader& header = parse.header;
  header.version = 2;
  header.local = bytes[12] == 0x20;
  switch (protocol) {
    case 0x00:
      header.local = true;  // the socket's addresses hold, whatever follows
      break;
    case 0x11:
      header.family = ProxyFamily::V4;
      break;
    case 0x21:
      header.family = ProxyFamily::V6;
      break;
    case 0x31:
      header.family = ProxyFamily::Unix;
      break;
    default:
      if (!header.local) return bad(2, "not an address family of stream sockets");
  }
  if (bytes.size() < kV2Fixed + length) return parse;
  parse.kind = Kind::Found;
  parse.size = kV2Fixed + length;
  const std::string_view body = bytes.substr(kV2Fixed, length);
  if (header.local) return parse;  // what follows is to be skipped
  const size_t addresses = readAddresses(body, header);
  if (addresses == std::string_view::npos) return bad(2, "too short for its addresses");
  header.tlvs = body.substr(addresses);
  if (!areTlvs(header.tlvs)) return bad(2, "a TLV is longer than the header");
  return parse;
}

void appendText(std::string& to, const ProxyEnd& end, ProxyFamily family) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(family == ProxyFamily::V4 ? AF_INET : AF_INET6, end.ip.data(), text, sizeof text);
  to.append(text).push_back(' ');
}

void appendNumber(std::string& to, size_t number) {
  to.push_back(static_cast<char>(number >> 8));
  to.push_back(static_cast<char>(number));
}

void appendV1(std::string& to, const ProxyHeader& header) {
  const ProxyFamily family = header.family;
  if (header.local || (family != ProxyFamily::V4 && family != ProxyFamily::V6)) {
    to.append("PROXY UNKNOWN\r\n");
    return;
  }
  to.append(family == ProxyFamily::V4 ? "PROXY TCP4 " : "PROXY TCP6 ");
  appendText(to, header.source, family);
  appendText(to, header.destination, family);
  to.append(std::to_string(header.source.port)).push_back(' ');
  to.append(std::to_string(header.destination.port)).append("\r\n");
}

void appendPath(std::string& to, std::string_view path) {
  to.append(path.substr(0, kUnixPath));
  to.append(kUnixPath - std::min(path.size(), kUnixPath), '\0');
}

void appendV2(std::string& to, const ProxyHeader& header) {
  to.append(kV2);
  to.push_back(header.local ? 0x20 : 0x21);
  const ProxyFamily family = header.local ? ProxyFamily::Unspecified : header.family;
  constexpr char kProtocols[] = {0x00, 0x11, 0x21, 0x31};
  to.push_back(kProtocols[static_cast<size_t>(family)]);
  std::string body;
  if (family == ProxyFamily::Unix) {
    appendPath(body, header.source.path);
    appendPath(body, header.destination.path);
  } else if (family != ProxyFamily::Unspecified) {
    const size_t ip = family == ProxyFamily::V4 ? 4 : 16;
    body.append(reinterpret_cast<const char*>(header.source.ip.data()), ip);
    body.append(reinterpret_cast<const char*>(header.destination.ip.data()), ip);
    appendNumber(body, header.source.port);
    appendNumber(body, header.destination.port);
  }
  constexpr size_t kLongest = 0xffff;
  if (body.size() + header.tlvs.size() <= kLongest) body.append(header.tlvs);
  appendNumber(to, body.size());
  to.append(body);
}

}  // namespace

ProxyParse parseProxyHeader(std::string_view bytes) {
  if (bytes.starts_with(kV2)) return parseV2(bytes);
  if (bytes.starts_with(kV1)) return parseV1(bytes);
  ProxyParse parse;
  const bool may_be = kV1.starts_with(bytes) || kV2.starts_with(bytes);
  parse.kind = may_be ? Kind::NeedMore : Kind::NotProxy;
  return parse;
}

ProxyTlv takeProxyTlv(std::string_view& tlvs) {
  const size_t size = numberAt(tlvs, 1);
  const ProxyTlv tlv{static_cast<uint8_t>(tlvs[0]), tlvs.substr(3, size)};
  tlvs.remove_prefix(3 + size);
  return tlv;
}

void appendProxyTlv(std::string& tlvs, uint8_t type, std::string_view value) {
  tlvs.push_back(static_cast<char>(type));
  appendNumber(tlvs, value.size());
  tlvs.append(value);
}

void appendProxyHeader(std::string& to, const ProxyHeader& header) {
  header.version == 1 ? appendV1(to, header) : appendV2(to, header);
}

}  // namespace weir::codec
