#!/usr/bin/env python3
"""Adds up test results. usage: results.py DIRECTORY

DIRECTORY holds what one step wrote: ctest.xml (ctest's JUnit), gtest/NAME.xml for each GoogleTest
program that ctest ran, and pytest.xml. Prints "PASSED FAILED SKIPPED", then one line for each failed
and each skipped test with the reason. ctest counts a program as one test, and does not see that a
case inside it was skipped; so a program's own file, where there is one, is what counts."""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree


class Results:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add(self, name, failure, skip):
        if failure is not None:
            self.failed.append((name, failure))
        elif skip is not None:
            self.skipped.append((name, skip))
        else:
            self.passed += 1


def first_line(text):
    """The first line that says something: GoogleTest puts the place on a line of its own before."""
    lines = (text or "").strip().split("\n")
    if len(lines) > 1 and re.search(r":\d+$", lines[0]):
        return f"{lines[1]} ({lines[0]})"
    return lines[0]


def read_gtest(path, results):
    """Adds a GoogleTest program's cases; True when one of them failed."""
    failed = False
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        failure, skip = case.find("failure"), case.find("skipped")
        if failure is not None:
            failed = True
            results.add(name, first_line(failure.get("message")), None)
        elif skip is not None:
            results.add(name, None, first_line(skip.get("message")) or "skipped")
        elif case.get("status") == "notrun":
            results.add(name, None, "disabled")
        else:
            results.add(name, None, None)
    return failed


def has_cases(path):
    """True when the program's own file could be read and holds at least one case."""
    try:
        return path.exists() and ElementTree.parse(path).getroot().find(".//testcase") is not None
    except ElementTree.ParseError:
        return False


def read_ctest(directory, results):
    for case in ElementTree.parse(directory / "ctest.xml").getroot().iter("testcase"):
        name, status = case.get("name"), case.get("status")
        own = directory / "gtest" / f"{name}.xml"
        has_own = has_cases(own)
        own_failed = has_own and read_gtest(own, results)
        if status == "fail":
            if not own_failed:  # Crashed, timed out, or a sanitizer spoke at exit.
                reason = case.find("failure")
                text = reason.get("message") if reason is not None else ""
                results.add(name, first_line(text) or "failed", None)
        elif status == "run":
            if not has_own:
                results.add(name, None, None)
        else:
            skip = case.find("skipped")
            text = skip.get("message") if skip is not None else status
            if status == "notrun" and "Unable to find" in (text or ""):
                results.add(name, text, None)
            else:
                results.add(name, None, first_line(text) or status)


def read_pytest(path, results):
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        failure = case.find("failure")
        if failure is None:
            failure = case.find("error")
        skip = case.find("skipped")
        results.add(f"{case.get('classname')}::{case.get('name')}",
                    None if failure is None else first_line(failure.get("message")) or "failed",
                    None if skip is None else first_line(skip.get("message")) or "skipped")


def main():
    directory = pathlib.Path(sys.argv[1])
    results = Results()
    if (directory / "ctest.xml").exists():
        read_ctest(directory, results)
    if (directory / "pytest.xml").exists():
        read_pytest(directory / "pytest.xml", results)
    print(results.passed, len(results.failed), len(results.skipped))
    for name, reason in results.failed:
        print(f"failed: {name}: {reason}")
    for name, reason in results.skipped:
        print(f"skipped: {name}: {reason}")


if __name__ == "__main__":
    main()
