#include "source/listener/chain_index.h"

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <chrono>

#include "envoy/config/listener/v3/listener_components.pb.h"

namespace weir::listener {
namespace {

using Proto = envoy::config::listener::v3::FilterChainMatch;

Proto proto(const std::string& json) {
  Proto proto;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &proto).ok()) << json;
  return proto;
}

net::Address address(std::string_view text) {
  if (text.front() == '/') return *net::Address::unixPath(text);
  const size_t colon = text.rfind(':');
  return *net::Address::ip(text.substr(0, colon),
                           static_cast<uint16_t>(std::stoi(std::string(text.substr(colon + 1)))));
}

struct Connection {
  std::string local = "10.0.0.1:443";
  std::string remote = "192.0.2.7:5000";
  std::string name = "";
  std::string transport = "raw_buffer";
  std::vector<std::string> alpn = {};
  std::string direct = "";  // of a proxy in front
};

class ChainIndexTest : public testing::Test {
 protected:
  void chains(std::vector<std::string> matches) {
    for (const std::string& json : matches) {
      const uint32_t chain = count_++;
      const auto criteria = ChainCriteria::from(proto(json), Where(report_));
      ASSERT_TRUE(report_.ok()) << report_.text();
      ASSERT_EQ(index_.add(criteria, chain), ChainIndex::kNone) << json;
    }
  }
  int find(const Connection& of) {
    const net::Address local = address(of.local), remote = address(of.remote);
    const net::Address direct = of.direct.empty() ? remote : address(of.direct);
    const uint32_t found = index_.find({.local = local,
                                        .remote = remote,
                                        .direct_remote = direct,
                                        .server_name = of.name,
                                        .transport_protocol = of.transport,
                                        .application_protocols = of.alpn});
    return found == ChainIndex::kNone ? -1 : static_cast<int>(found);
  }
  Report report_;
  ChainIndex index_;
  uint32_t count_ = 0;
};

TEST_F(ChainIndexTest, destinationPortComesFirst) {
  chains({R"({"prefixRanges": [{"addressPrefix": "10.0.0.1", "prefixLen": 32}]})",
          R"({"destinationPort": 443})", R"({"destinationPort": 80, "serverNames": ["a.com"]})"});
  EXPECT_EQ(find({}), 1);
  EXPECT_EQ(find({.local = "10.0.0.1:8080"}), 0);
  EXPECT_EQ(find({.local = "10.0.0.1:80", .name = "a.com"}), 2);
  EXPECT_EQ(find({.local = "10.0.0.1:80", .name = "b.com"}), -1);  // no way back
}

TEST_F(ChainIndexTest, longestDestinationPrefix) {
  chains({R"({"prefixRanges": [{"addressPrefix": "10.0.0.0", "prefixLen": 8}]})",
          R"({"prefixRanges": [{"addressPrefix": "10.0.0.0", "prefixLen": 24}]})",
          R"({"prefixRanges": [{"addressPrefix": "10.0.0.1", "prefixLen": 32}]})", R"({})",
          R"({"prefixRanges": [{"addressPrefix": "2001:db8::", "prefixLen": 32}]})"});
  EXPECT_EQ(find({.local = "10.0.0.1:1"}), 2);
  EXPECT_EQ(find({.local = "10.0.0.2:1"}), 1);
  EXPECT_EQ(find({.local = "10.1.0.2:1"}), 0);
  EXPECT_EQ(find({.local = "11.1.0.2:1"}), 3);
  EXPECT_EQ(find({.local = "[2001:db8::9]:1"}), 4);
  EXPECT_EQ(find({.local = "[2001:db9::9]:1"}), 3);
  EXPECT_EQ(find({.local = "/run/x.sock", .remote = "/run/y"}), 3);
}

// "for SNI www.example.com the most specific match would be www.example.com, then *.example.com,
// then *.com, then any filter chain without server_names"
TEST_F(ChainIndexTest, serverNamesByTheirLength) {
  chains({R"({"serverNames": ["www.example.com"]})", R"({"serverNames": ["*.Example.com"]})",
          R"({"serverNames": ["*.com"]})", R"({})"});
  EXPECT_EQ(find({.name = "www.example.com"}), 0);
  EXPECT_EQ(find({.name = "a.b.example.com"}), 1);
  EXPECT_EQ(find({.name = "example.com"}), 2);
  EXPECT_EQ(find({.name = "com"}), 3);
  EXPECT_EQ(find({.name = ""}), 3);
  EXPECT_EQ(find({.name = "www.example.com."}), 3);
  EXPECT_EQ(find({.name = ".com"}), 3);
}

TEST_F(ChainIndexTest, nameBeforeTransportBeforeAlpn) {
  chains({R"({"serverNames": ["a.com"], "transportProtocol": "tls"})",
          R"({"transportProtocol": "tls", "applicationProtocols": ["h2"]})",
          R"({"transportProtocol": "tls", "applicationProtocols": ["http/1.1", "acme"]})",
          R"({"transportProtocol": "tls"})", R"({"transportProtocol": "raw_buffer"})"});
  EXPECT_EQ(find({.name = "a.com", .transport = "tls", .alpn = {"h2"}}), 0);
  EXPECT_EQ(find({.name = "a.com"}), -1);
  EXPECT_EQ(find({.transport = "tls", .alpn = {"h2", "http/1.1"}}), 1);
  EXPECT_EQ(find({.transport = "tls", .alpn = {"http/1.1", "h2"}}), 2);  // the client's order
  EXPECT_EQ(find({.transport = "tls", .alpn = {"spdy"}}), 3);
  EXPECT_EQ(find({.alpn = {"h2"}}), 4);
}

