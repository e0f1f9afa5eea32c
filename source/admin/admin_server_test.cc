#include "source/admin/admin_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdio>
#include <future>
#include <thread>

#include "source/admin/sample_source.h"

namespace weir::admin {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// A blocking client.
class Client {
 public:
  explicit Client(const net::Address& to, int receive_buffer = 0)
      : fd_(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer != 0) {
      ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    const timeval limit{10, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    EXPECT_EQ(net::connectTo(fd_.get(), to), 0);
  }
  void send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      text.remove_prefix(static_cast<size_t>(n));
    }
  }
  // Everything until `end` was seen or the connection ended.
  std::string readUntil(std::string_view end) {
    while (input_.find(end) == input_.npos && readSome()) {
    }
    const size_t at = input_.find(end);
    const size_t size = at == input_.npos ? input_.size() : at + end.size();
    std::string text = input_.substr(0, size);
    input_.erase(0, size);
    return text;
  }
  std::string readAll() {
    while (readSome()) {
    }
    return std::exchange(input_, {});
  }
  bool ended() { return input_.empty() && !readSome(); }
  void finish() { ::shutdown(fd_.get(), SHUT_WR); }

 private:
  bool readSome() {
    char bytes[16 * 1024];
    const ssize_t n = ::recv(fd_.get(), bytes, sizeof bytes, 0);
    if (n > 0) input_.append(bytes, static_cast<size_t>(n));
    return n > 0;
  }

  net::Fd fd_;
  std::string input_;
};

class AdminServerTest : public testing::Test {
 protected:
  void start(AdminSettings settings = {}) {
    if (settings.address.family() == AF_UNSPEC)
      settings.address = *net::Address::ip("127.0.0.1", 0);
    std::promise<net::Address> opened;
    auto address = opened.get_future();
    thread_ = std::thread([this, &opened, settings = std::move(settings)] {
      net::Loop loop;
      auto server = AdminServer::open(loop, settings, source_);
      ASSERT_TRUE(server) << server.error().text;
      loop_ = &loop;
      opened.set_value((*server)->address());
      loop.run();
      connections_left_ = (*server)->connections();
    });
    address_ = address.get();
  }
  void stop() {
    if (!thread_.joinable()) return;
    loop_->stop();
    thread_.join();
  }
  void TearDown() override { stop(); }

  // One request on a connection of its own.
  std::string ask(const std::string& head, const std::string& body = "") {
    Client client(address_);
    client.send(head + "Host: localhost\r\nConnection: close\r\n\r\n" + body);
    return client.readAll();
  }
  // Enough stats for a page of some megabytes.
  void fillStats() {
    const StatScope scope = StatScope(source_.store).scope("cluster");
    for (int i = 0; i < 20'000; ++i) {
      scope.counter("a_rather_long_name_of_a_stat_that_fills_the_page_" + std::to_string(i) +
                    std::string(100, 'x'));
    }
  }

  SampleSource source_;
  std::thread thread_;
  net::Loop* loop_ = nullptr;
  net::Address address_;
  size_t connections_left_ = 0;
};

