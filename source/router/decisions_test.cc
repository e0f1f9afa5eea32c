// Runs testdata/decisions.txt: configurations, and under each the requests with what becomes of
// them. The file says how to read it.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "source/router/recording_build.h"

namespace weir::router {
namespace {

// "%20" is a space: tokens of the file are separated by spaces.
std::string unescape(std::string_view text) {
  std::string out(text);
  for (size_t at; (at = out.find("%20")) != std::string::npos;) out.replace(at, 3, " ");
  return out;
}

std::string escape(std::string_view text) {
  std::string out(text);
  for (size_t at; (at = out.find(' ')) != std::string::npos;) out.replace(at, 1, "%20");
  return out;
}

using Names = std::map<std::string, std::string>;

Names fieldsOf(const Fields& fields) {
  Names out;
  for (const Field& field : fields) {
    std::string& value = out[std::string(field.name())];
    value += (value.empty() ? "" : ",") + std::string(field.value());
  }
  return out;
}

// " -gone +new=value", in the order of names.
std::string difference(const Names& before, const Names& after) {
  std::string out;
  for (const auto& [name, value] : before) {
    if (!after.contains(name)) out += " -" + name;
  }
  for (const auto& [name, value] : after) {
    const auto old = before.find(name);
    if (old == before.end() || old->second != value) out += " +" + name + "=" + escape(value);
  }
  return out;
}

std::string forwarded(const Route& route, TestRequest& request, uint64_t random) {
  const ClusterChoice choice = route.cluster()->choose(request.head, random);
  std::string out = "cluster " + (choice.name.empty() ? "-" : std::string(choice.name));
  const std::string_view path = request.head.path;
  const std::string_view host = request.head.authority;
  const Names before = fieldsOf(request.head.fields);
  route.prepareRequest(request.head, request.info, request.arena, {choice.weighted});
  if (request.head.path != path) out += " path=" + escape(request.head.path);
  if (request.head.authority != host) out += " host=" + escape(request.head.authority);
  return out + difference(before, fieldsOf(request.head.fields));
}

std::string answered(const Route& route, TestRequest& request) {
  ResponseHead response(request.arena);
  const std::string_view location = route.location(request.head, request.info, request.arena);
  const uint16_t status =
      route.redirect() != nullptr ? route.redirect()->status() : route.direct()->status;
  std::string out = location.empty() ? "direct " : "redirect ";
  out += std::to_string(status) + " " +
         escape(location.empty() ? std::string_view(route.direct()->body) : location);
  route.prepareResponse(response, request.info, request.arena);
  return out + difference({}, fieldsOf(response.fields));
}

std::string decide(const RouteTable& table, const std::string& line) {
  std::istringstream in(line);
  std::string method, host, path, token;
  in >> method >> host >> path;
  TestRequest request(method, host == "-" ? "" : host, path == "-" ? "" : unescape(path));
  Query query{request.head};
  while (in >> token) {
    const size_t colon = token.find(':', 1);
    const std::string value = unescape(token.substr(colon + 1));
    const std::string name = token.substr(0, colon);
    if (name == "@random") {
      query.random = std::stoull(value);
    } else {
      request.with(name, value);
    }
  }
  const Match match = table.find(query);
  switch (match.kind) {
    case Match::Kind::NoVirtualHost:
      return "no-host";
    case Match::Kind::NoRoute:
      return "no-route";
    case Match::Kind::TlsRequired:
      return "tls " + std::string(tlsLocation(request.head, request.arena));
    case Match::Kind::Route:
      break;
  }
  if (match.route->cluster() == nullptr) return answered(*match.route, request);
  return forwarded(*match.route, request, query.random);
}

TEST(Decisions, EveryRowOfTheTableHolds) {
  std::ifstream file("source/router/testdata/decisions.txt");
  ASSERT_TRUE(file.is_open());
  std::shared_ptr<const RouteTable> table;
  std::string line;
  int number = 0;
  int rows = 0;
  while (std::getline(file, line)) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == '{') {
      std::string json = line;
      while (std::getline(file, line) && line != "}") {
        ++number;
        json += "\n" + line;
      }
      ++number;
      RecordingBuild build;
      table = RouteTable::from(routesFromJson(json + "\n}"), build);
      ASSERT_NE(table, nullptr) << "before line " << number << "\n" << build.allErrors();
      continue;
    }
    const size_t arrow = line.find(" => ");
    ASSERT_NE(arrow, std::string::npos) << number << ": " << line;
    ASSERT_NE(table, nullptr) << number;
    EXPECT_EQ(decide(*table, line.substr(0, arrow)), line.substr(arrow + 4))
        << "decisions.txt:" << number << ": " << line;
    ++rows;
  }
  EXPECT_GE(rows, 100);
}

}  // namespace
}  // namespace weir::router
