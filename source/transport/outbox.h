// An Outbox collects the views one connection writes in one turn, to leave in one sendmsg. Taken
// from a per-thread free list at the first write of a turn and given back at its end.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace weir::transport {

class Outbox {
 public:
  static constexpr int kPieces = 60;
  static constexpr size_t kLongestCopy = 32;

  static Outbox* take() {
    if (FreeList& list = freeList(); list.head != nullptr) {
      Outbox* box = std::exchange(list.head, list.head->next_);
      box->count_ = 0;
      box->bytes_ = 0;
      box->small_used_ = 0;
      return box;
    }
    return new Outbox;
  }
  static void give(Outbox* box) { box->next_ = std::exchange(freeList().head, box); }

  bool full() const { return count_ == kPieces || small_used_ > kSmall - kLongestCopy; }
  size_t bytes() const { return bytes_; }

  void add(std::string_view view) {
    bytes_ += view.size();
    if (count_ != 0) {  // neighbours become one piece
      iovec& last = pieces_[count_ - 1];
      if (static_cast<const char*>(last.iov_base) + last.iov_len == view.data()) {
        last.iov_len += view.size();
        return;
      }
    }
    pieces_[count_++] = {const_cast<char*>(view.data()), view.size()};
  }

  // Keeps a copy of at most kLongestCopy bytes: framing that has no home of its own.
  void addCopy(std::string_view text) {
    char* to = small_ + small_used_;
    std::memcpy(to, text.data(), text.size());
    small_used_ += text.size();
    add({to, text.size()});
  }

  std::span<const iovec> pieces() const { return {pieces_, static_cast<size_t>(count_)}; }

  // As sendmsg(2).
  ssize_t send(int fd) {
    if (count_ == 1) return ::send(fd, pieces_[0].iov_base, pieces_[0].iov_len, MSG_NOSIGNAL);
    msghdr message{};
    message.msg_iov = pieces_;
    message.msg_iovlen = static_cast<size_t>(count_);
    return ::sendmsg(fd, &message, MSG_NOSIGNAL);
  }

  // Appends everything after the first `skip` bytes.
  void copyAfter(size_t skip, std::string& to) const {
    to.reserve(to.size() + bytes_ - skip);
    for (int i = 0; i < count_; ++i) {
      if (skip >= pieces_[i].iov_len) {
        skip -= pieces_[i].iov_len;
        continue;
      }
      to.append(static_cast<const char*>(pieces_[i].iov_base) + skip, pieces_[i].iov_len - skip);
      skip = 0;
    }
  }

 private:
  struct FreeList {
    ~FreeList() {
      while (head != nullptr) delete std::exchange(head, head->next_);
    }
    Outbox* head = nullptr;
  };
  static FreeList& freeList() {
    thread_local FreeList list;
    return list;
  }

  Outbox() = default;

  Outbox* next_ = nullptr;
  int count_ = 0;
  size_t bytes_ = 0;
  iovec pieces_[kPieces];
  static constexpr size_t kSmall = 512;
  size_t small_used_ = 0;
  char small_[kSmall];
};

}  // namespace weir::transport
