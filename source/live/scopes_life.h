// A ScopesLife brings a connection manager its scopes: those that its listener lists, or those that
// a control plane sends (SRDS), and the routes that they name (RDS), which scopes share. What the
// answers of one turn change, workers get as one plan. A scope that comes to name other routes
// keeps the former until those are known.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "source/live/route_life.h"
#include "source/stream/scopes.h"

namespace weir::live {

class ScopesLife final : public RouteLife, private xds::Watcher, private net::TurnEnd {
 public:
  struct Entry {
    stream::Scope scope;        // as it was said last
    xds::ResourcePtr resource;  // null: it is in the listener's list
    bool on_demand = false;
    stream::Scope in_force;  // without a plan: none, as its first routes are not known yet
  };

  ScopesLife(const Parts& parts, std::shared_ptr<stream::Hcm> hcm, Callbacks callbacks);
  ~ScopesLife() override;

  const stream::ScopesSpec& spec() const { return *plan_->scoped; }
  const std::map<std::string, Entry>& entries() const { return entries_; }
  // What the control plane said of scopes; null: it was not asked.
  const xds::TypeState* said() const { return srds_ == nullptr ? nullptr : &srds_->state(); }
  std::chrono::system_clock::time_point updated() const { return updated_; }

 private:
  using Changes = std::map<std::string, Entry>;

  void begin() override;
  std::vector<const RouteSubscription*> subscriptions() const override;
  std::vector<std::string> waitsFor() const override;
  const ScopesLife* scopes() const override { return this; }

  void beginList();
  void followScopes();
  void onUpdate(const xds::Update& update, std::vector<xds::Refusal>& refusals) override;
  void onFetchTimeout() override;
  // Nothing: it is in `changes`; else why it is not.
  std::optional<std::string> read(const xds::ResourcePtr& resource, Changes& changes) const;
  void refuseConflicts(const xds::Update& update, Changes& changes,
                       std::vector<xds::Refusal>& refusals) const;
  void followRoutes();
  // What is to be done when the turn ends: a plan is made of what is known now.
  void change();
  void onTurnEnd() override;
  void publish();
  void count() const;

  std::map<std::string, Entry> entries_;
  std::map<std::string, std::unique_ptr<RouteSubscription>> routes_;  // by name
  std::unique_ptr<xds::Watch> srds_;
  std::chrono::system_clock::time_point updated_;
  bool answered_ = false;  // by the control plane, if one was asked
  bool changed_ = true;    // since a plan was made last
  const StatScope scope_;
  const Counter reloads_;
  const Gauge reload_time_;  // ms since 1970
  const Gauge all_, active_, on_demand_;
};

}  // namespace weir::live
