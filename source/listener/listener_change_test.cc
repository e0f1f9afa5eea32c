// Sockets of listeners that come, go, and take each other's place: no client is refused.
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "test/harness/listener_fixture.h"

namespace weir::listener {
namespace {

class ListenerSockets : public ListenerFixture {
 protected:
  void change(std::vector<ListenerChange> changes) {
    listeners_.change(std::move(changes), Drain{10s});
  }
  static ListenerChange with(const Plan& plan) { return {plan->name, plan, {}, nullptr}; }
  static ListenerChange without(const std::string& name) { return {name, nullptr, {}, nullptr}; }
  template <typename... Changes>
  void changeAll(Changes&&... all) {
    std::vector<ListenerChange> changes;
    (changes.push_back(std::forward<Changes>(all)), ...);
    change(std::move(changes));
  }
  // Who answers there.
  std::string answers(const net::Address& at) {
    Wire client(at);
    if (!client.connected()) return "refused";
    client.ask();
    EXPECT_TRUE(soon([&] { return client.got("\r\n\r\n"); }));
    settle();
    const std::string said = client.take();
    return said.substr(said.find("\r\n\r\n") + 4);
  }
};

TEST_F(ListenerSockets, anotherNameTakesTheAddressOver) {
  const net::Address at = add(plan("a", chain("a")));
  EXPECT_EQ(answers(at), "a");
  std::deque<Wire> waiting;
  for (int i = 0; i < 20; ++i) {
    waiting.emplace_back(at).ask();
    const std::string came = i % 2 == 0 ? "b" : "a", went = i % 2 == 0 ? "a" : "b";
    if (i % 4 < 2) {
      changeAll(without(went), with(plan(came, chain(came))));
    } else {
      changeAll(with(plan(came, chain(came))), without(went));
    }
    waiting.emplace_back(at).ask();
    EXPECT_EQ(answers(at), came) << i;
  }
  for (Wire& client : waiting) {
    EXPECT_TRUE(client.connected());
    EXPECT_TRUE(soon([&] { return client.got("200 OK"); }));
  }
}

TEST_F(ListenerSockets, anAddressMoreAndOneLess) {
  const FilterChainPtr stays = chain("a");
  const net::Address first = add(plan("a", stays));
  Wire client(first);
  const Plan both = plan("a", stays);
  both->addresses.push_back(address("127.0.0.2"));
  std::vector<ListenerChange> changes(1);
  changes[0] = with(both);
  changes[0].sockets.resize(1);
  auto opened = openSockets(*both, both->addresses[1], 1);
  ASSERT_TRUE(opened);
  const net::Address second = net::Address::localOf(opened->front().get());
  changes[0].sockets.push_back(std::move(opened->front()));
  change(std::move(changes));
  EXPECT_EQ(answers(first), "a");
  EXPECT_EQ(answers(second), "a");
  const Plan other = plan("a", stays);
  other->addresses = {both->addresses[1]};
  changeAll(with(other));
  EXPECT_EQ(answers(first), "refused");
  EXPECT_EQ(answers(second), "a");
  client.ask();
  EXPECT_TRUE(soon([&] { return client.got("200 OK"); })) << "its chain is still there";
}

// Small answers leave at once; it costs no call for each connection.
TEST_F(ListenerSockets, whatIsAcceptedDoesNotWaitForMoreToSend) {
  const Plan made = plan("a", chain("a"));
  auto opened = openSockets(*made, made->addresses[0], 1);
  ASSERT_TRUE(opened);
  const int listening = opened->front().get();
  const Wire client(net::Address::localOf(listening));
  net::Fd accepted;
  ASSERT_TRUE(soon([&] {
    accepted = net::Fd(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));
    return static_cast<bool>(accepted);
  }));
  int on = 0;
  socklen_t size = sizeof on;
  ASSERT_EQ(::getsockopt(accepted.get(), IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
  EXPECT_EQ(on, 1);
}

TEST_F(ListenerSockets, addressesAreExchanged) {
  const auto on = [this](const std::string& name, const char* ip) {
    const Plan made = plan(name, chain(name));
    made->addresses = {address(ip)};
    return made;
  };
  const net::Address one = add(on("a", "127.0.0.1")), two = add(on("b", "127.0.0.2"));
  changeAll(with(on("a", "127.0.0.2")), with(on("b", "127.0.0.1")));
  EXPECT_EQ(answers(one), "b");
  EXPECT_EQ(answers(two), "a");
}

TEST_F(ListenerSockets, aSocketOfItsOwnIsPreferred) {
  const net::Address one = add(plan("a", chain("a"))), two = add(plan("b", chain("b")));
  changeAll(with(plan("b", chain("b2"))), with(plan("a", chain("a2"))), without("c"));
  EXPECT_EQ(answers(one), "a2");
  EXPECT_EQ(answers(two), "b2");
  const Plan moved = plan("a", chain("a3"));
  std::vector<ListenerChange> changes(1);
  changes[0] = with(moved);
  changes[0].sockets.push_back(socket(*moved));
  const net::Address third = net::Address::localOf(changes[0].sockets[0].get());
  change(std::move(changes));
  EXPECT_EQ(answers(third), "a3");
  EXPECT_EQ(answers(one), "refused") << "a new socket takes the place of the one for its address";
}

TEST_F(ListenerSockets, overloadHoldsNewListenersBack) {
  services_.overload.stop_accepting = true;
  const net::Address at = add(plan("a", chain("a")));
  Wire client(at);
  client.ask();
  settle();
  EXPECT_FALSE(client.got("200"));
  services_.overload.stop_accepting = false;
  listeners_.forEach([](WorkerListener& listener) { listener.obeyOverload(); });
  EXPECT_TRUE(soon([&] { return client.got("200 OK"); }));
}

// Two workers' listeners; the test takes what they hand over.
TEST_F(ListenerSockets, aHandedConnectionFindsItsListenerAgain) {
  const Plan made = plan("a", chain("a"));
  made->exact_balance = true;
  made->global_limit = std::make_shared<ConnectionLimit>(1);
  auto balance = std::make_shared<Balance>(2);
  std::vector<HandedSocket> handed;
  balance->hand_over = [&](size_t, HandedSocket socket) { handed.push_back(std::move(socket)); };
  std::vector<ListenerChange> changes(1);
  changes[0] = {"a", made, {}, balance};
  changes[0].sockets.push_back(socket(*made));
  const net::Address at = net::Address::localOf(changes[0].sockets[0].get());
  change(std::move(changes));
  balance->connections[0].value = 5;
  Wire client(at);
  client.ask();
  ASSERT_TRUE(soon([&] { return handed.size() == 1; }));
  EXPECT_EQ(balance->connections[1].value, 1u);
  const Plan next = plan("a", chain("next"));
  next->exact_balance = true;
  changeAll(with(next));
  EXPECT_FALSE(made->global_limit->take());
  {
    net::Loop::Turn turn(loop_);
    listeners_.adopt(handed[0]);
  }
  EXPECT_TRUE(made->global_limit->take()) << "the next plan has no limit";
  EXPECT_TRUE(soon([&] { return client.got("next"); })) << "whatever plan it was accepted by";

  balance->connections[0].value = 5;
  Wire second(at), third(at);
  second.ask();
  third.ask();
  ASSERT_TRUE(soon([&] { return handed.size() == 3; }));
  changeAll(without("a"));
  {
    net::Loop::Turn turn(loop_);
    listeners_.adopt(handed[1]);
  }
  EXPECT_TRUE(soon([&] { return second.got("next") && second.got("connection: close"); }));
  pass(11s);
  {
    net::Loop::Turn turn(loop_);
    listeners_.adopt(handed[2]);
  }
  EXPECT_TRUE(soon([&] { return third.ended(); })) << "nobody is left to serve it";
}

}  // namespace
}  // namespace weir::listener
