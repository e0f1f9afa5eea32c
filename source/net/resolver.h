// A Resolver turns names into IP addresses on one Loop: c-ares with its sockets and timeouts as
// events of the loop, no threads. Numeric addresses and names of /etc/hosts need no server. Each
// look-up ends once: with addresses, with an error, or silently when its DnsLookup is destroyed.
//
// The Resolver is made and destroyed on the loop's thread and used only there; it may be destroyed
// while look-ups are pending: they are forgotten. The Loop outlives it, it outlives nobody else. It
// belongs to the thread that has deadlines to keep (the main thread): no worker asks it anything.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/net/address.h"
#include "source/net/loop.h"
#include "weir/result.h"

namespace weir::net {

// Which addresses a look-up wants: for All those of both families, IPv4 first; for Auto IPv6, and
// IPv4 only if there is no IPv6; for V4Preferred the other way round.
enum class AddressFamily : uint8_t { Auto, V4Only, V6Only, V4Preferred, All };

struct ResolverSettings {
  std::vector<Address> servers;      // port 0: 53; empty: those of /etc/resolv.conf
  bool servers_as_fallback = false;  // `servers` only if /etc/resolv.conf names none
  bool tcp_only = false;
  bool search_domains = true;
  bool rotate = false;
  bool routable_only = false;               // drop families this machine has no route for
  std::chrono::milliseconds timeout{5000};  // of the first try; c-ares doubles it for later rounds
  int tries = 4;                            // of each server, at least 1
  uint32_t edns_payload_size = 0;           // 0: no EDNS

  bool operator==(const ResolverSettings&) const = default;
};

enum class DnsError : uint8_t {
  None,
  NotFound,  // no such name (NXDOMAIN)
  NoData,    // the name exists, and has no address of the wanted family
  Timeout,   // no server answered in time
  Server,    // SERVFAIL, REFUSED, or a broken answer
  BadName,   // not a name that DNS can carry
};

std::string_view dnsErrorText(DnsError error);

struct DnsAddress {
  Address address;           // port 0
  std::chrono::seconds ttl;  // max() of a literal; 0 from /etc/hosts, which has none
};

struct DnsAnswer {
  DnsError error = DnsError::None;
  std::vector<DnsAddress> addresses;  // in the order of the answer, without repetitions

  bool ok() const { return error == DnsError::None; }
};

class DnsChannel;

// One look-up under way. Destroying it cancels: its callback will not run. It may be destroyed in
// its own callback, and after the Resolver.
class DnsLookup {
 public:
  using Callback = std::function<void(DnsAnswer)>;

  DnsLookup() = default;  // nothing under way
  explicit operator bool() const { return query_ != nullptr; }
  void cancel() { query_.reset(); }

 private:
  friend class Resolver;
  explicit DnsLookup(std::shared_ptr<void> query) : query_(std::move(query)) {}
  std::shared_ptr<void> query_;
};

class Resolver {
 public:
  // Refuses what c-ares refuses, such as a machine that lets nobody open a socket.
  static Result<std::unique_ptr<Resolver>> make(Loop& loop, ResolverSettings settings);
  Resolver(const Resolver&) = delete;
  ~Resolver();

  // `done` runs in a turn of the loop after this call has returned, never inside it.
  [[nodiscard]] DnsLookup resolve(std::string_view name, AddressFamily family,
                                  DnsLookup::Callback done);
  const ResolverSettings& settings() const;

 private:
  explicit Resolver(std::unique_ptr<DnsChannel> channel);
  std::unique_ptr<DnsChannel> channel_;
};

}  // namespace weir::net
