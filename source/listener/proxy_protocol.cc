#include "source/listener/proxy_protocol.h"

#include <netinet/in.h>

#include <cstring>

#include "envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol.pb.h"
#include "source/listener/tlv_text.h"

namespace weir::listener {

using Step = ListenerFilter::Step;
using Verdict = ListenerFilter::Verdict;
using Kind = codec::ProxyParse::Kind;

class ProxyProtocolPlan::Reader final : public ListenerFilter {
 public:
  explicit Reader(const ProxyProtocolPlan& plan) : plan_(plan) {}

  Step onBytes(std::string_view bytes, Introduction& about) override {
    const codec::ProxyParse parse = codec::parseProxyHeader(bytes);
    // A version that is not for us is, where headers may be missing, no header.
    const bool disallowed = parse.version != 0 && plan_.disallowed_[parse.version];
    if (disallowed && !plan_.allow_without_) {
      plan_.versions_[parse.version].disallowed.add();
      return {Verdict::Close};
    }
    switch (disallowed ? Kind::NotProxy : parse.kind) {
      case Kind::NeedMore:
        return {};
      case Kind::Found:
        return plan_.take(parse, about);
      case Kind::Bad:
        plan_.versions_[parse.version].error.add();
        return {Verdict::Close};
      case Kind::NotProxy:
        break;
    }
    (plan_.allow_without_ ? plan_.not_found_allowed_ : plan_.not_found_disallowed_).add();
    return {plan_.allow_without_ ? Verdict::Done : Verdict::Close};
  }

 private:
  const ProxyProtocolPlan& plan_;
};

ProxyProtocolPlan::ProxyProtocolPlan(const Proto& proto, const StatScope& stats, const Where& at)
    : allow_without_(proto.allow_requests_without_proxy_protocol()) {
  StatScope scope = stats.scope("proxy_proto");
  if (!proto.stat_prefix().empty())
    scope = scope.tagged(proto.stat_prefix(), "envoy_proxy_protocol_prefix");
  not_found_disallowed_ = scope.counter("not_found_disallowed");
  not_found_allowed_ = scope.counter("not_found_allowed");
  for (const auto& [version, name] : {std::pair(1, "v1"), std::pair(2, "v2")}) {
    const StatScope of_version =
        scope.scope("versions").tagged(name, "envoy_proxy_protocol_version");
    versions_[static_cast<size_t>(version)] = {
        of_version.counter("found"), of_version.counter("disallowed"), of_version.counter("error")};
  }
  using Config = envoy::config::core::v3::ProxyProtocolConfig;
  for (const int version : proto.disallowed_versions()) {
    disallowed_[version == Config::V1 ? 1 : 2] = true;
  }
  if (disallowed_[1] && disallowed_[2]) {
    at.field("disallowed_versions").error("no version is left");
  }
  if (proto.tlv_location() != Proto::DYNAMIC_METADATA) {
    at.field("tlv_location").error("only DYNAMIC_METADATA is supported: there is no filter state");
  }
  readRules(proto, at);
  if (!proto.has_pass_through_tlvs()) return;
  using PassThrough = envoy::config::core::v3::ProxyProtocolPassThroughTLVs;
  if (proto.pass_through_tlvs().match_type() == PassThrough::INCLUDE_ALL) passed_.set();
  for (int i = 0; i < proto.pass_through_tlvs().tlv_type_size(); ++i) {
    const uint32_t type = proto.pass_through_tlvs().tlv_type(i);
    if (type < passed_.size()) {
      passed_.set(type);
    } else {
      at.field("pass_through_tlvs")
          .field("tlv_type")
          .index(static_cast<size_t>(i))
          .error("a TLV's type is at most 255");
    }
  }
}

void ProxyProtocolPlan::readRules(const Proto& proto, const Where& at) {
  for (int i = 0; i < proto.rules_size(); ++i) {
    const auto& rule = proto.rules(i);
    const Where here = at.field("rules").index(static_cast<size_t>(i));
    if (rule.tlv_type() > 255) here.field("tlv_type").error("a TLV's type is at most 255");
    const auto& to = rule.on_tlv_present();
    if (!rule.has_on_tlv_present() || to.key().empty()) {
      here.field("on_tlv_present").field("key").error("expected a key for the metadata");
    }
    rules_.push_back(
        {static_cast<uint8_t>(rule.tlv_type()),
         to.metadata_namespace().empty() ? std::string(kSpace) : to.metadata_namespace(), to.key(),
         to.value_string_encoding() == Proto::KeyValuePair::BASE64});
  }
}

std::unique_ptr<ListenerFilter> ProxyProtocolPlan::start() const {
  return std::make_unique<Reader>(*this);
}

namespace {

net::Address addressOf(const codec::ProxyEnd& end, codec::ProxyFamily family) {
  if (family == codec::ProxyFamily::V4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(end.port);
    std::memcpy(&v4.sin_addr, end.ip.data(), sizeof v4.sin_addr);
    return net::Address::from(reinterpret_cast<sockaddr*>(&v4), sizeof v4);
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(end.port);
  std::memcpy(&v6.sin6_addr, end.ip.data(), sizeof v6.sin6_addr);
  return net::Address::from(reinterpret_cast<sockaddr*>(&v6), sizeof v6);
}

// A side without a name (clients rarely bind one) keeps the socket's address.
void takeUnix(std::string_view path, net::Address& into) {
  std::string text(path);
  if (!text.empty() && text[0] == '\0') text[0] = '@';
  if (auto address = net::Address::unixPath(text)) into = *std::move(address);
}

}  // namespace

Step ProxyProtocolPlan::take(const codec::ProxyParse& parse, Introduction& about) const {
  const codec::ProxyHeader& header = parse.header;
  versions_[parse.version].found.add();
  if (header.local) return {Verdict::Done, parse.size};
  if (header.family == codec::ProxyFamily::Unix) {
    takeUnix(header.source.path, about.remote);
    takeUnix(header.destination.path, about.local);
  } else {
    about.remote = addressOf(header.source, header.family);
    about.local = addressOf(header.destination, header.family);
  }
  about.facts.proxied = true;
  noteTlvs(header, about.facts);
  return {Verdict::Done, parse.size};
}

void ProxyProtocolPlan::noteTlvs(const codec::ProxyHeader& header,
                                 transport::ConnectionFacts& facts) const {
  for (std::string_view rest = header.tlvs; !rest.empty();) {
    const codec::ProxyTlv tlv = codec::takeProxyTlv(rest);
    if (passed_.test(tlv.type)) codec::appendProxyTlv(facts.proxy_tlvs, tlv.type, tlv.value);
    for (const Rule& rule : rules_) {
      if (rule.type != tlv.type) continue;
      facts.metadata.set(rule.space, rule.key,
                         rule.base64 ? base64Of(tlv.value) : printableOf(tlv.value));
    }
  }
}

}  // namespace weir::listener
