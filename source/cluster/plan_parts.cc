#include "source/cluster/plan_parts.h"

namespace weir::cluster {

void Unsupported::refuse(bool set, std::string_view field, std::string_view what) const {
  if (set) at_.field(field).error(std::string(what) + " is not supported yet");
}

void Unsupported::ignore(bool set, std::string_view field, std::string_view what) const {
  if (set) at_.field(field).warning(std::string(what) + " is not honoured yet");
}

std::string anyTypeName(const google::protobuf::Any& any) {
  const std::string& url = any.type_url();
  return url.substr(url.rfind('/') + 1);  // npos + 1 is 0: all of it
}

bool unpackPlain(const google::protobuf::Any& any, google::protobuf::Message& into,
                 const Where& at) {
  const std::string& wanted = into.GetDescriptor()->full_name();
  const std::string found = anyTypeName(any);
  if (found.ends_with(".TypedStruct")) {
    at.error(
        "a TypedStruct cannot be read here: write the settings themselves, with '@type': "
        "type.googleapis.com/" +
        wanted);
  } else if (found != wanted) {
    at.error("expected a " + wanted + ", found " + (found.empty() ? "no '@type'" : found));
  } else if (!any.UnpackTo(&into)) {
    at.error("what it holds is not a " + wanted);
  } else {
    return true;
  }
  return false;
}

std::optional<std::chrono::milliseconds> readDuration(const google::protobuf::Duration& proto,
                                                      std::chrono::milliseconds least,
                                                      const Where& at) {
  constexpr int64_t kMaxSeconds = 315'576'000'000;  // protobuf's own bound: 10,000 years
  const int64_t seconds = proto.seconds();
  const int32_t nanos = proto.nanos();
  if (seconds < 0 || nanos < 0 || seconds > kMaxSeconds || nanos > 999'999'999) {
    at.error("expected a duration that is not negative, such as 5s");
    return std::nullopt;
  }
  const std::chrono::milliseconds value(seconds * 1000 + (nanos + 999'999) / 1'000'000);
  if (value >= least) return value;
  at.error("expected at least " + std::to_string(least.count()) + " ms");
  return std::nullopt;
}

}  // namespace weir::cluster
