#include "source/listener/worker_listeners.h"

#include <algorithm>
#include <utility>

namespace weir::listener {
namespace {

bool hasOwn(const ListenerChange& change, size_t address) {
  return address < change.sockets.size() && change.sockets[address];
}

// The addresses for which no new socket came.
std::vector<net::Address> wanted(const ListenerChange& change) {
  std::vector<net::Address> wanted;
  if (change.plan == nullptr) return wanted;
  for (size_t i = 0; i < change.plan->addresses.size(); ++i) {
    if (!hasOwn(change, i)) wanted.push_back(change.plan->addresses[i].address);
  }
  return wanted;
}

}  // namespace

void WorkerListeners::change(std::vector<ListenerChange> changes, const Drain& drain) {
  net::Loop::Turn turn(services_.loop);
  AcceptingSockets free;
  for (const ListenerChange& change : changes) {
    WorkerListener* listener = find(change.name);
    if (listener == nullptr) continue;
    for (auto& socket : listener->releaseSockets(wanted(change))) {
      free.push_back(std::move(socket));
    }
  }
  for (ListenerChange& change : changes) {
    if (change.plan != nullptr) begin(change, free, drain);
  }
  for (const auto& socket : free) socket->acceptLast();
  for (const ListenerChange& change : changes) {
    if (change.plan == nullptr) remove(change.name, drain);
  }
}

void WorkerListeners::begin(ListenerChange& change, AcceptingSockets& free, const Drain& drain) {
  const std::vector<ListenAddress>& addresses = change.plan->addresses;
  WorkerListener* listener = find(change.name);
  std::vector<net::Address> kept;
  if (listener != nullptr) kept = listener->addresses();
  AcceptingSockets sockets;
  for (size_t i = 0; i < addresses.size(); ++i) {
    const net::Address& address = addresses[i].address;
    if (hasOwn(change, i)) {
      sockets.push_back(
          std::make_unique<AcceptingSocket>(services_.loop, std::move(change.sockets[i]), address));
      continue;
    }
    const auto own = std::find(kept.begin(), kept.end(), address);
    if (own != kept.end()) {
      kept.erase(own);
    } else if (auto socket = takeSocket(free, address)) {
      sockets.push_back(std::move(socket));
    }
  }
  if (listener != nullptr) return listener->update(change.plan, std::move(sockets), drain);
  listeners_.emplace(change.name,
                     std::make_unique<WorkerListener>(services_, change.plan, std::move(sockets),
                                                      worker_, std::move(change.balance)));
}

void WorkerListeners::remove(std::string_view name, const Drain& drain) {
  const auto found = listeners_.find(name);
  if (found == listeners_.end()) return;
  removed_.push_back(std::move(found->second));
  listeners_.erase(found);
  WorkerListener* listener = removed_.back().get();
  listener->remove(drain, [this, listener] { dropRemoved(listener); });
}

void WorkerListeners::dropRemoved(WorkerListener* listener) {
  const auto found = std::find_if(removed_.begin(), removed_.end(),
                                  [=](const auto& one) { return one.get() == listener; });
  services_.loop.destroyLater(found->release());
  removed_.erase(found);
}

WorkerListener* WorkerListeners::find(std::string_view name) const {
  const auto found = listeners_.find(name);
  return found == listeners_.end() ? nullptr : found->second.get();
}

void WorkerListeners::adopt(HandedSocket socket) {
  WorkerListener* listener = find(socket.listener);
  if (listener != nullptr && listener->balance() == socket.balance) {
    return listener->adopt(std::move(socket));
  }
  for (const auto& removed : removed_) {
    if (removed->balance() == socket.balance) return removed->adopt(std::move(socket));
  }
  net::Fd nobody_serves_it(socket.fd);
  if (socket.counted != nullptr) socket.counted->give();
}

// Those that are removed as well; one may end on the way.
void WorkerListeners::forEach(const std::function<void(WorkerListener&)>& what) const {
  std::vector<WorkerListener*> all;
  for (const auto& [name, listener] : listeners_) all.push_back(listener.get());
  for (const auto& listener : removed_) all.push_back(listener.get());
  for (WorkerListener* listener : all) what(*listener);
}

size_t WorkerListeners::connections() const {
  size_t sum = 0;
  for (const auto& [name, listener] : listeners_) sum += listener->connections();
  for (const auto& listener : removed_) sum += listener->connections();
  return sum;
}

void WorkerListeners::clear() {
  net::Loop::Turn turn(services_.loop);
  forEach([](WorkerListener& listener) { listener.closeAll(); });
  listeners_.clear();
  removed_.clear();
}

}  // namespace weir::listener
