// What a ForwardingPolicy accepts, what it refuses by name, and what it does to responses.
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/extensions/http/original_ip_detection/xff/v3/xff.pb.h"
#include "source/stream/forwarding_policy.h"

namespace weir::stream {
namespace {

using Hcm = ForwardingPolicy::Hcm;
using Xff = envoy::extensions::http::original_ip_detection::xff::v3::XffConfig;

constexpr std::string_view kNone = "none";

template <typename Message>
Message parse(const std::string& text) {
  Message proto;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &proto)) << text;
  return proto;
}

Hcm withXff(std::initializer_list<std::string_view> extensions, const std::string& more = "") {
  Hcm proto = parse<Hcm>(more);
  for (std::string_view text : extensions) {
    auto& any = *proto.add_original_ip_detection_extensions()->mutable_typed_config();
    any.PackFrom(parse<Xff>(std::string(text)));
  }
  return proto;
}

class ForwardingConfigTest : public ::testing::Test {
 protected:
  static Error refused(const Hcm& proto) {
    auto made = ForwardingPolicy::from(proto, {});
    return made ? Error{"accepted", ""} : made.error();
  }
  static std::string refusedField(const std::string& text) {
    return refused(parse<Hcm>(text)).field;
  }

  std::string_view client(const Hcm& proto, std::string_view peer, std::string_view xff) {
    auto policy = ForwardingPolicy::from(proto, {});
    EXPECT_TRUE(policy);
    request_.fields.clear();
    if (xff != kNone) request_.fields.add(HeaderId::XForwardedFor, xff);
    StreamInfo info;
    info.direct_remote = info.remote = {peer, peer, 1, false};
    policy->applyRequest(request_, info, {}, arena_);
    return info.remote.ip;
  }
  std::string_view xff() { return request_.fields.get(HeaderId::XForwardedFor).value_or(kNone); }

  void respond(const std::string& config, bool forces_trace = false) {
    auto policy = ForwardingPolicy::from(parse<Hcm>(config), ProxyIdentity());
    ASSERT_TRUE(policy);
    policy_ = *std::move(policy);
    const ResponseFacts facts = {"Sun, 06 Nov 1994 08:49:37 GMT", "id-1", forces_trace};
    policy_.applyResponse(response_, facts, arena_);
  }
  std::string_view field(std::string_view name) {
    return response_.fields.get(name).value_or(kNone);
  }

  ChunkPool pool_;
  Arena arena_{pool_};
  RequestHead request_{arena_};
  ResponseHead response_{arena_};
  ForwardingPolicy policy_;
};

