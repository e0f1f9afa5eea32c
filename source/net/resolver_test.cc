#include "source/net/resolver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>

#include "source/net/dns_test_server.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;

std::set<std::string> texts(const DnsAnswer& answer) {
  std::set<std::string> out;
  for (const DnsAddress& each : answer.addresses) out.insert(each.address.ipText());
  return out;
}

class ResolverTest : public testing::Test, public TimerUser {
 protected:
  ResolverTest() : server_(loop_), guard_(*this) {
    settings_.servers = {server_.address()};
    settings_.search_domains = false;
    settings_.timeout = 50ms;
    settings_.tries = 2;
  }

  void onTimer() override {
    timed_out_ = true;
    event_base_loopbreak(loop_.base());
  }

  Resolver& resolver() {
    if (!resolver_) {
      auto made = Resolver::make(loop_, settings_);
      EXPECT_TRUE(made);
      resolver_ = *std::move(made);
    }
    return *resolver_;
  }

  // Runs the loop until stopped or for `limit`; true: stopped.
  bool run(std::chrono::milliseconds limit = 5s) {
    timed_out_ = false;
    guard_.arm(loop_.timers(), std::chrono::steady_clock::now() + limit);
    loop_.run();
    guard_.disarm();
    return !timed_out_;
  }

  DnsAnswer ask(std::string_view name, AddressFamily family = AddressFamily::V4Only) {
    std::optional<DnsAnswer> got;
    const DnsLookup lookup = resolver().resolve(name, family, [&](DnsAnswer answer) {
      got = std::move(answer);
      event_base_loopbreak(loop_.base());
    });
    EXPECT_FALSE(got.has_value()) << "answered inside resolve()";
    EXPECT_TRUE(run()) << "no answer";
    return got.value_or(DnsAnswer{});
  }

  Loop loop_;
  DnsTestServer server_;
  ResolverSettings settings_;
  std::unique_ptr<Resolver> resolver_;
  Timer guard_;
  bool timed_out_ = false;
};

TEST_F(ResolverTest, FamiliesAskForWhatTheyName) {
  server_["both.test"] = {.v4 = {"192.0.2.1", "192.0.2.2"}, .v6 = {"2001:db8::1"}};
  EXPECT_EQ(texts(ask("both.test", AddressFamily::V4Only)),
            (std::set<std::string>{"192.0.2.1", "192.0.2.2"}));
  EXPECT_EQ(server_.udpQueries(), 1);
  EXPECT_EQ(texts(ask("both.test", AddressFamily::V6Only)), std::set<std::string>{"2001:db8::1"});
  EXPECT_EQ(texts(ask("both.test", AddressFamily::Auto)), std::set<std::string>{"2001:db8::1"});
  EXPECT_EQ(texts(ask("both.test", AddressFamily::V4Preferred)),
            (std::set<std::string>{"192.0.2.1", "192.0.2.2"}));
  EXPECT_EQ(server_.udpQueries(), 4);
  const DnsAnswer all = ask("both.test", AddressFamily::All);
  EXPECT_EQ(texts(all), (std::set<std::string>{"192.0.2.1", "192.0.2.2", "2001:db8::1"}));
  EXPECT_EQ(all.addresses.back().address.ipText(), "2001:db8::1") << "IPv4 comes first";
  EXPECT_EQ(all.addresses.front().address.port(), 0);
}

TEST_F(ResolverTest, AutoAndPreferredFallBackToTheOtherFamily) {
  server_["four.test"] = {.v4 = {"192.0.2.1"}};
  server_["six.test"] = {.v6 = {"2001:db8::1"}};
  EXPECT_EQ(texts(ask("four.test", AddressFamily::Auto)), std::set<std::string>{"192.0.2.1"});
  EXPECT_EQ(texts(ask("six.test", AddressFamily::V4Preferred)),
            std::set<std::string>{"2001:db8::1"});
  EXPECT_EQ(ask("four.test", AddressFamily::V6Only).error, DnsError::NoData);
  EXPECT_EQ(texts(ask("four.test", AddressFamily::All)), std::set<std::string>{"192.0.2.1"});
}

