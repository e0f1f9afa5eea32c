// Against a real redis-server, which listens on a unix socket only.
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "source/net/address.h"
#include "source/net/fd.h"
#include "test/harness/exchange.h"
#include "test/harness/sketches/sketches.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <thread>

namespace weir::sketches {
namespace {

using namespace std::chrono_literals;
using test::Exchange;

class RedisServer {
 public:
  RedisServer() {
    char folder[] = "/tmp/redis-limit-XXXXXX";
    folder_ = ::mkdtemp(folder);
    socket_ = folder_ + "/redis.sock";
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket_.c_str(),
             "--save", "", "--appendonly", "no", "--dir", folder_.c_str(), "--logfile",
             (folder_ + "/log").c_str(), nullptr);
    ::_exit(127);
  }
  ~RedisServer() {
    stop();
    std::filesystem::remove_all(folder_);
  }
  // False: there is no redis-server on this machine.
  bool started() {
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (!answers()) {
      if (::waitpid(pid_, nullptr, WNOHANG) == pid_) return pid_ = 0, false;
      if (std::chrono::steady_clock::now() > limit) return false;
      std::this_thread::yield();
    }
    return true;
  }
  void stop() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  const std::string& socket() const { return socket_; }

 private:
  bool answers() const {
    const auto address = net::Address::unixPath(socket_);
    const net::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return net::connectTo(fd.get(), *address) == 0;
  }

  std::string folder_, socket_;
  pid_t pid_ = 0;
};

class RedisLimitSketch : public testing::Test {
 protected:
  void SetUp() override {
    if (redis_.started()) {
      x_.reach("redis", *net::Address::unixPath(redis_.socket()));
    } else {
      GTEST_SKIP() << "redis-server is missing";
    }
  }

  // The status of one request. Redis runs in real time, in which it is polled.
  int take(std::string_view client) {
    x_.request("GET / HTTP/1.1\r\nhost: a.test\r\nx-client: " + std::string(client) + "\r\n\r\n");
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (!x_.finished() && std::chrono::steady_clock::now() < limit) x_.settle();
    return x_.status();
  }

  RedisServer redis_;
  Exchange x_{test::filter(R"(
"@type": type.googleapis.com/weir.sketches.RedisLimit
cluster: redis
requests: 2
window: 3600s
)")
                  .cluster("redis")
                  .knowing(installRedisLimit)};
};

TEST_F(RedisLimitSketch, CountsEachClientOnOneConnection) {
  EXPECT_EQ(take("ann"), 200);
  EXPECT_EQ(take("ann"), 200);
  EXPECT_EQ(take("bob"), 200);
  EXPECT_EQ(take("ann"), 429);
  EXPECT_EQ(x_.field("retry-after"), "3600");
  EXPECT_TRUE(x_.has(ResponseFlag::RateLimited));
  EXPECT_EQ(x_.stat("http.test.redis_limit.over_limit"), 1u);
  EXPECT_EQ(x_.stat("http.test.redis_limit.error"), 0u);
  EXPECT_EQ(x_.stat("cluster.redis.upstream_cx_total"), 1u);
  EXPECT_EQ(x_.stat("cluster.redis.upstream_rq_total"), 4u);
}

TEST_F(RedisLimitSketch, ManyWhoLeaveDoNotMixUpTheReplies) {
  for (int i = 0; i < 50; ++i) {
    x_.begin("GET / HTTP/1.1\r\nhost: a.test\r\nx-client: eve\r\n\r\n");
    x_.vanish();
  }
  EXPECT_EQ(take("fay"), 200);
  EXPECT_EQ(take("fay"), 200);
  EXPECT_EQ(take("fay"), 429);
  EXPECT_EQ(take("eve"), 429);
  EXPECT_EQ(x_.stat("cluster.redis.upstream_cx_total"), 1u);
}

TEST_F(RedisLimitSketch, CountsForItselfWhenRedisIsGone) {
  EXPECT_EQ(take("ann"), 200);
  redis_.stop();
  EXPECT_EQ(take("ann"), 200);
  EXPECT_EQ(take("ann"), 200) << "the worker's own count began at 0";
  EXPECT_EQ(take("ann"), 429);
  EXPECT_EQ(x_.stat("http.test.redis_limit.error"), 3u);
  EXPECT_EQ(x_.stat("cluster.redis.upstream_rq_active"), 0u);
}

}  // namespace
}  // namespace weir::sketches
