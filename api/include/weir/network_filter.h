// A NetworkFilter decides about one connection before anything is passed on, in either direction:
// when its filter chain is chosen and TLS, if there is any, is established. Filters stand in the
// chain in front of the one that serves the connection (HTTP, TCP proxy), and run in order:
//
//   onConnection, then whatever follows, then the destructor: the connection has ended
//
// A filter type has three parts, as an HTTP filter has: a protobuf message, a Plan that is built
// and checked once (main thread, shared read-only by all workers), and the filter itself, one for
// each connection, on the connection's worker.
//   struct Plan { static Result<Plan> from(const Proto&, PlanBuild&); };  // stats: the root
//   class F : public NetworkFilter { explicit F(const Plan&); … };
//   void install(FilterRegistry& registry) { registry.addNetwork<Proto, Plan, F>("envoy.…"); }
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "weir/ip_range.h"
#include "weir/metadata.h"
#include "weir/stream_info.h"

namespace weir {

// What the client's certificate says it is; empty without one.
struct PeerNames {
  std::span<const std::string> uri;
  std::span<const std::string> dns;
  std::string_view subject;  // RFC 2253
  bool secured = false;      // the connection is TLS
  bool presented = false;    // there is a certificate
};

// Views live as long as the connection.
struct ConnectionView {
  std::optional<IpAddress> remote;         // as a PROXY header tells it; unix sockets have none
  std::optional<IpAddress> direct_remote;  // the socket's other end
  std::optional<IpAddress> local;
  uint16_t remote_port = 0;
  uint16_t local_port = 0;
  uint64_t id = 0;
  SteadyTime now{};
  std::string_view server_name;  // SNI, lower case
  std::string_view transport_protocol;
  std::span<const std::string> application_protocols;
  PeerNames peer;
  const Metadata* metadata = nullptr;  // what listener filters and filters before this one left
};

// What a filter may ask and do while it decides.
class NetworkConnection {
 public:
  virtual const ConnectionView& view() const = 0;
  virtual void setMetadata(std::string_view space, std::string_view key,
                           std::string_view value) = 0;
  // From 0 to 2^64 - 1, for percentages; no secret.
  virtual uint64_t random() = 0;

 protected:
  ~NetworkConnection() = default;
};

class NetworkVerdict {
 public:
  enum class Kind : uint8_t { Pass, Close, Answer };

  static NetworkVerdict pass() { return {}; }
  // `details` lives as long as the filter: %CONNECTION_TERMINATION_DETAILS%. The connection is held
  // for `delay` first; what it sends meanwhile is dropped.
  static NetworkVerdict close(std::string_view details, std::chrono::milliseconds delay = {}) {
    NetworkVerdict verdict;
    verdict.kind_ = Kind::Close;
    verdict.text_ = details;
    verdict.delay_ = delay;
    return verdict;
  }
  // Takes the connection over: writes these bytes (the Plan's) and closes.
  static NetworkVerdict answer(std::string_view bytes) {
    NetworkVerdict verdict;
    verdict.kind_ = Kind::Answer;
    verdict.text_ = bytes;
    return verdict;
  }

  Kind kind() const { return kind_; }
  std::string_view text() const { return text_; }
  std::chrono::milliseconds delay() const { return delay_; }

 private:
  Kind kind_ = Kind::Pass;
  std::string_view text_;
  std::chrono::milliseconds delay_{0};
};

class NetworkFilter {
 public:
  NetworkFilter() = default;
  NetworkFilter(const NetworkFilter&) = delete;
  NetworkFilter& operator=(const NetworkFilter&) = delete;
  virtual ~NetworkFilter() = default;

  virtual NetworkVerdict onConnection(NetworkConnection& connection) = 0;
};

}  // namespace weir
