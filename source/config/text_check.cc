#include "source/config/text_check.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace weir::config {
namespace {

Position positionOf(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  const auto lines = std::count(before.begin(), before.end(), '\n');
  return {static_cast<uint32_t>(lines + 1), static_cast<uint32_t>(offset - line_start + 1)};
}

bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// Follows quotes, comments, block scalars and flow brackets line by line, no more of YAML than
// that.
class LayoutScan {
 public:
  enum class Finding { None, Tab, Depth, Quote };

  explicit LayoutScan(uint32_t depth) : max_depth_(depth) {}

  // Looks at the next line, without its newline; position() says where the finding is.
  Finding line(std::string_view line) {
    line_ = line;
    ++number_;
    at_ = 0;
    if (quote_ != 0) {
      skipQuoted();
    } else if (!enterLine()) {
      return finding_;
    }
    while (at_ < line_.size() && finding_ == Finding::None) step();
    return finding_;
  }
  // After the last line. yaml-cpp would take the rest of the text as part of the quoted scalar.
  Finding end() {
    if (quote_ != 0) finding_ = Finding::Quote;
    return finding_;
  }
  Position position() const {
    if (finding_ == Finding::Quote) return quote_at_;
    return {number_, static_cast<uint32_t>(at_ + 1)};
  }

 private:
  // Answers false if nothing of the line is left to scan.
  bool enterLine() {
    const size_t spaces = std::min(line_.find_first_not_of(' '), line_.size());
    const size_t first = std::min(line_.find_first_not_of(" \t\r"), line_.size());
    if (first == line_.size()) return false;
    if (in_block_ && spaces > block_indent_) return false;
    in_block_ = false;
    if (line_[first] == '#' || (line_[0] == '%' && depth_ == 0)) return false;
    if (depth_ == 0 && spaces < first && line_[spaces] == '\t') {
      at_ = spaces;
      finding_ = Finding::Tab;
      return false;
    }
    indent_ = spaces;
    at_ = first;
    token_start_ = true;
    before_key_ = true;
    return true;
  }

  void step() {
    const char c = line_[at_];
    if (isBlank(c)) {
      ++at_;
    } else if (c == '#' && (at_ == 0 || isBlank(line_[at_ - 1]))) {
      at_ = line_.size();
    } else if (token_start_ && startsToken(c)) {
      return;
    } else {
      plain(c);
    }
  }

  // Handles what is special only where a token may begin; false if `c` begins a plain scalar.
  bool startsToken(char c) {
    if (c == '"' || c == '\'') {
      enterKey();
      quote_ = c;
      quote_at_ = {number_, static_cast<uint32_t>(at_ + 1)};
      ++at_;
      skipQuoted();
    } else if (c == '[' || c == '{') {
      if (++depth_ > max_depth_)
        finding_ = Finding::Depth;
      else
        ++at_;
    } else if (c == '&' || c == '!' || c == '*') {
      while (at_ < line_.size() && !isBlank(line_[at_]) && line_[at_] != ',' && line_[at_] != ']' &&
             line_[at_] != '}') {
        ++at_;
      }
    } else if ((c == '-' || c == '?' || c == ':') && blankAfter()) {
      if (before_key_) indent_ = at_;
      ++at_;
    } else if ((c == '|' || c == '>') && depth_ == 0 && isBlockHeader()) {
      in_block_ = true;
      block_indent_ = indent_;
      at_ = line_.size();
    } else {
      return false;
    }
    return true;
  }

  // A block scalar's text is indented deeper than the key it belongs to, or than its '-'.
  void enterKey() {
    if (before_key_) indent_ = at_;
    before_key_ = false;
  }

  void plain(char c) {
    enterKey();
    token_start_ = false;
    if (depth_ > 0) {
      if (c == ']' || c == '}') --depth_;
      if (c == ',' || c == '[' || c == '{') {
        token_start_ = true;
        if (c != ',') return;  // startsToken counts it
      }
    }
    if (c == ':' && (blankAfter() || depth_ > 0)) token_start_ = true;
    ++at_;
  }

