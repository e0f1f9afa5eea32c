// A Percentage is an envoy.type.v3.FractionalPercent: the share of requests something happens to. A
// RuntimePercentage is one that the runtime may change. Values.
#pragma once

#include <cstdint>
#include <utility>

#include "envoy/config/core/v3/base.pb.h"
#include "envoy/type/v3/percent.pb.h"
#include "weir/runtime.h"

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
  bool never() const { return numerator == 0; }
  // Whether it happens to the request for which `random` was drawn.
  bool includes(uint64_t random) const { return random % denominator < numerator; }
};

struct RuntimePercentage {
  RuntimePercentage(Percentage fallback = {}, RuntimeKey key = {})  // NOLINT: implicit
      : fallback(fallback), key(std::move(key)) {}
  // `keys(name)` finds the key: PlanBuild::runtime().
  template <typename Keys>
  static RuntimePercentage from(const envoy::config::core::v3::RuntimeFractionalPercent& proto,
                                Keys&& keys) {
    return {Percentage::from(proto.default_value()),
            proto.runtime_key().empty() ? RuntimeKey() : keys(proto.runtime_key())};
  }

  Percentage now() const {
    const auto said = key.fraction();
    return said ? Percentage{said->numerator, said->denominator} : fallback;
  }
  bool includes(uint64_t random) const { return now().includes(random); }

  Percentage fallback;  // while the key has no value
  RuntimeKey key;
};

// An envoy.config.core.v3.RuntimeFeatureFlag.
struct RuntimeFlag {
  // `fallback` where the message does not say one.
  template <typename Keys>
  static RuntimeFlag from(const envoy::config::core::v3::RuntimeFeatureFlag& proto, bool fallback,
                          Keys&& keys) {
    return {proto.has_default_value() ? proto.default_value().value() : fallback,
            proto.runtime_key().empty() ? RuntimeKey() : keys(proto.runtime_key())};
  }

  bool on() const { return key.flag().value_or(fallback); }

  bool fallback = false;  // while the key has no value
  RuntimeKey key{};
};

}  // namespace weir
