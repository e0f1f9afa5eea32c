// A LoadRun is one measurement: it opens the connections, sends the requests (closed loop: the
// next one as soon as a response is complete; open loop: at a fixed rate, whatever the answers
// do), checks every response and counts what falls into the window.
//
// In the open loop a request's latency starts at the time it should have been sent, and every
// request of the window is waited for, so a stall is charged to all requests it delayed
// (no coordinated omission). In the closed loop what completes within the window is counted.
//
// Owns its sockets and its epoll; one thread; run() once. Times are CLOCK_MONOTONIC nanoseconds.
#pragma once

#include "histogram.h"
#include "load_options.h"
#include "response_reader.h"

#include <openssl/ssl.h>
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace weir::bench {

struct LoadReport {
  std::uint64_t requests = 0;    // Completed and correct.
  std::uint64_t bytes = 0;       // Body bytes received, checked.
  std::uint64_t reconnects = 0;  // Kept-alive connections the proxy closed between requests.
  std::uint64_t cpu_ns = 0;      // Of the process named by --cpu-of.
  std::uint64_t window_ns = 0;
  std::array<std::uint64_t, kFaultCount> faults{};
  Histogram latency;

  std::uint64_t errors() const;
};

class LoadRun {
 public:
  explicit LoadRun(const LoadOptions& options);
  ~LoadRun();
  LoadRun(const LoadRun&) = delete;
  LoadRun& operator=(const LoadRun&) = delete;

  LoadReport run();

 private:
  struct Client {
    int fd = -1;
    SSL* tls = nullptr;
    bool busy = false;
    bool readable = false;      // Slow reading: bytes may wait in the socket.
    bool in_window = false;     // Open loop: was to be sent within the window.
    std::size_t sent = 0;       // Bytes of the request.
    std::uint64_t started = 0;  // Intended send time.
    ResponseReader reader;
  };

  bool finished() const;
  bool mayStart() const;
  void advance(std::uint64_t now);
  void launch(std::uint64_t now);
  void wait(std::uint64_t now);
  void holdIdle();

  void start(Client& client, std::uint64_t intended);
  bool open(Client& client);
  void close(Client& client);
  void send(Client& client);
  void receive(Client& client, bool ending);
  bool take(Client& client, std::string_view bytes);
  void trickle(std::uint64_t now);
  ssize_t writeSome(Client& client, std::string_view bytes);
  ssize_t readSome(Client& client, std::size_t most);
  void complete(Client& client);
  void fail(Client& client, Fault fault);
  void failStalled(std::uint64_t now);

  std::uint64_t intendedTime(std::uint64_t index) const;
  std::uint64_t nextWake(std::uint64_t now) const;

  const LoadOptions options_;
  const std::string request_;
  int epoll_ = -1;
  std::vector<std::unique_ptr<Client>> clients_;
  std::deque<Client*> waiting_;  // Not busy; the longest waiting one goes first.
  std::vector<char> scratch_;
  SSL_CTX* tls_ = nullptr;          // With --tls.
  SSL_SESSION* session_ = nullptr;  // With --resume, the newest.
  std::uint32_t sources_ = 0;       // Connections opened, to vary their source address.

  std::uint64_t begin_ = 0;
  std::uint64_t window_begin_ = 0;
  std::uint64_t window_end_ = 0;
  std::uint64_t limit_ = 0;  // Requests to issue; 0 is no limit.
  std::uint64_t issued_ = 0;
  std::uint32_t busy_ = 0;
  std::uint64_t last_progress_ = 0;
  std::uint64_t last_trickle_ = 0;
  bool measuring_ = false;
  bool ended_ = false;
  LoadReport report_;
};

}  // namespace weir::bench
