// A WorkerListener is one worker's share of a listener: it accepts, chooses the filter chain, and
// owns the connections until they close. With exact balance it hands a connection to the worker
// that has fewest. Worker thread only, but for the counts.
#pragma once

#include <event2/event_struct.h>

#include <atomic>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "source/listener/listener_plan.h"
#include "source/listener/opening.h"
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

  uint64_t sum() const {
    uint64_t sum = 0;
    for (const Count& count : connections) sum += count.value.load(std::memory_order_relaxed);
    return sum;
  }
  // Gives an accepted socket to another worker's WorkerListener of the same listener.
  std::function<void(size_t worker, int fd, net::Address remote)> hand_over;
};

class WorkerListener final : public OpeningOwner {
 public:
  // `sockets`: one for each of the plan's addresses.
  WorkerListener(stream::Services& services, std::shared_ptr<const ListenerPlan> plan,
                 std::vector<net::Fd> sockets, size_t worker, std::shared_ptr<Balance> balance);
  ~WorkerListener();

  // Takes a connection that another worker accepted.
  void adopt(net::Fd fd, const net::Address& remote);
  // Idle connections close, busy ones after their response; unless `accept`, no new ones come.
  void drain(bool accept);
  void stopAccepting();
  // While `hold`, connections wait in the kernel's queue; the overload manager's.
  void holdBack(bool hold);
  void closeAll();
  size_t connections() const { return count_; }
  const ListenerPlan& plan() const { return *plan_; }

 private:
  struct Socket {
    WorkerListener& listener;
    net::Fd fd;
    net::Address local;
    bool wildcard;  // each connection has an address of its own
    event watch{};
  };

  static void onAcceptable(evutil_socket_t, short, void* socket);
  void acceptSome(Socket& socket);
  bool handOver(net::Fd& fd, const net::Address& remote);
  bool admit();
  void begin(net::Fd fd, const net::Address& remote, const net::Address& local);
  void forget();

  // OpeningOwner
  void onServerClosed(transport::ServerConnection& connection) override;
  void onServerReplaced(transport::ServerConnection& former,
                        transport::ServerConnection& next) override;
  void onChainMatched() override;
  void onOpeningFailed(transport::ServerConnection& opening) override;
  void keepFilters(transport::ServerConnection& of, NetworkFilters filters) override;
  void tellBalance();

  stream::Services& services_;
  std::shared_ptr<const ListenerPlan> plan_;
  std::vector<std::unique_ptr<Socket>> sockets_;  // none: accepts no more
  size_t worker_;
  std::shared_ptr<Balance> balance_;
  transport::ServerList list_;
  size_t count_ = 0;
  bool held_back_ = false;
  std::unordered_map<const transport::ServerConnection*, NetworkFilters> filters_;
};

}  // namespace weir::listener
