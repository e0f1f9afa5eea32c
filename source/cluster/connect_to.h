// connectTo() is the one place where a connection to an endpoint begins: TLS is put below it when
// the cluster's settings have it. Worker thread only.
#pragma once

#include <string_view>

#include "source/cluster/cluster_settings.h"
#include "source/cluster/endpoint.h"
#include "source/transport/connection.h"

namespace weir::cluster {

// Of a cluster with TLS.
struct TlsWish {
  std::string_view alpn;         // where its configuration says nothing of it, in wire form
  std::string_view server_name;  // of RequestNames
};

// False: failed at once, with errno; EDESTADDRREQ: the settings want the certificate to be for the
// name in the wish, and there is none (to go on without would let clients choose to be unverified);
// EKEYREJECTED: a secret of its TLS is still to come.
bool connectTo(transport::Connection& connection, const ClusterSettings& settings,
               const Endpoint& endpoint, const TlsWish& wish = {});

}  // namespace weir::cluster
