// The WorkerListeners are all listeners of one worker, by name, and those that were removed and
// have connections left. What changes together changes in one turn. Made and changed on the main
// thread before the worker runs, then on the worker's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/listener/worker_listener.h"

namespace weir::listener {

// What becomes of one listener: it is added when there is none of that name, else updated, or
// removed when there is no plan.
struct ListenerChange {
  std::string name;
  std::shared_ptr<const ListenerPlan> plan;
  // Beside plan->addresses. Empty, or missing: a listener of this worker has a socket of that
  // address, which passes on: the same listener, or one that gives the address up with this change.
  std::vector<net::Fd> sockets;
  std::shared_ptr<Balance> balance;  // of a new one; it stays through all updates
};

class WorkerListeners {
 public:
  WorkerListeners(stream::Services& services, size_t worker)
      : services_(services), worker_(worker) {}

  // No name twice. The order does not matter: addresses are given up before they are taken.
  // Connections of chains that are in no plan any more are asked to leave over `drain`.
  void change(std::vector<ListenerChange> changes, const Drain& drain);
  void adopt(HandedSocket socket);
  void forEach(const std::function<void(WorkerListener&)>& what) const;
  size_t connections() const;
  // Closes everything.
  void clear();

 private:
  WorkerListener* find(std::string_view name) const;
  void begin(ListenerChange& change, AcceptingSockets& free, const Drain& drain);
  void remove(std::string_view name, const Drain& drain);
  void dropRemoved(WorkerListener* listener);

  stream::Services& services_;
  const size_t worker_;
  std::map<std::string, std::unique_ptr<WorkerListener>, std::less<>> listeners_;
  std::vector<std::unique_ptr<WorkerListener>> removed_;
};

}  // namespace weir::listener
