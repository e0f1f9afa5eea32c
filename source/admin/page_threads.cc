#include "source/admin/page_threads.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <utility>

namespace weir::admin {
namespace {

// Not SCHED_IDLE: on a full machine a scrape would time out, just when its figures are wanted.
constexpr int kNice = 10;

}  // namespace

PageJob::Taken PageJob::take() {
  std::lock_guard lock(mutex_);
  told_ = false;
  Taken taken{std::exchange(buffer_, {}), finished_};
  room_.notify_one();
  // A message may be on its way still, when the reader took without having been told.
  if (taken.last) reader_ = nullptr;
  return taken;
}

void PageJob::cancel() {
  reader_ = nullptr;
  std::lock_guard lock(mutex_);
  cancelled_ = true;
  buffer_ = {};
  room_.notify_one();
}

void PageJob::render(const std::shared_ptr<PageJob>& self) {
  self->render_([&self](std::string_view text) { self->put(text, self); });
  std::lock_guard lock(self->mutex_);
  self->finished_ = true;
  self->tell(self);
}

// A text of any size is taken in pieces, so that a page made at once does not lie there twice.
void PageJob::put(std::string_view text, const std::shared_ptr<PageJob>& self) {
  std::unique_lock lock(mutex_);
  while (!text.empty()) {
    room_.wait(lock, [this] { return cancelled_ || buffer_.size() < kMostBuffered; });
    if (cancelled_) return;
    const std::string_view piece = text.substr(0, kMostBuffered - buffer_.size());
    buffer_ += piece;
    text.remove_prefix(piece.size());
    tell(self);
  }
}

void PageJob::tell(const std::shared_ptr<PageJob>& self) {
  if (std::exchange(told_, true)) return;
  loop_.post([self] {
    if (self->reader_ != nullptr) self->reader_->onPageReady();
  });
}

PageThreads::~PageThreads() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::shared_ptr<PageJob> PageThreads::start(PageReader& reader, Renderer render) {
  auto job = std::make_shared<PageJob>(loop_, reader, std::move(render));
  std::lock_guard lock(mutex_);
  jobs_.push_back(job);
  if (idle_ < jobs_.size() && threads_.size() < kThreads) threads_.emplace_back([this] { run(); });
  work_.notify_one();
  return job;
}

void PageThreads::run() {
  ::pthread_setname_np(::pthread_self(), "admin_page");
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    work_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
    --idle_;
    if (stop_) return;
    const std::shared_ptr<PageJob> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    PageJob::render(job);
    lock.lock();
  }
}

}  // namespace weir::admin
