#include "source/admin/handlers.h"

namespace weir::admin {
namespace {

constexpr std::string_view kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Weir Admin</title>
<style>
body { font: 14px sans-serif; margin: 2em; }
td { padding: 0.3em 1em 0.3em 0; vertical-align: top; }
button { font: inherit; }
</style>
</head>
<body>
<h1>Weir Admin</h1>
<table>
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

void appendChoices(std::string& to, std::string_view choices) {
  for (;;) {
    const size_t comma = choices.find(", ");
    const std::string choice(choices.substr(0, comma));
    to += "<option>" + choice + "</option>";
    if (comma == choices.npos) return;
    choices.remove_prefix(comma + 2);
  }
}

void appendInput(std::string& to, const Parameter& parameter) {
  const std::string name(parameter.name);
  to += "<br><label>";
  if (parameter.is_flag) {
    to += "<input type=\"checkbox\" name=\"" + name + "\">";
  } else if (!parameter.choices.empty()) {
    to += "<select name=\"" + name + "\">";
    appendChoices(to, parameter.choices);
    to += "</select>";
  } else {
    to += "<input name=\"" + name + "\">";
  }
  to += " " + name + ": " + escaped(parameter.help) + "</label>";
}

// Targets are relative, so that the page works below a prefix of another proxy.
void appendRow(std::string& to, const Endpoint& endpoint) {
  const std::string name(endpoint.path.substr(1));
  if (name.empty()) return;
  to += "<tr><td>";
  if (!endpoint.mutates && endpoint.parameters.empty()) {
    to += "<a href=\"" + name + "\">" + name + "</a></td><td>" + escaped(endpoint.help);
  } else {
    const std::string id = "f-" + name;
    to += "<form id=\"" + id + "\" action=\"" + name + "\" method=\"";
    to += endpoint.mutates ? "post" : "get";
    to += "\"><button>" + name + "</button></form></td><td>" + escaped(endpoint.help);
    for (const Parameter& parameter : endpoint.parameters) {
      std::string input;
      appendInput(input, parameter);
      // The form stands in the other cell.
      const size_t at = input.find("name=");
      to += input.insert(at, "form=\"" + id + "\" ");
    }
  }
  to += "</td></tr>\n";
}

}  // namespace

std::string helpText() {
  std::string text = "admin commands are:\n";
  for (const Endpoint& endpoint : endpoints()) {
    text.append("  ").append(endpoint.path).append(endpoint.mutates ? " (POST): " : ": ");
    text.append(endpoint.help).append("\n");
    for (const Parameter& parameter : endpoint.parameters) {
      text.append("      ").append(parameter.name).append(": ").append(parameter.help);
      if (!parameter.choices.empty()) {
        text.append("; One of (").append(parameter.choices).append(")");
      }
      text.append("\n");
    }
  }
  return text;
}

Response helpPage(const Request&, AdminSource&) { return {.body = helpText()}; }

Response homePage(const Request&, AdminSource&) {
  std::string page(kHead);
  for (const Endpoint& endpoint : endpoints()) appendRow(page, endpoint);
  page += "</table>\n</body>\n</html>\n";
  return {.content_type = kHtml, .body = std::move(page)};
}

}  // namespace weir::admin
