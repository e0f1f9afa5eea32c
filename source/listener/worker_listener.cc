#include "source/listener/worker_listener.h"

#include <event2/event.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "source/listener/serve.h"
#include "source/transport/connection.h"

namespace weir::listener {
namespace {

std::atomic<uint64_t> g_connection_id{0};

bool isWildcard(const net::Address& address) {
  const auto ip = ipOf(address);
  return ip && *ip == ip->masked(0);
}

}  // namespace

WorkerListener::WorkerListener(stream::Services& services, std::shared_ptr<const ListenerPlan> plan,
                               std::vector<net::Fd> sockets, size_t worker,
                               std::shared_ptr<Balance> balance)
    : services_(services), plan_(std::move(plan)), worker_(worker), balance_(std::move(balance)) {
  for (net::Fd& fd : sockets) {
    const net::Address local = net::Address::localOf(fd.get());
    sockets_.push_back(
        std::make_unique<Socket>(Socket{*this, std::move(fd), local, isWildcard(local)}));
    Socket& socket = *sockets_.back();
    // Level triggered: what one turn leaves is accepted in the next.
    event_assign(&socket.watch, services_.loop.base(), socket.fd.get(), EV_READ | EV_PERSIST,
                 onAcceptable, &socket);
    event_add(&socket.watch, nullptr);
  }
}

WorkerListener::~WorkerListener() {
  stopAccepting();
  closeAll();
}

void WorkerListener::onAcceptable(evutil_socket_t, short, void* self) {
  auto& socket = *static_cast<Socket*>(self);
  net::Loop::Turn turn(socket.listener.services_.loop);
  socket.listener.acceptSome(socket);
}

void WorkerListener::acceptSome(Socket& socket) {
  for (int i = 0; i < plan_->accepts_per_turn; ++i) {
    sockaddr_storage storage;
    socklen_t size = sizeof storage;
    net::Fd fd(::accept4(socket.fd.get(), reinterpret_cast<sockaddr*>(&storage), &size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
        plan_->stats.accept_failure.add();
      return;
    }
    if (!admit()) continue;
    const net::Address remote = net::Address::from(reinterpret_cast<sockaddr*>(&storage), size);
    if (handOver(fd, remote)) continue;
    const net::Address local = socket.wildcard ? net::Address::localOf(fd.get()) : socket.local;
    begin(std::move(fd), remote, local);
  }
}

// What is over a limit is closed at once, as in Envoy.
bool WorkerListener::admit() {
  if (const overload::Share share = services_.overload.reject_connections;
      share != overload::kNone && !plan_->bypasses_overload &&
      overload::falls(share, services_.random.next())) {
    plan_->stats.overload_reject.add();
    return false;
  }
  if (plan_->connection_limit) {
    if (const auto most = plan_->connection_limit(); most && balance_->sum() >= *most) {
      plan_->stats.cx_overflow.add();
      return false;
    }
  }
  if (plan_->global_limit != nullptr && !plan_->global_limit->take()) {
    plan_->stats.global_cx_overflow.add();
    return false;
  }
  return true;
}

// Two fewer, not one: else two workers would pass each connection to and fro.
bool WorkerListener::handOver(net::Fd& fd, const net::Address& remote) {
  if (!plan_->exact_balance) return false;
  size_t best = worker_;
  uint32_t fewest = balance_->connections[worker_].value.load(std::memory_order_relaxed);
  for (size_t i = 0; i < balance_->connections.size(); ++i) {
    const uint32_t count = balance_->connections[i].value.load(std::memory_order_relaxed);
    if (count + 1 < fewest) {
      best = i;
      fewest = count;
    }
  }
  if (best == worker_) return false;
  // Counted here already, so that a burst is spread before the others wake up.
  balance_->connections[best].value.fetch_add(1, std::memory_order_relaxed);
  balance_->hand_over(best, fd.release(), remote);
  return true;
}

void WorkerListener::adopt(net::Fd fd, const net::Address& remote) {
  const net::Address local = net::Address::localOf(fd.get());
  begin(std::move(fd), remote, local);
}

void WorkerListener::begin(net::Fd fd, const net::Address& remote, const net::Address& local) {
  if (!remote.isUnix()) {
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  const transport::Accepted accepted{
      remote, local, g_connection_id.fetch_add(1, std::memory_order_relaxed), services_.loop.now()};
  auto connection = std::make_unique<transport::Connection>(services_.loop);
  connection->setHighMark(std::min(plan_->buffer_limit, transport::Connection::kDefaultHighMark));
  connection->accept(std::move(fd));
  ++count_;
  tellBalance();
  if (plan_->isPlain()) {
    onChainMatched();
    return serve(services_, plan_->chains[0], *this, std::move(connection), accepted, {},
                 [this](transport::ServerConnection& server) { list_.add(server); });
  }
  auto* opening = new Opening(services_, plan_, *this, std::move(connection), accepted);
  list_.add(*opening);
  opening->start();
}

void WorkerListener::tellBalance() {
  if (!balance_) return;
  balance_->connections[worker_].value.store(static_cast<uint32_t>(count_),
                                             std::memory_order_relaxed);
}

void WorkerListener::onChainMatched() {
  plan_->stats.cx_total.add();
  plan_->stats.cx_active.add();
}

void WorkerListener::forget() {
  --count_;
  if (plan_->global_limit != nullptr) plan_->global_limit->give();
  tellBalance();
}

void WorkerListener::onOpeningFailed(transport::ServerConnection& opening) {
  list_.remove(opening);
  forget();
}

void WorkerListener::onServerClosed(transport::ServerConnection& connection) {
  list_.remove(connection);
  if (!filters_.empty()) filters_.erase(&connection);
  plan_->stats.cx_active.sub();
  plan_->stats.cx_destroy.add();
  forget();
}

void WorkerListener::onServerReplaced(transport::ServerConnection& former,
                                      transport::ServerConnection& next) {
  list_.remove(former);
  list_.add(next);
  if (filters_.empty()) return;
  if (auto kept = filters_.extract(&former)) {
    kept.key() = &next;
    filters_.insert(std::move(kept));
  }
}

void WorkerListener::keepFilters(transport::ServerConnection& of, NetworkFilters filters) {
  filters_.emplace(&of, std::move(filters));
}

void WorkerListener::stopAccepting() {
  for (const auto& socket : sockets_) event_del(&socket->watch);
  sockets_.clear();
}

void WorkerListener::holdBack(bool hold) {
  if (plan_->bypasses_overload || hold == std::exchange(held_back_, hold)) return;
  for (const auto& socket : sockets_) {
    hold ? event_del(&socket->watch) : event_add(&socket->watch, nullptr);
  }
}

void WorkerListener::drain(bool accept) {
  if (!accept) stopAccepting();
  for (transport::ServerConnection* at = list_.first(); at != nullptr;) {
    transport::ServerConnection* next = transport::ServerList::after(*at);
    at->drain();
    at = next;
  }
}

void WorkerListener::closeAll() {
  net::Loop::Turn turn(services_.loop);
  while (!list_.empty()) list_.first()->close();
}

}  // namespace weir::listener
