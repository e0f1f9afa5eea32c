// What the tests of TLS share: contexts written as JSON, and two sessions that shake hands without
// a socket.
#pragma once

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "source/telemetry/stat_store.h"
#include "source/transport/tls/certificates_fixture.h"
#include "source/transport/tls/tls_plan.h"
#include "source/transport/tls/tls_session.h"

namespace weir::transport {

inline std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '\n' ? std::string("\\n") : std::string(1, c);
  return out + '"';
}

inline std::string source(const std::string& text) {
  return R"({"inline_string": )" + quoted(text) + "}";
}

// One element of tls_certificates.
inline std::string shown(const Pair& pair) {
  return R"({"certificate_chain": )" + source(pair.pem()) + R"(, "private_key": )" +
         source(pair.keyPem()) + "}";
}

inline std::string trust(const Pair& authority, const std::string& more = "") {
  return R"("validation_context": {"trusted_ca": )" + source(authority.pem()) + more + "}";
}

// `common`: the fields of common_tls_context; `more`: those beside it.
template <typename Proto>
Proto context(const std::string& common, const std::string& more = "") {
  Proto proto;
  const std::string json = R"({"common_tls_context": {)" + common + "}" + more + "}";
  const auto status = google::protobuf::util::JsonStringToMessage(json, &proto);
  EXPECT_TRUE(status.ok()) << status.ToString() << json;
  return proto;
}

struct Planner {
  StatStore stats;
  Report report;
  std::shared_ptr<Secrets> secrets = std::make_shared<Secrets>();

  std::shared_ptr<TlsServer> server(const std::string& common, const std::string& more = "") {
    return TlsServer::plan(context<DownstreamTlsProto>(common, more),
                           {secrets, StatScope(stats).scope("s"), "listener 's'"}, Where(report));
  }
  std::shared_ptr<TlsClient> client(const std::string& common, const std::string& more = "") {
    return TlsClient::plan(context<UpstreamTlsProto>(common, more),
                           {secrets, StatScope(stats).scope("c"), "cluster 'c'"}, Where(report));
  }
  uint64_t count(const std::string& name) const { return stats.value(name).value_or(0); }
};

// Both sides of a connection.
struct Talk {
  Talk(std::unique_ptr<TlsSession> the_client, std::unique_ptr<TlsSession> the_server)
      : client(std::move(the_client)), server(std::move(the_server)) {
    // Each side's bytes go to the other until nobody has more to say.
    client->shakeHands(to_server);
    for (int i = 0; i < 20 && !(to_server.empty() && to_client.empty()); ++i) {
      deliver(*server, to_server, server_got, to_client);
      deliver(*client, to_client, client_got, to_server);
    }
  }

  static void deliver(TlsSession& session, std::string& from, std::string& got, std::string& out) {
    const std::string bytes = std::exchange(from, {});
    session.take(bytes.data(), bytes.size());
    if (!session.shakeHands(out)) return;
    char room[4096];
    while (const size_t n = session.read(room, sizeof room, out)) got.append(room, n);
  }

  void fromClient(const std::string& text) {
    const iovec piece{const_cast<char*>(text.data()), text.size()};
    client->write({&piece, 1}, to_server);
    deliver(*server, to_server, server_got, to_client);
  }
  void fromServer(const std::string& text) {
    const iovec piece{const_cast<char*>(text.data()), text.size()};
    server->write({&piece, 1}, to_client);
    deliver(*client, to_client, client_got, to_server);
  }

  bool open() const {
    return client->state() == TlsSession::State::Open && server->state() == TlsSession::State::Open;
  }

  std::unique_ptr<TlsSession> client, server;
  std::string to_server, to_client, server_got, client_got;
};

}  // namespace weir::transport
