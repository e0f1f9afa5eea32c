// Adds, replaces and removes header and trailer fields and query parameters, for the listener and
// for each level of its routes.
#include "weir/filter.h"

#include "envoy/extensions/filters/http/header_mutation/v3/header_mutation.pb.h"
#include "weir/filter_registry.h"
#include "weir/format.h"
#include "weir/string_matcher.h"

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace weir::filters::header_mutation {
namespace {

namespace v3 = envoy::extensions::filters::http::header_mutation::v3;
using HeaderMutation = envoy::config::common::mutation_rules::v3::HeaderMutation;
using envoy::config::core::v3::HeaderValueOption;
using envoy::config::core::v3::KeyValueAppend;
using envoy::config::core::v3::KeyValueMutation;

enum class Action : uint8_t { Append, AddIfAbsent, Overwrite, OverwriteIfPresent };

// The two protos number their actions alike.
Action actionOf(int number) { return static_cast<Action>(number); }

struct Add {
  HeaderName name;
  Format value;
  Action action;
  bool keep_empty;
};
using HeaderChange = std::variant<Add, HeaderName, StringMatcher>;  // the others: what to remove
using HeaderChanges = std::vector<HeaderChange>;

struct QueryChange {
  std::string key;
  std::optional<Format> value;  // none: remove
  Action action = Action::Append;
};

struct Changes {
  HeaderChanges request, response, request_trailers, response_trailers;
  std::vector<QueryChange> query;
};

void add(Fields& fields, const Add& change, const StreamInfo& info) {
  const std::string_view value = change.value.fieldValue(info, fields.arena());
  if (value.empty() && !change.keep_empty) return;
  const bool present = fields.has(change.name);
  switch (change.action) {
    case Action::AddIfAbsent:
      if (!present) fields.addView(change.name, value);
      return;
    case Action::OverwriteIfPresent:
      if (present) fields.setView(change.name, value);
      return;
    case Action::Overwrite:
      fields.setView(change.name, value);
      return;
    case Action::Append:
      fields.addView(change.name, value);
      return;
  }
}

void removeMatching(Fields& fields, const StringMatcher& matcher) {
  for (size_t i = 0; i < fields.size();) {
    const Field& field = fields.begin()[i];
    matcher.matches(field.name()) ? void(fields.remove(std::string(field.name()))) : void(++i);
  }
}

void applyTo(Fields& fields, const HeaderChanges& changes, const StreamInfo& info) {
  for (const HeaderChange& change : changes) {
    if (const auto* added = std::get_if<Add>(&change)) {
      add(fields, *added, info);
    } else if (const auto* removed = std::get_if<HeaderName>(&change)) {
      fields.remove(*removed);
    } else {
      removeMatching(fields, std::get<StringMatcher>(change));
    }
  }
}

// RFC 3986 §2.3: everything but the unreserved characters is encoded.
void appendEncoded(std::string& to, std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    const bool alnum = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
    if (alnum || (byte >= '0' && byte <= '9') || c == '-' || c == '.' || c == '_' || c == '~') {
      to += c;
    } else {
      to += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
}

std::string decoded(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = static_cast<char>(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
    out += escape ? static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return out;
}

// The parameters of a query in their order, each as it was written: what is not changed stays as it
// is.
class Query {
 public:
  explicit Query(std::string_view text) {
    while (!text.empty()) {
      const size_t end = std::min(text.find('&'), text.size());
      const std::string_view raw = text.substr(0, end);
      if (!raw.empty())
        parameters_.push_back({decoded(raw.substr(0, raw.find('='))), std::string(raw)});
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  void apply(const QueryChange& change, const StreamInfo& info) {
    if (!change.value) return remove(change.key, 0);
    std::string value;
    change.value->append(value, info);
    const size_t first = find(change.key);
    const bool present = first != parameters_.size();
    if (change.action == Action::AddIfAbsent && present) return;
    if (change.action == Action::OverwriteIfPresent && !present) return;
    Parameter made{change.key, {}};
    appendEncoded(made.raw, change.key);
    made.raw += '=';
    appendEncoded(made.raw, value);
    if (!present || change.action == Action::Append) return parameters_.push_back(std::move(made));
    parameters_[first] = std::move(made);
    remove(change.key, first + 1);
  }

  std::string text() const {
    std::string all;
    for (const Parameter& parameter : parameters_) all += (all.empty() ? "?" : "&") + parameter.raw;
    return all;
  }

 private:
  struct Parameter {
    std::string key;
    std::string raw;
  };
  size_t find(const std::string& key) const {
    size_t at = 0;
    while (at < parameters_.size() && parameters_[at].key != key) ++at;
    return at;
  }
  void remove(const std::string& key, size_t from) {
    for (size_t i = from; i < parameters_.size();) {
      if (parameters_[i].key == key) {
        parameters_.erase(parameters_.begin() + static_cast<ptrdiff_t>(i));
      } else {
        ++i;
      }
    }
  }
  std::vector<Parameter> parameters_;
};

void changeQuery(RequestHead& head, const std::vector<QueryChange>& changes, Stream& stream) {
  if (changes.empty() || !head.path.starts_with('/')) return;
  const size_t mark = std::min(head.path.find('?'), head.path.size());
  Query query(mark == head.path.size() ? std::string_view() : head.path.substr(mark + 1));
  for (const QueryChange& change : changes) query.apply(change, stream.info());
  head.path = stream.arena().concat(head.path.substr(0, mark), query.text());
}

// Reads the lists of one Mutations message.
class Reader {
 public:
  Reader(PlanBuild& build, std::string prefix) : build_(build), prefix_(std::move(prefix)) {}

  Result<Changes> read(const v3::Mutations& proto) {
    if (proto.formatters_size() != 0)
      return Error{prefix_ + "formatters", "formatter extensions are not supported"};
    Changes made;
    readHeaders(proto.request_mutations(), "request_mutations", made.request);
    readHeaders(proto.response_mutations(), "response_mutations", made.response);
    readHeaders(proto.request_trailers_mutations(), "request_trailers_mutations",
                made.request_trailers);
    readHeaders(proto.response_trailers_mutations(), "response_trailers_mutations",
                made.response_trailers);
    for (int i = 0; i < proto.query_parameter_mutations_size() && !error_; ++i) {
      at_ = prefix_ + "query_parameter_mutations[" + std::to_string(i) + "]";
      readQuery(proto.query_parameter_mutations(i), made.query);
    }
    if (error_) return *error_;
    return made;
  }

 private:
  template <typename List>
  void readHeaders(const List& list, const char* name, HeaderChanges& into) {
    for (int i = 0; i < list.size() && !error_; ++i) {
      at_ = prefix_ + name + "[" + std::to_string(i) + "]";
      readHeader(list.Get(i), into);
    }
  }
  void readHeader(const HeaderMutation& proto, HeaderChanges& into);
  void readAppend(const HeaderValueOption& proto, HeaderChanges& into);
  void readQuery(const KeyValueMutation& proto, std::vector<QueryChange>& into);
  std::optional<HeaderName> readName(const std::string& text, const char* field);
  std::optional<Format> readFormat(const std::string& text, const char* field);
  void refuse(std::string_view field, std::string text) {
    error_ = Error{at_ + (field.empty() || field.front() == '.' ? "" : ".") + std::string(field),
                   std::move(text)};
  }

  PlanBuild& build_;
  const std::string prefix_;
  std::string at_;
  std::optional<Error> error_;
};

std::optional<HeaderName> Reader::readName(const std::string& text, const char* field) {
  if (text.starts_with(':') || equalsIgnoreCase(text, "host")) {
    refuse(field, "'" + text + "' may not be changed here; routes rewrite paths and hosts");
    return std::nullopt;
  }
  auto name = HeaderName::parse(text);
  if (name) return *std::move(name);
  refuse(field, name.error().text);
  return std::nullopt;
}

std::optional<Format> Reader::readFormat(const std::string& text, const char* field) {
  auto format = Format::parse(text);
  if (!format) {
    refuse(field, format.error().text);
    return std::nullopt;
  }
  for (const std::string& missing : format->unsupported()) {
    build_.warn(at_ + "." + field, missing + " never has a value");
  }
  return *std::move(format);
}

void Reader::readHeader(const HeaderMutation& proto, HeaderChanges& into) {
  switch (proto.action_case()) {
    case HeaderMutation::kRemove:
      if (auto name = readName(proto.remove(), "remove")) into.emplace_back(*std::move(name));
      return;
    case HeaderMutation::kAppend:
      return readAppend(proto.append(), into);
    case HeaderMutation::kRemoveOnMatch: {
      auto matcher = StringMatcher::from(proto.remove_on_match().key_matcher());
      if (!matcher)
        return refuse("remove_on_match.key_matcher." + matcher.error().field, matcher.error().text);
      into.emplace_back(*std::move(matcher));
      return;
    }
    case HeaderMutation::ACTION_NOT_SET:
      return refuse("", "expected remove, append or remove_on_match");
  }
}

void Reader::readAppend(const HeaderValueOption& proto, HeaderChanges& into) {
  const auto& header = proto.header();
  if (!header.value().empty() && !header.raw_value().empty()) {
    return refuse("append.header", "has both value and raw_value");
  }
  auto name = readName(header.key(), "append.header.key");
  if (!name) return;
  auto value = readFormat(header.value().empty() ? header.raw_value() : header.value(),
                          "append.header.value");
  if (!value) return;
  Action action = actionOf(proto.append_action());
  if (proto.has_append()) {
    if (action != Action::Append) return refuse("append", "has both append and append_action");
    action = proto.append().value() ? Action::Append : Action::Overwrite;
  }
  into.emplace_back(Add{*std::move(name), *std::move(value), action, proto.keep_empty_value()});
}

void Reader::readQuery(const KeyValueMutation& proto, std::vector<QueryChange>& into) {
  if (!proto.has_append()) {
    if (proto.remove().empty()) return refuse("", "expected append or remove");
    into.push_back({proto.remove(), std::nullopt, Action::Append});
    return;
  }
  const KeyValueAppend& append = proto.append();
  if (!append.has_record() || append.record().key().empty()) {
    return refuse("append.record", "expected a key and a value");
  }
  if (append.record().value().kind_case() != google::protobuf::Value::kStringValue) {
    return refuse("append.record.value", "expected a string");
  }
  auto value = readFormat(append.record().value().string_value(), "append.record.value");
  if (value) into.push_back({append.record().key(), *std::move(value), actionOf(append.action())});
}

// The changes of the listener, then those of the levels in the order in which they apply.
struct Plan {
  std::vector<std::shared_ptr<const Changes>> stages;
  bool most_specific_wins = false;

  static Result<Plan> from(const v3::HeaderMutation& proto, PlanBuild& build) {
    auto changes = Reader(build, "mutations.").read(proto.mutations());
    if (!changes) return std::move(changes.error());
    Plan plan;
    plan.stages.push_back(std::make_shared<const Changes>(*std::move(changes)));
    plan.most_specific_wins = proto.most_specific_header_mutations_wins();
    return plan;
  }

  // Who is applied last wins. By default that is the least specific level.
  static Result<Plan> forRoute(const Plan& base, std::span<const v3::HeaderMutationPerRoute> levels,
                               PlanBuild& build) {
    Plan plan = base;
    for (size_t i = 0; i < levels.size(); ++i) {
      const size_t at = base.most_specific_wins ? i : levels.size() - 1 - i;
      auto changes = Reader(build, "mutations.").read(levels[at].mutations());
      if (!changes) return std::move(changes.error());
      plan.stages.push_back(std::make_shared<const Changes>(*std::move(changes)));
    }
    return plan;
  }
};

class Mutation final : public Filter {
 public:
  explicit Mutation(const Plan& plan) : plan_(plan) {}

  Verdict onRequest(RequestHead& head, Stream& stream) override {
    for (const auto& stage : plan_.stages) {
      applyTo(head.fields, stage->request, stream.info());
      changeQuery(head, stage->query, stream);
    }
    return Verdict::pass();
  }
  Verdict onRequestTrailers(Fields& trailers, Stream& stream) override {
    for (const auto& stage : plan_.stages)
      applyTo(trailers, stage->request_trailers, stream.info());
    return Verdict::pass();
  }
  Verdict onResponse(ResponseHead& head, Stream& stream) override {
    for (const auto& stage : plan_.stages) applyTo(head.fields, stage->response, stream.info());
    return Verdict::pass();
  }
  Verdict onResponseTrailers(Fields& trailers, Stream& stream) override {
    for (const auto& stage : plan_.stages)
      applyTo(trailers, stage->response_trailers, stream.info());
    return Verdict::pass();
  }

 private:
  const Plan& plan_;
};

}  // namespace

void install(FilterRegistry& registry) {
  registry.add<v3::HeaderMutation, Plan, Mutation, v3::HeaderMutationPerRoute>(
      "envoy.filters.http.header_mutation");
}

}  // namespace weir::filters::header_mutation
