#include "source/router/steering.h"

#include <algorithm>
#include <charconv>

#include "source/router/retry_policy.h"

namespace weir::router {
namespace {

constexpr std::string_view kEnvoy = "x-envoy-";

std::optional<uint32_t> numberOf(std::string_view text) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

template <typename Use>
void eachItem(std::string_view list, Use use) {
  while (!list.empty()) {
    std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty()) use(item);
  }
}

// What is no number asks for nothing, as in Envoy.
void readMilliseconds(std::string_view text, std::optional<std::chrono::milliseconds>& into) {
  if (const auto number = numberOf(text)) into = std::chrono::milliseconds(*number);
}

// False: the field is none of those that steer.
bool read(std::string_view name, std::string_view value, Steering& into) {
  if (name == "retry-on" || name == "retry-grpc-on") {
    into.retry_on |= parseRetryOn(value, nullptr);
  } else if (name == "max-retries") {
    if (const auto number = numberOf(value)) into.retries = number;
  } else if (name == "upstream-rq-timeout-ms") {
    readMilliseconds(value, into.timeout);
  } else if (name == "upstream-rq-per-try-timeout-ms") {
    readMilliseconds(value, into.per_try_timeout);
  } else if (name == "retriable-status-codes") {
    eachItem(value, [&into](std::string_view item) {
      if (const auto code = numberOf(item)) into.status_codes.push_back(*code);
    });
  } else if (name == "retriable-header-names") {
    eachItem(value,
             [&into](std::string_view item) { into.header_names.push_back(asciiLower(item)); });
  } else {
    return false;
  }
  return true;
}

}  // namespace

Steering Steering::take(RequestHead& head) {
  Steering made;
  for (size_t i = 0; i < head.fields.size();) {
    const Field& field = head.fields.begin()[i];
    const std::string_view name = field.name();
    if (name.starts_with(kEnvoy) && read(name.substr(kEnvoy.size()), field.value(), made)) {
      head.fields.remove(name);  // all of that name: the first one counts, and the next is at i now
    } else {
      ++i;
    }
  }
  return made;
}

}  // namespace weir::router
