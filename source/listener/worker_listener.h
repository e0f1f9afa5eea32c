// A WorkerListener is one worker's share of a listener: it accepts, chooses the filter chain, and
// owns the connections until they close. With exact balance it hands a connection to the worker
// that has fewest. Worker thread only, but for the counts.
#pragma once

#include <event2/event_struct.h>

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "source/listener/listener_plan.h"
#include "source/net/fd.h"
#include "source/stream/services.h"
#include "source/transport/server_connection.h"

namespace weir::listener {

// How many connections each worker has on one listener; each worker writes its own.
struct Balance {
  explicit Balance(size_t workers) : connections(workers) {}
  struct alignas(64) Count {
    std::atomic<uint32_t> value{0};
  };
  std::vector<Count> connections;
  // Gives an accepted socket to another worker's WorkerListener of the same listener.
  std::function<void(size_t worker, int fd, net::Address remote)> hand_over;
};

class WorkerListener final : public transport::ServerConnections {
 public:
  static constexpr int kAcceptsPerTurn = 64;

  WorkerListener(stream::Services& services, std::shared_ptr<const ListenerPlan> plan,
                 net::Fd socket, size_t worker, std::shared_ptr<Balance> balance);
  ~WorkerListener();

  // Takes a connection, accepted here or handed over.
  void adopt(net::Fd fd, const net::Address& remote);
  // Idle connections close, busy ones after their response; unless `accept`, no new ones come.
  void drain(bool accept);
  void stopAccepting();
  void closeAll();
  size_t connections() const { return count_; }
  const ListenerPlan& plan() const { return *plan_; }

 private:
  static void onAcceptable(evutil_socket_t, short, void* self);
  void acceptSome();
  bool handOver(net::Fd& fd, const net::Address& remote);
  void onServerClosed(transport::ServerConnection& connection) override;
  void onServerReplaced(transport::ServerConnection& former,
                        transport::ServerConnection& next) override;
  void tellBalance();

  stream::Services& services_;
  std::shared_ptr<const ListenerPlan> plan_;
  net::Fd socket_;
  net::Address local_;
  event event_{};
  size_t worker_;
  std::shared_ptr<Balance> balance_;
  transport::ServerList list_;
  size_t count_ = 0;
};

}  // namespace weir::listener
