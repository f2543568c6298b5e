"""openapi_test.py MODULES SHMRPCGEN WEB ECHO KINDS SHOP LIBRARY: checks the
document of running services, and those that the generator makes of every
.svc of the tree, with two validators from npm. A TypeScript client made
from the document calls the services."""
import glob
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TREE, "tests/tools/shmrpc-web"))

from webtest import Place, expect, finish, wait_for  # noqa: E402

MODULES, SHMRPCGEN, WEB = sys.argv[1:4]
SERVERS = sys.argv[4:]

if not os.path.isdir(MODULES):
    print("SKIPPED: npm packages are not installed (./dev test-web)")
    sys.exit(77)


def run(words, folder):
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True,
                          timeout=300, check=False, stdin=subprocess.DEVNULL)
    expect(" ".join(words[:3]), (done.returncode, done.stdout + done.stderr
                                 if done.returncode else ""), (0, ""))


def documents(folder):
    """Makes documents of large .svc files; with SHMRPC_TEST_LONG of every file
    that loads alone."""
    patterns = ["tests/generator/doc/odd.svc", "examples/search/*.svc",
                "tests/idl/cases/good/everything.svc"]
    if os.environ.get("SHMRPC_TEST_LONG"):
        patterns = ["examples/*/*.svc", "tests/integration/*.svc",
                    "tests/generator/*/*.svc", "tests/idl/cases/good/*.svc"]
    made = []
    for pattern in patterns:
        for svc in sorted(glob.glob(os.path.join(TREE, pattern))):
            out = f"{folder}/{len(made)}"
            done = subprocess.run(
                [SHMRPCGEN, "--lang", "openapi", "--out-dir", out, "-I",
                 f"{TREE}/tests/idl/cases/include", svc],
                capture_output=True, check=False, timeout=60)
            if done.returncode == 0:
                made += glob.glob(out + "/*.json")
    expect("documents", len(made) >= len(patterns), True)
    return made


with Place() as place:
    work = place.folder + "/work"
    os.makedirs(work)
    os.symlink(MODULES, work + "/node_modules")
    place.web(WEB)
    for server in SERVERS:
        place.serve(server)
    wait_for(lambda: place.ask("GET", "/openapi.json")[2].count(b'"tags": [') >
             4)
    with open(work + "/live.json", "wb") as file:
        file.write(place.ask("GET", "/openapi.json")[2])
    for name in ("client.ts", "wrong.ts", "validate.mjs"):
        shutil.copy(f"{HERE}/{name}", work)
    for name, text in (("package.json", {"type": "module"}),
                       ("tsconfig.json", {
                           "compilerOptions": {
                               "strict": True, "target": "es2022",
                               "module": "nodenext", "skipLibCheck": True,
                               "types": [], "lib": ["es2022", "dom"]},
                           "files": ["client.ts", "wrong.ts"]})):
        with open(f"{work}/{name}", "w", encoding="ascii") as file:
            json.dump(text, file)
    run(["node", "validate.mjs", "live.json", *documents(work)], work)
    run(["node", "node_modules/openapi-typescript/bin/cli.js", "live.json",
         "-o", "api.d.ts"], work)
    run(["node", "node_modules/typescript/bin/tsc"], work)
    run(["node", "client.js", f"http://{place.host}", place.token], work)
    finish()
