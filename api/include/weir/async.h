// Async is what a coroutine may wait for: time, the answers of other services, signals. A Stream is
// one; the background work of a Plan is given one that is no stream's. Work begins when its Pending
// is made and is cancelled when that is destroyed. Used on its worker only.
#pragma once

#include <chrono>
#include <cstdint>

#include "weir/client.h"
#include "weir/pending.h"
#include "weir/signal.h"
#include "weir/stream_info.h"

namespace weir {

class Async {
 public:
  // The loop's time: one value for everything that happens in one turn.
  virtual SteadyTime now() const = 0;
  virtual uint64_t random() = 0;

  // co_await stream.sleep(…) inside a Task; and so with the others.
  virtual Pending<void> sleep(std::chrono::microseconds) = 0;
  // One request to a cluster, answered whole. See weir/client.h.
  virtual Pending<CallResult> call(CallRequest) = 0;
  // Bytes to an endpoint of a cluster, and its reply. See weir/client.h.
  virtual Pending<ByteReply> exchange(ByteRequest) = 0;
  // True: the signal was raised; false: `limit` (0: none) passed before.
  virtual Pending<bool> until(Signal&, std::chrono::milliseconds limit) = 0;

  virtual ~Async() = default;
};

}  // namespace weir
