#include "source/cluster/pool/http1_pool.h"

#include <cerrno>
#include <utility>

namespace weir::cluster {
namespace {

// For a connect that failed before it began; errno tells why.
Failure connectFailure() {
  const bool local = errno == EMFILE || errno == ENFILE;
  return {local ? Side::Weir : Side::Upstream, FailureKind::ConnectFailed, Retry::Safe,
          local ? "out of file descriptors" : "cannot connect"};
}

}  // namespace

void PoolWaiter::leaveQueue() {
  if (pool_ != nullptr) pool_->dequeue(*this);
}

Http1Pool::Http1Pool(net::Loop& loop, PoolOwner& owner, const Cluster& cluster,
                     EndpointPtr endpoint, Priority priority)
    : loop_(loop),
      owner_(owner),
      cluster_(cluster),
      limits_(cluster.limits(priority)),
      budgets_(cluster.budgets(priority)),
      endpoint_(std::move(endpoint)) {}

Http1Pool::~Http1Pool() {
  while (first_ != nullptr) dequeue(*first_);
  for (Http1Client** list : {&idle_, &busy_}) {
    while (*list != nullptr) {
      Http1Client* client = *list;
      unlink(*list, *client);
      budgets_.connections.give();
      delete client;
    }
  }
}

void Http1Pool::link(Http1Client*& list, Http1Client& client) {
  client.previous = nullptr;
  client.next = list;
  if (list != nullptr) list->previous = &client;
  list = &client;
}

void Http1Pool::unlink(Http1Client*& list, Http1Client& client) {
  if (client.previous != nullptr) {
    client.previous->next = client.next;
  } else {
    list = client.next;
  }
  if (client.next != nullptr) client.next->previous = client.previous;
  client.next = client.previous = nullptr;
}

void Http1Pool::enqueue(PoolWaiter& waiter) {
  waiter.pool_ = this;
  waiter.next_ = nullptr;
  waiter.previous_ = last_;
  (last_ != nullptr ? last_->next_ : first_) = &waiter;
  last_ = &waiter;
  budgets_.pending.take();
  cluster_.stats().rq_pending_total.add();
  cluster_.stats().rq_pending_active.add();
}

void Http1Pool::dequeue(PoolWaiter& waiter) {
  (waiter.previous_ != nullptr ? waiter.previous_->next_ : first_) = waiter.next_;
  (waiter.next_ != nullptr ? waiter.next_->previous_ : last_) = waiter.previous_;
  waiter.pool_ = nullptr;
  budgets_.pending.give();
  cluster_.stats().rq_pending_active.sub();
}

void Http1Pool::acquire(PoolWaiter& waiter, bool fresh) {
  const ClusterStats& stats = cluster_.stats();
  if (budgets_.requests.full(limits_.max_requests)) {
    stats.rq_pending_overflow.add();
    return waiter.onPoolFailure({Side::Weir, FailureKind::Refused, Retry::Never, "max_requests"},
                                true);
  }
  if (idle_ != nullptr && !fresh) return serve(*idle_, waiter);
  if (budgets_.pending.full(limits_.max_pending)) {
    stats.rq_pending_overflow.add();
    return waiter.onPoolFailure(
        {Side::Weir, FailureKind::Refused, Retry::Never, "max_pending_requests"}, true);
  }
  enqueue(waiter);
  // An endpoint always gets one connection, whatever the ceiling says: else it could starve.
  if (connections_ != 0 && budgets_.connections.full(limits_.max_connections)) {
    stats.cx_overflow.add();
    return;
  }
  if (startConnection()) return;
  dequeue(waiter);
  waiter.onPoolFailure(connectFailure(), false);
}

bool Http1Pool::startConnection() {
  auto* client = new Http1Client(*this, loop_);
  const ClusterStats& stats = cluster_.stats();
  stats.cx_total.add();
  stats.cx_http1_total.add();
  endpoint_->counts.cx_total.fetch_add(1, std::memory_order_relaxed);
  if (!client->connect()) {
    const int error = errno;
    delete client;
    errno = error;
    stats.cx_connect_fail.add();
    endpoint_->counts.cx_connect_fail.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  ++connecting_;
  ++connections_;
  budgets_.connections.take();
  stats.cx_active.add();
  endpoint_->counts.cx_active.fetch_add(1, std::memory_order_relaxed);
  link(busy_, *client);
  return true;
}

void Http1Pool::serve(Http1Client& client, PoolWaiter& waiter) {
  unlink(idle_, client);
  link(busy_, client);
  budgets_.requests.take();
  waiter.onPoolReady(client);
}

void Http1Pool::give(Http1Client& client) {
  if (first_ == nullptr) {
    if (draining_) client.close();
    return;
  }
  PoolWaiter& waiter = *first_;
  dequeue(waiter);
  serve(client, waiter);
}

void Http1Pool::onConnected(Http1Client& client) {
  --connecting_;
  unlink(busy_, client);
  link(idle_, client);
  give(client);
}

void Http1Pool::onConnectFailed(Http1Client& client, const Failure& failure) {
  --connecting_;
  cluster_.stats().cx_connect_fail.add();
  if (failure.kind == FailureKind::ConnectTimeout) cluster_.stats().cx_connect_timeout.add();
  endpoint_->counts.cx_connect_fail.fetch_add(1, std::memory_order_relaxed);
  forget(busy_, client);
  failWaiters(failure);
  if (draining_ && empty() && first_ == nullptr) owner_.onPoolEmpty(*this);
}

// Each failed connection costs the oldest waiter; without any connection left nobody else will come
// to serve the others.
void Http1Pool::failWaiters(const Failure& failure) {
  bool oldest = true;
  while (first_ != nullptr && (oldest || connections_ == 0)) {
    PoolWaiter& waiter = *first_;
    dequeue(waiter);
    oldest = false;
    cluster_.stats().rq_pending_failure_eject.add();
    waiter.onPoolFailure(failure, false);
  }
}

void Http1Pool::onIdle(Http1Client& client) {
  unlink(busy_, client);
  link(idle_, client);
  give(client);
}

void Http1Pool::onRequestEnd() { budgets_.requests.give(); }

void Http1Pool::forget(Http1Client*& list, Http1Client& client) {
  unlink(list, client);
  --connections_;
  budgets_.connections.give();
  cluster_.stats().cx_active.sub();
  cluster_.stats().cx_destroy.add();
  cluster_.stats().cx_length_ms.record(
      static_cast<uint64_t>((loop_.now() - client.began()) / std::chrono::microseconds(1)));
  endpoint_->counts.cx_active.fetch_sub(1, std::memory_order_relaxed);
  loop_.destroyLater(&client);
}

void Http1Pool::onClosed(Http1Client& client, bool was_busy) {
  forget(was_busy ? busy_ : idle_, client);
  // Someone may have waited for room under max_connections.
  if (first_ != nullptr && connections_ == 0 && !startConnection()) failWaiters(connectFailure());
  if (draining_ && empty() && first_ == nullptr) owner_.onPoolEmpty(*this);
}

void Http1Pool::drain() {
  draining_ = true;
  while (idle_ != nullptr) idle_->close();
  if (empty() && first_ == nullptr) owner_.onPoolEmpty(*this);
}

}  // namespace weir::cluster
