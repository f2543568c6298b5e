#!/usr/bin/env python3
"""readmes.py [ROOT]: checks that tables of files in READMEs match the folders.

A table with a column "file" or "files" lists the files of its README's folder:
`name.c`, `name.*`, `name` (name.c, name.h, ...), `folder/`, `folder/name.c`,
globs. Each name must match something, and each file of the folder must be
named by one of the README's tables. README.md, CMakeLists.txt and folders need
not be listed.
"""
import fnmatch
import os
import re
import sys

SILENT = {"README.md", "CMakeLists.txt"}
root = os.path.realpath(
    sys.argv[1] if len(sys.argv) > 1
    else os.path.join(os.path.dirname(__file__), "../.."))
failures = 0


def fail(readme, line, what):
    global failures
    failures += 1
    print(f"{os.path.relpath(readme, root)}:{line}: {what}")


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def names_of(readme):
    """Lists (line, name) of each file in a column of files. None: no column."""
    found = None
    column = None
    with open(readme, encoding="utf-8") as text:
        for number, line in enumerate(text, 1):
            if not line.startswith("|"):
                column = None
            elif column is None:
                heads = cells(line)
                column = next((i for i, head in enumerate(heads)
                               if head in ("file", "files")), -1)
                if column >= 0 and found is None:
                    found = []
            elif column >= 0 and column < len(cells(line)):
                cell = cells(line)[column]
                found += [(number, name) for name in
                          re.findall(r"\[[^]]*\]\(([^)]+)\)", cell)
                          or re.findall(r"`([^`]+)`", cell)]
    return found


def files_of(folder):
    return sorted(e.name for e in os.scandir(folder) if e.is_file()) \
        if os.path.isdir(folder) else []


def matches(folder, name):
    """Lists the files, or the folder, that a name in the README stands for."""
    if name.endswith("/"):
        return [name] if os.path.isdir(os.path.join(folder, name)) else []
    inner, pattern = os.path.split(name)
    at = os.path.join(folder, inner)
    entries = files_of(at)
    found = ([e for e in entries if fnmatch.fnmatchcase(e, pattern)]
             or [e for e in entries if e.split(".")[0] == pattern])
    return [os.path.join(inner, e) for e in found]


def check(readme):
    folder = os.path.dirname(readme)
    names = names_of(readme)
    if names is None:
        return
    named = set(SILENT)
    for line, name in names:
        found = matches(folder, name)
        if not found:
            fail(readme, line, f"`{name}` is not there")
        named.update(found)
    for entry in files_of(folder):
        if entry not in named:
            fail(readme, 1, f"no table names {entry}")


for folder, folders, files in os.walk(root):
    folders[:] = sorted(
        f for f in folders
        if not f.startswith((".", "build")) and f != "node_modules"
        and os.path.join(folder, f) != os.path.join(root, "tests/layers/bad"))
    if "README.md" in files:
        check(os.path.join(folder, "README.md"))
sys.exit(failures > 0)
