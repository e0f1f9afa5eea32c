// The asynchronous client: what a filter uses to ask another service something while its stream
// waits (ext_authz, keys, tokens, aggregation). A call goes to the named cluster, or where the
// routes of the stream's listener send it, with a timeout of its own and the cluster's circuit
// breakers and statistics. Several may run at once: make the Pendings first, then await them one
// after the other; each starts when it is made.
//
// Through the routes, a call is a request like a client's behind the last filter: virtual host by
// authority, path normalised, header changes, rewrites, cluster, the nearer of both timeouts, the
// route's retries (within that time; `fields` may ask for more, as x-envoy-retry-on and its like).
// Redirects and direct responses are results as they are. Filters do not run for it: so a filter
// cannot call itself, and a part that needs authorization must have got it with the whole.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/head.h"
#include "weir/result.h"

namespace weir {

struct CallRequest {
  std::string cluster;  // empty: where the routes say
  std::string method = "GET";
  std::string path = "/";
  std::string authority;  // empty: the cluster's name; through the routes: that of the stream
  // Lower-case names. May be a copy of a client's: framing and connection fields are left out.
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  std::chrono::milliseconds timeout{1000};  // for the whole call
  uint64_t max_response_body = 1 << 20;     // a longer one fails with LimitExceeded
};

// A GET through the routes in a client's name: its authority and its fields, but for those about a
// body, a range, a condition or a coding of what is asked for. For parts of an answer.
CallRequest callLike(const RequestHead& client, std::string path);

struct CallResult {
  Failure failure;  // set: there is no response
  uint16_t status = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;

  std::string_view field(std::string_view lower_name) const {
    for (const auto& [name, value] : fields) {
      if (name == lower_name) return value;
    }
    return {};
  }
};

// Bytes for an endpoint of a cluster that speaks no HTTP (Redis, memcached), pipelined with those
// of other streams on one connection a worker, in order. Whatever `bytes` asks for, `reply_size`
// must count as one reply.
struct ByteRequest {
  // Pure: how many bytes of `received` are the reply; 0: more must come; npos: this is not the
  // protocol.
  using ReplySize = size_t (*)(std::string_view received);

  std::string cluster;
  std::string bytes;
  ReplySize reply_size = nullptr;
  std::chrono::milliseconds timeout{1000};  // the connection is closed then; 0: none
  size_t max_reply = 1 << 20;
};

struct ByteReply {
  Failure failure;  // set: there is no reply; the endpoint may have acted nevertheless
  std::string bytes;
};

}  // namespace weir
