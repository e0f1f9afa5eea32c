#include "source/stream/path_policy.h"

#include <gtest/gtest.h>

#include <string>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"

namespace weir::stream {
namespace {

using Hcm = PathPolicy::Hcm;
using Kind = PathVerdict::Kind;

constexpr std::string_view kSame = "same";
constexpr std::string_view kRefused = "refused";

// What Envoy 1.40 sent to its origin for each path, by options.
struct Row {
  std::string_view path;
  std::string_view normalized;  // normalize_path
  std::string_view merged;      // merge_slashes
  std::string_view both;        // both
  std::string_view unescaped;   // UNESCAPE_AND_FORWARD
  std::string_view everything;  // all three
};

constexpr Row kRows[] = {
    {"//..", "/", "/..", "/", kSame, "/"},
    {"//../a", "/a", "/../a", "/a", kSame, "/a"},
    {"/.//a", "//a", "/./a", "/a", kSame, "/a"},
    {"/..//a", "//a", "/../a", "/a", kSame, "/a"},
    {"/\\a", "//a", kSame, "/a", kSame, "/a"},
    {"/\\", "//", kSame, "//", kSame, "//"},
    {"/%2fa", kSame, kSame, kSame, "//a", "/a"},
    {"/%5Ca", kSame, kSame, kSame, "/\\a", "/a"},
    {"/%2F/a", kSame, kSame, kSame, "///a", "/a"},
    {"/a/..;", "/", kSame, "/", kSame, "/"},
    {"/a/.;x", "/a/", kSame, "/a/", kSame, "/a/"},
    {"/a/..;x\\y/b", "/b", kSame, "/b", kSame, "/b"},
    {"/%2e.;/b", "/..;/b", kSame, "/..;/b", kSame, "/..;/b"},
    {"/\\..;x/b", "//..;x/b", kSame, "/..;x/b", kSame, "/..;x/b"},
    {"/a/b/..;a;b/c", "/a/c", kSame, "/a/c", kSame, "/a/c"},
    {"/", kSame, kSame, kSame, kSame, kSame},
    {"/a/b/c", kSame, kSame, kSame, kSame, kSame},
    {"/a/./b", "/a/b", kSame, "/a/b", kSame, "/a/b"},
    {"/a/../b", "/b", kSame, "/b", kSame, "/b"},
    {"/a/b/..", "/a/", kSame, "/a/", kSame, "/a/"},
    {"/a/b/.", "/a/b/", kSame, "/a/b/", kSame, "/a/b/"},
    {"/..", "/", kSame, "/", kSame, "/"},
    {"/.", "/", kSame, "/", kSame, "/"},
    {"/../a", "/a", kSame, "/a", kSame, "/a"},
    {"/../../a", "/a", kSame, "/a", kSame, "/a"},
    {"/a/../..", "/", kSame, "/", kSame, "/"},
    {"/a/b/../../../c", "/c", kSame, "/c", kSame, "/c"},
    {"/a//b", kSame, "/a/b", "/a/b", kSame, "/a/b"},
    {"//a", kSame, "/a", "/a", kSame, "/a"},
    {"//", kSame, kSame, kSame, kSame, kSame},
    {"///", kSame, "//", "//", kSame, "//"},
    {"/a//", kSame, "/a/", "/a/", kSame, "/a/"},
    {"/a//../b", "/a/b", "/a/../b", "/a/b", kSame, "/a/b"},
    {"/a/%2e/b", "/a/b", kSame, "/a/b", kSame, "/a/b"},
    {"/a/%2E/b", "/a/b", kSame, "/a/b", kSame, "/a/b"},
    {"/a/%2e%2e/b", "/b", kSame, "/b", kSame, "/b"},
    {"/a/%2E%2e/b", "/b", kSame, "/b", kSame, "/b"},
    {"/a/.%2e/b", "/b", kSame, "/b", kSame, "/b"},
    {"/a/%2e./b", "/b", kSame, "/b", kSame, "/b"},
    {"/%2e%2e", "/", kSame, "/", kSame, "/"},
    {"/a/...", kSame, kSame, kSame, kSame, kSame},
    {"/a/..../b", kSame, kSame, kSame, kSame, kSame},
    {"/a/.b", kSame, kSame, kSame, kSame, kSame},
    {"/a/..b", kSame, kSame, kSame, kSame, kSame},
    {"/a/b../c", kSame, kSame, kSame, kSame, kSame},
    {"/a/b./c", kSame, kSame, kSame, kSame, kSame},
    {"/a\\b", "/a/b", kSame, "/a/b", kSame, "/a/b"},
    {"/a\\..\\b", "/b", kSame, "/b", kSame, "/b"},
    {"/a/..\\b", "/b", kSame, "/b", kSame, "/b"},
    {"/a%5Cb", kSame, kSame, kSame, "/a\\b", "/a/b"},
    {"/a%5cb", kSame, kSame, kSame, "/a\\b", "/a/b"},
    {"/a%2Fb", kSame, kSame, kSame, "/a/b", "/a/b"},
    {"/a%2fb", kSame, kSame, kSame, "/a/b", "/a/b"},
    {"/a/%2F../b", kSame, kSame, kSame, "/a//../b", "/a/b"},
    {"/a/..%2Fb", kSame, kSame, kSame, "/a/../b", "/b"},
    {"/a/..%2f..%2fb", kSame, kSame, kSame, "/a/../../b", "/b"},
    {"/a%5C..%5Cb", kSame, kSame, kSame, "/a\\..\\b", "/b"},
    {"/a%2F%2Fb", kSame, kSame, kSame, "/a//b", "/a/b"},
    {"/%41%42", "/AB", kSame, "/AB", kSame, "/AB"},
    {"/%7Euser", "/~user", kSame, "/~user", kSame, "/~user"},
    {"/~user", kSame, kSame, kSame, kSame, kSame},
    {"/%7euser", "/~user", kSame, "/~user", kSame, "/~user"},
    {"/%2D%5F", "/-_", kSame, "/-_", kSame, "/-_"},
    {"/a%20b", kSame, kSame, kSame, kSame, kSame},
    {"/%3A%40", kSame, kSame, kSame, kSame, kSame},
    {"/a%3fb", kSame, kSame, kSame, kSame, kSame},
    {"/a%3Fb?c", kSame, kSame, kSame, kSame, kSame},
    {"/a%23b", kSame, kSame, kSame, kSame, kSame},
    {"/a%00b", kRefused, kSame, kRefused, kSame, kRefused},
    {"/.%00./b", kRefused, kSame, kRefused, kSame, kRefused},
    {"/%", kSame, kSame, kSame, kSame, kSame},
    {"/%1", kSame, kSame, kSame, kSame, kSame},
    {"/%zz", kSame, kSame, kSame, kSame, kSame},
    {"/a%%41", "/a%A", kSame, "/a%A", kSame, "/a%A"},
    {"/a%2", kSame, kSame, kSame, kSame, kSame},
    {"/%c3%a9", kSame, kSame, kSame, kSame, kSame},
    {"/%C3%A9", kSame, kSame, kSame, kSame, kSame},
    {"/a?b=/../c", kSame, kSame, kSame, kSame, kSame},
    {"/a?b=%2e%2e//x", kSame, kSame, kSame, kSame, kSame},
    {"/a?//", kSame, kSame, kSame, kSame, kSame},
    {"/a/..?x", "/?x", kSame, "/?x", kSame, "/?x"},
    {"/?", kSame, kSame, kSame, kSame, kSame},
    {"/a?b?c", kSame, kSame, kSame, kSame, kSame},
    {"/a|b", "/a%7Cb", kSame, "/a%7Cb", kSame, "/a%7Cb"},
    {"/a\"b", "/a%22b", kSame, "/a%22b", kSame, "/a%22b"},
    {"/a<b>", "/a%3Cb%3E", kSame, "/a%3Cb%3E", kSame, "/a%3Cb%3E"},
    {"/a{b}", "/a%7Bb%7D", kSame, "/a%7Bb%7D", kSame, "/a%7Bb%7D"},
    {"/a`b", "/a%60b", kSame, "/a%60b", kSame, "/a%60b"},
    {"/a^b", "/a%5Eb", kSame, "/a%5Eb", kSame, "/a%5Eb"},
    {"/[a]", kSame, kSame, kSame, kSame, kSame},
    {"/a'b", kSame, kSame, kSame, kSame, kSame},
    {"/a;b", kSame, kSame, kSame, kSame, kSame},
    {"/a/..;/b", "/b", kSame, "/b", kSame, "/b"},
    {"/a/..;x=y/b", "/b", kSame, "/b", kSame, "/b"},
    {"/a/.;/b", "/a/b", kSame, "/a/b", kSame, "/a/b"},
    {"/a/b..;/c", kSame, kSame, kSame, kSame, kSame},
    {"/a/%2e%2e;/b", "/a/..;/b", kSame, "/a/..;/b", kSame, "/a/..;/b"},
    {"/a/;/b", kSame, kSame, kSame, kSame, kSame},
    {"/a//b?c//d", kSame, "/a/b?c//d", "/a/b?c//d", kSame, "/a/b?c//d"},
    {"/a:b", kSame, kSame, kSame, kSame, kSame},
    {"/a@b", kSame, kSame, kSame, kSame, kSame},
    {"/a,b", kSame, kSame, kSame, kSame, kSame},
    {"/a+b", kSame, kSame, kSame, kSame, kSame},
    {"/a=b&c", kSame, kSame, kSame, kSame, kSame},
    {"/!$*()", kSame, kSame, kSame, kSame, kSame},
    {"/a/b/%2e", "/a/b/", kSame, "/a/b/", kSame, "/a/b/"},
    {"/a/b/%2e%2e", "/a/", kSame, "/a/", kSame, "/a/"},
    {"/%61%2e%2e/b", "/a../b", kSame, "/a../b", kSame, "/a../b"},
    {"/a%0db", kSame, kSame, kSame, kSame, kSame},
    {"/a%0Ab", kSame, kSame, kSame, kSame, kSame},
    {"/%25", kSame, kSame, kSame, kSame, kSame},
    {"/%252e%252e/a", kSame, kSame, kSame, kSame, kSame},
    {"/%2561", kSame, kSame, kSame, kSame, kSame},
    {"/a%7f", kSame, kSame, kSame, kSame, kSame},
    {"/%80", kSame, kSame, kSame, kSame, kSame},
    {"/a/%2e%2e/%2e%2e/%2e%2e/b", "/b", kSame, "/b", kSame, "/b"},
    {"/a/..//b", "//b", "/a/../b", "/b", kSame, "/b"},
    {"/a/./../b", "/b", kSame, "/b", kSame, "/b"},
    {"/.well-known/x", kSame, kSame, kSame, kSame, kSame},
    {"/...", kSame, kSame, kSame, kSame, kSame},
    {"/a/.../b", kSame, kSame, kSame, kSame, kSame},
    {"/%2e%2e%2f", "/..%2f", kSame, "/..%2f", "/%2e%2e/", "/"},
    {"/a%2f..", kSame, kSame, kSame, "/a/..", "/"},
    {"/a/..%5cb", kSame, kSame, kSame, "/a/..\\b", "/b"},
    {"/..a", kSame, kSame, kSame, kSame, kSame},
    {"/a%2ffoo?x%2fy", kSame, kSame, kSame, "/a/foo?x%2fy", "/a/foo?x%2fy"},
    {"/a%2", kSame, kSame, kSame, kSame, kSame},
    {"/a%5", kSame, kSame, kSame, kSame, kSame},
    {"//a//b//", kSame, "/a/b/", "/a/b/", kSame, "/a/b/"},
    {"/a/b//..", "/a/b/", "/a/b/..", "/a/b/", kSame, "/a/b/"},
    {"/a/b///../c", "/a/b//c", "/a/b/../c", "/a/b/c", kSame, "/a/b/c"},
    {"/./a", "/a", kSame, "/a", kSame, "/a"},
    {"/./", "/", kSame, "/", kSame, "/"},
    {"/a/./", "/a/", kSame, "/a/", kSame, "/a/"},
    {"/a/../", "/", kSame, "/", kSame, "/"},
    {"/c:/d/../e", "/c:/e", kSame, "/c:/e", kSame, "/c:/e"},
    {"/C|/x", "/C%7C/x", kSame, "/C%7C/x", kSame, "/C%7C/x"},
    {"/a.%2e/b", "/a../b", kSame, "/a../b", kSame, "/a../b"},
    {"/a%2e%2e/b", "/a../b", kSame, "/a../b", kSame, "/a../b"},
};

class PathPolicyTest : public ::testing::Test {
 protected:
  PathVerdict apply(const PathPolicy& policy, std::string_view path) {
    head_.path = path;
    return policy.apply(head_, arena_);
  }
  // The path as it goes on, or kRefused.
  std::string_view result(const PathPolicy& policy, std::string_view path) {
    const PathVerdict verdict = apply(policy, path);
    if (verdict.kind == Kind::Reject) {
      EXPECT_EQ(verdict.details, "path_normalization_failed");
      return kRefused;
    }
    EXPECT_EQ(verdict.kind, Kind::Ok);
    return head_.path;
  }
  static PathPolicy policyOf(bool normalize, bool merge, PathPolicy::EscapedSlashes slashes) {
    PathPolicy policy;
    policy.normalize = normalize;
    policy.merge_slashes = merge;
    policy.escaped_slashes = slashes;
    return policy;
  }

