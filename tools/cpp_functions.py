"""Finds the functions of a C++ text by counting braces: good enough to measure their length, far
from a parser. Lambdas and blocks belong to the function around them."""

import re

_TOKEN = re.compile(
    r'R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)"'  # raw string
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])*'"         # not the ' of 100'000
    r"|//[^\n]*|/\*.*?\*/"
    r"|^[ \t]*\#(?:\\\n|[^\n])*", re.DOTALL | re.MULTILINE)
_NAME = re.compile(r"([~\w:]+|operator\s*[^\s\w(]+|operator\s*\(\))\s*$")
_NOT_FUNCTION = re.compile(r"^\s*(?:export\s+)?(?:inline\s+)?(?:namespace|class|struct|union|enum|extern)\b")
_TEMPLATE = re.compile(r"^\s*template\s*<")


def without_comments(text):
    """The same text with comments, literals and preprocessor lines blanked, newlines kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return _TOKEN.sub(blank, text)


def _without_parentheses(text, opening="(", closing=")"):
    depth, kept = 0, []
    for character in text:
        if character == opening:
            depth += 1
        elif character == closing:
            depth = max(0, depth - 1)
        elif depth == 0:
            kept.append(character)
    return "".join(kept)


def _function_name(head):
    """The name of the function whose body follows `head`, or None when it is none."""
    if _TEMPLATE.match(head):
        head = _without_parentheses(head[head.index("<"):].replace("->", "  "), "<", ">")
    if "(" not in head or _NOT_FUNCTION.match(head):
        return None
    call_operator = re.search(r"operator\s*\(\)\s*\(", head)
    before = head[:call_operator.start() + 10] if call_operator else head[:head.index("(")]
    if "=" in re.sub(r"operator\s*[=!<>+\-*/]+", "", before):
        return None  # An initializer or a lambda kept in a variable.
    name = _NAME.search(before)
    if not name:
        return None
    if re.fullmatch(r"TEST|TEST_F|TEST_P|TYPED_TEST", name.group(1)):
        arguments = head[head.index("(") + 1:].split(")")[0]
        return ".".join(part.strip() for part in arguments.split(","))
    return name.group(1).strip()


def functions(text):
    """(name, first line, last line) of every function of a text without comments."""
    stack = []   # name of the function a brace opens, or None; inside one nothing is looked for
    inside = 0   # functions on the stack
    line, start, begin_line = 1, 0, 1
    for index, character in enumerate(text):
        if character == "\n":
            line += 1
        elif character == "{":
            head = text[start:index]
            name = _function_name(head) if inside == 0 else None
            first = begin_line + head[:len(head) - len(head.lstrip())].count("\n")
            stack.append((name, first))
            inside += name is not None
        elif character == "}" and stack:
            name, first = stack.pop()
            if name is not None:
                inside -= 1
                yield name, first, line
        if character in "{};" or (character == ":" and text[start:index].strip() in
                                  ("public", "private", "protected")):
            start, begin_line = index + 1, line