  void skipQuoted() {
    while (at_ < line_.size()) {
      const char c = line_[at_++];
      if (c == '\\' && quote_ == '"') {
        ++at_;
      } else if (c == quote_) {
        if (quote_ == '\'' && at_ < line_.size() && line_[at_] == '\'') {
          ++at_;
          continue;
        }
        quote_ = 0;
        token_start_ = false;
        return;
      }
    }
  }

  bool blankAfter() const { return at_ + 1 >= line_.size() || isBlank(line_[at_ + 1]); }

  bool isBlockHeader() const {
    size_t i = at_ + 1;
    while (i < line_.size() &&
           (line_[i] == '+' || line_[i] == '-' || (line_[i] >= '1' && line_[i] <= '9'))) {
      ++i;
    }
    while (i < line_.size() && isBlank(line_[i])) ++i;
    return i >= line_.size() || line_[i] == '#';
  }

  const uint32_t max_depth_;
  std::string_view line_;
  uint32_t number_ = 0;
  Position quote_at_;
  size_t at_ = 0;
  size_t indent_ = 0;
  size_t block_indent_ = 0;
  uint32_t depth_ = 0;
  char quote_ = 0;
  bool in_block_ = false;
  bool token_start_ = true;
  bool before_key_ = true;  // only '-' and '?' were seen on this line
  Finding finding_ = Finding::None;
};

}  // namespace

size_t utf8Length(std::string_view text) {
  const auto byte = [&text](size_t i) {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0};
  };
  const auto tail = [](uint8_t b) { return (b & 0xC0) == 0x80; };
  const uint8_t lead = byte(0);
  const uint8_t second = byte(1);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return tail(second) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (lead == 0xE0 && second < 0xA0) return 0;
    if (lead == 0xED && second > 0x9F) return 0;
    return tail(second) && tail(byte(2)) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (lead == 0xF0 && second < 0x90) return 0;
    if (lead == 0xF4 && second > 0x8F) return 0;
    return tail(second) && tail(byte(2)) && tail(byte(3)) ? 4 : 0;
  }
  return 0;
}

std::string_view withoutMark(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return text;
}

bool checkText(const std::string& source, std::string_view text, const TextLimits& limits,
               Report& report) {
  const auto refuse = [&](size_t offset, std::string why) {
    const Position at = positionOf(text, offset);
    report.add(Severity::Error, {source, at.line, at.column}, "", std::move(why));
    return false;
  };
  if (text.size() > limits.bytes) {
    report.add(Severity::Error, {source, 0, 0}, "",
               "the text has " + std::to_string(text.size()) + " bytes, more than the " +
                   std::to_string(limits.bytes) + " allowed");
    return false;
  }
  char code[8];
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') {
      std::snprintf(code, sizeof(code), "0x%02X", byte);
      return refuse(i, std::string("control byte ") + code + "; the text must be UTF-8");
    }
    const size_t length = utf8Length(text.substr(i, 4));
    if (length == 0) {
      std::snprintf(code, sizeof(code), "0x%02X", byte);
      return refuse(i, std::string("invalid UTF-8, byte ") + code);
    }
    i += length;
  }
  return true;
}

bool checkYamlLayout(const std::string& source, std::string_view text, const TextLimits& limits,
                     Report& report) {
  using Finding = LayoutScan::Finding;
  LayoutScan scan(limits.depth);
  Finding finding = Finding::None;
  while (!text.empty() && finding == Finding::None) {
    const size_t end = std::min(text.find('\n'), text.size());
    finding = scan.line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (finding == Finding::None) finding = scan.end();
  std::string why;
  switch (finding) {
    case Finding::None:
      return true;
    case Finding::Tab:
      why = "a tab in the indentation; YAML indents with spaces only";
      break;
    case Finding::Quote:
      why = "this quote is never closed";
      break;
    case Finding::Depth:
      why = "nested more than " + std::to_string(limits.depth) + " levels deep";
      break;
  }
  const Position at = scan.position();
  report.add(Severity::Error, {source, at.line, at.column}, "", std::move(why));
  return false;
}

}  // namespace weir::config
