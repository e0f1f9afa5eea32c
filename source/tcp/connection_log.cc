#include "source/tcp/connection_log.h"

#include "source/transport/connection_facts.h"

namespace weir::tcp {

ConnectionLine::ConnectionLine(const transport::Accepted& accepted,
                               const transport::Connection& connection, LogMoment moment,
                               SteadyTime now)
    : peers_(accepted.remote, accepted.local),
      direct_(accepted.facts == nullptr ? accepted.remote : accepted.facts->direct_remote,
              accepted.local) {
  info.moment = moment;
  info.start = accepted.at;
  info.end = now;
  info.start_wall = std::chrono::system_clock::now() -
                    std::chrono::duration_cast<WallTime::duration>(info.end - info.start);
  info.connection_id = info.stream_id = accepted.id;
  info.remote = peers_.remote();
  info.local = peers_.local();
  info.direct_remote = direct_.remote();
  info.tls = connection.tls().get();
  if (info.tls != nullptr) info.requested_server_name = info.tls->server_name;
  if (accepted.facts == nullptr) return;
  if (!accepted.facts->server_name.empty()) {
    info.requested_server_name = accepted.facts->server_name;
  }
  info.dynamic_metadata = &accepted.facts->metadata;
}

void logRefusal(const TcpProxyPlan& plan, const transport::Accepted& accepted,
                const transport::Connection& connection, std::string_view details, SteadyTime now) {
  if (plan.access_logs.empty()) return;
  ConnectionLine line(accepted, connection, LogMoment::TcpConnectionEnd, now);
  line.info.termination_details = details;
  plan.access_logs.log(line.info);
}

}  // namespace weir::tcp
