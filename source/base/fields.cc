#include "weir/fields.h"

#include <array>
#include <cstring>
#include <utility>

namespace weir {
namespace {

constexpr size_t kIds = static_cast<size_t>(HeaderId::kCount);

constexpr std::array<std::string_view, kIds> kNames = {"",
                                                       "accept",
                                                       "accept-encoding",
                                                       "accept-language",
                                                       "access-control-request-headers",
                                                       "access-control-request-method",
                                                       "accept-ranges",
                                                       "age",
                                                       "authorization",
                                                       "cache-control",
                                                       "connection",
                                                       "content-encoding",
                                                       "content-length",
                                                       "content-type",
                                                       "cookie",
                                                       "date",
                                                       "etag",
                                                       "expect",
                                                       "expires",
                                                       "forwarded",
                                                       "grpc-status",
                                                       "grpc-timeout",
                                                       "host",
                                                       "if-modified-since",
                                                       "if-none-match",
                                                       "keep-alive",
                                                       "last-modified",
                                                       "location",
                                                       "origin",
                                                       "proxy-authenticate",
                                                       "proxy-authorization",
                                                       "proxy-connection",
                                                       "range",
                                                       "referer",
                                                       "retry-after",
                                                       "server",
                                                       "set-cookie",
                                                       "te",
                                                       "trailer",
                                                       "transfer-encoding",
                                                       "upgrade",
                                                       "user-agent",
                                                       "vary",
                                                       "via",
                                                       "x-envoy-expected-rq-timeout-ms",
                                                       "x-envoy-internal",
                                                       "x-envoy-original-path",
                                                       "x-envoy-upstream-service-time",
                                                       "x-forwarded-for",
                                                       "x-forwarded-host",
                                                       "x-forwarded-port",
                                                       "x-forwarded-proto",
                                                       "x-request-id"};

constexpr size_t kSlots = 512;

// Length, first and last character and the one at three quarters tell the known names apart.
constexpr size_t slotOf(std::string_view name, uint32_t multiplier) {
  const auto at = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(name[i])); };
  const auto size = static_cast<uint32_t>(name.size());
  const uint32_t key = size | at(0) << 8 | at(size * 3 / 4) << 16 | at(size - 1) << 24;
  return (key * multiplier) >> 23;
}

constexpr bool isPerfect(uint32_t multiplier) {
  std::array<bool, kSlots> taken{};
  for (size_t id = 1; id < kIds; ++id) {
    bool& slot = taken[slotOf(kNames[id], multiplier)];
    if (slot) return false;
    slot = true;
  }
  return true;
}

constexpr uint32_t findMultiplier() {
  for (uint32_t m = 0x9e3779b1u;; m += 2) {
    if (isPerfect(m)) return m;
  }
}

constexpr uint32_t kMultiplier = findMultiplier();

constexpr std::array<uint8_t, kSlots> makeTable() {
  std::array<uint8_t, kSlots> table{};
  for (size_t id = 1; id < kIds; ++id)
    table[slotOf(kNames[id], kMultiplier)] = static_cast<uint8_t>(id);
  return table;
}

constexpr std::array<uint8_t, kSlots> kTable = makeTable();

// RFC 9110 §5.6.2 tchar.
constexpr std::array<bool, 256> makeTokenTable() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<size_t>(c)] = true;
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<uint8_t>(c)] = true;
  return table;
}

constexpr std::array<bool, 256> kTokenChar = makeTokenTable();

// Short and of equal size: a few words compared in line cost less than a call of memcmp.
template <typename Word>
Word wordAt(const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof(word));
  return word;
}

bool sameBytes(const char* a, const char* b, size_t size) {
  if (size >= 8) {
    for (size_t at = 0; at + 8 < size; at += 8) {
      if (wordAt<uint64_t>(a + at) != wordAt<uint64_t>(b + at)) return false;
    }
    return wordAt<uint64_t>(a + size - 8) == wordAt<uint64_t>(b + size - 8);
  }
  if (size >= 4) {
    return wordAt<uint32_t>(a) == wordAt<uint32_t>(b) &&
           wordAt<uint32_t>(a + size - 4) == wordAt<uint32_t>(b + size - 4);
  }
  for (size_t at = 0; at < size; ++at) {
    if (a[at] != b[at]) return false;
  }
  return true;
}

}  // namespace

HeaderId headerIdOf(std::string_view lower_name) {
  if (lower_name.empty()) return HeaderId::Other;
  const uint8_t id = kTable[slotOf(lower_name, kMultiplier)];
  const std::string_view name = kNames[id];
  if (name.size() != lower_name.size()) return HeaderId::Other;
  return sameBytes(name.data(), lower_name.data(), name.size()) ? static_cast<HeaderId>(id)
                                                                : HeaderId::Other;
}

