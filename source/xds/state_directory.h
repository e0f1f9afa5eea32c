// A StateDirectory keeps texts across starts of the process (--state-dir): each in a file that is
// whole or not there at all, also after a crash, readable by nobody else. A thread of its own
// writes, since disks are slow. One a server; main thread, and it outlives whoever writes to it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "weir/result.h"
#include "weir/stats.h"

namespace weir::xds {

class StateDirectory {
 public:
  // Makes the directory if need be. The error says why it cannot be used: others could write to it,
  // for one, and so decide where requests go.
  static Result<std::unique_ptr<StateDirectory>> open(std::string path, const StatScope& root);
  // Writes what is still to be written.
  ~StateDirectory();
  StateDirectory(const StateDirectory&) = delete;

  // A file's name for what has that title, as far as `key` tells it from others.
  static std::string nameOf(std::string_view title, std::string_view key);

  struct Kept {
    std::string text;
    std::chrono::system_clock::time_point written;
  };
  // "as they were saved at 2026-11-22 06:00:00 UTC"
  static std::string savedAt(std::chrono::system_clock::time_point written);
  // Nothing: there is no such file, or, as the log says, none that can be used.
  std::optional<Kept> read(const std::string& name) const;
  // Soon. A text that is still to be written under that name is forgotten.
  void write(const std::string& name, std::string text);
  // Returns when all of it is written, or cannot be.
  void flush();

 private:
  StateDirectory(std::string path, const StatScope& root);
  void run();
  void writeOut(const std::string& name, const std::string& text);
  std::optional<std::string> tryToWrite(const std::string& name, const std::string& text) const;

  const std::string path_;
  const Counter saved_, failed_;
  bool complained_ = false;  // the thread's

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::map<std::string, std::string> waiting_;
  bool writing_ = false;
  bool stop_ = false;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace weir::xds
