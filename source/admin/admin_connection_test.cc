#include "source/admin/admin_connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "source/admin/others_asleep.h"

namespace weir::admin {
namespace {

using namespace std::chrono_literals;

constexpr size_t kPage = 50 << 20;

// Answers every request with a long page and counts how much of it was rendered.
struct LongPageHost final : AdminHost {
  explicit LongPageHost(net::Loop& loop) : threads(loop) {}
  Response respond(const Request&, std::string_view, std::optional<std::string_view>) override {
    Response response;
    response.page = [this](const Sink& sink) {
      const std::string piece(32 * 1024, 'x');
      for (size_t at = 0; at < kPage; at += piece.size()) {
        sink(piece);
        rendered += piece.size();
      }
    };
    return response;
  }
  std::string_view date() override { return "Sun, 06 Nov 1994 08:49:37 GMT"; }
  PageThreads& pages() override { return threads; }
  ChunkPool& chunks() override { return pool; }
  void onClosed(AdminConnection&) override { closed = true; }

  ChunkPool pool;
  std::atomic<size_t> rendered = 0;
  std::atomic<bool> closed = false;
  PageThreads threads;
};

TEST(AdminConnection, aPageIsRenderedOnlyAsFastAsItIsRead) {
  if (!tellsOfThreads()) GTEST_SKIP() << "no /proc here";
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  net::Fd client(ends[1]);
  net::Loop loop;
  LongPageHost host(loop);
  auto* connection = new AdminConnection(loop, host, 10s);
  connection->accept(net::Fd(ends[0]));
  std::thread server([&] { loop.run(); });
  const std::string_view request = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  ASSERT_EQ(::send(client.get(), request.data(), request.size(), 0),
            static_cast<ssize_t>(request.size()));
  awaitOthersAsleep();
  EXPECT_GT(host.rendered, 0u);
  EXPECT_LT(host.rendered, 2u << 20);

  size_t received = 0;
  std::string bytes(64 * 1024, '\0');
  while (!host.closed) {
    const ssize_t n = ::recv(client.get(), bytes.data(), bytes.size(), 0);
    if (n == 0) client.reset();
    if (n > 0) received += static_cast<size_t>(n);
  }
  EXPECT_GT(received, kPage);
  EXPECT_EQ(host.rendered, kPage);
  loop.stop();
  server.join();
}

}  // namespace
}  // namespace weir::admin
