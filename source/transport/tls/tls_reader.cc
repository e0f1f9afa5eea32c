#include "source/transport/tls/tls_reader.h"

#include <openssl/err.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

namespace weir::transport {
namespace {

// OpenSSL has no groups of ciphers that are equally good: "[A|B]" becomes "A:B".
std::string flattened(std::string cipher) {
  std::erase_if(cipher, [](char c) { return c == '[' || c == ']'; });
  std::replace(cipher.begin(), cipher.end(), '|', ':');
  return cipher;
}

void addTo(std::string& list, const std::string& name) {
  if (!list.empty()) list += ':';
  list += name;
}

int versionOf(TlsReader::ParametersProto::TlsProtocol version, int otherwise) {
  switch (version) {
    case TlsReader::ParametersProto::TLSv1_0:
      return TLS1_VERSION;
    case TlsReader::ParametersProto::TLSv1_1:
      return TLS1_1_VERSION;
    case TlsReader::ParametersProto::TLSv1_2:
      return TLS1_2_VERSION;
    case TlsReader::ParametersProto::TLSv1_3:
      return TLS1_3_VERSION;
    default:
      return otherwise;
  }
}

class Refused {
 public:
  explicit Refused(const Where& at) : at_(at) {}
  void operator()(bool set, std::string_view field, std::string_view what) {
    if (!set) return;
    at_.field(field).error(std::string(what) + " is not supported");
    any_ = true;
  }
  bool any() const { return any_; }

