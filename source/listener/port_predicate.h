// A PortPredicate is a ListenerFilter.filter_disabled: a condition on the port a connection came
// to. Built on the main thread, immutable.
#pragma once

#include <cstdint>
#include <vector>

#include "weir/report.h"

namespace envoy::config::listener::v3 {
class ListenerFilterChainMatchPredicate;
}

namespace weir::listener {

class PortPredicate {
 public:
  PortPredicate() = default;  // never true
  static PortPredicate from(const envoy::config::listener::v3::ListenerFilterChainMatchPredicate&,
                            const Where& at);

  // Of unix sockets, which have no port, `port` is 0.
  bool matches(uint16_t port) const;

 private:
  enum class Kind : uint8_t { Never, Always, Or, And, Not, Range };

  Kind kind_ = Kind::Never;
  int32_t begin_ = 0, end_ = 0;  // of Range; the end is outside
  std::vector<PortPredicate> parts_;
};

}  // namespace weir::listener
