#include "source/transport/tls/tls_plan.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "source/transport/tls/tls_test_pair.h"

namespace weir::transport {
namespace {

class TlsPlanTest : public testing::Test {
 protected:
  std::string certificates() const { return R"("tls_certificates": [)" + shown(leaf_) + "]"; }

  Planner planner_;
  const Pair authority_ = makePair({.common_name = "ca", .authority = true});
  const Pair leaf_ = makePair({.common_name = "leaf", .names = "DNS:a.example.com"}, &authority_);
};

// What a server refuses: fields of common_tls_context, those beside it, and where the error stands.
TEST_F(TlsPlanTest, ServersRefuseWhatTheyDoNotHonour) {
  const std::string certificates = this->certificates() + ", ";
  const std::string key_log = R"("key_log": {"path": "/x"})";
  const struct {
    std::string common, more, path;
  } kRows[] = {
      {"", "", "common_tls_context.tls_certificates"},
      {certificates + key_log, "", "common_tls_context.key_log"},
      {certificates + R"("custom_handshaker": {})", "", "common_tls_context.custom_handshaker"},
      {certificates + R"("tls_certificate_provider_instance": {})", "",
       "common_tls_context.tls_certificate_provider_instance"},
      {certificates +
           R"("tls_params": {"cipher_suites": ["ECDHE-RSA-AES128-GCM-SHA256", "NONE-1"]})",
       "", "common_tls_context.tls_params.cipher_suites[1]"},
      {certificates + R"("tls_params": {"ecdh_curves": ["X25519MLKEM768"]})", "",
       "common_tls_context.tls_params.ecdh_curves[0]"},
      {certificates + R"("tls_params": {"signature_algorithms": ["nothing"]})", "",
       "common_tls_context.tls_params.signature_algorithms[0]"},
      {certificates + R"("tls_params": {"tls_minimum_protocol_version": "TLSv1_3",
         "tls_maximum_protocol_version": "TLSv1_2"})",
       "", "common_tls_context.tls_params.tls_minimum_protocol_version"},
      {certificates + R"("tls_params": {"compliance_policies": ["FIPS_202205"]})", "",
       "common_tls_context.tls_params.compliance_policies"},
      {certificates + R"("alpn_protocols": [""])", "", "common_tls_context.alpn_protocols[0]"},
      {certificates + R"("validation_context": {"match_typed_subject_alt_names":
         [{"san_type": "DNS", "matcher": {"exact": "a"}}]})",
       "", "common_tls_context.validation_context.match_typed_subject_alt_names"},
      {certificates + R"("validation_context": {"allow_expired_certificate": true})", "",
       "common_tls_context.validation_context.allow_expired_certificate"},
      {certificates + R"("validation_context": {"verify_certificate_hash": ["12"]})", "",
       "common_tls_context.validation_context.verify_certificate_hash[0]"},
      {certificates + R"("validation_context": {"verify_certificate_spki": ["x"]})", "",
       "common_tls_context.validation_context.verify_certificate_spki[0]"},
      {certificates + R"("validation_context": {"custom_validator_config": {}})", "",
       "common_tls_context.validation_context.custom_validator_config"},
      {certificates + R"("validation_context": {"require_signed_certificate_timestamp": true})", "",
       "common_tls_context.validation_context.require_signed_certificate_timestamp"},
      {certificates + R"("validation_context": {"trusted_ca": {"inline_string": "no PEM"}})", "",
       "common_tls_context.validation_context.trusted_ca"},
      {certificates + R"("validation_context_sds_secret_config": {"name": "nobody"})", "",
       "common_tls_context.validation_context_sds_secret_config.name"},
      {R"("tls_certificate_sds_secret_configs": [{"name": "a", "sds_config": {"ads": {}}}])", "",
       "common_tls_context.tls_certificate_sds_secret_configs[0].sds_config"},
      {this->certificates(), R"(, "ocsp_staple_policy": "MUST_STAPLE")", "ocsp_staple_policy"},
      {this->certificates(), R"(, "session_timeout": "0s")", "session_timeout"},
      {this->certificates(), R"(, "session_ticket_keys": {"keys": [{"inline_string": "short"}]})",
       "session_ticket_keys.keys[0]"},
  };
  for (const auto& row : kRows) {
    Planner planner;
    EXPECT_EQ(planner.server(row.common, row.more), nullptr) << row.path;
    ASSERT_FALSE(planner.report.sorted().empty()) << row.path;
    EXPECT_EQ(planner.report.sorted()[0].path, row.path) << planner.report.text();
  }
}

