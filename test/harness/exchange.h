// An Exchange drives filters through the real chain, in the test's process: a scripted client, the
// stream, its lanes and router, the cluster's pool, and a scripted origin behind a socket, in one
// loop whose time stands still until advance(). Deterministic. One thread.
//
//   Exchange x{filter(R"("@type": …)")};
//   x.origin({200, {{"a", "b"}}, "body"});
//   x.request("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");
//   EXPECT_EQ(x.status(), 200);
//
// One request after the other; settings and the origin's connections stay between them.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "test/harness/client.h"
#include "test/harness/config.h"
#include "test/harness/origin.h"

namespace weir::test {

class Exchange {
 public:
  // Fails the test when the configuration is refused.
  explicit Exchange(const Config& config);
  ~Exchange();
  Exchange(const Exchange&) = delete;

  // How an origin answers; 200 without a body when nothing was said.
  void origin(Reply reply) { originOf("origin").answer(std::move(reply)); }
  void origin(std::string_view cluster, Reply reply) { originOf(cluster).answer(std::move(reply)); }
  void origin(std::string_view cluster, Origin::Script script) {
    originOf(cluster).answer(std::move(script));
  }
  Origin& originOf(std::string_view cluster);
  // The cluster's endpoint is there from now on: something real in the place of its origin.
  void reach(std::string_view cluster, const net::Address& address);
  // Another cluster takes its place, with the same name, settings and endpoints; or none does.
  // Answers with the former one, which is gone when nothing uses it any more.
  std::weak_ptr<cluster::Cluster> replace(std::string_view cluster);
  std::weak_ptr<cluster::Cluster> remove(std::string_view cluster);
  // There is none of that name until bring().
  void takeAway(std::string_view cluster);
  void bring(std::string_view cluster);
  cluster::WantedClusters& wanted() { return clusters_.wanted(); }

  // Sends one request and runs until nothing moves any more without time passing. A request that is
  // still running vanishes first.
  void request(std::string_view bytes, const std::vector<size_t>& cuts = {});
  // The same up to its first byte of body, and then as much as the test says.
  void begin(std::string_view bytes, const std::vector<size_t>& cuts = {});
  void settle();
  // Fires every timer on the way.
  void advance(std::chrono::milliseconds time);
  // Until the request is finished, at most an hour.
  void finish();
  void vanish();
  void slowClient(bool slow) { client_->setSlow(slow); }
  // POST /healthcheck/fail.
  void failHealthCheck(bool failed) { services_.health_check_failed = failed; }
  // What the runtime says of a key from now on.
  RuntimeCell& runtime(std::string_view key) { return proxy_.runtime(key); }
  SteadyTime now() const { return clock_.at; }

  bool finished() const { return client_ != nullptr && client_->finished(); }
  bool requestPaused() const { return client_->paused(); }
  const Response& response() const { return client_->response(); }
  int status() const { return response().status; }  // 0: none yet
  const std::string& body() const { return response().body; }
  std::string field(std::string_view lower_name) const { return response().field(lower_name); }
  const std::string& details() const { return response().details; }
  bool has(ResponseFlag flag) const { return response().flags.has(flag); }

  // What the last request to the cluster was; a test failure when there was none.
  const Seen& originSaw(std::string_view cluster = "origin");
  size_t originRequests(std::string_view cluster = "origin") {
    return originOf(cluster).seen().size();
  }
  std::string upstreamHeader(std::string_view lower_name) { return originSaw().field(lower_name); }

  // A counter or gauge by its whole name ("http.test.fault.aborts_injected"); fails when unknown.
  uint64_t stat(std::string_view name);
  // How many values a histogram has; fails when unknown.
  uint64_t recorded(std::string_view histogram);

  // Properties. Each runs the request many times on this proxy.
  // However the body is split in two, and byte by byte, the outcome is the same.
  void everySplit(std::string_view bytes);
  // The client vanishes at each point where the exchange waits for something; nothing is left then,
  // and nothing is said to the dead stream. Answers at how many points it did.
  size_t cancelAtEveryWait(std::string_view bytes);

 private:
  struct ManualClock final : net::Clock {
    SteadyTime at{std::chrono::hours(1000)};
    SteadyTime now() override { return at; }
  };

  std::weak_ptr<cluster::Cluster> set(cluster::ClusterPtr& at, cluster::ClusterPtr next);
  bool step();
  void passTime(SteadyTime to);
  bool runTo(size_t steps);
  void expectNothingLeft();
  std::string outcome();

  ManualClock clock_;
  net::Loop loop_{&clock_};
  Proxy proxy_;
  cluster::WorkerClusters clusters_{loop_};
  stream::Services services_{loop_, clusters_, 1};
  uint64_t progress_ = 0;
  std::map<std::string, std::unique_ptr<Origin>, std::less<>> origins_;
  std::map<std::string, cluster::ClusterPtr, std::less<>> away_;
  std::unique_ptr<Client> client_;
};

}  // namespace weir::test
