#include "source/config/bootstrap.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "sample.pb.h"

namespace weir::config {
namespace {

// Config files in the test's own folder, so that reports name them by a path known beforehand.
class BootstrapTest : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) {
    const std::string path = testing::TempDir() + "weir_bootstrap_" + name;
    std::ofstream(path, std::ios::binary) << text;
    files_.push_back(path);
    return path;
  }

  // What the report says, with the path of `source` shortened to FILE.
  std::string load(const BootstrapSource& source) {
    root_.Clear();
    Report report;
    const bool loaded = loadBootstrap(source, root_, report);
    EXPECT_EQ(loaded, report.ok());
    std::string text = report.text();
    for (size_t at = text.find(source.path); !source.path.empty() && at != std::string::npos;
         at = text.find(source.path)) {
      text.replace(at, source.path.size(), "FILE");
    }
    return text;
  }

  void TearDown() override {
    for (const std::string& path : files_) std::remove(path.c_str());
  }

  std::vector<std::string> files_;
  sample::Root root_;
};

TEST_F(BootstrapTest, TheSuffixDecidesTheFormat) {
  sample::Root wanted;
  wanted.mutable_service()->set_name("a");
  std::string text;
  google::protobuf::TextFormat::PrintToString(wanted, &text);
  const std::string yaml = "service:\n  name: a\n";
  const std::string json = R"({"service": {"name": "a"}})";
  for (const std::string& path :
       {file("1.yaml", yaml), file("2.yml", yaml), file("3.conf", yaml), file("4", yaml),
        file("5.json", json), file("6.JSON", json), file("7.yaml", json), file("8.pb_text", text),
        file("9.pb", wanted.SerializeAsString())}) {
    EXPECT_EQ(load({.path = path}), "") << path;
    EXPECT_EQ(root_.service().name(), "a") << path;
  }
  EXPECT_EQ(load({.path = file("10.json", yaml)}), "FILE:1:1: not JSON: Invalid value.\n");
}

TEST_F(BootstrapTest, TheStringIsMergedOverTheFile) {
  const std::string path = file("m.yaml",
                                "service: {name: a, zone: z}\nlisteners: [{name: x}]\n"
                                "by_name: {k: {name: 1}, l: {name: 2}}\n");
  EXPECT_EQ(load({.path = path,
                  .yaml = "service: {name: b}\nlisteners: [{name: y}]\nby_name: {k: {name: 3}}"}),
            "");
  EXPECT_EQ(root_.service().name(), "b");
  EXPECT_EQ(root_.service().zone(), "z");
  ASSERT_EQ(root_.listeners_size(), 2);
  EXPECT_EQ(root_.listeners(1).name(), "y");
  EXPECT_EQ(root_.by_name().at("k").name(), "3");
  EXPECT_EQ(root_.by_name().at("l").name(), "2");
}

TEST_F(BootstrapTest, TheStringAloneIsEnough) {
  EXPECT_EQ(load({.yaml = "{\"service\": {name: b}}"}), "");
  EXPECT_EQ(root_.service().name(), "b");
}

TEST_F(BootstrapTest, ProblemsOfBothAreReportedTogether) {
  const std::string path = file("b.yaml", "service:\n  nam: a\ncodes: x\n");
  EXPECT_EQ(load({.path = path, .yaml = "listeners: 5"}),
            "FILE:2:3: service.nam: unknown field; did you mean 'name'? (fields of "
            "weir.config.sample.Service)\n"
            "FILE:3:8: codes: expected a mapping from uint32 to string, found 'x'\n"
            "--config-yaml:1:12: listeners: expected a mapping with fields of "
            "weir.config.sample.Listener (name, address, filters, buffer_limit_bytes, reuse_port, "
            "mode), found '5'\n");
}

TEST_F(BootstrapTest, LaterChecksFindTheirLines) {
  const std::string path = file("l.yaml", "listeners:\n- name: a\n- name: b\n");
  Report report;
  ASSERT_TRUE(loadBootstrap({.path = path, .yaml = "listeners: [{name: a}]"}, root_, report));
  const Where listeners = Where(report).field("listeners");
  listeners.index(2).field("name").error("'a' is taken");
  listeners.index(1).field("address").error("missing");
  EXPECT_EQ(report.text(), path + ":3:3: listeners[1].address: missing\n" +
                               "--config-yaml:1:20: listeners[2].name: 'a' is taken\n");
}

TEST_F(BootstrapTest, FilesThatCannotBeReadAreNamed) {
  EXPECT_EQ(load({}), "no configuration: name a file with -c or give text with --config-yaml\n");
  EXPECT_EQ(load({.path = "/nonexistent/x.yaml"}),
            "FILE: cannot be opened: No such file or directory\n");
  EXPECT_EQ(load({.path = "/"}), "FILE: cannot be read: Is a directory\n");
  BootstrapSource small{.path = file("s.yaml", "service: {}")};
  small.limits.bytes = 10;
  EXPECT_EQ(load(small), "FILE: has more than the 10 bytes allowed\n");
  EXPECT_EQ(load({.path = file("e.yaml", "")}), "FILE: warning: the document is empty\n");
}

TEST_F(BootstrapTest, BinaryAndTextFormatAreCheckedToo) {
  EXPECT_EQ(load({.path = file("t.pb", "\x0A\x05")}),
            "FILE: the bytes are not a weir.config.sample.Root\n");
  // Field 15, a varint, inside `service`.
  const std::string unknown = file("u.pb", std::string("\x0A\x02\x78\x01", 4));
  EXPECT_EQ(load({.path = unknown}),
            "FILE: service: unknown field number 15 of weir.config.sample.Service\n");
  EXPECT_EQ(load({.path = unknown, .allow_unknown_fields = true}),
            "FILE: warning: service: unknown field number 15 of weir.config.sample.Service, "
            "ignored\n");
  EXPECT_EQ(load({.path = file("x.pb_text", "service {\n  nam: \"a\"\n}")}),
            "FILE:2:6: Message type \"weir.config.sample.Service\" has no field named \"nam\".\n");
}

}  // namespace
}  // namespace weir::config
