// A TroubleLog says in the log what Consul began to refuse, and what it answers again: one line for
// all that changed in a second for one reason, and none for what was over within it. Main thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "source/consul/query.h"
#include "source/net/loop.h"

namespace weir::consul {

class TroubleLog final : private net::TimerUser {
 public:
  static constexpr std::chrono::seconds kTogether{1};
  // `good`: it is over.
  using Say = std::function<void(bool good, const std::string& line)>;

  static void sayInLog(bool good, const std::string& line);

  TroubleLog(net::Loop& loop, Say say) : loop_(loop), say_(std::move(say)), timer_(*this) {}

  void began(const std::string& name, Reason reason, std::string detail);
  void ended(const std::string& name);
  // Nobody asks for it any more.
  void forget(const std::string& name) { troubles_.erase(name); }

 private:
  struct State {
    std::optional<Reason> now, said;
    std::string detail;
  };

  void onTimer() override;
  void soon();

  net::Loop& loop_;
  const Say say_;
  net::Timer timer_;
  std::map<std::string, State> troubles_;  // those that are, and those to be said to be over
};

}  // namespace weir::consul
