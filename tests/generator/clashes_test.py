#!/usr/bin/env python3
"""clashes_test.py SHMRPCGEN: shmrpcgen reports each clash of a struct's name
with a name that it generates for a shared object.

The generated header of one object of each kind says which names there are. So
a name that a template has and generator/c/shared.c lacks is found here."""

import os
import re
import subprocess
import sys
import tempfile

GENERATOR = os.path.realpath(sys.argv[1])
HEAD = "package p;\n"
OBJECTS = {
    "queue": "queue u32 o;",
    "topic": "topic u32 o;",
    "pipe": "pipe o;",
    "dict": "dict<string, u32> o;",
    "dict of texts": "dict<u32, string> o;",
    "value": "value u32 o;",
    "list": "value list<string> o;",
}


def generate(text):
    with open("o.svc", "w", encoding="utf-8") as file:
        file.write(text)
    done = subprocess.run([GENERATOR, "o.svc"], text=True, timeout=60,
                          capture_output=True, check=False)
    return done.returncode, done.stderr


def main():
    failures = 0
    for kind, declaration in OBJECTS.items():
        status, said = generate(HEAD + declaration)
        if status != 0:
            sys.exit(f"{kind}: {said}")
        with open("o.h", encoding="utf-8") as file:
            header = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
        names = sorted(set(re.findall(r"\bp_o_\w+", header)))
        if len(names) < 10:
            sys.exit(f"{kind}: only {len(names)} names")
        for name in names:
            status, said = generate(
                f'{HEAD}{declaration}\n@c_name("{name[2:]}") '
                "struct S { 1: u32 a; }")
            if status != 1 or f"both become `{name}` in C" not in said:
                print(f"{kind}: {name}: exit status {status}, {said}")
                failures += 1
    sys.exit(failures != 0)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    main()
