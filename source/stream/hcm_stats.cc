#include "source/stream/hcm_stats.h"

#include <string>

namespace weir::stream {

HcmStats::HcmStats(const StatScope& s)
    : cx_total(s.counter("downstream_cx_total")),
      cx_http1_total(s.counter("downstream_cx_http1_total")),
      cx_http2_total(s.counter("downstream_cx_http2_total")),
      cx_destroy(s.counter("downstream_cx_destroy")),
      cx_destroy_active_rq(s.counter("downstream_cx_destroy_active_rq")),
      cx_destroy_local(s.counter("downstream_cx_destroy_local")),
      cx_destroy_remote(s.counter("downstream_cx_destroy_remote")),
      cx_idle_timeout(s.counter("downstream_cx_idle_timeout")),
      cx_protocol_error(s.counter("downstream_cx_protocol_error")),
      cx_drain_close(s.counter("downstream_cx_drain_close")),
      cx_delayed_close_timeout(s.counter("downstream_cx_delayed_close_timeout")),
      cx_max_duration_reached(s.counter("downstream_cx_max_duration_reached")),
      cx_max_requests_reached(s.counter("downstream_cx_max_requests_reached")),
      cx_upgrades_total(s.counter("downstream_cx_upgrades_total")),
      cx_overload_disable_keepalive(s.counter("downstream_cx_overload_disable_keepalive")),
      cx_active(s.gauge("downstream_cx_active")),
      cx_http1_active(s.gauge("downstream_cx_http1_active")),
      cx_http2_active(s.gauge("downstream_cx_http2_active")),
      cx_upgrades_active(s.gauge("downstream_cx_upgrades_active")),
      bytes{s.counter("downstream_cx_rx_bytes_total"), s.counter("downstream_cx_tx_bytes_total")},
      cx_length_ms(s.histogram("downstream_cx_length_ms", Histogram::Unit::Microseconds)),
      rq_total(s.counter("downstream_rq_total")),
      rq_http1_total(s.counter("downstream_rq_http1_total")),
      rq_http2_total(s.counter("downstream_rq_http2_total")),
      rq_completed(s.counter("downstream_rq_completed")),
      rq_rx_reset(s.counter("downstream_rq_rx_reset")),
      rq_tx_reset(s.counter("downstream_rq_tx_reset")),
      rq_too_large(s.counter("downstream_rq_too_large")),
      rq_timeout(s.counter("downstream_rq_timeout")),
      rq_header_timeout(s.counter("downstream_rq_header_timeout")),
      rq_idle_timeout(s.counter("downstream_rq_idle_timeout")),
      rq_max_duration_reached(s.counter("downstream_rq_max_duration_reached")),
      rq_failed_path_normalization(s.counter("downstream_rq_failed_path_normalization")),
      rq_redirected_with_normalized_path(
          s.counter("downstream_rq_redirected_with_normalized_path")),
      response_before_rq_complete(s.counter("downstream_rq_response_before_rq_complete")),
      rq_ws_on_non_ws_route(s.counter("downstream_rq_ws_on_non_ws_route")),
      rq_overload_close(s.counter("downstream_rq_overload_close")),
      rq_active(s.gauge("downstream_rq_active")),
      rq_time(s.histogram("downstream_rq_time", Histogram::Unit::Microseconds)),
      routed(s.counter("rq_total")),
      no_route(s.counter("no_route")),
      no_cluster(s.counter("no_cluster")),
      rq_direct_response(s.counter("rq_direct_response")),
      rq_redirect(s.counter("rq_redirect")) {
  for (size_t i = 1; i < classes_.size(); ++i) {
    const std::string digit = std::to_string(i);
    classes_[i] = s.counter("downstream_rq_" + digit + "xx", "downstream_rq_xx",
                            "envoy_response_code_class", digit);
  }
}

}  // namespace weir::stream
