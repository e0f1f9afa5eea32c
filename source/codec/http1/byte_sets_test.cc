#include "source/codec/http1/byte_sets.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "source/codec/http1/line_ends.h"
#include "weir/fields.h"

namespace weir::codec {
namespace {

struct Sets {
  std::vector<uint64_t> first, second;
  bool operator==(const Sets&) const = default;
};

Sets lineEnds(const ByteSetFunctions& functions, std::string_view bytes) {
  Sets sets{std::vector<uint64_t>((bytes.size() + 63) / 64), {}};
  sets.second = sets.first;
  functions.line_ends(bytes.data(), bytes.size(), sets.first.data(), sets.second.data());
  return sets;
}

Sets fieldBytes(const ByteSetFunctions& functions, std::string_view bytes) {
  Sets sets{std::vector<uint64_t>((bytes.size() + 63) / 64), {}};
  sets.second = sets.first;
  functions.field_bytes(bytes.data(), bytes.size(), sets.first.data(), sets.second.data());
  return sets;
}

// Mostly the bytes that decide, in a vector of the exact size so that ASan sees any read outside.
std::vector<char> randomBytes(std::mt19937& random, size_t size) {
  constexpr std::string_view kTelling("\r\n\t :\0\x1f\x7f\x80\xff@[`{/", 15);
  std::vector<char> bytes(size);
  for (char& byte : bytes) {
    byte = random() % 3 == 0 ? kTelling[random() % kTelling.size()] : static_cast<char>(random());
  }
  return bytes;
}

TEST(ByteSets, VectorVersionsAnswerAsTheScalarOne) {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    const std::vector<char> bytes = randomBytes(random, random() % 300);
    const std::string_view text(bytes.data(), bytes.size());
    ASSERT_EQ(lineEnds(kSse2ByteSets, text), lineEnds(kScalarByteSets, text));
    ASSERT_EQ(fieldBytes(kSse2ByteSets, text), fieldBytes(kScalarByteSets, text));
    if (!hasAvx2()) continue;
    ASSERT_EQ(lineEnds(kAvx2ByteSets, text), lineEnds(kScalarByteSets, text));
    ASSERT_EQ(fieldBytes(kAvx2ByteSets, text), fieldBytes(kScalarByteSets, text));
  }
}

TEST(ByteSets, EveryByteIsInTheSetsThatTheRfcSays) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    const Sets sets = fieldBytes(kScalarByteSets, text);
    EXPECT_EQ(sets.first[0] == 0, weir::isToken(text)) << byte;
    EXPECT_EQ(sets.second[0] == 0, weir::isFieldValue("a" + text + "b")) << byte;
  }
}

TEST(ByteSets, TargetEndsAtTheFirstByteThatMayNotStandInOne) {
  for (int byte = 0; byte < 256; ++byte) {
    const bool ends = byte <= 0x20 || byte >= 0x7f || byte == '#';
    for (size_t before : {0, 1, 15, 16, 17, 40}) {
      for (size_t after : {0, 1, 16, 40}) {
        const std::string text =
            std::string(before, '/') + static_cast<char>(byte) + std::string(after, 'x');
        ASSERT_EQ(findTargetEnd(text.data(), 0, text.size()), ends ? before : text.size()) << byte;
      }
    }
  }
}

TEST(FieldBytes, FindsTheNextByteFrontToBackOverManyWindows) {
  std::mt19937 random(11);
  for (int round = 0; round < 500; ++round) {
    std::string text(random() % 5000, 'a');
    for (char& byte : text) {
      if (random() % 700 == 0) byte = random() % 2 == 0 ? '\r' : ':';
    }
    FieldBytes bytes(text.data(), text.size());
    size_t from = 0;
    while (from < text.size()) {
      const size_t colon = std::min(text.find_first_of(":\r", from), text.size());
      ASSERT_EQ(bytes.nextNotToken(from), colon);
      const size_t cr = std::min(text.find('\r', colon), text.size());
      ASSERT_EQ(bytes.nextNotValue(colon), cr);
      from = cr + 1;
    }
    ASSERT_EQ(bytes.nextNotValue(text.size()), text.size());
  }
}

// What LineEnds should say, one byte at a time.
LineEnds::Found slowLineEnds(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    const bool after_cr = i > 0 && bytes[i - 1] == '\r';
    if (bytes[i] == '\n' && !after_cr) return {0, Fault::BareLf};
    if (bytes[i] != '\n' && after_cr) return {0, Fault::BareCr};
    if (bytes[i] == '\n' && i >= 2 && bytes[i - 2] == '\n') return {i + 1, Fault::None};
  }
  return {};
}

TEST(LineEnds, AnyBytesInAnyPiecesAsOneByteAtATime) {
  std::mt19937 random(13);
  for (int round = 0; round < 50'000; ++round) {
    std::string text;
    const size_t size = random() % 200;
    while (text.size() < size) {
      const unsigned what = random() % 40;
      text += what < 12 ? "\r\n" : what == 12 ? "\r" : what == 13 ? "\n" : "abc";
    }
    LineEnds lines;
    LineEnds::Found found;
    size_t at = 0;
    while (at < text.size() && found.size == 0 && found.fault == Fault::None) {
      const size_t piece = std::min<size_t>(text.size() - at, 1 + random() % 90);
      found = lines.feed(text.data() + at, piece);
      if (found.size != 0) found.size += at;
      at += piece;
    }
    const LineEnds::Found expected = slowLineEnds(text);
    ASSERT_EQ(found.size, expected.size) << testing::PrintToString(text);
    ASSERT_EQ(found.fault, expected.fault) << testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace weir::codec
