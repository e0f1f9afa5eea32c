// A SessionStore keeps what servers gave to resume sessions with, some for one cluster, shared by
// its workers. A session is taken out to be used: TLS 1.3 tickets are good for one connection (RFC
// 8446 §C.4), and what still serves is put back. Any thread; no lock.
#pragma once

#include <atomic>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "source/transport/tls/ssl_pointers.h"

namespace weir::transport {

class SessionStore {
 public:
  static constexpr size_t kMost = 64;

  explicit SessionStore(size_t size) : size_(size), slots_(new std::atomic<SSL_SESSION*>[size]) {
    for (size_t i = 0; i < size_; ++i) slots_[i] = nullptr;
  }
  SessionStore(const SessionStore&) = delete;
  ~SessionStore() {
    for (size_t i = 0; i < size_; ++i) SslSessionPtr(slots_[i].exchange(nullptr));
  }

  // The newest that was made with this server name, or null.
  SslSessionPtr take(std::string_view server_name) {
    const size_t newest = next_.load(std::memory_order_relaxed);
    for (size_t i = 1; i <= size_; ++i) {
      std::atomic<SSL_SESSION*>& slot = slots_[(newest - i) % size_];
      SslSessionPtr session(slot.exchange(nullptr, std::memory_order_acq_rel));
      if (session == nullptr) continue;
      const char* name = SSL_SESSION_get0_hostname(session.get());
      const bool fits = server_name == (name == nullptr ? "" : name) &&
                        SSL_SESSION_is_resumable(session.get()) == 1;
      if (fits) return session;
      SSL_SESSION* none = nullptr;  // unless a newer one has come meanwhile
      if (slot.compare_exchange_strong(none, session.get())) session.release();
    }
    return nullptr;
  }

  // The oldest makes room.
  void put(SslSessionPtr session) {
    const size_t at = next_.fetch_add(1, std::memory_order_relaxed) % size_;
    SslSessionPtr(slots_[at].exchange(session.release(), std::memory_order_acq_rel));
  }

 private:
  const size_t size_;
  const std::unique_ptr<std::atomic<SSL_SESSION*>[]> slots_;
  std::atomic<size_t> next_{0};
};

}  // namespace weir::transport
