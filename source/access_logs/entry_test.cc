#include "source/access_logs/entry.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "source/access_logs/entry_text.h"
#include "source/telemetry/sample_stream.h"

namespace weir::access_logs {
namespace {

using google::protobuf::util::JsonStringToMessage;
using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;

class EntryTest : public testing::Test {
 protected:
  EntryPlan::Http http() const {
    EntryPlan::Http entry;
    plan_.fill(sample_.info, entry);
    return entry;
  }
  EntryPlan::Tcp tcp() const {
    EntryPlan::Tcp entry;
    plan_.fill(sample_.info, entry);
    return entry;
  }
  static EntryPlan::Header header(const std::string& name) {
    return {name, *telemetry::HeaderRef::parse(name)};
  }
  // Tags written as JSON, one after the other.
  std::string read(std::initializer_list<const char*> tags) {
    google::protobuf::RepeatedPtrField<CustomTags::Proto> protos;
    for (const char* tag : tags) EXPECT_TRUE(JsonStringToMessage(tag, protos.Add()).ok()) << tag;
    Report report;
    plan_.tags = CustomTags::from(protos, Where(report).field("custom_tags"));
    return report.text();
  }

  telemetry::SampleStream sample_;
  EntryPlan plan_;
};

int64_t microsOf(const google::protobuf::Duration& duration) {
  return duration.seconds() * 1'000'000 + duration.nanos() / 1000;
}

TEST_F(EntryTest, SaysWhoSpokeToWhom) {
  const auto entry = http();
  const auto& common = entry.common_properties();
  const auto text = [](const envoy::config::core::v3::Address& address) {
    return address.socket_address().address() + " " +
           std::to_string(address.socket_address().port_value());
  };
  EXPECT_EQ(text(common.downstream_remote_address()), "10.1.2.3 0");
  EXPECT_EQ(text(common.downstream_direct_remote_address()), "2001:db8::1 4711");
  EXPECT_EQ(text(common.downstream_local_address()), "127.0.0.1 8080");
  EXPECT_EQ(text(common.upstream_remote_address()), "10.0.0.1 443");
  EXPECT_EQ(text(common.upstream_local_address()), "10.0.0.9 40000");
  EXPECT_EQ(common.upstream_cluster(), "backend");
  EXPECT_EQ(common.route_name(), "api");
  EXPECT_EQ(common.stream_id(), "2fd5b3c1-94fa-41fd-ad85-f277d1e3778c");
  EXPECT_EQ(common.upstream_request_attempt_count(), 2u);
  EXPECT_EQ(common.access_log_type(), envoy::data::accesslog::v3::DownstreamEnd);
  EXPECT_FALSE(common.intermediate_log_entry());
}

TEST_F(EntryTest, PathsAndBracketsAreAddresses) {
  sample_.info.upstream_host = "[2001:db8::2]:80";
  sample_.info.upstream_local = "";
  sample_.info.local = {"/run/weir", "/run/weir", 0, true};
  const auto entry = http();
  const auto& common = entry.common_properties();
  EXPECT_EQ(common.upstream_remote_address().socket_address().address(), "2001:db8::2");
  EXPECT_EQ(common.upstream_remote_address().socket_address().port_value(), 80u);
  EXPECT_EQ(common.downstream_local_address().pipe().path(), "/run/weir");
  EXPECT_FALSE(common.has_upstream_local_address());
}

TEST_F(EntryTest, SaysWhenAndHowLong) {
  const auto entry = http();
  const auto& common = entry.common_properties();
  EXPECT_EQ(common.start_time().seconds(), 1'460'751'420);
  EXPECT_EQ(common.start_time().nanos(), 310'042'007);
  EXPECT_EQ(microsOf(common.time_to_last_rx_byte()), 1'500);
  EXPECT_EQ(microsOf(common.time_to_first_upstream_tx_byte()), 2'000);
  EXPECT_EQ(microsOf(common.time_to_last_upstream_tx_byte()), 3'000);
  EXPECT_EQ(microsOf(common.time_to_first_upstream_rx_byte()), 20'250);
  EXPECT_EQ(microsOf(common.time_to_last_upstream_rx_byte()), 21'000);
  EXPECT_EQ(microsOf(common.time_to_first_downstream_tx_byte()), 20'400);
  EXPECT_EQ(microsOf(common.time_to_last_downstream_tx_byte()), 25'900);
  EXPECT_EQ(microsOf(common.duration()), 26'100);
  sample_.info.first_upstream_tx = {};
  EXPECT_FALSE(http().common_properties().has_time_to_first_upstream_tx_byte());
}

TEST_F(EntryTest, SaysWhatWasAskedAndAnswered) {
  plan_.request_headers = {header("x-twice"), header("x-none"), header(":path")};
  plan_.response_headers = {header("content-type"), header(":status")};
  plan_.response_trailers = {header("x-checksum")};
  const auto entry = http();
  EXPECT_EQ(entry.protocol_version(), EntryPlan::Http::HTTP11);
  EXPECT_EQ(entry.request().request_method(), envoy::config::core::v3::GET);
  EXPECT_EQ(entry.request().scheme(), "http");
  EXPECT_EQ(entry.request().authority(), "example.com");
  EXPECT_EQ(entry.request().path(), "/api/v1?a=1&b=%20x");
  EXPECT_EQ(entry.request().user_agent(), "curl/8.0");
  EXPECT_EQ(entry.request().forwarded_for(), "10.1.2.3");
  EXPECT_EQ(entry.request().request_id(), "2fd5b3c1-94fa-41fd-ad85-f277d1e3778c");
  EXPECT_EQ(entry.request().request_body_bytes(), 154u);
  EXPECT_EQ(entry.request().request_headers_bytes(),
            sample_.request.fields.byteSize() + 10 + 23 + 21 + 11);
  EXPECT_EQ(entry.request().downstream_header_bytes_received(), 320u);
  EXPECT_EQ(entry.request().upstream_header_bytes_sent(), 360u);
  EXPECT_THAT(
      entry.request().request_headers(),
      UnorderedElementsAre(Pair("x-twice", "first,second"), Pair(":path", "/api/v1?a=1&b=%20x")));
  EXPECT_EQ(entry.response().response_code().value(), 200u);
  EXPECT_EQ(entry.response().response_body_bytes(), 1024u);
  EXPECT_EQ(entry.response().response_code_details(), "via_upstream");
  EXPECT_EQ(entry.response().upstream_header_bytes_received(), 240u);
  EXPECT_EQ(entry.response().downstream_header_bytes_sent(), 250u);
  EXPECT_THAT(entry.response().response_headers(),
              UnorderedElementsAre(Pair("content-type", "text/plain"), Pair(":status", "200")));
  EXPECT_THAT(entry.response().response_trailers(), ElementsAre(Pair("x-checksum", "abc")));
  EXPECT_EQ(entry.common_properties().downstream_wire_bytes_received(), 500u);
  EXPECT_EQ(entry.common_properties().downstream_wire_bytes_sent(), 1300u);
  EXPECT_EQ(entry.common_properties().upstream_wire_bytes_received(), 1200u);
  EXPECT_EQ(entry.common_properties().upstream_wire_bytes_sent(), 540u);
}

TEST_F(EntryTest, ARequestThatWasNeverWholeHasNoHead) {
  sample_.info.request = nullptr;
  sample_.info.response = nullptr;
  sample_.info.response_code = 0;
  const auto entry = http();
  EXPECT_EQ(entry.request().path(), "");
  EXPECT_FALSE(entry.response().has_response_code());
}

TEST_F(EntryTest, AConnectionHasItsBytes) {
  sample_.info.moment = LogMoment::TcpPeriodic;
  const auto entry = tcp();
  EXPECT_EQ(entry.connection_properties().received_bytes(), 154u);
  EXPECT_EQ(entry.connection_properties().sent_bytes(), 1024u);
  EXPECT_EQ(entry.common_properties().access_log_type(), envoy::data::accesslog::v3::TcpPeriodic);
  EXPECT_TRUE(entry.common_properties().intermediate_log_entry());
}

// Each flag alone is exactly one field, but for those the API has no field for.
TEST_F(EntryTest, EveryFlagHasItsField) {
  std::string names;
  for (int i = 0; i < static_cast<int>(ResponseFlag::kCount); ++i) {
    const auto flag = static_cast<ResponseFlag>(i);
    sample_.info.flags = {};
    sample_.info.flags.set(flag);
    const auto entry = http();
    const auto& flags = entry.common_properties().response_flags();
    std::vector<const google::protobuf::FieldDescriptor*> set;
    flags.GetReflection()->ListFields(flags, &set);
    if (set.empty()) {
      EXPECT_TRUE(flag == ResponseFlag::DropOverload ||
                  flag == ResponseFlag::UnconditionalDropOverload)
          << longName(flag);
      continue;
    }
    EXPECT_EQ(set.size(), 1u) << longName(flag);
    names += set[0]->name() + " ";
  }
  EXPECT_EQ(names,
            "failed_local_healthcheck no_healthy_upstream upstream_request_timeout local_reset "
            "upstream_remote_reset upstream_connection_failure upstream_connection_termination "
            "upstream_overflow no_route_found delay_injected fault_injected rate_limited "
            "unauthorized_details rate_limit_service_error downstream_connection_termination "
            "upstream_retry_limit_exceeded stream_idle_timeout invalid_envoy_request_headers "
            "downstream_protocol_error upstream_max_stream_duration_reached "
            "response_from_cache_filter no_filter_config_found duration_timeout "
            "upstream_protocol_error no_cluster_found overload_manager dns_resolution_failure "
            "downstream_remote_reset ");
}

TEST_F(EntryTest, SaysWhatTlsFoundOut) {
  TlsFacts facts;
  facts.version = "TLSv1.3";
  facts.cipher = "TLS_AES_256_GCM_SHA384";
  facts.session_id = "abcd";
  facts.peer.resize(1);
  facts.peer[0].subject = "CN=client";
  facts.peer[0].issuer = "CN=ca";
  facts.peer[0].uri = {"spiffe://a/b"};
  facts.peer[0].dns = {"client.test"};
  sample_.info.tls = &facts;
  sample_.info.requested_server_name = "server.test";
  const auto entry = http();
  const auto& tls = entry.common_properties().tls_properties();
  using Tls = envoy::data::accesslog::v3::TLSProperties;
  EXPECT_EQ(tls.tls_version(), Tls::TLSv1_3);
  EXPECT_EQ(tls.tls_cipher_suite().value(), 0x1302u);
  EXPECT_EQ(tls.tls_sni_hostname(), "server.test");
  EXPECT_EQ(tls.tls_session_id(), "abcd");
  EXPECT_EQ(tls.peer_certificate_properties().subject(), "CN=client");
  EXPECT_EQ(tls.peer_certificate_properties().issuer(), "CN=ca");
  EXPECT_EQ(tls.peer_certificate_properties().subject_alt_name(0).uri(), "spiffe://a/b");
  EXPECT_EQ(tls.peer_certificate_properties().subject_alt_name(1).dns(), "client.test");
  EXPECT_FALSE(tls.has_local_certificate_properties());
}

TEST_F(EntryTest, TagsComeFromEverywhere) {
  ::setenv("WEIR_TAG", "from outside", 1);
  EXPECT_EQ(read({R"({"tag":"a","literal":{"value":"text"}})",
                  R"({"tag":"b","environment":{"name":"WEIR_TAG"}})",
                  R"({"tag":"c","environment":{"name":"WEIR_NONE","default_value":"none"}})",
                  R"({"tag":"d","request_header":{"name":"User-Agent"}})",
                  R"({"tag":"e","request_header":{"name":"x-none","default_value":"-"}})",
                  R"({"tag":"f","request_header":{"name":"x-none"}})",
                  R"({"tag":"g","value":"%RESPONSE_CODE%!"})",
                  R"({"tag":"h","metadata":{"kind":{"route":{}},"default_value":"no",
                      "metadata_key":{"key":"ns","path":[{"key":"k"}]}}})"}),
            "");
  EXPECT_THAT(http().common_properties().custom_tags(),
              UnorderedElementsAre(Pair("a", "text"), Pair("b", "from outside"), Pair("c", "none"),
                                   Pair("d", "curl/8.0"), Pair("e", "-"), Pair("g", "200!"),
                                   Pair("h", "no")));
}

TEST_F(EntryTest, TagsThatCannotBeAreRefused) {
  const std::string said =
      read({R"({"literal":{"value":"text"}})", R"({"tag":"a"})",
            R"({"tag":"b","metadata":{"kind":{},"metadata_key":{"key":"ns"}}})",
            R"({"tag":"c","request_header":{"name":"no header"}})",
            R"({"tag":"d","value":"%NOTHING%"})"});
  for (const char* part : {"custom_tags[0].tag: expected a name",
                           "custom_tags[1]: expected literal", "custom_tags[2].metadata.kind: ",
                           "custom_tags[3].request_header.name: ", "custom_tags[4].value: "}) {
    EXPECT_THAT(said, testing::HasSubstr(part));
  }
}

TEST_F(EntryTest, BytesThatAreNoTextAreReplaced) {
  EXPECT_EQ(entryText("plain"), "plain");
  EXPECT_EQ(entryText("a\xff\xc3\xa4\xc3"), "a!\xc3\xa4!");
  EXPECT_EQ(entryText("\xed\xa0\x80"), "!!!") << "a surrogate (RFC 3629 §3)";
  sample_.request.path = "/\xfe";
  EXPECT_EQ(http().request().path(), "/!");
}

}  // namespace
}  // namespace weir::access_logs
