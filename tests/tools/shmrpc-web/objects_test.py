"""objects_test.py WEB SHMRPC PROMTOOL: the page and /metrics show shared
objects, whatever their names and the contents of their files are, without
changing them."""
import glob
import hashlib
import json
import os
import random
import subprocess
import sys

from webtest import Place, expect, finish, wait_for

WEB, SHMRPC, PROMTOOL = sys.argv[1:4]

# HTML, quotes, all kinds of line ends, and escape sequences of terminals and
# metrics.
HOSTILE = ('<img src=x onerror="hacked=1">\n\x1b[31m\r\x07\\n"} 1\n'
           '# TYPE x\u2028\u202e\x7fé😀')


def shmrpc(web, *words, status=0):
    done = subprocess.run([SHMRPC, *words], env=web.env, capture_output=True,
                          stdin=subprocess.DEVNULL, check=False, timeout=60)
    expect(f"{words}: {done.stderr.decode()}", done.returncode, status)
    return done.stdout.decode()


def listed(web):
    status, _, data = web.ask("GET", "/api/v1/objects")
    expect("list", status, 200)
    reply = json.loads(data)
    expect("failure", (reply["error"], reply["omitted"]), (None, 0))
    return reply["objects"]


def named(web, kind, name):
    return next((row for row in listed(web)
                 if (row["kind"], row["name"]) == (kind, name)), None)


def figure(web, kind, name, key):
    row = named(web, kind, name)
    return (row or {}).get("figures", {}).get(key)


def is_ours(path):
    return path.rsplit(".", 1)[1] in ("queue", "topic", "pipe", "dict", "value")


def files(web):
    return [path for path in glob.glob(web.folder + "/run/**/*", recursive=True)
            if os.path.isfile(path) and is_ours(path)]


def hashes(web):
    """Hashes only the beginning of each file: the files are large, and sparse."""
    result = {}
    for path in files(web):
        with open(path, "rb") as file:
            result[path] = hashlib.sha256(file.read(4 << 20)).hexdigest()
    return result


def looks(web, count=2):
    """Waits for `count` scans: each updates the idle times of its objects."""
    def age():
        return named(web, "queue", "jobs")["idle_ns"]

    for _ in range(count):
        before = age()
        wait_for(lambda: age() != before)


def samples(web):
    """Returns {(name, labels): value}. Labels are verbatim; only LF ends a
    line."""
    result = {}
    for line in web.ask("GET", "/metrics")[2].decode().split("\n"):
        if line.startswith("shmrpc_object"):
            name, _, value = line.rpartition(" ")
            expect(f"{name}: once", name in result, False)
            result[name] = float(value)
    return result


def labels(kind, name):
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n")):
        name = name.replace(plain, escaped)
    return f'{{kind="{kind}",name="{name}",scope="user"}}'


def nothing(web):
    expect("nothing", listed(web), [])
    expect("none", samples(web), {"shmrpc_objects": 0})


def kinds(web):
    """Each kind shows its figures, which equal those of the command line."""
    shmrpc(web, "queue", "push", "--create", "jobs", "1", "2", "3")
    shmrpc(web, "queue", "pop", "jobs")
    shmrpc(web, "topic", "pub", "--create", "news", '"rain"', '"sun"')
    shmrpc(web, "dict", "set", "--create", "config", '"rate"', "16000")
    shmrpc(web, "dict", "set", "config", '"<b>"', '"x"')
    shmrpc(web, "value", "set", "--create", "one", "[1,2]")
    shmrpc(web, "queue", "push", "--create", HOSTILE, "7")
    wait_for(lambda: named(web, "queue", HOSTILE))
    wait_for(lambda: figure(web, "value", "one", "entry_count") == 1)
    for kind, name, wanted in (
            ("queue", "jobs", {"item_count": 2, "pushed_count": 3, "popped_count": 1,
                               "dropped_count": 0, "unacked_count": 0, "capacity": 1024}),
            ("topic", "news", {"published_count": 2, "subscriber_count": 0,
                               "lost_count": 0, "evicted_count": 0}),
            ("dict", "config", {"entry_count": 2, "helped_count": 0, "view_age": 0}),
            ("value", "one", {"entry_count": 1, "helped_count": 0})):
        row = named(web, kind, name)
        got = row["figures"]
        expect(name, {key: got.get(key) for key in wanted}, wanted)
        told = json.loads(shmrpc(web, kind, "stat", "--json", name))
        expect(f"{name} as the command has it",
               {key: got[key] for key in got if key in told},
               {key: told[key] for key in got if key in told})
        expect(name, (row["state"], row["open"], row["scope"], row["type"] != "",
                      row["memory_bytes"] > 0, row["mode"]),
               ("idle", 0, "user", True, True, 0o600))
    expect("sorted", [(row["kind"], row["name"]) for row in listed(web)],
           sorted((row["kind"], row["name"]) for row in listed(web)))


def untouched(web):
    """Inspecting objects changes no byte, and does not count as use."""
    before = hashes(web)
    looks(web, 3)
    expect("files", hashes(web), before)
    expect("open", {row["open"] for row in listed(web)}, {0})


