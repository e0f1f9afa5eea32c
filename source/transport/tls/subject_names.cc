#include "source/transport/tls/subject_names.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/objects.h>

#include <optional>

#include "weir/string_matcher.h"

namespace weir::transport {
namespace {

std::optional<std::string> textOf(const ASN1_STRING* string) {
  if (string == nullptr) return std::nullopt;
  const auto* data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(string));
  std::string text(data, static_cast<size_t>(ASN1_STRING_length(string)));
  if (text.find('\0') != text.npos) return std::nullopt;
  return text;
}

std::optional<std::string> addressText(const ASN1_OCTET_STRING* address) {
  char text[INET6_ADDRSTRLEN];
  const int size = ASN1_STRING_length(address);
  if (size != 4 && size != 16) return std::nullopt;
  return ::inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), text,
                     sizeof text);
}

std::string oidText(const ASN1_OBJECT* object) {
  char text[128];
  const int size = OBJ_obj2txt(text, sizeof text, object, 1);
  return size > 0 && size < static_cast<int>(sizeof text) ? std::string(text) : std::string();
}

// Of another name, whose value may be of any type: strings as UTF-8, numbers and the rest as text.
std::optional<std::string> valueText(const ASN1_TYPE* value) {
  if (value == nullptr) return std::nullopt;
  switch (value->type) {
    case V_ASN1_BOOLEAN:
      return value->value.boolean != 0 ? "true" : "false";
    case V_ASN1_INTEGER:
    case V_ASN1_ENUMERATED: {
      const SslOwned<BIGNUM> number(ASN1_INTEGER_to_BN(value->value.integer, nullptr));
      char* digits = number == nullptr ? nullptr : BN_bn2dec(number.get());
      if (digits == nullptr) return std::nullopt;
      std::string text(digits);
      OPENSSL_free(digits);
      return text;
    }
    case V_ASN1_OBJECT:
      return oidText(value->value.object);
    case V_ASN1_NULL:
    case V_ASN1_SEQUENCE:
    case V_ASN1_SET:
      return std::nullopt;
    default:
      break;
  }
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, value->value.asn1_string);
  const SslOwned<unsigned char> owned(utf8);
  if (size < 0) return textOf(value->value.asn1_string);
  std::string text(reinterpret_cast<const char*>(utf8), static_cast<size_t>(size));
  if (text.find('\0') != text.npos) return std::nullopt;
  return text;
}

std::optional<SubjectName> nameOf(const GENERAL_NAME& name) {
  const auto made = [](NameType type, std::optional<std::string> text) {
    return text ? std::optional<SubjectName>({type, *std::move(text), {}}) : std::nullopt;
  };
  switch (name.type) {
    case GEN_DNS:
      return made(NameType::Dns, textOf(name.d.dNSName));
    case GEN_URI:
      return made(NameType::Uri, textOf(name.d.uniformResourceIdentifier));
    case GEN_EMAIL:
      return made(NameType::Email, textOf(name.d.rfc822Name));
    case GEN_IPADD:
      return made(NameType::Ip, addressText(name.d.iPAddress));
    case GEN_OTHERNAME: {
      auto other = made(NameType::Other, valueText(name.d.otherName->value));
      if (other) other->oid = oidText(name.d.otherName->type_id);
      return other;
    }
    default:
      return std::nullopt;
  }
}

}  // namespace

std::vector<SubjectName> subjectNames(const X509& certificate) {
  std::vector<SubjectName> names;
  const SslOwned<GENERAL_NAMES> all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; all != nullptr && i < sk_GENERAL_NAME_num(all.get()); ++i) {
    if (auto name = nameOf(*sk_GENERAL_NAME_value(all.get(), i))) {
      names.push_back(*std::move(name));
    }
  }
  return names;
}

std::string commonName(const X509& certificate) {
  const X509_NAME* subject = X509_get_subject_name(&certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) return {};
  const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
  return textOf(value).value_or(std::string());
}

bool coversHost(std::string_view pattern, std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty()) return false;
  if (!pattern.starts_with("*.")) return equalsIgnoreCase(pattern, host);
  const size_t dot = host.find('.');
  const std::string_view rest = pattern.substr(1);  // ".example.com"
  if (dot == host.npos || dot == 0 || rest.find('.', 1) == rest.npos) return false;
  return equalsIgnoreCase(rest, host.substr(dot));
}

}  // namespace weir::transport
