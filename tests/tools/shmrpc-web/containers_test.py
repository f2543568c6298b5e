"""containers_test.py SHMRPCD WEB ECHO SHMRPC: three sets of namespaces like
those of containers, for the manager with its service, for callers, and for
the web server. Each has its own processes, mounts, and /dev/shm of 64 MB;
they share a folder of sockets."""
import hashlib
import json
import os
import select
import subprocess
import sys

from webtest import DEADLINE_S, Place, expect, finish, wait_for

SHMRPCD, WEB, ECHO, SHMRPC = sys.argv[1:5]

# A shell whose /dev/shm is that of a container.
INSIDE = ("mount -t tmpfs -o size=64m,mode=1777 tmpfs /dev/shm && "
          'exec "$@"')
NAMESPACES = ["unshare", "--mount", "--pid", "--fork", "--kill-child",
              "--mount-proc", "sh", "-c", INSIDE, "sh"]

if subprocess.run(NAMESPACES + ["true"], check=False, capture_output=True,
                  stdin=subprocess.DEVNULL).returncode != 0:
    print("SKIPPED: no namespaces can be made here")
    sys.exit(77)


def serve(place):
    return place.run([*NAMESPACES, SHMRPCD, place.folder + "/service.ini"],
                     "shmrpcd: ready")[0]


def inside(place, *words):
    """Runs a program in the callers' container, and returns its output."""
    done = subprocess.run([*NAMESPACES, *words], env=place.env, check=False,
                          capture_output=True, timeout=120,
                          stdin=subprocess.DEVNULL)
    expect(" ".join(words[1:4]), (done.returncode, done.stderr), (0, b""))
    return done.stdout


def call(place, method, *words):
    return inside(place, SHMRPC, "call", "--raw", "echo_serv", method, *words)


def calls(place):
    """Bodies in each encoding that are larger than /dev/shm on either side."""
    expect("json", json.loads(call(place, "echo_json", 'data:={"a":[1,null]}')),
           {"a": [1, None]})
    expect("msgpack", call(place, "echo_msgpack", "data=hi").strip(), b'"hi"')
    expect("native", call(place, "add", "40", "2").strip(), b"42")
    large = os.urandom(1 << 20) * 40
    with open(place.folder + "/large", "wb") as file:
        file.write(large)
    got = call(place, "echo_raw", f"data=@{place.folder}/large")
    expect("40 MiB", hashlib.sha256(got[:len(large)]).digest(),
           hashlib.sha256(large).digest())
    inside(place, SHMRPC, "bench", "--calls=2000", "echo_serv", "add", "1", "2")
    expect("nothing in /dev/shm", inside(place, "ls", "-A", "/dev/shm"), b"")


def web_calls(place):
    """The web server finds the service of another container, and the workers of
    that service answer."""
    wait_for(lambda: place.call("echo_serv/add", [40, 2]) == (200, 42))
    row = wait_for(lambda: next(
        (row for row in json.loads(place.ask("GET", "/api/v1/services")[2])
         if row["name"] == "echo_serv" and row.get("ping_us")), None))
    expect("workers", (row["alive"], row["workers"]), (True, 2))
    managed = place.call("shmrpcd/list", [])[1]
    expect("the manager", [(one["name"], one["state"]) for one in managed],
           [("Echo", "RUNNING")])


def kill_container(service):
    """Kills a container, and waits for the end of its first process, as
    container engines do. `unshare` ends earlier than that process, and a second
    manager does not start while the first one runs."""
    path = f"/proc/{service.pid}/task/{service.pid}/children"
    with open(path, encoding="ascii") as file:
        first = os.pidfd_open(int(file.read()))
    service.kill()
    service.wait()
    expect("its end", select.select([first], [], [], DEADLINE_S)[0], [first])
    os.close(first)


def deaths(place, service):
    """A caller is killed during its calls, then the manager with everything it
    started."""
    caller = place.run([*NAMESPACES, "sh", "-c",
                        f"echo begins; exec '{SHMRPC}' bench --duration=600s "
                        "echo_serv add 1 2"], "begins")[0]
    before = place.call("shmrpcd/list", [])[1][0]["restarts"]
    expect("beside it", call(place, "add", "40", "2").strip(), b"42")
    caller.kill()
    expect("behind it", call(place, "add", "40", "2").strip(), b"42")
    expect("no worker died", place.call("shmrpcd/list", [])[1][0]["restarts"],
           before)
    kill_container(service)
    serve(place)
    calls(place)
    web_calls(place)


with Place() as place:
    with open(place.folder + "/service.ini", "w", encoding="ascii") as file:
        file.write(f"[Echo]\nexec = {ECHO}\nmin_proc_num = 2\n"
                   "max_proc_num = 2\n")
    service = serve(place)
    run = place.run
    place.run = lambda words, ready: run(NAMESPACES + words, ready)
    place.web(WEB)
    place.run = run
    calls(place)
    web_calls(place)
    deaths(place, service)
    finish()
