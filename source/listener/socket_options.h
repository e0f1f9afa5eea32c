// SocketOptions is what a configuration asks of a socket beyond its address, each with the moment
// for it. Built on the main thread, immutable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "source/net/address.h"
#include "weir/report.h"
#include "weir/result.h"

namespace weir::listener {

struct SocketOption {
  enum class Moment : uint8_t { BeforeBind, Bound, Listening };

  int level = 0;
  int name = 0;
  std::string value;  // as setsockopt(2) takes it
  Moment moment = Moment::BeforeBind;
  int family = 0;  // AF_INET or AF_INET6: only of such sockets; 0: of all
  std::string description;

  static SocketOption ofInt(int level, int name, int value, std::string description,
                            Moment moment = Moment::BeforeBind);
};

class SocketOptions {
 public:
  using Moment = SocketOption::Moment;

  void add(SocketOption option) { options_.push_back(std::move(option)); }
  // Sets those of a moment; the error names the option and the system's reason.
  Result<Done> apply(int fd, const net::Address& address, Moment moment) const;

 private:
  std::vector<SocketOption> options_;
};

}  // namespace weir::listener
