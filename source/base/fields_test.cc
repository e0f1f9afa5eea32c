#include "weir/fields.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(HeaderIds, EveryKnownNameIsFoundAndOthersAreNot) {
  for (int i = 1; i < static_cast<int>(HeaderId::kCount); ++i) {
    const auto id = static_cast<HeaderId>(i);
    EXPECT_FALSE(headerName(id).empty());
    EXPECT_EQ(headerIdOf(headerName(id)), id) << headerName(id);
    EXPECT_EQ(headerIdOf(std::string(headerName(id)) + "x"), HeaderId::Other);
  }
  EXPECT_EQ(headerIdOf(""), HeaderId::Other);
  EXPECT_EQ(headerIdOf("x-anything"), HeaderId::Other);
  EXPECT_EQ(headerIdOf("HOST"), HeaderId::Other) << "names are lower case by then";
}

TEST(HeaderName, LowersAndRefusesWhatIsNoToken) {
  auto name = HeaderName::parse("X-Request-ID");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->text(), "x-request-id");
  EXPECT_EQ(name->id(), HeaderId::XRequestId);
  EXPECT_FALSE(HeaderName::parse("a b"));
  EXPECT_FALSE(HeaderName::parse(""));
  EXPECT_FALSE(HeaderName::parse("a:"));
}

TEST(Fields, SetReplacesAllInThePlaceOfTheFirst) {
  ChunkPool pool;
  Arena arena(pool);
  Fields fields(arena);
  fields.add("a", "1");
  fields.add("x-b", "1");
  fields.add("c", "3");
  fields.add("x-b", "2");
  fields.set(*HeaderName::parse("X-B"), "9");
  ASSERT_EQ(fields.size(), 3u);
  EXPECT_EQ(fields.begin()[1].name(), "x-b");
  EXPECT_EQ(fields.begin()[1].value(), "9");
  EXPECT_EQ(fields.get("x-b"), "9");
  EXPECT_EQ(fields.get("c"), "3");
}

TEST(Fields, RemoveByIdNameAndText) {
  ChunkPool pool;
  Arena arena(pool);
  Fields fields(arena);
  for (int i = 0; i < 40; ++i) fields.add(i % 2 ? "cookie" : "x-y", std::to_string(i));
  EXPECT_EQ(fields.remove(HeaderId::Cookie), 20u);
  EXPECT_FALSE(fields.has(HeaderId::Cookie));
  EXPECT_EQ(fields.remove("x-y"), 20u);
  EXPECT_TRUE(fields.empty());
  EXPECT_EQ(fields.byteSize(), 0u);
}

TEST(Fields, ValuesWithControlBytesOrOuterSpaceAreNotFieldValues) {
  EXPECT_TRUE(isFieldValue("a\tb"));
  EXPECT_TRUE(isFieldValue(""));
  EXPECT_TRUE(isFieldValue("\xc3\xa9"));
  EXPECT_FALSE(isFieldValue("a\r\nb"));
  EXPECT_FALSE(isFieldValue(std::string_view("a\0b", 3)));
  EXPECT_FALSE(isFieldValue(" a"));
  EXPECT_FALSE(isFieldValue("a\x7f"));
}

TEST(Arena, LargeBlocksDoNotWasteTheOpenChunk) {
  ChunkPool pool;
  Arena arena(pool);
  char* first = static_cast<char*>(arena.allocate(8));
  arena.allocate(100'000);
  char* second = static_cast<char*>(arena.allocate(8));
  EXPECT_EQ(second, first + 8);
  EXPECT_EQ(arena.concat("ab", std::string("cd"), ""), "abcd");
}

}  // namespace
}  // namespace weir
