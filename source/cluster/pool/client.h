// A Client is one connection of a pool to its endpoint, whatever it speaks: requests begin on it
// while it has room. The pool owns it and keeps it in one of its lists; when it closes it tells the
// pool and dies at the end of the turn. Worker thread only.
#pragma once

#include <string>

#include "source/cluster/cluster_use.h"
#include "source/codec/stream.h"
#include "source/net/loop.h"
#include "source/transport/connection.h"
#include "weir/stream_info.h"

namespace weir::cluster {

class Pool;

class Client : public net::Deferred {
 public:
  // Servers wait for seconds before they end what is idle; to look costs a system call.
  static constexpr std::chrono::seconds kTrusted{1};

  // The next exchange; only while hasRoom(). `user` is told until its response has ended or
  // detach(), and `bytes` counts as long.
  virtual codec::ClientStream& begin(codec::ClientStreamUser& user, ByteMeter& bytes) = 0;
  // Whether it takes another request now. It tells the pool when that changes: Pool::onRoom(),
  // Pool::onNoRoom().
  virtual bool hasRoom() const = 0;
  virtual bool idle() const = 0;
  // No further request: closes now when idle, else when what it carries is over.
  virtual void retire() = 0;
  virtual Protocol protocol() const = 0;

  // Idle for so long that its peer may have ended it, and something has come that nobody has read
  // yet: the end, most likely.
  bool mayBeOver(net::SteadyTime now) const {
    return now - idle_since_ > kTrusted && connection_->hasNews();
  }
  net::SteadyTime began() const { return began_; }
  bool isSecure() const { return connection_->isSecure(); }
  // Null: plain.
  std::shared_ptr<const TlsFacts> tls() const { return connection_->tls(); }
  // The socket's own address.
  const std::string& localText() {
    if (local_text_.empty()) local_text_ = net::Address::localOf(connection_->fd()).text();
    return local_text_;
  }

 protected:
  // `began`: when connecting did.
  Client(Pool& pool, transport::ConnectionPtr connection, net::SteadyTime began);

  Pool& pool_;
  const ClusterUse use_;
  const transport::ConnectionPtr connection_;
  net::SteadyTime idle_since_ = net::SteadyTime::max();  // of HTTP/1

 private:
  friend class Pool;
  friend class ClientList;

  const net::SteadyTime began_;
  std::string local_text_;
  Client* next_ = nullptr;  // of the pool's lists
  Client* previous_ = nullptr;
  bool open_ = false;  // in the list of those with room
};

// An intrusive list; new ones come first.
class ClientList {
 public:
  Client* first() const { return first_; }
  static Client* after(const Client& client) { return client.next_; }
  bool empty() const { return first_ == nullptr; }

  void add(Client& client) {
    client.previous_ = nullptr;
    client.next_ = first_;
    if (first_ != nullptr) first_->previous_ = &client;
    first_ = &client;
  }
  void remove(Client& client) {
    (client.previous_ != nullptr ? client.previous_->next_ : first_) = client.next_;
    if (client.next_ != nullptr) client.next_->previous_ = client.previous_;
    client.next_ = client.previous_ = nullptr;
  }

 private:
  Client* first_ = nullptr;
};

}  // namespace weir::cluster
