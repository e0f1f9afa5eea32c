// The statistics of one listener, under Envoy's names ("listener.<address>.downstream_cx_total").
#pragma once

#include "weir/stats.h"

namespace weir::listener {

struct ListenerStats {
  explicit ListenerStats(const StatScope& scope)
      : cx_total(scope.counter("downstream_cx_total")),
        cx_destroy(scope.counter("downstream_cx_destroy")),
        cx_overflow(scope.counter("downstream_cx_overflow")),
        global_cx_overflow(scope.counter("downstream_global_cx_overflow")),
        overload_reject(scope.counter("downstream_cx_overload_reject")),
        accept_failure(scope.counter("downstream_socket_accept_failure")),
        pre_cx_timeout(scope.counter("downstream_pre_cx_timeout")),
        filter_remote_close(scope.counter("downstream_listener_filter_remote_close")),
        filter_error(scope.counter("downstream_listener_filter_error")),
        transport_timeout(scope.counter("downstream_cx_transport_socket_connect_timeout")),
        no_filter_chain_match(scope.counter("no_filter_chain_match")),
        cx_active(scope.gauge("downstream_cx_active")),
        pre_cx_active(scope.gauge("downstream_pre_cx_active")) {}
  Counter cx_total, cx_destroy, cx_overflow, global_cx_overflow, overload_reject, accept_failure,
      pre_cx_timeout, filter_remote_close, filter_error, transport_timeout, no_filter_chain_match;
  Gauge cx_active, pre_cx_active;
};

}  // namespace weir::listener
