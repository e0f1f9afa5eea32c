// ServerNames finds the certificates for the name a client asks for (RFC 6066 §3): its own, then a
// wildcard's, then the default. Built with a context; immutable.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "source/transport/tls/identity.h"

namespace weir::transport {

class ServerNames {
 public:
  // At most one of each kind of key; OpenSSL takes the one the client can verify.
  struct Choice {
    const Identity* ecdsa = nullptr;
    const Identity* rsa = nullptr;
  };

  // The identities outlive this. `scan`: a name nobody has gets the first of each kind of key,
  // else the first certificate alone.
  ServerNames(const std::vector<std::shared_ptr<const Identity>>& identities, bool scan);

  // `name` may be empty: the client did not say.
  const Choice& find(std::string_view name) const;
  // Whether every name gets the same.
  bool single() const { return single_; }

 private:
  static bool add(Choice& choice, const Identity& identity);

  std::unordered_map<std::string, Choice> exact_;
  std::unordered_map<std::string, Choice> wildcards_;  // ".example.com"
  Choice first_;                                       // the first certificate
  Choice any_;                                         // the first of each kind
  bool scan_;
  bool single_;
};

}  // namespace weir::transport