def used(web):
    """The list shows how many processes have an object open, and which one
    writes."""
    reader = subprocess.Popen([SHMRPC, "topic", "tail", "--deadline=60s", "news"],
                              env=web.env, stdout=subprocess.DEVNULL)
    writer = subprocess.Popen([SHMRPC, "pipe", "write", "--create", "--deadline=60s",
                               "pcm"], env=web.env, stdin=subprocess.PIPE)
    waiter = subprocess.Popen([SHMRPC, "queue", "pop", "--create", "--deadline=60s",
                               "empty"], env=web.env, stdout=subprocess.DEVNULL)
    web.children += [reader, writer, waiter]
    writer.stdin.write(b"x" * 65536) # the writer reads in pieces of this size
    writer.stdin.flush()
    wait_for(lambda: figure(web, "topic", "news", "subscriber_count") == 1)
    wait_for(lambda: figure(web, "pipe", "pcm", "byte_count") == 65536)
    wait_for(lambda: figure(web, "queue", "empty", "waiting_for_items") == 1)
    row = named(web, "pipe", "pcm")
    expect("writer", (row["figures"]["writer_pid"], row["state"], row["open"]),
           (writer.pid, "in use", 1))
    told = samples(web)
    expect("subscribers", told["shmrpc_object_subscribers" + labels("topic", "news")], 1)
    expect("bytes", told["shmrpc_object_waiting_bytes" + labels("pipe", "pcm")], 65536)
    expect("who waits", [told[f"shmrpc_object_waiting_for_{what}" + labels(kind, name)]
                         for what, kind, name in (("items", "queue", "empty"),
                                                  ("room", "queue", "empty"),
                                                  ("bytes", "pipe", "pcm"))], [1, 0, 0])
    for child in (reader, writer, waiter):
        child.kill()
        child.wait()
    writer.stdin.close()
    wait_for(lambda: figure(web, "topic", "news", "subscriber_count") is not None and
             named(web, "topic", "news")["open"] == 0)


def metrics(web):
    told = samples(web)
    expect("count", told["shmrpc_objects"], len(listed(web)))
    for name, kind, of, value in (
            ("items", "queue", "jobs", 2), ("pushed_total", "queue", "jobs", 3),
            ("popped_total", "queue", "jobs", 1), ("items", "queue", HOSTILE, 1),
            ("published_total", "topic", "news", 2), ("entries", "dict", "config", 2),
            ("changes_total", "value", "one", figure(web, "value", "one", "change_count")),
            ("open", "dict", "config", 0)):
        expect((name, of), told.get(f"shmrpc_object_{name}{labels(kind, of)}"), value)
    if os.path.exists(PROMTOOL):
        done = subprocess.run([PROMTOOL, "check", "metrics"],
                              input=web.ask("GET", "/metrics")[2],
                              capture_output=True, check=False, timeout=60)
        expect("promtool", (done.returncode, done.stdout + done.stderr), (0, b""))
    else:
        print("SKIPPED: no promtool (./dev test-web installs it)")


def damaged(web):
    """The scan survives any contents of the files, and any names."""
    folder = os.path.dirname(files(web)[0]).encode()
    chance = random.Random(17)
    for path in files(web):
        suffix = path.rsplit(".", 1)[1].encode()
        for number in range(12):
            copy = folder + f"/copy{number}.".encode() + suffix
            subprocess.run(["cp", "--sparse=always", path, copy], check=True)
            size = os.stat(path).st_blocks * 512
            with open(copy, "r+b") as file:
                for _ in range(4 ** (number % 6)):
                    # Change mostly the head, because most checks concern it.
                    file.seek(chance.randrange(8192 if number % 2 else size))
                    file.write(chance.randbytes(chance.choice((1, 4, 8))))
            if number == 11:
                os.truncate(copy, chance.randrange(8192))
    # A copy of a file under another name, so that two files contain the same
    # object name; and a file of garbage whose own name is not UTF-8.
    odd = next(path for path in files(web) if "/%" in path)
    last = len(odd) - len(".queue") - 1
    other = "1" if odd[last] == "0" else "0"
    subprocess.run(["cp", "--sparse=always", odd,
                    odd[:last] + other + odd[last + 1:]], check=True)
    with open(folder + b"/odd\xff.dict", "wb") as file:
        file.write(b"nothing")
    wait_for(lambda: [row["name"] for row in listed(web)].count(HOSTILE) == 2)
    looks(web)
    expect("metrics", samples(web)["shmrpc_objects"], len(listed(web)))
    expect("jobs", figure(web, "queue", "jobs", "item_count"), 2)


def foreign(web):
    """Files of other users, who may truncate them at any time, are not mapped."""
    if os.geteuid() != 0:
        print("SKIPPED: only root can make files of other users")
        return
    path = next(path for path in files(web) if path.endswith("/one.value"))
    os.chown(path, 12345, 12345)
    wait_for(lambda: named(web, "value", "one")["uid"] == 12345)
    row = named(web, "value", "one")
    expect("foreign", ("figures" in row, row["memory_bytes"] > 0), (False, True))
    os.chown(path, 0, 0)
    wait_for(lambda: figure(web, "value", "one", "entry_count") == 1)


def guarded(web):
    """Only authorized readers see objects, and nothing can be changed."""
    expect("no token", web.ask("GET", "/api/v1/objects", bearer=False)[0], 401)
    expect("verb", web.ask("POST", "/api/v1/objects", "{}",
                           {"Content-Type": "application/json"})[0], 405)
    with open(web.folder + "/token", "a", encoding="ascii") as file:
        file.write("ab" * 32 + " call indexer\n" + "cd" * 32 + " see prometheus\n")
    port = web.port
    web.port = int(web.beside(WEB).rsplit(":", 1)[1])
    for token, status in (("ab" * 32, 403), ("cd" * 32, 200)):
        expect(token[:2], web.ask("GET", "/api/v1/objects", bearer=False, headers={
            "Authorization": f"Bearer {token}"})[0], status)
    web.port = port


with Place() as place:
    server = place.web(WEB)
    for test in (nothing, kinds, untouched, metrics, used, foreign, guarded, damaged):
        test(place)
    expect("still there", server.poll(), None)
    finish()
