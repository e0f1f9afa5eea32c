// PageThreads render long pages away from the main thread, which has deadlines to keep; a Page Job
// is one page on its way to one client. A renderer that is ahead of its client waits, so that a
// page of any size costs kMostBuffered bytes. Threads are started when needed, at most kThreads,
// and run with less priority than traffic.
//
//   main thread: start, (take)*, [cancel]        page thread: (put)*, finish
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "source/net/loop.h"
#include "source/telemetry/page.h"

namespace weir::admin {

using Renderer = std::function<void(const telemetry::Sink&)>;

// Told, in a turn of the loop, that take() has something new to say.
class PageReader {
 public:
  virtual void onPageReady() = 0;

 protected:
  ~PageReader() = default;
};

class PageJob {
 public:
  static constexpr size_t kMostBuffered = 128 * 1024;

  PageJob(net::Loop& loop, PageReader& reader, Renderer render)
      : loop_(loop), reader_(&reader), render_(std::move(render)) {}

  // The loop's thread. What is there, and whether that was the last of it; onPageReady() comes
  // after a take that was not.
  struct Taken {
    std::string text;
    bool last = false;
  };
  Taken take();
  // The reader is told nothing more, and what is rendered is thrown away.
  void cancel();

 private:
  friend class PageThreads;
  static void render(const std::shared_ptr<PageJob>& self);
  void put(std::string_view text, const std::shared_ptr<PageJob>& self);
  void tell(const std::shared_ptr<PageJob>& self);  // with mutex_ held

  net::Loop& loop_;
  PageReader* reader_;  // the loop's thread only; null: cancelled
  Renderer render_;

  std::mutex mutex_;  // guards all below
  std::condition_variable room_;
  std::string buffer_;
  bool told_ = false;  // onPageReady() is on its way
  bool finished_ = false;
  bool cancelled_ = false;
};

class PageThreads {
 public:
  static constexpr size_t kThreads = 4;

  explicit PageThreads(net::Loop& loop) : loop_(loop) {}
  PageThreads(const PageThreads&) = delete;
  PageThreads& operator=(const PageThreads&) = delete;
  // Cancel all jobs first. Waits for renderers to come to their end.
  ~PageThreads();

  std::shared_ptr<PageJob> start(PageReader& reader, Renderer render);

 private:
  void run();

  net::Loop& loop_;
  std::mutex mutex_;  // guards all below
  std::condition_variable work_;
  std::deque<std::shared_ptr<PageJob>> jobs_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool stop_ = false;
};

}  // namespace weir::admin
