#include "load_options.h"

#include "pattern.h"

#include <getopt.h>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace weir::bench {
namespace {

constexpr const char* kHelp = R"(usage: weir_bench_load --port N [options]
HTTP/1.1 load on 127.0.0.1:N. Checks every response, prints one JSON object.
  --path P            request path (default /)
  --body N            expected content-length of each response
  --post N            POST with a body of N bytes instead of GET
  --header 'a: b'     one more request header; may be repeated
  --connections N     connections (default 64)
  --warm-up S         seconds before the window, not counted (default 0)
  --window S          seconds measured (default 3)
  --requests N        exactly N requests instead of a window
  --rate R            open loop: R requests a second, timed from the intended send time
  --new-connection    a new connection for each request
  --tls               over TLS; certificates are not verified
  --resume            with --tls: new connections resume the session of an earlier one
  --slow-read N       read at most N bytes a second on each connection
  --idle N            open N connections, one request each, print 'ready', hold them until
                      stdin ends
  --cpu-of PID        report the CPU time all threads of PID used within the window
)";

[[noreturn]] void refuse(const std::string& why) {
  std::fprintf(stderr, "weir_bench_load: %s\n%s", why.c_str(), kHelp);
  std::exit(2);
}

template <typename Number>
Number number(const char* option, std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < Number{}) {
    refuse(std::string("--") + option + ": '" + std::string(text) + "' is not a usable number");
  }
  return value;
}

std::chrono::nanoseconds seconds(const char* option, std::string_view text) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(number<double>(option, text)));
}

enum Flag : int {
  kPort = 1,
  kPath,
  kBody,
  kPost,
  kHeader,
  kConnections,
  kWarmUp,
  kWindow,
  kRequests,
  kRate,
  kNewConnection,
  kTls,
  kResume,
  kSlowRead,
  kIdle,
  kCpuOf,
  kShowHelp
};

constexpr option kFlags[] = {
    {"port", required_argument, nullptr, kPort},
    {"path", required_argument, nullptr, kPath},
    {"body", required_argument, nullptr, kBody},
    {"post", required_argument, nullptr, kPost},
    {"header", required_argument, nullptr, kHeader},
    {"connections", required_argument, nullptr, kConnections},
    {"warm-up", required_argument, nullptr, kWarmUp},
    {"window", required_argument, nullptr, kWindow},
    {"requests", required_argument, nullptr, kRequests},
    {"rate", required_argument, nullptr, kRate},
    {"new-connection", no_argument, nullptr, kNewConnection},
    {"tls", no_argument, nullptr, kTls},
    {"resume", no_argument, nullptr, kResume},
    {"slow-read", required_argument, nullptr, kSlowRead},
    {"idle", required_argument, nullptr, kIdle},
    {"cpu-of", required_argument, nullptr, kCpuOf},
    {"help", no_argument, nullptr, kShowHelp},
    {nullptr, 0, nullptr, 0},
};

void apply(LoadOptions& options, int flag, const char* name, const char* value) {
  switch (flag) {
    case kPort:
      options.port = number<std::uint16_t>(name, value);
      break;
    case kPath:
      options.path = value;
      break;
    case kBody:
      options.expected_body = number<std::uint64_t>(name, value);
      break;
    case kPost:
      options.post_body = number<std::uint64_t>(name, value);
      break;
    case kHeader:
      options.extra_headers += std::string(value) + "\r\n";
      break;
    case kConnections:
      options.connections = number<std::uint32_t>(name, value);
      break;
    case kWarmUp:
      options.warm_up = seconds(name, value);
      break;
    case kWindow:
      options.window = seconds(name, value);
      break;
    case kRequests:
      options.requests = number<std::uint64_t>(name, value);
      break;
    case kRate:
      options.rate = number<double>(name, value);
      break;
    case kNewConnection:
      options.new_connection = true;
      break;
    case kTls:
      options.tls = true;
      break;
    case kResume:
      options.resume = true;
      break;
    case kSlowRead:
      options.slow_read = number<std::uint64_t>(name, value);
      break;
    case kIdle:
      options.idle = number<std::uint32_t>(name, value);
      break;
    case kCpuOf:
      options.cpu_of = number<pid_t>(name, value);
      break;
    case kShowHelp:
      std::fputs(kHelp, stdout);
      std::exit(0);
    default:
      refuse("unknown option");
  }
}

}  // namespace

LoadOptions LoadOptions::parse(int argc, char** argv) {
  LoadOptions options;
  int index = 0;
  opterr = 0;
  for (int flag; (flag = getopt_long(argc, argv, "", kFlags, &index)) != -1;) {
    apply(options, flag, kFlags[index].name, optarg);
  }
  if (optind != argc) refuse(std::string("unexpected argument '") + argv[optind] + "'");
  if (options.port == 0) refuse("--port is required");
  if (options.connections == 0) refuse("--connections must be at least 1");
  if (options.idle > 0) options.connections = options.idle;
  return options;
}

std::string LoadOptions::renderRequest() const {
  std::string text = post_body > 0 ? "POST " : "GET ";
  text += path + " HTTP/1.1\r\nHost: bench.example\r\nUser-Agent: weir-bench\r\nAccept: */*\r\n";
  text += extra_headers;
  if (post_body > 0) text += "Content-Length: " + std::to_string(post_body) + "\r\n";
  text += "\r\n";
  for (std::uint64_t sent = 0; sent < post_body;) {
    const std::string_view part = Pattern::part(sent, post_body - sent);
    text += part;
    sent += part.size();
  }
  return text;
}

}  // namespace weir::bench