TEST_F(ResolverTest, ErrorsSayWhatWentWrong) {
  server_["empty.test"] = {};
  server_["broken.test"] = {.rcode = 2};
  server_["refused.test"] = {.rcode = 5};
  EXPECT_EQ(ask("missing.test").error, DnsError::NotFound);
  EXPECT_EQ(ask("missing.test", AddressFamily::Auto).error, DnsError::NotFound);
  EXPECT_EQ(ask("empty.test").error, DnsError::NoData);
  EXPECT_EQ(ask("empty.test", AddressFamily::All).error, DnsError::NoData);
  EXPECT_EQ(ask("broken.test").error, DnsError::Server);
  EXPECT_EQ(ask("refused.test").error, DnsError::Server);
  EXPECT_EQ(ask("").error, DnsError::BadName);
  EXPECT_EQ(ask(std::string("a\0b.test", 8)).error, DnsError::BadName);
  EXPECT_NE(ask(std::string(70, 'a') + ".test").error, DnsError::None) << "a label has 63 bytes";
}

TEST_F(ResolverTest, AFamilyThatFailedLeavesTheAnswerOpen) {
  server_["half.test"] = {.v4_rcode = 2};  // A: SERVFAIL, AAAA: no data
  EXPECT_EQ(ask("half.test", AddressFamily::All).error, DnsError::Server);
  EXPECT_EQ(ask("half.test", AddressFamily::Auto).error, DnsError::Server);
  EXPECT_EQ(ask("half.test", AddressFamily::V4Preferred).error, DnsError::Server);
  server_["half.test"].v6 = {"2001:db8::1"};
  EXPECT_TRUE(ask("half.test", AddressFamily::All).ok());
}

TEST_F(ResolverTest, SilentServersTimeOutAfterTheTriesGiven) {
  server_["silent.test"] = {.silent = true};
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(ask("silent.test").error, DnsError::Timeout);
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_EQ(server_.udpQueries(), 2);
  EXPECT_GE(took, 100ms);  // 50 ms, then 100
  EXPECT_LT(took, 2s);
}

TEST_F(ResolverTest, TtlsAreThoseOfTheRecordsAndOfTheAlias) {
  server_["zero.test"] = {.v4 = {"192.0.2.1"}, .ttl = 0};
  server_["one.test"] = {.v4 = {"192.0.2.1"}, .ttl = 1};
  server_["alias.test"] = {.v4 = {"192.0.2.1"}, .ttl = 300, .alias = "real.test", .alias_ttl = 20};
  EXPECT_EQ(ask("zero.test").addresses.at(0).ttl, 0s);
  EXPECT_EQ(ask("one.test").addresses.at(0).ttl, 1s);
  EXPECT_EQ(ask("alias.test").addresses.at(0).ttl, 20s);
}

TEST_F(ResolverTest, TruncatedAnswersAreAskedAgainOverTcp) {
  DnsScript script{.truncated = true};
  for (int i = 0; i < 200; ++i) script.v4.push_back("192.0.2." + std::to_string(i));
  server_["large.test"] = script;
  EXPECT_EQ(ask("large.test").addresses.size(), 200u);
  EXPECT_EQ(server_.udpQueries(), 1);
  EXPECT_EQ(server_.tcpQueries(), 1);
}

TEST_F(ResolverTest, TcpOnlyNeverUsesUdp) {
  settings_.tcp_only = true;
  server_["a.test"] = {.v4 = {"192.0.2.1"}};
  EXPECT_TRUE(ask("a.test").ok());
  EXPECT_EQ(server_.udpQueries(), 0);
  EXPECT_EQ(server_.tcpQueries(), 1);
}

TEST_F(ResolverTest, RepeatedAddressesCountOnce) {
  server_["twice.test"] = {.v4 = {"192.0.2.1", "192.0.2.1", "192.0.2.2"}};
  EXPECT_EQ(ask("twice.test").addresses.size(), 2u);
}

TEST_F(ResolverTest, LiteralsNeedNoServer) {
  EXPECT_EQ(texts(ask("127.0.0.1", AddressFamily::Auto)), std::set<std::string>{"127.0.0.1"});
  EXPECT_EQ(texts(ask("[2001:db8::7]", AddressFamily::All)), std::set<std::string>{"2001:db8::7"});
  EXPECT_EQ(ask("2001:db8::7", AddressFamily::V6Only).addresses.at(0).ttl,
            std::chrono::seconds::max());
  EXPECT_EQ(ask("127.0.0.1", AddressFamily::V6Only).error, DnsError::NoData);
  EXPECT_EQ(server_.udpQueries(), 0);
}

TEST_F(ResolverTest, LocalhostNeedsNoServer) {
  EXPECT_EQ(texts(ask("localhost")), std::set<std::string>{"127.0.0.1"});
  EXPECT_EQ(server_.udpQueries(), 0);
}

