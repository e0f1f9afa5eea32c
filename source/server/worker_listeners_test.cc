// Workers that serve while the main thread changes their listeners and routes.
#include "source/server/worker.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <deque>
#include <functional>
#include <optional>
#include <thread>

#include "source/listener/socket.h"
#include "test/harness/config.h"

namespace weir::server {
namespace {

using namespace std::chrono_literals;

constexpr size_t kWorkers = 2;

bool soon(const std::function<bool()>& is_true) {
  const auto limit = std::chrono::steady_clock::now() + 30s;
  while (!is_true()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::yield();
  }
  return true;
}

// Asks again and again, in a thread of its own, as long as it lives: on one connection while that
// is open, and on a new one when the proxy said that it would close.
class Client {
 public:
  // `each`: how many requests before it leaves by itself.
  Client(net::Address at, int each) : at_(std::move(at)), each_(each) {}
  ~Client() { stop(); }
  void stop() {
    over_ = true;
    if (thread_.joinable()) thread_.join();
  }

  std::atomic<uint64_t> answered{0};
  std::atomic<uint64_t> refused{0};  // not connected
  std::atomic<uint64_t> failed{0};   // no answer, or half of one

 private:
  void run() {
    while (!over_) serveOne();
  }
  void serveOne() {
    net::Fd fd(::socket(at_.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{30, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const linger at_once{1, 0};  // thousands of connections would wait for their end
    ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    if (net::connectTo(fd.get(), at_) != 0) return static_cast<void>(++refused);
    for (int i = 0; i < each_ && !over_; ++i) {
      constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nhost: t\r\n\r\n";
      ::send(fd.get(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL);
      const std::string response = receive(fd.get());
      // One that had been idle for a second might have closed before the request came.
      if (response.empty() && i != 0) return;
      if (!response.ends_with("\r\n\r\nok")) return static_cast<void>(++failed);
      ++answered;
      if (response.find("connection: close\r\n") != response.npos) return;
    }
  }
  static std::string receive(int fd) {
    std::string all;
    char bytes[4096];
    while (!all.ends_with("\r\n\r\nok")) {
      const ssize_t size = ::recv(fd, bytes, sizeof bytes, 0);
      if (size <= 0) break;
      all.append(bytes, static_cast<size_t>(size));
    }
    return all;
  }

  const net::Address at_;
  const int each_;
  std::atomic<bool> over_{false};
  std::thread thread_{[this] { run(); }};
};

class WorkerTest : public testing::Test {
 protected:
  using Plan = std::shared_ptr<listener::ListenerPlan>;

  WorkerTest() {
    for (size_t i = 0; i < kWorkers; ++i) {
      workers_.push_back(std::make_unique<Worker>(i, i + 1));
    }
  }
  ~WorkerTest() override { stop(); }
  void stop() {
    for (auto& worker : workers_) worker->stop();
    for (auto& worker : workers_) worker->join();
    workers_.clear();
  }

  std::shared_ptr<const stream::HcmPlan> routes() {
    auto& proxy = proxies_.emplace_back(test::noFilter().withRoutes(
        "- match: {prefix: /}\n  direct_response: {status: 200, body: {inline_string: ok}}\n"));
    EXPECT_NE(proxy.plan, nullptr) << proxy.report.text();
    return proxy.plan;
  }
  listener::FilterChainPtr chain() {
    auto made = std::make_shared<listener::FilterChainPlan>();
    made->hcm = std::make_shared<stream::Hcm>(routes(), kWorkers);
    return made;
  }
  Plan plan(const std::string& name, listener::FilterChainPtr chain) {
    auto made = std::make_shared<listener::ListenerPlan>(name, StatScope(stats_).scope("listener"));
    made->addresses.emplace_back().address = *net::Address::ip("127.0.0.1", 0);
    made->chains.push_back(std::move(chain));
    made->only_chain = true;
    return made;
  }
  std::shared_ptr<listener::Balance> balance() {
    auto made = std::make_shared<listener::Balance>(kWorkers);
    made->hand_over = [this](size_t worker, listener::HandedSocket socket) {
      workers_[worker]->handOver(std::move(socket));
    };
    return made;
  }
  void change(size_t worker, listener::ListenerChange change, const listener::Drain& drain = {}) {
    std::vector<listener::ListenerChange> changes;
    changes.push_back(std::move(change));
    workers_[worker]->changeListeners(std::move(changes), drain);
  }
  void remove(const std::string& name) {
    for (size_t i = 0; i < kWorkers; ++i) change(i, {name, nullptr, {}, nullptr}, {0s});
  }
  net::Address add(const Plan& plan) {
    auto sockets = listener::openSockets(*plan, plan->addresses[0], kWorkers);
    EXPECT_TRUE(sockets) << sockets.error().text;
    const net::Address at = net::Address::localOf(sockets->front().get());
    const auto shared = balance();
    for (size_t i = 0; i < kWorkers; ++i) {
      std::vector<net::Fd> own;
      own.push_back(std::move((*sockets)[i]));
      change(i, {plan->name, plan, std::move(own), shared});
    }
    return at;
  }
  void start() {
    for (auto& worker : workers_) worker->start();
  }
  // The worker has done all that was posted before.
  void fence() {
    for (auto& worker : workers_) {
      std::atomic<bool> done{false};
      worker->hold(std::shared_ptr<const void>(&done, [&](const void*) { done = true; }));
      ASSERT_TRUE(soon([&] { return done.load(); }));
    }
  }
  uint64_t connections() {
    uint64_t sum = 0;
    for (auto& worker : workers_) worker->countConnections();
    fence();
    for (auto& worker : workers_) sum += worker->connections();
    return sum;
  }
  uint64_t stat(std::string_view name) { return stats_.value(name).value_or(~uint64_t{0}); }

  StatStore stats_;
  std::deque<test::Proxy> proxies_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

TEST_F(WorkerTest, nothingFailsWhileEverythingChanges) {
  const Plan first = plan("a", chain());
  first->exact_balance = true;
  const net::Address at = add(first);
  start();
  Client keeps(at, 1'000'000), comes(at, 1), both(at, 20);
  listener::FilterChainPtr current = first->chains[0];
  for (int i = 0; i < 60; ++i) {
    const uint64_t before = keeps.answered + comes.answered + both.answered;
    if (i % 3 == 0) {
      const auto next = routes();
      for (auto& worker : workers_) worker->setPlan(current->hcm, next);
    } else {
      if (i % 3 == 1) current = chain();
      const Plan next = plan("a", current);
      next->exact_balance = i % 2 == 0;
      for (size_t k = 0; k < kWorkers; ++k) change(k, {"a", next, {}, nullptr}, {10s, i % 2 == 0});
    }
    ASSERT_TRUE(soon([&] { return keeps.answered + comes.answered + both.answered > before + 3; }));
  }
  for (Client* client : {&keeps, &comes, &both}) {
    client->stop();
    EXPECT_EQ(client->refused, 0u);
    EXPECT_EQ(client->failed, 0u);
  }
  remove("a");
  EXPECT_TRUE(soon([&] { return connections() == 0; }));
  EXPECT_EQ(stat("listener.downstream_cx_active"), 0u);
  EXPECT_EQ(stat("listener.downstream_cx_total"), stat("listener.downstream_cx_destroy"));
}

TEST_F(WorkerTest, anAddressGoesFromListenerToListener) {
  const net::Address at = add(plan("0", chain()));
  start();
  Client one(at, 1), other(at, 3);
  for (int i = 0; i < 50; ++i) {
    const uint64_t before = one.answered + other.answered;
    const Plan next = plan(std::to_string(i + 1), chain());
    const auto shared = balance();
    for (auto& worker : workers_) {
      std::vector<listener::ListenerChange> changes(2);
      changes[0].name = std::to_string(i);
      changes[1] = {next->name, next, {}, shared};
      worker->changeListeners(std::move(changes), {10s});
    }
    ASSERT_TRUE(soon([&] { return one.answered + other.answered > before + 3; }));
  }
  for (Client* client : {&one, &other}) {
    client->stop();
    EXPECT_EQ(client->refused, 0u);
    EXPECT_EQ(client->failed, 0u);
  }
}

// A plan with a work of its own and one that it may share, as filters' plans have them.
struct Working {
  struct Count {
    std::atomic<int> begun{0}, ended{0};
  };
  struct Work {
    explicit Work(Count& count)
        : running(std::make_shared<stream::BackgroundWork>([&count](Async& async) -> Task<Done> {
            struct End {
              ~End() { ++count.ended; }
              Count& count;
            } end{count};
            ++count.begun;
            co_await async.sleep(10h);
            co_return Done{};
          })),
          handle(running) {}
    std::shared_ptr<stream::BackgroundWork> running;
    Background handle;
  };

  explicit Working(std::vector<std::shared_ptr<Work>> all)
      : plan(StatScope(), StatScope()), works(std::move(all)) {
    plan.chains.shared = std::make_shared<const stream::Chain>(std::vector<stream::ChainSlot>{});
    for (const auto& work : works) plan.background.push_back(work->running);
  }
  static std::shared_ptr<const stream::HcmPlan> make(std::vector<std::shared_ptr<Work>> all) {
    auto made = std::make_shared<Working>(std::move(all));
    return {made, &made->plan};
  }

  stream::HcmPlan plan;
  std::vector<std::shared_ptr<Work>> works;
};

TEST_F(WorkerTest, backgroundWorkFollowsThePlans) {
  Working::Count old_count, shared_count, new_count;
  auto shared = std::make_shared<Working::Work>(shared_count);
  auto chain = std::make_shared<listener::FilterChainPlan>();
  chain->hcm = std::make_shared<stream::Hcm>(
      Working::make({std::make_shared<Working::Work>(old_count), shared}), kWorkers);
  add(plan("a", chain));
  EXPECT_EQ(old_count.begun, 0) << "before the workers run";
  start();
  EXPECT_TRUE(soon([&] { return old_count.begun == 1 && shared_count.begun == 1; }));
  {
    const auto next = Working::make({shared, std::make_shared<Working::Work>(new_count)});
    for (auto& worker : workers_) worker->setPlan(chain->hcm, next);
  }
  EXPECT_TRUE(soon([&] { return new_count.begun == 1 && old_count.ended == 1; }));
  EXPECT_EQ(shared_count.ended, 0);
  {
    // A listener more brings its own; one that goes takes its with it.
    auto another = std::make_shared<listener::FilterChainPlan>();
    another->hcm = std::make_shared<stream::Hcm>(Working::make({shared}), kWorkers);
    add(plan("b", another));
    remove("a");
    chain.reset();
  }
  EXPECT_TRUE(soon([&] { return new_count.ended == 1; }));
  fence();
  EXPECT_EQ(shared_count.begun, 1);
  EXPECT_EQ(shared_count.ended, 0);
  shared.reset();
  stop();
  EXPECT_EQ(shared_count.ended, 1);
}

}  // namespace
}  // namespace weir::server