  ChunkPool pool_;
  Arena arena_{pool_};
  RequestHead head_{arena_};
};

using Slashes = PathPolicy::EscapedSlashes;

TEST_F(PathPolicyTest, EveryRowIsWhatEnvoyDoes) {
  for (const Row& row : kRows) {
    const auto expect = [&](const PathPolicy& policy, std::string_view want, const char* what) {
      EXPECT_EQ(result(policy, row.path), want == kSame ? row.path : want)
          << what << " of " << row.path;
    };
    expect(policyOf(false, false, Slashes::Keep), kSame, "nothing");
    expect(policyOf(true, false, Slashes::Keep), row.normalized, "normalize_path");
    expect(policyOf(false, true, Slashes::Keep), row.merged, "merge_slashes");
    expect(policyOf(true, true, Slashes::Keep), row.both, "both");
    expect(policyOf(false, false, Slashes::UnescapeAndForward), row.unescaped, "unescape");
    expect(policyOf(true, true, Slashes::UnescapeAndForward), row.everything, "everything");
  }
}

TEST_F(PathPolicyTest, RejectRefusesExactlyThePathsThatUnescapingWouldChange) {
  for (const Row& row : kRows) {
    const std::string_view want = row.unescaped == kSame ? row.path : kRefused;
    EXPECT_EQ(result(policyOf(false, false, Slashes::Reject), row.path), want) << row.path;
  }
}

TEST_F(PathPolicyTest, RedirectLeadsToWhatForwardWouldSend) {
  for (const Row& row : kRows) {
    if (row.unescaped == kSame || row.everything == kRefused) continue;
    const auto verdict = apply(policyOf(true, true, Slashes::UnescapeAndRedirect), row.path);
    EXPECT_EQ(verdict.kind, Kind::Redirect) << row.path;
    EXPECT_EQ(verdict.location, row.everything);
    EXPECT_EQ(verdict.details, "path_normalization_failed");
  }
}

TEST_F(PathPolicyTest, RedirectNeverNamesAnotherHost_Rfc3986_4_2) {
  const PathPolicy policy = policyOf(false, false, Slashes::UnescapeAndRedirect);
  EXPECT_EQ(apply(policy, "/%2Fevil.test/").location, "/.//evil.test/");
  EXPECT_EQ(apply(policy, "/%5Cevil.test/").location, "/./\\evil.test/");
  EXPECT_EQ(apply(policy, "/a%2Fb").location, "/a/b");
}

TEST_F(PathPolicyTest, GrpcIsRefusedInsteadOfRedirected) {
  head_.fields.add(HeaderId::ContentType, "application/grpc");
  EXPECT_EQ(apply(policyOf(true, true, Slashes::UnescapeAndRedirect), "/a%2Fb").kind, Kind::Reject);
}

TEST_F(PathPolicyTest, FragmentIsRefusedWhateverTheOptions_Rfc9110_7_1) {
  EXPECT_EQ(result(PathPolicy(), "/a#b"), kRefused);
  EXPECT_EQ(result(PathPolicy(), "/a?b#c"), kRefused);
}

TEST_F(PathPolicyTest, TargetsThatAreNoPathsStay_Rfc9112_3_2) {
  const PathPolicy policy = policyOf(true, true, Slashes::UnescapeAndForward);
  EXPECT_EQ(result(policy, "*"), "*");
  EXPECT_EQ(result(policy, ""), "");
}

TEST_F(PathPolicyTest, NormalizingEscapesWhatMayNotStandInAPath_Rfc3986_3_3) {
  const PathPolicy policy = policyOf(true, false, Slashes::Keep);
  EXPECT_EQ(result(policy, "/\xc3\xa9 "), "/%C3%A9%20");
  EXPECT_EQ(result(policy, "/\x7f"), "/%7F");
}

TEST_F(PathPolicyTest, NormalizingTwiceIsNormalizingOnceButForParametersOfEscapedDots) {
  const PathPolicy policy = policyOf(true, true, Slashes::Keep);
  for (const Row& row : kRows) {
    const std::string once(result(policy, row.path));
    if (once == kRefused || once.find("..;") != std::string::npos) continue;
    EXPECT_EQ(result(policy, once), once) << row.path;
  }
}

TEST_F(PathPolicyTest, APathThatNeedsNoChangeIsNotCopied) {
  const std::string_view path = "/assets/app.min.js?v=../1//2";
  apply(policyOf(true, true, Slashes::UnescapeAndForward), path);
  EXPECT_EQ(head_.path.data(), path.data());
}

TEST_F(PathPolicyTest, DefaultsChangeNothing) {
  const auto policy = PathPolicy::from(Hcm());
  ASSERT_TRUE(policy);
  EXPECT_FALSE(policy->normalize);
  EXPECT_FALSE(policy->merge_slashes);
  EXPECT_EQ(policy->escaped_slashes, Slashes::Keep);
}

TEST_F(PathPolicyTest, ReadsItsOptions) {
  const std::pair<Hcm::PathWithEscapedSlashesAction, Slashes> rows[] = {
      {Hcm::IMPLEMENTATION_SPECIFIC_DEFAULT, Slashes::Keep},
      {Hcm::KEEP_UNCHANGED, Slashes::Keep},
      {Hcm::REJECT_REQUEST, Slashes::Reject},
      {Hcm::UNESCAPE_AND_REDIRECT, Slashes::UnescapeAndRedirect},
      {Hcm::UNESCAPE_AND_FORWARD, Slashes::UnescapeAndForward}};
  for (const auto& [action, slashes] : rows) {
    Hcm proto;
    proto.mutable_normalize_path()->set_value(true);
    proto.set_merge_slashes(true);
    proto.set_path_with_escaped_slashes_action(action);
    const auto policy = PathPolicy::from(proto);
    ASSERT_TRUE(policy);
    EXPECT_TRUE(policy->normalize);
    EXPECT_TRUE(policy->merge_slashes);
    EXPECT_EQ(policy->escaped_slashes, slashes);
  }
}

TEST_F(PathPolicyTest, PathNormalizationOptionsAreRefusedByName) {
  Hcm proto;
  proto.mutable_path_normalization_options();
  const auto policy = PathPolicy::from(proto);
  ASSERT_FALSE(policy);
  EXPECT_EQ(policy.error().field, "path_normalization_options");
}

}  // namespace
}  // namespace weir::stream
