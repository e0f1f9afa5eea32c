#include "source/transport/tls/peer_check.h"

#include "source/transport/tls/certificate_facts.h"
#include "source/transport/tls/tls_test_pair.h"

namespace weir::transport {
namespace {

class PeerCheckTest : public testing::Test {
 protected:
  PeerCheckTest() {
    const Wish names{.common_name = "client",
                     .names =
                         "DNS:client.example.com,URI:spiffe://example.com/a,"
                         "email:a@example.com,IP:10.0.0.7,"
                         "otherName:1.2.3.4;UTF8:other"};
    good_ = makePair(names, &authority_);
  }

  // Whether the server lets the client in.
  bool admits(const Pair* shown_pair, const std::string& validation, bool required = true) {
    const auto server =
        planner_.server(R"("tls_certificates": [)" + shown(leaf_) + "], " + validation,
                        required ? R"(, "require_client_certificate": true)" : "");
    const auto client = planner_.client(
        shown_pair == nullptr ? "" : R"("tls_certificates": [)" + shown(*shown_pair) + "]");
    EXPECT_NE(server, nullptr) << planner_.report.text();
    EXPECT_NE(client, nullptr) << planner_.report.text();
    if (server == nullptr || client == nullptr) return false;
    Talk talk(client->connect({}), server->accept());
    said_ = talk.server->problem();
    alert_ = talk.client->problem();
    validated_ =
        talk.server->state() == TlsSession::State::Open && talk.server->facts()->peer_validated;
    return talk.server->state() == TlsSession::State::Open;
  }
  std::string matching(const std::string& matcher) {
    return trust(authority_, R"(, "match_typed_subject_alt_names": [)" + matcher + "]");
  }

  Planner planner_;
  const Pair authority_ = makePair({.common_name = "ca", .authority = true});
  const Pair stranger_ = makePair({.common_name = "other ca", .authority = true});
  const Pair leaf_ = makePair({.common_name = "leaf", .names = "DNS:a"}, &authority_);
  Pair good_;
  std::string said_, alert_;
  bool validated_ = false;
};

TEST_F(PeerCheckTest, ChainsMustLeadToTheAuthority) {
  EXPECT_TRUE(admits(&good_, trust(authority_))) << said_;
  EXPECT_TRUE(validated_);
  EXPECT_FALSE(admits(&good_, trust(stranger_)));
  EXPECT_EQ(said_, "TLS_error: certificate verify failed: unable to get local issuer certificate");
  EXPECT_EQ(alert_, "TLS_error: tlsv1 alert unknown ca");
  EXPECT_EQ(planner_.count("s.ssl.fail_verify_error"), 1u);
  EXPECT_EQ(planner_.count("s.ssl.connection_error"), 0u);
}

TEST_F(PeerCheckTest, ACertificateMayBeRequired) {
  EXPECT_FALSE(admits(nullptr, trust(authority_)));
  EXPECT_EQ(alert_, "TLS_error: tlsv13 alert certificate required");
  EXPECT_EQ(planner_.count("s.ssl.fail_verify_no_cert"), 1u);
  EXPECT_TRUE(admits(nullptr, trust(authority_), false));
  EXPECT_FALSE(validated_);
  EXPECT_TRUE(admits(&good_, trust(authority_), false));
  EXPECT_TRUE(validated_);
}

TEST_F(PeerCheckTest, DatesCount) {
  const Pair old =
      makePair({.common_name = "old", .from_days = -10, .until_days = -5}, &authority_);
  const Pair early = makePair({.common_name = "early", .from_days = 5}, &authority_);
  EXPECT_FALSE(admits(&old, trust(authority_)));
  EXPECT_EQ(alert_, "TLS_error: sslv3 alert certificate expired");
  EXPECT_FALSE(admits(&early, trust(authority_)));
  EXPECT_TRUE(admits(&old, trust(authority_, R"(, "allow_expired_certificate": true)")));
  EXPECT_FALSE(admits(&old, trust(stranger_, R"(, "allow_expired_certificate": true)")));
}

TEST_F(PeerCheckTest, UntrustedMayBeAccepted) {
  EXPECT_TRUE(
      admits(&good_, trust(stranger_, R"(, "trust_chain_verification": "ACCEPT_UNTRUSTED")")));
  EXPECT_FALSE(validated_);
}

// Every type, what fits it and what does not.
TEST_F(PeerCheckTest, NamesAreMatchedByType) {
  const struct {
    const char* matcher;
    bool admitted;
  } kRows[] = {
      {R"({"san_type": "DNS", "matcher": {"exact": "client.example.com"}})", true},
      {R"({"san_type": "DNS", "matcher": {"exact": "CLIENT.example.com"}})", true},
      {R"({"san_type": "DNS", "matcher": {"exact": "example.com"}})", false},
      {R"({"san_type": "DNS", "matcher": {"suffix": ".example.com"}})", true},
      {R"({"san_type": "DNS", "matcher": {"safe_regex": {"regex": "cl.*\\.com"}}})", true},
      {R"({"san_type": "URI", "matcher": {"exact": "spiffe://example.com/a"}})", true},
      {R"({"san_type": "URI", "matcher": {"prefix": "spiffe://example.com/"}})", true},
      {R"({"san_type": "URI", "matcher": {"exact": "client.example.com"}})", false},
      {R"({"san_type": "EMAIL", "matcher": {"exact": "a@example.com"}})", true},
      {R"({"san_type": "EMAIL", "matcher": {"exact": "b@example.com"}})", false},
      {R"({"san_type": "IP_ADDRESS", "matcher": {"exact": "10.0.0.7"}})", true},
      {R"({"san_type": "IP_ADDRESS", "matcher": {"exact": "10.0.0.8"}})", false},
      {R"({"san_type": "OTHER_NAME", "oid": "1.2.3.4", "matcher": {"exact": "other"}})", true},
      {R"({"san_type": "OTHER_NAME", "oid": "1.2.3.5", "matcher": {"exact": "other"}})", false},
      {R"({"san_type": "DNS", "matcher": {"exact": "x"}},
          {"san_type": "URI", "matcher": {"contains": "spiffe"}})",
       true},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(admits(&good_, matching(row.matcher)), row.admitted) << row.matcher << said_;
  }
  EXPECT_GT(planner_.count("s.ssl.fail_verify_san"), 0u);
}

TEST_F(PeerCheckTest, PinsFitTheCertificateOrItsKey) {
  const std::string digest = certificateDigest(*good_.certificate);
  const std::string hex =
      hexText(reinterpret_cast<const unsigned char*>(digest.data()), digest.size());
  const std::string key = keyDigest(*good_.certificate);
  unsigned char base64[64];
  EVP_EncodeBlock(base64, reinterpret_cast<const unsigned char*>(key.data()), 32);
  const std::string spki(reinterpret_cast<const char*>(base64));
  const std::string wrong(64, '0');
  EXPECT_TRUE(
      admits(&good_, R"("validation_context": {"verify_certificate_hash": [")" + hex + "\"]}"));
  EXPECT_TRUE(validated_);
  EXPECT_FALSE(
      admits(&good_, R"("validation_context": {"verify_certificate_hash": [")" + wrong + "\"]}"));
  EXPECT_EQ(planner_.count("s.ssl.fail_verify_cert_hash"), 1u);
  EXPECT_TRUE(admits(&good_, R"("validation_context": {"verify_certificate_hash": [")" + wrong +
                                 R"("], "verify_certificate_spki": [")" + spki + "\"]}"));
}

