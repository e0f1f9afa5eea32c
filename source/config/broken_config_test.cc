// Every broken configuration of testdata/broken_*.txt against the exact report it must produce.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "sample.pb.h"
#include "source/config/proto_reader.h"
#include "source/config/tree.h"
#include "typed_struct.pb.h"
#include "weir/report.h"

namespace weir::config {
namespace {

struct BrokenConfig {
  std::string name;
  std::string text;
  std::string report;
};

std::vector<BrokenConfig> readCases(const std::string& file) {
  std::ifstream in("source/config/testdata/" + file);
  std::vector<BrokenConfig> cases;
  std::string line;
  while (std::getline(in, line)) {
    if (line.starts_with("### ")) {
      cases.push_back({line.substr(4), "", ""});
    } else if (!cases.empty() && line.starts_with("=> ")) {
      cases.back().report += line.substr(3) + '\n';
    } else if (!cases.empty()) {
      cases.back().text += line + '\n';
    }
  }
  return cases;
}

using Parse = std::shared_ptr<const Tree> (*)(std::string, std::string_view, Report&,
                                              const TextLimits&);

size_t expectReports(const std::string& file, const std::string& source, Parse parse) {
  udpa::type::v1::TypedStruct::descriptor();  // links the type in
  const std::vector<BrokenConfig> cases = readCases(file);
  for (const BrokenConfig& broken : cases) {
    Report report;
    sample::Root root;
    const auto tree = parse(source, broken.text, report, {});
    if (tree != nullptr) {
      EXPECT_FALSE(readProto(*tree, root, report)) << broken.name;
    }
    EXPECT_FALSE(report.ok()) << broken.name;
    EXPECT_EQ(report.text(), broken.report) << broken.name;
  }
  return cases.size();
}

TEST(BrokenConfig, EachYamlMistakeIsNamedWithItsPlace) {
  EXPECT_GE(expectReports("broken_yaml.txt", "t.yaml", parseYaml), 60u);
}

TEST(BrokenConfig, EachJsonMistakeIsNamedWithItsPlace) {
  EXPECT_GE(expectReports("broken_json.txt", "t.json", parseJson), 15u);
}

TEST(BrokenConfig, UnknownFieldsAreWarningsWhereAllowed) {
  Report report;
  sample::Root root;
  const auto tree = parseYaml("t.yaml", "service:\n  nmae: a\n  zone: z\n", report);
  EXPECT_TRUE(readProto(*tree, root, report, {.allow_unknown_fields = true}));
  EXPECT_EQ(report.text(), "t.yaml:2:3: warning: service.nmae: unknown field, ignored\n");
  EXPECT_EQ(root.service().zone(), "z");
}

TEST(BrokenConfig, WhatIsSoundIsStillRead) {
  Report report;
  sample::Root root;
  const auto tree = parseYaml("t.yaml", "service: {name: a, zone: [z]}\ncodes: {7: x}\n", report);
  EXPECT_FALSE(readProto(*tree, root, report));
  EXPECT_EQ(root.service().name(), "a");
  EXPECT_EQ(root.codes().at(7), "x");
}

}  // namespace
}  // namespace weir::config
