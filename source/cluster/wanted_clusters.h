// WantedClusters are the names that requests of one worker wait for, because no cluster has them
// and somebody can make such clusters. Whoever waits goes on when the cluster stands in its slot,
// when there will be none, or when kPatience is over, counted from the name's first request.
// However many wait for a name, it is asked for once. Clients may choose the names: kMostNames are
// waited for at one time, and nothing is kept of one afterwards. Worker thread only.
//
//   serve()?, then wait() and settle() in any order
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "source/net/loop.h"
#include "weir/stats.h"

namespace weir::cluster {

class WantedClusters {
  struct Name;

 public:
  static constexpr size_t kMostNames = 128;
  static constexpr std::chrono::seconds kPatience{5};
  using Ask = std::function<void(const std::string& name)>;

  // Waits until it is told, or destroyed.
  class Waiter {
   public:
    Waiter(const Waiter&) = delete;

   protected:
    Waiter() = default;
    ~Waiter();

   private:
    friend class WantedClusters;
    // Once. Takes note of it, and does nothing else in this call.
    virtual void onSettled() = 0;

    Name* name_ = nullptr;
    std::list<Waiter*>::iterator at_;
  };

  explicit WantedClusters(net::Loop& loop);
  WantedClusters(const WantedClusters&) = delete;
  ~WantedClusters();

  // There is somebody who can make clusters. An answer is settle(), or the cluster itself.
  void serve(Ask ask, const StatScope& scope);
  // False: it is not worth waiting.
  bool wait(std::string_view name, Waiter& waiter);
  // There is such a cluster now, or there will be none.
  void settle(std::string_view name);

 private:
  using Names = std::map<std::string, std::unique_ptr<Name>, std::less<>>;
  void giveUp(std::string_view name);

  net::Loop& loop_;
  Ask ask_;  // empty: nobody can
  Names names_;
  Counter asked_, overflow_, timeout_;
};

}  // namespace weir::cluster