 private:
  const Where& at_;
  bool any_ = false;
};

std::string pathOf(const TlsReader::DataSource& source) {
  return source.has_filename() ? source.filename() : "<inline>";
}

}  // namespace

bool TlsReader::common(const Common& proto, TlsParts& parts, const Where& at) {
  Refused refused(at);
  refused(proto.has_tls_certificate_provider_instance(), "tls_certificate_provider_instance",
          "a certificate provider");
  refused(proto.has_custom_tls_certificate_selector(), "custom_tls_certificate_selector",
          "another way to choose certificates");
  refused(proto.has_tls_certificate_certificate_provider(), "tls_certificate_certificate_provider",
          "a certificate provider");
  refused(proto.has_tls_certificate_certificate_provider_instance(),
          "tls_certificate_certificate_provider_instance", "a certificate provider");
  refused(proto.has_validation_context_certificate_provider(),
          "validation_context_certificate_provider", "a certificate provider");
  refused(proto.has_validation_context_certificate_provider_instance(),
          "validation_context_certificate_provider_instance", "a certificate provider");
  refused(proto.has_custom_handshaker(), "custom_handshaker", "another handshaker");
  refused(proto.has_key_log(), "key_log", "writing keys to a file");
  bool good = !refused.any();
  good &= parameters(proto.tls_params(), parts, at.field("tls_params"));
  good &= identities(proto, parts, at);
  good &= validation(proto, parts, at);
  good &= alpn(proto, parts, at);
  return good;
}

bool TlsReader::parameters(const ParametersProto& proto, TlsParts& parts, const Where& at) {
  TlsParameters& made = parts.parameters;
  made.min_version = versionOf(proto.tls_minimum_protocol_version(), TLS1_2_VERSION);
  made.max_version = versionOf(proto.tls_maximum_protocol_version(), TLS1_3_VERSION);
  bool good = true;
  if (made.min_version > made.max_version) {
    at.field("tls_minimum_protocol_version").error("is above tls_maximum_protocol_version");
    good = false;
  }
  SslContextPtr trial;  // making one costs more than all else here
  if (proto.cipher_suites_size() + proto.ecdh_curves_size() + proto.signature_algorithms_size()) {
    trial.reset(SSL_CTX_new(TLS_method()));
    SSL_CTX_set_security_level(trial.get(), 0);
  }
  const auto check = [&](std::string_view field, int i, const std::string& name, bool known) {
    if (!known) {
      at.field(field).index(static_cast<size_t>(i)).error("'" + name + "' is not known to OpenSSL");
      good = false;
    }
    ERR_clear_error();
  };
  for (int i = 0; i < proto.cipher_suites_size(); ++i) {
    const std::string name = flattened(proto.cipher_suites(i));
    check("cipher_suites", i, name, SSL_CTX_set_cipher_list(trial.get(), name.c_str()) == 1);
    addTo(made.ciphers, name);
  }
  for (int i = 0; i < proto.ecdh_curves_size(); ++i) {
    const std::string& name = proto.ecdh_curves(i);
    check("ecdh_curves", i, name, SSL_CTX_set1_groups_list(trial.get(), name.c_str()) == 1);
    addTo(made.groups, name);
  }
  for (int i = 0; i < proto.signature_algorithms_size(); ++i) {
    const std::string& name = proto.signature_algorithms(i);
    check("signature_algorithms", i, name,
          SSL_CTX_set1_sigalgs_list(trial.get(), name.c_str()) == 1);
    addTo(made.signature_algorithms, name);
  }
  Refused refused(at);
  refused(proto.compliance_policies_size() != 0, "compliance_policies", "a compliance policy");
  return good && !refused.any();
}

bool TlsReader::identities(const Common& proto, TlsParts& parts, const Where& at) {
  bool good = true;
  for (int i = 0; i < proto.tls_certificates_size(); ++i) {
    good &= identity(proto.tls_certificates(i), parts,
                     at.field("tls_certificates").index(static_cast<size_t>(i)));
  }
  for (int i = 0; i < proto.tls_certificate_sds_secret_configs_size(); ++i) {
    const Where here = at.field("tls_certificate_sds_secret_configs").index(static_cast<size_t>(i));
    const Secret* found =
        secret(proto.tls_certificate_sds_secret_configs(i), Secret::kTlsCertificate, here, good);
    if (found != nullptr) good &= identity(found->tls_certificate(), parts, here);
  }
  return good;
}

bool TlsReader::identity(const CertificateProto& proto, TlsParts& parts, const Where& at) {
  auto read = readIdentity(proto, at);
  const size_t place = parts.identities.size();
  if (read == nullptr && before_ != nullptr && place < before_->identities().size()) {
    read = before_->identities()[place];
  }
  if (read == nullptr) return false;
  parts.identities.push_back(std::move(read));
  return true;
}

std::shared_ptr<const Identity> TlsReader::readIdentity(const CertificateProto& proto,
                                                        const Where& at) {
  Refused refused(at);
  refused(proto.has_private_key_provider(), "private_key_provider", "a key kept elsewhere");
  refused(proto.signed_certificate_timestamp_size() != 0, "signed_certificate_timestamp",
          "showing timestamps of certificate transparency");
  refused(proto.has_tls_params(), "tls_params", "parameters of one certificate");
  if (refused.any()) return nullptr;
  if (proto.has_watched_directory()) watch(proto.watched_directory().path());
  std::string chain, key, password, bag, staple;
  bool read = content(proto.certificate_chain(), chain, at.field("certificate_chain"));
  read &= content(proto.private_key(), key, at.field("private_key"));
  read &= content(proto.password(), password, at.field("password"));
  read &= content(proto.pkcs12(), bag, at.field("pkcs12"));
  read &= content(proto.ocsp_staple(), staple, at.field("ocsp_staple"));
  if (!read) return nullptr;
  const bool pkcs12 = proto.has_pkcs12();
  if (pkcs12 && (proto.has_certificate_chain() || proto.has_private_key())) {
    at.field("pkcs12").error("cannot be set together with certificate_chain or private_key");
    return nullptr;
  }
  const std::string path = pathOf(pkcs12 ? proto.pkcs12() : proto.certificate_chain());
  const auto digest = Identities::digestOf({chain, key, password, bag, staple, path});
  Result<std::shared_ptr<const Identity>> made = secrets_.identities().find(digest);
  const bool fresh = *made == nullptr;
  if (fresh) {
    made = pkcs12 ? Identity::fromPkcs12(bag, password) : Identity::fromPem(chain, key, password);
  }
  OPENSSL_cleanse(key.data(), key.size());
  OPENSSL_cleanse(password.data(), password.size());
  if (!made) {
    at.field(made.error().field).error(made.error().text);
    return nullptr;
  }
  if (!fresh) return *made;
  auto identity = std::const_pointer_cast<Identity>(*made);  // nobody else has it yet
  identity->path = path;
  identity->staple = std::move(staple);
  secrets_.identities().add(digest, identity);
  return identity;
}

bool TlsReader::alpn(const Common& proto, TlsParts& parts, const Where& at) {
  bool good = true;
  for (int i = 0; i < proto.alpn_protocols_size(); ++i) {
    const std::string& name = proto.alpn_protocols(i);
    if (name.empty() || name.size() > 255) {
      at.field("alpn_protocols")
          .index(static_cast<size_t>(i))
          .error("expected 1 to 255 bytes, found " + std::to_string(name.size()));
      good = false;
      continue;
    }
    parts.alpn += static_cast<char>(name.size());
    parts.alpn += name;
  }
  return good;
}

bool TlsReader::ticketKeys(const TicketsProto& proto, std::vector<std::string>& keys,
                           const Where& at) {
  if (proto.keys_size() == 0) {
    at.field("keys").error("expected at least one key");
    return false;
  }
  for (int i = 0; i < proto.keys_size(); ++i) {
    const Where here = at.field("keys").index(static_cast<size_t>(i));
    if (!content(proto.keys(i), keys.emplace_back(), here)) return false;
    if (keys.back().size() == TicketKeys::kGivenSize) continue;
    here.error("expected 80 bytes, found " + std::to_string(keys.back().size()));
    return false;
  }
  return true;
}

bool TlsReader::content(const DataSource& source, std::string& text, const Where& at) {
  if (source.has_watched_directory()) watch(source.watched_directory().path());
  switch (source.specifier_case()) {
    case DataSource::kInlineString:
      text = source.inline_string();
      return true;
    case DataSource::kInlineBytes:
      text = source.inline_bytes();
      return true;
    case DataSource::kEnvironmentVariable: {
      const char* value = std::getenv(source.environment_variable().c_str());
      if (value != nullptr) text = value;
      if (value == nullptr) {
        at.field("environment_variable")
            .error("'" + source.environment_variable() + "' is not set");
      }
      return value != nullptr;
    }
    case DataSource::kFilename: {
      watch(source.filename());
      std::ifstream file(source.filename(), std::ios::binary);
      std::ostringstream all;
      if (file) all << file.rdbuf();
      if (!file || all.str().empty()) {
        at.field("filename").error("cannot read '" + source.filename() + "'");
        return false;
      }
      text = std::move(all).str();
      return true;
    }
    default:
      return true;
  }
}

const Secret* TlsReader::secret(const SecretReference& reference, Secret::TypeCase kind,
                                const Where& at, bool& good) {
  if (!reference.has_sds_config()) {
    const Secret* found = secrets_.find(reference, kind, at);
    good &= found != nullptr;
    return found;
  }
  bool fresh = false;
  const FetchedSecrets::One& one = fetched_.of(reference, fresh);
  const size_t errors_before = at.report().errors();
  if (fresh) secrets_.checkSource(reference, at);
  if (one.secret) isOfKind(*one.secret, kind, at);
  const bool refused = at.report().errors() != errors_before;
  if (refused) good = false;
  if (refused || one.secret) return refused ? nullptr : &*one.secret;
  awaits_ = true;
  return nullptr;
}

void TlsReader::watch(const std::string& path) {
  if (std::find(watched_.begin(), watched_.end(), path) == watched_.end()) {
    watched_.push_back(path);
  }
}

}  // namespace weir::transport
