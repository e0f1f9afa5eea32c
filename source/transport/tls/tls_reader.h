// Reads the messages that both sides of TLS share. Each function reports what is wrong at the
// field it stands in and says whether all was well; none ever quotes what a secret holds. Main
// thread.
#pragma once

#include <string>
#include <vector>

#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "source/transport/tls/secrets.h"
#include "source/transport/tls/tls_context.h"
#include "weir/report.h"

namespace weir::transport {

class TlsReader {
 public:
  using Common = envoy::extensions::transport_sockets::tls::v3::CommonTlsContext;
  using CertificateProto = envoy::extensions::transport_sockets::tls::v3::TlsCertificate;
  using ValidationProto =
      envoy::extensions::transport_sockets::tls::v3::CertificateValidationContext;
  using ParametersProto = envoy::extensions::transport_sockets::tls::v3::TlsParameters;
  using TicketsProto = envoy::extensions::transport_sockets::tls::v3::TlsSessionTicketKeys;
  using DataSource = envoy::config::core::v3::DataSource;

  // `before`: an identity that cannot be read stays the one it was there, and the report says so.
  TlsReader(const Secrets& secrets, FetchedSecrets& fetched, const TlsContext* before)
      : secrets_(secrets), fetched_(fetched), before_(before) {}

  bool common(const Common& proto, TlsParts& parts, const Where& at);
  bool ticketKeys(const TicketsProto& proto, std::vector<std::string>& keys, const Where& at);
  // Null: awaits() it; or it is reported, and `good` false.
  const Secret* secret(const SecretReference& reference, Secret::TypeCase kind, const Where& at,
                       bool& good);

  // A secret is still to come: what was read is not whole.
  bool awaits() const { return awaits_; }
  const std::vector<std::string>& watched() const { return watched_; }

 private:
  bool parameters(const ParametersProto& proto, TlsParts& parts, const Where& at);
  bool identities(const Common& proto, TlsParts& parts, const Where& at);
  bool identity(const CertificateProto& proto, TlsParts& parts, const Where& at);
  std::shared_ptr<const Identity> readIdentity(const CertificateProto& proto, const Where& at);
  bool validation(const Common& proto, TlsParts& parts, const Where& at);
  bool rules(const ValidationProto& proto, TlsParts& parts, const Where& at);
  bool trust(const ValidationProto& proto, PeerRules& rules, const Where& at);
  bool names(const ValidationProto& proto, PeerRules& rules, const Where& at);
  bool pins(const ValidationProto& proto, PeerRules& rules, const Where& at);
  bool alpn(const Common& proto, TlsParts& parts, const Where& at);

  // False: reported. An absent source is an empty text.
  bool content(const DataSource& source, std::string& text, const Where& at);
  void watch(const std::string& path);

  const Secrets& secrets_;
  FetchedSecrets& fetched_;
  const TlsContext* before_;
  bool awaits_ = false;
  std::vector<std::string> watched_;
  std::string trusted_;  // what was read of authorities and revoked certificates
};

}  // namespace weir::transport
