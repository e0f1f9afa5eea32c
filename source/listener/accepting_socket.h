// An AcceptingSocket is one listening socket on a worker's loop. It may pass from one listener to
// another without being closed, so that no client is refused: who waits in its queue is accepted by
// the next. Worker thread only, or any before the worker runs.
#pragma once

#include <event2/event_struct.h>

#include <memory>
#include <vector>

#include "source/net/address.h"
#include "source/net/fd.h"
#include "source/net/loop.h"

namespace weir::listener {

class AcceptingSocket {
 public:
  class User {
   public:
    // Clients wait. Told again each turn while that is so.
    virtual void onAcceptable(AcceptingSocket& socket) = 0;

   protected:
    ~User() = default;
  };

  // `configured`: what the listener's configuration says, which may leave the port to the kernel.
  AcceptingSocket(net::Loop& loop, net::Fd fd, net::Address configured);
  AcceptingSocket(const AcceptingSocket&) = delete;
  ~AcceptingSocket();

  // Before watch(); its owner from then on.
  void setUser(User& user) { user_ = &user; }
  void watch(bool on);
  // For one last time: who got through to a socket that goes is served.
  void acceptLast() { user_->onAcceptable(*this); }

  int fd() const { return fd_.get(); }
  const net::Address& configured() const { return configured_; }
  const net::Address& local() const { return local_; }
  bool isWildcard() const { return wildcard_; }  // each connection has an address of its own

 private:
  static void onEvent(evutil_socket_t, short, void* self);

  net::Loop& loop_;
  net::Fd fd_;
  const net::Address configured_;
  const net::Address local_;
  const bool wildcard_;
  bool watched_ = false;
  User* user_ = nullptr;
  event event_{};
};

using AcceptingSockets = std::vector<std::unique_ptr<AcceptingSocket>>;

// Takes one of this address out; null when there is none.
std::unique_ptr<AcceptingSocket> takeSocket(AcceptingSockets& from, const net::Address& configured);

}  // namespace weir::listener
