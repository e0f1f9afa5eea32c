// Operators that print addresses of both sides, whole, without port, masked, or only the port.
#include <arpa/inet.h>

#include <array>
#include <charconv>

#include "source/telemetry/log_operator.h"
#include "source/telemetry/text_number.h"

namespace weir::telemetry {
namespace {

// "10.0.0.1:443" -> "10.0.0.1" and 443, "[::1]:443" -> "::1"; a path stays whole, without port.
struct HostPort {
  std::string_view host;
  uint16_t port = 0;
};

HostPort split(std::string_view address) {
  const size_t colon = address.rfind(':');
  if (address.empty() || address.front() == '/' || address.front() == '@' ||
      colon == std::string_view::npos) {
    return {address};
  }
  HostPort parts{address.substr(0, colon)};
  std::from_chars(address.data() + colon + 1, address.data() + address.size(), parts.port);
  if (parts.host.size() > 2 && parts.host.front() == '[')
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  return parts;
}

LogValue portValue(uint16_t port) {
  return port == 0 ? LogValue::none() : LogValue::ofNumber(port);
}

Result<LogArgs> prepareMask(std::string_view parameter) {
  LogArgs args;
  args.choice = -1;
  if (parameter.empty()) return args;
  const auto [end, error] =
      std::from_chars(parameter.data(), parameter.data() + parameter.size(), args.choice);
  if (error != std::errc() || end != parameter.data() + parameter.size() || args.choice < 0 ||
      args.choice > 128) {
    return Error{"", "mask length '" + std::string(parameter) + "' is not a number from 0 to 128"};
  }
  return args;
}

// The address's first `bits` bits in CIDR notation; nothing when it is no IP address.
LogValue masked(std::string_view ip, int bits, std::string& scratch) {
  char text[INET6_ADDRSTRLEN] = {};
  if (ip.size() >= sizeof(text)) return LogValue::none();
  ip.copy(text, ip.size());
  std::array<uint8_t, 16> bytes{};
  const int family = ip.find(':') == std::string_view::npos ? AF_INET : AF_INET6;
  const int width = family == AF_INET ? 32 : 128;
  if (bits > width || inet_pton(family, text, bytes.data()) != 1) return LogValue::none();
  for (int bit = bits; bit < width; ++bit) {
    bytes[static_cast<size_t>(bit / 8)] &= static_cast<uint8_t>(~(0x80 >> (bit % 8)));
  }
  scratch.append(inet_ntop(family, bytes.data(), text, sizeof(text)));
  scratch.push_back('/');
  appendNumber(scratch, bits);
  return LogValue::ofText(scratch);
}

LogValue bare(std::string_view ip, const LogArgs& args, std::string& scratch) {
  return args.choice < 0 ? LogValue::ofNonEmpty(ip) : masked(ip, args.choice, scratch);
}

template <auto End>
LogValue peerAddress(const LogArgs&, const StreamInfo& info, std::string&) {
  return LogValue::ofNonEmpty((info.*End).address);
}

template <auto End>
LogValue peerIp(const LogArgs& args, const StreamInfo& info, std::string& scratch) {
  return bare((info.*End).ip, args, scratch);
}

template <auto End>
LogValue peerPort(const LogArgs&, const StreamInfo& info, std::string&) {
  return portValue((info.*End).port);
}

template <auto Address>
LogValue whole(const LogArgs&, const StreamInfo& info, std::string&) {
  return LogValue::ofNonEmpty(info.*Address);
}

template <auto Address>
LogValue withoutPort(const LogArgs& args, const StreamInfo& info, std::string& scratch) {
  return bare(split(info.*Address).host, args, scratch);
}

template <auto Address>
LogValue onlyPort(const LogArgs&, const StreamInfo& info, std::string&) {
  return portValue(split(info.*Address).port);
}

// The endpoint's name, or its address when it has none.
std::string_view nameOf(const StreamInfo& info) {
  return info.upstream_host_name.empty() ? info.upstream_host : info.upstream_host_name;
}

LogValue hostName(const LogArgs&, const StreamInfo& info, std::string&) {
  return LogValue::ofNonEmpty(nameOf(info));
}

LogValue hostNameWithoutPort(const LogArgs&, const StreamInfo& info, std::string&) {
  return LogValue::ofNonEmpty(split(nameOf(info)).host);
}

std::string_view hostsOf(const StreamInfo& info) {
  return info.upstream_hosts_attempted.empty() ? info.upstream_host : info.upstream_hosts_attempted;
}

std::string_view namesOf(const StreamInfo& info) {
  return info.upstream_names_attempted.empty() ? nameOf(info) : info.upstream_names_attempted;
}

template <auto List>
LogValue attempted(const LogArgs&, const StreamInfo& info, std::string&) {
  return LogValue::ofNonEmpty(List(info));
}

template <auto List>
LogValue attemptedWithoutPort(const LogArgs&, const StreamInfo& info, std::string& scratch) {
  std::string_view rest = List(info);
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    if (!scratch.empty()) scratch.push_back(',');
    scratch.append(split(one).host);
  }
  return LogValue::ofNonEmpty(scratch);
}

}  // namespace

const std::vector<LogOperatorRow>& addressOperators() {
  using S = StreamInfo;
  static const std::vector<LogOperatorRow> kRows = {
      {"DOWNSTREAM_REMOTE_ADDRESS", &peerAddress<&S::remote>},
      {"DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", &peerIp<&S::remote>, &prepareMask},
      {"DOWNSTREAM_REMOTE_PORT", &peerPort<&S::remote>},
      {"DOWNSTREAM_DIRECT_REMOTE_ADDRESS", &peerAddress<&S::direct_remote>},
      {"DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", &peerIp<&S::direct_remote>, &prepareMask},
      {"DOWNSTREAM_DIRECT_REMOTE_PORT", &peerPort<&S::direct_remote>},
      {"DOWNSTREAM_LOCAL_ADDRESS", &peerAddress<&S::local>},
      {"DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", &peerIp<&S::local>, &prepareMask},
      {"DOWNSTREAM_LOCAL_PORT", &peerPort<&S::local>},
      {"DOWNSTREAM_DIRECT_LOCAL_ADDRESS", &peerAddress<&S::local>},
      {"DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT", &peerIp<&S::local>, &prepareMask},
      {"DOWNSTREAM_DIRECT_LOCAL_PORT", &peerPort<&S::local>},
      {"UPSTREAM_HOST", &whole<&S::upstream_host>},
      {"UPSTREAM_HOST_NAME", &hostName},
      {"UPSTREAM_HOST_NAME_WITHOUT_PORT", &hostNameWithoutPort},
      {"UPSTREAM_HOSTS_ATTEMPTED", &attempted<&hostsOf>},
      {"UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT", &attemptedWithoutPort<&hostsOf>},
      {"UPSTREAM_HOST_NAMES_ATTEMPTED", &attempted<&namesOf>},
      {"UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT", &attemptedWithoutPort<&namesOf>},
      {"UPSTREAM_REMOTE_ADDRESS", &whole<&S::upstream_host>},
      {"UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", &withoutPort<&S::upstream_host>, &prepareMask},
      {"UPSTREAM_REMOTE_PORT", &onlyPort<&S::upstream_host>},
      {"UPSTREAM_LOCAL_ADDRESS", &whole<&S::upstream_local>},
      {"UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", &withoutPort<&S::upstream_local>, &prepareMask},
      {"UPSTREAM_LOCAL_PORT", &onlyPort<&S::upstream_local>},
  };
  return kRows;
}

}  // namespace weir::telemetry
