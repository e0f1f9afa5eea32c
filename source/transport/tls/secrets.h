// Where the secrets that a TLS context names are found. Main thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "source/transport/tls/identities.h"
#include "weir/report.h"

namespace weir::transport {

using Secret = envoy::extensions::transport_sockets::tls::v3::Secret;
using SecretReference = envoy::extensions::transport_sockets::tls::v3::SdsSecretConfig;

// The named secrets of a configuration (static_resources.secrets), and whether others may be
// fetched (SDS). Immutable once the configuration is read.
class Secrets {
 public:
  // Reports why secrets cannot come from there.
  using CheckSource =
      std::function<void(const envoy::config::core::v3::ConfigSource&, const Where&)>;

  explicit Secrets(CheckSource check_source = {}) : check_source_(std::move(check_source)) {}

  // Names without a secret, and names given twice, are reported.
  void add(const Secret& secret, const Where& at);

  // What a reference without a source means, if it is a secret of that kind; null, and reported,
  // otherwise.
  const Secret* find(const SecretReference& reference, Secret::TypeCase kind,
                     const Where& at) const;
  void checkSource(const SecretReference& reference, const Where& at) const;
  // What is read of any secret, for who reads the same.
  Identities& identities() const { return *identities_; }

 private:
  const CheckSource check_source_;
  const std::unique_ptr<Identities> identities_ = std::make_unique<Identities>();
  std::map<std::string, Secret> secrets_;
};

// The secrets that one user of TLS needs from elsewhere, and those of them that have come.
class FetchedSecrets {
 public:
  struct One {
    SecretReference reference;
    std::optional<Secret> secret;  // none: it has not come yet
  };

  // The place of a reference, made at the first call; `fresh` says that it was.
  One& of(const SecretReference& reference, bool& fresh);
  const std::vector<One>& all() const { return all_; }

 private:
  std::vector<One> all_;
};

// False, and reported: it is one of another kind.
bool isOfKind(const Secret& secret, Secret::TypeCase kind, const Where& at);

}  // namespace weir::transport
