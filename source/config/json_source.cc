// JSON text to tree by RapidJSON's SAX reader. The only file that knows RapidJSON.
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <string>
#include <utility>

#include "source/config/text_check.h"
#include "source/config/tree.h"
#include "source/config/tree_builder.h"

namespace weir::config {
namespace {

constexpr std::string_view kBetween = " \t\r\n,:";

// RapidJSON tells no positions, only events in the order of the text. Between two tokens there is
// only space, ',' and ':', so the place where the last one ended tells where this one began.
class TokenPlace {
 public:
  TokenPlace(std::string_view text, const rapidjson::MemoryStream& stream)
      : text_(text), stream_(stream) {}

  // Of a string, number or word, which has been read.
  Position next() {
    const Position start = nextStart();
    offset_ = stream_.Tell();
    return start;
  }
  // Of a bracket, which is reported before it is read.
  Position nextBracket() {
    const Position start = nextStart();
    ++offset_;
    return start;
  }

  // Where an error at `offset`, at or behind the last token, is.
  Position at(size_t offset) {
    while (offset_ < offset && offset_ < text_.size()) advance();
    return {line_, static_cast<uint32_t>(offset_ - line_start_ + 1)};
  }

 private:
  Position nextStart() {
    while (offset_ < text_.size() && kBetween.find(text_[offset_]) != kBetween.npos) advance();
    return {line_, static_cast<uint32_t>(offset_ - line_start_ + 1)};
  }

  void advance() {
    if (text_[offset_++] != '\n') return;
    ++line_;
    line_start_ = offset_;
  }

  std::string_view text_;
  const rapidjson::MemoryStream& stream_;
  size_t offset_ = 0;
  size_t line_start_ = 0;
  uint32_t line_ = 1;
};

std::string explained(rapidjson::ParseErrorCode code) {
  switch (code) {
    case rapidjson::kParseErrorObjectMissName:
      return "expected a key in quotes (JSON has no comments and no trailing commas)";
    case rapidjson::kParseErrorStringEscapeInvalid:
      return "a bad escape, or a control character, in a string";
    default:
      return rapidjson::GetParseError_En(code);
  }
}

struct JsonEvents : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, JsonEvents> {
  JsonEvents(TreeBuilder& builder, TokenPlace& place) : builder(builder), place(place) {}

  bool Null() { return builder.null(place.next()); }
  bool Bool(bool value) { return builder.scalar(place.next(), value ? "true" : "false", false); }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    return builder.scalar(place.next(), std::string(text, size), false);
  }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    return builder.scalar(place.next(), std::string(text, size), true);
  }
  bool Key(const char* text, rapidjson::SizeType size, bool copy) {
    return String(text, size, copy);
  }
  bool StartObject() { return builder.startMapping(place.nextBracket()); }
  bool EndObject(rapidjson::SizeType) {
    place.nextBracket();
    return builder.endMapping();
  }
  bool StartArray() { return builder.startSequence(place.nextBracket()); }
  bool EndArray(rapidjson::SizeType) {
    place.nextBracket();
    return builder.endSequence();
  }

  TreeBuilder& builder;
  TokenPlace& place;
};

}  // namespace

std::shared_ptr<const Tree> parseJson(std::string source, std::string_view text, Report& report,
                                      const TextLimits& limits) {
  text = withoutMark(text);
  if (!checkText(source, text, limits, report)) return nullptr;
  auto tree = std::make_shared<Tree>(std::move(source));
  TreeBuilder builder(*tree, limits, report);
  rapidjson::MemoryStream stream(text.data(), text.size());
  TokenPlace place(text, stream);
  JsonEvents events(builder, place);
  rapidjson::Reader reader;
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;
  const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, events);
  if (builder.damaged()) return nullptr;
  if (result.IsError()) {
    report.add(Severity::Error, tree->place(place.at(result.Offset())), "",
               "not JSON: " + explained(result.Code()));
    return nullptr;
  }
  return tree;
}

}  // namespace weir::config
