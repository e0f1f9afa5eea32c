#include "source/config/tree.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "weir/report.h"

namespace weir::config {
namespace {

std::string at(Position position) {
  return std::to_string(position.line) + ":" + std::to_string(position.column);
}

// The tree on one line, every node and key with its position.
std::string printed(const Node& node) {
  switch (node.kind) {
    case Node::Kind::Null:
      return "null@" + at(node.at);
    case Node::Kind::Scalar:
      return (node.quoted ? '"' + node.text + '"' : node.text) + "@" + at(node.at);
    case Node::Kind::Sequence: {
      std::string out = "[";
      for (const Node* item : node.items) out += (out.size() > 1 ? " " : "") + printed(*item);
      return out + "]@" + at(node.at);
    }
    case Node::Kind::Mapping:
      break;
  }
  std::string out = "{";
  for (const Entry& entry : node.entries) {
    out +=
        (out.size() > 1 ? " " : "") + entry.key + "@" + at(entry.at) + "=" + printed(*entry.value);
  }
  return out + "}@" + at(node.at);
}

std::string yaml(std::string_view text) {
  Report report;
  const auto tree = parseYaml("t", text, report);
  return tree != nullptr ? printed(tree->root()) : report.text();
}

std::string json(std::string_view text) {
  Report report;
  const auto tree = parseJson("t", text, report);
  return tree != nullptr ? printed(tree->root()) : report.text();
}

TEST(YamlTree, KnowsThePlaceOfEveryNodeAndKey) {
  EXPECT_EQ(yaml("a: 1\nb:\n  - x\n  - 'y'\n  -\nc: {d: ~}\n"),
            "{a@1:1=1@1:4 b@2:1=[x@3:5 \"y\"@4:5 null@6:1]@3:3 c@6:1={d@6:5=null@6:8}@6:4}@1:1");
}

TEST(YamlTree, KeepsPlainTextApartFromQuotedText) {
  EXPECT_EQ(yaml("- 007\n- \"007\"\n- |-\n  1\n- !!str 5\n- !!int \"5\"\n- !!null x\n"),
            "[007@1:3 \"007\"@2:3 \"1\"@3:3 \"5\"@5:3 5@6:3 null@7:3]@1:1");
}

TEST(YamlTree, SharesAliasedNodes) {
  Report report;
  const auto tree = parseYaml("t", "a: &x {b: 1}\nc: *x\nd: &k key\n*k : v\n", report);
  ASSERT_NE(tree, nullptr) << report.text();
  const auto& entries = tree->root().entries;
  EXPECT_EQ(entries[0].value, entries[1].value);
  EXPECT_EQ(entries[3].key, "key");
}

TEST(YamlTree, MergesKeysTheMappingDoesNotHave) {
  EXPECT_EQ(yaml("a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc:\n  <<: [*a, *b]\n  x: 0\n"),
            "{a@1:1={x@1:8=1@1:11 y@1:14=2@1:17}@1:4 b@2:1={y@2:8=3@2:11 z@2:14=4@2:17}@2:4 "
            "c@3:1={x@5:3=0@5:6 y@1:14=2@1:17 z@2:14=4@2:17}@4:3}@1:1");
  EXPECT_EQ(yaml("'<<': {a: b}\n"), "{<<@1:1={a@1:8=b@1:11}@1:7}@1:1");
}

TEST(YamlTree, TakesJsonWithTabsAndAByteOrderMark) {
  EXPECT_EQ(yaml("\xEF\xBB\xBF{\n\t\"a\": [\n\t\t1]}"), "{a@2:2=[1@3:3]@2:7}@1:1");
}

TEST(YamlTree, AnEmptyDocumentIsNull) {
  EXPECT_EQ(yaml(""), "null@1:1");
  EXPECT_EQ(yaml("# nothing\n---\n"), "null@3:1");
}

TEST(YamlTree, TakesWindowsLineEndsAndBlockScalarsWithTabs) {
  EXPECT_EQ(yaml("a: 1\r\nb: 2\r\n"), "{a@1:1=1@1:4 b@2:1=2@2:4}@1:1");
  EXPECT_EQ(yaml("- code: |\n    f {\n    \tx\n    }\n  b: \"it's\n    fine\"\n"),
            "[{code@1:3=\"f {\n\tx\n}\n\"@1:9 b@5:3=\"it's fine\"@5:6}@1:3]@1:1");
}

TEST(YamlTree, EscapesAreUtf8) {
  EXPECT_EQ(yaml(R"("\N\_\xE4\u20AC\U0001F600\t")"), "\"\u0085\u00A0ä€😀\t\"@1:1");
  EXPECT_EQ(yaml(R"("\uD800")"), "t:1:8: not YAML: invalid unicode: 55296\n");
}

TEST(YamlTree, RefusesTabsInIndentation) {
  const std::string why = "a tab in the indentation; YAML indents with spaces only\n";
  EXPECT_EQ(yaml("a:\n\tb: 1\n"), "t:2:1: " + why);
  EXPECT_EQ(yaml("a:\n  b: 1\n  \tc: 2\n"), "t:3:3: " + why);
  EXPECT_EQ(yaml("a: |\n  x\n\ty\n"), "t:3:1: " + why);
}

TEST(YamlTree, RefusesAQuoteThatIsNeverClosed) {
  EXPECT_EQ(yaml("a:\n  b: \"x\nc: d\n"), "t:2:6: this quote is never closed\n");
  EXPECT_EQ(yaml("a: 'it''s\n"), "t:1:4: this quote is never closed\n");
}

TEST(Text, MustBeUtf8) {
  for (const std::string bad : {"\xFF", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80",
                                "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\xC3", "\x80"}) {
    const std::string out = yaml("a: 1\nb: " + bad);
    EXPECT_EQ(out.substr(0, 27), "t:2:4: invalid UTF-8, byte ") << out;
    EXPECT_EQ(json("{\"a\": \"" + bad + "\"}").substr(0, 27), "t:1:8: invalid UTF-8, byte ");
  }
  EXPECT_EQ(yaml("a: ü€😀"), "{a@1:1=ü€😀@1:4}@1:1");
  EXPECT_EQ(yaml(std::string("a: \0b", 5)), "t:1:4: control byte 0x00; the text must be UTF-8\n");
  EXPECT_EQ(yaml("a: \x04"), "t:1:4: control byte 0x04; the text must be UTF-8\n");
}

TEST(Text, MustBeSmallerThanTenMegabytes) {
  std::string big = "a: " + std::string(10'000'000 - 3, 'x');
  EXPECT_EQ(yaml(big), "t: the text has 10000000 bytes, more than the 9999999 allowed\n");
  EXPECT_EQ(json(big), "t: the text has 10000000 bytes, more than the 9999999 allowed\n");
}

TEST(Depth, OfAThousandLevelsIsRefusedInEveryForm) {
  const std::string why = ": nested more than 100 levels deep\n";
  const auto repeated = [](const std::string& part, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += part;
    return out;
  };
  EXPECT_TRUE(yaml(repeated("[", 1000)).ends_with(why));
  EXPECT_TRUE(yaml(repeated("[", 9'000'000)).ends_with(why));
  EXPECT_TRUE(yaml(repeated("{a: ", 1000)).ends_with(why));
  EXPECT_TRUE(yaml(repeated("- ", 1000)).ends_with(why));
  EXPECT_TRUE(yaml(repeated("? ", 1000)).find("must be text") != std::string::npos);
  EXPECT_TRUE(json(repeated("[", 1000)).ends_with(why));
  EXPECT_TRUE(json(repeated("{\"a\":", 1'000'000)).ends_with(why));
  std::string block;
  for (int i = 0; i < 1000; ++i) block += std::string(static_cast<size_t>(i), ' ') + "k:\n";
  EXPECT_TRUE(yaml(block).ends_with(why));
  EXPECT_EQ(json(repeated("[", 100) + repeated("]", 100)).front(), '[');
  EXPECT_TRUE(json(repeated("[", 101) + repeated("]", 101)).ends_with(why));
}

TEST(Depth, CountsThroughAliases) {
  std::string text = "a0: &a0 {}\n";
  for (int i = 1; i <= 3; ++i) {
    const std::string before = std::to_string(i - 1);
    const std::string now = std::to_string(i);
    text += "a" + now + ": &a" + now + " " + std::string(40, '[') + "*a" + before +
            std::string(40, ']') + "\n";
  }
  const std::string out = yaml(text);
  EXPECT_TRUE(out.starts_with("t:4:49: a3[0][0]")) << out;
  EXPECT_TRUE(out.ends_with("[0]: nested more than 100 levels deep\n")) << out;
}

TEST(Aliases, ThatExplodeAreRefused) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string item = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) bomb += (k > 0 ? ", " : "") + item;
    bomb += "]\n";
  }
  EXPECT_TRUE(yaml(bomb).ends_with(": aliases stand for more than 32 MB when expanded\n"))
      << yaml(bomb);
  std::string wide = "a: &a \"" + std::string(100'000, 'x') + "\"\nb: [";
  for (int i = 0; i < 1000; ++i) wide += "*a, ";
  EXPECT_TRUE(yaml(wide + "]").ends_with("more than 32 MB when expanded\n"));
}

TEST(Merges, ThatExplodeAreRefused) {
  std::string bomb = "a0: &a0 {";
  for (int i = 0; i < 1000; ++i) bomb += "k" + std::to_string(i) + ": v, ";
  bomb += "}\nb:\n";
  for (int i = 0; i < 1000; ++i) bomb += "- {<<: *a0}\n";
  EXPECT_TRUE(yaml(bomb).ends_with("more than 32 MB when expanded\n"));
}

TEST(JsonTree, KnowsThePlaceOfEveryNodeAndKey) {
  EXPECT_EQ(json("{\"a\" : 1.50,\n \"b\":[true, null,\"x\\n\\\"\"] , \"c\":{}}"),
            "{a@1:2=1.50@1:8 b@2:2=[true@2:7 null@2:13 \"x\n\"\"@2:18]@2:6 c@2:29={}@2:33}@1:1");
}

}  // namespace
}  // namespace weir::config
