// A FreeListed<T> is a T whose memory goes to a list of the thread's when it dies and serves the
// next one: what is made and destroyed with each request costs no malloc in a steady state. Dies on
// the thread it was made on.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace weir::stream {

template <typename T>
class FreeListed {
 public:
  static void* operator new(size_t size) {
    if (list().head == nullptr) return ::operator new(size);
    return std::exchange(list().head, *static_cast<void**>(list().head));
  }
  static void operator delete(void* at) {
    *static_cast<void**>(at) = list().head;
    list().head = at;
  }

 protected:
  ~FreeListed() = default;

 private:
  struct List {
    ~List() {
      while (head != nullptr) ::operator delete(std::exchange(head, *static_cast<void**>(head)));
    }
    void* head = nullptr;
  };
  static List& list() {
    thread_local List free;
    return free;
  }
};

}  // namespace weir::stream
