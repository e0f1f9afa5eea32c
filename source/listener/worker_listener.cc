#include "source/listener/worker_listener.h"

#include <event2/event.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "source/stream/codec_choice.h"
#include "source/transport/connection.h"

namespace weir::listener {
namespace {

std::atomic<uint64_t> g_connection_id{0};

}  // namespace

WorkerListener::WorkerListener(stream::Services& services, std::shared_ptr<const ListenerPlan> plan,
                               net::Fd socket, size_t worker, std::shared_ptr<Balance> balance)
    : services_(services),
      plan_(std::move(plan)),
      socket_(std::move(socket)),
      local_(net::Address::localOf(socket_.get())),
      worker_(worker),
      balance_(std::move(balance)) {
  // Level triggered: what one turn leaves is accepted in the next.
  event_assign(&event_, services_.loop.base(), socket_.get(), EV_READ | EV_PERSIST, onAcceptable,
               this);
  event_add(&event_, nullptr);
}

WorkerListener::~WorkerListener() {
  stopAccepting();
  closeAll();
}

void WorkerListener::onAcceptable(evutil_socket_t, short, void* self) {
  auto& listener = *static_cast<WorkerListener*>(self);
  net::Loop::Turn turn(listener.services_.loop);
  listener.acceptSome();
}

void WorkerListener::acceptSome() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    sockaddr_storage storage;
    socklen_t size = sizeof storage;
    net::Fd fd(::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&storage), &size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
        plan_->stats.accept_failure.add();
      return;
    }
    const net::Address remote = net::Address::from(reinterpret_cast<sockaddr*>(&storage), size);
    if (!handOver(fd, remote)) adopt(std::move(fd), remote);
  }
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
  if (!remote.isUnix()) {
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  const FilterChainPlan* chain = plan_->chooseChain({remote, local_});
  plan_->stats.cx_total.add();
  if (chain == nullptr) return;
  const transport::Accepted accepted{remote, local_,
                                     g_connection_id.fetch_add(1, std::memory_order_relaxed),
                                     services_.loop.now()};
  auto connection = std::make_unique<transport::Connection>(services_.loop);
  connection->setHighMark(std::min(plan_->buffer_limit, transport::Connection::kDefaultHighMark));
  connection->accept(std::move(fd));
  list_.add(stream::serveHttp(services_, chain->hcm, *this, std::move(connection), accepted, {}));
  ++count_;
  plan_->stats.cx_active.add();
  tellBalance();
}

void WorkerListener::tellBalance() {
  if (!balance_) return;
  balance_->connections[worker_].value.store(static_cast<uint32_t>(count_),
                                             std::memory_order_relaxed);
}

void WorkerListener::onServerClosed(transport::ServerConnection& connection) {
  list_.remove(connection);
  --count_;
  plan_->stats.cx_active.sub();
  plan_->stats.cx_destroy.add();
  tellBalance();
}

void WorkerListener::onServerReplaced(transport::ServerConnection& former,
                                      transport::ServerConnection& next) {
  list_.remove(former);
  list_.add(next);
}

void WorkerListener::stopAccepting() {
  if (!socket_) return;
  event_del(&event_);
  socket_.reset();
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
