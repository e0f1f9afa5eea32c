// How a ForwardingPolicy is read from its configuration.
#include <utility>

#include "envoy/config/core/v3/extension.pb.h"
#include "envoy/config/core/v3/protocol.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/extensions/http/original_ip_detection/xff/v3/xff.pb.h"
#include "source/stream/forwarding_policy.h"

namespace weir::stream {
namespace {

using Xff = envoy::extensions::http::original_ip_detection::xff::v3::XffConfig;

std::string element(std::string_view list, int index) {
  return std::string(list) + '[' + std::to_string(index) + ']';
}

// Options that change who may pass or what is forwarded, and that nothing here acts on.
std::optional<Error> refuseUnsupported(const ForwardingPolicy::Hcm& proto) {
  if (proto.early_header_mutation_extensions_size() > 0) {
    return Error{"early_header_mutation_extensions",
                 "is not supported: mutate headers in the route or by the filter "
                 "envoy.filters.http.header_mutation"};
  }
  if (proto.has_forward_client_cert_matcher()) {
    return Error{"forward_client_cert_matcher",
                 "is not supported: set forward_client_cert_details for the whole listener"};
  }
  return std::nullopt;
}

}  // namespace

Result<ForwardingPolicy> ForwardingPolicy::from(const Hcm& proto, const ProxyIdentity& proxy) {
  ForwardingPolicy policy;
  policy.proxy_ = proxy;
  if (auto error = refuseUnsupported(proto)) return *std::move(error);
  if (auto error = policy.readAddresses(proto)) return *std::move(error);
  if (auto error = policy.readNames(proto)) return *std::move(error);
  switch (proto.server_header_transformation()) {
    case Hcm::APPEND_IF_ABSENT:
      policy.server_field_ = ServerField::IfAbsent;
      break;
    case Hcm::PASS_THROUGH:
      policy.server_field_ = ServerField::PassThrough;
      break;
    default:
      break;
  }
  switch (proto.forward_client_cert_details()) {
    case Hcm::FORWARD_ONLY:
      policy.client_cert_ = ClientCert::KeepIfMutual;
      break;
    case Hcm::APPEND_FORWARD:
      policy.client_cert_ = ClientCert::Append;
      break;
    case Hcm::SANITIZE_SET:
      policy.client_cert_ = ClientCert::Set;
      break;
    case Hcm::ALWAYS_FORWARD_ONLY:
      policy.client_cert_ = ClientCert::Keep;
      break;
    default:
      break;
  }
  const auto& details = proto.set_current_client_cert_details();
  policy.cert_details_ = {.cert = details.cert(),
                          .chain = details.chain(),
                          .subject = details.subject().value(),
                          .uri = details.uri(),
                          .dns = details.dns()};
  policy.append_port_ = proto.append_x_forwarded_port();
  policy.strip_host_dot_ = proto.strip_trailing_host_dot();
  policy.add_user_agent_ = proto.add_user_agent().value();
  policy.id_in_response_ = proto.always_set_request_id_in_response();
  const auto& ports = proto.forward_proto_config();
  policy.https_ports_ = {ports.https_destination_ports().begin(),
                         ports.https_destination_ports().end()};
  policy.http_ports_ = {ports.http_destination_ports().begin(),
                        ports.http_destination_ports().end()};
  return policy;
}

std::optional<Error> ForwardingPolicy::readAddresses(const Hcm& proto) {
  use_remote_address_ = proto.use_remote_address().value();
  skip_xff_append_ = proto.skip_xff_append();
  mapped_ipv6_ = proto.represent_ipv4_remote_address_as_ipv4_mapped_ipv6();
  trusted_hops_ = proto.xff_num_trusted_hops();
  xff_rules_.front().skip = trusted_hops_;
  const auto& internal = proto.internal_address_config();
  unix_is_internal_ = internal.unix_sockets();
  auto ranges = IpRanges::from(internal.cidr_ranges(), "internal_address_config.cidr_ranges");
  if (!ranges) return std::move(ranges.error());
  internal_ = *std::move(ranges);
  return proto.original_ip_detection_extensions_size() > 0 ? readXffExtensions(proto)
                                                           : std::nullopt;
}

std::optional<Error> ForwardingPolicy::readXffExtensions(const Hcm& proto) {
  constexpr std::string_view kField = "original_ip_detection_extensions";
  if (use_remote_address_ || trusted_hops_ > 0) {
    return Error{std::string(kField),
                 "cannot be used together with use_remote_address or "
                 "xff_num_trusted_hops"};
  }
  xff_rules_.clear();
  for (int i = 0; i < proto.original_ip_detection_extensions_size(); ++i) {
    const auto& any = proto.original_ip_detection_extensions(i).typed_config();
    const std::string field = element(kField, i) + ".typed_config";
    Xff xff;
    if (!any.Is<Xff>() || !any.UnpackTo(&xff)) {
      return Error{field, "'" + any.type_url() +
                              "' is not supported: expected "
                              "envoy.extensions.http.original_ip_detection.xff.v3.XffConfig"};
    }
    if (xff.has_xff_trusted_cidrs() && xff.xff_num_trusted_hops() > 0) {
      return Error{field, "cannot have both xff_num_trusted_hops and xff_trusted_cidrs"};
    }
    XffRule rule;
    rule.skip = xff.xff_num_trusted_hops();
    rule.by_ranges = xff.has_xff_trusted_cidrs();
    rule.append = xff.has_skip_xff_append() && !xff.skip_xff_append().value();
    auto ranges = IpRanges::from(xff.xff_trusted_cidrs().cidrs(), "xff_trusted_cidrs.cidrs");
    if (!ranges) return Error{field + '.' + ranges.error().field, ranges.error().text};
    rule.trusted = *std::move(ranges);
    rules_append_ = rules_append_ || rule.append;
    xff_rules_.push_back(std::move(rule));
  }
  return std::nullopt;
}

// What we write into heads by our own words.
std::optional<Error> ForwardingPolicy::readNames(const Hcm& proto) {
  if (!proto.server_name().empty()) proxy_.server_name = proto.server_name();
  via_ = proto.via();
  const auto& scheme = proto.scheme_header_transformation();
  scheme_ = scheme.scheme_to_overwrite();
  scheme_matches_upstream_ = scheme.match_upstream();
  if (!isFieldValue(proxy_.server_name)) {
    return Error{"server_name",
                 "cannot stand in a header: it has control characters, or spaces at "
                 "an end"};
  }
  if (!isFieldValue(via_)) {
    return Error{"via", "cannot stand in a header: it has control characters, or spaces at an end"};
  }
  if (!scheme_.empty() && scheme_ != "http" && scheme_ != "https") {
    return Error{"scheme_header_transformation.scheme_to_overwrite",
                 "'" + scheme_ + "' is neither 'http' nor 'https'"};
  }
  if (proto.strip_matching_host_port() && proto.strip_any_host_port()) {
    return Error{"strip_any_host_port", "cannot be set together with strip_matching_host_port"};
  }
  if (proto.strip_matching_host_port()) host_port_ = HostPort::StripMatching;
  if (proto.strip_any_host_port()) host_port_ = HostPort::StripAny;
  return std::nullopt;
}

}  // namespace weir::stream
