#include "source/telemetry/log_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

namespace weir::telemetry {
namespace {

constinit std::atomic<uint32_t> g_next_slot{0};

// This thread's place in each file, by slot. Slots are never used twice, so an entry of a file that
// is gone is never read.
thread_local std::vector<void*> t_places;

bool writeAll(int fd, const std::string& text) {
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

}  // namespace

LogStats::LogStats(const StatScope& root) {
  const StatScope scope = root.scope("filesystem");
  write_buffered = scope.counter("write_buffered");
  write_completed = scope.counter("write_completed");
  write_failed = scope.counter("write_failed");
  write_dropped = scope.counter("write_dropped");
  flushed_by_timer = scope.counter("flushed_by_timer");
  reopen_failed = scope.counter("reopen_failed");
  write_total_buffered = scope.gauge("write_total_buffered");
}

Wake::Wake() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Wake::~Wake() { close(fd_); }

void Wake::ring() {
  const uint64_t one = 1;
  // Fails only when it was rung 2^64 - 1 times already.
  [[maybe_unused]] const ssize_t n = ::write(fd_, &one, sizeof(one));
}

void Wake::wait(std::chrono::milliseconds at_most) {
  pollfd waited{fd_, POLLIN, 0};
  poll(&waited, 1, static_cast<int>(at_most.count()));
  uint64_t rings = 0;
  [[maybe_unused]] const ssize_t n = ::read(fd_, &rings, sizeof(rings));
}

LogFile::LogFile(std::string path, int fd, std::shared_ptr<Wake> wake, const LogStats& stats)
    : path_(std::move(path)),
      slot_(g_next_slot.fetch_add(1, std::memory_order_relaxed)),
      fd_(fd),
      wake_(std::move(wake)),
      stats_(stats) {}

LogFile::~LogFile() {
  drain(Take::All);
  for (const auto& place : places_) {
    delete place->current.load(std::memory_order_relaxed);
    delete place->spare.load(std::memory_order_relaxed);
  }
  if (fd_ > STDERR_FILENO) close(fd_);
}

LogFile::Place& LogFile::makePlace() {
  auto made = std::make_unique<Place>();
  Place& place = *made;
  {
    std::lock_guard lock(places_mutex_);
    places_.push_back(std::move(made));
  }
  if (t_places.size() <= slot_) t_places.resize(slot_ + 1);
  t_places[slot_] = &place;
  return place;
}

LogFile::Place& LogFile::place() {
  if (slot_ < t_places.size() && t_places[slot_] != nullptr)
    return *static_cast<Place*>(t_places[slot_]);
  return makePlace();
}

LogFile::Chunk* LogFile::take() {
  Place& mine = place();
  Chunk* chunk = mine.current.exchange(nullptr, std::memory_order_acquire);
  if (chunk != nullptr) return chunk;
  chunk = mine.spare.exchange(nullptr, std::memory_order_acquire);
  if (chunk == nullptr) {
    chunk = new Chunk;
    chunk->text.reserve(kBufferSize + kBufferSize / 8);
    chunk->home = &mine;
  }
  chunk->sequence = mine.sequence++;
  return chunk;
}

void LogFile::give(Chunk* chunk) {
  ++chunk->lines;
  stats_.write_buffered.add();
  if (chunk->text.size() < kBufferSize) {
    place().current.store(chunk, std::memory_order_release);
  } else {
    enqueue(chunk);
  }
}

void LogFile::enqueue(Chunk* chunk) {
  const size_t size = chunk->text.size();
  if (waiting_.fetch_add(size, std::memory_order_relaxed) + size > kMaxWaiting) {
    waiting_.fetch_sub(size, std::memory_order_relaxed);
    stats_.write_dropped.add(chunk->lines);
    recycle(chunk);
    return;
  }
  chunk->next = full_.load(std::memory_order_relaxed);
  while (!full_.compare_exchange_weak(chunk->next, chunk, std::memory_order_release,
                                      std::memory_order_relaxed)) {
  }
  wake_->ring();
}

void LogFile::recycle(Chunk* chunk) {
  chunk->text.clear();
  chunk->lines = 0;
  delete chunk->home->spare.exchange(chunk, std::memory_order_acq_rel);
}

void LogFile::writeOut(const Chunk& chunk) {
  if (writeAll(fd_, chunk.text)) {
    stats_.write_completed.add();
  } else {
    stats_.write_failed.add();
    stats_.write_dropped.add(chunk.lines);
  }
}

// Buffers in use are taken first, the full ones after: whatever a thread filled before the buffer
// taken here is then among the full ones, and sorting restores its order.
size_t LogFile::drain(Take what) {
  std::vector<Chunk*> chunks;
  if (what == Take::All) {
    std::lock_guard lock(places_mutex_);
    for (const auto& place : places_) {
      if (Chunk* chunk = place->current.exchange(nullptr, std::memory_order_acquire))
        chunks.push_back(chunk);
    }
  }
  size_t waited = 0;
  for (Chunk* chunk = full_.exchange(nullptr, std::memory_order_acquire); chunk != nullptr;
       chunk = chunk->next) {
    waited += chunk->text.size();
    chunks.push_back(chunk);
  }
  std::sort(chunks.begin(), chunks.end(), [](const Chunk* a, const Chunk* b) {
    return std::tie(a->home, a->sequence) < std::tie(b->home, b->sequence);
  });
  for (Chunk* chunk : chunks) {
    writeOut(*chunk);
    recycle(chunk);
  }
  waiting_.fetch_sub(waited, std::memory_order_relaxed);
  stats_.write_total_buffered.set(waiting_.load(std::memory_order_relaxed));
  return chunks.size();
}

void LogFile::reopen() {
  if (fd_ <= STDERR_FILENO) return;
  const int fresh = open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fresh < 0) {
    stats_.reopen_failed.add();  // goes on writing to the file it has
    return;
  }
  close(fd_);
  fd_ = fresh;
}

}  // namespace weir::telemetry
