#include "source/listener/accepting_socket.h"

#include <event2/event.h>

#include <algorithm>
#include <utility>

#include "source/listener/chain_criteria.h"

namespace weir::listener {
namespace {

bool isAnyAddress(const net::Address& address) {
  const auto ip = ipOf(address);
  return ip && *ip == ip->masked(0);
}

}  // namespace

AcceptingSocket::AcceptingSocket(net::Loop& loop, net::Fd fd, net::Address configured)
    : loop_(loop),
      fd_(std::move(fd)),
      configured_(std::move(configured)),
      local_(net::Address::localOf(fd_.get())),
      wildcard_(isAnyAddress(local_)) {
  // Level triggered: what one turn leaves is accepted in the next.
  event_assign(&event_, loop_.base(), fd_.get(), EV_READ | EV_PERSIST, onEvent, this);
}

AcceptingSocket::~AcceptingSocket() { watch(false); }

void AcceptingSocket::watch(bool on) {
  if (on == std::exchange(watched_, on)) return;
  on ? event_add(&event_, nullptr) : event_del(&event_);
}

void AcceptingSocket::onEvent(evutil_socket_t, short, void* self) {
  auto& socket = *static_cast<AcceptingSocket*>(self);
  net::Loop::Turn turn(socket.loop_);
  socket.user_->onAcceptable(socket);
}

std::unique_ptr<AcceptingSocket> takeSocket(AcceptingSockets& from,
                                            const net::Address& configured) {
  const auto found = std::find_if(from.begin(), from.end(), [&](const auto& socket) {
    return socket->configured() == configured;
  });
  if (found == from.end()) return nullptr;
  auto taken = std::move(*found);
  from.erase(found);
  return taken;
}

}  // namespace weir::listener
