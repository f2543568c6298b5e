#!/usr/bin/env python3
"""doc_names.py [ROOT]: checks that names used in the documents are in a public
header.

In the Markdown of docs/ and examples/, each `shmrpc_...` and `SHMRPC_...` must
be a word of a header in runtime/include/shmrpc. A shortened name that begins
with an underscore, such as `_put` or `_WAIT`, must be the end of such a word. A
name that ends in an underscore, as in `shmrpc_queue_...`, must be the beginning
of one.
"""
import glob
import os
import re
import sys

# Names that begin with shmrpc_ but are not C.
OTHERS = re.compile(r"shmrpc_(object|web|calls|errors|up|service|queue_seconds|"
                    r"workers|worker|cpu|memory|received|sent|connections|"
                    r"generate|next_start|warnings)|SHMRPC_LINK")

root = os.path.realpath(
    sys.argv[1] if len(sys.argv) > 1
    else os.path.join(os.path.dirname(__file__), "../.."))
known = set()
for name in glob.glob(root + "/runtime/include/shmrpc/*.h"):
    with open(name, encoding="utf-8") as text:
        known.update(re.findall(r"\w+", text.read()))
failures = 0


def is_known(word):
    if word.endswith("_"):
        return any(name.startswith(word) for name in known)
    if word.startswith("_"):
        return any(name.endswith(word) for name in known)
    return word in known


for path in sorted(glob.glob(root + "/docs/*.md") + glob.glob(root + "/examples/**/*.md",
                                                            recursive=True)):
    with open(path, encoding="utf-8") as text:
        for number, line in enumerate(text, 1):
            words = re.findall(r"\b(?:shmrpc|SHMRPC)_\w+", line)
            # Names of the Python package have the same prefix.
            is_python = os.path.basename(path) == "python.md"
            for code in [] if is_python else re.findall(r"`([^`]*)`", line):
                words += re.findall(r"(?<![\w.}])_[A-Za-z]\w+", code)
            for word in words:
                if not is_known(word) and not OTHERS.match(word):
                    failures += 1
                    print(f"{os.path.relpath(path, root)}:{number}: {word} is in no header")
sys.exit(failures > 0)
