#include "response_reader.h"

#include "pattern.h"

#include <strings.h>
#include <array>
#include <charconv>

namespace weir::bench {
namespace {

constexpr std::size_t kMaxHead = 64 * 1024;
constexpr std::string_view kHeadEnd = "\r\n\r\n";

bool equalsIgnoringCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

const char* faultName(Fault fault) {
  constexpr std::array<const char*, kFaultCount> kNames = {
      "connect", "closed", "head", "status", "length", "pattern", "surplus", "stalled"};
  return kNames[static_cast<std::size_t>(fault)];
}

void ResponseReader::begin(std::optional<std::uint64_t> expected_length) {
  expected_ = expected_length;
  length_.reset();
  received_ = 0;
  head_.clear();
  in_body_ = false;
  must_close_ = false;
}

ResponseReader::Progress ResponseReader::feed(std::string_view bytes) {
  if (in_body_) return feedBody(bytes);
  if (!head_.empty()) {
    head_.append(bytes);
    bytes = head_;
  }
  const std::size_t end = bytes.find(kHeadEnd);
  if (end == std::string_view::npos) {
    if (bytes.size() > kMaxHead) return fail(Fault::Head);
    if (head_.empty()) head_.assign(bytes);
    return Progress::More;
  }
  if (readHead(bytes.substr(0, end)) == Progress::Failed) return Progress::Failed;
  in_body_ = true;
  return feedBody(bytes.substr(end + kHeadEnd.size()));
}

ResponseReader::Progress ResponseReader::fail(Fault fault) {
  fault_ = fault;
  return Progress::Failed;
}

ResponseReader::Progress ResponseReader::feedBody(std::string_view bytes) {
  const std::uint64_t missing = *length_ - received_;
  if (bytes.size() > missing) return fail(Fault::Surplus);
  if (!Pattern::matches(received_, bytes)) return fail(Fault::Pattern);
  received_ += bytes.size();
  return received_ == *length_ ? Progress::Done : Progress::More;
}

ResponseReader::Progress ResponseReader::readHead(std::string_view head) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  if (!head.starts_with(kVersion)) return fail(Fault::Head);
  if (head.substr(kVersion.size(), 3) != "200") return fail(Fault::Status);
  std::size_t line_start = head.find("\r\n");
  while (line_start != std::string_view::npos) {
    line_start += 2;
    const std::size_t line_end = head.find("\r\n", line_start);
    if (!readField(head.substr(line_start, line_end - line_start))) return fail(Fault::Head);
    line_start = line_end;
  }
  if (!length_ || (expected_ && *expected_ != *length_)) return fail(Fault::Length);
  return Progress::More;
}

bool ResponseReader::readField(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view name = line.substr(0, colon);
  if (equalsIgnoringCase(name, "content-length")) {
    const std::string_view digits = trimmed(line.substr(colon + 1));
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || length_) return false;
    length_ = value;
  } else if (equalsIgnoringCase(name, "connection")) {
    must_close_ = equalsIgnoringCase(trimmed(line.substr(colon + 1)), "close");
  }
  return true;
}

}  // namespace weir::bench