TEST_F(TlsPlanTest, ClientsRefuseWhatTheyDoNotHonour) {
  const std::string two = R"("tls_certificates": [)" + shown(leaf_) + "," + shown(leaf_) + "]";
  const struct {
    std::string common, more, path;
  } kRows[] = {
      {two, "", "common_tls_context.tls_certificates"},
      {"", R"(, "allow_renegotiation": true)", "allow_renegotiation"},
      {"", R"(, "auto_sni_san_validation": true, "sni": "a")", "auto_sni_san_validation"},
      {trust(authority_), R"(, "auto_sni_san_validation": true)", "auto_sni_san_validation"},
  };
  for (const auto& row : kRows) {
    Planner planner;
    EXPECT_EQ(planner.client(row.common, row.more), nullptr) << row.path;
    ASSERT_FALSE(planner.report.sorted().empty()) << row.path;
    EXPECT_EQ(planner.report.sorted()[0].path, row.path) << planner.report.text();
  }
}

TEST_F(TlsPlanTest, AClientWithoutAnAuthorityIsWarnedOf) {
  EXPECT_NE(planner_.client(""), nullptr);
  EXPECT_EQ(planner_.report.warnings(), 1u);
}

// No part of a key is ever said, whatever is wrong with it.
TEST_F(TlsPlanTest, ErrorsShowNoSecrets) {
  const Pair other = makePair({.common_name = "other"});
  for (const std::string& key : {other.keyPem(), std::string(60, 'H') + "HUSH"}) {
    Planner planner;
    const std::string certificate = R"({"certificate_chain": )" + source(leaf_.pem()) +
                                    R"(, "private_key": )" + source(key) + "}";
    EXPECT_EQ(planner.server(R"("tls_certificates": [)" + certificate + "]"), nullptr);
    const Problem problem = planner.report.sorted().at(0);
    EXPECT_EQ(problem.path, "common_tls_context.tls_certificates[0].private_key");
    EXPECT_EQ(problem.text.find("HUSH"), std::string::npos);
    EXPECT_EQ(problem.text.find(key.substr(30, 20)), std::string::npos);
  }
}

TEST_F(TlsPlanTest, KeysComeFromBytesAndTheEnvironmentToo) {
  ::setenv("WEIR_TEST_KEY", leaf_.keyPem().c_str(), 1);
  EXPECT_NE(planner_.server(R"("tls_certificates": [{"certificate_chain": )" + source(leaf_.pem()) +
                            R"(, "private_key": {"environment_variable": "WEIR_TEST_KEY"}}])"),
            nullptr)
      << planner_.report.text();
  ::unsetenv("WEIR_TEST_KEY");
}

TEST_F(TlsPlanTest, NamedSecretsAreFound) {
  Secret secret;
  secret.set_name("pair");
  secret.mutable_tls_certificate()->mutable_certificate_chain()->set_inline_string(leaf_.pem());
  secret.mutable_tls_certificate()->mutable_private_key()->set_inline_string(leaf_.keyPem());
  planner_.secrets->add(secret, Where(planner_.report));
  EXPECT_NE(planner_.server(R"("tls_certificate_sds_secret_configs": [{"name": "pair"}])"), nullptr)
      << planner_.report.text();
}

