"""The checks find what they are for: each is run on a small tree that is in order, then on one with
a single fault, whose place it must name."""

import os
import pathlib
import subprocess
import sys

import pytest

TOOLS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(TOOLS))

from cpp_functions import functions, without_comments  # noqa: E402

LAYERS = 'set(WEIR_LAYERS "base < net < xds,consul < server")\n'
README = "# Base\n\none\ntwo\nthree\nfour\n"


def tree(folder, **files):
    """Writes the files, path = text, into the folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def check(name, folder):
    run = subprocess.run([TOOLS / name, folder], capture_output=True, text=True, check=False)
    return run.returncode, run.stdout + run.stderr


def refused(name, folder, place):
    code, output = check(name, folder)
    return code == 1 and place in output


@pytest.fixture(name="layered")
def layered_tree(tmp_path):
    return tree(tmp_path, **{
        "bazel-free-build/layers.cmake": LAYERS,
        "source/net/loop.cc": '#include "source/base/text.h"\n#include "weir/head.h"\n',
        "source/server/main.cc": '#include "source/xds/feed.h"\n#include "source/net/loop.h"\n',
        "source/net/loop_test.cc": '#include "source/server/main.h"\n#include "test/harness.h"\n',
        "api/include/weir/head.h": "#include <string>\n",
        "filters/http/cors/cors.cc": '#include "weir/filter.h"\n#include "filters/http/cors/a.h"\n',
    })


def test_layers_in_order(layered):
    assert check("check_layers", layered) == (0, "9 includes of 5 files point down\n")


@pytest.mark.parametrize("path, include", [
    ("source/base/text.cc", "source/net/loop.h"),          # up
    ("source/xds/feed.cc", "source/consul/watch.h"),       # sideways
    ("source/nowhere/x.cc", "source/base/text.h"),         # a folder the order does not know
    ("source/server/filters.cc", "filters/http/cors/cors.h"),
    ("source/server/serve_test.cc", "filters/http/cors/cors.h"),
    ("source/net/loop2.cc", "test/harness.h"),
    ("api/include/weir/x.h", "source/base/text.h"),
    ("filters/http/cors/x.cc", "source/base/text.h"),
    ("filters/http/cors/y.cc", "filters/http/buffer/buffer.h"),
])
def test_layers_refuse(layered, path, include):
    tree(layered, **{path: f'\n#include "{include}"\n'})
    assert refused("check_layers", layered, f"{path}:2: {include}")


def body(lines):
    return "void f() {\n" + "  g();\n" * (lines - 2) + "}\n"


@pytest.mark.parametrize("name, text, place", [
    ("a.cc", "int a;\n" * 401, "a.cc has 401 lines, 400 are allowed"),
    ("a.h", "int a;\n" * 151, "a.h has 151 lines, 150 are allowed"),
    ("a.cc", body(61), "a.cc:1: a.cc:f has 61 lines, 60 are allowed"),
    ("tools/a.py", "a = 1\n" * 401, "tools/a.py has 401 lines, 400 are allowed"),
])
def test_sizes_refuse(tmp_path, name, text, place):
    tree(tmp_path, **{name: text})
    assert refused("check_sizes", tmp_path, place)


def test_sizes_at_the_budget_and_tables(tmp_path):
    table = 'const T kRows[] = {\n' + '    {1, "one"},\n' * 900 + "};\n"
    switch = "int f(int x) {\n" + "    case 1: return 2;\n" * 90 + "}\n"
    tree(tmp_path, **{"a.cc": body(60), "b.h": "int a;\n" * 150, "c.cc": table, "d.cc": switch})
    assert check("check_sizes", tmp_path)[0] == 0


@pytest.mark.parametrize("size, allowed, fine", [
    (450, 450, True), (451, 450, False), (440, 450, False), (400, 450, False), (601, 601, False)])
def test_the_allow_list_only_shrinks(tmp_path, size, allowed, fine):
    tree(tmp_path, **{"a.cc": "int a;\n" * size, "tools/check_sizes.allow": f"a.cc {allowed}\n"})
    assert (check("check_sizes", tmp_path)[0] == 0) == fine


def test_functions_are_found():
    text = without_comments(
        "namespace a {\n// { comment\nstruct S {\n  S(int x) : x_{x} {\n  }\n"
        "  bool operator==(const S& o) const {\n    return true;\n  }\n};\n"
        "constexpr auto kF = [](int x) {\n  return x;\n};\n"
        'template <typename T>\nT b(int n = 1) {\n  auto s = "}{";\n  if (n) { f(); }\n}\n'
        "TEST(Name, does) {\n}\n}\n")
    found = [(name, first, last) for name, first, last in functions(text)
             if name not in ("S", "x_")]
    assert found == [("operator==", 6, 8), ("b", 13, 17), ("Name.does", 18, 19)]


@pytest.fixture(name="documented")
def documented_tree(tmp_path):
    return tree(tmp_path, **{
        "README.md": "# Weir\n[base](source/base/README.md#base) 01-a.yaml\n",
        "ARCHITECTURE.md": "`source/base/a.cc:run`\n",
        "source/base/README.md": README, "source/base/a.cc": "void run() {}\n",
        "examples/01-a.yaml": "# Try:\n#   curl -s http://127.0.0.1/\na: 1\n",
    })


def test_docs_in_order(documented):
    assert check("check_docs", documented)[0] == 0


@pytest.mark.parametrize("name, text, place", [
    ("source/net/a.cc", "int a;\n", "source/net: README.md is missing"),
    ("source/base/README.md", "# Base\n", "source/base/README.md: fewer"),
    ("docs/x.md", "\n[a](b.md)\n", "docs/x.md:2: b.md does not exist"),
    ("docs/x.md", "[a](../README.md#nothing)\n", "docs/x.md:1: ../README.md has no heading"),
    ("ARCHITECTURE.md", "source/base/a.cc:walk\n", "ARCHITECTURE.md:1: source/base/a.cc has no walk"),
    ("ARCHITECTURE.md", "source/base/b.cc\n", "ARCHITECTURE.md:1: source/base/b.cc does not exist"),
    ("examples/02-b.yaml", "# curl x\n", "examples/02-b.yaml: named neither"),
    ("examples/01-a.yaml", "a: 1\n", "examples/01-a.yaml: no comment line"),
])
def test_docs_refuse(documented, name, text, place):
    tree(documented, **{name: text})
    assert refused("check_docs", documented, place)


@pytest.mark.parametrize("line", [
    "// TO" "DO: later", "# FIX" "ME", "see /wor" "k/main/x", "in /tmp/wei" "r/x", "/ho" "me/me/x",
    "int a;\t", "int a; "])
def test_words_refuse(tmp_path, line):
    tree(tmp_path, **{"a.cc": f"int b;\n{line}\n"})
    assert refused("check_words", tmp_path, "a.cc:2: ")


def test_words_in_order(tmp_path):
    tree(tmp_path, **{"a.cc": "int todo;  // net/work/ and https://x.test/home/me are fine\n"})
    assert check("check_words", tmp_path) == (0, "1 files hold no forbidden word\n")


def test_headers_compile_alone_or_not(tmp_path):
    tree(tmp_path, **{
        "build/debug/compile_commands.json": "[]",
        "source/base/good.h": "#pragma once\n#include <string>\nstruct A { std::string s; };\n"})
    assert check("check_headers", tmp_path)[0] == 0
    tree(tmp_path, **{"source/base/bad.h": "#pragma once\nstruct B { A a; };\n",
                      "source/base/twice.h": "struct C {};\n"})
    code, output = check("check_headers", tmp_path)
    assert code == 1 and "source/base/bad.h: does not" in output and "twice.h: does not" in output
    assert "good.h" not in output


def test_a_header_is_compiled_again_when_what_it_includes_changes(tmp_path):
    tree(tmp_path, **{
        "build/debug/compile_commands.json": "[]",
        "source/base/a.h": '#pragma once\n#include "source/base/b.h"\nusing A = B;\n',
        "source/base/b.h": "#pragma once\nusing B = int;\n"})
    assert check("check_headers", tmp_path)[0] == 0
    changed = tmp_path / "source/base/b.h"
    changed.write_text("#pragma once\nusing C = int;\n")
    later = changed.stat().st_mtime + 5
    os.utime(changed, (later, later))
    assert refused("check_headers", tmp_path, "source/base/a.h: does not compile alone")
