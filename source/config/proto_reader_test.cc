#include "source/config/proto_reader.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <string>

#include "sample.pb.h"
#include "source/config/tree.h"
#include "weir/report.h"

namespace weir::config {
namespace {

std::string readYaml(const std::string& text, google::protobuf::Message& out) {
  Report report;
  const auto tree = parseYaml("t", text, report);
  if (tree != nullptr) readProto(*tree, out, report);
  return report.text();
}

// What `text` becomes, as JSON by protobuf's own printer, so that it need not be trusted twice.
std::string jsonOf(const std::string& text) {
  sample::Root root;
  const std::string problems = readYaml(text, root);
  std::string out;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(root, &out, options).ok());
  return problems + out;
}

struct Row {
  const char* yaml;  // of the fields of `kinds`
  const char* json;
};

TEST(ProtoReader, ReadsEachKindOfField) {
  const Row rows[] = {
      {"i32: -5", R"("i32":-5)"},
      {"i32: \"7\"", R"("i32":7)"},
      {"i64: 9007199254740993", R"("i64":"9007199254740993")"},
      {"u64: \"18446744073709551615\"", R"("u64":"18446744073709551615")"},
      {"fixed: 3", R"("fixed":"3")"},
      {"signed_one: -1", R"("signed_one":-1)"},
      {"u32: 0644", R"("u32":420)"},
      {"u32: 1e3", R"("u32":1000)"},
      {"f: 1.5", R"("f":1.5)"},
      {"d: .inf", R"("d":"Infinity")"},
      {"d: NaN", R"("d":"NaN")"},
      {"d: \"-Infinity\"", R"("d":"-Infinity")"},
      {"b: on", R"("b":true)"},
      {"b: \"true\"", R"("b":true)"},
      {"s: 007", R"("s":"007")"},
      {"s: yes", R"("s":"yes")"},
      {"s: 1.10", R"("s":"1.10")"},
      {"s: |\n    a\n    b", R"("s":"a\nb\n")"},
      {"raw: aGk=", R"("raw":"aGk=")"},
      {"raw: _-8", R"("raw":"/+8=")"},
      {"mode: ROUND_ROBIN", R"("mode":"ROUND_ROBIN")"},
      {"mode: least_request", R"("mode":"LEAST_REQUEST")"},
      {"mode: Least-Request", R"("mode":"LEAST_REQUEST")"},
      {"mode: 2", R"("mode":"LEAST_REQUEST")"},
      {"duration: 1.5s", R"("duration":"1.500s")"},
      {"duration: 250ms", R"("duration":"0.250s")"},
      {"duration: {nanos: 500000000}", R"("duration":"0.500s")"},
      {"time: 2026-01-31T12:00:00.5Z", R"("time":"2026-01-31T12:00:00.500Z")"},
      {"time: {seconds: 1}", R"("time":"1970-01-01T00:00:01Z")"},
      {"mask: \"name,fooBar.bazQux\"", R"("mask":"name,fooBar.bazQux")"},
      {"mask: {paths: [foo_bar]}", R"("mask":"fooBar")"},
      {"maybe: false", R"("maybe":false)"},
      {"maybe: {value: true}", R"("maybe":true)"},
      {"maybe: {}", R"("maybe":false)"},
      {"label: 12", R"("label":"12")"},
      {"blob: aGk", R"("blob":"aGk=")"},
      {"percent: 0", R"("percent":0)"},
      {"numbers: [1, \"2\", 0x3]", R"("numbers":[1,2,3])"},
      {"numbers: 4", R"("numbers":[4])"},
      {"modes: [1, least_request]", R"("modes":["ROUND_ROBIN","LEAST_REQUEST"])"},
      {"values: [1, null, a]", R"("values":[1,null,"a"])"},
      {"value: null", R"("value":null)"},
      {"list: [1, [x], {}]", R"("list":[1,["x"],{}])"},
      {"i32: null\n  b: ~\n  duration:\n  numbers: null\n  maybe: null\n  percent: null", ""},
  };
  for (const Row& row : rows) {
    const std::string expected = "{\"kinds\":{" + std::string(row.json) + "}}";
    EXPECT_EQ(jsonOf("kinds:\n  " + std::string(row.yaml) + "\n"), expected) << row.yaml;
  }
}

TEST(ProtoReader, GuessesTypesInsideAStruct) {
  EXPECT_EQ(jsonOf("kinds: {metadata: {a: 1.5}}"), R"({"kinds":{"metadata":{"a":1.5}}})");
  EXPECT_EQ(jsonOf("kinds: {metadata: {a: yes}}"), R"({"kinds":{"metadata":{"a":true}}})");
  EXPECT_EQ(jsonOf("kinds: {metadata: {a: \"yes\"}}"), R"({"kinds":{"metadata":{"a":"yes"}}})");
  EXPECT_EQ(jsonOf("kinds: {metadata: {a: v1}}"), R"({"kinds":{"metadata":{"a":"v1"}}})");
  EXPECT_EQ(jsonOf("kinds: {metadata: {a: 9007199254740993}}"),
            R"({"kinds":{"metadata":{"a":"9007199254740993"}}})");
}

TEST(ProtoReader, TakesBothNamesOfAField) {
  EXPECT_EQ(jsonOf("listeners: [{bufferLimitBytes: 5}, {buffer_limit_bytes: {value: 6}}]"),
            R"({"listeners":[{"buffer_limit_bytes":5},{"buffer_limit_bytes":6}]})");
}

TEST(ProtoReader, TakesOneObjectForAList) {
  EXPECT_EQ(jsonOf("listeners: {name: a, filters: {name: f}}"),
            R"({"listeners":[{"name":"a","filters":[{"name":"f"}]}]})");
}

TEST(ProtoReader, ReadsMaps) {
  EXPECT_EQ(jsonOf("by_name: {a: {name: x}}\ncodes: {200: ok}"),
            R"({"by_name":{"a":{"name":"x"}},"codes":{"200":"ok"}})");
}

TEST(ProtoReader, ANullMemberOfAOneofDoesNotConflict) {
  EXPECT_EQ(jsonOf("listeners: [{address: {host: h, pipe: null}}]"),
            R"({"listeners":[{"address":{"host":"h"}}]})");
}

TEST(ProtoReader, AliasesAndMergesWorkAcrossMessages) {
  EXPECT_EQ(jsonOf("listeners:\n- &a {name: a, mode: 1}\n- {<<: *a, name: b}\n- *a\n"),
            R"({"listeners":[{"name":"a","mode":"ROUND_ROBIN"},)"
            R"({"name":"b","mode":"ROUND_ROBIN"},{"name":"a","mode":"ROUND_ROBIN"}]})");
}

TEST(ProtoReader, ReadsAnyByItsType) {
  EXPECT_EQ(jsonOf("listeners: [{filters: [{typed_config: {'@type': "
                   "type.googleapis.com/weir.config.sample.Router, timeout: 1s}}]}]"),
            R"({"listeners":[{"filters":[{"typed_config":{"@type":)"
            R"("type.googleapis.com/weir.config.sample.Router","timeout":"1s"}}]}]})");
  EXPECT_EQ(jsonOf("listeners: [{filters: [{typed_config: {'@type': "
                   "type.googleapis.com/google.protobuf.Duration, value: 1s}}]}]"),
            R"({"listeners":[{"filters":[{"typed_config":{"@type":)"
            R"("type.googleapis.com/google.protobuf.Duration","value":"1s"}}]}]})");
}

TEST(ProtoReader, AnAnyKeepsItsPrefixAndGetsOneIfItHasNone) {
  sample::Root root;
  EXPECT_EQ(readYaml("listeners:\n  filters:\n"
                     "  - typed_config: {'@type': my.host/x/weir.config.sample.Router}\n"
                     "  - typed_config: {'@type': weir.config.sample.Router}\n"
                     "  - typed_config: {}\n",
                     root),
            "");
  const auto& filters = root.listeners(0).filters();
  EXPECT_EQ(filters[0].typed_config().type_url(), "my.host/x/weir.config.sample.Router");
  EXPECT_EQ(filters[1].typed_config().type_url(), "type.googleapis.com/weir.config.sample.Router");
  EXPECT_EQ(filters[2].typed_config().type_url(), "");
}

// The reader knows messages by descriptor only: a type loaded at run time works the same.
TEST(ProtoReader, ReadsDynamicMessages) {
  google::protobuf::FileDescriptorProto file;
  sample::Root::descriptor()->file()->CopyTo(&file);
  google::protobuf::DescriptorPool pool;
  for (int i = 0; i < sample::Root::descriptor()->file()->dependency_count(); ++i) {
    google::protobuf::FileDescriptorProto dependency;
    sample::Root::descriptor()->file()->dependency(i)->CopyTo(&dependency);
    ASSERT_NE(pool.BuildFile(dependency), nullptr);
  }
  ASSERT_NE(pool.BuildFile(file), nullptr);
  google::protobuf::DynamicMessageFactory factory(&pool);
  const auto* type = pool.FindMessageTypeByName("weir.config.sample.Root");
  const std::unique_ptr<google::protobuf::Message> dynamic(factory.GetPrototype(type)->New());
  const std::string text =
      "kinds: {duration: 1s, metadata: {a: [1, x]}, value: 3, time: {seconds: 5}, mask: \"a\", "
      "list: [1], maybe: true}\nby_name: {a: {name: x}}\nlisteners:\n- filters:\n"
      "  - typed_config: {'@type': type.googleapis.com/weir.config.sample.Router, headers: [a]}\n";
  EXPECT_EQ(readYaml(text, *dynamic), "");
  sample::Root generated;
  EXPECT_EQ(readYaml(text, generated), "");
  sample::Root copy;
  ASSERT_TRUE(copy.ParseFromString(dynamic->SerializeAsString()));
  EXPECT_EQ(copy.DebugString(), generated.DebugString());
}

}  // namespace
}  // namespace weir::config
