// Fields is the ordered list of a message's header or trailer fields. Names are lower case. Common
// names carry a HeaderId, found by a perfect hash, and a bit set of the ids present makes a miss
// one test. Storage is the stream's arena; nothing is freed before the stream. Lookups are O(n)
// over a contiguous array of 24-byte entries. Not thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "weir/arena.h"
#include "weir/header_id.h"
#include "weir/result.h"

namespace weir {

// RFC 9110 §5.6.2 token and §5.5 field-value: what may stand in a field.
bool isToken(std::string_view text);
bool isFieldValue(std::string_view text);

// A HeaderName is a field name checked and lower-cased once, when the configuration is built.
class HeaderName {
 public:
  HeaderName(HeaderId id) : id_(id), text_(headerName(id)) {}  // NOLINT: implicit by design
  // Accepts any case; refuses what is not a token.
  static Result<HeaderName> parse(std::string_view name);

  HeaderId id() const { return id_; }
  std::string_view text() const { return text_; }
  bool operator==(const HeaderName& other) const { return text_ == other.text_; }

 private:
  HeaderName(HeaderId id, std::string text) : id_(id), text_(std::move(text)) {}
  HeaderId id_;
  std::string text_;
};

struct Field {
  // `name` points to the exact bytes "name: value\r\n" of a parsed message, so runs of such fields
  // are written by one copy. Any change of a field makes a new one without this mark.
  static constexpr uint8_t kVerbatim = 1;

  const char* name_data = nullptr;
  const char* value_data = nullptr;
  uint32_t value_size = 0;
  uint16_t name_size = 0;
  HeaderId id = HeaderId::Other;
  uint8_t flags = 0;

  std::string_view name() const { return {name_data, name_size}; }
  std::string_view value() const { return {value_data, value_size}; }
};

class Fields {
 public:
  explicit Fields(Arena& arena) : arena_(&arena) {}

  // First value of that name.
  std::optional<std::string_view> get(HeaderId id) const {
    if (!has(id)) return std::nullopt;
    for (const Field& field : *this) {
      if (field.id == id) return field.value();
    }
    return std::nullopt;
  }
  std::optional<std::string_view> get(const HeaderName& name) const;
  std::optional<std::string_view> get(std::string_view lower_name) const;

  bool has(HeaderId id) const { return (present_ >> static_cast<int>(id)) & 1; }
  bool has(const HeaderName& name) const { return get(name).has_value(); }

  // Appends. `add` copies name (unless common) and value into the arena; `addView` keeps the views,
  // which must outlive the stream. Values must satisfy isFieldValue(): callers that take them from
  // outside check first.
  void add(const HeaderName& name, std::string_view value) { addView(name, arena_->copy(value)); }
  void addView(const HeaderName& name, std::string_view value);
  void add(HeaderId id, std::string_view value) { addView(id, arena_->copy(value)); }
  void addView(HeaderId id, std::string_view value) {
    const std::string_view name = headerName(id);
    append({name.data(), value.data(), static_cast<uint32_t>(value.size()),
            static_cast<uint16_t>(name.size()), id, 0});
  }
  void add(std::string_view lower_name, std::string_view value);
  // Used by codecs.
  void append(const Field& field) {
    if (size_ == capacity_) grow();
    data_[size_++] = field;
    present_ |= uint64_t{1} << static_cast<int>(field.id);
  }

  // Replaces every field of that name by one, in the place of the first.
  void set(const HeaderName& name, std::string_view value) { setView(name, arena_->copy(value)); }
  void setView(const HeaderName& name, std::string_view value);
  void set(HeaderId id, std::string_view value) { setView(id, arena_->copy(value)); }
  void setView(HeaderId id, std::string_view value) {
    has(id) ? replace(id, value) : addView(id, value);
  }

  // Removes all of that name and says how many there were.
  size_t remove(HeaderId id);
  size_t remove(const HeaderName& name);
  size_t remove(std::string_view lower_name);
  void clear() {
    size_ = 0;
    present_ = 0;
  }

  Field* begin() { return data_; }
  Field* end() { return data_ + size_; }
  const Field* begin() const { return data_; }
  const Field* end() const { return data_ + size_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Sum of name and value sizes, what Envoy calls the header map's byte size.
  size_t byteSize() const;
  Arena& arena() const { return *arena_; }

 private:
  void grow();
  void replace(HeaderId id, std::string_view value);
  template <typename Same>
  void replaceIf(Same same, std::string_view value);
  template <typename Same>
  size_t removeIf(Same same);

  Arena* arena_;
  Field* data_ = nullptr;
  uint32_t size_ = 0;
  uint32_t capacity_ = 0;
  uint64_t present_ = 0;  // bit per HeaderId; bit 0 (Other) set as soon as one is in
};

}  // namespace weir
