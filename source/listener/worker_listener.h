// A WorkerListener is one worker's share of a listener: it accepts, chooses the filter chain, and
// owns the connections until they close. With exact balance it hands a connection to the worker
// that has fewest. Its plan may be replaced: connections whose chain is in the next plan, too, live
// on untouched, the others are asked to leave. Worker thread only.
//
//   add sockets … [update …] … [remove … over]
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "source/listener/accepting_socket.h"
#include "source/listener/balance.h"
#include "source/listener/chain_connections.h"
#include "source/listener/drain.h"
#include "source/listener/listener_plan.h"
#include "source/listener/opening.h"
#include "source/net/fd.h"
#include "source/stream/services.h"
#include "source/transport/server_connection.h"

namespace weir::listener {

class WorkerListener final : public net::Deferred,
                             OpeningOwner,
                             ChainConnections::Owner,
                             AcceptingSocket::User,
                             net::TimerUser {
 public:
  using PlanPtr = std::shared_ptr<const ListenerPlan>;

  // `sockets`: one for each of the plan's addresses. `balance` may be null: nobody else serves it.
  WorkerListener(stream::Services& services, PlanPtr plan, AcceptingSockets sockets, size_t worker,
                 std::shared_ptr<Balance> balance);
  ~WorkerListener() override;

  // The configured addresses of its sockets.
  std::vector<net::Address> addresses() const;
  // All sockets but one for each of those. Until somebody takes them they still wake this one.
  AcceptingSockets releaseSockets(const std::vector<net::Address>& but);
  // Goes on with `next`, and with `sockets` beside those it kept.
  void update(PlanPtr next, AcceptingSockets sockets, const Drain& drain);
  // Once, when its sockets are released. `over` is called when nothing is left of it, maybe at
  // once; it may be destroyed then through Loop::destroyLater.
  void remove(const Drain& drain, std::function<void()> over);

  // Takes a connection that another worker accepted.
  void adopt(HandedSocket socket);
  // The process drains: idle connections close, busy ones after their response; unless `accept`,
  // no new ones come.
  void drain(bool accept);
  void stopAccepting() { sockets_.clear(); }
  // Connections wait in the kernel's queue while Services::overload says so.
  void obeyOverload();
  void closeAll();
  size_t connections() const { return count_; }
  const ListenerPlan& plan() const { return *plan_; }
  const std::shared_ptr<Balance>& balance() const { return balance_; }

 private:
  // worker_listener.cc: new connections
  void onAcceptable(AcceptingSocket& socket) override;
  bool handOver(net::Fd& fd, const net::Address& remote);
  bool admit();
  void begin(net::Fd fd, const net::Address& remote, const net::Address& local);
  ChainConnections* groupOf(const FilterChainPtr& chain, const DrainPeriod* retired);
  ChainConnections* countIn(const FilterChainPtr& chain, const DrainPeriod* retired);
  void forget();
  void tellBalance();

  // OpeningOwner, ChainConnections::Owner
  ChainConnections* onChainMatched(Opening& opening, const FilterChainPtr& chain) override;
  void onOpeningFailed(Opening& opening) override;
  void onConnectionClosed(ChainConnections& of) override;

  // listener_update.cc: other plans
  void take(AcceptingSockets sockets);
  void retireOpenings(const DrainPeriod& period);
  void retireChains(const DrainPeriod& period, const ListenerPlan* next);
  void moveCounts(const ListenerPlan& next);
  void endIfOver();
  void onTimer() override;

  stream::Services& services_;
  PlanPtr plan_;
  AcceptingSockets sockets_;  // none: accepts no more
  const size_t worker_;
  const std::shared_ptr<Balance> balance_;
  transport::ServerList openings_;  // without a chain yet
  // Of the chains in the plan, each made at its first use; and of chains that were in former ones.
  std::unordered_map<const FilterChainPlan*, std::unique_ptr<ChainConnections>> current_;
  std::vector<std::unique_ptr<ChainConnections>> leaving_;
  size_t count_ = 0;    // of all of them
  size_t matched_ = 0;  // … that have a chain
  std::optional<DrainPeriod> removed_;
  std::function<void()> over_;
  net::Timer timer_;
};

}  // namespace weir::listener
