// A ListenerFilter looks at an accepted connection's first bytes before its filter chain is
// matched: what it finds is noted in the Introduction. Built by its ListenerFilterPlan, one for
// each connection, on its worker; plans are immutable and shared.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "source/net/address.h"
#include "source/transport/connection_facts.h"

namespace weir::listener {

// What listener filters fill in. The addresses are the socket's until a filter knows better.
struct Introduction {
  int fd;
  net::Address& remote;
  net::Address& local;
  transport::ConnectionFacts& facts;
};

class ListenerFilter {
 public:
  enum class Verdict : uint8_t { NeedMore, Done, Close };
  struct Step {
    Verdict verdict = Verdict::NeedMore;
    size_t consumed = 0;  // with Done: bytes nobody else shall see
  };

  virtual ~ListenerFilter() = default;
  // `bytes`: everything received that no filter consumed; first called with none. Not called again
  // after another verdict than NeedMore.
  virtual Step onBytes(std::string_view bytes, Introduction& about) = 0;
};

class ListenerFilterPlan {
 public:
  virtual ~ListenerFilterPlan() = default;
  virtual std::unique_ptr<ListenerFilter> start() const = 0;
};

}  // namespace weir::listener
