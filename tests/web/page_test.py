"""page_test.py MODULES SHMRPCD WEB ECHO FAULT SHOP: the page in a real browser,
against a manager with real services under load.  SHMRPC_PICTURES=FOLDER keeps the
screenshots."""
import json
import os
import shutil
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.realpath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TREE, "tests/tools/shmrpc-web"))

from webtest import Place, expect, finish, wait_for  # noqa: E402

MODULES, SHMRPCD, WEB, ECHO, FAULT, SHOP = sys.argv[1:7]

if not os.path.isdir(MODULES) or not shutil.which("chromium"):
    print("npm packages or chromium are not installed (./dev test-web): "
          "NOT tested")
    sys.exit(77)

# A service that is slow, and prints what must not get into a page.
SLOW = """#!/bin/sh
echo 'warning: the disk answers slowly'
echo '<b>bold</b><img src=x onerror="window.hacked=1"><script>hacked=1</script>'
printf 'red \\033[31m red \\007 \\342\\200\\256 turned\\n'
head -c 200000 /dev/zero | tr '\\0' x; echo
exec %s --listen=shm://slow "$@"
"""


def manage(place):
    os.makedirs(place.folder + "/bin")
    os.makedirs(place.folder + "/log")
    script = place.folder + "/bin/slow"
    with open(script, "w", encoding="ascii") as file:
        file.write(SLOW % FAULT)
    os.chmod(script, 0o755)
    with open(place.folder + "/service.ini", "w", encoding="ascii") as file:
        for name, program in (("Echo", ECHO), ("Slow", script),
                              ("Shop", SHOP)):
            file.write(f"[{name}]\nexec = {program}\nmax_proc_num = 2\n"
                       f"log_dir = {place.folder}/log\n")
    place.run([SHMRPCD, place.folder + "/service.ini"], "ready")


def load(place, over):
    """Calls: many that are fast, some that are slow."""
    while not over.is_set():
        place.call("slow/nap", [120])
        for number in range(20):
            place.call("echo_serv/add", [number, 1])
        place.call("shop/text", ["x"])


with Place() as place:
    pictures = os.environ.get("SHMRPC_PICTURES", place.folder + "/pictures")
    work = place.folder + "/work"
    os.makedirs(work)
    os.makedirs(pictures, exist_ok=True)
    os.symlink(MODULES, work + "/node_modules")
    shutil.copy(HERE + "/page_test.mjs", work)
    manage(place)
    place.web(WEB)
    wait_for(lambda: len([row for row in json.loads(
        place.ask("GET", "/api/v1/services")[2]) if row["alive"]]) == 4)
    over = threading.Event()
    caller = threading.Thread(target=load, args=(place, over))
    caller.start()
    done = subprocess.run(
        ["node", "page_test.mjs", f"http://{place.host}", place.token,
         pictures], cwd=work, timeout=400, check=False,
        stdin=subprocess.DEVNULL)
    over.set()
    caller.join()
    expect("page", done.returncode, 0)
    finish()