// A certificate is read and held once, however many show it, and no longer than one does.
TEST_F(TlsPlanTest, TheSameCertificateIsReadOnce) {
  const Pair other = makePair({.common_name = "other"});
  const std::string stapled = R"("tls_certificates": [{"certificate_chain": )" +
                              source(leaf_.pem()) + R"(, "private_key": )" +
                              source(leaf_.keyPem()) + R"(, "ocsp_staple": )" + source("staple") +
                              "}]";
  const auto first = planner_.server(certificates());
  const auto second = planner_.server(certificates());
  const auto third = planner_.server(R"("tls_certificates": [)" + shown(other) + "]");
  const auto fourth = planner_.server(stapled);
  ASSERT_TRUE(first && second && third && fourth) << planner_.report.text();
  const auto& shared = first->current()->identities().front();
  EXPECT_EQ(shared, second->current()->identities().front());
  EXPECT_NE(shared, third->current()->identities().front());
  EXPECT_NE(shared, fourth->current()->identities().front());
  EXPECT_EQ(fourth->current()->identities().front()->staple, "staple");

  const std::weak_ptr<const Identity> seen = third->current()->identities().front();
  for (int i = 0; i < 100; ++i) {
    const Pair one = makePair({.common_name = "one"});
    EXPECT_NE(planner_.server(R"("tls_certificates": [)" + shown(one) + "]"), nullptr);
  }
  EXPECT_LT(planner_.secrets->identities().size(), 30u);
  EXPECT_FALSE(seen.expired());
}

// Else a byte that moves from one part to the next would go unseen.
TEST_F(TlsPlanTest, WhereAPartEndsIsPartOfTheDigest) {
  EXPECT_NE(Identities::digestOf({"ab", "c"}), Identities::digestOf({"a", "bc"}));
  EXPECT_NE(Identities::digestOf({"a", ""}), Identities::digestOf({"", "a"}));
  EXPECT_EQ(Identities::digestOf({"a", "b"}), Identities::digestOf({"a", "b"}));
}

// The certificate that each name gets: an exact one before a wildcard, else the first.
TEST_F(TlsPlanTest, ServerNamesChooseCertificates) {
  const Pair one = makePair({.common_name = "one", .names = "DNS:a.example.com,DNS:b.org"});
  const Pair wild = makePair({.common_name = "wild", .names = "DNS:*.example.com"});
  const Pair rsa = makePair({.common_name = "rsa", .names = "DNS:b.org", .rsa = true});
  const auto server = planner_.server(R"("tls_certificates": [)" + shown(one) + "," + shown(wild) +
                                      "," + shown(rsa) + "]");
  ASSERT_NE(server, nullptr) << planner_.report.text();
  const struct {
    const char *name, *more, *subject;
  } kRows[] = {
      {"a.example.com", "", "CN=one"},
      {"A.Example.Com", "", "CN=one"},
      {"c.example.com", "", "CN=wild"},
      {"c.d.example.com", "", "CN=one"},
      {"example.com", "", "CN=one"},
      {"", "", "CN=one"},
      {"b.org", "", "CN=one"},
      {"b.org", R"("tls_params": {"signature_algorithms": ["rsa_pss_rsae_sha256"]})", "CN=rsa"},
      {"", R"("tls_params": {"signature_algorithms": ["rsa_pss_rsae_sha256"]})", "CN=rsa"},
  };
  for (const auto& row : kRows) {
    const auto client = planner_.client(row.more, std::string(R"(, "sni": ")") + row.name + "\"");
    const Talk talk(client->connect({}), server->accept());
    ASSERT_TRUE(talk.open()) << row.name << row.more << talk.server->problem();
    EXPECT_EQ(talk.client->facts()->peer.at(0).subject, row.subject) << row.name << row.more;
  }
}

