#include "source/server/signals.h"

#include <event2/event.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <utility>

namespace weir::server {

Signals::Signals(net::Loop& loop, std::function<void(int)> on_signal)
    : loop_(loop), on_signal_(std::move(on_signal)) {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of write(), no end of service
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_.reset(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  event_assign(&event_, loop_.base(), fd_.get(), EV_READ | EV_PERSIST, onReadable, this);
  event_add(&event_, nullptr);
}

Signals::~Signals() { event_del(&event_); }

void Signals::onReadable(evutil_socket_t fd, short, void* self) {
  auto& signals = *static_cast<Signals*>(self);
  net::Loop::Turn turn(signals.loop_);
  signalfd_siginfo info{};
  while (::read(fd, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    signals.on_signal_(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace weir::server
