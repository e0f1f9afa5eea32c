#include "source/telemetry/log_operator.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace weir::telemetry {
namespace {

constexpr size_t kLongestName = 64;

// Edit distance of two names of at most kLongestName characters, for "did you mean".
size_t distance(std::string_view a, std::string_view b) {
  std::array<size_t, kLongestName + 1> row;
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

const std::vector<LogOperatorRow>& table() {
  static const std::vector<LogOperatorRow> kTable = [] {
    std::vector<LogOperatorRow> all;
    for (const auto* rows :
         {&messageOperators(), &streamOperators(), &timingOperators(), &addressOperators(),
          &metadataOperators(), &tlsOperators(), &unsupportedOperators()}) {
      all.insert(all.end(), rows->begin(), rows->end());
    }
    all.push_back({"COALESCE", &firstAlternative, &prepareCoalesce, true});
    return all;
  }();
  return kTable;
}

const LogOperatorRow* find(std::string_view name) {
  for (const LogOperatorRow& row : table()) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

std::string nearest(std::string_view name) {
  if (name.size() > kLongestName) return "";
  std::string_view best;
  size_t best_distance = 2 + name.size() / 4;
  for (const LogOperatorRow& row : table()) {
    const size_t apart =
        std::max(name.size(), row.name.size()) - std::min(name.size(), row.name.size());
    if (apart >= best_distance) continue;
    const size_t d = distance(name, row.name);
    if (d < best_distance) {
      best_distance = d;
      best = row.name;
    }
  }
  return best.empty() ? "" : "; did you mean '" + std::string(best) + "'?";
}

}  // namespace

Result<LogOperator> LogOperator::compile(std::string_view command, std::string_view parameter,
                                         bool has_parameter, uint32_t max_length) {
  const LogOperatorRow* row = find(command);
  const std::string name(command);
  if (row == nullptr)
    return Error{"", "'" + name + "' is not a command operator" + nearest(command)};
  LogOperator made;
  made.get_ = row->get;
  made.max_length_ = max_length;
  made.supported_ = row->get != nullptr;
  if (row->prepare == nullptr) {
    if (has_parameter && made.supported_) return Error{"", name + " takes no parameter"};
    made.args_ = std::make_shared<const LogArgs>();
    return made;
  }
  if (row->needs_parameter && parameter.empty())
    return Error{"", name + " needs a parameter in ()"};
  auto args = row->prepare(parameter);
  if (!args) return Error{"", name + ": " + args.error().text};
  made.supported_ = made.supported_ && args->supported;
  for (const LogOperator& alternative : args->alternatives) {
    made.supported_ = made.supported_ && alternative.isSupported();
  }
  made.args_ = std::make_shared<const LogArgs>(*std::move(args));
  return made;
}

LogValue LogOperator::value(const StreamInfo& info, std::string& scratch) const {
  if (get_ == nullptr) return LogValue::none();
  scratch.clear();
  LogValue found = get_(*args_, info, scratch);
  if (found.text.size() > max_length_) {
    if (found.kind == LogValue::Kind::Json) found.kind = LogValue::Kind::Text;
    found.text = found.text.substr(0, max_length_);
  }
  return found;
}

Result<HeaderRef> HeaderRef::parse(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, Source>, 6> kPseudo = {
      {{":method", Source::Method},
       {":path", Source::Path},
       {":authority", Source::Authority},
       {":scheme", Source::Scheme},
       {":status", Source::Status},
       {"host", Source::Authority}}};
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : static_cast<char>(c);
  });
  for (const auto& [pseudo, source] : kPseudo) {
    if (lower == pseudo) return HeaderRef{source, HeaderId::Other};
  }
  auto parsed = HeaderName::parse(lower);
  if (!parsed) return Error{"", "'" + std::string(name) + "' is not a header name"};
  return HeaderRef{Source::Field, *std::move(parsed)};
}

std::string_view HeaderRef::of(const RequestHead& head) const {
  switch (source) {
    case Source::Method:
      return head.method_name;
    case Source::Path:
      return head.path;
    case Source::Authority:
      return head.authority;
    case Source::Scheme:
      return head.scheme;
    case Source::Field:
      return head.fields.get(name).value_or(std::string_view());
    case Source::Status:
    case Source::Nothing:
      return {};
  }
  return {};
}

}  // namespace weir::telemetry
