#include "source/cluster/connect_to.h"

#include <cerrno>

#include "source/transport/tls/tls_plan.h"
#include "source/transport/tls/tls_session.h"

namespace weir::cluster {

bool connectTo(transport::Connection& connection, const ClusterSettings& settings,
               const Endpoint& endpoint, const TlsWish& wish) {
  if (settings.names && settings.names->verified && wish.server_name.empty()) {
    errno = EDESTADDRREQ;
    return false;
  }
  if (settings.tls != nullptr) {
    transport::TlsClient::Names names{endpoint.hostname, {}, {}};
    if (settings.names && settings.names->asked) names.requested = wish.server_name;
    if (settings.names && settings.names->verified) names.verified = wish.server_name;
    auto session = settings.tls->connect(names);
    if (session == nullptr) {
      errno = EKEYREJECTED;
      return false;
    }
    session->offerProtocols(wish.alpn);
    connection.secure(std::move(session));
  }
  return connection.connect(endpoint.connectAddress());
}

}  // namespace weir::cluster
