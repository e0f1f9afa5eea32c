// The statistics of one HttpConnectionManager ("http.<stat_prefix>.…"), shared by all workers.
#pragma once

#include <array>

#include "source/transport/connection.h"
#include "weir/stats.h"

namespace weir::stream {

struct HcmStats {
  explicit HcmStats(const StatScope& scope);

  Counter cx_total, cx_http1_total, cx_http2_total, cx_destroy, cx_destroy_active_rq,
      cx_destroy_local, cx_destroy_remote, cx_idle_timeout, cx_protocol_error, cx_drain_close,
      cx_delayed_close_timeout, cx_max_duration_reached, cx_max_requests_reached, cx_upgrades_total,
      cx_overload_disable_keepalive;
  Gauge cx_active, cx_http1_active, cx_http2_active, cx_upgrades_active;
  transport::ByteCounters bytes;
  Histogram cx_length_ms;

  Counter rq_total, rq_http1_total, rq_http2_total, rq_completed, rq_rx_reset, rq_tx_reset,
      rq_too_large, rq_timeout, rq_header_timeout, rq_idle_timeout, rq_max_duration_reached,
      rq_failed_path_normalization, rq_redirected_with_normalized_path, response_before_rq_complete,
      rq_ws_on_non_ws_route, rq_overload_close;
  Gauge rq_active;
  Histogram rq_time;

  Counter routed, no_route, no_cluster, rq_direct_response, rq_redirect;

  void countStatus(uint16_t status) const {
    rq_completed.add();
    if (status >= 100 && status < 600) classes_[status / 100].add();
  }

 private:
  std::array<Counter, 6> classes_;  // downstream_rq_1xx … 5xx
};

}  // namespace weir::stream
