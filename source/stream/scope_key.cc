#include "source/stream/scope_key.h"

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"

namespace weir::stream {
namespace {

// Its length first, so that no two lists of fragments make one key.
void appendFragment(std::string_view fragment, std::string& key) {
  const auto size = static_cast<uint32_t>(fragment.size());
  key.append(reinterpret_cast<const char*>(&size), sizeof size).append(fragment);
}

bool isHost(std::string_view name) {
  const auto is = [&](std::string_view other) {
    return name.size() == other.size() &&
           std::equal(name.begin(), name.end(), other.begin(), [](char a, char b) {
             return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
           });
  };
  return is("host") || is(":authority");
}

}  // namespace

ScopeKeyBuilder ScopeKeyBuilder::from(const Proto& proto, const Where& at) {
  ScopeKeyBuilder builder;
  const Where fragments = at.field("fragments");
  if (proto.fragments().empty()) fragments.error("expected what the key of a scope is made of");
  for (int i = 0; i < proto.fragments_size(); ++i) {
    const Where here = fragments.index(static_cast<size_t>(i)).field("header_value_extractor");
    if (!proto.fragments(i).has_header_value_extractor()) {
      here.error("expected the header field that the fragment is made of");
      continue;
    }
    builder.parts_.push_back(Part::from(proto.fragments(i).header_value_extractor(), here));
  }
  return builder;
}

ScopeKeyBuilder::Part ScopeKeyBuilder::Part::from(const Extractor& proto, const Where& at) {
  Part part;
  if (!isHost(proto.name())) {
    auto name = HeaderName::parse(proto.name());
    if (name) {
      part.field = *std::move(name);
    } else {
      at.field("name").error(name.error().text);
    }
  }
  part.between = proto.element_separator();
  switch (proto.extract_type_case()) {
    case Extractor::kIndex:
      part.index = proto.index();
      if (part.index != 0 && part.between.empty()) {
        at.field("index").error("without element_separator there is only element 0");
      }
      break;
    case Extractor::kElement:
      part.separator = proto.element().separator();
      part.key = proto.element().key();
      if (part.separator.empty()) {
        at.field("element").field("separator").error("expected what stands behind the key");
      }
      if (part.key.empty()) at.field("element").field("key").error("expected a key, found nothing");
      break;
    default:
      at.error("expected index or element: what of the field's value is meant");
  }
  return part;
}

// Of several fields with one name the first counts: clients can add others, but none before it that
// a proxy in front of Weir has set.
std::optional<std::string_view> ScopeKeyBuilder::Part::of(const RequestHead& head) const {
  std::optional<std::string_view> value = head.authority;
  if (field) value = head.fields.get(*field);
  return value ? elementOf(*value) : std::nullopt;
}

std::optional<std::string_view> ScopeKeyBuilder::Part::elementOf(std::string_view value) const {
  for (uint32_t i = 0;; ++i) {
    const size_t end = between.empty() ? std::string_view::npos : value.find(between);
    const std::string_view element = value.substr(0, end);
    if (key.empty() && i == index) return element;
    const size_t middle = key.empty() ? std::string_view::npos : element.find(separator);
    if (!key.empty() && element.substr(0, middle) == key) {
      return middle == std::string_view::npos ? std::string_view()
                                              : element.substr(middle + separator.size());
    }
    if (end == std::string_view::npos) return std::nullopt;
    value.remove_prefix(end + between.size());
  }
}

std::optional<std::string> ScopeKeyBuilder::keyOf(const RequestHead& head) const {
  std::string key;
  for (const Part& part : parts_) {
    const auto fragment = part.of(head);
    if (!fragment) return std::nullopt;
    appendFragment(*fragment, key);
  }
  return key;
}

std::optional<std::string> readScopeKey(
    const envoy::config::route::v3::ScopedRouteConfiguration::Key& proto, const Where& at) {
  const Where fragments = at.field("fragments");
  if (proto.fragments().empty()) {
    fragments.error("expected what tells the scope from others");
    return std::nullopt;
  }
  std::string key;
  for (int i = 0; i < proto.fragments_size(); ++i) {
    const auto& fragment = proto.fragments(i);
    if (fragment.type_case() != fragment.kStringKey) {
      fragments.index(static_cast<size_t>(i)).error("expected string_key");
      return std::nullopt;
    }
    appendFragment(fragment.string_key(), key);
  }
  return key;
}

}  // namespace weir::stream
