"""figures_test.py WEB ECHO FAULT WORKERS PROMTOOL DASHBOARD SHMRPC FLOW
FLOW_CLIENT: the page, /metrics and the stream of events show a known number
of calls; a service dies and comes back."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

from webtest import DEADLINE_S, Place, expect, finish, wait_for

(WEB, ECHO, FAULT, WORKERS, PROMTOOL, DASHBOARD, SHMRPC, FLOW,
 FLOW_CLIENT) = sys.argv[1:10]


def ours(rows):
    """Drops services that run for all users of this machine."""
    return [row for row in rows if row["name"] in ("echo_serv", "fault")]


def service(web, name):
    status, _, data = web.ask("GET", f"/api/v1/services/{name}")
    return json.loads(data) if status == 200 else {}


def method(web, name, wanted):
    rows = service(web, name).get("methods", [])
    return next((m for m in rows if m["name"] == wanted), {})


def metrics(web):
    """Returns {name{labels}: value}, and checks that each line belongs to a
    metric."""
    status, fields, data = web.ask("GET", "/metrics")
    expect("metrics", (status, fields["Content-Type"].split(";")[0]),
           (200, "text/plain"))
    samples, name = {}, None
    for line in data.decode().splitlines():
        if line.startswith("# TYPE "):
            expect(f"{line}: once", line.split()[2] == name, True)
        elif line.startswith("# HELP "):
            name = line.split()[2]
        else:
            match = re.fullmatch(r"([a-z_]+)(\{.*\})? ([0-9.e+-]+)", line)
            expect(line, bool(match) and match[1].startswith(name), True)
            expect(f"{line}: once", match[1] + (match[2] or "") in samples,
                   False)
            samples[match[1] + (match[2] or "")] = float(match[3])
    return samples, data


def workload(web):
    for number in range(300):
        expect("call", web.call("echo_serv/add", [number, 1])[1], number + 1)
    for _ in range(7):
        expect("overflow", web.call("echo_serv/add", [2**63 - 1, 1])[0], 400)
    wait_for(lambda: method(web, "echo_serv", "add").get("calls") == 307)
    row = method(web, "echo_serv", "add")
    expect("errors", (row["errors"], row["errors_by_status"]),
           (7, {"demo.Overflow": 7}))
    expect("timed", row["service"]["count"], 307)
    expect("order", 0 < row["service"]["p50_us"] <= row["service"]["p99_us"] <=
           row["service"]["p999_us"] <= row["service"]["max_us"] * 1.01, True)
    samples, data = metrics(web)
    labels = 'service="echo_serv",method="add"'
    expect("calls", samples[f"shmrpc_calls_total{{{labels}}}"], 307)
    expect("errors", samples[f'shmrpc_errors_total{{{labels},'
                             'status="demo.Overflow"}'], 7)
    expect("histogram",
           samples[f'shmrpc_service_seconds_bucket{{{labels},le="+Inf"}}'], 307)
    bounds = [v for k, v in samples.items()
              if k.startswith(f"shmrpc_service_seconds_bucket{{{labels}")]
    expect("buckets rise", bounds, sorted(bounds))
    seconds = samples[f"shmrpc_service_seconds_sum{{{labels}}}"]
    expect("sum", abs(seconds * 1e6 / row["service"]["total_us"] - 1) < 0.01,
           True)
    expect("up", samples['shmrpc_up{service="echo_serv"}'], 1)
    expect("sum of the page",
           service(web, "echo_serv")["calls"] >= 307, True)
    if os.path.exists(PROMTOOL):
        done = subprocess.run([PROMTOOL, "check", "metrics"], input=data,
                              capture_output=True, check=False, timeout=60)
        expect("promtool", (done.returncode, done.stdout + done.stderr),
               (0, b""))
    else:
        print("SKIPPED: no promtool (./dev test-web installs it)")


def heartbeat(web):
    """Pings are shown, but not counted as calls. A stopped service has no
    ping."""
    wait_for(lambda: service(web, "fault").get("ping_us", 0) > 0)
    value = wait_for(lambda: metrics(web)[0].get(
        'shmrpc_ping_seconds{service="fault"}'))
    expect("in seconds", 0 < value < 5, True)
    before = service(web, "fault")["calls"]
    web.fault.send_signal(signal.SIGSTOP)
    wait_for(lambda: service(web, "fault").get("ping_us", 0) is None)
    web.fault.send_signal(signal.SIGCONT)
    wait_for(lambda: (service(web, "fault").get("ping_us") or 0) > 0)
    expect("not counted", service(web, "fault")["calls"], before)


def streams(web):
    """A reader stops after 100 items, so its handler waits for room."""
    web.serve(FLOW)
    labels = 'service="flow",method="count"'
    reader = web.run([FLOW_CLIENT, "reader", "shm://flow"], "read")[0]
    stalled = f"shmrpc_stream_stalled_seconds_total{{{labels}}}"
    wait_for(lambda: metrics(web)[0].get(stalled, 0) > 0.05)
    samples = metrics(web)[0]
    expect("open", samples[f"shmrpc_streams_open{{{labels}}}"], 1)
    expect("opened", samples[f"shmrpc_streams_total{{{labels}}}"], 1)
    items = f"shmrpc_stream_items_total{{{labels},direction="
    expect("items", (samples[items + '"in"}'], samples[items + '"out"}'] >= 100),
           (0, True))
    sent = samples[f'shmrpc_stream_bytes_total{{{labels},direction="out"}}']
    expect("bytes", sent >= 800, True)
    expect("none elsewhere",
           [k for k in samples if "_stream" in k and "count" not in k], [])
    row = method(web, "flow", "count")["streams"]
    expect("of the page", (row["open"], row["opened"]), (1, 1))
    reader.kill()
    wait_for(lambda: method(web, "flow", "count")["streams"]["open"] == 0)


def share_one_of_each_kind(web):
    for words in (("queue", "push", "--create", "jobs", "1"),
                  ("topic", "pub", "--create", "news", "1"),
                  ("pipe", "write", "--create", "pcm"),
                  ("dict", "set", "--create", "config", "rate", "1"),
                  ("value", "set", "--create", "one", "1")):
        subprocess.run([SHMRPC, *words], env=web.env, check=True, timeout=60,
                       stdin=subprocess.DEVNULL)
    wait_for(lambda: metrics(web)[0]["shmrpc_objects"] == 5)


def dashboard(web):
    """Everything that the Grafana dashboard draws is an existing metric with
    existing labels, and no panel overlaps another."""
    share_one_of_each_kind(web)
    labels = {}
    for sample in metrics(web)[0]:
        name, _, rest = sample.partition("{")
        labels.setdefault(name, set()).update(re.findall(r'(\w+)="', rest))
    with open(DASHBOARD, encoding="utf-8") as file:
        board = json.load(file)
    expressions = [t["expr"] for p in board["panels"] for t in p["targets"]]
    expressions += [v["query"] for v in board["templating"]["list"]]
    used = [(e, set(re.findall(r"shmrpc_\w+", e))) for e in expressions]
    expect("panels that ask for something", [
        e for e, names in used if not names and e != "prometheus"], [])
    for text, names in used:
        expect(text, names - labels.keys(), set())
        wanted = set(re.findall(r"(\w+)=~", text))
        for group in re.findall(r"by \(([^)]*)\)", text):
            wanted.update(group.split(", "))
        for name in names & labels.keys():
            expect(f"labels of {text}", wanted - labels[name], set())
    expect("ids", len({p["id"] for p in board["panels"]}),
           len(board["panels"]))
    cells = [(x, y) for p in board["panels"] for g in (p["gridPos"],)
             for x in range(g["x"], g["x"] + g["w"])
             for y in range(g["y"], g["y"] + g["h"])]
    expect("places", (len(set(cells)), max(x for x, _ in cells)),
           (len(cells), 23))


def events(web):
    """The stream of events sends one at once, then one a second, until we
    close it."""
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
    connection.request("GET", "/api/v1/events",
                       headers={"Authorization": f"Bearer {web.token}"})
    reply = connection.getresponse()
    expect("type", reply.headers["Content-Type"], "text/event-stream")
    seen = []
    while len(seen) < 3:
        line = reply.readline().decode()
        if line.startswith("data: "):
            seen.append(json.loads(line[6:]))
    rows = ours(seen[-1])
    expect("names", [row["name"] for row in rows], ["echo_serv", "fault"])
    for key in ("calls_per_s", "p50_us", "cpu", "memory", "workers", "alive"):
        expect(key, key in rows[0], True)
    connection.close()
    # Only the present call and the slow one are left.
    wait_for(lambda: metrics(web)[0]["shmrpc_web_connections"] <= 2)


class Slow:
    """A client that sends a head byte by byte and never ends it."""

    def __init__(self, web):
        self.socket = socket.create_connection(("127.0.0.1", web.port))
        self.socket.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        self.socket.settimeout(0.5)

    def is_cut_off(self):
        try:
            self.socket.send(b"y")
            return self.socket.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True


def past(web):
    def get(query=""):
        status, _, data = web.ask("GET", "/api/v1/services/echo_serv/history" +
                                  query)
        return status, json.loads(data)

    status, reply = wait_for(lambda: get() if get()[1]["calls"]
                             else None)
    expect("past", (status, reply["step_s"]), (200, 5))
    sizes = {len(v) for v in reply.values() if isinstance(v, list)}
    expect("columns are of one length", len(sizes), 1)
    expect("memory", reply["memory"][-1] > 0, True)
    expect("times", reply["at_unix_s"], sorted(reply["at_unix_s"]))
    errors = wait_for(lambda: get()[1]["errors_by_status"])
    expect("errors by status", {name: any(line)
                                for name, line in errors.items()},
           {"DECLARED": True})
    expect("a day", get("?span=24h")[1]["step_s"], 60)
    expect("30 days", get("?span=30d")[1]["step_s"], 900)
    expect("another", get("?span=1y")[0], 400)
    status, _, _ = web.ask("GET", "/api/v1/services/nobody/history")
    expect("of nobody", status, 404)
    status, _, _ = web.ask("GET", "/api/v1/services/nobody")
    expect("nobody", status, 404)


def history(web, name):
    return json.loads(web.ask("GET", f"/api/v1/services/{name}/history")[2])


def known(line, least):
    """Returns the values of a line without its gaps, or None while their sum is
    less than `least`."""
    values = [value for value in line if value is not None]
    return values if sum(values) >= least else None


def death(web):
    """The list shows when a service has gone. A new one starts counting from
    0."""
    wait_for(lambda: web.call("fault/napping", [])[0] == 200)
    web.fault.kill()
    web.fault.wait()
    wait_for(lambda: service(web, "fault").get("alive") is False)
    expect("why", bool(service(web, "fault").get("error")), True)
    web.serve(FAULT)
    wait_for(lambda: service(web, "fault").get("alive") is True)
    expect("again", web.call("fault/napping", []), (200, 0))
    wait_for(lambda: method(web, "fault", "napping").get("calls") == 1)
    marks = wait_for(lambda: known(history(web, "fault")["restarts"], 1))
    expect("one restart", sum(marks), 1)


def crowd(web):
    """Living services are found, however many sockets of killed servers there
    are."""
    dead = [f"{web.folder}/run/AAA{i}.5555.sock" for i in range(1500)]
    for path in dead:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as gone:
            gone.bind(path)
    def crowded():
        rows = json.loads(web.ask("GET", "/api/v1/services")[2])
        return any(row["name"].startswith("AAA") for row in rows) and rows

    rows = wait_for(crowded)
    expect("alive", [row["alive"] for row in ours(rows)], [True, True])
    expect("call", web.call("echo_serv/add", [1, 2]), (200, 3))
    for path in dead:
        os.unlink(path)


def forsaken(web):
    """While no worker lives, everything reports that: the list (the page shows
    "backoff"), the metrics, and the answers to calls."""
    web.run([WORKERS, "--workers=1", "--threads=1"], "serving at")
    next_start = 'shmrpc_next_start_time_seconds{service="workers"}'

    def crashing(look):
        web.call("workers/crash", [])
        return look()

    def told():
        reply = web.call("workers/crash", [])[1]
        return "no worker lives: the last died of SIGABRT in workers.crash, " \
            "next try in " in json.dumps(reply)

    wait_for(told)
    row = wait_for(lambda: crashing(lambda: next(
        (r for r in json.loads(web.ask("GET", "/api/v1/services")[2])
         if r["name"] == "workers" and "next_start_s" in r), None)))
    expect("state", (row["alive"], row["workers_alive"], row["workers_wanted"],
                     row["next_start_s"] < 60), (True, 0, 1, True))
    crash = wait_for(lambda: (lambda last: last["signal"] is not None and last)(
        service(web, "workers")["last_crash"]))
    expect("reason", (crash["signal"], crash["method"]), (6, "crash"))
    when = wait_for(lambda: crashing(lambda: metrics(web)[0].get(next_start)))
    expect("next start", abs(when - time.time()) < DEADLINE_S, True)
    wait_for(lambda: web.call("workers/echo", [7]) == (200, 7))
    wait_for(lambda: metrics(web)[0][next_start] == 0)
    wait_for(lambda: "next_start_s" not in service(web, "workers"))


with Place() as place:
    place.web(WEB)
    place.serve(ECHO)
    place.fault = place.serve(FAULT)
    wait_for(lambda: len(ours(json.loads(
        place.ask("GET", "/api/v1/services")[2]))) == 2)
    slow = Slow(place)
    for test in (workload, heartbeat, streams, dashboard, events, past, death, crowd, forsaken):
        test(place)
    wait_for(slow.is_cut_off)
    expect("slow", metrics(place)[0]["shmrpc_web_slow_total"] >= 1, True)
    finish()
