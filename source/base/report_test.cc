#include "weir/report.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace weir {
namespace {

class LengthLocator final : public Locator {
 public:
  Place locate(std::string_view path) const override {
    return {"a.yaml", static_cast<uint32_t>(path.size()), 1};
  }
};

TEST(Where, OutlivesTheTemporariesItWasMadeFrom) {
  Report report;
  const Where at(report);
  const auto name = at.field("clusters").index(3).field("metadata").key("a.\"b\"").field("name");
  EXPECT_EQ(name.path(), R"(clusters[3].metadata["a.\"b\""].name)");
  EXPECT_EQ(at.path(), "");
}

TEST(Where, NamesTheNearestAncestorWhenTooDeep) {
  Report report;
  Where at(report);
  for (int i = 0; i < 60; ++i) at = at.field("x");
  const std::string path = at.path();
  EXPECT_EQ(path.substr(0, 5), "x.x.x");
  EXPECT_EQ(path.substr(path.size() - 3), "…");
}

TEST(Report, PrintsProblemsInTheOrderOfTheText) {
  Report report;
  report.locateWith(std::make_shared<LengthLocator>());
  const Where at(report);
  at.field("long_name").error("second");
  at.field("a").warning("first");
  report.add(Severity::Error, {"b.yaml", 1, 1}, "", "other file");
  EXPECT_EQ(report.text(),
            "a.yaml:1:1: warning: a: first\n"
            "a.yaml:9:1: long_name: second\n"
            "b.yaml:1:1: other file\n");
  EXPECT_FALSE(report.ok());
  EXPECT_EQ(report.errors(), 2u);
  EXPECT_EQ(report.warnings(), 1u);
}

TEST(Report, PrintsSourcesInTheOrderGiven) {
  Report report;
  report.locateWith(nullptr, {"b", "a"});
  report.add(Severity::Error, {"c", 1, 1}, "", "3");
  report.add(Severity::Error, {"a", 1, 1}, "", "2");
  report.add(Severity::Error, {"b", 9, 9}, "", "1");
  EXPECT_EQ(report.text(), "b:9:9: 1\na:1:1: 2\nc:1:1: 3\n");
}

TEST(Report, WithoutAPlaceNamesThePathOnly) {
  Report report;
  Where(report).field("a").warning("odd");
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.text(), "warning: a: odd\n");
}

TEST(Report, CountsWhatItDoesNotKeep) {
  Report report;
  for (int i = 0; i < 130; ++i) report.error("x", "bad");
  EXPECT_EQ(report.errors(), 130u);
  EXPECT_EQ(report.sorted().size(), 100u);
  EXPECT_NE(report.text().find("and 30 more errors\n"), std::string::npos);
}

}  // namespace
}  // namespace weir