class TlsReloadTest : public TlsPlanTest {
 protected:
  TlsReloadTest() {
    directory_ = std::filesystem::temp_directory_path() / "tls-XXXXXX";
    EXPECT_NE(::mkdtemp(directory_.data()), nullptr);
  }
  ~TlsReloadTest() override { std::filesystem::remove_all(directory_); }

  void put(const std::string& name, const std::string& text) {
    std::ofstream(directory_ + "/" + name) << text;
  }
  std::string subject(const TlsServer& server) {
    const auto client = planner_.client("");
    const Talk talk(client->connect({}), server.accept());
    return talk.open() ? talk.client->facts()->peer.at(0).subject
                       : std::string(talk.server->problem());
  }
  std::shared_ptr<TlsServer> serverOfFiles() {
    return planner_.server(R"("tls_certificates": [{"certificate_chain": {"filename": ")" +
                           directory_ + R"(/crt"}, "private_key": {"filename": ")" + directory_ +
                           R"(/key"}}])");
  }

  std::string directory_;
};

TEST_F(TlsReloadTest, NewFilesMakeANewContext) {
  put("crt", leaf_.pem());
  put("key", leaf_.keyPem());
  const auto server = serverOfFiles();
  ASSERT_NE(server, nullptr) << planner_.report.text();
  EXPECT_EQ(server->watched(),
            (std::vector<std::string>{directory_ + "/crt", directory_ + "/key"}));
  const auto before = server->accept();
  const Pair next = makePair({.common_name = "next"});
  put("crt", next.pem());
  put("key", next.keyPem());
  Report report;
  EXPECT_NE(server->reload(report), nullptr);
  EXPECT_TRUE(report.ok()) << report.text();
  EXPECT_EQ(subject(*server), "CN=next");
}

TEST_F(TlsReloadTest, AKeyThatDoesNotFitKeepsTheOldPair) {
  put("crt", leaf_.pem());
  put("key", leaf_.keyPem());
  const auto server = serverOfFiles();
  const Pair next = makePair({.common_name = "next"});
  put("crt", next.pem());
  Report report;
  server->reload(report);
  EXPECT_EQ(report.errors(), 1u);
  EXPECT_NE(report.text().find("does not belong to the certificate"), std::string::npos);
  EXPECT_EQ(subject(*server), "CN=leaf");
  put("key", next.keyPem());
  Report second;
  server->reload(second);
  EXPECT_TRUE(second.ok());
  EXPECT_EQ(subject(*server), "CN=next");
  EXPECT_EQ(planner_.count("s.ssl.key_rotation_failed"), 1u);
}

TEST(TicketKeys, ChangeWithTimeAndKeepTheFormerOne) {
  TicketKeys keys;
  const auto start = std::chrono::steady_clock::now();
  keys.rotate(start);
  const auto seal = [&](std::array<unsigned char, 16>& name) {
    unsigned char iv[16];
    EVP_CIPHER_CTX* cipher = EVP_CIPHER_CTX_new();
    EVP_MAC* hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    EVP_MAC_CTX* mac = EVP_MAC_CTX_new(hmac);
    EXPECT_EQ(keys.use(name.data(), iv, cipher, mac, true), 1);
    std::array<unsigned char, 16> again = name;
    const int opened = keys.use(again.data(), iv, cipher, mac, false);
    EVP_MAC_CTX_free(mac);
    EVP_MAC_free(hmac);
    EVP_CIPHER_CTX_free(cipher);
    return opened;
  };
  std::array<unsigned char, 16> first{}, second{};
  EXPECT_EQ(seal(first), 1);
  keys.rotate(start + TicketKeys::kLife / 2);
  EXPECT_EQ(seal(second), 1);
  EXPECT_EQ(first, second);
  keys.rotate(start + TicketKeys::kLife);
  EXPECT_EQ(seal(second), 1);
  EXPECT_NE(first, second);
}

}  // namespace
}  // namespace weir::transport
