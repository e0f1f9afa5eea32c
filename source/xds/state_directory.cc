#include "source/xds/state_directory.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "source/net/fd.h"

namespace weir::xds {
namespace {

// The first line of a file; the text's SHA-256 follows, and then the text.
constexpr std::string_view kMark = "weir-state-1\n";
constexpr mode_t kOnlyOwner = 0700, kOthersMayWrite = 0022;

std::string digestOf(std::string_view text) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

std::string reason(std::string_view what) {
  return std::string(what) + ": " + std::strerror(errno);
}

bool writeAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<StateDirectory>> StateDirectory::open(std::string path,
                                                             const StatScope& root) {
  struct stat facts {};
  if (::mkdir(path.c_str(), kOnlyOwner) != 0 && errno != EEXIST) {
    return Error{path, reason("cannot make the directory")};
  }
  if (::stat(path.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode)) {
    return Error{path, "expected a directory"};
  }
  const bool is_theirs = facts.st_uid != ::geteuid() && facts.st_uid != 0;
  if (is_theirs || (facts.st_mode & kOthersMayWrite) != 0) {
    return Error{path,
                 "others may write to it, and so decide where requests go: it must be this user's, "
                 "and chmod go-w"};
  }
  if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0) return Error{path, reason("cannot use it")};
  return std::unique_ptr<StateDirectory>(new StateDirectory(std::move(path), root));
}

StateDirectory::StateDirectory(std::string path, const StatScope& root)
    : path_(std::move(path)),
      saved_(root.scope("control_plane").counter("state_saved")),
      failed_(root.scope("control_plane").counter("state_save_failed")),
      thread_([this] {
        pthread_setname_np(pthread_self(), "state");
        run();
      }) {}

StateDirectory::~StateDirectory() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::string StateDirectory::nameOf(std::string_view title, std::string_view key) {
  std::string name(title);
  name += '-';
  constexpr std::string_view kDigits = "0123456789abcdef";
  const std::string digest = digestOf(key);
  for (const char c : std::string_view(digest).substr(0, 8)) {
    const auto byte = static_cast<unsigned char>(c);
    name += kDigits[byte >> 4];
    name += kDigits[byte & 15];
  }
  return name;
}

std::string StateDirectory::savedAt(std::chrono::system_clock::time_point written) {
  const std::time_t time = std::chrono::system_clock::to_time_t(written);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%F %T UTC", &parts);
  return std::string("as they were saved at ") + text;
}

std::optional<StateDirectory::Kept> StateDirectory::read(const std::string& name) const {
  const std::string path = path_ + "/" + name;
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const size_t head = kMark.size() + SHA256_DIGEST_LENGTH;
  const bool whole = text.size() >= head && text.starts_with(kMark) &&
                     text.substr(kMark.size(), SHA256_DIGEST_LENGTH) ==
                         digestOf(std::string_view(text).substr(head));
  struct stat facts {};
  if (!whole || ::stat(path.c_str(), &facts) != 0) {
    spdlog::warn("state: {} is damaged and is not used", path);
    return std::nullopt;
  }
  text.erase(0, head);
  return Kept{std::move(text), std::chrono::system_clock::from_time_t(facts.st_mtime)};
}

void StateDirectory::write(const std::string& name, std::string text) {
  {
    std::lock_guard lock(mutex_);
    waiting_[name] = std::move(text);
  }
  changed_.notify_all();
}

void StateDirectory::flush() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_.empty() && !writing_; });
}

void StateDirectory::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const auto next = waiting_.extract(waiting_.begin());
    writing_ = true;
    lock.unlock();
    writeOut(next.key(), next.mapped());
    lock.lock();
    writing_ = false;
    changed_.notify_all();
  }
}

// Says once that it does not work, and once that it does again.
void StateDirectory::writeOut(const std::string& name, const std::string& text) {
  const auto why = tryToWrite(name, text);
  (why ? failed_ : saved_).add();
  if (why && !complained_) {
    spdlog::warn("state: {}/{} is not saved: {}; what was saved before stays", path_, name, *why);
  } else if (!why && complained_) {
    spdlog::info("state: {} is saved again", path_);
  }
  complained_ = why.has_value();
}

// Nothing: it is written, on the disk.
std::optional<std::string> StateDirectory::tryToWrite(const std::string& name,
                                                      const std::string& text) const {
  const std::string path = path_ + "/" + name, fresh = path_ + "/." + name + ".new";
  net::Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return reason("cannot open it");
  const bool written = writeAll(file.get(), kMark) && writeAll(file.get(), digestOf(text)) &&
                       writeAll(file.get(), text) && ::fsync(file.get()) == 0;
  if (!written || ::rename(fresh.c_str(), path.c_str()) != 0) {
    std::string why = reason("cannot write it");
    ::unlink(fresh.c_str());
    return why;
  }
  const net::Fd directory(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory) ::fsync(directory.get());
  return std::nullopt;
}

}  // namespace weir::xds
