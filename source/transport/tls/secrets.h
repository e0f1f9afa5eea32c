// The named secrets of a configuration (static_resources.secrets). Immutable; main thread.
#pragma once

#include <map>
#include <string>

#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "weir/report.h"

namespace weir::transport {

class Secrets {
 public:
  using Secret = envoy::extensions::transport_sockets::tls::v3::Secret;
  using Reference = envoy::extensions::transport_sockets::tls::v3::SdsSecretConfig;

  // Names without a secret, and names given twice, are reported.
  void add(const Secret& secret, const Where& at);

  // What a reference means, if it is a secret of that kind; null, and reported, otherwise.
  const Secret* find(const Reference& reference, Secret::TypeCase kind, const Where& at) const;

 private:
  std::map<std::string, Secret> secrets_;
};

}  // namespace weir::transport
