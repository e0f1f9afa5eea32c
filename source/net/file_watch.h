// A FileWatch tells that something in some directories has changed: a file was written and closed,
// made, or moved there. What, its owner finds out; events come together, so one telling stands for
// all of them. One loop's thread.
#pragma once

#include <event2/event_struct.h>

#include <chrono>
#include <functional>
#include <string>

#include "source/net/fd.h"
#include "source/net/loop.h"

namespace weir::net {

class FileWatch final : private TimerUser {
 public:
  // What is written file by file is mostly written within this time.
  static constexpr std::chrono::milliseconds kSettle{100};

  FileWatch(Loop& loop, std::function<void()> changed);
  FileWatch(const FileWatch&) = delete;
  ~FileWatch();

  // Again for a directory that may have been replaced. False, with errno: it cannot be watched.
  bool add(const std::string& directory);
  // What a change of a file shows in: its directory, and the one above, as a directory may be
  // replaced as a whole (Kubernetes swaps a link beside the file). A directory is watched itself,
  // too.
  void addFile(const std::string& path);

 private:
  static void onEvent(evutil_socket_t, short, void* self);
  void onTimer() override;

  Loop& loop_;
  const std::function<void()> changed_;
  Fd fd_;
  event event_{};
  Timer timer_;
};

}  // namespace weir::net