TEST_F(ChainIndexTest, directSourceBeforeSourceTypeBeforeSource) {
  chains({R"({"directSourcePrefixRanges": [{"addressPrefix": "10.9.0.0", "prefixLen": 16}]})",
          R"({"sourceType": "EXTERNAL"})", R"({"sourceType": "SAME_IP_OR_LOOPBACK"})"});
  EXPECT_EQ(find({.remote = "127.0.0.1:1", .direct = "10.9.1.1:1"}), 0);
  EXPECT_EQ(find({}), 1);
  EXPECT_EQ(find({.remote = "127.0.0.1:1"}), 2);
  EXPECT_EQ(find({.remote = "10.0.0.1:9"}), 2);  // the listener's own address
  EXPECT_EQ(find({.remote = "/run/x"}), 2);
}

TEST_F(ChainIndexTest, sourceTypeThatNobodyAskedForFallsBack) {
  chains({R"({"sourceType": "EXTERNAL", "sourcePorts": [7]})", R"({})"});
  EXPECT_EQ(find({.remote = "127.0.0.1:1"}), 1);
  EXPECT_EQ(find({.remote = "192.0.2.1:7"}), 0);
  EXPECT_EQ(find({.remote = "192.0.2.1:8"}), -1);  // EXTERNAL is more specific, and does not fit
}

TEST_F(ChainIndexTest, sourceAddressBeforeSourcePort) {
  chains({R"({"sourcePrefixRanges": [{"addressPrefix": "192.0.2.0", "prefixLen": 24}]})",
          R"({"sourcePorts": [5000, 5001]})", R"({})"});
  EXPECT_EQ(find({}), 0);
  EXPECT_EQ(find({.remote = "198.51.100.1:5001"}), 1);
  EXPECT_EQ(find({.remote = "198.51.100.1:5002"}), 2);
}

TEST_F(ChainIndexTest, theSameTwiceIsTold) {
  chains({R"({"serverNames": ["a.com", "b.com"], "sourcePorts": [1, 2]})",
          R"({"serverNames": ["a.com"], "sourcePorts": [3]})"});
  for (const char* again : {R"({"serverNames": ["c.com", "B.com"], "sourcePorts": [2]})",
                            R"({"serverNames": ["b.com", "b.com"], "sourcePorts": [1]})"}) {
    EXPECT_EQ(index_.add(ChainCriteria::from(proto(again), Where(report_)), 9), 0u) << again;
  }
}

TEST_F(ChainIndexTest, hostBitsOfAPrefixDoNotCount) {
  chains({R"({"prefixRanges": [{"addressPrefix": "10.0.0.0", "prefixLen": 24}]})"});
  const auto again =
      proto(R"({"prefixRanges": [{"addressPrefix": "10.0.0.77", "prefixLen": 24}]})");
  EXPECT_EQ(index_.add(ChainCriteria::from(again, Where(report_)), 1), 0u);
}

TEST_F(ChainIndexTest, whatIsRefused) {
  for (const auto& [json, path] : {
           std::pair(R"({"addressSuffix": "1.2"})", "address_suffix"),
           std::pair(R"({"suffixLen": 8})", "suffix_len"),
           std::pair(R"({"destinationPort": 0})", "destination_port"),
           std::pair(R"({"destinationPort": 65536})", "destination_port"),
           std::pair(R"({"sourcePorts": [1, 70000]})", "source_ports[1]"),
           std::pair(R"({"serverNames": ["w*.example.com"]})", "server_names[0]"),
           std::pair(R"({"serverNames": ["*"]})", "server_names[0]"),
           std::pair(R"({"serverNames": ["a", ""]})", "server_names[1]"),
           std::pair(R"({"prefixRanges": [{"addressPrefix": "a"}]})",
                     "prefix_ranges[0].address_prefix"),
       }) {
    Report report;
    ChainCriteria::from(proto(json), Where(report));
    ASSERT_EQ(report.errors(), 1u) << json;
    EXPECT_EQ(report.sorted()[0].path, path);
  }
}

TEST_F(ChainIndexTest, combinationsAreCounted) {
  EXPECT_EQ(ChainIndex::combinations({}), 1u);
  ChainCriteria criteria;
  criteria.server_names.resize(2000);
  criteria.source_ports.resize(2000);
  EXPECT_GT(ChainIndex::combinations(criteria), ChainIndex::kMaxCombinations);
}

// A bound that only a search through all chains would break: 10,000 look-ups of 10,000 chains.
TEST_F(ChainIndexTest, tenThousandChainsCostWhatOneCosts) {
  for (uint32_t i = 0; i < 10'000; ++i) {
    ChainCriteria criteria;
    criteria.server_names = {"host-" + std::to_string(i) + ".example.com"};
    ASSERT_EQ(index_.add(criteria, i), ChainIndex::kNone);
  }
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_EQ(find({.name = "host-" + std::to_string(i) + ".example.com", .transport = "tls"}), i);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

}  // namespace
}  // namespace weir::listener
