#include "weir/client.h"

#include <algorithm>
#include <array>

namespace weir {
namespace {

constexpr std::array<std::string_view, 4> kOfTheWhole = {"content-", "if-", "range",
                                                         "accept-encoding"};

}  // namespace

CallRequest callLike(const RequestHead& client, std::string path) {
  CallRequest request;
  request.path = std::move(path);
  request.authority = client.authority;
  for (const Field& field : client.fields) {
    const bool of_the_whole =
        std::any_of(kOfTheWhole.begin(), kOfTheWhole.end(),
                    [&](std::string_view prefix) { return field.name().starts_with(prefix); });
    if (!of_the_whole) request.fields.emplace_back(field.name(), field.value());
  }
  return request;
}

}  // namespace weir
