#include "source/admin/request.h"

#include "source/telemetry/percent_decode.h"

namespace weir::admin {
namespace {

// In a query a plus is a plus (filters are regular expressions); in a form it is a space.
enum class Plus : uint8_t { Literal, Space };

std::string decoded(std::string_view text, Plus plus) {
  std::string spaced(text);
  if (plus == Plus::Space) {
    for (char& c : spaced) c = c == '+' ? ' ' : c;
  }
  std::string out;
  telemetry::appendPercentDecoded(out, spaced);
  return out;
}

void addParameters(std::string_view text, Plus plus, Parameters& to) {
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find('&'));
    text.remove_prefix(item.size() < text.size() ? item.size() + 1 : item.size());
    if (item.empty()) continue;
    const size_t equals = item.find('=');
    const std::string_view value = equals == item.npos ? "" : item.substr(equals + 1);
    to.emplace_back(decoded(item.substr(0, equals), plus), decoded(value, plus));
  }
}

}  // namespace

Request Request::from(std::string_view method, std::string_view target) {
  Request request;
  request.method = method;
  target = target.substr(0, target.find('#'));
  const size_t question = target.find('?');
  std::string_view path = target.substr(0, question);
  while (path.starts_with("//")) path.remove_prefix(1);
  request.path = path;
  if (question != target.npos) {
    addParameters(target.substr(question + 1), Plus::Literal, request.parameters);
  }
  return request;
}

void Request::addForm(std::string_view body) { addParameters(body, Plus::Space, parameters); }

bool Request::has(std::string_view name) const {
  for (const auto& parameter : parameters) {
    if (parameter.first == name) return true;
  }
  return false;
}

std::string_view Request::get(std::string_view name) const {
  std::string_view value;
  for (const auto& parameter : parameters) {
    if (parameter.first == name) value = parameter.second;
  }
  return value;
}

}  // namespace weir::admin
