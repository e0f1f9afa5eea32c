// YAML text to tree by yaml-cpp's event parser. The only file that knows yaml-cpp, and that it
// throws.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <utility>

#include "source/config/text_check.h"
#include "source/config/tree.h"
#include "source/config/tree_builder.h"

namespace weir::config {
namespace {

// Leaves the parser once the builder has refused the document.
struct Refused {};

Position positionOf(const YAML::Mark& mark) {
  return {static_cast<uint32_t>(mark.line + 1), static_cast<uint32_t>(mark.column + 1)};
}

// yaml-cpp 0.7 turns the escapes \N and \_ into the single bytes 85 and A0 instead of U+0085 and
// U+00A0. The text is UTF-8, so a byte that is not part of a sequence is one of these.
std::string withWholeEscapes(const std::string& value) {
  std::string out;
  for (std::string_view rest = value; !rest.empty();) {
    const size_t length = utf8Length(rest);
    if (length == 0) out += '\xC2';
    out += rest.substr(0, std::max<size_t>(length, 1));
    rest.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

class YamlEvents final : public YAML::EventHandler {
 public:
  explicit YamlEvents(TreeBuilder& builder) : builder_(builder) {}

  bool sawDocument() const { return documents_ > 0; }

  // YAML::EventHandler
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) {
      check(builder_.refuse(positionOf(mark), "a second document; a configuration is one"));
    }
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check(builder_.null(positionOf(mark), anchor));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check(builder_.alias(positionOf(mark), anchor));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const Position at = positionOf(mark);
    if (tag == "tag:yaml.org,2002:null") {
      check(builder_.null(at, anchor));
    } else {
      check(builder_.scalar(at, withWholeEscapes(value), isText(at, tag), anchor));
    }
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    checkTag(positionOf(mark), tag, "tag:yaml.org,2002:seq");
    check(builder_.startSequence(positionOf(mark), anchor));
  }
  void OnSequenceEnd() override { check(builder_.endSequence()); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    checkTag(positionOf(mark), tag, "tag:yaml.org,2002:map");
    check(builder_.startMapping(positionOf(mark), anchor));
  }
  void OnMapEnd() override { check(builder_.endMapping()); }

 private:
  static void check(bool going_on) {
    if (!going_on) throw Refused{};
  }

  // yaml-cpp's "!" is a quoted scalar, "?" a plain one.
  bool isText(Position at, const std::string& tag) {
    if (tag == "!" || tag == "tag:yaml.org,2002:str" || tag == "tag:yaml.org,2002:binary") {
      return true;
    }
    if (tag != "tag:yaml.org,2002:int" && tag != "tag:yaml.org,2002:float") {
      checkTag(at, tag, "tag:yaml.org,2002:bool");
    }
    return false;
  }

  void checkTag(Position at, const std::string& tag, std::string_view allowed) {
    if (tag.empty() || tag == "?" || tag == "!" || tag == allowed) return;
    check(builder_.refuse(at, "unknown tag '" + tag + "'"));
  }

  TreeBuilder& builder_;
  int documents_ = 0;
};

// yaml-cpp's terser messages, in words that say what to look at.
std::string explained(const std::string& message) {
  if (message == "illegal map value") {
    return "a ':' where no mapping can begin; is a value with ': ' in it unquoted, or a line "
           "indented too far?";
  }
  if (message == "end of map not found" || message == "end of sequence not found") {
    return "this line fits no open list or mapping; is it indented as its neighbours are?";
  }
  if (message == "end of map flow not found") return "this '{' is never closed";
  if (message == "end of sequence flow not found") return "this '[' is never closed";
  return message;
}

}  // namespace

std::shared_ptr<const Tree> parseYaml(std::string source, std::string_view text, Report& report,
                                      const TextLimits& limits) {
  text = withoutMark(text);
  if (!checkText(source, text, limits, report)) return nullptr;
  // JSON is YAML. Its own reader is ten times as fast, holds little, and minds no tabs.
  if (text.substr(0, text.find_first_not_of(" \t\r\n") + 1).ends_with('{')) {
    Report unheard;
    if (auto tree = parseJson(source, text, unheard, limits)) return tree;
  }
  if (!checkYamlLayout(source, text, limits, report)) return nullptr;

  auto tree = std::make_shared<Tree>(std::move(source));
  TreeBuilder builder(*tree, limits, report);
  YamlEvents events(builder);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(events)) {
    }
  } catch (const Refused&) {
    return nullptr;
  } catch (const YAML::Exception& exception) {
    report.add(Severity::Error, tree->place(positionOf(exception.mark)), "",
               "not YAML: " + explained(exception.msg));
    return nullptr;
  }
  if (!events.sawDocument()) builder.null({1, 1});
  return builder.damaged() ? nullptr : tree;
}

}  // namespace weir::config
