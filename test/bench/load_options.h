// LoadOptions are the load generator's command line, parsed and checked once at start.
#pragma once

#include <sys/types.h>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace weir::bench {

struct LoadOptions {
  std::uint16_t port = 0;
  std::string path = "/";
  std::optional<std::uint64_t> expected_body;  // Bytes; none accepts any content-length.
  std::uint64_t post_body = 0;                 // Bytes; 0 sends GET.
  std::string extra_headers;                   // Whole lines, each ending in CRLF.

  std::uint32_t connections = 64;
  std::chrono::nanoseconds warm_up{0};
  std::chrono::nanoseconds window{std::chrono::seconds(3)};
  std::uint64_t requests = 0;   // Stop after this many instead of after `window`.
  double rate = 0;              // Requests a second, open loop; 0 is closed loop.
  std::uint32_t idle = 0;       // Open this many, one request each, then hold them.
  std::uint64_t slow_read = 0;  // Bytes a second and connection; 0 reads at once.
  bool new_connection = false;  // One connection per request.
  bool tls = false;             // Whatever certificate is shown.
  bool resume = false;          // TLS sessions, where a connection is new.
  pid_t cpu_of = 0;             // Also report the CPU time of this process in the window.

  // Prints what is wrong, or the help text, and ends the process if the command line is not usable.
  static LoadOptions parse(int argc, char** argv);

  // The exact bytes of each request.
  std::string renderRequest() const;
};

}  // namespace weir::bench
