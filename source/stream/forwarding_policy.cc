#include "source/stream/forwarding_policy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "source/codec/http1/authority.h"
#include "source/codec/http1/token.h"

namespace weir::stream {
namespace {

constexpr std::string_view kEnvoy = "x-envoy-";
constexpr std::string_view kClientCert = "x-forwarded-client-cert";
constexpr std::string_view kExternalAddress = "x-envoy-external-address";
constexpr std::string_view kServiceCluster = "x-envoy-downstream-service-cluster";
constexpr std::string_view kServiceNode = "x-envoy-downstream-service-node";
constexpr std::string_view kForceTrace = "x-envoy-force-trace";

// Behind "x-envoy-": what steers retries, timeouts and traces, and so is for internal senders only.
constexpr std::array<std::string_view, 15> kInternalOnly = {"retry-on",
                                                            "retry-grpc-on",
                                                            "retriable-status-codes",
                                                            "retriable-header-names",
                                                            "max-retries",
                                                            "upstream-alt-stat-name",
                                                            "upstream-rq-timeout-ms",
                                                            "upstream-rq-per-try-timeout-ms",
                                                            "upstream-rq-timeout-alt-response",
                                                            "upstream-stream-duration-ms",
                                                            "expected-rq-timeout-ms",
                                                            "force-trace",
                                                            "ip-tags",
                                                            "original-url",
                                                            "hedge-on-per-try-timeout"};
// What the first proxy says to those behind it.
constexpr std::array<std::string_view, 5> kNotFromEdge = {
    "decorator-operation", "downstream-service-cluster", "downstream-service-node", "original-path",
    "original-host"};

template <size_t kSize>
bool isOneOf(const std::array<std::string_view, kSize>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool mayNotSay(const Sender& sender, std::string_view name) {
  name.remove_prefix(kEnvoy.size());
  if (name == "internal") return true;
  if (sender.is_internal) return false;
  return isOneOf(kInternalOnly, name) || (sender.is_edge && isOneOf(kNotFromEdge, name));
}

bool beginsWithEnvoy(const Field& field) {
  return field.name_size > kEnvoy.size() &&
         std::memcmp(field.name_data, kEnvoy.data(), kEnvoy.size()) == 0;
}

// One look at each name; there is rarely one to remove. True: kClientCert is among them.
bool removeUntrusted(Fields& fields, Sender& sender) {
  bool has_cert = false;
  for (size_t i = 0; i < fields.size();) {
    const Field& field = fields.begin()[i];
    if (!beginsWithEnvoy(field)) {
      has_cert = has_cert || (field.name_size == kClientCert.size() && field.name() == kClientCert);
      ++i;
    } else if (mayNotSay(sender, field.name())) {
      fields.remove(field.name());  // all of that name, so the next one is at i now
    } else {
      sender.forces_trace = sender.forces_trace || field.name() == kForceTrace;
      sender.steers = sender.steers || sender.is_internal;
      ++i;
    }
  }
  return has_cert;
}

// For names without an id: neither name nor value is copied.
void addStatic(Fields& fields, std::string_view name, std::string_view value) {
  fields.append({name.data(), value.data(), static_cast<uint32_t>(value.size()),
                 static_cast<uint16_t>(name.size()), HeaderId::Other, 0});
}

void setStatic(Fields& fields, std::string_view name, std::string_view value) {
  fields.remove(name);
  addStatic(fields, name, value);
}

// All values of a list field as one (RFC 9110 §5.3). The field becomes that one.
std::string_view joined(Fields& fields, HeaderId id, Arena& arena) {
  if (!fields.has(id)) return {};
  std::string_view all;
  size_t count = 0;
  for (const Field& field : fields) {
    if (field.id != id) continue;
    all = count++ == 0 ? field.value() : arena.concat(all, ",", field.value());
  }
  if (count > 1) fields.setView(id, all);
  return all;
}

void appendTo(Fields& fields, HeaderId id, std::string_view separator, std::string_view value,
              Arena& arena) {
  const std::string_view before = joined(fields, id, arena);
  fields.setView(id, before.empty() ? value : arena.concat(before, separator, value));
}

std::string_view decimal(uint32_t number, Arena& arena) {
  char text[10];
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  return arena.copy({text, static_cast<size_t>(end - text)});
}

// Envoy's documented rule for Referer: a relative reference, or a scheme and an authority without
// user and with a port that is one.
bool isReferer(std::string_view text) {
  if (text.find(' ') != std::string_view::npos) return false;
  const size_t colon = text.substr(0, text.find_first_of("/?#")).find(':');
  if (colon == std::string_view::npos) return true;
  if (colon == 0 || text.substr(colon, 3) != "://") return false;
  const std::string_view rest = text.substr(colon + 3);
  return codec::isAuthority(rest.substr(0, rest.find_first_of("/?#")));
}

bool isHttpScheme(std::string_view text) {
  return codec::equalsIgnoreCase(text, "http") || codec::equalsIgnoreCase(text, "https");
}

bool contains(const std::vector<uint32_t>& ports, uint16_t port) {
  return std::find(ports.begin(), ports.end(), port) != ports.end();
}

}  // namespace

Sender ForwardingPolicy::applyRequest(RequestHead& head, StreamInfo& info,
                                      const ClientFacts& client, Arena& arena) const {
  Fields& fields = head.fields;
  if (fields.has(HeaderId::Referer) && !isReferer(*fields.get(HeaderId::Referer))) {
    fields.remove(HeaderId::Referer);
  }
  const XffAddress found = findClient(head, info, arena);
  setProtocol(head, info, client, arena);
  Sender sender;
  sender.is_internal = isInternal(found, info);
  sender.is_edge = use_remote_address_ && !sender.is_internal;
  // A name that begins with x-envoy- has one of these ids, or none of its own.
  bool has_cert = false;
  if (fields.has(HeaderId::Other) || fields.has(HeaderId::XEnvoyInternal) ||
      fields.has(HeaderId::XEnvoyExpectedRqTimeoutMs) || fields.has(HeaderId::XEnvoyOriginalPath)) {
    has_cert = removeUntrusted(fields, sender);
  }
  if (has_cert || !client.certificate.empty()) setClientCert(fields, client, arena);
  if (sender.is_internal) fields.setView(HeaderId::XEnvoyInternal, "true");
  if (found.address) {
    info.remote = {};
    info.remote.ip = found.address->text(arena);
    info.remote.address = found.address->isV4() ? arena.concat(info.remote.ip, ":0")
                                                : arena.concat("[", info.remote.ip, "]:0");
    info.remote.is_loopback_or_unix = found.address->isLoopback();
  }
  if (add_user_agent_) setUserAgent(fields);
  if (!via_.empty()) appendTo(fields, HeaderId::Via, ", ", via_, arena);
  if (sender.is_edge && IpAddress::parse(info.remote.ip)) {
    setStatic(fields, kExternalAddress, info.remote.ip);
  }
  if (strip_host_dot_ || host_port_ != HostPort::Keep) normalizeHost(head, info, arena);
  return sender;
}

// Reads x-forwarded-for before our own address is appended to it.
XffAddress ForwardingPolicy::findClient(RequestHead& head, const StreamInfo& info,
                                        Arena& arena) const {
  if (!use_remote_address_) {
    const bool nothing_to_do = !head.fields.has(HeaderId::XForwardedFor) && !rules_append_;
    return nothing_to_do ? XffAddress() : byRules(head, info, arena);
  }
  XffAddress found;
  if (trusted_hops_ > 0 && head.fields.has(HeaderId::XForwardedFor)) {
    const std::string_view xff = joined(head.fields, HeaderId::XForwardedFor, arena);
    found.address = lastAddress(xff, trusted_hops_ - 1).address;
  }
  // Only who speaks to us first hand can be internal.
  found.single = !head.fields.has(HeaderId::XForwardedFor);
  if (!skip_xff_append_) appendXff(head, info, arena);
  return found;
}

XffAddress ForwardingPolicy::byRules(RequestHead& head, const StreamInfo& info,
                                     Arena& arena) const {
  const std::string_view xff = joined(head.fields, HeaderId::XForwardedFor, arena);
  XffAddress found;
  bool append = false;
  for (const XffRule& rule : xff_rules_) {
    if (rule.by_ranges) {
      const auto peer = IpAddress::parse(info.direct_remote.ip);
      if (!peer || !rule.trusted.contains(*peer)) continue;
      found = lastUntrusted(xff, rule.trusted);
    } else {
      found = lastAddress(xff, rule.skip);
    }
    append = append || rule.append;
    if (found.address) break;
  }
  if (append) appendXff(head, info, arena);
  return found;
}

bool ForwardingPolicy::isInternal(const XffAddress& client, const StreamInfo& info) const {
  if (!client.single || (internal_.empty() && !unix_is_internal_)) return false;
  if (client.address) return internal_.contains(*client.address);
  if (!use_remote_address_) return false;
  const std::string_view ip = info.direct_remote.ip;
  const auto peer = IpAddress::parse(ip);
  return peer ? internal_.contains(*peer) : unix_is_internal_;
}

void ForwardingPolicy::appendXff(RequestHead& head, const StreamInfo& info, Arena& arena) const {
  const auto peer = IpAddress::parse(info.direct_remote.ip);
  if (!peer) return;  // a unix socket
  std::string_view text = info.direct_remote.ip;
  if (peer->isLoopback()) {
    text = proxy_.address;
  } else if (mapped_ipv6_) {
    text = peer->mappedText(arena);
  }
  appendTo(head.fields, HeaderId::XForwardedFor, ",", text, arena);
}

void ForwardingPolicy::setProtocol(RequestHead& head, const StreamInfo& info,
                                   const ClientFacts& client, Arena& arena) const {
  Fields& fields = head.fields;
  const bool from_stranger = use_remote_address_ && trusted_hops_ == 0;
  const auto said = fields.get(HeaderId::XForwardedProto);
  std::string_view protocol;
  if (from_stranger || !said) {
    bool secure = client.is_tls;
    if (client.local_restored) {
      if (contains(https_ports_, info.local.port)) secure = true;
      if (contains(http_ports_, info.local.port)) secure = false;
    }
    protocol = secure ? "https" : "http";
    fields.setView(HeaderId::XForwardedProto, protocol);
  } else {
    protocol = isHttpScheme(*said) ? *said : client.is_tls ? "https" : "http";
  }
  if (append_port_ && (from_stranger || !fields.has(HeaderId::XForwardedPort))) {
    setPort(fields, info, arena);
  }
  if (!scheme_.empty()) {
    head.scheme = scheme_;
    fields.setView(HeaderId::XForwardedProto, scheme_);
  }
  if (head.scheme.empty()) head.scheme = protocol;
}

void ForwardingPolicy::setPort(Fields& fields, const StreamInfo& info, Arena& arena) const {
  if (info.local.port == 0) return;  // a unix socket
  fields.setView(HeaderId::XForwardedPort, decimal(info.local.port, arena));
}

void ForwardingPolicy::setClientCert(Fields& fields, const ClientFacts& client,
                                     Arena& arena) const {
  if (client_cert_ == ClientCert::Keep) return;
  if (client_cert_ == ClientCert::Remove || client.certificate.empty()) {
    fields.remove(kClientCert);
    return;
  }
  if (client_cert_ == ClientCert::Append) {
    std::string_view all;
    for (const Field& field : fields) {
      if (field.name() == kClientCert) all = arena.concat(all, field.value(), ",");
    }
    setStatic(fields, kClientCert, arena.concat(all, client.certificate));
  } else if (client_cert_ == ClientCert::Set) {
    setStatic(fields, kClientCert, arena.copy(client.certificate));
  }
}

ClientFacts ForwardingPolicy::clientFacts(const StreamInfo& info, Arena& arena) const {
  ClientFacts client;
  if (info.tls == nullptr) return client;
  client.is_tls = true;
  if (!info.tls->hasPeer()) return client;
  const bool told = client_cert_ == ClientCert::Append || client_cert_ == ClientCert::Set;
  client.certificate = told ? clientCertificate(*info.tls, cert_details_, arena) : "mutual";
  return client;
}

void ForwardingPolicy::setUserAgent(Fields& fields) const {
  setStatic(fields, kServiceCluster, proxy_.service_cluster);
  if (fields.get(HeaderId::UserAgent).value_or(std::string_view()).empty()) {
    fields.setView(HeaderId::UserAgent, proxy_.service_cluster);
  }
  if (!proxy_.service_node.empty()) setStatic(fields, kServiceNode, proxy_.service_node);
}

void ForwardingPolicy::normalizeHost(RequestHead& head, const StreamInfo& info,
                                     Arena& arena) const {
  std::string_view host = head.authority;
  // RFC 3986 §3.2.2: an IPv6 address has its colons inside brackets.
  const size_t bracket = host.rfind(']');
  size_t colon = host.rfind(':');
  if (bracket != std::string_view::npos && colon < bracket) colon = std::string_view::npos;
  std::string_view port = colon == std::string_view::npos ? std::string_view() : host.substr(colon);
  host = host.substr(0, colon);
  // The target of CONNECT is nothing without its port (RFC 9110 §9.3.6).
  if (!port.empty() && host_port_ != HostPort::Keep && head.method != Method::Connect) {
    uint32_t number = 0;
    const char* end = port.data() + port.size();
    const auto read = std::from_chars(port.data() + 1, end, number);
    const bool is_number = port.size() > 1 && read.ec == std::errc() && read.ptr == end;
    if (is_number && (host_port_ == HostPort::StripAny || number == info.local.port)) port = {};
  }
  if (strip_host_dot_ && host.ends_with('.')) host.remove_suffix(1);
  if (host.size() + port.size() == head.authority.size()) return;
  head.authority = port.empty() ? host : arena.concat(host, port);
}

void ForwardingPolicy::applyResponse(ResponseHead& head, const ResponseFacts& facts,
                                     Arena& arena) const {
  Fields& fields = head.fields;
  // RFC 9110 §6.6.1: a proxy adds a Date that is missing, and keeps one that is there.
  if (!fields.has(HeaderId::Date)) fields.setView(HeaderId::Date, arena.copy(facts.date));
  if (server_field_ == ServerField::Overwrite ||
      (server_field_ == ServerField::IfAbsent && !fields.has(HeaderId::Server))) {
    fields.setView(HeaderId::Server, proxy_.server_name);
  }
  if ((id_in_response_ || facts.forces_trace) && !facts.request_id.empty()) {
    fields.setView(HeaderId::XRequestId, facts.request_id);
  }
  if (!via_.empty()) appendTo(fields, HeaderId::Via, ", ", via_, arena);
}

}  // namespace weir::stream
