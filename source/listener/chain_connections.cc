#include "source/listener/chain_connections.h"

#include <utility>

namespace weir::listener {

using transport::ServerConnection;
using transport::ServerList;

void ChainConnections::add(ServerConnection& connection) {
  list_.add(connection);
  if (leaving()) connection.leave();
}

void ChainConnections::keepFilters(ServerConnection& of, NetworkFilters filters) {
  filters_.emplace(&of, std::move(filters));
}

void ChainConnections::leave(const DrainPeriod& period) {
  period_ = period;
  timer_.arm(services_.loop.timers(), period.end);
  for (ServerConnection* at = list_.first(); at != nullptr;) {
    ServerConnection* next = ServerList::after(*at);
    at->leave();
    at = next;
  }
}

void ChainConnections::drain() {
  for (ServerConnection* at = list_.first(); at != nullptr;) {
    ServerConnection* next = ServerList::after(*at);
    at->drain();
    at = next;
  }
}

void ChainConnections::closeAll() {
  while (!list_.empty()) list_.first()->close();
}

void ChainConnections::onServerClosed(ServerConnection& connection) {
  list_.remove(connection);
  if (!filters_.empty()) filters_.erase(&connection);
  owner_.onConnectionClosed(*this);
}

void ChainConnections::onServerReplaced(ServerConnection& former, ServerConnection& next) {
  list_.remove(former);
  if (!filters_.empty()) {
    if (auto kept = filters_.extract(&former)) {
      kept.key() = &next;
      filters_.insert(std::move(kept));
    }
  }
  add(next);
}

void ChainConnections::onTimer() {
  if (services_.loop.now() >= period_->end) return closeAll();
  timer_.arm(services_.loop.timers(), period_->end);  // later than the wheel can tell
}

bool ChainConnections::leavesNow() {
  return overload::falls(period_->share(services_.loop.now()), services_.random.next());
}

}  // namespace weir::listener
