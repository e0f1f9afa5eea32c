#include "envoy/extensions/filters/network/direct_response/v3/config.pb.h"

#include <gtest/gtest.h>

#include <memory>

#include "test/harness/network_filter_test.h"

namespace weir::network::direct_response {

void install(FilterRegistry& registry);

namespace {

using Proto = envoy::extensions::filters::network::direct_response::v3::Config;

class DirectResponseTest : public test::NetworkFilterTest<Proto> {
 protected:
  DirectResponseTest() : NetworkFilterTest(install) {}
};

TEST_F(DirectResponseTest, answersWithWhatItIsGiven) {
  using Row = std::pair<const char*, std::string_view>;
  setenv("WEIR_TEST_RESPONSE", "from outside", 1);
  for (const auto& [source, text] :
       {Row(R"({"inlineString": "hello\n"})", "hello\n"),
        Row(R"({"inlineBytes": "AGE="})", std::string_view("\0a", 2)),
        Row(R"({"environmentVariable": "WEIR_TEST_RESPONSE"})", "from outside"), Row("{}", "")}) {
    const auto made = plan(std::string(R"({"response": )") + source + "}");
    ASSERT_TRUE(made) << source;
    const auto filter = type().make(made->get());
    const auto verdict = filter->onConnection(connection_);
    EXPECT_EQ(verdict.kind(), Kind::Answer);
    EXPECT_EQ(verdict.text(), text);
  }
}

TEST_F(DirectResponseTest, servesTheConnection) { EXPECT_TRUE(type().terminal); }

TEST_F(DirectResponseTest, saysWhatIsMissing) {
  EXPECT_EQ(plan(R"({"response": {"environmentVariable": "WEIR_TEST_NOT_SET"}})").error().field,
            "response.environment_variable");
  EXPECT_EQ(plan(R"({"response": {"filename": "/nowhere/at/all"}})").error().field,
            "response.filename");
}

}  // namespace
}  // namespace weir::network::direct_response
