// Listeners are all the listeners there are now: those of the bootstrap, and those that a control
// plane gave. A new version of one warms until its routes and secrets are known, and then takes the
// place of the old on the same sockets; filter chains that did not change stay, with their
// connections.
// Lives in the Server; main thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "source/listener/worker_listeners.h"
#include "source/live/feeds.h"
#include "source/live/listener_version.h"
#include "weir/report.h"

namespace weir::live {

class Listeners {
 public:
  // Chains by the bytes of their configuration.
  using KnownChains = std::map<std::string, listener::FilterChainPtr>;
  // Null when errors were reported. What is in `known` is not built again.
  using Build = std::function<std::shared_ptr<const listener::ListenerPlan>(
      const ListenerProto& proto, const Where& at, const KnownChains& known)>;
  struct Callbacks {
    std::function<void(size_t worker, std::vector<listener::ListenerChange>)> change;
    std::function<void(size_t worker, listener::HandedSocket)> hand_over;
    decltype(RouteLife::Callbacks::replace) replace;
    std::function<void()> progress;  // something may have become warm, or first heard of
  };

  using Version = ListenerVersion;
  struct Entry {
    const Feed* feed = nullptr;  // where it comes from; null: the bootstrap
    bool doomed = false;         // removed; it serves until one that wants its address is warm
    std::unique_ptr<Version> active, warming;
    std::shared_ptr<listener::Balance> balance;
    std::vector<net::Address> addresses;  // where it really listens, beside the plan's
  };

  Listeners(const Version::Parts& parts, StatScope root, Build build, size_t workers,
            Callbacks callbacks);
  ~Listeners();

  // Those of the bootstrap, before start(). What is wrong is reported.
  void add(const ListenerProto& proto, const Where& at);
  // Opens their sockets; else says why not.
  Result<Done> open();
  // They look for their routes.
  void start();
  // Asks a control plane, or Consul, for all its listeners. Once each.
  void follow(const envoy::config::core::v3::ConfigSource& source, const Where& at);
  // Whatever they say from now on, none comes, changes or goes; what is not in use
  // yet never will be. Routes go on changing.
  void freeze();

  bool allWarm() const;
  // The first answer of each that is asked for listeners is in, or is not waited for.
  bool answered() const { return feeds_.answered(); }
  const std::map<std::string, Entry>& entries() const { return entries_; }
  // Where the bootstrap's first listener, else any, really listens; 0: nowhere at an IP address.
  uint16_t firstPort() const;
  // What those that are followed said.
  std::vector<const xds::TypeState*> said() const { return feeds_.states(); }

 private:
  using Sockets = std::vector<std::vector<net::Fd>>;  // by worker, then beside plan->addresses
  struct Change {
    std::string name;
    std::shared_ptr<const listener::ListenerPlan> plan;  // null: it goes
    Sockets sockets;
  };

  std::optional<std::string> take(const Feed& from, const xds::ResourcePtr& resource);
  std::unique_ptr<Version> makeVersion(Entry& entry, const std::string& name, ListenerProto proto,
                                       const Where& at);
  // Nothing: its addresses can be listened on as far as can be said before it is warm.
  std::optional<std::string> isTaken(const listener::ListenerPlan& plan) const;
  // Routes or secrets of it have come.
  void onPartWarm(const std::string& name);
  // Puts what is warm of `names` into use, and ends what is doomed and not needed any more.
  void settle(const std::set<std::string>& names, std::vector<xds::Refusal>& refusals);
  Result<Sockets> socketsFor(const std::string& name, const listener::ListenerPlan& plan,
                             const std::vector<Change>& changes);
  std::string holderOf(const net::Address& address, const std::vector<Change>& changes) const;
  bool passesOn(const net::Address& address) const;
  bool isWanted(const Entry& doomed) const;
  void noteAddresses(Entry& entry, const std::vector<net::Fd>& sockets);
  void tell(std::vector<Change> changes);
  void discard(std::vector<std::unique_ptr<Version>> versions);
  void count();
  void onUpdate(const Feed& from, const xds::Update& update, std::vector<xds::Refusal>& refusals);

  const Version::Parts parts_;
  const StatScope root_;
  const Build build_;
  const size_t workers_;
  const Callbacks callbacks_;
  std::map<std::string, Entry> entries_;
  std::string first_;                           // of the bootstrap's
  std::vector<std::unique_ptr<Version>> gone_;  // while a change is made: what it takes away
  Feeds feeds_;
  bool settling_ = false;
  Counter added_, modified_, removed_, opened_, failed_;
  Gauge active_, warming_;
};

}  // namespace weir::live
