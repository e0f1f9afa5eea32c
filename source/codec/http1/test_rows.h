// Reads the tables in testdata/: rows "rule | expected | bytes". Test only.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace weir::codec {

struct TestRow {
  std::string where;  // file:line and the RFC section
  std::string expected;
  std::string bytes;
};

// $ is CRLF; \r \n \t \0 \\ \$ \xHH as in C; {N*text} is N times text, which may nest.
inline std::string decodeRow(std::string_view text, size_t& at, bool nested = false) {
  std::string out;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '$') {
      out += "\r\n";
    } else if (c == '}' && nested) {
      return out;
    } else if (c == '{' && at + 1 < text.size() && text[at + 1] >= '0' && text[at + 1] <= '9') {
      const size_t star = text.find('*', at);
      const size_t times = std::stoul(std::string(text.substr(at + 1, star - at - 1)));
      at = star + 1;
      const std::string body = decodeRow(text, at, true);
      for (size_t i = 0; i < times; ++i) out += body;
    } else if (c == '\\' && at + 1 < text.size()) {
      const char escaped = text[++at];
      switch (escaped) {
        case 'r':
          out += '\r';
          break;
        case 'n':
          out += '\n';
          break;
        case 't':
          out += '\t';
          break;
        case '0':
          out += '\0';
          break;
        case 'x':
          out += static_cast<char>(std::stoi(std::string(text.substr(at + 1, 2)), nullptr, 16));
          at += 2;
          break;
        default:
          out += escaped;
      }
    } else {
      out += c;
    }
  }
  return out;
}

inline std::string decodeRow(std::string_view text) {
  size_t at = 0;
  return decodeRow(text, at);
}

inline std::vector<TestRow> readRows(const std::string& name) {
  std::vector<TestRow> rows;
  std::ifstream file("source/codec/http1/testdata/" + name);
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    const size_t first = line.find(" | ");
    const size_t second = line.find(" |", first + 3);
    const std::string bytes = second + 3 <= line.size() ? line.substr(second + 3) : "";
    rows.push_back({name + ":" + std::to_string(number) + " (RFC " + line.substr(0, first) + ")",
                    decodeRow(line.substr(first + 3, second - first - 3)), decodeRow(bytes)});
  }
  return rows;
}

}  // namespace weir::codec
