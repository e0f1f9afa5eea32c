// A LogFile is one open log that all workers append lines to without ever waiting: each thread
// fills a buffer of its own and hands it, full or after the flush interval, to the LogThread, which
// alone writes. What waits to be written is bounded; beyond the bound lines are dropped and
// counted.
//
// Lines of one thread are written in their order. Owned by shared_ptr: whoever logs keeps it, and
// so does the LogThread until the last line is out.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "weir/stats.h"

namespace weir::telemetry {

// Envoy's filesystem.* stats, and the one it does not need because it blocks instead.
struct LogStats {
  explicit LogStats(const StatScope& root);

  Counter write_buffered;   // lines taken
  Counter write_completed;  // write() calls that went well
  Counter write_failed;
  Counter write_dropped;  // lines given up: too much waits, or the write failed
  Counter flushed_by_timer;
  Counter reopen_failed;
  Gauge write_total_buffered;  // bytes waiting
};

// Wakes the LogThread from any thread: an eventfd.
class Wake {
 public:
  Wake();
  ~Wake();
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;
  void ring();
  // Returns when rung, or after that time.
  void wait(std::chrono::milliseconds at_most);

 private:
  int fd_;
};

class LogFile {
 public:
  static constexpr size_t kBufferSize = 64 * 1024;
  static constexpr size_t kMaxWaiting = 4 * 1024 * 1024;

  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  struct Place;

  struct Chunk {
    std::string text;
    uint32_t lines = 0;
    uint64_t sequence = 0;  // among its thread's
    Place* home = nullptr;  // its thread's place
    Chunk* next = nullptr;
  };

  // One thread's place. The thread takes `current`, appends, and puts it back; the LogThread may
  // take it in between, which the thread notices by finding nothing there.
  struct Place {
    std::atomic<Chunk*> current{nullptr};
    std::atomic<Chunk*> spare{nullptr};  // an empty one for the thread's next turn
    uint64_t sequence = 0;               // the thread's own
  };

  // A Line is the place for one line; what was appended to text() is logged when it is destroyed.
  // Any thread; at most one at a time for each thread and file. Costs two atomic operations.
  class Line {
   public:
    explicit Line(LogFile& file) : file_(file), chunk_(file.take()) {}
    ~Line() { file_.give(chunk_); }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;
    std::string& text() { return chunk_->text; }

   private:
    LogFile& file_;
    Chunk* chunk_;
  };

  const std::string& path() const { return path_; }

 private:
  friend class LogThread;

  LogFile(std::string path, int fd, std::shared_ptr<Wake> wake, const LogStats& stats);

  Chunk* take();
  void give(Chunk* chunk);
  void enqueue(Chunk* chunk);
  Place& place();
  Place& makePlace();

  static void recycle(Chunk* chunk);

  // For the LogThread: writes the full buffers, or all; returns how many.
  enum class Take { Full, All };
  size_t drain(Take what);
  void writeOut(const Chunk& chunk);
  void reopen();

  const std::string path_;
  const uint32_t slot_;  // index of this file's places in every thread's table
  int fd_;
  const std::shared_ptr<Wake> wake_;
  const LogStats stats_;
  std::atomic<Chunk*> full_{nullptr};  // stack of full chunks
  std::atomic<size_t> waiting_{0};     // their bytes
  std::mutex places_mutex_;            // taken by a thread's first line and by the LogThread
  std::vector<std::unique_ptr<Place>> places_;
};

}  // namespace weir::telemetry
