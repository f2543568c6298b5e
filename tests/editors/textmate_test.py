#!/usr/bin/env python3
"""Tokens that the TextMate grammar finds in sample.svc.
   textmate_test.py EDITORS SAMPLE

Applies the grammar as editors do: at each place the pattern with the earliest
match wins; of several such patterns, the first one.  Editors use the regular
expressions of Oniguruma.  This test uses those of Python, which have all that
the grammar needs."""
import json
import re
import sys

grammar = json.load(open(sys.argv[1] + "/textmate/svc.tmLanguage.json"))
repository = grammar["repository"]
assert grammar["scopeName"] == "source.svc" and "svc" in grammar["fileTypes"]


def resolve(pattern):
    return (repository[pattern["include"][1:]] if "include" in pattern
            else pattern)


def first_match(patterns, line, at):
    best = None
    for pattern in map(resolve, patterns):
        found = re.compile(pattern.get("match") or pattern["begin"]).search(
            line, at)
        if found and (best is None or found.start() < best[1].start()):
            best = (pattern, found)
    return best


def tokens(line):
    at = 0
    while (best := first_match(grammar["patterns"], line, at)) is not None:
        pattern, found = best
        assert found.end() > found.start(), pattern
        end = found.end()
        if "begin" in pattern:
            while True:
                close = re.compile(pattern["end"]).search(line, end)
                inner = first_match(pattern["patterns"], line, end)
                if inner is None or inner[1].start() >= close.start():
                    break
                yield inner[1].group(), inner[0]["name"]
                end = inner[1].end()
            end = close.end()
        for group, capture in pattern.get("captures", {}).items():
            yield found.group(int(group)), capture["name"]
        if "name" in pattern:
            yield line[found.start():end], pattern["name"]
        at = end


lines = open(sys.argv[2]).read().split("\n")


def expect(number, text, scope):
    got = list(tokens(lines[number - 1]))
    assert (text, scope + ".svc" if scope else None) in got if scope else all(
        text != t for t, _ in got), (number, text, scope, got)


expect(1, "package", "keyword.other")
expect(3, "/// Documented.", "comment.line.documentation")
expect(4, "@since", "storage.type.annotation")
expect(5, "Query", "entity.name.type")
expect(6, "string", "storage.type")
expect(6, "name", None)
expect(6, "\\n", "constant.character.escape")
expect(6, '"a\\n"', "string.quoted.double")
expect(7, "optional", "keyword.other")
expect(7, "port", None)
expect(7, "0x1f", "constant.numeric")
expect(8, "list", "storage.type")
expect(8, "raw", None)
expect(10, "//// A comment.", "comment.line.double-slash")
expect(12, "port", "keyword.other")
expect(13, "1500ms", "constant.numeric")
expect(14, "json", "storage.modifier")
expect(14, "find", "entity.name.function")
expect(14, "true", "constant.language")
expect(14, "throws", "keyword.other")
expect(15, "oneway", "keyword.other")
expect(15, "list", "entity.name.function")
expect(17, "error", "keyword.other")
print("as expected")
