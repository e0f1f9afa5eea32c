// Signals brings the process's signals to the main loop: SIGTERM, SIGINT, SIGUSR1; SIGHUP,
// SIGPIPE and SIGXFSZ are ignored. Blocked in every thread made after it, and read from a signalfd.
#pragma once

#include <event2/event_struct.h>

#include <functional>

#include "source/net/fd.h"
#include "source/net/loop.h"

namespace weir::server {

class Signals {
 public:
  // Before any other thread is started.
  Signals(net::Loop& loop, std::function<void(int)> on_signal);
  ~Signals();
  Signals(const Signals&) = delete;

 private:
  static void onReadable(evutil_socket_t fd, short, void* self);

  net::Loop& loop_;
  std::function<void(int)> on_signal_;
  net::Fd fd_;
  event event_{};
};

}  // namespace weir::server
