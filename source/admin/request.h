// A Request to the admin interface and the Response to it: what endpoints see of HTTP. Values; main
// thread, but for Response::page.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/telemetry/page.h"

namespace weir::admin {

using telemetry::Sink;

// Decoded, in the order they came; the query's first, then a form's.
using Parameters = std::vector<std::pair<std::string, std::string>>;

struct Request {
  // `target` is a path with its query; leading slashes count as one.
  static Request from(std::string_view method, std::string_view target);
  // A body of type application/x-www-form-urlencoded.
  void addForm(std::string_view body);

  bool has(std::string_view name) const;
  // The last one of that name; empty when there is none.
  std::string_view get(std::string_view name) const;

  std::string method;  // "GET"
  std::string path;    // "/stats"
  Parameters parameters;
  std::string body{};  // unless it was a form
};

inline constexpr std::string_view kText = "text/plain; charset=UTF-8";
inline constexpr std::string_view kHtml = "text/html; charset=UTF-8";
inline constexpr std::string_view kJson = "application/json";

struct Response {
  uint16_t status = 200;
  std::string_view content_type = kText;
  std::string body{};
  // Where a page may be long it is not in `body`: this writes it, on a thread of its own, into a
  // sink that waits for the client.
  std::function<void(const Sink&)> page{};
};

inline Response ok() { return {.body = "OK\n"}; }
inline Response refused(uint16_t status, std::string text) {
  return {.status = status, .body = std::move(text)};
}

}  // namespace weir::admin
