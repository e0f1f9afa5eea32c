#include "source/admin/redact.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/wrappers.pb.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "source/config/any.h"
#include "weir/report.h"

namespace weir::admin {
namespace {

using google::protobuf::Any;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::Struct;
using google::protobuf::Value;

// Fields that are secret with all that is in them, by message and field.
constexpr std::array<std::string_view, 18> kSecretFields = {
    "envoy.admin.v3.CommandLineOptions.config_yaml",
    "envoy.config.core.v3.GrpcService.GoogleGrpc.CallCredentials.GoogleIAMCredentials."
    "authorization_token",
    "envoy.config.core.v3.GrpcService.GoogleGrpc.CallCredentials."
    "ServiceAccountJWTAccessCredentials.json_key",
    "envoy.config.core.v3.GrpcService.GoogleGrpc.CallCredentials.access_token",
    "envoy.config.core.v3.GrpcService.GoogleGrpc.CallCredentials.google_refresh_token",
    "envoy.config.core.v3.GrpcService.GoogleGrpc.SslCredentials.private_key",
    "envoy.extensions.filters.http.api_key_auth.v3.Credential.key",
    "envoy.extensions.filters.http.basic_auth.v3.BasicAuth.users",
    "envoy.extensions.filters.http.basic_auth.v3.BasicAuthPerRoute.users",
    "envoy.extensions.filters.http.jwt_authn.v3.JwtProvider.local_jwks",
    "envoy.extensions.grpc_service.call_credentials.access_token.v3.AccessTokenCredentials.token",
    "envoy.extensions.transport_sockets.tls.v3.GenericSecret.secret",
    "envoy.extensions.transport_sockets.tls.v3.GenericSecret.secrets",
    "envoy.extensions.transport_sockets.tls.v3.TlsCertificate.password",
    "envoy.extensions.transport_sockets.tls.v3.TlsCertificate.pkcs12",
    "envoy.extensions.transport_sockets.tls.v3.TlsCertificate.private_key",
    "envoy.extensions.transport_sockets.tls.v3.TlsCertificate.private_key_provider",
    "envoy.extensions.transport_sockets.tls.v3.TlsSessionTicketKeys.keys",
};

// What the last words of a name must be for its text to be a secret: of a Struct's keys, and of
// text fields of messages that are not Envoy's.
constexpr std::array<std::string_view, 13> kSecretWords = {
    "password",   "passwords", "passwd",      "passphrase", "secret",        "secrets",    "token",
    "credential", "api_key",   "credentials", "apikey",     "authorization", "private_key"};

// Headers that carry secrets, for configurations that add them to requests.
constexpr std::array<std::string_view, 6> kSecretHeaders = {"authorization", "proxy-authorization",
                                                            "cookie",        "set-cookie",
                                                            "x-vault-token", "x-consul-token"};

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c == '-' ? '_' : static_cast<char>(::tolower(static_cast<uint8_t>(c)));
  return out;
}

bool isSecretName(std::string_view name) {
  const std::string lower = lowered(name);
  return std::any_of(kSecretWords.begin(), kSecretWords.end(),
                     [&](std::string_view word) { return lower.ends_with(word); });
}

bool isSecretHeader(std::string_view name) {
  const std::string lower = lowered(name);
  for (const std::string_view header : kSecretHeaders) {
    if (lower == lowered(header)) return true;
  }
  return isSecretName(lower);
}

bool isDataSource(const FieldDescriptor& field) {
  return field.message_type() != nullptr &&
         field.message_type()->full_name() == "envoy.config.core.v3.DataSource";
}

bool isSecretField(const FieldDescriptor& field) {
  const std::string_view name = field.full_name();
  if (std::find(kSecretFields.begin(), kSecretFields.end(), name) != kSecretFields.end()) {
    return true;
  }
  if (isDataSource(field)) {  // of whatever message: keys are kept in data sources
    const std::string_view short_name = field.name();
    for (const std::string_view word : {"key", "secret", "password", "token", "credential"}) {
      if (short_name.find(word) != short_name.npos) return true;
    }
  }
  return field.cpp_type() == FieldDescriptor::CPPTYPE_STRING && !name.starts_with("envoy.") &&
         !name.starts_with("google.") && isSecretName(field.name());
}

// "https://user:password@host/": the part before the @ is hidden.
void hideUserInfo(std::string& uri) {
  const size_t scheme = uri.find("://");
  if (scheme == uri.npos) return;
  const size_t begin = scheme + 3;
  const size_t end = std::min(uri.find_first_of("/?#", begin), uri.size());
  const size_t at = uri.rfind('@', end);
  if (at == uri.npos || at < begin || at >= end) return;
  uri.replace(begin, at - begin, kRedacted);
}

class Redactor {
 public:
  // `secret`: everything below is.
  void visit(Message& message, bool secret);

