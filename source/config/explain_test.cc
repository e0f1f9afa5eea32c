#include "source/config/explain.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

#include "sample.pb.h"
#include "source/config/honoured_fields.h"
#include "source/config/proto_reader.h"
#include "source/config/tree.h"

namespace weir::config {
namespace {

constexpr std::string_view kTable = R"(
# What the sample obeys.
weir.config.sample.Root
  obeys: service listeners kinds by_name
weir.config.sample.Service
  obeys: *
  harmless: zone
weir.config.sample.Listener
  obeys: name filters mode=ROUND_ROBIN|MODE_UNSPECIFIED reuse_port=true   # others decide
weir.config.sample.Filter
  obeys: name typed_config
weir.config.sample.Router
  obeys: stat_prefix
  harmless: headers
weir.config.sample.Kinds
  obeys: maybe=true modes=ROUND_ROBIN metadata
)";

HonouredFields table(std::string_view text) {
  auto parsed = HonouredFields::parse(text);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().text);
  return parsed ? *parsed : HonouredFields{};
}

std::string ignoredIn(const std::string& yaml) {
  Report report;
  sample::Root root;
  const auto tree = parseYaml("t", yaml, report);
  EXPECT_TRUE(tree != nullptr && readProto(*tree, root, report)) << report.text();
  std::string out;
  for (const Ignored& ignored : listIgnored(root, table(kTable))) {
    out += (ignored.decides ? "decides " : "harmless ") + ignored.path + " " + ignored.field + "\n";
  }
  return out;
}

TEST(ListIgnored, IsEmptyForWhatIsObeyed) {
  EXPECT_EQ(ignoredIn("service: {name: a}\nlisteners: [{name: x, mode: ROUND_ROBIN}]\n"
                      "kinds: {maybe: true, modes: [1, 1], metadata: {a: {b: c}}}\n"),
            "");
}

TEST(ListIgnored, TellsHarmlessFromDeciding) {
  EXPECT_EQ(ignoredIn("service: {zone: z}\nlisteners: [{}, {buffer_limit_bytes: 5}]\n"),
            "harmless service.zone weir.config.sample.Service.zone\n"
            "decides listeners[1].buffer_limit_bytes "
            "weir.config.sample.Listener.buffer_limit_bytes\n");
}

TEST(ListIgnored, ComparesValues) {
  EXPECT_EQ(ignoredIn("listeners: [{mode: LEAST_REQUEST}]\nkinds: {maybe: false, modes: [1, 2]}\n"),
            "decides listeners[0].mode weir.config.sample.Listener.mode\n"
            "decides kinds.maybe weir.config.sample.Kinds.maybe\n"
            "decides kinds.modes weir.config.sample.Kinds.modes\n");
}

TEST(ListIgnored, LooksIntoAnyAndMaps) {
  EXPECT_EQ(ignoredIn("by_name:\n  k:\n    filters:\n    - typed_config: {'@type': "
                      "x/weir.config.sample.Router, headers: [a], timeout: 1s}\n"),
            "decides by_name[\"k\"].filters[0].typed_config.timeout "
            "weir.config.sample.Router.timeout\n"
            "harmless by_name[\"k\"].filters[0].typed_config.headers "
            "weir.config.sample.Router.headers\n");
}

TEST(ListIgnored, NamesMessagesTheTableDoesNotHave) {
  EXPECT_EQ(ignoredIn("listeners: [{filters: [{typed_config: {'@type': "
                      "x/weir.config.sample.Nested, id: a}}]}]\n"),
            "decides listeners[0].filters[0].typed_config weir.config.sample.Nested\n");
}

TEST(ListIgnored, NamesAnExtensionThatIsNotLinkedIn) {
  sample::Filter filter;
  filter.mutable_typed_config()->set_type_url("x/y.Z");
  const auto found = listIgnored(filter, table(kTable));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].path, "typed_config");
  EXPECT_EQ(found[0].field, "y.Z");
  EXPECT_TRUE(found[0].decides);
}

TEST(ReportIgnored, RefusesWhatDecidesAndWarnsOfTheRest) {
  sample::Root root;
  root.mutable_service()->set_zone("z");
  root.add_listeners()->set_mode(sample::LEAST_REQUEST);
  Report report;
  reportIgnored(root, Where(report).field("top"), table(kTable));
  EXPECT_EQ(report.errors(), 1u);
  EXPECT_EQ(report.text(),
            "warning: top.service.zone: not supported, ignored\n"
            "top.listeners[0].mode: LEAST_REQUEST is not supported, only ROUND_ROBIN, "
            "MODE_UNSPECIFIED\n");
}

TEST(ReportIgnored, SaysNothingOfWhatIsBelowACheckedField) {
  sample::Root root;
  root.add_listeners()->set_mode(sample::LEAST_REQUEST);
  Report report;
  reportIgnored(root, Where(report), table("weir.config.sample.Root\n  checked: listeners\n"));
  EXPECT_EQ(report.text(), "");
  reportIgnored(root, Where(report), table("weir.config.sample.Root\n  obeys: listeners\n"));
  EXPECT_EQ(report.errors(), 1u);
}

TEST(HonouredFields, FindsNamesThatDoNotExist) {
  const auto& pool = *sample::Root::descriptor()->file()->pool();
  EXPECT_EQ(table(kTable).unknownNames(pool), std::vector<std::string>{});
  EXPECT_EQ(
      table("weir.config.sample.Listener\n  obeys: nam mode=X reuse_port=yes name=a\nNone\n")
          .unknownNames(pool),
      (std::vector<std::string>{
          "None", "weir.config.sample.Listener.mode=X", "weir.config.sample.Listener.nam",
          "weir.config.sample.Listener.name=a", "weir.config.sample.Listener.reuse_port=yes"}));
}

TEST(HonouredFields, RefusesATableItDoesNotUnderstand) {
  const auto problem = [](std::string_view text) {
    const auto parsed = HonouredFields::parse(text);
    return parsed ? "" : parsed.error().field + ": " + parsed.error().text;
  };
  EXPECT_EQ(problem("  obeys: a\n"), "line 1: expected a message name first");
  EXPECT_EQ(problem("a.B c\n"), "line 1: expected one message name");
  EXPECT_EQ(problem("a.B\n  knows: x\n"),
            "line 2: expected 'obeys:', 'checked:' or 'harmless:', found 'knows:'");
  EXPECT_EQ(problem("a.B\n  obeys: x\n  harmless: x\n"), "line 3: 'x' is named twice");
}

TEST(HonouredFields, TheBuiltInTableParses) {
  EXPECT_TRUE(HonouredFields::builtin().knows(*google::protobuf::Any::descriptor()));
}

}  // namespace
}  // namespace weir::config
