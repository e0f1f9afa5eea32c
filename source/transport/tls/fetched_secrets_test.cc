// TLS whose secrets are fetched: what it is before they come, and what becomes of bad ones.
#include "source/transport/tls/tls_test_pair.h"

namespace weir::transport {
namespace {

constexpr std::string_view kAds = R"("sds_config": {"ads": {}})";

std::string named(std::string_view name) {
  return R"({"name": ")" + std::string(name) + "\", " + std::string(kAds) + "}";
}

class FetchedSecretsTest : public testing::Test {
 protected:
  FetchedSecretsTest() {
    planner_.secrets = std::make_shared<Secrets>([this](const auto&, const Where&) { ++checked_; });
  }

  static SecretReference reference(const std::string& name) {
    SecretReference made;
    made.set_name(name);
    made.mutable_sds_config()->mutable_ads();
    return made;
  }
  static Secret secret(const std::string& name, const std::string& json) {
    Secret made;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &made).ok()) << json;
    made.set_name(name);
    return made;
  }
  static Secret pairOf(const std::string& name, const Pair& pair) {
    return secret(name, R"({"tls_certificate": )" + shown(pair) + "}");
  }
  static Secret trusted(const std::string& name, const Pair& authority) {
    return secret(name, "{" + trust(authority) + "}");
  }
  // How it ended.
  std::string give(ReloadableTls& tls, const std::string& name, Secret secret) {
    Report report;
    former_ = tls.give(reference(name), std::move(secret), report);
    return report.ok() ? "" : report.sorted().front().path;
  }
  std::string subjectOf(const TlsServer& server) {
    const Talk talk(planner_.client("")->connect({}), server.accept());
    return talk.open() ? talk.client->facts()->peer.at(0).subject : "closed";
  }

  Planner planner_;
  int checked_ = 0;
  std::shared_ptr<const void> former_;
  const Pair authority_ = makePair({.common_name = "ca", .authority = true});
  const Pair leaf_ = makePair({.common_name = "leaf", .names = "DNS:a.example.com"}, &authority_);
  const Pair next_ = makePair({.common_name = "next"}, &authority_);
};

TEST_F(FetchedSecretsTest, AServerWaitsForAllOfItsSecrets) {
  const auto server =
      planner_.server(R"("tls_certificate_sds_secret_configs": [)" + named("pair") +
                      R"(], "validation_context_sds_secret_config": )" + named("trust"));
  ASSERT_NE(server, nullptr) << planner_.report.text();
  EXPECT_EQ(checked_, 2);
  EXPECT_EQ(server->fetched().all().size(), 2u);
  EXPECT_EQ(server->current(), nullptr);
  EXPECT_EQ(server->accept(), nullptr);
  EXPECT_EQ(planner_.count("s.server_ssl_socket_factory.downstream_context_secrets_not_ready"), 1u);
  EXPECT_EQ(give(*server, "pair", pairOf("pair", leaf_)), "");
  EXPECT_EQ(server->current(), nullptr) << "whom to trust is not known yet";
  EXPECT_EQ(give(*server, "trust", trusted("trust", authority_)), "");
  EXPECT_EQ(former_, nullptr);
  EXPECT_EQ(subjectOf(*server), "CN=leaf");
  const TlsContext* before = server->current();
  EXPECT_EQ(give(*server, "pair", pairOf("pair", next_)), "");
  EXPECT_EQ(former_.get(), before);
  EXPECT_EQ(subjectOf(*server), "CN=next");
  EXPECT_EQ(planner_.count("s.server_ssl_socket_factory.ssl_context_update_by_sds"), 3u);
  EXPECT_EQ(checked_, 2);
}

TEST_F(FetchedSecretsTest, ABadSecretChangesNothing) {
  const auto server =
      planner_.server(R"("tls_certificate_sds_secret_configs": [)" + named("pair") + "]");
  const std::string at = "common_tls_context.tls_certificate_sds_secret_configs[0]";
  EXPECT_EQ(give(*server, "pair", trusted("pair", authority_)), at + ".name");
  EXPECT_EQ(server->current(), nullptr);
  Secret torn = pairOf("pair", leaf_);
  *torn.mutable_tls_certificate()->mutable_private_key() =
      pairOf("", next_).tls_certificate().private_key();
  EXPECT_EQ(give(*server, "pair", torn), at + ".private_key");
  EXPECT_EQ(server->current(), nullptr);
  EXPECT_EQ(give(*server, "pair", pairOf("pair", leaf_)), "");
  EXPECT_EQ(give(*server, "pair", torn), at + ".private_key");
  EXPECT_EQ(subjectOf(*server), "CN=leaf");
  Report report;
  server->reload(report);
  EXPECT_TRUE(report.ok()) << "the bad one was forgotten: " << report.text();
}

// Nobody is let in, and no origin believed, while it is not known whom to trust.
TEST_F(FetchedSecretsTest, TrustIsNeverAssumed) {
  const auto client = planner_.client(
      R"("combined_validation_context": {"default_validation_context": {},
          "validation_context_sds_secret_config": )" +
          named("trust") + "}",
      R"(, "sni": "a.example.com", "auto_sni_san_validation": true)");
  ASSERT_NE(client, nullptr) << planner_.report.text();
  EXPECT_TRUE(client->verifyNames());
  EXPECT_EQ(client->connect({}), nullptr);
  EXPECT_EQ(planner_.count("c.client_ssl_socket_factory.upstream_context_secrets_not_ready"), 1u);
  EXPECT_NE(give(*client, "trust", secret("trust", R"({"validation_context": {}})")), "");
  EXPECT_EQ(client->connect({}), nullptr) << "a secret without authorities trusts anybody";
  EXPECT_EQ(give(*client, "trust", trusted("trust", authority_)), "");
  const auto server = planner_.server(R"("tls_certificates": [)" + shown(leaf_) + "]");
  EXPECT_TRUE(Talk(client->connect({}), server->accept()).open());
  const auto other = planner_.server(R"("tls_certificates": [)" + shown(next_) + "]");
  EXPECT_FALSE(Talk(client->connect({}), other->accept()).open()) << "it is for another name";
}

TEST_F(FetchedSecretsTest, TicketKeysMayBeFetched) {
  const auto server =
      planner_.server(R"("tls_certificates": [)" + shown(leaf_) + "]",
                      R"(, "session_ticket_keys_sds_secret_config": )" + named("keys"));
  ASSERT_NE(server, nullptr) << planner_.report.text();
  EXPECT_EQ(server->current(), nullptr);
  EXPECT_NE(give(*server, "keys",
                 secret("keys", R"({"session_ticket_keys": {"keys": [{"inline_string": "x"}]}})")),
            "");
  const std::string key(80, 'k');
  EXPECT_EQ(give(*server, "keys",
                 secret("keys", R"({"session_ticket_keys": {"keys": [)" + source(key) + "]}}")),
            "");
  EXPECT_EQ(subjectOf(*server), "CN=leaf");
}

TEST_F(FetchedSecretsTest, AReferenceWithoutANameIsRefused) {
  EXPECT_EQ(planner_.server(R"("tls_certificate_sds_secret_configs": [)" + named("") + "]"),
            nullptr);
  EXPECT_EQ(planner_.report.sorted().front().path,
            "common_tls_context.tls_certificate_sds_secret_configs[0].name");
}

}  // namespace
}  // namespace weir::transport