TEST_F(ResolverTest, CancelledLookupsSayNothing) {
  server_["a.test"] = {.v4 = {"192.0.2.1"}};
  bool called = false;
  DnsLookup early =
      resolver().resolve("a.test", AddressFamily::V4Only, [&](const DnsAnswer&) { called = true; });
  EXPECT_TRUE(early);
  early.cancel();
  EXPECT_FALSE(early);
  DnsLookup literal = resolver().resolve("127.0.0.1", AddressFamily::V4Only,
                                         [&](const DnsAnswer&) { called = true; });
  literal = DnsLookup();
  EXPECT_TRUE(ask("a.test").ok());
  EXPECT_FALSE(called);
}

TEST_F(ResolverTest, ACallbackMayDestroyItsLookupAndStartAnother) {
  server_["a.test"] = {.v4 = {"192.0.2.1"}};
  server_["b.test"] = {.v4 = {"192.0.2.2"}};
  DnsLookup lookup;
  std::set<std::string> got;
  lookup = resolver().resolve("a.test", AddressFamily::V4Only, [&](const DnsAnswer& first) {
    got = texts(first);
    lookup = resolver().resolve("b.test", AddressFamily::V4Only, [&](const DnsAnswer& second) {
      got.merge(texts(second));
      event_base_loopbreak(loop_.base());
    });
  });
  EXPECT_TRUE(run());
  EXPECT_EQ(got, (std::set<std::string>{"192.0.2.1", "192.0.2.2"}));
}

TEST_F(ResolverTest, DestroyedWhilePendingItForgetsAll) {
  server_["silent.test"] = {.silent = true};
  bool called = false;
  const auto note = [&](const DnsAnswer&) { called = true; };
  DnsLookup silent = resolver().resolve("silent.test", AddressFamily::All, note);
  DnsLookup literal = resolver().resolve("127.0.0.1", AddressFamily::All, note);
  EXPECT_FALSE(run(20ms));
  EXPECT_TRUE(called) << "the literal's";
  called = false;
  DnsLookup again = resolver().resolve("127.0.0.1", AddressFamily::All, note);
  resolver_.reset();
  EXPECT_FALSE(run(200ms));
  EXPECT_FALSE(called);
}

TEST_F(ResolverTest, ACallbackMayDestroyTheResolver) {
  bool second = false;
  DnsLookup a = resolver().resolve("127.0.0.1", AddressFamily::All, [&](const DnsAnswer&) {
    resolver_.reset();
    event_base_loopbreak(loop_.base());
  });
  DnsLookup b =
      resolver().resolve("127.0.0.2", AddressFamily::All, [&](const DnsAnswer&) { second = true; });
  EXPECT_TRUE(run());
  EXPECT_FALSE(second);
}

TEST_F(ResolverTest, ManyLookupsAtOnceAllEnd) {
  constexpr int kMany = 100;
  for (int i = 0; i < kMany; ++i) {
    server_["n" + std::to_string(i) + ".test"] = {.v4 = {"192.0.2." + std::to_string(i)}};
  }
  settings_.timeout = 2s;
  std::vector<DnsLookup> lookups;
  int answered = 0;
  for (int i = 0; i < kMany; ++i) {
    lookups.push_back(resolver().resolve(
        "n" + std::to_string(i) + ".test", AddressFamily::V4Only, [&, i](const DnsAnswer& answer) {
          EXPECT_EQ(texts(answer), std::set<std::string>{"192.0.2." + std::to_string(i)});
          if (++answered == kMany) event_base_loopbreak(loop_.base());
        }));
  }
  EXPECT_TRUE(run());
  EXPECT_EQ(answered, kMany);
}

TEST_F(ResolverTest, TheNextServerAnswersWhenOneFails) {
  DnsTestServer other(loop_);
  server_["a.test"] = {.rcode = 2};
  other["a.test"] = {.v4 = {"192.0.2.9"}};
  settings_.servers = {server_.address(), other.address()};
  EXPECT_EQ(texts(ask("a.test")), std::set<std::string>{"192.0.2.9"});
}

TEST(ResolverMake, ServersMustBeIpAddresses) {
  Loop loop;
  ResolverSettings settings;
  settings.servers = {*Address::unixPath("/run/dns")};
  const auto made = Resolver::make(loop, settings);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().field, "servers");
}

}  // namespace
}  // namespace weir::net
