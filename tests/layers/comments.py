#!/usr/bin/env python3
"""comments.py [ROOT]: checks the share of comments in the C files of each
folder.

The share is the percentage of lines that hold a comment, or part of one, among
the lines that aren't blank, in the .c and .h files of a folder and below. The
table ROOT/tests/layers/shares has the least share of each folder in percent. A
file counts for the longest row that its path begins with. If no row covers the
file, it counts for its own folder, whose least share is DEFAULT.

A number can't tell whether a comment is worth reading. It only shows where
comments are missing: write why, a promise, an invariant, a unit, an owner.
"""
import os
import re
import sys

TOP = ("bindings", "generator", "idl", "runtime", "svc", "tools")
DEFAULT = 15
root = os.path.realpath(
    sys.argv[1] if len(sys.argv) > 1
    else os.path.join(os.path.dirname(__file__), "../.."))
table = os.path.join("tests", "layers", "shares")

# String and character literals are matched too, so that a "/*" inside one
# begins no comment.
WORD = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""",
                  re.DOTALL)


def count(path):
    """Returns how many lines have a comment, and how many aren't blank."""
    with open(path, encoding="utf-8") as text:
        source = text.read()
    lines = set()
    at = line = 0
    for word in WORD.finditer(source):
        if not word.group().startswith(("/*", "//")):
            continue
        line += source.count("\n", at, word.start())
        last = line + word.group().count("\n")
        lines.update(range(line, last + 1))
        at, line = word.end(), last
    all_lines = source.split("\n")
    return (sum(1 for i in lines if all_lines[i].strip()),
            sum(1 for text in all_lines if text.strip()))


def rows():
    """Maps each folder of the table (with a slash at the end) to its share."""
    found = {}
    with open(os.path.join(root, table), encoding="utf-8") as text:
        for line in text:
            words = line.split("#")[0].split()
            if words:
                found[words[0]] = float(words[1])
    return found


def row_of(folder, least):
    covering = [row for row in least if folder.startswith(row)]
    return max(covering, key=len) if covering else folder


def check():
    least = rows()
    sums = {row: [0, 0] for row in least}
    for top in TOP:
        for folder, folders, files in os.walk(os.path.join(root, top)):
            name = os.path.relpath(folder, root) + "/"
            for file in files:
                if file.endswith((".c", ".h")):
                    total = sums.setdefault(row_of(name, least), [0, 0])
                    for i, number in enumerate(
                            count(os.path.join(folder, file))):
                        total[i] += number
    failed = False
    for row, (comments, lines) in sorted(sums.items()):
        wanted = least.get(row, DEFAULT)
        share = 100 * comments / lines if lines > 0 else 0
        if lines == 0:
            print(f"{row}: no C is here (remove its row from {table})")
        elif share < wanted:
            print(f"{row}: {share:.1f} % of {lines} lines hold comments, "
                  f"expected {wanted:g} % or more ({table})")
        failed = failed or lines == 0 or share < wanted
    return failed


if len(sys.argv) > 2:
    sys.exit("usage: comments.py [ROOT]")
sys.exit(check())
