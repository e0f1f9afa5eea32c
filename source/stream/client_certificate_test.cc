#include "source/stream/client_certificate.h"

#include <gtest/gtest.h>

namespace weir::stream {
namespace {

class ClientCertificateTest : public testing::Test {
 protected:
  ClientCertificateTest() {
    CertificateFacts& own = facts_.peer.emplace_back();
    own.subject = "CN=client,O=Example";
    own.fingerprint_256 = "ab12";
    own.pem = "PEM1%0A";
    own.uri = {"spiffe://example.com/a", "spiffe://example.com/b"};
    own.dns = {"a.example.com"};
    facts_.peer.emplace_back().pem = "PEM2%0A";
    auto local = std::make_shared<CertificateFacts>();
    local->uri = {"spiffe://example.com/weir"};
    facts_.local = local;
  }
  std::string text(const CertificateDetails& told) {
    return std::string(clientCertificate(facts_, told, arena_));
  }

  ChunkPool pool_;
  Arena arena_{pool_};
  TlsFacts facts_;
};

TEST_F(ClientCertificateTest, HashIsAlwaysToldAndByWhereThereIsAName) {
  EXPECT_EQ(text({}), "By=spiffe://example.com/weir;Hash=ab12");
  facts_.local = nullptr;
  EXPECT_EQ(text({}), "Hash=ab12");
}

TEST_F(ClientCertificateTest, DetailsComeInEnvoysOrder) {
  EXPECT_EQ(text({.cert = true, .chain = true, .subject = true, .uri = true, .dns = true}),
            "By=spiffe://example.com/weir;Hash=ab12;Cert=\"PEM1%0A\";Chain=\"PEM1%0APEM2%0A\";"
            "Subject=\"CN=client,O=Example\";URI=spiffe://example.com/a;"
            "URI=spiffe://example.com/b;DNS=a.example.com");
}

TEST_F(ClientCertificateTest, SubjectAndUriAreThereEvenWhenEmpty) {
  facts_.local = nullptr;
  facts_.peer[0].subject.clear();
  facts_.peer[0].uri.clear();
  facts_.peer[0].dns.clear();
  EXPECT_EQ(text({.subject = true, .uri = true, .dns = true}), "Hash=ab12;Subject=\"\";URI=");
}

// A name is the certificate's owner's to choose: it must not look like another key or element.
TEST_F(ClientCertificateTest, NamesCannotPassForKeys) {
  facts_.local = nullptr;
  facts_.peer[0].uri = {"spiffe://a;By=b,Hash=\"c\"", "spiffe://x;\\"};
  EXPECT_EQ(text({.uri = true}),
            "Hash=ab12;URI=\"spiffe://a;By=b,Hash=\\\"c\\\"\";URI=\"spiffe://x;\\\\\"");
  facts_.peer[0].subject = R"(CN=quote\"d)";  // as RFC 2253 writes it
  EXPECT_EQ(text({.subject = true}), R"(Hash=ab12;Subject="CN=quote\"d")");
}

TEST_F(ClientCertificateTest, NothingCanEndTheHeader) {
  facts_.local = nullptr;
  facts_.peer[0].uri = {"a\r\nx: y"};
  EXPECT_EQ(text({.uri = true}), "Hash=ab12;URI=");
}

}  // namespace
}  // namespace weir::stream
