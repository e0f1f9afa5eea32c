#include "source/net/dns_channel.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <mutex>

#include "source/net/dns_answer.h"

namespace weir::net {
namespace {

bool isLoopbackDefault(const ares_addr_port_node* servers) {
  return servers != nullptr && servers->next == nullptr && servers->family == AF_INET &&
         servers->addr.addr4.s_addr == htonl(INADDR_LOOPBACK) && servers->udp_port == 0;
}

}  // namespace

DnsChannel::DnsChannel(Loop& loop, ResolverSettings settings)
    : loop_(loop), settings_(std::move(settings)), timer_(*this) {
  static std::once_flag initialised;
  std::call_once(initialised, [] { ares_library_init(ARES_LIB_INIT_ALL); });
  evtimer_assign(
      &ready_event_, loop_.base(),
      [](evutil_socket_t, short, void* self) { static_cast<DnsChannel*>(self)->deliverReady(); },
      this);
}

DnsChannel::~DnsChannel() {
  closing_ = true;
  if (channel_ != nullptr) ares_destroy(channel_);  // calls every pending query back
  for (auto& [fd, socket] : sockets_) event_del(&socket->watch);
  event_del(&ready_event_);
  if (destroyed_ != nullptr) *destroyed_ = true;
}

std::optional<Error> DnsChannel::open() {
  ares_options options{};
  options.flags = (settings_.tcp_only ? ARES_FLAG_USEVC : 0) |
                  (settings_.search_domains ? 0 : ARES_FLAG_NOSEARCH) |
                  (settings_.edns_payload_size != 0 ? ARES_FLAG_EDNS : 0);
  options.timeout = static_cast<int>(std::clamp<int64_t>(settings_.timeout.count(), 1, 600'000));
  options.tries = std::max(1, settings_.tries);
  options.ednspsz = static_cast<int>(settings_.edns_payload_size);
  options.sock_state_cb_data = this;
  options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
    static_cast<DnsChannel*>(self)->onSocketState(fd, readable != 0, writable != 0);
  };
  const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB |
                   (settings_.edns_payload_size != 0 ? ARES_OPT_EDNSPSZ : 0) |
                   (settings_.rotate ? ARES_OPT_ROTATE : ARES_OPT_NOROTATE);
  const int status = ares_init_options(&channel_, &options, mask);
  if (status == ARES_SUCCESS) return setServers();
  channel_ = nullptr;
  return Error{"", std::string("the resolver could not start: ") + ares_strerror(status)};
}

std::optional<Error> DnsChannel::setServers() {
  if (settings_.servers.empty()) return std::nullopt;
  if (settings_.servers_as_fallback) {
    // Without servers in /etc/resolv.conf c-ares has one: this machine.
    ares_addr_port_node* found = nullptr;
    ares_get_servers_ports(channel_, &found);
    const bool none = isLoopbackDefault(found);
    if (found != nullptr) ares_free_data(found);
    if (!none) return std::nullopt;
  }
  std::vector<ares_addr_port_node> nodes(settings_.servers.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    const Address& server = settings_.servers[i];
    ares_addr_port_node& node = nodes[i];
    node.next = i + 1 < nodes.size() ? &nodes[i + 1] : nullptr;
    node.family = server.family();
    node.udp_port = node.tcp_port = server.port();  // 0: 53
    if (node.family == AF_INET) {
      node.addr.addr4 = reinterpret_cast<const sockaddr_in*>(server.get())->sin_addr;
    } else if (node.family == AF_INET6) {
      const auto& ip = reinterpret_cast<const sockaddr_in6*>(server.get())->sin6_addr;
      std::memcpy(&node.addr.addr6, &ip, sizeof ip);
    } else {
      return Error{"servers", "a name server has an IP address, not " + server.text()};
    }
  }
  const int status = ares_set_servers_ports(channel_, nodes.data());
  if (status == ARES_SUCCESS) return std::nullopt;
  return Error{"servers", std::string("the name servers were refused: ") + ares_strerror(status)};
}

void DnsChannel::ask(const std::shared_ptr<DnsQuery>& query) {
  if (auto literal = literalAnswer(query->name, query->family)) {
    return deliver(query, *std::move(literal));
  }
  if (query->name.empty() || query->name.find('\0') != std::string::npos) {
    return deliver(query, {DnsError::BadName, {}});
  }
  switch (query->family) {
    case AddressFamily::V4Only:
      return send(query, AF_INET, AF_UNSPEC);
    case AddressFamily::V6Only:
      return send(query, AF_INET6, AF_UNSPEC);
    case AddressFamily::Auto:
      return send(query, AF_INET6, AF_INET);
    case AddressFamily::V4Preferred:
      return send(query, AF_INET, AF_INET6);
    case AddressFamily::All:
      break;
  }
  // Not AF_UNSPEC: c-ares would say of two answers only how the last one ended.
  query->pending = 1;  // so that an answer at once does not end the query before it is all asked
  send(query, AF_INET, AF_UNSPEC);
  --query->pending;
  send(query, AF_INET6, AF_UNSPEC);
}

void DnsChannel::send(const std::shared_ptr<DnsQuery>& query, int family, int fallback) {
  ares_addrinfo_hints hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;  // sorting connects a socket to each address
  ++query->pending;
  ares_getaddrinfo(
      channel_, query->name.c_str(), nullptr, &hints,
      [](void* arg, int status, int, ares_addrinfo* info) {
        const std::unique_ptr<Ask> ask(static_cast<Ask*>(arg));
        const std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> owned(info,
                                                                                 ares_freeaddrinfo);
        ask->channel.onAnswer(*ask, status, info);
      },
      new Ask{*this, query, fallback});
  armTimer();
}

void DnsChannel::onAnswer(const Ask& ask, int status, const ares_addrinfo* info) {
  if (closing_) return;
  const auto query = ask.query.lock();
  if (query == nullptr) return;  // cancelled: the answer serves nobody
  DnsAnswer answer = readAnswer(status, info);
  if (settings_.routable_only) dropUnroutable(answer);
  mergeAnswer(query->answer, std::move(answer));
  --query->pending;
  if (query->answer.addresses.empty() && ask.fallback != AF_UNSPEC) {
    return send(query, ask.fallback, AF_UNSPEC);
  }
  if (query->pending == 0) deliver(query, std::move(query->answer));
}

void DnsChannel::deliver(std::weak_ptr<DnsQuery> query, DnsAnswer answer) {
  ready_.emplace_back(std::move(query), std::move(answer));
  event_active(&ready_event_, EV_TIMEOUT, 1);
}

void DnsChannel::deliverReady() {
  Loop::Turn turn(loop_);
  bool destroyed = false;
  destroyed_ = &destroyed;
  auto ready = std::move(ready_);
  ready_.clear();
  for (auto& [waiting, answer] : ready) {
    const auto query = waiting.lock();
    if (query == nullptr) continue;
    query->done(std::move(answer));
    if (destroyed) return;
  }
  destroyed_ = nullptr;
}

void DnsChannel::onSocketState(ares_socket_t fd, bool readable, bool writable) {
  const auto found = sockets_.find(fd);
  if (found != sockets_.end()) {
    event_del(&found->second->watch);
    if (!readable && !writable) sockets_.erase(found);  // c-ares closes it next
  }
  if (!readable && !writable) return;
  auto& socket = sockets_[fd];
  if (socket == nullptr) socket = std::make_unique<Socket>();
  socket->channel = this;
  const int what = EV_PERSIST | (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0);
  event_assign(
      &socket->watch, loop_.base(), fd, static_cast<short>(what),
      [](evutil_socket_t ready_fd, short events, void* arg) {
        DnsChannel& channel = *static_cast<Socket*>(arg)->channel;
        Loop::Turn turn(channel.loop_);
        channel.process((events & EV_READ) != 0 ? ready_fd : ARES_SOCKET_BAD,
                        (events & EV_WRITE) != 0 ? ready_fd : ARES_SOCKET_BAD);
      },
      socket.get());
  event_add(&socket->watch, nullptr);
}

void DnsChannel::process(ares_socket_t readable, ares_socket_t writable) {
  ares_process_fd(channel_, readable, writable);
  armTimer();
}

void DnsChannel::armTimer() {
  timeval storage{};
  const timeval* wait = ares_timeout(channel_, nullptr, &storage);
  if (wait == nullptr) return timer_.disarm();
  // c-ares looks at the clock itself, and a turn's clock may be a while old.
  timer_.arm(loop_.timers(), std::chrono::steady_clock::now() + std::chrono::seconds(wait->tv_sec) +
                                 std::chrono::microseconds(wait->tv_usec));
}

void DnsChannel::onTimer() { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }

}  // namespace weir::net
