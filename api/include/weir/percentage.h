// A Percentage is an envoy.type.v3.FractionalPercent: the share of requests something happens to.
// A value.
#pragma once

#include <cstdint>

#include "envoy/config/core/v3/base.pb.h"
#include "envoy/type/v3/percent.pb.h"

namespace weir {

struct Percentage {
  uint32_t numerator = 0;
  uint32_t denominator = 100;

  static Percentage always() { return {100, 100}; }
  static Percentage from(const envoy::type::v3::FractionalPercent& proto) {
    using Proto = envoy::type::v3::FractionalPercent;
    switch (proto.denominator()) {
      case Proto::TEN_THOUSAND:
        return {proto.numerator(), 10'000};
      case Proto::MILLION:
        return {proto.numerator(), 1'000'000};
      default:
        return {proto.numerator(), 100};
    }
  }
  // The share when no runtime value overrides it, as none does in Weir.
  static Percentage from(const envoy::config::core::v3::RuntimeFractionalPercent& proto) {
    return from(proto.default_value());
  }

  bool never() const { return numerator == 0; }
  // Whether it happens to the request for which `random` was drawn.
  bool includes(uint64_t random) const { return random % denominator < numerator; }
};

}  // namespace weir
