// A ForwardingPolicy is what an HttpConnectionManager does to heads because it is a proxy: find out
// who the client is and whether to trust what it says, tell the next hop (x-forwarded-for, -proto,
// -port, x-envoy-*, via), take from strangers what only trusted peers may say, name itself in
// responses. The behaviour is Envoy 1.40's, field by field; docs: "HTTP header manipulation" and
// "x-forwarded-for" there.
//
// Built with the configuration, immutable, shared by all workers. For each request: codec's
// stripHopByHop, applyRequest, then RequestIdPolicy and PathPolicy; for each response:
// stripHopByHop, filters, applyResponse. What is added is static, the policy's own (which outlives
// the stream) or in the stream's arena.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/stream/client_address.h"
#include "source/stream/client_certificate.h"
#include "weir/arena.h"
#include "weir/head.h"
#include "weir/result.h"
#include "weir/stream_info.h"

namespace envoy::extensions::filters::network::http_connection_manager::v3 {
class HttpConnectionManager;
}

namespace weir::stream {

// How this process is called where it names itself.
struct ProxyIdentity {
  std::string server_name = "envoy";  // `server`, where the configuration has no server_name
  std::string address = "127.0.0.1";  // said in x-forwarded-for for clients on this machine
  std::string service_cluster;        // node.cluster and node.id: add_user_agent
  std::string service_node;
};

// What the connection knows of the client; StreamInfo tells the addresses.
struct ClientFacts {
  bool is_tls = false;
  // info.local is not the socket's own but was restored from PROXY protocol.
  bool local_restored = false;
  // The element for x-forwarded-client-cert ("By=…;Hash=…"); empty without a client certificate.
  std::string_view certificate;
};

// What was found out of a request's sender.
struct Sender {
  bool is_internal = false;  // from an address of internal_address_config, and nobody in between
  bool is_edge = false;      // from outside, and this is the first proxy it reaches
  bool forces_trace =
      false;            // an internal x-envoy-force-trace: the response tells the request's id
  bool steers = false;  // internal, with x-envoy-* fields of its own: see router::Steering
};

struct ResponseFacts {
  std::string_view date;        // DateText; copied
  std::string_view request_id;  // may be empty
  bool forces_trace = false;
};

class ForwardingPolicy {
 public:
  using Hcm =
      envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;

  // Refuses original_ip_detection_extensions other than xff, early_header_mutation_extensions,
  // forward_client_cert_matcher, and what Envoy refuses to have together.
  static Result<ForwardingPolicy> from(const Hcm& proto, const ProxyIdentity& proxy);

  // Sets info.remote where a trusted header names the client, else leaves it as it is; reads
  // info.direct_remote and info.local. Changes head.authority, head.scheme and head.fields.
  Sender applyRequest(RequestHead& head, StreamInfo& info, const ClientFacts& client,
                      Arena& arena) const;
  // For responses of origins and for local replies.
  void applyResponse(ResponseHead& head, const ResponseFacts& facts, Arena& arena) const;

  // What to say of the client's connection; `info.tls` may be null.
  ClientFacts clientFacts(const StreamInfo& info, Arena& arena) const;

  // scheme_header_transformation.match_upstream: where a scheme is sent upstream, it is "https"
  // exactly when that connection is TLS.
  bool schemeMatchesUpstream() const { return scheme_matches_upstream_; }

 private:
  // One way to find the client in x-forwarded-for.
  struct XffRule {
    uint32_t skip = 0;
    bool by_ranges = false;
    IpRanges trusted;
    bool append = false;
  };
  enum class ServerField : uint8_t { Overwrite, IfAbsent, PassThrough };
  enum class HostPort : uint8_t { Keep, StripMatching, StripAny };
  enum class ClientCert : uint8_t { Remove, Keep, KeepIfMutual, Append, Set };

  // forwarding_config.cc
  std::optional<Error> readAddresses(const Hcm& proto);
  std::optional<Error> readXffExtensions(const Hcm& proto);
  std::optional<Error> readNames(const Hcm& proto);

  XffAddress findClient(RequestHead& head, const StreamInfo& info, Arena& arena) const;
  XffAddress byRules(RequestHead& head, const StreamInfo& info, Arena& arena) const;
  bool isInternal(const XffAddress& client, const StreamInfo& info) const;
  void appendXff(RequestHead& head, const StreamInfo& info, Arena& arena) const;
  void setProtocol(RequestHead& head, const StreamInfo& info, const ClientFacts& client,
                   Arena& arena) const;
  void setPort(Fields& fields, const StreamInfo& info, Arena& arena) const;
  void setClientCert(Fields& fields, const ClientFacts& client, Arena& arena) const;
  void setUserAgent(Fields& fields) const;
  void normalizeHost(RequestHead& head, const StreamInfo& info, Arena& arena) const;

  bool use_remote_address_ = false;
  bool skip_xff_append_ = false;
  bool mapped_ipv6_ = false;
  bool append_port_ = false;
  bool strip_host_dot_ = false;
  bool add_user_agent_ = false;
  bool id_in_response_ = false;
  bool scheme_matches_upstream_ = false;
  bool unix_is_internal_ = false;
  bool rules_append_ = false;
  HostPort host_port_ = HostPort::Keep;
  ServerField server_field_ = ServerField::Overwrite;
  ClientCert client_cert_ = ClientCert::Remove;
  CertificateDetails cert_details_;
  uint32_t trusted_hops_ = 0;
  std::vector<XffRule> xff_rules_ = std::vector<XffRule>(1);  // without use_remote_address
  IpRanges internal_;
  std::vector<uint32_t> https_ports_;
  std::vector<uint32_t> http_ports_;
  std::string scheme_;  // overwrites when not empty
  std::string via_;
  ProxyIdentity proxy_;
};

}  // namespace weir::stream