TEST_F(AdminServerTest, answersWithEnvoysHeaders) {
  start();
  EXPECT_THAT(ask("GET /ready HTTP/1.1\r\n"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
                    HasSubstr("\r\ncontent-type: text/plain; charset=UTF-8\r\n"),
                    HasSubstr("\r\ncache-control: no-cache, max-age=0\r\n"),
                    HasSubstr("\r\nx-content-type-options: nosniff\r\n"), HasSubstr("\r\ndate: "),
                    HasSubstr("\r\ncontent-length: 5\r\n"), testing::EndsWith("\r\n\r\nLIVE\n")));
  EXPECT_THAT(ask("GET /server_info HTTP/1.1\r\n"),
              HasSubstr("content-type: application/json\r\n"));
  EXPECT_THAT(ask("GET / HTTP/1.1\r\n"), HasSubstr("\r\nx-frame-options: DENY\r\n"));
  EXPECT_THAT(ask("GET /nope HTTP/1.1\r\n"), StartsWith("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_THAT(
      ask("GET /quitquitquit HTTP/1.1\r\n"),
      AllOf(StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"), HasSubstr("\r\nallow: POST\r\n"),
            testing::EndsWith("Method GET not allowed, POST required.")));
}

TEST_F(AdminServerTest, keepsConnectionsAliveAndTakesPipelinedRequests) {
  start();
  Client client(address_);
  const std::string ready = "GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (int i = 0; i < 3; ++i) {
    client.send(ready);
    EXPECT_THAT(client.readUntil("LIVE\n"), StartsWith("HTTP/1.1 200"));
  }
  // A small answer, a page, a form, and a small answer again, in one segment.
  client.send(
      ready + "GET /stats?filter=^x HTTP/1.1\r\nHost: localhost\r\n\r\n" +
      "POST /drain_listeners HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\nContent-Type: "
      "application/x-www-form-urlencoded\r\n\r\ngraceful" +
      ready);
  EXPECT_THAT(client.readUntil("LIVE\n"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(client.readUntil("0\r\n\r\n"), HasSubstr("transfer-encoding: chunked\r\n"));
  EXPECT_THAT(client.readUntil("OK\n"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(client.readUntil("LIVE\n"), StartsWith("HTTP/1.1 200"));
  stop();
  EXPECT_THAT(source_.done, testing::ElementsAre("refreshStats", "drain graceful"));
}

TEST_F(AdminServerTest, requestsMayComeByteByByte) {
  start();
  Client client(address_);
  for (const char c : std::string_view("POST /reopen_logs HTTP/1.1\r\nHost: localhost\r\nTransfer-"
                                       "Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")) {
    client.send({&c, 1});
  }
  EXPECT_THAT(client.readUntil("OK\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(AdminServerTest, headHasNoBodyAndHttp10NoChunks) {
  start();
  EXPECT_THAT(ask("HEAD /ready HTTP/1.1\r\n"),
              AllOf(HasSubstr("content-length: 5\r\n"), Not(HasSubstr("LIVE"))));
  EXPECT_THAT(ask("HEAD /stats HTTP/1.1\r\n"), testing::EndsWith("\r\n\r\n"));
  EXPECT_THAT(ask("GET /clusters HTTP/1.0\r\n"), AllOf(Not(HasSubstr("transfer-encoding")),
                                                       HasSubstr("back::added_via_api::false\n")));
}

TEST_F(AdminServerTest, aClientThatHasSaidAllStillGetsItsPage) {
  start();
  Client client(address_);
  client.send("GET /clusters HTTP/1.1\r\nHost: localhost\r\n\r\n");
  client.finish();
  EXPECT_THAT(client.readAll(),
              AllOf(HasSubstr("other::added_via_api::false\n"), testing::EndsWith("0\r\n\r\n")));
}

TEST_F(AdminServerTest, refusesWhatIsTooLargeOrNotHttp) {
  start();
  const std::string large = "Content-Length: 65537\r\n";
  EXPECT_THAT(ask("POST /logging HTTP/1.1\r\n" + large), StartsWith("HTTP/1.1 413 "));
  const std::string chunk = "11000\r\n" + std::string(0x11000, 'x') + "\r\n0\r\n\r\n";
  EXPECT_THAT(ask("POST /logging HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", chunk),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(ask("GET /ready HTTP/1.1\r\nX: " + std::string(70'000, 'x') + "\r\n"),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(ask("\x16\x03\x01\x02"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(ask("GET /ready HTTP/1.1\r\nHost: twice\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(ask("POST /logging HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
              StartsWith("HTTP/1.1 400 "));
}

TEST_F(AdminServerTest, aBodyOf64KilobytesIsTaken) {
  start();
  Client client(address_);
  client.send(
      "POST /reopen_logs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65536\r\nExpect: "
      "100-continue\r\n\r\n");
  EXPECT_EQ(client.readUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send(std::string(65536, 'x'));
  EXPECT_THAT(client.readUntil("OK\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(AdminServerTest, foreignPagesAreRefused) {
  start();
  const auto post = [&](const std::string& fields) {
    Client client(address_);
    client.send("POST /quitquitquit HTTP/1.1\r\n" + fields + "Connection: close\r\n\r\n");
    return client.readAll();
  };
  EXPECT_THAT(post("Host: localhost\r\nOrigin: http://evil.example\r\n"),
              StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(post("Host: evil.example\r\nOrigin: http://evil.example\r\n"),
              StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(source_.done, IsEmpty());
  EXPECT_THAT(post("Host: localhost\r\nOrigin: http://localhost\r\n"), StartsWith("HTTP/1.1 200 "));
  stop();
  EXPECT_THAT(source_.done, testing::ElementsAre("quit"));
}

TEST_F(AdminServerTest, allowPathsLeavesOutTheRest) {
  AdminSettings settings;
  settings.allow_paths.push_back(StringMatcher::literal(StringMatcher::Kind::Exact, "/ready"));
  start(settings);
  EXPECT_THAT(ask("GET /ready?x HTTP/1.1\r\n"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask("GET /stats HTTP/1.1\r\n"),
              AllOf(StartsWith("HTTP/1.1 403 "), HasSubstr("request to path /stats not allowed")));
}

TEST_F(AdminServerTest, aSlowReaderOfALongPageHoldsNobodyUp) {
  fillStats();
  start();
  const std::string stats = "GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n";
  // More slow readers than there are page threads.
  std::vector<std::unique_ptr<Client>> slow;
  for (size_t i = 0; i < PageThreads::kThreads + 2; ++i) {
    slow.push_back(std::make_unique<Client>(address_, 4096));
    slow.back()->send(stats);
  }
  EXPECT_THAT(slow.front()->readUntil("\r\n\r\n"), HasSubstr("chunked"));
  EXPECT_THAT(ask("GET /ready HTTP/1.1\r\n"), StartsWith("HTTP/1.1 200 "));
  // One leaves in the middle; the others read on and get the whole page.
  slow.erase(slow.begin());
  for (auto& client : slow) {
    const std::string page = client->readUntil("\r\n0\r\n\r\n");
    EXPECT_GT(page.size(), 3'000'000u);
    EXPECT_THAT(page.substr(page.size() - 7), "\r\n0\r\n\r\n");
  }
  slow.front()->send("GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(slow.front()->readUntil("LIVE\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(AdminServerTest, stopsInTheMiddleOfAPage) {
  fillStats();
  start();
  Client client(address_, 4096);
  client.send("GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n");
  client.readUntil("\r\n\r\n");
  stop();
  EXPECT_EQ(connections_left_, 1u);
  EXPECT_THAT(client.readAll(), Not(HasSubstr("\r\n0\r\n\r\n")));
}

TEST_F(AdminServerTest, idleAndStalledClientsAreClosed) {
  fillStats();
  AdminSettings settings;
  settings.idle_timeout = 50ms;
  start(settings);
  Client idle(address_);
  Client half(address_);
  half.send("GET /ready HT");
  Client stalled(address_, 4096);
  stalled.send("GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(idle.ended());
  EXPECT_TRUE(half.ended());
  while (source_.store.value("listener.admin.downstream_cx_destroy") != 3)
    std::this_thread::yield();
  EXPECT_THAT(stalled.readAll(), Not(HasSubstr("\r\n0\r\n\r\n")));
  stop();
  EXPECT_EQ(connections_left_, 0u);
  EXPECT_EQ(source_.store.value("listener.admin.downstream_cx_total"), 3u);
  EXPECT_EQ(source_.store.value("listener.admin.downstream_cx_active"), 0u);
}

TEST_F(AdminServerTest, aConnectionThatIsIdleAfterAPageIsClosed) {
  fillStats();
  AdminSettings settings;
  settings.idle_timeout = 50ms;
  start(settings);
  Client client(address_);
  const auto begin = std::chrono::steady_clock::now();
  client.send("GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(client.readAll(), testing::EndsWith("\r\n0\r\n\r\n"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST_F(AdminServerTest, connectionsAreLimited) {
  AdminSettings settings;
  settings.max_connections = 2;
  start(settings);
  Client first(address_);
  Client second(address_);
  second.send("GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n");
  second.readUntil("LIVE\n");
  Client third(address_);
  EXPECT_TRUE(third.ended());
  stop();
  EXPECT_EQ(source_.store.value("listener.admin.downstream_cx_overflow"), 1u);
}

TEST_F(AdminServerTest, listensOnAUnixSocketWithoutLookingAtHost) {
  const std::string path = testing::TempDir() + "weir_admin_test.sock";
  AdminSettings settings;
  settings.address = *net::Address::unixPath(path);
  settings.unix_mode = 0600;
  start(settings);
  Client client(address_);
  client.send("GET /ready HTTP/1.1\r\nHost: anything.example\r\n\r\n");
  EXPECT_THAT(client.readUntil("LIVE\n"), StartsWith("HTTP/1.1 200"));
  stop();
  std::remove(path.c_str());
}

TEST_F(AdminServerTest, aTakenPortIsSaidClearly) {
  start();
  net::Loop loop;
  SampleSource other;
  AdminSettings settings;
  settings.address = address_;
  const auto server = AdminServer::open(loop, settings, other);
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().text, "cannot bind " + address_.text() +
                                     ": Address already in use; another process listens there");
}

TEST(AdminSettings, areReadFromTheBootstrap) {
  const auto read = [](const std::string& yaml, std::string& problems) {
    envoy::config::bootstrap::v3::Bootstrap bootstrap;
    Report report;
    EXPECT_TRUE(config::loadBootstrap({.yaml = yaml}, bootstrap, report)) << report.text();
    auto settings = readAdmin(bootstrap.admin(), Where(report).field("admin"));
    problems = report.text();
    return settings;
  };
  std::string problems;
  EXPECT_FALSE(read("node: {id: a}", problems));
  EXPECT_EQ(problems, "");
  const auto local = read(
      "admin: {address: {socket_address: {address: '::1', port_value: 9901}}, allow_paths: "
      "[{prefix: "
      "/stats}]}",
      problems);
  ASSERT_TRUE(local);
  EXPECT_EQ(problems, "");
  EXPECT_EQ(local->address.text(), "[::1]:9901");
  EXPECT_EQ(local->allow_paths.size(), 1u);
  ASSERT_TRUE(
      read("admin: {address: {socket_address: {address: 0.0.0.0, port_value: 1}}}", problems));
  EXPECT_THAT(problems, HasSubstr("others than this machine may reach 0.0.0.0:1"));
  EXPECT_FALSE(
      read("admin: {address: {socket_address: {address: name.example, port_value: 1}}}", problems));
  EXPECT_THAT(problems, HasSubstr("admin.address: "));
  EXPECT_FALSE(read(
      "admin: {address: {pipe: {path: /x}}, allow_paths: [{safe_regex: {regex: '('}}]}", problems));
  EXPECT_THAT(problems, HasSubstr("admin.allow_paths[0].safe_regex.regex: "));
}

}  // namespace
}  // namespace weir::admin
