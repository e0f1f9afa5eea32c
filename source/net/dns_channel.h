// A DnsChannel is a Resolver's c-ares channel on a Loop. c-ares calls back from inside its own
// functions, where it may not be called or destroyed, so answers are kept and delivered in a turn
// of their own. Owner: Resolver. The loop's thread only.
#pragma once

#include <ares.h>

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "source/net/resolver.h"
#include "weir/result.h"

namespace weir::net {

// Owned by its DnsLookup: when that is gone nobody wants the answer.
struct DnsQuery {
  std::string name;
  AddressFamily family;
  DnsLookup::Callback done;
  int pending = 0;        // families asked for and not yet answered
  DnsAnswer answer = {};  // of the families answered so far
};

class DnsChannel final : TimerUser {
 public:
  DnsChannel(Loop& loop, ResolverSettings settings);
  DnsChannel(const DnsChannel&) = delete;
  ~DnsChannel();

  // Once, before ask(). Nothing if all went well.
  std::optional<Error> open();
  void ask(const std::shared_ptr<DnsQuery>& query);
  const ResolverSettings& settings() const { return settings_; }

 private:
  // What c-ares holds while it works on a query.
  struct Ask {
    DnsChannel& channel;
    std::weak_ptr<DnsQuery> query;
    int fallback;  // the family to ask for if this one has nothing; AF_UNSPEC: none
  };
  struct Socket {
    event watch;
    DnsChannel* channel;
  };

  std::optional<Error> setServers();
  void send(const std::shared_ptr<DnsQuery>& query, int family, int fallback);
  void onAnswer(const Ask& ask, int status, const ares_addrinfo* info);
  void deliver(std::weak_ptr<DnsQuery> query, DnsAnswer answer);
  void deliverReady();
  void onSocketState(ares_socket_t fd, bool readable, bool writable);
  void process(ares_socket_t readable, ares_socket_t writable);
  void armTimer();
  void onTimer() override;

  Loop& loop_;
  const ResolverSettings settings_;
  ares_channel channel_ = nullptr;
  bool closing_ = false;
  Timer timer_;
  event ready_event_;
  std::vector<std::pair<std::weak_ptr<DnsQuery>, DnsAnswer>> ready_;
  std::unordered_map<ares_socket_t, std::unique_ptr<Socket>> sockets_;
  bool* destroyed_ = nullptr;  // told when a callback destroys this
};

}  // namespace weir::net
