// A DnsTestServer is a small scripted name server on 127.0.0.1, UDP and TCP at one port, for tests
// of look-ups: it answers what it was told and counts what it was asked. It lives on the loop under
// test. Names are compared without regard to case.
#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>

#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "source/net/address.h"
#include "source/net/fd.h"
#include "source/net/loop.h"

namespace weir::net {

struct DnsScript {
  std::vector<std::string> v4 = {}, v6 = {};  // literals
  uint32_t ttl = 60;
  uint8_t rcode = 0;       // of both families: 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED
  uint8_t v4_rcode = 0;    // of A only
  bool silent = false;     // never answers
  bool truncated = false;  // over UDP only an empty answer with TC
  std::string alias = {};  // a CNAME to this name, which has the addresses
  uint32_t alias_ttl = 60;
};

class DnsTestServer {
 public:
  explicit DnsTestServer(Loop& loop);
  DnsTestServer(const DnsTestServer&) = delete;
  ~DnsTestServer();

  Address address() const { return address_; }
  // Names not told of do not exist (NXDOMAIN).
  DnsScript& operator[](const std::string& name) { return scripts_[name]; }

  int udpQueries() const { return udp_queries_; }
  int tcpQueries() const { return tcp_queries_; }

 private:
  struct Client {
    DnsTestServer* server;
    Fd fd;
    event watch;
    std::string in;
  };

  void onUdp();
  void onAccept();
  void onTcp(Client& client);
  // Empty: no answer.
  std::string answer(const std::string& query, bool tcp) const;

  Loop& loop_;
  Fd udp_, tcp_;
  Address address_;
  event udp_event_, tcp_event_;
  std::list<Client> clients_;
  std::map<std::string, DnsScript> scripts_;
  int udp_queries_ = 0;
  int tcp_queries_ = 0;
};

}  // namespace weir::net
