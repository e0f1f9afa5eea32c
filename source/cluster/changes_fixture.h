// What tests of clusters that change under requests share: a server that the test plays on an
// abstract unix socket, and requests whose responses are kept.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "source/cluster/worker_cluster.h"
#include "source/net/still_clock.h"
#include "source/telemetry/stat_store.h"

namespace weir::cluster {

// A GET whose response is kept; or the near end of a TcpStream.
struct Request final : PoolWaiter, codec::ClientStreamUser {
  explicit Request(ChunkPool& chunks) : arena(chunks), head(arena) {
    head.setMethod("GET");
    head.path = "/";
    head.authority = "a.test";
  }
  ~Request() {
    if (stream != nullptr) stream->detach();
  }

  void onPoolReady(Client& client) override {
    stream = &client.begin(*this, bytes);
    stream->sendHead(head, true);
  }
  void onPoolFailure(const Failure& failure, bool) override { said = failure.detail; }
  Arena& responseArena() override { return arena; }
  void onUpstreamInterim(ResponseHead&) override {}
  void onUpstreamHead(ResponseHead& response, bool end) override {
    said += std::to_string(response.status) + " ";
    if (end) stream = nullptr;
  }
  void onUpstreamBody(std::string_view data, bool end) override {
    said += data;
    if (end) stream = nullptr;
  }
  void onUpstreamTrailers(Fields&) override { stream = nullptr; }
  void onUpstreamFailure(const Failure& failure) override {
    said += failure.detail;
    stream = nullptr;
  }
  void onUpstreamWritable() override {}

  Arena arena;
  RequestHead head;
  ByteMeter bytes;
  codec::ClientStream* stream = nullptr;
  std::string said;
};

class ClusterChangesTest : public testing::Test {
 protected:
  ClusterChangesTest() {
    const std::string name = "@weir-cluster-changes-" + std::to_string(::getpid());
    server_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const auto address = *net::Address::unixPath(name);
    EXPECT_EQ(net::bindTo(server_.get(), address), 0);
    EXPECT_EQ(::listen(server_.get(), 8), 0);
    auto endpoint = std::make_shared<Endpoint>();
    endpoint->address = address;
    auto set = std::make_shared<EndpointSet>();
    set->all.push_back(std::move(endpoint));
    endpoints_ = std::move(set);
  }
  ~ClusterChangesTest() override {
    net::Loop::Turn turn(loop_);
    clusters_.clear();
  }

  ClusterPtr make(const std::string& name, uint32_t slot = 0, const Cluster* former = nullptr) {
    settings_.name = name;
    auto cluster = std::make_shared<Cluster>(slot, settings_, StatScope(stats_).scope("c"), former);
    cluster->publish(endpoints_);
    return cluster;
  }
  std::weak_ptr<Cluster> put(const std::string& name, uint32_t slot = 0) {
    ClusterPtr cluster = make(name, slot);
    set(slot, cluster);
    return cluster;
  }
  void set(uint32_t slot, ClusterPtr cluster) {
    net::Loop::Turn turn(loop_);
    clusters_.set(slot, std::move(cluster));
  }
  WorkerCluster* find(uint32_t slot = 0) { return clusters_.find(slot, 0); }
  void acquire(Request& request, WorkerCluster& from) {
    net::Loop::Turn turn(loop_);
    from.choose(0)->acquire(request);
  }
  void turn() {
    for (int i = 0; i < 4; ++i) event_base_loop(loop_.base(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
  }
  net::Fd accept() {
    return net::Fd(::accept4(server_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  }
  static bool isClosed(const net::Fd& peer) {
    char buffer[1000];
    ssize_t n = 1;
    while (n > 0) n = ::recv(peer.get(), buffer, sizeof buffer, 0);
    return n == 0;
  }
  static std::string received(const net::Fd& peer) {
    char buffer[1000];
    const ssize_t n = ::recv(peer.get(), buffer, sizeof buffer, 0);
    return n <= 0 ? std::string() : std::string(buffer, static_cast<size_t>(n));
  }
  void answer(const net::Fd& peer, const std::string& body) {
    const std::string text =
        "HTTP/1.1 200 fine\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    say(peer, text);
  }
  void say(const net::Fd& peer, std::string_view text) {
    ASSERT_EQ(::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
    turn();
  }
  uint64_t stat(std::string_view name) { return stats_.value(name).value_or(~uint64_t{0}); }

  StatStore stats_;
  net::StillClock clock_;
  net::Loop loop_{&clock_};
  ChunkPool chunks_;
  net::Fd server_;
  EndpointSetPtr endpoints_;
  ClusterSettings settings_;
  WorkerClusters clusters_{loop_};
};

}  // namespace weir::cluster