std::string_view headerName(HeaderId id) { return kNames[static_cast<size_t>(id)]; }

bool isToken(std::string_view text) {
  for (char c : text) {
    if (!kTokenChar[static_cast<uint8_t>(c)]) return false;
  }
  return !text.empty();
}

bool isFieldValue(std::string_view text) {
  for (char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f) return false;
  }
  return text.empty() ||
         (text.front() != ' ' && text.front() != '\t' && text.back() != ' ' && text.back() != '\t');
}

Result<HeaderName> HeaderName::parse(std::string_view name) {
  if (!isToken(name)) {
    return Error{"", "'" + std::string(name) +
                         "' is not a header name: letters, digits and "
                         "!#$%&'*+-.^_`|~ are allowed (RFC 9110 §5.6.2)"};
  }
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  const HeaderId id = headerIdOf(lower);
  return HeaderName(id, std::move(lower));
}

std::optional<std::string_view> Fields::get(const HeaderName& name) const {
  return name.id() != HeaderId::Other ? get(name.id()) : get(std::string_view(name.text()));
}

std::optional<std::string_view> Fields::get(std::string_view lower_name) const {
  for (const Field& field : *this) {
    if (field.name() == lower_name) return field.value();
  }
  return std::nullopt;
}

void Fields::grow() {
  const uint32_t capacity = capacity_ == 0 ? 24 : capacity_ * 2;
  auto* data = static_cast<Field*>(arena_->allocate(capacity * sizeof(Field), alignof(Field)));
  if (size_ != 0) std::memcpy(static_cast<void*>(data), data_, size_ * sizeof(Field));
  data_ = data;
  capacity_ = capacity;
}

void Fields::addView(const HeaderName& name, std::string_view value) {
  // A configured name outlives the stream through its Plan, but a local one may not: copy those.
  const std::string_view text =
      name.id() != HeaderId::Other ? headerName(name.id()) : arena_->copy(name.text());
  append({text.data(), value.data(), static_cast<uint32_t>(value.size()),
          static_cast<uint16_t>(text.size()), name.id(), 0});
}

void Fields::add(std::string_view lower_name, std::string_view value) {
  const HeaderId id = headerIdOf(lower_name);
  const std::string_view text = id != HeaderId::Other ? headerName(id) : arena_->copy(lower_name);
  const std::string_view copy = arena_->copy(value);
  append({text.data(), copy.data(), static_cast<uint32_t>(copy.size()),
          static_cast<uint16_t>(text.size()), id, 0});
}

// The first field that is the same gets the value, others go.
template <typename Same>
void Fields::replaceIf(Same same, std::string_view value) {
  uint32_t to = 0;
  bool found = false;
  for (uint32_t from = 0; from < size_; ++from) {
    if (same(data_[from])) {
      if (std::exchange(found, true)) continue;
      data_[from].value_data = value.data();
      data_[from].value_size = static_cast<uint32_t>(value.size());
      data_[from].flags = 0;
    }
    if (to != from) data_[to] = data_[from];
    ++to;
  }
  size_ = to;
}

void Fields::replace(HeaderId id, std::string_view value) {
  replaceIf([id](const Field& field) { return field.id == id; }, value);
}

void Fields::setView(const HeaderName& name, std::string_view value) {
  if (name.id() != HeaderId::Other) return setView(name.id(), value);
  if (!has(name)) return addView(name, value);
  replaceIf([&](const Field& field) { return field.name() == name.text(); }, value);
}

template <typename Same>
size_t Fields::removeIf(Same same) {
  uint32_t to = 0;
  for (uint32_t from = 0; from < size_; ++from) {
    if (same(data_[from])) continue;
    if (to != from) data_[to] = data_[from];
    ++to;
  }
  const size_t removed = size_ - to;
  size_ = to;
  return removed;
}

size_t Fields::remove(HeaderId id) {
  if (!has(id)) return 0;
  present_ &= ~(uint64_t{1} << static_cast<int>(id));
  return removeIf([id](const Field& field) { return field.id == id; });
}

size_t Fields::remove(const HeaderName& name) {
  return name.id() != HeaderId::Other ? remove(name.id()) : remove(std::string_view(name.text()));
}

size_t Fields::remove(std::string_view lower_name) {
  const HeaderId id = headerIdOf(lower_name);
  if (id != HeaderId::Other) return remove(id);
  return removeIf([&](const Field& field) { return field.name() == lower_name; });
}

size_t Fields::byteSize() const {
  size_t sum = 0;
  for (const Field& field : *this) sum += size_t{field.name_size} + field.value_size;
  return sum;
}

}  // namespace weir
