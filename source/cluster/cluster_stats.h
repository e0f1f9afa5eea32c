// The statistics of one cluster, under Envoy's names ("cluster.<name>.upstream_rq_total").
#pragma once

#include <array>
#include <cstdint>

#include "source/http2/stats.h"
#include "source/transport/connection.h"
#include "weir/stats.h"

namespace weir::cluster {

// upstream_rq_200, upstream_rq_2xx: made when first seen would need a lock on the data path, so the
// classes are made at once and single codes on their first use through a small table.
class ClusterStats {
 public:
  explicit ClusterStats(const StatScope& scope, bool speaks_http2 = false);

  Counter cx_total, cx_http1_total, cx_http2_total, cx_close_notify, cx_connect_fail,
      cx_connect_timeout, cx_idle_timeout, cx_overflow, cx_destroy, cx_destroy_local,
      cx_destroy_remote, cx_destroy_with_active_rq, cx_destroy_local_with_active_rq,
      cx_destroy_remote_with_active_rq, cx_max_requests, cx_none_healthy, cx_protocol_error;
  Gauge cx_active;
  transport::ByteCounters bytes;
  http2::Stats http2;  // counts nothing where HTTP/2 is not spoken
  Counter rq_total, rq_completed, rq_cancelled, rq_timeout, rq_per_try_timeout,
      rq_per_try_idle_timeout, rq_rx_reset, rq_tx_reset, rq_retry, rq_retry_success,
      rq_retry_overflow, rq_retry_limit_exceeded, rq_retry_backoff_exponential,
      rq_retry_backoff_ratelimited, retry_or_shadow_abandoned, rq_pending_total,
      rq_pending_overflow, rq_pending_failure_eject, lb_healthy_panic;
  Gauge rq_active, rq_pending_active;
  Histogram cx_connect_ms, cx_length_ms, rq_time;

  // Counts the status in upstream_rq_<code>, upstream_rq_<n>xx.
  void countStatus(uint16_t status) const;
  // The same below "retry.": an answer that another attempt takes the place of. Looks names up.
  void countRetried(uint16_t status) const;

 private:
  StatScope scope_;
  std::array<Counter, 6> classes_;
  // Cell of upstream_rq_<code>, 0 until its first use. Any worker makes it, once or twice the same.
  mutable std::array<std::atomic<uint32_t>, 500> codes_{};
};

}  // namespace weir::cluster
