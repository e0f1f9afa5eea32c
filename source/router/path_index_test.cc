#include "source/router/path_index.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include <random>

#include "source/router/recording_build.h"

namespace weir::router {
namespace {

namespace route = envoy::config::route::v3;

TEST(LiteralPrefix, IsWhatEveryFullMatchStartsWith) {
  EXPECT_EQ(literalPrefix("/api/v[0-9]+/.*"), "/api/v");
  EXPECT_EQ(literalPrefix("^/a\\.b/c$"), "/a.b/c");
  EXPECT_EQ(literalPrefix("/colou?r"), "/colo");
  EXPECT_EQ(literalPrefix("/aa*"), "/a");
  EXPECT_EQ(literalPrefix("/aa{0,2}"), "/a");
  EXPECT_EQ(literalPrefix("/a|/b"), "");
  EXPECT_EQ(literalPrefix("/x(a|b)/c"), "/x");
  EXPECT_EQ(literalPrefix("/x[)]|/y"), "") << "a class may hide the end of a group";
  EXPECT_EQ(literalPrefix("(?i)/a"), "");
  EXPECT_EQ(literalPrefix("\\Q/a*\\E"), "");
  EXPECT_EQ(literalPrefix("/a\\d"), "/a");
  EXPECT_EQ(literalPrefix(".*"), "");
  EXPECT_EQ(literalPrefix("/\xc3\xa9?"), "/") << "a quantifier takes the whole character";
}

TEST(KeyTable, FindsEveryPrefixOfAPathThroughOneWalk) {
  KeyTable table;
  std::vector<std::string> keys;
  for (int i = 0; i < 20'000; ++i) keys.push_back("/service-" + std::to_string(i * 7) + "/v1");
  for (const std::string& key : keys) table.insert(key);
  EXPECT_EQ(table.insert(keys[5]), 5u) << "a known key keeps its id";
  for (uint32_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(table.find(keys[i]), i);
    const std::string longer = keys[i] + "/more/of/a/path";
    PrefixHash hash(longer);
    uint32_t hits = 0;
    for (const uint32_t length : table.lengths()) {
      if (length > longer.size()) break;
      const uint32_t id = table.find(std::string_view(longer).substr(0, length), hash.at(length));
      if (id == KeyTable::kNone) continue;
      ++hits;
      EXPECT_EQ(id, i);
    }
    EXPECT_EQ(hits, 1u);
  }
  EXPECT_EQ(table.find("/service-1/v1"), KeyTable::kNone);
  EXPECT_EQ(KeyTable().find(""), KeyTable::kNone);
}

// Short words over a small alphabet: many routes and requests meet.
class RandomRoutes {
 public:
  explicit RandomRoutes(uint32_t seed) : random_(seed) {}

  uint32_t upTo(uint32_t n) { return static_cast<uint32_t>(random_() % (n + 1)); }

  std::string path() {
    static constexpr std::string_view kAlphabet = "aAbB/./x-";
    std::string out = "/";
    for (uint32_t n = upTo(11); n > 0; --n) out += kAlphabet[upTo(8)];
    return out;
  }
  std::string pattern() {
    static constexpr std::string_view kParts[] = {"a",     "/",       "[ab]+", "x?", "\\.",
                                                  ".*",    "b*",      "(a|b)", "|/", "B{1,2}",
                                                  "(?i)b", "\\Q.\\E", "-"};
    std::string out = upTo(5) == 0 ? "" : "/";
    for (uint32_t n = upTo(4) + 1; n > 0; --n) out += kParts[upTo(12)];
    return out;
  }
  void fill(route::RouteMatch& match) {
    switch (upTo(5)) {
      case 0:
        match.set_path(path());
        break;
      case 1:
      case 2:
        match.set_prefix(upTo(20) == 0 ? "" : path().substr(0, 1 + upTo(5)));
        break;
      case 3:
        match.mutable_safe_regex()->set_regex(pattern());
        break;
      case 4: {
        std::string prefix = path();
        while (!prefix.empty() && prefix.back() == '/') prefix.pop_back();
        match.set_path_separated_prefix(prefix.size() < 2 ? "/a" : prefix);
        break;
      }
      default:
        if (upTo(9) == 0)
          match.mutable_connect_matcher();
        else
          match.set_prefix("/" + std::string(upTo(3), 'a'));
    }
    if (upTo(3) == 0) match.mutable_case_sensitive()->set_value(false);
    if (upTo(2) == 0) {
      auto* header = match.add_headers();
      header->set_name("x-h");
      header->mutable_string_match()->set_exact(std::to_string(upTo(2)));
      header->set_invert_match(upTo(3) == 0);
    }
    if (upTo(9) == 0) match.add_query_parameters()->set_name("q");
  }

 private:
  std::mt19937 random_;
};

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

// What Envoy's documentation says of one route, written without any of our types.
bool holds(const route::RouteMatch& match, const std::string& method, const std::string& target,
           const std::string& header) {
  std::string path = target.substr(0, target.find('?'));
  for (const auto& wanted : match.headers()) {
    if (header.empty()) return false;
    if ((header == wanted.string_match().exact()) == wanted.invert_match()) return false;
  }
  if (match.query_parameters_size() != 0 && target.find("?q") == std::string::npos) return false;
  const bool fold = match.has_case_sensitive() && !match.case_sensitive().value();
  const auto text = [&](const std::string& configured) {
    return fold ? lower(configured) : configured;
  };
  if (match.has_connect_matcher()) return method == "CONNECT";
  if (path.empty()) return false;
  if (match.has_safe_regex()) return re2::RE2::FullMatch(path, match.safe_regex().regex());
  if (fold) path = lower(path);
  switch (match.path_specifier_case()) {
    case route::RouteMatch::kPath:
      return path == text(match.path());
    case route::RouteMatch::kPrefix:
      return path.starts_with(text(match.prefix()));
    case route::RouteMatch::kPathSeparatedPrefix:
      return path == text(match.path_separated_prefix()) ||
             path.starts_with(text(match.path_separated_prefix()) + "/");
    default:
      return false;
  }
}

TEST(PathIndex, ChoosesWhatAScanInOrderChooses) {
  RandomRoutes random(20240607);
  uint64_t compared = 0;
  uint64_t matched = 0;
  for (int round = 0; round < 400; ++round) {
    route::RouteConfiguration proto;
    auto* host = proto.add_virtual_hosts();
    host->set_name("v");
    host->add_domains("*");
    for (uint32_t n = 1 + random.upTo(60); n > 0; --n) {
      auto* made = host->add_routes();
      random.fill(*made->mutable_match());
      made->mutable_direct_response()->set_status(200);
    }
    RecordingBuild build;
    const auto table = RouteTable::from(proto, build);
    ASSERT_NE(table, nullptr) << build.allErrors() << proto.DebugString();
    for (int i = 0; i < 300; ++i) {
      const std::string method = random.upTo(20) == 0 ? "CONNECT" : "GET";
      std::string target = method == "CONNECT" ? "" : random.path();
      if (random.upTo(3) == 0 && !target.empty()) target += "?q=/a";
      const std::string header = random.upTo(2) == 0 ? "" : std::to_string(random.upTo(2));
      int want = -1;
      for (int r = 0; r < host->routes_size() && want < 0; ++r) {
        if (holds(host->routes(r).match(), method, target, header)) want = r;
      }
      TestRequest request(method, "h", target);
      if (!header.empty()) request.with("x-h", header);
      const Match match = table->find({request.head});
      const int got = match.route == nullptr ? -1 : static_cast<int>(match.route->order);
      ASSERT_EQ(got, want) << method << " " << target << " x-h:" << header << "\n"
                           << proto.DebugString();
      ++compared;
      matched += want >= 0;
    }
  }
  EXPECT_GE(compared, 100'000u);
  EXPECT_GT(matched, compared / 4) << "the tables and the requests must meet";
}

}  // namespace
}  // namespace weir::router
