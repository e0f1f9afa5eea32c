// The statistics of one listener's or cluster's TLS, under Envoy's names ("listener.<a>.ssl.…").
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "weir/stats.h"

namespace weir::transport {

// Counters whose names are only known when they are first counted: ciphers, versions, groups. A
// name is static text; there are few. Only its first use takes a lock.
class CountersByName {
 public:
  CountersByName(const StatScope& scope, std::string_view family, std::string_view tag)
      : scope_(scope), family_(family), tag_(tag) {}
  void count(std::string_view name) const;

 private:
  struct Slot {
    std::atomic<const char*> name{nullptr};
    std::atomic<uint32_t> cell{0};  // 0: not there yet
  };
  Counter make(std::string_view name) const;

  StatScope scope_;
  std::string_view family_, tag_;
  mutable std::array<Slot, 16> slots_;  // more are counted the slow way
};

struct TlsStats {
  // `scope` is the listener's or the cluster's.
  explicit TlsStats(const StatScope& scope);

  StatScope scope;  // "….ssl."
  Counter connection_error, handshake, session_reused, no_certificate;
  Counter fail_verify_no_cert, fail_verify_error, fail_verify_san, fail_verify_cert_hash;
  Counter ocsp_staple_omitted, ocsp_staple_responses, ocsp_staple_requests;
  Counter key_rotation_failed;  // new files that could not be used
  CountersByName ciphers, versions, curves;
};

}  // namespace weir::transport
