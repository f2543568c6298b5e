"""machines_test.py WEB SHMRPC GATEWAY ECHO [MODULES]: two machines in one NATS
cluster, and what the page shows of both. A machine is a folder of sockets
with a service and a gateway. With MODULES the page itself is tested, in a
browser."""
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
TREE = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(TREE, "tests/tools/shmrpc-nats"))

# pylint: disable=wrong-import-position
from webtest import Place, expect, finish, wait_for
from world import PROGRAM, Server

WEB, SHMRPC, GATEWAY, ECHO = sys.argv[1:5]
MODULES = sys.argv[5] if len(sys.argv) > 5 else None

if PROGRAM is None:
    print("SKIPPED: no nats-server here: machines on the page are not tested")
    sys.exit(77)
if MODULES and not (os.path.isdir(MODULES) and shutil.which("chromium")):
    print("SKIPPED: npm packages or chromium are not installed "
          "(./dev test-web)")
    sys.exit(77)


class Nats:
    """The attributes of a World that a Server uses."""

    def __init__(self, folder):
        self.folder, self.running = folder, []


class Machine(Place):
    """A machine with a service and its gateway."""

    def __init__(self, nats, zone):
        super().__init__()
        # The gateway's sandbox forbids the leak checker to trace it.
        self.env["ASAN_OPTIONS"] = "detect_leaks=0"
        self.serve(ECHO)
        self.gateway = self.run(
            [GATEWAY, "--force-insecure-serialisation",
             f"--servers={nats}?zone={zone}", "echo_serv"], "serving at")[0]


def answer(web):
    return json.loads(web.ask("GET", "/api/v1/machines")[2])


def zones(web):
    return sorted(row["zone"] for row in answer(web)["gateways"])


def api(web, machines):
    """Checks the API's answer, which the page shows."""
    wait_for(lambda: zones(web) == ["east", "west"])
    told = answer(web)
    expect("all is well", (told["cluster"], told["asked"], told["error"]),
           (True, True, None))
    here = [row["name"] for row in json.loads(
        web.ask("GET", "/api/v1/services")[2])]
    expect("they are on other machines", "echo_serv" in here, False)
    # It is the same as on the command line, except for figures that change.
    rows = json.loads(subprocess.run(
        [SHMRPC, "ps", "--nats", "--json"], env=web.env, check=True, timeout=60,
        capture_output=True).stdout)
    same = ("service", "host", "zone", "instance", "version", "hash", "differs")
    expect("as by shmrpc ps --nats",
           [[row[key] for key in same] for row in told["gateways"]],
           [[row[key] for key in same] for row in rows])
    status, _, _ = web.ask("GET", "/api/v1/machines", bearer=False)
    expect("strangers", status, 401)
    machines[1].gateway.terminate()
    machines[1].gateway.wait()
    wait_for(lambda: zones(web) == ["east"])


def trouble(web, server):
    """A cluster that has gone, and no cluster at all."""
    server.kill()
    wait_for(lambda: "NATS" in (answer(web)["error"] or ""))
    expect("nobody is shown then", answer(web)["gateways"], [])
    web.web(WEB)
    expect("no cluster", answer(web), {"cluster": False, "asked": False,
                                       "error": None, "gateways": []})
    done = subprocess.run([WEB, "--nats=tcp://127.0.0.1"], env=web.env,
                          capture_output=True, timeout=60, check=False)
    expect("no address of NATS", (done.returncode, done.stderr.decode()[:38]),
           (2, "shmrpc-web: expected nats:// addresses"))


def page(web):
    work = web.folder + "/work"
    os.makedirs(work)
    os.symlink(MODULES, work + "/node_modules")
    shutil.copy(os.path.join(TREE, "tests/web/machines_test.mjs"), work)
    done = subprocess.run(
        ["node", "machines_test.mjs", f"http://{web.host}", web.token],
        cwd=work, timeout=300, check=False, stdin=subprocess.DEVNULL)
    expect("page", done.returncode, 0)


with Place() as place:
    nats = Nats(place.folder)
    server = Server(nats)
    server.world.stop = lambda process: (process.kill(), process.wait())
    address = f"nats://127.0.0.1:{server.port}"
    place.env["SHMRPC_NATS"] = address
    try:
        with Machine(address, "east") as east, Machine(address, "west") as west:
            place.web(WEB, "--nats")
            if MODULES:
                page(place)
            else:
                api(place, (east, west))
                trouble(place, server)
    finally:
        for process in nats.running:
            process.kill()
            process.wait()
    finish()
