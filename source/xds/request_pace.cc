#include "source/xds/request_pace.h"

#include <algorithm>

namespace weir::xds {

using Duration = net::SteadyTime::duration;

Duration RequestPace::take(net::SteadyTime now) {
  if (settings_.most == 0) return Duration::zero();
  if (filled_ != net::SteadyTime{}) {
    const double passed = std::chrono::duration<double>(now - filled_).count();
    tokens_ = std::min<double>(settings_.most, tokens_ + passed * settings_.per_second);
  }
  filled_ = now;
  if (tokens_ >= 1) {
    tokens_ -= 1;
    return Duration::zero();
  }
  const std::chrono::duration<double> wait((1 - tokens_) / settings_.per_second);
  // A millisecond more than that, so that a rounded sum is enough of a token then.
  return std::chrono::duration_cast<Duration>(wait) + std::chrono::milliseconds(1);
}

}  // namespace weir::xds
