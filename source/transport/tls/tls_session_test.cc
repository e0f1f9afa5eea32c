#include "source/transport/tls/tls_session.h"

#include <array>

#include "source/transport/tls/tls_test_pair.h"

namespace weir::transport {
namespace {

class TlsSessionTest : public testing::Test {
 protected:
  // A server for *.example.com and a client that trusts its authority.
  void make(const std::string& server_common = "", const std::string& server_more = "",
            const std::string& client_common = "", const std::string& client_more = "") {
    server_ = planner_.server(R"("tls_certificates": [)" + shown(leaf_) + "]" + server_common,
                              server_more);
    client_ = planner_.client(trust(authority_) + client_common,
                              R"(, "sni": "www.example.com")" + client_more);
    ASSERT_NE(server_, nullptr) << planner_.report.text();
    ASSERT_NE(client_, nullptr) << planner_.report.text();
  }
  Talk talk() { return Talk(client_->connect({}), server_->accept()); }

  Planner planner_;
  const Pair authority_ = makePair({.common_name = "ca", .authority = true});
  const Pair leaf_ = makePair({.common_name = "leaf", .names = "DNS:*.example.com"}, &authority_);
  std::shared_ptr<TlsServer> server_;
  std::shared_ptr<TlsClient> client_;
};

TEST_F(TlsSessionTest, PlainTextArrivesOnTheOtherSide) {
  make();
  Talk talk = this->talk();
  ASSERT_TRUE(talk.open()) << talk.client->problem() << talk.server->problem();
  talk.fromClient("question");
  talk.fromServer("answer");
  EXPECT_EQ(talk.server_got, "question");
  EXPECT_EQ(talk.client_got, "answer");
  EXPECT_EQ(planner_.count("s.ssl.handshake"), 1u);
  EXPECT_EQ(planner_.count("s.ssl.versions.TLSv1.3"), 1u);
  EXPECT_EQ(planner_.count("c.ssl.ciphers.TLS_AES_128_GCM_SHA256"), 1u);
  EXPECT_EQ(planner_.count("s.ssl.no_certificate"), 1u);
}

// However the pieces are cut, the text is the same and records are full.
TEST_F(TlsSessionTest, PiecesShareRecords) {
  make();
  Talk talk = this->talk();
  ASSERT_TRUE(talk.open());
  std::string text;
  for (int i = 0; i < 60000; ++i) text += static_cast<char>('a' + i % 23);
  for (const size_t cut : {size_t{1000}, size_t{7}, size_t{20000}, size_t{16384}, text.size()}) {
    std::vector<iovec> pieces;
    for (size_t at = 0; at < text.size(); at += cut) {
      pieces.push_back({text.data() + at, std::min(cut, text.size() - at)});
    }
    talk.server_got.clear();
    talk.client->write(pieces, talk.to_server);
    EXPECT_LE(talk.to_server.size(), text.size() + 6 * 22) << cut;  // at most six records
    Talk::deliver(*talk.server, talk.to_server, talk.server_got, talk.to_client);
    EXPECT_EQ(talk.server_got, text) << cut;
  }
}

TEST_F(TlsSessionTest, BytesMayArriveOneByOne) {
  make();
  auto client = client_->connect({});
  auto server = server_->accept();
  std::string to_server, to_client, got;
  client->shakeHands(to_server);
  char room[64];
  for (int round = 0; round < 6; ++round) {
    for (const char byte : std::exchange(to_server, {})) {
      server->take(&byte, 1);
      if (server->shakeHands(to_client)) server->read(room, sizeof room, to_client);
    }
    for (const char byte : std::exchange(to_client, {})) {
      client->take(&byte, 1);
      if (client->shakeHands(to_server)) client->read(room, sizeof room, to_server);
    }
  }
  EXPECT_EQ(client->state(), TlsSession::State::Open);
  EXPECT_EQ(server->state(), TlsSession::State::Open);
}

TEST_F(TlsSessionTest, CloseNotifyIsTheEnd) {
  make();
  Talk talk = this->talk();
  talk.client->end(talk.to_server);
  Talk::deliver(*talk.server, talk.to_server, talk.server_got, talk.to_client);
  EXPECT_EQ(talk.server->state(), TlsSession::State::Ended);
  talk.fromServer("still open the other way");  // RFC 8446 §6.1
  EXPECT_EQ(talk.client_got, "still open the other way");
}

TEST_F(TlsSessionTest, AChangedByteEndsTheSession) {
  make();
  Talk talk = this->talk();
  const std::string text = "text";
  const iovec piece{const_cast<char*>(text.data()), text.size()};
  talk.client->write({&piece, 1}, talk.to_server);
  talk.to_server[8] ^= 1;
  Talk::deliver(*talk.server, talk.to_server, talk.server_got, talk.to_client);
  EXPECT_EQ(talk.server->state(), TlsSession::State::Failed);
  EXPECT_EQ(talk.server_got, "");
  EXPECT_NE(talk.to_client, "") << "an alert is to be sent";
}

// RFC 8446 §4.6.3: KeyUpdate costs the receiver more than the sender.
TEST_F(TlsSessionTest, KeyUpdatesWithoutDataAreLimited) {
  make();
  Talk talk = this->talk();
  int sent = 0;
  while (talk.server->state() == TlsSession::State::Open && sent < 100'000) {
    SSL_key_update(talk.client->ssl(), SSL_KEY_UPDATE_NOT_REQUESTED);
    talk.client->shakeHands(talk.to_server);
    SSL_do_handshake(talk.client->ssl());
    Talk::deliver(*talk.server, talk.to_server, talk.server_got, talk.to_client);
    ++sent;
  }
  EXPECT_EQ(talk.server->problem(), "TLS_error: too many messages without data");
  EXPECT_LT(sent, 3000);
}

// 30 bytes of overhead for one of data are no attack.
TEST_F(TlsSessionTest, SmallRecordsAreNotLimited) {
  make();
  Talk talk = this->talk();
  for (int i = 0; i < 5000; ++i) talk.fromClient("x");
  EXPECT_EQ(talk.server_got.size(), 5000u);
}

TEST_F(TlsSessionTest, RenegotiationIsRefused) {
  const std::string tls12 = R"(, "tls_params": {"tls_maximum_protocol_version": "TLSv1_2"})";
  make(tls12);
  Talk talk = this->talk();
  ASSERT_TRUE(talk.open());
  EXPECT_STREQ(SSL_get_version(talk.server->ssl()), "TLSv1.2");
  SSL_clear_options(talk.client->ssl(), SSL_OP_NO_RENEGOTIATION);
  SSL_renegotiate(talk.client->ssl());
  EXPECT_EQ(SSL_renegotiate_pending(talk.client->ssl()), 1);
  talk.fromClient("x");
  EXPECT_EQ(planner_.count("s.ssl.handshake"), 1u);
}

TEST_F(TlsSessionTest, AlpnFollowsTheServersOrder) {
  make(R"(, "alpn_protocols": ["h2", "http/1.1"])", "",
       R"(, "alpn_protocols": ["http/1.1", "h2"])");
  const Talk talk = this->talk();
  EXPECT_EQ(talk.server->alpn(), "h2");
  EXPECT_EQ(talk.client->alpn(), "h2");
  EXPECT_EQ(talk.server->facts()->alpn, "h2");
}

TEST_F(TlsSessionTest, NoCommonAlpnIsNoReasonToFail) {
  make(R"(, "alpn_protocols": ["h2"])", "", R"(, "alpn_protocols": ["imap"])");
  const Talk talk = this->talk();
  EXPECT_TRUE(talk.open());
  EXPECT_EQ(talk.server->alpn(), "");
}

TEST_F(TlsSessionTest, FactsTellBothSides) {
  make();
  const Talk talk = this->talk();
  const auto at_server = talk.server->facts();
  EXPECT_EQ(at_server->version, "TLSv1.3");
  EXPECT_EQ(at_server->server_name, "www.example.com");
  EXPECT_EQ(at_server->local->subject, "CN=leaf");
  EXPECT_FALSE(at_server->hasPeer());
  const auto at_client = talk.client->facts();
  ASSERT_TRUE(at_client->hasPeer());
  EXPECT_EQ(at_client->peer[0].issuer, "CN=ca");
  EXPECT_EQ(at_client->peer[0].dns, std::vector<std::string>{"*.example.com"});
  EXPECT_TRUE(at_client->peer_validated);
  EXPECT_EQ(at_client->peer[0].fingerprint_256.size(), 64u);
}

TEST_F(TlsSessionTest, SessionsAreResumed) {
  for (const char* version : {"TLSv1_2", "TLSv1_3"}) {
    make(R"(, "tls_params": {"tls_maximum_protocol_version": ")" + std::string(version) + "\"}");
    const uint64_t before = planner_.count("s.ssl.session_reused");
    EXPECT_TRUE(talk().open());
    EXPECT_TRUE(talk().open());
    EXPECT_EQ(planner_.count("s.ssl.session_reused"), before + 1) << version;
  }
}

TEST_F(TlsSessionTest, SessionsAreNotResumedWhereTheyAreNotKept) {
  make("", "", "", R"(, "max_session_keys": 0)");
  talk();
  EXPECT_TRUE(talk().open());
  make("", R"(, "disable_stateless_session_resumption": true,
                "disable_stateful_session_resumption": true)");
  talk();
  EXPECT_TRUE(talk().open());
  EXPECT_EQ(planner_.count("s.ssl.session_reused"), 0u);
}

TEST_F(TlsSessionTest, TicketsOfOneServerServeAnotherWithTheSameKeys) {
  const std::string key(80, 'k');
  const std::string keys = R"(, "session_ticket_keys": {"keys": [)" + source(key) + "]}";
  make("", keys);
  talk();
  const auto former = server_;
  server_ = planner_.server(R"("tls_certificates": [)" + shown(leaf_) + "]", keys);
  EXPECT_TRUE(talk().open());
  EXPECT_EQ(planner_.count("s.ssl.session_reused"), 1u);
}

TEST_F(TlsSessionTest, RequireSniRefusesWhoSaysNothing) {
  make("", R"(, "require_sni": true)");
  EXPECT_TRUE(talk().open());
  client_ = planner_.client(trust(authority_));
  const Talk talk = this->talk();
  EXPECT_EQ(talk.server->state(), TlsSession::State::Failed);
  EXPECT_EQ(talk.client->problem(), "TLS_error: tlsv1 unrecognized name");
}

}  // namespace
}  // namespace weir::transport
