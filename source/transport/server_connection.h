// A ServerConnection is one accepted connection, whatever it speaks, as its listener sees it: it
// stands in the listener's list until it closes. One may make way for another that goes on with
// the same socket (the first bytes decide the protocol): the listener then counts one connection.
// Owned by itself; dies at the end of the turn in which it closes or makes way. Worker thread only.
#pragma once

#include <cstdint>
#include <memory>

#include "source/net/address.h"
#include "source/net/loop.h"

namespace weir::transport {

struct ConnectionFacts;

class ServerConnection : public net::Deferred {
 public:
  // Nothing new: closes now when idle, else when what is going on is over.
  virtual void drain() = 0;
  // The same without haste, so that no request is lost: the client learns of it with its next
  // response, when ServerConnections::leavesNow() says so. At most once, or from one that it
  // replaces.
  virtual void leave() = 0;
  // Whatever is going on.
  virtual void close() = 0;

 private:
  friend class ServerList;
  ServerConnection* next_ = nullptr;
  ServerConnection* previous_ = nullptr;
};

// The worker's list of a listener's connections, as they see it.
class ServerConnections {
 public:
  virtual void onServerClosed(ServerConnection& connection) = 0;
  // `next` goes on with the socket of `former`, which calls nothing more.
  virtual void onServerReplaced(ServerConnection& former, ServerConnection& next) = 0;
  // Asked by one that was told to leave, with each response: whether it ends the connection.
  virtual bool leavesNow() { return true; }

 protected:
  ~ServerConnections() = default;
};

// What is known of a connection when somebody begins to serve it. With a PROXY header the addresses
// are those that it tells.
struct Accepted {
  net::Address remote;
  net::Address local;
  uint64_t id = 0;  // one count for the process
  net::SteadyTime at{};
  std::shared_ptr<const ConnectionFacts> facts = nullptr;  // null: nothing else was learnt
};

// An intrusive list of connections.
class ServerList {
 public:
  bool empty() const { return first_ == nullptr; }
  ServerConnection* first() const { return first_; }
  static ServerConnection* after(const ServerConnection& connection) { return connection.next_; }

  void add(ServerConnection& connection) {
    connection.next_ = first_;
    if (first_ != nullptr) first_->previous_ = &connection;
    first_ = &connection;
  }
  void remove(ServerConnection& connection) {
    ServerConnection* const before = connection.previous_;
    (before != nullptr ? before->next_ : first_) = connection.next_;
    if (connection.next_ != nullptr) connection.next_->previous_ = before;
    connection.next_ = connection.previous_ = nullptr;
  }

 private:
  ServerConnection* first_ = nullptr;
};

}  // namespace weir::transport
