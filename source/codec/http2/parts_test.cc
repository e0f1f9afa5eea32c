// The small parts: output, table of streams, closed streams, text of fields.
#include <gtest/gtest.h>

#include <deque>
#include <string>

#include "source/codec/http2/field_text.h"
#include "source/codec/http2/output.h"
#include "source/codec/http2/stream_table.h"
#include "weir/fields.h"

namespace weir::codec {
namespace {

std::string joined(const Output& output) {
  std::string all;
  output.forEachPiece([&all](std::string_view piece) { all += piece; });
  return all;
}

TEST(Output, SmallPiecesBecomeOne) {
  ChunkPool pool;
  Output output(pool);
  EXPECT_TRUE(output.empty());
  for (int i = 0; i < 10; ++i) output.copy("abc");
  EXPECT_EQ(output.pieces(), 1u);
  EXPECT_EQ(output.size(), 30u);
  std::memcpy(output.reserve(100), "xyz", 3);
  output.commit(3);
  EXPECT_EQ(output.pieces(), 1u);
  EXPECT_EQ(joined(output).substr(27), "abcxyz");
}

TEST(Output, LongPayloadsAreViews) {
  ChunkPool pool;
  Output output(pool);
  const std::string big(Output::kCopiedSize + 1, 'x');
  std::string expected;
  for (int i = 0; i < 10; ++i) {
    output.copy("head");
    output.append(big);
    expected += "head" + big;
  }
  EXPECT_EQ(output.pieces(), 20u);
  EXPECT_EQ(joined(output), expected);
  output.clear();
  EXPECT_TRUE(output.empty());
  EXPECT_EQ(output.pieces(), 0u);
}

TEST(Output, AnyAmountIsCopiedAcrossChunks) {
  ChunkPool pool;
  Output output(pool);
  std::string expected;
  for (size_t size : {1, 4000, 100, 9000, 5}) {
    std::string text(size, static_cast<char>('a' + size % 26));
    output.copy(text);
    expected += text;
    char* const at = output.reserve(size * 2);
    std::memset(at, '-', size);
    output.commit(size);
    expected += std::string(size, '-');
  }
  EXPECT_EQ(joined(output), expected);
  EXPECT_EQ(output.size(), expected.size());
}

struct PlainStream final : Http2Stream {};

}  // namespace

// Opens streams behind a session's back.
class Http2ServerSession {
 public:
  static void give(Http2Stream& stream, uint32_t id) { stream.id_ = id; }
};

namespace {

TEST(StreamTable, FindsWhatIsThereWhateverWasRemoved) {
  StreamTable table;
  std::deque<PlainStream> streams(2000);
  std::vector<bool> in(2000, false);
  uint32_t random = 1;
  for (uint32_t i = 0; i < 2000; ++i) {
    Http2ServerSession::give(streams[i], 2 * ((i * 7) % 2000) + 1);
  }
  EXPECT_EQ(table.find(1), nullptr);
  for (int step = 0; step < 20000; ++step) {
    random = random * 1103515245 + 12345;
    const uint32_t i = (random >> 16) % (step < 10000 ? 40 : 2000);
    in[i] ? table.remove(streams[i]) : table.add(streams[i]);
    in[i] = !in[i];
    if (step % 100 != 0) continue;
    size_t count = 0;
    for (size_t k = 0; k < in.size(); ++k) {
      ASSERT_EQ(table.find(streams[k].id()), in[k] ? &streams[k] : nullptr) << step;
      count += in[k];
    }
    EXPECT_EQ(table.size(), count);
    size_t visited = 0;
    table.forEach([&visited](Http2Stream&) { ++visited; });
    EXPECT_EQ(visited, count);
  }
}

TEST(ClosedStreams, RemembersTheLatestAndForgivesTheRest) {
  using How = ClosedStreams::How;
  ClosedStreams closed;
  EXPECT_EQ(closed.howOf(1), How::Unknown);
  closed.add(1, How::Reset);
  closed.add(3, How::Ended);
  EXPECT_EQ(closed.howOf(1), How::Reset);
  EXPECT_EQ(closed.howOf(3), How::Ended);
  for (uint32_t id = 5; id < 25; id += 2) closed.add(id, How::Ended);
  EXPECT_EQ(closed.howOf(1), How::Reset) << "perhaps we reset it: not the peer's fault";
  EXPECT_EQ(closed.howOf(3), How::Unknown);
  EXPECT_EQ(closed.howOf(23), How::Ended);
}

TEST(FieldText, ValuesAreWhatFieldsTake) {
  for (int byte = 0; byte < 256; ++byte) {
    for (size_t at = 0; at < 20; ++at) {
      std::string text(20, 'x');
      text[at] = static_cast<char>(byte);
      ASSERT_EQ(isHttp2Value(text), isFieldValue(text)) << byte << " at " << at;
    }
  }
  EXPECT_TRUE(isHttp2Value(""));
  EXPECT_TRUE(isHttp2Value("\t\xffz" + std::string(9, 'x')) == false);
}

TEST(FieldText, LengthsAreDigits) {
  int64_t value = -1;
  EXPECT_TRUE(readContentLength("0009", value));
  EXPECT_EQ(value, 9);
  EXPECT_TRUE(readContentLength("9223372036854775807", value));
  EXPECT_EQ(value, INT64_MAX);
  for (std::string_view bad :
       {"", "-1", "+1", " 1", "1 ", "0x1", "1,1", "9223372036854775808", "00000000000000000001"}) {
    EXPECT_FALSE(readContentLength(bad, value)) << bad;
  }
}

}  // namespace
}  // namespace weir::codec
