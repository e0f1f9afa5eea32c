#include "source/admin/browser_guard.h"

#include <gtest/gtest.h>

namespace weir::admin {
namespace {

bool passes(const Provenance& request) { return !refuseForeignPage(request).has_value(); }

TEST(BrowserGuard, aLoopbackInterfaceAnswersToItsOwnNamesOnly) {
  for (const char* host : {"127.0.0.1:9901", "localhost:9901", "LOCALHOST", "[::1]:9901",
                           "10.1.2.3", "weir.localhost:1", ""}) {
    EXPECT_TRUE(passes({"GET", host, std::nullopt, true})) << host;
  }
  for (const char* host :
       {"rebind.example:9901", "localhost.example", "127.0.0.1.nip.io", "notlocalhost", "[::1"}) {
    EXPECT_FALSE(passes({"GET", host, std::nullopt, true})) << host;
    EXPECT_TRUE(passes({"GET", host, std::nullopt, false})) << host;
  }
}

TEST(BrowserGuard, aPageOfAnotherSiteMayNotPost) {
  for (const bool loopback : {true, false}) {
    const auto post = [&](const char* origin) {
      return passes({"POST", "localhost:9901", origin, loopback});
    };
    EXPECT_TRUE(post("http://localhost:9901"));
    EXPECT_TRUE(post("http://LocalHost:9901"));
    EXPECT_FALSE(post("http://evil.example"));
    EXPECT_FALSE(post("http://localhost:8080"));
    EXPECT_FALSE(post("http://localhost"));
    EXPECT_FALSE(post("null"));
    EXPECT_FALSE(post(""));
    EXPECT_FALSE(post("http://"));
    EXPECT_TRUE(passes({"POST", "localhost:9901", std::nullopt, loopback}));
    EXPECT_FALSE(passes({"DELETE", "localhost:9901", "http://evil.example", loopback}));
    EXPECT_TRUE(passes({"GET", "localhost:9901", "http://evil.example", loopback}));
  }
  EXPECT_FALSE(passes({"POST", "", "http://", false}));
}

TEST(BrowserGuard, refusesWith403) {
  EXPECT_EQ(refuseForeignPage({"POST", "localhost", "null", true})->status, 403);
  EXPECT_EQ(refuseForeignPage({"GET", "a.example", std::nullopt, true})->status, 403);
}

}  // namespace
}  // namespace weir::admin
