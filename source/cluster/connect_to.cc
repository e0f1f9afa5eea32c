#include "source/cluster/connect_to.h"

#include "source/transport/tls/tls_plan.h"
#include "source/transport/tls/tls_session.h"

namespace weir::cluster {

bool connectTo(transport::Connection& connection, const ClusterSettings& settings,
               const Endpoint& endpoint, std::string_view alpn) {
  if (settings.tls != nullptr) {
    auto session = settings.tls->connect(endpoint.hostname);
    session->offerProtocols(alpn);
    connection.secure(std::move(session));
  }
  return connection.connect(endpoint.connectAddress());
}

}  // namespace weir::cluster