TEST_F(PeerCheckTest, RevokedCertificatesAreRefused) {
  X509_CRL* list = X509_CRL_new();
  X509_CRL_set_version(list, 1);
  X509_CRL_set_issuer_name(list, X509_get_subject_name(authority_.certificate.get()));
  ASN1_TIME* time = ASN1_TIME_set(nullptr, ::time(nullptr) - 3600);
  X509_CRL_set1_lastUpdate(list, time);
  ASN1_TIME_set(time, ::time(nullptr) + 86400);
  X509_CRL_set1_nextUpdate(list, time);
  X509_REVOKED* revoked = X509_REVOKED_new();
  X509_REVOKED_set_serialNumber(revoked, X509_get_serialNumber(good_.certificate.get()));
  X509_REVOKED_set_revocationDate(revoked, time);
  X509_CRL_add0_revoked(list, revoked);
  X509_CRL_sign(list, authority_.key.get(), EVP_sha256());
  ASN1_TIME_free(time);
  const BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_CRL(bio.get(), list);
  X509_CRL_free(list);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  const std::string crl = R"(, "crl": )" + source({data, static_cast<size_t>(size)});
  EXPECT_FALSE(admits(&good_, trust(authority_, crl)));
  EXPECT_EQ(alert_, "TLS_error: sslv3 alert certificate revoked");
  const Pair another = makePair({.common_name = "another"}, &authority_);
  EXPECT_TRUE(admits(&another, trust(authority_, crl))) << said_;
}

TEST_F(PeerCheckTest, TheServersNameIsCheckedWhereItIsAsked) {
  const auto server = planner_.server(R"("tls_certificates": [)" + shown(leaf_) + "]");
  for (const auto& [sni, good] : {std::pair("a", true), std::pair("b", false)}) {
    const auto client =
        planner_.client(trust(authority_), std::string(R"(, "sni": ")") + sni +
                                               R"(", "auto_sni_san_validation": true)");
    ASSERT_NE(client, nullptr) << planner_.report.text();
    const Talk talk(client->connect({}), server->accept());
    EXPECT_EQ(talk.client->state() == TlsSession::State::Open, good) << sni;
  }
}

TEST(CoversHost, AWildcardIsOneWholeFirstLabel) {
  EXPECT_TRUE(coversHost("*.example.com", "a.example.com"));
  EXPECT_TRUE(coversHost("*.Example.com", "A.example.COM."));
  EXPECT_FALSE(coversHost("*.example.com", "example.com"));
  EXPECT_FALSE(coversHost("*.example.com", "a.b.example.com"));
  EXPECT_FALSE(coversHost("*.example.com", ".example.com"));
  EXPECT_FALSE(coversHost("*.com", "example.com"));
  EXPECT_FALSE(coversHost("a*.example.com", "ab.example.com"));
  EXPECT_FALSE(coversHost("", ""));
}

}  // namespace
}  // namespace weir::transport
