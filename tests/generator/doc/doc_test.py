#!/usr/bin/env python3
"""doc_test.py SHMRPCGEN [--update]: tests the reference pages (--lang html and
man) and the output of --lang openapi.

Compares what is generated from odd.svc with expected/. Checks the pages of
every schema of the tree: they are well-formed, have no dead links, and neither
run nor load anything; mandoc finds no error in the manual pages.
"""
import glob
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.dom.minidom

PROGRAM = os.path.realpath(sys.argv[1])
HERE = os.path.dirname(os.path.realpath(__file__))
TREE = os.path.realpath(os.path.join(HERE, "../../.."))
SCHEMAS = [path for folder in ("tests/generator/doc", "tests/generator/golden",
                               "tests/integration", "tests/idl/cases/good",
                               "examples/*")
           for path in sorted(glob.glob(os.path.join(TREE, folder, "*.svc")))]
SUFFIXES = {"html": ".html", "man": ".7", "openapi": ".openapi.json"}
failures = 0


def fail(*what):
    global failures
    failures += 1
    print("FAILED", *what, file=sys.stderr)


def generate(svc, lang, folder):
    run = subprocess.run(
        [PROGRAM, "--lang", lang, "--out-dir", folder, "-I",
         os.path.join(TREE, "tests/idl/cases/include"), svc],
        capture_output=True, text=True)
    if run.returncode != 0 and "S0001" not in run.stderr:
        fail(svc, lang, run.stderr)
    stem = os.path.basename(svc)[:-4]
    path = os.path.join(folder, stem + SUFFIXES[lang])
    return path if run.returncode == 0 else None


class Page(html.parser.HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.open = set(), set(), []
        self.path = path
        with open(path, encoding="utf-8") as file:
            self.feed(file.read())
        if self.open:
            fail(path, "not closed:", self.open)
        for link in self.links:
            if link.startswith("#") and link[1:] not in self.ids:
                fail(path, "leads nowhere:", link)
            elif not link.startswith(("#", "https://", "http://")):
                fail(path, "unsafe link:", link)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag in ("script", "img", "link", "iframe", "object") or any(
                name.startswith("on") or name == "src" for name in attrs):
            fail(self.path, "loads or runs something:", tag, attrs)
        if "id" in attrs:
            if attrs["id"] in self.ids:
                fail(self.path, "two of one id:", attrs["id"])
            self.ids.add(attrs["id"])
        if "href" in attrs:
            self.links.add(attrs["href"])
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            fail(self.path, "closed wrongly:", tag, self.getpos())


def check_html(path):
    xml.dom.minidom.parse(path)  # well-formed, or it throws
    Page(path)


def check_man(path):
    with open(path, "rb") as file:
        text = file.read()
    if not text.isascii():
        fail(path, "is not ASCII")
    if not shutil.which("mandoc"):
        return
    run = subprocess.run(["mandoc", "-Tlint", "-Wwarning", path],
                         capture_output=True, text=True)
    # Pages have no date, so that the same input always gives the same bytes.
    lines = [line for line in run.stdout.splitlines()
             if "missing date" not in line]
    if lines:
        fail(path, *lines)


def members(value):
    """All members of all objects in a JSON value."""
    if isinstance(value, dict):
        yield from value.items()
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, (dict, list)):
            yield from members(part)


def check_openapi(path):
    with open(path, encoding="utf-8") as file:
        document = json.load(file, object_pairs_hook=lambda pairs: dict(pairs)
                             if len(dict(pairs)) == len(pairs) else
                             fail(path, "a member twice:", pairs))
    schemas = document["components"]["schemas"]
    for name in schemas:
        if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
            fail(path, "no name of a component:", name)
    operations = []
    for key, value in members(document):
        if key == "$ref" and (
                value != "#/components/responses/Error" and
                value.removeprefix("#/components/schemas/") not in schemas):
            fail(path, "leads nowhere:", value)
        elif key == "operationId":
            operations.append(value)
    if len(set(operations)) != len(operations):
        fail(path, "an operationId twice:", operations)


def check_all(folder):
    seen = 0
    for svc in SCHEMAS:
        for lang, check in (("html", check_html), ("man", check_man),
                            ("openapi", check_openapi)):
            path = generate(svc, lang, folder)
            if path is not None:
                check(path)
                seen += 1
    if seen < 30:
        fail("only", seen, "pages")
    if not shutil.which("mandoc"):
        print("SKIPPED: no mandoc: manual pages are not checked")


def compare(folder, update):
    expected = os.path.join(HERE, "expected")
    for lang in SUFFIXES:
        path = generate(os.path.join(HERE, "odd.svc"), lang, folder)
        if update:
            shutil.copy(path, expected)
        run = subprocess.run(["diff", "-u", os.path.join(
            expected, os.path.basename(path)), path], text=True)
        if run.returncode != 0:
            fail("differs; if that is wanted: %s SHMRPCGEN --update" %
                 sys.argv[0])
    # The rendered page shows the written text.
    if shutil.which("mandoc"):
        shown = subprocess.run(
            ["mandoc", "-Tutf8", "-Owidth=300", os.path.join(folder, "odd.7")],
            capture_output=True).stdout.decode()
        while "\b" in shown:  # overstrikes: bold and underlined
            at = shown.index("\b")
            shown = shown[:at - 1] + shown[at + 1:]
        for text in (".SH not a macro", "'br neither, nor \\fBthis\\fR",
                     "`Back`-quotes ^ ~ -- and é 😀.", ".dot first",
                     "\"<script>alert(\\\"x\\\")</script> \\\\e .TH\""):
            if text not in shown:
                fail("odd.7 does not show", text)


with tempfile.TemporaryDirectory() as scratch:
    compare(scratch, "--update" in sys.argv)
    check_all(scratch)
sys.exit(1 if failures else 0)
