// A Wire is a client's end of a connection, for tests: it never waits. One thread.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "source/net/address.h"
#include "source/net/fd.h"

namespace weir::listener {

class Wire {
 public:
  explicit Wire(const net::Address& to)
      : fd_(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    connected_ = net::connectTo(fd_.get(), to) == 0;
  }
  bool connected() const { return connected_; }
  void send(std::string_view bytes) {
    EXPECT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT),
              static_cast<ssize_t>(bytes.size()));
  }
  void ask(std::string_view path = "/") {
    send("GET " + std::string(path) + " HTTP/1.1\r\nhost: t\r\n\r\n");
  }
  // All that came since the last time.
  std::string take() {
    look();
    return std::exchange(bytes_, {});
  }
  bool got(std::string_view text) {
    look();
    return bytes_.find(text) != bytes_.npos;
  }
  bool ended() {
    look();
    return ended_;
  }

 private:
  void look() {
    char piece[65536];
    while (!ended_) {
      const ssize_t size = ::recv(fd_.get(), piece, sizeof piece, MSG_DONTWAIT);
      if (size < 0 && errno == EAGAIN) return;
      if (size <= 0) ended_ = true;
      if (size > 0) bytes_.append(piece, static_cast<size_t>(size));
    }
  }

  net::Fd fd_;
  std::string bytes_;
  bool connected_ = false;
  bool ended_ = false;
};

}  // namespace weir::listener
