#include "source/telemetry/log_thread.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace weir::telemetry {

using Clock = std::chrono::steady_clock;

LogThread::LogThread(const StatScope& root, std::chrono::milliseconds flush_interval)
    : stats_(root),
      flush_interval_(flush_interval),
      wake_(std::make_shared<Wake>()),
      thread_([this] { run(); }) {}

LogThread::~LogThread() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_->ring();
  thread_.join();
}

Result<std::shared_ptr<LogFile>> LogThread::open(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (auto found = files_.find(path); found != files_.end()) return found->second;
  int fd = -1;
  if (path == "/dev/stdout") {
    fd = STDOUT_FILENO;
  } else if (path == "/dev/stderr") {
    fd = STDERR_FILENO;
  } else {
    // Reading is asked for, too, because opening a pipe only for writing would wait for its reader.
    fd = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EACCES)
      fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK);
  }
  if (fd < 0) return Error{"", "unable to open file '" + path + "': " + std::strerror(errno)};
  std::shared_ptr<LogFile> file(new LogFile(path, fd, wake_, stats_));
  files_.emplace(path, file);
  return file;
}

void LogThread::reopen() {
  {
    std::lock_guard lock(mutex_);
    reopen_ = true;
  }
  wake_->ring();
}

void LogThread::flush() {
  std::unique_lock lock(mutex_);
  const uint64_t mine = ++flushes_wanted_;
  wake_->ring();
  flushed_.wait(lock, [&] { return flushes_done_ >= mine; });
}

// Writes without holding the lock; files that nobody logs to any more are closed.
void LogThread::turn(LogFile::Take what) {
  std::vector<std::shared_ptr<LogFile>> files;
  bool reopen = false;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [path, file] : files_) files.push_back(file);
    reopen = std::exchange(reopen_, false);
  }
  if (reopen) what = LogFile::Take::All;  // lines of before belong in the old file
  for (const auto& file : files) {
    const size_t written = file->drain(what);
    if (what == LogFile::Take::All && written > 0) stats_.flushed_by_timer.add();
    if (reopen) file->reopen();
  }
  files.clear();
  if (what == LogFile::Take::Full) return;
  std::lock_guard lock(mutex_);
  std::erase_if(files_, [](const auto& entry) { return entry.second.use_count() == 1; });
}

void LogThread::run() {
  pthread_setname_np(pthread_self(), "weir:log");
  const StatThread counting;
  auto next_flush = Clock::now() + flush_interval_;
  for (bool stop = false; !stop;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_flush - Clock::now());
    wake_->wait(std::max(left, std::chrono::milliseconds(0)));
    uint64_t wanted = 0;
    bool all = Clock::now() >= next_flush;
    {
      std::lock_guard lock(mutex_);
      stop = stop_;
      wanted = flushes_wanted_;
      all = all || stop || wanted != flushes_done_;
    }
    turn(all ? LogFile::Take::All : LogFile::Take::Full);
    if (!all) continue;
    next_flush = Clock::now() + flush_interval_;
    std::lock_guard lock(mutex_);
    flushes_done_ = wanted;
    flushed_.notify_all();
  }
}

}  // namespace weir::telemetry
