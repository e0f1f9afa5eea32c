#include "source/net/dns_test_server.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>

namespace weir::net {
namespace {

constexpr uint16_t kA = 1, kCname = 5, kAaaa = 28;
constexpr size_t kHeader = 12;

void put16(std::string& out, uint32_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value);
}

void put32(std::string& out, uint32_t value) {
  put16(out, value >> 16);
  put16(out, value);
}

void putName(std::string& out, const std::string& name) {
  for (size_t at = 0; at < name.size();) {
    const size_t dot = std::min(name.find('.', at), name.size());
    out += static_cast<char>(dot - at);
    out += name.substr(at, dot - at);
    at = dot + 1;
  }
  out += '\0';
}

// The name at `at`, which moves behind it. Questions are not compressed.
std::string takeName(const std::string& query, size_t& at) {
  std::string name;
  while (at < query.size() && query[at] != '\0') {
    const auto size = static_cast<uint8_t>(query[at]);
    if (!name.empty()) name += '.';
    name += query.substr(at + 1, size);
    at += 1 + size;
  }
  ++at;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return name;
}

void putRecord(std::string& out, const std::string& owner, uint16_t type, uint32_t ttl,
               const std::string& data) {
  putName(out, owner);
  put16(out, type);
  put16(out, 1);
  put32(out, ttl);
  put16(out, static_cast<uint32_t>(data.size()));
  out += data;
}

std::string addressBytes(const std::string& literal) {
  const auto address = Address::ip(literal, 0);
  if (!address) std::abort();
  if (address->family() == AF_INET) {
    const auto& ip = reinterpret_cast<const sockaddr_in*>(address->get())->sin_addr;
    return {reinterpret_cast<const char*>(&ip), sizeof ip};
  }
  const auto& ip = reinterpret_cast<const sockaddr_in6*>(address->get())->sin6_addr;
  return {reinterpret_cast<const char*>(&ip), sizeof ip};
}

}  // namespace

DnsTestServer::DnsTestServer(Loop& loop) : loop_(loop) {
  // The port must be free for both kinds.
  for (int tries = 0; tries < 100; ++tries) {
    udp_.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    tcp_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (bindTo(udp_.get(), *Address::ip("127.0.0.1", 0)) != 0) continue;
    address_ = Address::localOf(udp_.get());
    if (bindTo(tcp_.get(), address_) == 0 && ::listen(tcp_.get(), 16) == 0) break;
  }
  event_assign(
      &udp_event_, loop_.base(), udp_.get(), EV_READ | EV_PERSIST,
      [](evutil_socket_t, short, void* self) { static_cast<DnsTestServer*>(self)->onUdp(); }, this);
  event_assign(
      &tcp_event_, loop_.base(), tcp_.get(), EV_READ | EV_PERSIST,
      [](evutil_socket_t, short, void* self) { static_cast<DnsTestServer*>(self)->onAccept(); },
      this);
  event_add(&udp_event_, nullptr);
  event_add(&tcp_event_, nullptr);
}

DnsTestServer::~DnsTestServer() {
  for (Client& client : clients_) event_del(&client.watch);
  event_del(&udp_event_);
  event_del(&tcp_event_);
}

void DnsTestServer::onUdp() {
  char buffer[1500];
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  const ssize_t got =
      ::recvfrom(udp_.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size);
  if (got < static_cast<ssize_t>(kHeader)) return;
  ++udp_queries_;
  const std::string reply = answer(std::string(buffer, static_cast<size_t>(got)), false);
  if (reply.empty()) return;
  ::sendto(udp_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
}

void DnsTestServer::onAccept() {
  Fd fd(::accept4(tcp_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) return;
  Client& client = clients_.emplace_back();
  client.server = this;
  client.fd = std::move(fd);
  event_assign(
      &client.watch, loop_.base(), client.fd.get(), EV_READ | EV_PERSIST,
      [](evutil_socket_t, short, void* arg) {
        auto& ready = *static_cast<Client*>(arg);
        ready.server->onTcp(ready);
      },
      &client);
  event_add(&client.watch, nullptr);
}

void DnsTestServer::onTcp(Client& client) {
  char buffer[1500];
  const ssize_t got = ::recv(client.fd.get(), buffer, sizeof buffer, 0);
  if (got <= 0) {
    event_del(&client.watch);
    clients_.remove_if([&](const Client& each) { return &each == &client; });
    return;
  }
  client.in.append(buffer, static_cast<size_t>(got));
  while (client.in.size() > 2) {
    const size_t size = static_cast<size_t>(static_cast<uint8_t>(client.in[0])) << 8 |
                        static_cast<uint8_t>(client.in[1]);
    if (client.in.size() < 2 + size) return;
    ++tcp_queries_;
    const std::string reply = answer(client.in.substr(2, size), true);
    client.in.erase(0, 2 + size);
    std::string framed;
    put16(framed, static_cast<uint32_t>(reply.size()));
    framed += reply;
    if (!reply.empty()) ::send(client.fd.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
  }
}

std::string DnsTestServer::answer(const std::string& query, bool tcp) const {
  size_t at = kHeader;
  const std::string name = takeName(query, at);
  const auto type = static_cast<uint16_t>(static_cast<uint8_t>(query[at + 1]));
  const std::string question = query.substr(kHeader, at + 4 - kHeader);
  const auto found = scripts_.find(name);
  const DnsScript script = found != scripts_.end() ? found->second : DnsScript{.rcode = 3};
  if (script.silent) return {};
  const uint8_t rcode = type == kA && script.v4_rcode != 0 ? script.v4_rcode : script.rcode;
  const bool truncated = script.truncated && !tcp;
  std::string records;
  uint32_t count = 0;
  if (!truncated && rcode == 0 && (type == kA || type == kAaaa)) {
    const std::string& owner = script.alias.empty() ? name : script.alias;
    if (!script.alias.empty()) {
      std::string target;
      putName(target, script.alias);
      putRecord(records, name, kCname, script.alias_ttl, target);
      ++count;
    }
    for (const std::string& literal : type == kA ? script.v4 : script.v6) {
      putRecord(records, owner, type, script.ttl, addressBytes(literal));
      ++count;
    }
  }
  std::string reply = query.substr(0, 2);
  reply += static_cast<char>(0x85 | (truncated ? 2 : 0));  // a response, authoritative, RD
  reply += static_cast<char>(0x80 | rcode);
  put16(reply, 1);
  put16(reply, count);
  put32(reply, 0);
  return reply + question + records;
}

}  // namespace weir::net
