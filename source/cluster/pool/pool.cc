#include "source/cluster/pool/pool.h"

#include <cerrno>
#include <utility>

#include "source/cluster/pool/http1_client.h"
#include "source/cluster/pool/http2_client.h"

namespace weir::cluster {
namespace {

// For a connect that failed before it began; errno tells why.
Failure connectFailure() {
  if (errno == EDESTADDRREQ) {
    return {Side::Weir, FailureKind::ConnectFailed, Retry::Never,
            "the request names no host that a certificate could be for"};
  }
  if (errno == EKEYREJECTED) {
    return {Side::Weir, FailureKind::ConnectFailed, Retry::Safe,
            "the secrets of the cluster's TLS have not come yet"};
  }
  const bool local = errno == EMFILE || errno == ENFILE;
  return {local ? Side::Weir : Side::Upstream, FailureKind::ConnectFailed, Retry::Safe,
          local ? "out of file descriptors" : "cannot connect"};
}

// Plain text agrees on nothing: HTTP/1, as in Envoy.
bool agreedOnHttp2(const transport::Connection& connection) { return connection.alpn() == "h2"; }

}  // namespace

Client::Client(Pool& pool, transport::ConnectionPtr connection, net::SteadyTime began)
    : pool_(pool), use_(pool.use()), connection_(std::move(connection)), began_(began) {}

void PoolWaiter::leaveQueue() {
  if (pool_ != nullptr) pool_->dequeue(*this);
}

Pool::Pool(net::Loop& loop, PoolOwner& owner, const Cluster& cluster, EndpointPtr endpoint,
           PoolKey key)
    : loop_(loop),
      owner_(owner),
      cluster_(&cluster),
      limits_(&cluster.limits(key.priority)),
      priority_(key.priority),
      budgets_(cluster.budgets(key.priority)),
      endpoint_(std::move(endpoint)),
      metadata_(endpoint_->metadata),
      version_(key.version),
      server_name_(std::move(key.server_name)) {
  if (version_ != HttpVersion::Http1) {
    expected_room_ = cluster.settings().http2.codec.max_concurrent_streams;
  }
}

Pool::~Pool() {
  while (first_ != nullptr) dequeue(*first_);
  for (ClientList* list : {&open_, &full_}) {
    while (!list->empty()) {
      Client* client = list->first();
      list->remove(*client);
      budgets_.connections.give();
      delete client;
    }
  }
  while (connecting_ != nullptr) {
    budgets_.connections.give();
    delete std::exchange(connecting_, connecting_->next);
  }
}

void Pool::setCluster(const Cluster& cluster) {
  cluster_ = &cluster;
  limits_ = &cluster.limits(priority_);
}

void Pool::enqueue(PoolWaiter& waiter) {
  waiter.pool_ = this;
  waiter.next_ = nullptr;
  waiter.previous_ = last_;
  (last_ != nullptr ? last_->next_ : first_) = &waiter;
  last_ = &waiter;
  ++waiting_;
  budgets_.pending.take();
  cluster_->stats().rq_pending_total.add();
  cluster_->stats().rq_pending_active.add();
}

void Pool::dequeue(PoolWaiter& waiter) {
  (waiter.previous_ != nullptr ? waiter.previous_->next_ : first_) = waiter.next_;
  (waiter.next_ != nullptr ? waiter.next_->previous_ : last_) = waiter.previous_;
  waiter.pool_ = nullptr;
  --waiting_;
  budgets_.pending.give();
  cluster_->stats().rq_pending_active.sub();
}

Client* Pool::choose(bool fresh) const {
  Client* client = open_.first();
  while (client != nullptr && ((fresh && client->idle()) || client->mayBeOver(loop_.now()))) {
    client = ClientList::after(*client);
  }
  return client;
}

void Pool::acquire(PoolWaiter& waiter, bool fresh) {
  const ClusterStats& stats = cluster_->stats();
  if (budgets_.requests.full(limits_->max_requests)) {
    stats.rq_pending_overflow.add();
    return waiter.onPoolFailure({Side::Weir, FailureKind::Refused, Retry::Never, "max_requests"},
                                true);
  }
  if (Client* client = choose(fresh)) return serve(*client, waiter);
  if (budgets_.pending.full(limits_->max_pending)) {
    stats.rq_pending_overflow.add();
    return waiter.onPoolFailure(
        {Side::Weir, FailureKind::Refused, Retry::Never, "max_pending_requests"}, true);
  }
  enqueue(waiter);
  if (enoughUnderWay()) return;
  // An endpoint always gets one connection, whatever the ceiling says: else it could starve.
  if (connections_ != 0 && budgets_.connections.full(limits_->max_connections)) {
    stats.cx_overflow.add();
    return;
  }
  if (startConnection()) return;
  dequeue(waiter);
  waiter.onPoolFailure(connectFailure(), false);
}

bool Pool::enoughUnderWay() const { return waiting_ <= uint64_t{under_way_} * expected_room_; }

bool Pool::startConnection() {
  auto* connecting = new Connecting(*this, loop_);
  const ClusterStats& stats = cluster_->stats();
  stats.cx_total.add();
  endpoint_->counts.cx_total.fetch_add(1, std::memory_order_relaxed);
  if (!connecting->start()) {
    const int error = errno;
    delete connecting;
    errno = error;
    stats.cx_connect_fail.add();
    endpoint_->counts.cx_connect_fail.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  connecting->next = std::exchange(connecting_, connecting);
  ++under_way_;
  ++connections_;
  budgets_.connections.take();
  stats.cx_active.add();
  endpoint_->counts.cx_active.fetch_add(1, std::memory_order_relaxed);
  return true;
}

// For those who wait, when a connection that should have served them does not.
void Pool::makeConnections() {
  while (first_ != nullptr && !enoughUnderWay()) {
    if (connections_ != 0 && budgets_.connections.full(limits_->max_connections)) return;
    if (!startConnection()) {
      if (connections_ == 0) failWaiters(connectFailure());
      return;
    }
  }
}

void Pool::serve(Client& client, PoolWaiter& waiter) {
  budgets_.requests.take();
  waiter.onPoolReady(client);
}

void Pool::offer(Client& client) {
  while (first_ != nullptr && client.hasRoom()) {
    PoolWaiter& waiter = *first_;
    dequeue(waiter);
    serve(client, waiter);
  }
  if (draining_ && client.idle()) client.retire();
}

void Pool::forget(Connecting& connecting) {
  Connecting** at = &connecting_;
  while (*at != &connecting) at = &(*at)->next;
  *at = connecting.next;
  --under_way_;
  loop_.destroyLater(&connecting);
}

Client& Pool::makeClient(Connecting& connecting) {
  transport::ConnectionPtr connection = connecting.take();
  const bool http2 = version_ == HttpVersion::Http2 ||
                     (version_ == HttpVersion::Agreed && agreedOnHttp2(*connection));
  if (http2) {
    cluster_->stats().cx_http2_total.add();
    return *new Http2Client(*this, std::move(connection), connecting.began());
  }
  // What the endpoint spoke once it is expected to speak again.
  expected_room_ = 1;
  cluster_->stats().cx_http1_total.add();
  return *new Http1Client(*this, std::move(connection), connecting.began());
}

void Pool::onConnected(Connecting& connecting) {
  Client& client = makeClient(connecting);
  forget(connecting);
  client.open_ = true;
  open_.add(client);
  offer(client);
  makeConnections();
}

void Pool::onConnectFailed(Connecting& connecting, const Failure& failure) {
  cluster_->stats().cx_connect_fail.add();
  if (failure.kind == FailureKind::ConnectTimeout) cluster_->stats().cx_connect_timeout.add();
  endpoint_->counts.cx_connect_fail.fetch_add(1, std::memory_order_relaxed);
  forget(connecting);
  countEnd(connecting.began());
  failWaiters(failure);
  makeConnections();
  tellIfEmpty();
}

// Each failed connection costs the oldest waiter; without any connection left nobody else will come
// to serve the others.
void Pool::failWaiters(const Failure& failure) {
  bool oldest = true;
  while (first_ != nullptr && (oldest || connections_ == 0)) {
    PoolWaiter& waiter = *first_;
    dequeue(waiter);
    oldest = false;
    cluster_->stats().rq_pending_failure_eject.add();
    waiter.onPoolFailure(failure, false);
  }
}

void Pool::onRoom(Client& client) {
  if (!client.open_) {
    client.open_ = true;
    full_.remove(client);
    open_.add(client);
  }
}

void Pool::onNoRoom(Client& client) {
  if (!client.open_) return;
  client.open_ = false;
  open_.remove(client);
  full_.add(client);
}

void Pool::countEnd(net::SteadyTime began) {
  --connections_;
  budgets_.connections.give();
  const ClusterStats& stats = cluster_->stats();
  stats.cx_active.sub();
  stats.cx_destroy.add();
  stats.cx_length_ms.record(
      static_cast<uint64_t>((loop_.now() - began) / std::chrono::microseconds(1)));
  endpoint_->counts.cx_active.fetch_sub(1, std::memory_order_relaxed);
}

void Pool::onClosed(Client& client) {
  (client.open_ ? open_ : full_).remove(client);
  countEnd(client.began());
  loop_.destroyLater(&client);
  makeConnections();
  tellIfEmpty();
}

void Pool::tellIfEmpty() {
  if (draining_ && empty() && first_ == nullptr) owner_.onPoolEmpty(*this);
}

void Pool::drain() {
  draining_ = true;
  for (ClientList* list : {&open_, &full_}) {
    for (Client* client = list->first(); client != nullptr;) {
      Client* const next = ClientList::after(*client);
      client->retire();
      client = next;
    }
  }
  tellIfEmpty();
}

}  // namespace weir::cluster
