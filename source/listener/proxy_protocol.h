// The listener filter proxy_protocol: takes the PROXY header off a connection's beginning; its
// addresses are the connection's from then on, its TLVs become metadata. Without a header, or with
// a bad one, the connection is closed, unless the configuration lets it pass without.
#pragma once

#include <array>
#include <bitset>
#include <string>
#include <vector>

#include "source/codec/opening/proxy_header.h"
#include "source/listener/listener_filter.h"
#include "weir/report.h"
#include "weir/stats.h"

namespace envoy::extensions::filters::listener::proxy_protocol::v3 {
class ProxyProtocol;
}

namespace weir::listener {

class ProxyProtocolPlan final : public ListenerFilterPlan {
 public:
  using Proto = envoy::extensions::filters::listener::proxy_protocol::v3::ProxyProtocol;
  static constexpr std::string_view kSpace = "envoy.filters.listener.proxy_protocol";

  // `stats` is the root; what is wrong or not supported is reported.
  ProxyProtocolPlan(const Proto& proto, const StatScope& stats, const Where& at);
  std::unique_ptr<ListenerFilter> start() const override;

 private:
  class Reader;
  struct Rule {
    uint8_t type = 0;
    std::string space, key;
    bool base64 = false;
  };
  struct VersionStats {
    Counter found, disallowed, error;
  };

  void readRules(const Proto& proto, const Where& at);
  ListenerFilter::Step take(const codec::ProxyParse& parse, Introduction& about) const;
  void noteTlvs(const codec::ProxyHeader& header, transport::ConnectionFacts& facts) const;

  std::vector<Rule> rules_;
  std::bitset<256> passed_;           // TLVs that go on to upstream
  std::array<bool, 3> disallowed_{};  // by version
  bool allow_without_ = false;
  std::array<VersionStats, 3> versions_;
  Counter not_found_disallowed_, not_found_allowed_;
};

}  // namespace weir::listener
