#include "source/admin/redact.h"

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/wrappers.pb.h>
#include <gtest/gtest.h>

#include "envoy/admin/v3/server_info.pb.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "source/admin/json.h"
#include "source/config/any.h"
#include "source/config/bootstrap.h"

namespace weir::admin {
namespace {

using testing::HasSubstr;
using testing::Not;

// A message of a type, as YAML, redacted, as JSON.
std::string shown(const std::string& type, const std::string& yaml) {
  google::protobuf::Any beside;
  const auto message = config::makeMessage(beside, type);
  EXPECT_NE(message, nullptr) << type;
  if (message == nullptr) return "";
  Report report;
  EXPECT_TRUE(config::loadBootstrap({.yaml = yaml}, *message, report)) << report.text();
  redact(*message);
  return toJson(*message);
}

struct Case {
  const char* type;
  const char* yaml;  // every secret in it is spelled with HUSH, everything else with OPEN
};

// Every field of the messages we have that carries a secret.
const Case kCases[] = {
    {"envoy.extensions.transport_sockets.tls.v3.TlsCertificate",
     "{private_key: {inline_string: HUSH}, certificate_chain: {inline_string: OPEN}}"},
    {"envoy.extensions.transport_sockets.tls.v3.TlsCertificate",
     "{password: {inline_string: HUSH}, private_key: {filename: OPEN}}"},
    {"envoy.extensions.transport_sockets.tls.v3.TlsCertificate",
     "{pkcs12: {inline_bytes: SFVTSA==}, password: {environment_variable: OPEN}}"},
    {"envoy.extensions.transport_sockets.tls.v3.TlsCertificate",
     "{private_key_provider: {provider_name: p, typed_config: {'@type': "
     "type.googleapis.com/google.protobuf.StringValue, value: HUSH}}, "
     "certificate_chain: {filename: OPEN}}"},
    {"envoy.extensions.transport_sockets.tls.v3.TlsSessionTicketKeys",
     "{keys: [{filename: OPEN}, {inline_string: HUSH}, {inline_bytes: SFVTSA==}]}"},
    {"envoy.extensions.transport_sockets.tls.v3.Secret",
     "{name: OPEN, generic_secret: {secret: {inline_string: HUSH}}}"},
    {"envoy.extensions.transport_sockets.tls.v3.Secret",
     "{name: OPEN, generic_secret: {secrets: {one: {inline_string: HUSH}}}}"},
    {"envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
     "{common_tls_context: {alpn_protocols: [OPEN], tls_certificates: [{private_key: "
     "{inline_string: HUSH}}]}, session_ticket_keys: {keys: [{inline_string: HUSH}]}}"},
    {"envoy.config.core.v3.GrpcService",
     "{google_grpc: {target_uri: OPEN, stat_prefix: s, channel_credentials: {ssl_credentials: "
     "{private_key: {inline_string: HUSH}}}}}"},
    {"envoy.config.core.v3.GrpcService",
     "{google_grpc: {target_uri: OPEN, stat_prefix: s, call_credentials: [{access_token: HUSH}, "
     "{google_refresh_token: HUSH}, {service_account_jwt_access: {json_key: HUSH}}, "
     "{google_iam: {authorization_token: HUSH, authority_selector: OPEN}}]}}"},
    {"envoy.config.core.v3.GrpcService",
     "{envoy_grpc: {cluster_name: OPEN}, initial_metadata: [{key: authorization, value: HUSH}, "
     "{key: x-OPEN, value: OPEN}, {key: X-Api-Key, raw_value: SFVTSA==}]}"},
    {"envoy.extensions.grpc_service.call_credentials.access_token.v3.AccessTokenCredentials",
     "{token: HUSH}"},
    {"envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth",
     "{credentials: [{key: HUSH, client: OPEN}], key_sources: [{header: OPEN}]}"},
    {"envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuthPerRoute",
     "{credentials: [{key: HUSH, client: OPEN}]}"},
    {"envoy.extensions.filters.http.basic_auth.v3.BasicAuth",
     "{users: {inline_string: HUSH}, forward_username_header: OPEN}"},
    {"envoy.extensions.filters.http.basic_auth.v3.BasicAuthPerRoute",
     "{users: {inline_string: HUSH}, realm: OPEN}"},
    {"envoy.extensions.filters.http.jwt_authn.v3.JwtProvider",
     "{issuer: OPEN, local_jwks: {inline_string: HUSH}}"},
    {"envoy.admin.v3.CommandLineOptions", "{config_yaml: HUSH, config_path: OPEN}"},
    {"envoy.config.core.v3.HttpUri",
     "{uri: 'https://user:HUSH@OPEN.example/a@b', cluster: c, timeout: 1s}"},
    {"envoy.config.route.v3.VirtualHost",
     "{name: OPEN, domains: ['*'], request_headers_to_add: [{header: {key: Proxy-Authorization, "
     "value: HUSH}}, {header: {key: x-vault-token, value: HUSH}}, {header: {key: cookie, value: "
     "HUSH}}]}"},
    {"envoy.config.core.v3.Metadata",
     "{filter_metadata: {a: {password: HUSH, nested: {client_secret: HUSH, list: [{Api-Key: "
     "HUSH}]}, "
     "OPEN: OPEN, access_token: 7777}}}"},
};

TEST(Redact, hidesEverySecretAndNothingElse) {
  for (const Case& given : kCases) {
    const std::string json = shown(given.type, given.yaml);
    EXPECT_THAT(json, Not(HasSubstr("HUSH"))) << given.type;
    EXPECT_THAT(json, Not(HasSubstr("SFVTSA"))) << given.type;
    EXPECT_THAT(json, Not(HasSubstr("7777"))) << given.type;
    EXPECT_TRUE(json.find("[redacted]") != json.npos ||
                json.find("W3JlZGFjdGVkXQ==") != json.npos)  // the same in base64
        << given.type << json;
    if (std::string_view(given.yaml).find("OPEN") != std::string_view::npos) {
      EXPECT_THAT(json, HasSubstr("OPEN")) << given.type;
    }
  }
}

TEST(Redact, looksIntoAny) {
  const std::string json = shown("envoy.config.core.v3.TransportSocket",
                                 "{name: tls, typed_config: {'@type': type.googleapis.com/"
                                 "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext, "
                                 "sni: OPEN, common_tls_context: "
                                 "{tls_certificates: [{private_key: {inline_string: HUSH}}]}}}");
  EXPECT_THAT(json, Not(HasSubstr("HUSH")));
  EXPECT_THAT(json, HasSubstr("\"sni\": \"OPEN\""));
  EXPECT_THAT(json, HasSubstr("\"inline_string\": \"[redacted]\""));
}

TEST(Redact, looksIntoTypedStructWhichStaysOne) {
  for (const char* wrapper : {"xds.type.v3.TypedStruct", "udpa.type.v1.TypedStruct"}) {
    const std::string yaml =
        std::string("{name: tls, typed_config: {'@type': type.googleapis.com/") + wrapper +
        ", type_url: type.googleapis.com/envoy.extensions.transport_sockets.tls.v3."
        "UpstreamTlsContext, value: {sni: OPEN, common_tls_context: {tls_certificates: "
        "[{privateKey: {inlineString: HUSH}}]}}}}";
    const std::string json = shown("envoy.config.core.v3.TransportSocket", yaml);
    EXPECT_THAT(json, Not(HasSubstr("HUSH")));
    EXPECT_THAT(json, HasSubstr("\"@type\": \"type.googleapis.com/" + std::string(wrapper) + "\""));
    EXPECT_THAT(json, HasSubstr("\"sni\": \"OPEN\""));
    EXPECT_THAT(json, HasSubstr("\"inline_string\": \"[redacted]\""));
  }
}

TEST(Redact, anAnyNobodyCanLookIntoIsNotShown) {
  envoy::config::core::v3::TypedExtensionConfig message;
  message.mutable_typed_config()->set_type_url("type.googleapis.com/some.Unknown");
  message.mutable_typed_config()->set_value("\x0a\x04HUSH");
  redact(message);
  const std::string json = toJson(message);
  EXPECT_THAT(json, Not(HasSubstr("HUSH")));
  EXPECT_THAT(json, HasSubstr("[not shown: a message of unknown type 'some.Unknown']"));

  message.mutable_typed_config()->set_type_url(
      "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret");
  message.mutable_typed_config()->set_value("\xff\xffHUSH");
  redact(message);
  EXPECT_THAT(toJson(message), Not(HasSubstr("HUSH")));
}

TEST(Redact, leavesUnsetFieldsUnset) {
  envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext message;
  message.mutable_common_tls_context()->add_tls_certificates()->mutable_private_key();
  const std::string before = message.SerializeAsString();
  redact(message);
  EXPECT_EQ(message.SerializeAsString(), before);
}

}  // namespace
}  // namespace weir::admin
