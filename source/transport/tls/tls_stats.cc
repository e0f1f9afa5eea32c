#include "source/transport/tls/tls_stats.h"

namespace weir::transport {

Counter CountersByName::make(std::string_view name) const {
  return scope_.counter(std::string(family_) + '.' + std::string(name), family_, tag_, name);
}

void CountersByName::count(std::string_view name) const {
  for (Slot& slot : slots_) {
    const char* known = slot.name.load(std::memory_order_acquire);
    if (known == nullptr) {
      const Counter counter = make(name);
      if (slot.name.compare_exchange_strong(known, name.data())) {
        slot.cell.store(counter.cell(), std::memory_order_release);
      }
      return counter.add();
    }
    if (known != name.data()) continue;
    const uint32_t cell = slot.cell.load(std::memory_order_acquire);
    return (cell != 0 ? Counter(cell) : make(name)).add();
  }
  make(name).add();
}

TlsStats::TlsStats(const StatScope& outer)
    : scope(outer.scope("ssl")),
      connection_error(scope.counter("connection_error")),
      handshake(scope.counter("handshake")),
      session_reused(scope.counter("session_reused")),
      no_certificate(scope.counter("no_certificate")),
      fail_verify_no_cert(scope.counter("fail_verify_no_cert")),
      fail_verify_error(scope.counter("fail_verify_error")),
      fail_verify_san(scope.counter("fail_verify_san")),
      fail_verify_cert_hash(scope.counter("fail_verify_cert_hash")),
      ocsp_staple_omitted(scope.counter("ocsp_staple_omitted")),
      ocsp_staple_responses(scope.counter("ocsp_staple_responses")),
      ocsp_staple_requests(scope.counter("ocsp_staple_requests")),
      key_rotation_failed(scope.counter("key_rotation_failed")),
      ciphers(scope, "ciphers", "envoy_ssl_cipher"),
      versions(scope, "versions", "envoy_ssl_version"),
      curves(scope, "curves", "envoy_ssl_curve") {}

}  // namespace weir::transport
