#include "source/net/file_watch.h"

#include <event2/event.h>
#include <sys/inotify.h>

#include <filesystem>
#include <system_error>
#include <utility>

namespace weir::net {

FileWatch::FileWatch(Loop& loop, std::function<void()> changed)
    : loop_(loop),
      changed_(std::move(changed)),
      fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)),
      timer_(*this) {
  if (!fd_) return;
  event_assign(&event_, loop_.base(), fd_.get(), EV_READ | EV_PERSIST, onEvent, this);
  event_add(&event_, nullptr);
}

FileWatch::~FileWatch() {
  if (fd_) event_del(&event_);
}

bool FileWatch::add(const std::string& directory) {
  constexpr uint32_t kChanges =
      IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
  return fd_ && ::inotify_add_watch(fd_.get(), directory.c_str(), kChanges) >= 0;
}

void FileWatch::addFile(const std::string& path) {
  std::error_code error;
  const auto whole = std::filesystem::absolute(path, error).lexically_normal();
  if (std::filesystem::is_directory(whole, error)) add(whole);
  add(whole.parent_path());
  add(whole.parent_path().parent_path());
}

void FileWatch::onEvent(evutil_socket_t fd, short, void* self) {
  auto& watch = *static_cast<FileWatch*>(self);
  const Loop::Turn turn(watch.loop_);
  alignas(inotify_event) char events[4096];
  while (::read(fd, events, sizeof events) > 0) continue;  // that there are some is enough
  if (!watch.timer_.armed()) watch.timer_.arm(watch.loop_.timers(), watch.loop_.now() + kSettle);
}

void FileWatch::onTimer() { changed_(); }

}  // namespace weir::net
