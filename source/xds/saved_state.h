// A SavedState keeps what is accepted of one TypeState in a StateDirectory, soon after each change,
// and reads what an earlier process kept there. Owned by the TypeState; main thread.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "source/net/loop.h"
#include "source/xds/resource.h"
#include "source/xds/state_directory.h"

namespace weir::xds {

class TypeState;

class SavedState final : private net::TimerUser {
 public:
  // Changes within this time are saved together.
  static constexpr std::chrono::seconds kTogether{2};

  // `name`: of the file.
  SavedState(net::Loop& loop, StateDirectory& directory, std::string name, const TypeState& state)
      : loop_(loop), directory_(directory), name_(std::move(name)), state_(state), timer_(*this) {}

  void onChange();
  // What would be saved soon is saved now: the process ends.
  void finish();

  struct Earlier {
    std::map<std::string, ResourcePtr> resources;  // by name
    std::string version;                           // for people
    std::chrono::system_clock::time_point written;
  };
  // What an earlier process kept; null: nothing. Read once.
  const Earlier* earlier();

 private:
  void onTimer() override;

  net::Loop& loop_;
  StateDirectory& directory_;
  const std::string name_;
  const TypeState& state_;
  net::Timer timer_;
  bool read_ = false;
  std::unique_ptr<const Earlier> earlier_;
};

}  // namespace weir::xds