 private:
  void visitField(Message& message, const FieldDescriptor& field, bool secret);
  void visitText(Message& message, const FieldDescriptor& field, bool secret);
  void visitAny(Any& any, bool secret);
  void visitStruct(Struct& fields, bool secret);
  void visitValue(Value& value, bool secret);
  void hideHeader(Message& message);
};

// A TypedStruct holds another message as a Struct: what is secret there, the message knows.
bool packLike(const std::string& wrapper, const Message& inner, Any& any) {
  const auto typed = config::makeMessage(inner, wrapper);
  if (typed == nullptr) return false;
  const Descriptor& type = *typed->GetDescriptor();
  const FieldDescriptor* url = type.FindFieldByName("type_url");
  const FieldDescriptor* value = type.FindFieldByName("value");
  if (url == nullptr || value == nullptr) return false;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(inner, &json, options).ok()) return false;
  const Reflection& access = *typed->GetReflection();
  access.SetString(typed.get(), url, "type.googleapis.com/" + inner.GetDescriptor()->full_name());
  Message* fields = access.MutableMessage(typed.get(), value);
  if (!google::protobuf::util::JsonStringToMessage(json, fields).ok()) return false;
  return any.PackFrom(*typed);
}

void Redactor::visitAny(Any& any, bool secret) {
  if (any.type_url().empty()) return;
  const std::string name = config::anyTypeName(any);
  const std::string outer(config::typeNameOf(any.type_url()));
  const auto inner = config::makeMessage(any, name);
  Report report;
  if (inner == nullptr || !config::unpackAny(any, *inner, Where(report), {})) {
    google::protobuf::StringValue text;
    text.set_value("[not shown: a message of unknown type '" + (name.empty() ? outer : name) +
                   "']");
    any.PackFrom(text);
    return;
  }
  const std::string before = inner->SerializeAsString();
  visit(*inner, secret);
  if (inner->SerializeAsString() == before) return;
  if (config::isTypedStruct(outer) && packLike(outer, *inner, any)) return;
  any.PackFrom(*inner);
}

void Redactor::visitValue(Value& value, bool secret) {
  switch (value.kind_case()) {
    case Value::kStructValue:
      return visitStruct(*value.mutable_struct_value(), secret);
    case Value::kListValue:
      for (Value& item : *value.mutable_list_value()->mutable_values()) visitValue(item, secret);
      return;
    case Value::kStringValue:
    case Value::kNumberValue:
      if (secret) value.set_string_value(std::string(kRedacted));
      return;
    default:
      return;
  }
}

void Redactor::visitStruct(Struct& fields, bool secret) {
  for (auto& [name, value] : *fields.mutable_fields()) {
    visitValue(value, secret || isSecretName(name));
  }
}

// HeaderValue {key, value, raw_value}.
void Redactor::hideHeader(Message& message) {
  const Descriptor& type = *message.GetDescriptor();
  const Reflection& access = *message.GetReflection();
  if (!isSecretHeader(access.GetString(message, type.FindFieldByName("key")))) return;
  for (const char* name : {"value", "raw_value"}) {
    const FieldDescriptor* field = type.FindFieldByName(name);
    if (field != nullptr) visitText(message, *field, true);
  }
}

void Redactor::visitText(Message& message, const FieldDescriptor& field, bool secret) {
  const Reflection& access = *message.GetReflection();
  const std::string_view name = field.name();
  const bool uri = name.find("uri") != name.npos || name.find("url") != name.npos;
  if (!secret && !uri) return;
  const auto shown = [&](std::string text) {
    if (text.empty()) return text;
    if (secret) return std::string(kRedacted);
    hideUserInfo(text);
    return text;
  };
  if (field.is_repeated()) {
    for (int i = 0; i < access.FieldSize(message, &field); ++i) {
      access.SetRepeatedString(&message, &field, i,
                               shown(access.GetRepeatedString(message, &field, i)));
    }
  } else if (access.HasField(message, &field)) {
    access.SetString(&message, &field, shown(access.GetString(message, &field)));
  }
}

void Redactor::visitField(Message& message, const FieldDescriptor& field, bool secret) {
  const Reflection& access = *message.GetReflection();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) return visitText(message, field, secret);
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return;
  if (!field.is_repeated()) return visit(*access.MutableMessage(&message, &field), secret);
  for (int i = 0; i < access.FieldSize(message, &field); ++i) {
    visit(*access.MutableRepeatedMessage(&message, &field, i), secret);
  }
}

void Redactor::visit(Message& message, bool secret) {
  const Descriptor& type = *message.GetDescriptor();
  if (auto* any = dynamic_cast<Any*>(&message)) return visitAny(*any, secret);
  if (auto* fields = dynamic_cast<Struct*>(&message)) return visitStruct(*fields, secret);
  if (type.full_name() == "envoy.config.core.v3.HeaderValue") hideHeader(message);
  // An entry of a map has its name, and of a data source, where the secret is kept, is no secret.
  const bool entry = type.options().map_entry();
  const bool source = type.full_name() == "envoy.config.core.v3.DataSource";
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool name = (entry && field->number() == 1) ||
                      (source && !std::string_view(field->name()).starts_with("inline_"));
    if (name) continue;
    visitField(message, *field, secret || isSecretField(*field));
  }
}

}  // namespace

void redact(Message& message) { Redactor().visit(message, false); }

}  // namespace weir::admin
