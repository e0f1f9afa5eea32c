// StreamInfo is what is known about one request while and after it runs: for access logs, decision
// records and filters' onDone. Written by the stream and the router on its worker. Views point to
// the stream's arena, its snapshot, or static storage, and are valid until the stream has ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "weir/head.h"
#include "weir/log_moment.h"
#include "weir/metadata.h"
#include "weir/response_flags.h"
#include "weir/result.h"
#include "weir/tls_facts.h"

namespace weir {

using SteadyTime = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;

// One end of a connection, formatted once when the connection is made.
struct Peer {
  std::string_view address;  // "10.0.0.1:443", "[::1]:443", or a unix socket's path
  std::string_view ip;       // without port; the whole path for unix sockets
  uint16_t port = 0;
  bool is_loopback_or_unix = false;
};

// Whole-request measures of one side, in bytes.
struct ByteMeter {
  uint64_t wire_in = 0;  // everything read for this stream, heads and framing included
  uint64_t wire_out = 0;
  uint64_t header_in = 0;  // the heads' field lines, as Envoy counts them
  uint64_t header_out = 0;
};

// One try of a request at one endpoint.
struct Attempt {
  std::string_view endpoint;  // its address
  Failure failure;            // none: a response came; Cancelled: nobody waited for it any more
  uint16_t status = 0;        // of the response; 0: there was none
  std::chrono::nanoseconds duration{0};  // since the endpoint was chosen
  bool will_retry = false;  // another follows, unless the stream ends in the pause before it
};

// A zero time means "did not happen".
struct StreamInfo {
  WallTime start_wall{};
  SteadyTime start{};
  SteadyTime last_downstream_rx{};  // last byte of the request
  SteadyTime first_upstream_tx{};
  SteadyTime last_upstream_tx{};
  SteadyTime first_upstream_rx{};  // first byte of the final response
  SteadyTime last_upstream_rx{};
  SteadyTime first_downstream_tx{};
  SteadyTime last_downstream_tx{};
  SteadyTime end{};

  uint64_t bytes_received = 0, bytes_sent = 0;  // bodies; of a TCP connection, all
  ByteMeter downstream, upstream;

  LogMoment moment = LogMoment::DownstreamEnd;
  Protocol protocol = Protocol::Http11;  // of requests; a TCP connection has none
  uint16_t response_code = 0;            // 0: no response was sent
  ResponseFlags flags;
  std::string_view details;  // %RESPONSE_CODE_DETAILS%: "via_upstream", "route_not_found", …
  std::string_view termination_details;  // %CONNECTION_TERMINATION_DETAILS%

  uint64_t connection_id = 0;
  uint64_t stream_id = 0;  // per worker, increasing
  std::string_view request_id;
  Peer remote;         // the client as trusted headers tell it
  Peer direct_remote;  // the socket's other end
  Peer local;
  const TlsFacts* tls = nullptr;  // of the client's connection; null: plain
  std::string_view requested_server_name;

  std::string_view route_name;
  std::string_view virtual_host;
  std::string_view cluster;
  std::string_view upstream_host;  // address of the last endpoint tried
  std::string_view upstream_host_name;
  std::string_view upstream_local;
  // All of them, comma separated; empty while there was one attempt at most.
  std::string_view upstream_hosts_attempted, upstream_names_attempted;
  Failure upstream_failure;  // of the last attempt; none: it was answered whole
  Protocol upstream_protocol = Protocol::Http11;
  std::shared_ptr<const TlsFacts> upstream_tls;  // of the last attempt's connection
  uint32_t attempts = 0;

  const Metadata* dynamic_metadata = nullptr;  // what filters left
  const Metadata* route_metadata = nullptr;
  const Metadata* virtual_host_metadata = nullptr;
  const Metadata* cluster_metadata = nullptr;
  const Metadata* upstream_metadata = nullptr;  // of the last endpoint tried

  const RequestHead* request = nullptr;
  const ResponseHead* response = nullptr;
  const Fields* response_trailers = nullptr;
};

}  // namespace weir
