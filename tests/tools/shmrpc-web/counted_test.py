"""counted_test.py WEB PAPERS SHMRPC TCP PKI: statistics of streams agree with
what was sent, over each transport: on the page, in /metrics and on the
command line. The promise is 1 %; items and the bytes of raw streams are
exact."""
import base64
import json
import subprocess
import sys

from webtest import DEADLINE_S, Place, expect, finish, wait_for

WEB, PAPERS, SHMRPC, TCP, PKI = sys.argv[1:6]
OUT_BYTES = 300000
IN_BYTES = 250000
LISTED = 700
FILED = 400
TWICE = 150


def lines(count):
    return "".join(f'{{"id":{i},"title":"no {i}"}}\n' for i in range(count))


def shmrpc(place, *words, stdin=b""):
    done = subprocess.run([SHMRPC, *words], env=place.env, input=stdin,
                          capture_output=True, timeout=DEADLINE_S, check=False)
    if done.returncode != 0:
        sys.exit(f"{words}: {done.stderr.decode()}")
    return done.stdout


def work(place, where):
    """Runs the known workload with the command line."""
    def call(*words, stdin=b""):
        return shmrpc(place, "call", f"--at={where}", "papers", *words,
                      stdin=stdin)

    expect(f"{where}: bytes", len(call("cat", str(OUT_BYTES))), OUT_BYTES)
    expect(f"{where}: upload",
           base64.b64decode(json.loads(call("measure", "-",
                                            stdin=b"x" * IN_BYTES))),
           b"%d" % IN_BYTES)
    expect(f"{where}: items", call("list", str(LISTED)).count(b"\n"), LISTED)
    expect(f"{where}: filed", call("file", "a", "-",
                                   stdin=lines(FILED).encode()),
           b"%d\n" % FILED)
    numbers = "".join(f"{i}\n" for i in range(TWICE)).encode()
    expect(f"{where}: twice", call("twice", "-", stdin=numbers).count(b"\n"),
           TWICE)


def web_work(place):
    """Runs the known workload over HTTP, except for streams in both
    directions."""
    octets = {"Content-Type": "application/octet-stream"}
    ndjson = {"Content-Type": "application/x-ndjson"}
    place.ask("POST", "/rpc/papers/cat", str(OUT_BYTES), octets)
    place.ask("POST", "/rpc/papers/measure", b"x" * IN_BYTES, octets)
    place.ask("GET", f"/rpc/papers/list?count={LISTED}")
    place.ask("POST", "/rpc/papers/file?box=a", lines(FILED), ndjson)


KEYS = ("opened", "open", "items_in", "items_out", "bytes_in", "bytes_out")


def by_shell(place):
    stats = json.loads(shmrpc(place, "stats", "--json", "papers"))
    return {m["name"]: {key: m["streams"][key] for key in KEYS}
            for m in stats["methods"] if "streams" in m}


def by_page(place):
    service = json.loads(place.ask("GET", "/api/v1/services/papers")[2])
    return {m["name"]: {key: m["streams"].get(key) for key in KEYS
                        if key in m["streams"]}
            for m in service.get("methods", []) if "streams" in m}


def by_metrics(place):
    samples = {}
    for line in place.ask("GET", "/metrics")[2].decode().splitlines():
        name, _, value = line.rpartition(" ")
        samples[name] = value
    found = {}
    for method in ("cat", "measure", "list", "file", "twice"):
        labels = f'service="papers",method="{method}"'
        wanted = {"opened": f"shmrpc_streams_total{{{labels}}}",
                  "open": f"shmrpc_streams_open{{{labels}}}"}
        for what in ("items", "bytes"):
            for way in ("in", "out"):
                wanted[f"{what}_{way}"] = (
                    f"shmrpc_stream_{what}_total{{{labels},"
                    f'direction="{way}"}}')
        found[method] = {key: int(float(samples.get(name, -1)))
                         for key, name in wanted.items()}
    return found


def expect_workload(where, before, after):
    """Checks that the counts have grown by exactly one workload. Returns the
    bytes in each direction, by method."""
    def grown(method, key):
        return after[method][key] - before.get(method, {}).get(key, 0)

    expect(f"{where}: opened", {m: grown(m, "opened") for m in after},
           dict.fromkeys(after, 1))
    expect(f"{where}: open", [after[m]["open"] for m in after], [0] * len(after))
    items = {"list": (0, LISTED), "file": (FILED, 0)}
    if "twice" in after:
        items["twice"] = (TWICE, TWICE)
    for method, (count_in, count_out) in items.items():
        expect(f"{where}: items of {method}",
               (grown(method, "items_in"), grown(method, "items_out")),
               (count_in, count_out))
    expect(f"{where}: raw bytes",
           (grown("cat", "bytes_in"), grown("cat", "bytes_out"),
            grown("measure", "bytes_in"), grown("measure", "bytes_out")),
           (0, OUT_BYTES, IN_BYTES, 0))
    return {m: (grown(m, "bytes_in"), grown(m, "bytes_out")) for m in items}


def start(place):
    """Starts a service at all kinds of addresses, and a gateway. Returns their
    names."""
    def named(line, scheme):
        return next(word.strip(",") for word in line.split() if scheme in word)

    unix = f"unix://{place.folder}/run/papers.sock"
    subprocess.run([PKI, place.folder], check=True)
    cert = f"cert={place.folder}/server.pem"
    _, line = place.run(
        [PAPERS, "--workers=0", "--threads=4", "--force-insecure-serialisation",
         f"--listen=shm://,{unix},tcp://127.0.0.1:0,tls://127.0.0.1:0?{cert}"],
        "serving at")
    tls = named(line, "tls://").split("?")[0] + f"?ca={place.folder}/ca.pem"
    tcp = named(line, "tcp://")
    _, line = place.run([TCP, "--force-insecure-serialisation",
                         "papers:5834=tcp://127.0.0.1:0"], "serving at")
    return {"shm": "shm://papers", "unix": unix, "tcp": tcp, "tls": tls,
            "gateway": named(line, "tcp://")}


with Place() as place:
    places = start(place)
    counts = {}
    bytes_of = {}
    for name, where in places.items():
        work(place, where)
        before, counts = counts, by_shell(place)
        bytes_of[name] = expect_workload(name, before, counts)
    # The items are the same, so their bytes must be, too.
    expect("bytes by transport", bytes_of, dict.fromkeys(places, bytes_of["shm"]))
    place.web(WEB)
    wait_for(lambda: place.call("papers/ended", [])[0] == 200)
    before = {m: counts[m] for m in counts if m != "twice"}
    web_work(place)
    counts = by_shell(place)
    after = {m: counts[m] for m in before}
    expect("bytes over HTTP", expect_workload("http", before, after),
           {m: bytes_of["shm"][m] for m in ("list", "file")})
    # Figures of the page are per second.
    wait_for(lambda: by_metrics(place) == counts, 20)
    expect("metrics", by_metrics(place), counts)
    page = by_page(place)
    expect("page", page, {m: {key: counts[m][key] for key in page.get(m, KEYS)}
                          for m in counts})
finish()
