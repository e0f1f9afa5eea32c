#include "source/cluster/cluster_stats.h"

#include <string>

namespace weir::cluster {

ClusterStats::ClusterStats(const StatScope& scope, bool speaks_http2)
    : cx_total(scope.counter("upstream_cx_total")),
      cx_http1_total(scope.counter("upstream_cx_http1_total")),
      cx_http2_total(scope.counter("upstream_cx_http2_total")),
      cx_close_notify(scope.counter("upstream_cx_close_notify")),
      cx_connect_fail(scope.counter("upstream_cx_connect_fail")),
      cx_connect_timeout(scope.counter("upstream_cx_connect_timeout")),
      cx_idle_timeout(scope.counter("upstream_cx_idle_timeout")),
      cx_overflow(scope.counter("upstream_cx_overflow")),
      cx_destroy(scope.counter("upstream_cx_destroy")),
      cx_destroy_local(scope.counter("upstream_cx_destroy_local")),
      cx_destroy_remote(scope.counter("upstream_cx_destroy_remote")),
      cx_destroy_with_active_rq(scope.counter("upstream_cx_destroy_with_active_rq")),
      cx_destroy_local_with_active_rq(scope.counter("upstream_cx_destroy_local_with_active_rq")),
      cx_destroy_remote_with_active_rq(scope.counter("upstream_cx_destroy_remote_with_active_rq")),
      cx_max_requests(scope.counter("upstream_cx_max_requests")),
      cx_none_healthy(scope.counter("upstream_cx_none_healthy")),
      cx_protocol_error(scope.counter("upstream_cx_protocol_error")),
      cx_active(scope.gauge("upstream_cx_active")),
      bytes{scope.counter("upstream_cx_rx_bytes_total"),
            scope.counter("upstream_cx_tx_bytes_total")},
      http2(speaks_http2 ? http2::Stats(scope.scope("http2")) : http2::Stats()),
      rq_total(scope.counter("upstream_rq_total")),
      rq_completed(scope.counter("upstream_rq_completed")),
      rq_cancelled(scope.counter("upstream_rq_cancelled")),
      rq_timeout(scope.counter("upstream_rq_timeout")),
      rq_per_try_timeout(scope.counter("upstream_rq_per_try_timeout")),
      rq_per_try_idle_timeout(scope.counter("upstream_rq_per_try_idle_timeout")),
      rq_rx_reset(scope.counter("upstream_rq_rx_reset")),
      rq_tx_reset(scope.counter("upstream_rq_tx_reset")),
      rq_retry(scope.counter("upstream_rq_retry")),
      rq_retry_success(scope.counter("upstream_rq_retry_success")),
      rq_retry_overflow(scope.counter("upstream_rq_retry_overflow")),
      rq_retry_limit_exceeded(scope.counter("upstream_rq_retry_limit_exceeded")),
      rq_retry_backoff_exponential(scope.counter("upstream_rq_retry_backoff_exponential")),
      rq_retry_backoff_ratelimited(scope.counter("upstream_rq_retry_backoff_ratelimited")),
      retry_or_shadow_abandoned(scope.counter("retry_or_shadow_abandoned")),
      rq_pending_total(scope.counter("upstream_rq_pending_total")),
      rq_pending_overflow(scope.counter("upstream_rq_pending_overflow")),
      rq_pending_failure_eject(scope.counter("upstream_rq_pending_failure_eject")),
      lb_healthy_panic(scope.counter("lb_healthy_panic")),
      rq_active(scope.gauge("upstream_rq_active")),
      rq_pending_active(scope.gauge("upstream_rq_pending_active")),
      cx_connect_ms(scope.histogram("upstream_cx_connect_ms", Histogram::Unit::Microseconds)),
      cx_length_ms(scope.histogram("upstream_cx_length_ms", Histogram::Unit::Microseconds)),
      rq_time(scope.histogram("upstream_rq_time", Histogram::Unit::Microseconds)),
      scope_(scope) {
  for (size_t i = 1; i < classes_.size(); ++i) {
    const std::string digit = std::to_string(i);
    classes_[i] = scope.counter("upstream_rq_" + digit + "xx", "upstream_rq_xx",
                                "envoy_response_code_class", digit);
  }
}

void ClusterStats::countStatus(uint16_t status) const {
  rq_completed.add();
  if (status < 100 || status >= 600) return;
  classes_[status / 100].add();
  std::atomic<uint32_t>& known = codes_[status - 100u];
  uint32_t cell = known.load(std::memory_order_relaxed);
  if (cell == 0) {
    const std::string code = std::to_string(status);
    cell = scope_.counter("upstream_rq_" + code, "upstream_rq", "envoy_response_code", code).cell();
    known.store(cell, std::memory_order_relaxed);
  }
  Counter(cell).add();
}

void ClusterStats::countRetried(uint16_t status) const {
  const StatScope scope = scope_.scope("retry");
  const std::string code = std::to_string(status);
  const std::string digit = std::to_string(status / 100);
  scope.counter("upstream_rq_completed").add();
  scope.counter("upstream_rq_" + digit + "xx", "upstream_rq_xx", "envoy_response_code_class", digit)
      .add();
  scope.counter("upstream_rq_" + code, "upstream_rq", "envoy_response_code", code).add();
}

}  // namespace weir::cluster