TEST_F(ForwardingConfigTest, ResponseGetsDateAndServer_Rfc9110_6_6_1) {
  respond("");
  EXPECT_EQ(response_.fields.size(), 2u);
  EXPECT_EQ(field("date"), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(field("server"), "envoy");
}

TEST_F(ForwardingConfigTest, DateOfTheOriginIsKept) {
  response_.fields.add(HeaderId::Date, "yesterday");
  respond("");
  EXPECT_EQ(field("date"), "yesterday");
}

TEST_F(ForwardingConfigTest, ServerFieldIsTransformed) {
  const struct {
    std::string_view mode, absent, present;
  } rows[] = {{"OVERWRITE", "mine", "mine"},
              {"APPEND_IF_ABSENT", "mine", "origin"},
              {"PASS_THROUGH", kNone, "origin"}};
  for (const auto& row : rows) {
    const std::string config =
        "server_name: 'mine' server_header_transformation: " + std::string(row.mode);
    response_.fields.clear();
    respond(config);
    EXPECT_EQ(field("server"), row.absent) << row.mode;
    response_.fields.clear();
    response_.fields.add(HeaderId::Server, "origin");
    respond(config);
    EXPECT_EQ(field("server"), row.present) << row.mode;
  }
}

TEST_F(ForwardingConfigTest, ViaOfResponses_Rfc9110_7_6_3) {
  response_.fields.add(HeaderId::Via, "1.1 inner");
  respond("via: 'edge'");
  EXPECT_EQ(field("via"), "1.1 inner, edge");
}

TEST_F(ForwardingConfigTest, RequestIdIsToldWhenAskedForOrTraced) {
  response_.fields.add(HeaderId::XRequestId, "of-origin");
  respond("");
  EXPECT_EQ(field("x-request-id"), "of-origin");
  respond("", true);
  EXPECT_EQ(field("x-request-id"), "id-1");
  response_.fields.clear();
  respond("always_set_request_id_in_response: true");
  EXPECT_EQ(field("x-request-id"), "id-1");
}

TEST_F(ForwardingConfigTest, XffExtensionTrustsRanges) {
  const Hcm proto =
      withXff({"xff_trusted_cidrs { cidrs { address_prefix: '127.0.0.0' prefix_len { value: 8 } } "
               "cidrs { address_prefix: '10.0.0.0' prefix_len { value: 8 } } }"});
  EXPECT_EQ(client(proto, "127.0.0.1", "1.2.3.4, 10.0.0.1"), "1.2.3.4");
  EXPECT_EQ(client(proto, "127.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.1"), "1.2.3.4");
  EXPECT_EQ(client(proto, "127.0.0.1", "10.0.0.9, 10.0.0.1"), "10.0.0.9");
  EXPECT_EQ(client(proto, "127.0.0.1", kNone), "127.0.0.1");
  EXPECT_EQ(client(proto, "127.0.0.1", "1.2.3.4, junk"), "127.0.0.1");
  EXPECT_EQ(client(proto, "127.0.0.1", "junk, 10.0.0.1"), "127.0.0.1");
  EXPECT_EQ(client(proto, "8.8.8.8", "1.2.3.4"), "8.8.8.8");
  EXPECT_EQ(xff(), "1.2.3.4");
}

TEST_F(ForwardingConfigTest, XffExtensionCountsHopsAndMayAppend) {
  const Hcm proto = withXff({"xff_num_trusted_hops: 1 skip_xff_append { value: false }"});
  EXPECT_EQ(client(proto, "127.0.0.2", "1.1.1.1, 2.2.2.2"), "1.1.1.1");
  EXPECT_EQ(xff(), "1.1.1.1, 2.2.2.2,127.0.0.2");
  EXPECT_EQ(client(proto, "127.0.0.2", "1.1.1.1"), "127.0.0.2");
  EXPECT_EQ(xff(), "1.1.1.1,127.0.0.2");
  EXPECT_EQ(client(proto, "127.0.0.2", kNone), "127.0.0.2");
  EXPECT_EQ(xff(), "127.0.0.2");
}

TEST_F(ForwardingConfigTest, TheFirstXffExtensionThatFindsAnAddressWins) {
  const Hcm proto = withXff({"xff_num_trusted_hops: 2", "xff_num_trusted_hops: 1"});
  EXPECT_EQ(client(proto, "8.8.8.8", "1.1.1.1, 2.2.2.2, 3.3.3.3"), "1.1.1.1");
  EXPECT_EQ(client(proto, "8.8.8.8", "2.2.2.2, 3.3.3.3"), "2.2.2.2");
}

TEST_F(ForwardingConfigTest, WhatCannotBeObeyedIsRefusedByName) {
  EXPECT_EQ(refusedField("early_header_mutation_extensions {}"),
            "early_header_mutation_extensions");
  EXPECT_EQ(refusedField("forward_client_cert_matcher {}"), "forward_client_cert_matcher");
  EXPECT_EQ(refusedField("original_ip_detection_extensions { typed_config { type_url: 't/a.B' } }"),
            "original_ip_detection_extensions[0].typed_config");
  EXPECT_EQ(refusedField("scheme_header_transformation { scheme_to_overwrite: 'ftp' }"),
            "scheme_header_transformation.scheme_to_overwrite");
  EXPECT_EQ(refusedField("strip_any_host_port: true strip_matching_host_port: true"),
            "strip_any_host_port");
  EXPECT_EQ(refusedField("via: 'a\\nb'"), "via");
  EXPECT_EQ(refusedField("server_name: 'a\\r'"), "server_name");
}

TEST_F(ForwardingConfigTest, XffExtensionsExcludeTheOlderOptions) {
  EXPECT_EQ(refused(withXff({""}, "use_remote_address { value: true }")).field,
            "original_ip_detection_extensions");
  EXPECT_EQ(refused(withXff({""}, "xff_num_trusted_hops: 1")).field,
            "original_ip_detection_extensions");
  EXPECT_EQ(refused(withXff({"", "xff_num_trusted_hops: 1 xff_trusted_cidrs {}"})).field,
            "original_ip_detection_extensions[1].typed_config");
}

TEST_F(ForwardingConfigTest, BadRangesAreNamed) {
  const std::string range =
      "internal_address_config { cidr_ranges { address_prefix: '10.0.0.0' } "
      "cidr_ranges { address_prefix: ";
  EXPECT_EQ(refusedField(range + "'10.0' } }"),
            "internal_address_config.cidr_ranges[1].address_prefix");
  EXPECT_EQ(refusedField(range + "'1.1.1.1' prefix_len { value: 33 } } }"),
            "internal_address_config.cidr_ranges[1].prefix_len");
  EXPECT_EQ(refusedField(range + "'::' prefix_len { value: 129 } } }"),
            "internal_address_config.cidr_ranges[1].prefix_len");
  EXPECT_EQ(refused(withXff({"xff_trusted_cidrs { cidrs { address_prefix: 'x' } }"})).field,
            "original_ip_detection_extensions[0].typed_config.xff_trusted_cidrs.cidrs[0]"
            ".address_prefix");
}

}  // namespace
}  // namespace weir::stream
