#include "source/listener/socket_options.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace weir::listener {

SocketOption SocketOption::ofInt(int level, int name, int value, std::string description,
                                 Moment moment) {
  SocketOption option;
  option.level = level;
  option.name = name;
  option.value.assign(reinterpret_cast<const char*>(&value), sizeof value);
  option.description = std::move(description);
  option.moment = moment;
  return option;
}

Result<Done> SocketOptions::apply(int fd, const net::Address& address, Moment moment) const {
  for (const SocketOption& option : options_) {
    if (option.moment != moment || (option.family != 0 && option.family != address.family()))
      continue;
    if (::setsockopt(fd, option.level, option.name, option.value.data(),
                     static_cast<socklen_t>(option.value.size())) != 0) {
      return Error{"socket_options", "cannot set " + option.description + " of " + address.text() +
                                         ": " + std::strerror(errno)};
    }
  }
  return Done{};
}

}  // namespace weir::listener
