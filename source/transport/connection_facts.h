// ConnectionFacts is what was learnt of a downstream connection before its protocol began: by
// listener filters, and by the PROXY header of a proxy in front. Made on the connection's worker
// while it opens, read-only afterwards; whoever serves the connection shares it. A connection of
// which nothing was learnt has none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "source/net/address.h"
#include "weir/metadata.h"

namespace weir::transport {

// Texts by namespace and key, a handful.
class ConnectionMetadata final : public Metadata {
 public:
  struct Fact {
    std::string space, key, value;
  };

  void set(std::string_view space, std::string_view key, std::string_view value);
  // Null: nobody said so.
  const std::string* find(std::string_view space, std::string_view key) const;
  const std::vector<Fact>& all() const { return facts_; }

  Found append(std::string& to, std::string_view space,
               std::span<const std::string> keys) const override;

 private:
  std::vector<Fact> facts_;
};

struct ConnectionFacts {
  net::Address direct_remote;  // the socket's other end, whatever a PROXY header says
  std::string server_name;     // of the ClientHello, lower case
  std::string_view transport_protocol = "raw_buffer";  // or "tls"; static
  std::vector<std::string> application_protocols;      // ALPN, or what the bytes look like
  bool proxied = false;                                // a PROXY header told both addresses
  std::string proxy_tlvs;                              // those to be passed on, well formed
  ConnectionMetadata metadata;
};

}  // namespace weir::transport
