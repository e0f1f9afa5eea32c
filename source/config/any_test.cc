#include "source/config/any.h"

#include <google/protobuf/struct.pb.h>
#include <gtest/gtest.h>

#include <string>

#include "sample.pb.h"
#include "source/config/tree.h"
#include "typed_struct.pb.h"

namespace weir::config {
namespace {

google::protobuf::Any anyOf(const std::string& yaml) {
  udpa::type::v1::TypedStruct::descriptor();  // links the type in
  Report report;
  sample::Filter filter;
  const auto tree = parseYaml("t", "typed_config:\n  " + yaml, report);
  EXPECT_TRUE(tree != nullptr && readProto(*tree, filter, report)) << report.text();
  return filter.typed_config();
}

std::string unpackProblems(const google::protobuf::Any& any, google::protobuf::Message& out) {
  Report report;
  const bool fits = unpackAny(any, out, Where(report).field("f"));
  EXPECT_EQ(fits, report.ok());
  return report.text();
}

const std::string kTypedStruct =
    "'@type': type.googleapis.com/udpa.type.v1.TypedStruct\n"
    "  type_url: type.googleapis.com/weir.config.sample.Router\n"
    "  value: {statPrefix: 12, timeout: 2s, headers: [a, \"1000000\"], private_key: {version: "
    "3}}\n";

TEST(Any, IsNamedAfterWhatFollowsTheLastSlash) {
  EXPECT_EQ(typeNameOf("a/b/c.D"), "c.D");
  EXPECT_EQ(typeNameOf("c.D"), "c.D");
  EXPECT_EQ(anyTypeName({}), "");
  EXPECT_EQ(anyTypeName(anyOf("'@type': x/weir.config.sample.Router\n")),
            "weir.config.sample.Router");
}

TEST(Any, OpensItsOwnBytes) {
  sample::Router router;
  EXPECT_EQ(unpackProblems(anyOf("{'@type': x/weir.config.sample.Router, stat_prefix: a}"), router),
            "");
  EXPECT_EQ(router.stat_prefix(), "a");
}

TEST(Any, OpensATypedStruct) {
  const google::protobuf::Any any = anyOf(kTypedStruct);
  EXPECT_EQ(any.type_url(), "type.googleapis.com/udpa.type.v1.TypedStruct");
  EXPECT_EQ(anyTypeName(any), "weir.config.sample.Router");
  sample::Router router;
  EXPECT_EQ(unpackProblems(any, router), "");
  EXPECT_EQ(router.stat_prefix(), "12");
  EXPECT_EQ(router.timeout().seconds(), 2);
  EXPECT_EQ(router.headers(1), "1000000");
  EXPECT_EQ(router.private_key().version(), 3u);
}

TEST(Any, SaysWhatDoesNotFit) {
  sample::Service service;
  EXPECT_EQ(unpackProblems({}, service),
            "f: expected a weir.config.sample.Service, found an empty Any\n");
  EXPECT_EQ(unpackProblems(anyOf("'@type': x/weir.config.sample.Router\n"), service),
            "f: expected a weir.config.sample.Service, found a weir.config.sample.Router\n");
  EXPECT_EQ(unpackProblems(anyOf(kTypedStruct), service),
            "f: expected a weir.config.sample.Service, found a TypedStruct of type "
            "'type.googleapis.com/weir.config.sample.Router'\n");
  google::protobuf::Any torn;
  torn.set_type_url("x/weir.config.sample.Service");
  torn.set_value("\x0A\x05");
  EXPECT_EQ(unpackProblems(torn, service), "f: the bytes are not a weir.config.sample.Service\n");
}

// As it comes over xDS: never read from text, so never checked before.
TEST(Any, ChecksTheContentsOfATypedStruct) {
  udpa::type::v1::TypedStruct typed;
  typed.set_type_url("x/weir.config.sample.Router");
  auto& fields = *typed.mutable_value()->mutable_fields();
  fields["timeout"].set_number_value(5);
  fields["stat_prefx"].set_string_value("x");
  google::protobuf::Any any;
  any.PackFrom(typed);
  sample::Router router;
  const std::string problems = unpackProblems(any, router);
  EXPECT_NE(problems.find("f.timeout: expected a duration such as 0.5s, found '5'\n"),
            std::string::npos)
      << problems;
  EXPECT_NE(problems.find("f.stat_prefx: unknown field; did you mean 'stat_prefix'?"),
            std::string::npos)
      << problems;
}

}  // namespace
}  // namespace weir::config
