// The listener filters that only look: tls_inspector, http_inspector, original_dst. Nothing is
// consumed.
#pragma once

#include <cstddef>

#include "source/codec/opening/client_hello.h"
#include "source/listener/listener_filter.h"
#include "weir/stats.h"

namespace weir::listener {

// Notes server name, ALPN and "tls" of a ClientHello; of anything else nothing. A ClientHello of
// more than `max_size` bytes closes the connection, as in Envoy.
class TlsInspectorPlan final : public ListenerFilterPlan {
 public:
  // `stats` is "tls_inspector".
  TlsInspectorPlan(const StatScope& stats, size_t max_size, bool close_on_error);
  std::unique_ptr<ListenerFilter> start() const override;

 private:
  class Inspector;
  const size_t max_size_;
  const bool close_on_error_;
  Counter too_large_, tls_found_, tls_not_found_, alpn_found_, alpn_not_found_, sni_found_,
      sni_not_found_;
  Histogram bytes_processed_;
};

// Notes the HTTP version of plain text as the application protocol: "h2c", "http/1.1", "http/1.0".
class HttpInspectorPlan final : public ListenerFilterPlan {
 public:
  explicit HttpInspectorPlan(const StatScope& stats);  // "http_inspector"
  std::unique_ptr<ListenerFilter> start() const override;

 private:
  class Inspector;
  Counter http10_found_, http11_found_, http2_found_, http_not_found_;
};

// Of a connection that iptables redirected: the address it was going to becomes the local one.
class OriginalDstPlan final : public ListenerFilterPlan {
 public:
  std::unique_ptr<ListenerFilter> start() const override;
};

}  // namespace weir::listener
