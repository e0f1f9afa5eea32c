// Requests that ask to go on in another protocol: who may, and the moment when the exchange makes
// way for its tunnel.
#include "source/stream/exchange.h"
#include "source/stream/tunnel.h"

namespace weir::stream {

// The filters of the request. As in Envoy, one that may not be upgraded passes the usual ones.
const Chains& Exchange::admitTunnel() {
  const std::string_view type = upgradeType(*request_);
  if (!plan_->upgrades.allows(type, route_)) {
    if (route_ == nullptr) return plan_->chains;  // there is nothing to ask for
    ask_.state = TunnelAsk::Refused;
    plan_->stats.rq_ws_on_non_ws_route.add();
    return plan_->chains;
  }
  ask_.state = TunnelAsk::Admitted;
  plan_->stats.cx_upgrades_total.add();
  plan_->stats.cx_upgrades_active.add();
  const Chains* own = plan_->upgrades.chainsOf(type);
  return own != nullptr ? *own : plan_->chains;
}

// The head stands ready to be written. What is kept of the exchange is for who asks at the end.
void Exchange::openTunnel() {
  const bool keeps = !plan_->access_logs.empty() || chain_->wantsDone();
  Tunnel::Limits limits{.idle = idle_timeout_};
  if (max_duration_.count() != 0) limits.until = info_.start + max_duration_;
  response_written_ = finished_ = true;
  request_lane_.cancel();
  response_lane_.cancel();
  timer_.disarm();
  server_.sendHead(*response_, false);
  info_.end = services_.loop.now();
  countEnd();
  auto* tunnel =
      new Tunnel(services_, plan_, owner_, server_, forward_, limits, keeps ? this : nullptr);
  owner_.onTunnelOpened(*tunnel);
  tunnel->start(ask_.upstream_ended);
  if (!keeps) services_.loop.destroyLater(this);
}

void Exchange::onTunnelEnd(const TunnelEnd& end) {
  info_.details = end.details;
  if (end.flag) info_.flags.set(*end.flag);
  info_.end = info_.last_downstream_tx = services_.loop.now();
  tellFilters();
  if (!plan_->access_logs.empty()) plan_->access_logs.log(info_);
  services_.loop.destroyLater(this);
}

}  // namespace weir::stream
