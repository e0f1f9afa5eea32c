// Places hands out a limited number of places, first come first served: how many questions may be
// under way at one time. A place goes back when it is destroyed. Outlives its places and whoever
// waits for one; main thread.
#pragma once

#include <cstddef>
#include <list>
#include <utility>

#include "source/net/loop.h"
#include "weir/pending.h"

namespace weir::consul {

class Places {
 public:
  class Place {
   public:
    explicit Place(Places& of) : of_(&of) {}
    Place(Place&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (of_ != nullptr) of_->giveBack();
    }

   private:
    Places* of_;
  };

  Places(net::Loop& loop, size_t most) : loop_(loop), most_(most) {}
  Places(const Places&) = delete;

  // Whoever stops waiting destroys it.
  Pending<Place> next();
  // Places that are taken already stay so.
  void allow(size_t most);

  size_t most() const { return most_; }
  size_t taken() const { return taken_; }
  size_t waiting() const { return queue_.size(); }

 private:
  class Wait;
  void giveBack();
  void handOut();

  net::Loop& loop_;
  size_t most_;
  size_t taken_ = 0;
  std::list<Wait*> queue_;
};

}  // namespace weir::consul
