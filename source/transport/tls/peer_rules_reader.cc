// How a TlsReader reads what a peer's certificate must be.
#include <openssl/err.h>

#include <optional>
#include <utility>

#include "source/transport/tls/tls_reader.h"

namespace weir::transport {
namespace {

namespace tls = envoy::extensions::transport_sockets::tls::v3;

constexpr uint32_t kDeepest = 100;

std::optional<NameType> typeOf(tls::SubjectAltNameMatcher::SanType type) {
  switch (type) {
    case tls::SubjectAltNameMatcher::EMAIL:
      return NameType::Email;
    case tls::SubjectAltNameMatcher::DNS:
      return NameType::Dns;
    case tls::SubjectAltNameMatcher::URI:
      return NameType::Uri;
    case tls::SubjectAltNameMatcher::IP_ADDRESS:
      return NameType::Ip;
    case tls::SubjectAltNameMatcher::OTHER_NAME:
      return NameType::Other;
    default:
      return std::nullopt;
  }
}

// 64 digits, with or without colons between bytes.
std::optional<std::string> digestOf(std::string_view hex) {
  std::string bytes;
  int high = -1;
  for (const char c : hex) {
    if (c == ':') continue;
    const int digit = OPENSSL_hexchar2int(static_cast<unsigned char>(c));
    if (digit < 0) return std::nullopt;
    if (high < 0) {
      high = digit;
    } else {
      bytes += static_cast<char>(high * 16 + digit);
      high = -1;
    }
  }
  return high < 0 && bytes.size() == 32 ? std::optional(bytes) : std::nullopt;
}

std::optional<std::string> digestOfBase64(const std::string& text) {
  unsigned char bytes[48];
  if (text.size() != 44) return std::nullopt;
  const int size = EVP_DecodeBlock(bytes, reinterpret_cast<const unsigned char*>(text.data()), 44);
  if (size != 33 || text[43] != '=') return std::nullopt;
  return std::string(reinterpret_cast<const char*>(bytes), 32);
}

}  // namespace

bool TlsReader::validation(const Common& proto, TlsParts& parts, const Where& at) {
  switch (proto.validation_context_type_case()) {
    case Common::kValidationContext:
      return rules(proto.validation_context(), parts, at.field("validation_context"));
    case Common::kValidationContextSdsSecretConfig: {
      const Where here = at.field("validation_context_sds_secret_config");
      bool good = true;
      const Secret* found = secret(proto.validation_context_sds_secret_config(),
                                   Secret::kValidationContext, here, good);
      return found == nullptr ? good : rules(found->validation_context(), parts, here);
    }
    case Common::kCombinedValidationContext: {
      const auto& combined = proto.combined_validation_context();
      const Where here = at.field("combined_validation_context");
      if (combined.has_validation_context_certificate_provider() ||
          combined.has_validation_context_certificate_provider_instance()) {
        here.error("a certificate provider is not supported");
        return false;
      }
      bool good = true;
      const Secret* found =
          secret(combined.validation_context_sds_secret_config(), Secret::kValidationContext,
                 here.field("validation_context_sds_secret_config"), good);
      if (found == nullptr) return good;
      ValidationProto merged = combined.default_validation_context();
      merged.MergeFrom(found->validation_context());
      return rules(merged, parts, here.field("default_validation_context"));
    }
    default:
      return true;
  }
}

bool TlsReader::rules(const ValidationProto& proto, TlsParts& parts, const Where& at) {
  bool good = true;
  const auto refuse = [&](bool set, std::string_view field, std::string_view what) {
    if (!set) return;
    at.field(field).error(std::string(what));
    good = false;
  };
  refuse(proto.has_ca_certificate_provider_instance(), "ca_certificate_provider_instance",
         "a certificate provider is not supported");
  refuse(proto.require_signed_certificate_timestamp().value(),
         "require_signed_certificate_timestamp",
         "asking for timestamps of certificate transparency is not supported");
  refuse(proto.has_custom_validator_config(), "custom_validator_config",
         "another validator is not supported");
  PeerRules made;
  good &= trust(proto, made, at);
  good &= names(proto, made, at);
  good &= pins(proto, made, at);
  made.allow_expired = proto.allow_expired_certificate();
  made.accept_untrusted = proto.trust_chain_verification() == ValidationProto::ACCEPT_UNTRUSTED;
  made.hide_authorities = proto.suppress_client_ca_list();
  if (proto.has_max_verify_depth()) made.max_depth = proto.max_verify_depth().value();
  refuse(proto.max_verify_depth().value() > kDeepest, "max_verify_depth", "expected at most 100");
  if (good && !made.verifiesChain()) {
    refuse(!made.names.empty(), "match_typed_subject_alt_names",
           "names prove nothing without trusted_ca: whoever wants one writes it");
    refuse(made.allow_expired, "allow_expired_certificate",
           "without trusted_ca no date is looked at; remove it");
    refuse(!made.revoked.empty(), "crl", "means nothing without trusted_ca");
  }
  refuse(made.only_leaf_revocation && made.revoked.empty(), "only_verify_leaf_cert_crl",
         "means nothing without crl");
  if (good) parts.peer = std::move(made);
  parts.id += proto.SerializeAsString() + trusted_;  // what tells these rules from others
  return good;
}

bool TlsReader::trust(const ValidationProto& proto, PeerRules& rules, const Where& at) {
  if (proto.has_watched_directory()) watch(proto.watched_directory().path());
  rules.system_roots = proto.has_system_root_certs();
  rules.only_leaf_revocation = proto.only_verify_leaf_cert_crl();
  if (rules.system_roots && proto.has_trusted_ca()) {
    at.field("system_root_certs").error("cannot be set together with trusted_ca");
    return false;
  }
  std::string authorities, revoked;
  bool read = content(proto.trusted_ca(), authorities, at.field("trusted_ca"));
  read &= content(proto.crl(), revoked, at.field("crl"));
  if (!read) return false;
  trusted_ = authorities + revoked;
  if (proto.has_trusted_ca()) {
    if (!readPemBundle(authorities, rules.authorities, rules.revoked) ||
        rules.authorities.empty()) {
      at.field("trusted_ca").error("expected certificates in PEM");
      return false;
    }
    rules.authorities_path =
        proto.trusted_ca().has_filename() ? proto.trusted_ca().filename() : "<inline>";
  }
  if (!proto.has_crl()) return true;
  std::vector<X509Ptr> none;
  const size_t before = rules.revoked.size();
  if (readPemBundle(revoked, none, rules.revoked) && rules.revoked.size() != before) return true;
  at.field("crl").error("expected certificate revocation lists in PEM");
  return false;
}

bool TlsReader::names(const ValidationProto& proto, PeerRules& rules, const Where& at) {
  bool good = true;
  for (int i = 0; i < proto.match_typed_subject_alt_names_size(); ++i) {
    const auto& wanted = proto.match_typed_subject_alt_names(i);
    const Where here = at.field("match_typed_subject_alt_names").index(static_cast<size_t>(i));
    const auto type = typeOf(wanted.san_type());
    auto matcher = StringMatcher::from(wanted.matcher());
    if (!type) here.field("san_type").error("expected EMAIL, DNS, URI, IP_ADDRESS or OTHER_NAME");
    if (!matcher) here.field("matcher").field(matcher.error().field).error(matcher.error().text);
    const bool other = type == NameType::Other;
    if (other != !wanted.oid().empty()) {
      here.field("oid").error(other ? "expected the OID of the name's type"
                                    : "has a meaning for OTHER_NAME only");
      good = false;
    }
    if (!type || !matcher) {
      good = false;
      continue;
    }
    NameMatcher made{*type, std::nullopt, *std::move(matcher), wanted.oid()};
    if (type == NameType::Dns && wanted.matcher().has_exact()) {
      made.exact_host = wanted.matcher().exact();
    }
    rules.names.push_back(std::move(made));
  }
  for (int i = 0; i < proto.match_subject_alt_names_size(); ++i) {
    const Where here = at.field("match_subject_alt_names").index(static_cast<size_t>(i));
    for (const NameType type : {NameType::Dns, NameType::Uri, NameType::Email, NameType::Ip}) {
      auto matcher = StringMatcher::from(proto.match_subject_alt_names(i));
      if (!matcher) {
        here.field(matcher.error().field).error(matcher.error().text);
        return false;
      }
      NameMatcher made{type, std::nullopt, *std::move(matcher), {}};
      if (type == NameType::Dns && proto.match_subject_alt_names(i).has_exact()) {
        made.exact_host = proto.match_subject_alt_names(i).exact();
      }
      rules.names.push_back(std::move(made));
    }
  }
  return good;
}

bool TlsReader::pins(const ValidationProto& proto, PeerRules& rules, const Where& at) {
  bool good = true;
  for (int i = 0; i < proto.verify_certificate_hash_size(); ++i) {
    const auto digest = digestOf(proto.verify_certificate_hash(i));
    if (digest) rules.certificate_pins.insert(*digest);
    if (digest) continue;
    at.field("verify_certificate_hash")
        .index(static_cast<size_t>(i))
        .error("expected the SHA-256 of a certificate: 64 hexadecimal digits");
    good = false;
  }
  for (int i = 0; i < proto.verify_certificate_spki_size(); ++i) {
    const auto digest = digestOfBase64(proto.verify_certificate_spki(i));
    if (digest) rules.key_pins.insert(*digest);
    if (digest) continue;
    at.field("verify_certificate_spki")
        .index(static_cast<size_t>(i))
        .error("expected the SHA-256 of a public key: 44 characters of base64");
    good = false;
  }
  return good;
}

}  // namespace weir::transport
