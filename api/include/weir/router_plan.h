// A RouterPlan is what the router filter's configuration tells the stream that forwards for it.
#pragma once

namespace weir {

struct RouterPlan {
  bool suppress_envoy_headers = false;  // no x-envoy-* of our own in requests and responses
};

}  // namespace weir
