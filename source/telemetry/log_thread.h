// The LogThread is the one thread that writes log files: access logs of all workers. One a server,
// made before the workers and destroyed after them; its destructor writes every line that was
// logged. open(), reopen() and flush() are called by any thread but a worker, since they may wait.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "source/telemetry/log_file.h"
#include "source/telemetry/stat_cells.h"
#include "weir/result.h"

namespace weir::telemetry {

class LogThread {
 public:
  // A line waits at most `flush_interval` until it is handed to the kernel.
  explicit LogThread(const StatScope& root,
                     std::chrono::milliseconds flush_interval = std::chrono::seconds(1));
  ~LogThread();
  LogThread(const LogThread&) = delete;
  LogThread& operator=(const LogThread&) = delete;

  // Opens for appending, making the file if need be. The same path gives the same LogFile.
  // "/dev/stdout" and "/dev/stderr" are the process's own, whatever they are.
  Result<std::shared_ptr<LogFile>> open(const std::string& path);

  // Soon closes and opens every file anew, as after a rotation. Async-signal-unsafe: the handler of
  // SIGUSR1 tells the main thread, which calls this.
  void reopen();
  // Returns when every line logged before the call has been written.
  void flush();

 private:
  void run();
  void turn(LogFile::Take what);

  const LogStats stats_;
  const std::chrono::milliseconds flush_interval_;
  const std::shared_ptr<Wake> wake_;

  std::mutex mutex_;  // guards all below
  std::condition_variable flushed_;
  std::map<std::string, std::shared_ptr<LogFile>, std::less<>> files_;
  uint64_t flushes_wanted_ = 0;
  uint64_t flushes_done_ = 0;
  bool reopen_ = false;
  bool stop_ = false;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace weir::telemetry
