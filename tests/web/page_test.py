"""page_test.py MODULES SHMRPCD WEB ECHO FAULT SHOP SHMRPC WORKERS PAPERS: the
page in a real browser, against a manager with real services under load,
some of which misbehave. SHMRPC_PICTURES=FOLDER stores the screenshots."""
import json
import os
import shutil
import signal
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.realpath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TREE, "tests/tools/shmrpc-web"))

from webtest import Place, expect, finish, wait_for  # noqa: E402

MODULES, SHMRPCD, WEB, ECHO, FAULT, SHOP, SHMRPC, WORKERS, PAPERS = sys.argv[1:10]

if not os.path.isdir(MODULES) or not shutil.which("chromium"):
    print("SKIPPED: npm packages or chromium are not installed "
          "(./dev test-web)")
    sys.exit(77)

# A service that is slow. It prints text that must not become markup, and lines
# of each level.
SLOW = """#!/bin/sh
echo 'warning: the disk answers slowly'
echo '<b>bold</b><img src=x onerror="window.hacked=1"><script>hacked=1</script>'
printf 'red \\033[31m red \\007 \\342\\200\\256 turned\\n'
head -c 200000 /dev/zero | tr '\\0' x; echo
for number in 0 1 2 3 4 5; do echo "<$((7 - number))>of level $number"; done
exec %s --listen=shm://slow "$@"
"""

# When a certain file appears, this service prints more lines than the manager
# keeps, and removes the file. It ignores SIGINT, so ending it takes a while.
CHATTY = """#!/bin/sh
trap '' INT
while :; do
    if [ -e %s ]; then
        seq 60000; rm %s
    fi
    sleep 0.05
done
"""


def script(place, name, text):
    path = f"{place.folder}/bin/{name}"
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(path, 0o755)
    return path


def manage(place):
    os.makedirs(place.folder + "/bin")
    os.makedirs(place.folder + "/log")
    more = place.folder + "/more"
    programs = {
        "Echo": ECHO, "Slow": script(place, "slow", SLOW % FAULT),
        "Shop": SHOP, "Workers": WORKERS, "Frozen": f"{ECHO} --listen=shm://@frozen",
        "Chatty": script(place, "chatty", CHATTY % (more, more)),
        "Bad": "/bin/sh -c 'echo error: no such disk; exit 3'",
        "Crash": "/bin/sh -c 'kill -SEGV $$$$'",
        "Plain": "/bin/sleep 1000",
        "Silent": "/bin/sleep 1000", "Later": ECHO}
    keys = {"Later": "after = Silent\nlisten = shm://@later\n",
            "Plain": "ready = started\n"}
    with open(place.folder + "/service.ini", "w", encoding="ascii") as file:
        for name, program in programs.items():
            file.write(f"[{name}]\nexec = {program}\nmax_proc_num = 2\n"
                       f"log_dir = {place.folder}/log\n"
                       "wait_until_completed = no\n" + keys.get(name, ""))
    place.manager = place.run([SHMRPCD, place.folder + "/service.ini"],
                              "managing")[0]


def restart(place):
    """Kills the manager, and starts another one in its place."""
    place.manager.kill()
    place.manager.wait()
    place.manager = place.run([SHMRPCD, place.folder + "/service.ini"],
                              "managing")[0]
    wait_for(lambda: place.call("shmrpcd/status", ["Shop"])[1]["state"] ==
             "RUNNING")


def freeze(place):
    """A service whose process is stopped: it is alive, but does nothing."""
    status = place.call("shmrpcd/status", ["Frozen"])[1]
    if status["state"] != "RUNNING":
        return False
    os.kill(status["pid"], signal.SIGSTOP)
    return True


def load(place, over):
    """Makes many fast calls and some slow ones. Restarts the manager when the
    test of the page asks for it."""
    while not over.is_set():
        if os.path.exists(place.folder + "/restart"):
            restart(place)
            os.remove(place.folder + "/restart")
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
    place.serve(PAPERS)
    place.web(WEB)
    mine = {"papers", "workers", "echo_serv", "slow", "shop", "shmrpcd", "echo_serv@frozen"}

    def seen():
        return place.ask("GET", "/api/v1/services"), place.call("shmrpcd/list", [])

    wait_for(lambda: mine <= {row["name"] for row in json.loads(
        place.ask("GET", "/api/v1/services")[2]) if row["alive"]}, seen=seen)
    wait_for(lambda: freeze(place), seen=seen)
    over = threading.Event()
    caller = threading.Thread(target=load, args=(place, over))
    caller.start()
    only_looks = place.beside(WEB, "--read-only")
    done = subprocess.run(
        ["node", "page_test.mjs", f"http://{place.host}", place.token,
         pictures, f"http://{only_looks}", SHMRPC, place.folder,
         HERE + "/kept"], cwd=work,
        timeout=600, check=False, env=place.env, stdin=subprocess.DEVNULL)
    over.set()
    caller.join()
    expect("page", done.returncode, 0)
    finish()
