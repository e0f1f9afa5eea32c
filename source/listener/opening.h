// An Opening is an accepted connection before its protocol is known. It makes way for whatever
// serves the connection, or closes it.
//
//   listener filters look at the first bytes -> the filter chain is matched -> [TLS] ->
//   network filters decide -> handed on
//
// It follows the plan that it began with, even when its listener has another one meanwhile.
// A listener that has to know nothing of its connections does without. Owned by itself through its
// listener's list, then its chain's; dies at the end of the turn in which it closes or makes way.
// One worker.
#pragma once

#include <memory>
#include <optional>

#include "source/listener/chain_connections.h"
#include "source/listener/drain.h"
#include "source/listener/listener_plan.h"
#include "source/stream/services.h"
#include "source/transport/connection.h"
#include "source/transport/server_connection.h"
#include "weir/network_filter.h"

namespace weir::listener {

class Opening;

// The listener, as an Opening sees it.
class OpeningOwner {
 public:
  // A filter chain was found: the opening counts as a connection of that chain from now on. Null:
  // the time for such is over.
  virtual ChainConnections* onChainMatched(Opening& opening, const FilterChainPtr& chain) = 0;
  // It ends before that.
  virtual void onOpeningFailed(Opening& opening) = 0;

 protected:
  ~OpeningOwner() = default;
};

class Opening final : public transport::ServerConnection,
                      transport::ConnectionUser,
                      net::TimerUser,
                      NetworkConnection {
 public:
  Opening(stream::Services& services, std::shared_ptr<const ListenerPlan> plan, OpeningOwner& owner,
          transport::ConnectionPtr connection, const transport::Accepted& accepted);
  ~Opening() override;

  // Once, when it stands in its list; may make way or close at once.
  void start();
  // The plan is its listener's no more. Once, before a chain is matched.
  void retire(const DrainPeriod& period);
  const std::optional<DrainPeriod>& retired() const { return retired_; }
  // Nothing has begun yet.
  void drain() override { close(); }
  // What serves the connection will be told.
  void leave() override {}
  void close() override;

 private:
  enum class Stage : uint8_t { Inspecting, Securing, Deciding, Held, Lingering, Over };

  // transport::ConnectionUser
  size_t onInput(char* data, size_t size) override;
  void onInputEnd() override;
  void onConnected() override;
  void onFailed(const Failure& failure) override;

  // NetworkConnection
  const ConnectionView& view() const override { return view_; }
  void setMetadata(std::string_view space, std::string_view key, std::string_view value) override {
    facts_->metadata.set(space, key, value);
  }
  uint64_t random() override { return services_.random.next(); }

  void onTimer() override;

  void armInspection();
  size_t inspect(std::string_view bytes);
  void matchChain();
  void secure();
  void decide();
  bool obey(const NetworkVerdict& verdict);
  void describe();
  void logRefusal(std::string_view details);
  void handOn();
  void wait(Stage stage, std::chrono::milliseconds time);

  stream::Services& services_;
  std::shared_ptr<const ListenerPlan> plan_;
  OpeningOwner& owner_;
  transport::ConnectionPtr connection_;
  transport::Accepted accepted_;
  std::shared_ptr<transport::ConnectionFacts> facts_;
  net::Timer timer_;
  size_t next_filter_ = 0;  // of the plan's listener filters
  std::unique_ptr<ListenerFilter> filter_;
  const FilterChainPlan* chain_ = nullptr;  // the plan's
  ChainConnections* group_ = nullptr;       // where it stands since its chain is known
  std::optional<DrainPeriod> retired_;
  NetworkFilters filters_;
  ConnectionView view_;
  Stage stage_ = Stage::Inspecting;
};

}  // namespace weir::listener
