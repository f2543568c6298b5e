"""How much memory shmrpcgen takes for 10,000 methods and 5,000 structs.

    large_test.py SHMRPCGEN [MB]    0: no limit (sanitizers take more)
"""
import os
import resource
import subprocess
import sys
import tempfile

import large_svc

generator = os.path.realpath(sys.argv[1])
limit_mb = int(sys.argv[2])
# Only the memory check needs so large a service.
METHODS, STRUCTS = (10000, 5000) if limit_mb else (2000, 1000)


def fail(what):
    sys.exit(f"large_test: {what}\n  alone: {' '.join(sys.argv)}")


def count(path, what):
    with open(path, encoding="utf-8") as file:
        return sum(what in line for line in file)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    with open("large.svc", "w", encoding="utf-8") as file:
        file.write(large_svc.text(METHODS, STRUCTS))
    command = [generator, "--out-dir", "out", "large.svc"]
    subprocess.run(command, check=True)
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{peak_mb:.0f} MB")
    if limit_mb and peak_mb > limit_mb:
        fail(f"took {peak_mb:.0f} MB, allowed are {limit_mb}")
    found = count("out/large.h", "typedef struct large_v1_record")
    if found < STRUCTS:
        fail(f"expected {STRUCTS} structs, got {found}")
    found = count("out/large_client.h", "typedef struct large_v1_store_find")
    if found != METHODS / 2:
        fail(f"expected {METHODS / 2} replies, got {found}")

    # Files of this size are compared with the new text piece by piece. A file
    # whose text has not changed must not be replaced.
    with open("large.svc", "w", encoding="utf-8") as file:
        file.write(large_svc.text(1000, 500))
    subprocess.run(command, check=True)
    names = sorted(os.listdir("out"))
    before = [os.stat(f"out/{name}").st_ino for name in names]
    subprocess.run(command, check=True)
    if [os.stat(f"out/{name}").st_ino for name in names] != before:
        fail("files were written that did not change")
    if sorted(os.listdir("out")) != names:
        fail(f"expected {names}, got {sorted(os.listdir('out'))}")

    # If a template has an error at its end, the partly written file is
    # removed.
    os.mkdir("own")
    with open("own/client.c.mustache", "w", encoding="utf-8") as file:
        file.write("{{#services}}{{#methods}}{{c.function}}\n{{/methods}}"
                   "{{/services}}{{nonsense}}")
    wrong = subprocess.run(command + ["--templates", "own"],
                           stderr=subprocess.PIPE, check=False, text=True)
    if wrong.returncode != 1 or "nonsense" not in wrong.stderr:
        fail(f"expected an error about `nonsense`, got {wrong}")
    if sorted(os.listdir("out")) != names:
        fail(f"expected {names}, got {sorted(os.listdir('out'))}")
