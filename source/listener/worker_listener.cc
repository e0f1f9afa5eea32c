#include "source/listener/worker_listener.h"

#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

#include "source/listener/serve.h"
#include "source/transport/connection.h"

namespace weir::listener {
namespace {

std::atomic<uint64_t> g_connection_id{0};

}  // namespace

WorkerListener::WorkerListener(stream::Services& services, PlanPtr plan, AcceptingSockets sockets,
                               size_t worker, std::shared_ptr<Balance> balance)
    : services_(services),
      plan_(std::move(plan)),
      worker_(worker),
      balance_(std::move(balance)),
      timer_(*this) {
  take(std::move(sockets));
}

WorkerListener::~WorkerListener() {
  stopAccepting();
  closeAll();
}

void WorkerListener::onAcceptable(AcceptingSocket& socket) {
  for (int i = 0; i < plan_->accepts_per_turn; ++i) {
    sockaddr_storage storage;
    socklen_t size = sizeof storage;
    net::Fd fd(::accept4(socket.fd(), reinterpret_cast<sockaddr*>(&storage), &size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
        plan_->stats.accept_failure.add();
      return;
    }
    if (!admit()) continue;
    const net::Address remote = net::Address::from(reinterpret_cast<sockaddr*>(&storage), size);
    if (handOver(fd, remote)) continue;
    const net::Address local =
        socket.isWildcard() ? net::Address::localOf(fd.get()) : socket.local();
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
  if (const auto most = plan_->connection_limit.number(); most && balance_->sum() >= *most) {
    plan_->stats.cx_overflow.add();
    return false;
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
  balance_->hand_over(best, {.listener = plan_->name,
                             .balance = balance_,
                             .fd = fd.release(),
                             .remote = remote,
                             .counted = plan_->global_limit});
  return true;
}

void WorkerListener::adopt(HandedSocket socket) {
  net::Fd fd(socket.fd);
  if (socket.counted != plan_->global_limit) {  // the plan changed on its way
    if (socket.counted != nullptr) socket.counted->give();
    if (plan_->global_limit != nullptr) plan_->global_limit->add();
  }
  const net::Address local = net::Address::localOf(fd.get());
  begin(std::move(fd), socket.remote, local);
}

void WorkerListener::begin(net::Fd fd, const net::Address& remote, const net::Address& local) {
  const transport::Accepted accepted{
      remote, local, g_connection_id.fetch_add(1, std::memory_order_relaxed), services_.loop.now()};
  auto connection = std::make_unique<transport::Connection>(services_.loop);
  connection->setHighMark(std::min(plan_->buffer_limit, transport::Connection::kDefaultHighMark));
  connection->accept(std::move(fd));
  ++count_;
  tellBalance();
  const DrainPeriod* retired = removed_ ? &*removed_ : nullptr;
  if (plan_->isPlain()) {
    ChainConnections* group = countIn(plan_->chains[0], retired);
    if (group == nullptr) return forget();
    return serve(services_, group->chain(), *group, std::move(connection), accepted, {},
                 [group](transport::ServerConnection& server) { group->add(server); });
  }
  auto* opening = new Opening(services_, plan_, *this, std::move(connection), accepted);
  openings_.add(*opening);
  if (retired != nullptr) opening->retire(*retired);
  opening->start();
}

// Where the connections of a chain stand. `retired`: since when the plan that they follow is not
// this listener's any more; null when it is. Null: their time is over.
ChainConnections* WorkerListener::groupOf(const FilterChainPtr& chain, const DrainPeriod* retired) {
  const auto found = current_.find(chain.get());
  if (found != current_.end()) return found->second.get();
  ChainConnections::Owner& owner = *this;
  if (retired == nullptr || (!removed_ && plan_->holds(chain.get()))) {
    auto group = std::make_unique<ChainConnections>(services_, owner, chain);
    return current_.emplace(chain.get(), std::move(group)).first->second.get();
  }
  for (const auto& group : leaving_) {
    if (&group->chain() == chain.get()) return group.get();
  }
  if (retired->end <= services_.loop.now()) return nullptr;
  leaving_.push_back(std::make_unique<ChainConnections>(services_, owner, chain));
  leaving_.back()->leave(*retired);
  return leaving_.back().get();
}

// The caller adds the connection.
ChainConnections* WorkerListener::countIn(const FilterChainPtr& chain, const DrainPeriod* retired) {
  ChainConnections* group = groupOf(chain, retired);
  if (group == nullptr) return nullptr;
  ++matched_;
  plan_->stats.cx_total.add();
  plan_->stats.cx_active.add();
  return group;
}

ChainConnections* WorkerListener::onChainMatched(Opening& opening, const FilterChainPtr& chain) {
  const auto& retired = opening.retired();
  ChainConnections* group = countIn(chain, retired ? &*retired : nullptr);
  if (group == nullptr) return nullptr;
  openings_.remove(opening);
  group->add(opening);
  return group;
}

void WorkerListener::onOpeningFailed(Opening& opening) {
  openings_.remove(opening);
  forget();
}

void WorkerListener::onConnectionClosed(ChainConnections& of) {
  --matched_;
  plan_->stats.cx_active.sub();
  plan_->stats.cx_destroy.add();
  if (of.leaving() && of.empty()) {
    const auto found = std::find_if(leaving_.begin(), leaving_.end(),
                                    [&of](const auto& group) { return group.get() == &of; });
    services_.loop.destroyLater(found->release());
    leaving_.erase(found);
  }
  forget();
}

void WorkerListener::forget() {
  --count_;
  if (plan_->global_limit != nullptr) plan_->global_limit->give();
  tellBalance();
  endIfOver();
}

void WorkerListener::tellBalance() {
  if (!balance_) return;
  balance_->connections[worker_].value.store(static_cast<uint32_t>(count_),
                                             std::memory_order_relaxed);
}

void WorkerListener::obeyOverload() {
  const bool hold = services_.overload.stop_accepting && !plan_->bypasses_overload;
  for (const auto& socket : sockets_) socket->watch(!hold);
}

void WorkerListener::drain(bool accept) {
  if (!accept) stopAccepting();
  for (transport::ServerConnection* at = openings_.first(); at != nullptr;) {
    transport::ServerConnection* next = transport::ServerList::after(*at);
    at->drain();
    at = next;
  }
  for (const auto& [chain, group] : current_) group->drain();
  std::vector<ChainConnections*> leaving;  // those that become empty go
  for (const auto& group : leaving_) leaving.push_back(group.get());
  for (ChainConnections* group : leaving) group->drain();
}

void WorkerListener::closeAll() {
  net::Loop::Turn turn(services_.loop);
  while (!openings_.empty()) openings_.first()->close();
  for (const auto& [chain, group] : current_) group->closeAll();
  while (!leaving_.empty()) leaving_.front()->closeAll();
}

}  // namespace weir::listener
