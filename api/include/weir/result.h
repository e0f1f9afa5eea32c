// A Result<T> is a T or an Error: the return value of everything that may refuse a configuration.
// A Failure is what went wrong with one request or connection: whose side, what kind, and whether
// trying again is safe. Both are values; nothing on the data path throws.
#pragma once

#include <cassert>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace weir {

// Why a configuration was refused. `field` is the path below the object being built
// ("rules[2].name"), empty for the object itself; `text` says what was found, what was expected and
// what to do.
struct Error {
  std::string field;
  std::string text;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  explicit operator bool() const { return state_.index() == 0; }
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const Error& error() const { return std::get<1>(state_); }
  Error& error() { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

struct Done {};  // Result<Done>, Task<Done>: success has nothing to say

// Which party made the failure.
enum class Side : uint8_t { Downstream, Upstream, Weir };

// What failed, from the connection's first packet to the response's last byte.
enum class FailureKind : uint8_t {
  None,
  ConnectFailed,  // refused, unreachable, or name not resolved
  ConnectTimeout,
  ConnectionClosed,  // the peer closed (FIN) in the middle of a message
  ConnectionReset,   // RST or another socket error
  ProtocolError,     // bytes that are not the protocol
  LimitExceeded,     // a configured size or count
  Timeout,
  Refused,        // overflow, drain, admission
  StreamReset,    // the peer ended this exchange alone (HTTP/2)
  StreamRefused,  // the same, and it did not begin to work on it
  Cancelled,      // the other side of the exchange went away first
};

// Whether the request may be sent again without asking its owner.
enum class Retry : uint8_t { Never, IfReused, Safe };

// Trivially copyable; `detail` always points to a string with static storage.
struct Failure {
  Side side = Side::Weir;
  FailureKind kind = FailureKind::None;
  Retry retry = Retry::Never;
  std::string_view detail;

  explicit operator bool() const { return kind != FailureKind::None; }
};

}  // namespace weir
