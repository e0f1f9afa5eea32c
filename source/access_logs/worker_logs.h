// WorkerLogs is one worker's share of the access logs that services take: the LogStreams that it
// has opened. Made with the worker and its Services, which outlive it; used on the worker's thread
// only.
//
//   begin  (open)*  end
#pragma once

#include <memory>
#include <vector>

#include "source/access_logs/log_stream.h"
#include "source/stream/services.h"

namespace weir::access_logs {

class WorkerLogs {
 public:
  explicit WorkerLogs(stream::Services& services) : services_(services) {}
  WorkerLogs(const WorkerLogs&) = delete;
  ~WorkerLogs();

  // From now on the calling thread is the worker's.
  void begin();
  // Null: the thread is no worker's.
  static WorkerLogs* here();

  std::shared_ptr<LogStream> open(std::shared_ptr<const LogSettings> settings);
  // When the loop no longer runs, and before clusters go: runs it until all that waited was taken,
  // LogStream::kLastWords at most.
  void end();

 private:
  stream::Services& services_;
  std::vector<std::shared_ptr<LogStream>> streams_;
};

}  // namespace weir::access_logs
