"""streams_test.py WEB PAPERS: streams over HTTP: lines, events, bytes,
uploads; how they end; clients that leave early, and slow ones."""
import http.client
import json
import os
import pathlib
import select
import socket
import subprocess
import sys
import threading

from webtest import DEADLINE_S, Place, expect, finish, wait_for

WEB, PAPERS = sys.argv[1:3]
JSON = {"Content-Type": "application/json"}
LINES = {"Content-Type": "application/x-ndjson"}
BYTES = {"Content-Type": "application/octet-stream"}
EVENTS = {"Accept": "text/event-stream"}
LONG = os.environ.get("SHMRPC_TEST_LONG") == "1"


def paper(number):
    return {"id": number, "title": f"no {number}"}


def lines(count):
    return b"".join(json.dumps(paper(i)).encode() + b"\n" for i in range(count))


def ended(web):
    return web.call("papers/ended", [])[1]


def memory_kib(child):
    text = pathlib.Path(f"/proc/{child.pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in text.splitlines()
                if line.startswith("VmRSS"))


def expect_flat(what, child, before_kib):
    """Checks that memory has not grown. Allocators keep some memory, and
    sanitizers more."""
    grown = (memory_kib(child) - before_kib) >> 10
    expect(f"memory {what} has grown by {grown} MiB", grown < 12, True)


def ask(web, method, params, headers=None):
    """Sends a POST with JSON. Returns (status, type, the lines of the
    response)."""
    status, fields, data = web.ask("POST", "/rpc/papers/" + method,
                                   json.dumps(params),
                                   {**JSON, **(headers or {})})
    return status, fields["Content-Type"], data


def parsed(data):
    return [json.loads(line) for line in data.splitlines()]


def downloads(web):
    status, kind, data = ask(web, "list", [3])
    expect("lines", (status, kind, parsed(data)),
           (200, "application/x-ndjson",
            [paper(0), paper(1), paper(2), {"end": {"items": 3}}]))
    for path in ("/rpc/papers/list?count=2", "/rest/papers/papers?count=2"):
        status, _, data = web.ask("GET", path)
        expect(path, (status, parsed(data)),
               (200, [paper(0), paper(1), {"end": {"items": 2}}]))
    status, _, data = ask(web, "list", [20000])
    expect("many", (status, len(data.splitlines())), (200, 20001))
    _, _, data = ask(web, "list", [1], {"Shmrpc-Meta-Who": "me"})
    expect("metadata", parsed(data)[-1],
           {"end": {"items": 1, "metadata": {"shelf": "two"}}})
    status, _, _ = ask(web, "list", [1], {"Accept": "application/json"})
    expect("no such form", status, 406)


def counted(web):
    """The service's statistics of its streams agree with what this test sent."""
    def figures():
        service = json.loads(web.ask("GET", "/api/v1/services/papers")[2])
        # None until the first sample.
        return {m["name"]: m["streams"] for m in service.get("methods", [])
                if "streams" in m}

    def passed():
        now = figures().get("list", {})
        return {k: now.get(k, 0) for k in
                ("opened", "items_out", "items_in", "open")}

    wanted = {"opened": 5, "items_out": 20008, "items_in": 0, "open": 0}
    wait_for(lambda: passed() == wanted)
    held = begin_first(web)
    wait_for(lambda: figures().get("first", {}).get("open") == 1)
    rows = json.loads(web.ask("GET", "/api/v1/services")[2])
    # Drop services that run for all users of this machine.
    expect("open", [row["streams_open"] for row in rows
                    if row["name"] == "papers"], [1])
    held.close()
    wait_for(lambda: figures()["first"]["open"] == 0)
    text = web.ask("GET", "/metrics")[2].decode()
    expect("metrics", [line.rsplit(" ", 1)[1] for line in text.splitlines()
                       if line.startswith("shmrpc_stream_items_total{")
                       and 'method="list"' in line
                       and 'direction="out"' in line], ["20008"])


def errors(web):
    status, _, data = ask(web, "list", [5, True])
    last = parsed(data)[-1]["error"]
    expect("behind items",
           (status, len(parsed(data)), last["name"], last["details"],
            last["items"]), (200, 6, "test.papers.Torn", {"at": 5}, 5))
    status, kind, data = ask(web, "list", [0, True])
    expect("before the first",
           (status, kind, json.loads(data)["details"]),
           (409, "application/json", {"at": 0}))
    status, _, data = ask(web, "list", ["x"])
    expect("parameters", (status, json.loads(data)["path"]), (400, "count"))
    status, _, data = ask(web, "first", [], {"Shmrpc-Timeout-Ms": "100"})
    expect("late", (status, parsed(data)[0],
                    parsed(data)[1]["error"]["name"]),
           (200, paper(0), "DEADLINE"))
    status, _, data = web.ask("POST", "/rpc/papers/twice", b"1\n2\n", LINES)
    expect("both ways", (status, json.loads(data)["name"]),
           (501, "UNIMPLEMENTED"))


def curl(web):
    """What a user of curl sees of a stream that ends with an error."""
    done = subprocess.run(
        ["curl", "-sS", "-H", f"Authorization: Bearer {web.token}", "-H",
         "Content-Type: application/json", "-d", "[5,true]",
         f"http://{web.host}/rpc/papers/list"],
        capture_output=True, timeout=DEADLINE_S, check=False)
    said = parsed(done.stdout)
    expect("curl", (done.returncode, said[:-1], said[-1]["error"]["name"],
                    said[-1]["error"]["items"]),
           (0, [paper(i) for i in range(5)], "test.papers.Torn", 5))


def events(web):
    status, kind, data = ask(web, "list", [2, True], EVENTS)
    said = [dict(line.split(": ", 1) for line in event.splitlines())
            for event in data.decode().strip().split("\n\n")]
    expect("events", (status, kind, [e.get("id") for e in said],
                      [json.loads(e["data"]) for e in said[:2]],
                      said[2]["event"], json.loads(said[2]["data"])["details"]),
           (200, "text/event-stream", ["1", "2", None], [paper(0), paper(1)],
            "error", {"at": 2}))
    _, _, data = web.ask("GET", "/rpc/papers/list?count=1", None, EVENTS)
    expect("the end", data.decode().split("\n\n")[1],
           'event: end\ndata: {"items":1}')


def raw(web):
    letters = b"abcdefghijklmnopqrstuvwxyz" * 40000
    status, fields, data = web.ask("POST", "/rpc/papers/cat", b"1000000", BYTES)
    expect("bytes", (status, fields["Content-Type"], data == letters[:1000000]),
           (200, "application/octet-stream", True))
    status, _, data = web.ask("POST", "/rpc/papers/cat", b"3",
                              {**BYTES, "Accept": "application/x-ndjson"})
    expect("as lines", (status, parsed(data)),
           (200, ["YWJj", {"end": {"items": 1}}]))
    status, _, data = web.ask("POST", "/rpc/papers/cat", b"0", BYTES)
    expect("none", (status, data), (200, b""))
    status, fields, data = web.ask("POST", "/rpc/papers/measure", letters,
                                   BYTES)
    expect("upload", (status, data), (200, b"1040000"))
    status, _, data = web.ask("POST", "/rpc/papers/measure",
                              iter([letters] * 5), BYTES)
    expect("chunks", (status, data), (200, b"5200000"))
    status, _, data = web.ask("POST", "/rpc/papers/measure", b"", BYTES)
    expect("no bytes", (status, data), (200, b"0"))


def uploads(web):
    path = "/rpc/papers/file?box=a"
    for what, body, wanted in (
            ("lines", lines(3), 3), ("nothing", b"", 0),
            ("blank lines, no newline at the end",
             b"\n" + lines(2).replace(b"\n", b"\n \r\n") + b'{"id":1,"title":"x"}', 3),
            ("more than a window", lines(20000), 20000),
            ("more than --max-body", lines(60000), 60000),
            ("chunks", iter([lines(10)] * 7), 70),
            ("cut anywhere", iter([bytes([b]) for b in lines(3)]), 3)):
        status, _, data = web.ask("POST", path, body, LINES)
        expect(what, (status, data), (200, b"%d\n" % wanted))
    for line, where, why in (
            (b'{"id":1,"title":"x","titel":"y"}', "", "did you mean `title`"),
            (b'{"id":1,"title":""}', "title", "length 0"),
            (b'{"id":1', "", "at byte"), (b'"x"' + b"y" * 1100000, "", "--max-body")):
        status, _, data = web.ask("POST", path, lines(3) + b"\n" + line + b"\n" +
                                  lines(3), LINES)
        got = json.loads(data)
        expect(f"a wrong item, {why}",
               (status in (400, 413), "item 4 (line 5 of the body): " in
                got["message"], why in got["message"] + got.get("path", "")
                or got.get("path") == where),
               (True, True, True))
    status, _, data = web.ask(
        "POST", path, lines(3) + b'{"id":9,"title":"torn"}\n' + lines(20000),
        LINES)
    got = json.loads(data)
    expect("torn", (status, got["name"], got["details"]),
           (409, "test.papers.Torn", {"at": 3}))
    status, _, data = web.ask("POST", "/rpc/papers/one", lines(20000), LINES)
    expect("one is enough", (status, data), (200, b'"no 0"\n'))
    for target, headers, wanted in (
            ("/rpc/papers/file?box=a", JSON, 415),
            ("/rpc/papers/file?bix=a", LINES, 400),
            ("/rpc/papers/file", LINES, 400),
            ("/rpc/papers/ended", LINES, 415),
            ("/rpc/papers/fill", LINES, 404),
            ("/rpc/nobody/file", LINES, 404)):
        status, _, _ = web.ask("POST", target, lines(2), headers)
        expect(f"{target} {headers}", status, wanted)


def go_early(web):
    """The handler notices that its client has left, before an item and after
    one."""
    for accept in ("application/x-ndjson", "text/event-stream"):
        before = ended(web)["cancelled"]
        connection = http.client.HTTPConnection("127.0.0.1", web.port,
                                                timeout=DEADLINE_S)
        connection.request("GET", "/rpc/papers/first", None,
                           {"Authorization": f"Bearer {web.token}",
                            "Accept": accept})
        reply = connection.getresponse()
        expect("the first", b"no 0" in reply.read1(1000), True)
        wait_for(lambda: ended(web)["open"] == 1)
        connection.sock.close()
        reply.close()
        wait_for(lambda: ended(web)["cancelled"] == before + 1)
    before = ended(web)["cancelled"]
    with socket.create_connection(("127.0.0.1", web.port)) as sock:
        sock.sendall(upload_head(web, "file?box=a", "x-ndjson")
                     + b"a\r\n" + lines(1)[:10] + b"\r\n")
        sock.sendall(b"100\r\n" + lines(20)[10:266] + b"\r\n")
        wait_for(lambda: ended(web)["open"] == 1)
    wait_for(lambda: ended(web)["cancelled"] == before + 1)


def upload_head(web, method, kind):
    return (f"POST /rpc/papers/{method} HTTP/1.1\r\nHost: {web.host}\r\n"
            f"Authorization: Bearer {web.token}\r\n"
            f"Content-Type: application/{kind}\r\n"
            "Transfer-Encoding: chunked\r\n\r\n").encode()


def slow_reader(web, child):
    """A slow reader stalls only its own stream; other streams go on, and
    nothing accumulates."""
    def begin():
        sock = socket.create_connection(("127.0.0.1", web.port),
                                        timeout=DEADLINE_S)
        sock.sendall((f"GET /rpc/papers/list?count=0 HTTP/1.1\r\n"
                      f"Host: {web.host}\r\nAuthorization: Bearer {web.token}"
                      "\r\n\r\n").encode())
        return sock

    sock = begin()
    sock.recv(1000)
    wait_for(lambda: ended(web)["open"] == 1)
    before = memory_kib(child)
    status, _, data = ask(web, "list", [20000])
    expect("another one", (status, len(data.splitlines())), (200, 20001))
    got = 0
    while got < 20 << 20:
        got += len(sock.recv(1 << 20))
    expect_flat("beside 20 MiB of items", child, before)
    sock.close()
    wait_for(lambda: ended(web)["open"] == 0)


def without_room(web, child):
    """A body is not read while its handler does not read. Memory doesn't grow
    while the body waits, nor while all of it passes later (1 GiB if there
    is time)."""
    block = b"x" * 65536
    chunk = b"10000\r\n" + block + b"\r\n"
    sent = 0
    with socket.create_connection(("127.0.0.1", web.port),
                                  timeout=DEADLINE_S) as sock:
        sock.sendall(upload_head(web, "hoard", "octet-stream"))
        wait_for(lambda: web.ask("GET", "/healthz")[0] == 200)
        before = memory_kib(child)
        sock.setblocking(False)
        pending = b""
        while sent < 64 << 20:
            pending = pending or chunk
            if not select.select([], [sock], [], 1.0)[1]:
                break
            count = sock.send(pending)
            pending = pending[count:]
            sent += 0 if pending else len(block)
        expect("nobody reads 64 MiB", sent < 64 << 20, True)
        expect_flat(f"while {sent >> 20} MiB wait", child, before)
        expect("others go on", ask(web, "list", [1])[0], 200)
        web.call("papers/release", [])
        sock.settimeout(DEADLINE_S)
        sock.sendall(pending)
        sent += len(block) if pending else 0
        most = memory_kib(child)
        while sent < (1 << 30 if LONG else 48 << 20):
            sock.sendall(chunk)
            sent += len(block)
            if sent & 0xfffff == 0:
                most = max(most, memory_kib(child))
        sock.sendall(b"0\r\n\r\n")
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.endswith(b"%d" % sent):
            piece = sock.recv(65536)
            if not piece:
                break
            answer += piece
    grown = (most - before) >> 10
    expect(f"memory while {sent >> 20} MiB pass has grown by {grown} MiB",
           grown < 12, True)
    expect("all of it in 64 MiB", most < 64 << 10, True)
    expect("all of it came", (answer[:12], answer.endswith(b"\r\n\r\n%d" % sent)),
           (b"HTTP/1.1 200", True))


def many(web):
    """Every slot has a stream, except those reserved for short calls."""
    results = []

    def one():
        results.append(len(parsed(ask(web, "list", [300])[2])))

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expect("six at once", results, [301] * 6)
    held = [begin_first(web) for _ in range(7)]
    status, _, data = ask(web, "first", [])
    expect("one too many", (status, json.loads(data)["name"],
                            "stream places" in json.loads(data)["message"]),
           (429, "EXHAUSTED", True))
    for sock in held:
        sock.close()
    wait_for(lambda: ended(web)["open"] == 0)


def begin_first(web):
    sock = socket.create_connection(("127.0.0.1", web.port),
                                    timeout=DEADLINE_S)
    sock.sendall((f"GET /rpc/papers/first HTTP/1.1\r\nHost: {web.host}\r\n"
                  f"Authorization: Bearer {web.token}\r\n\r\n").encode())
    said = b""
    while b"no 0" not in said:
        said += sock.recv(1000)
    return sock


def server_dies(web, papers):
    """The client gets whole items, then the end of the stream."""
    sock = begin_first(web)
    papers.kill()
    rest = b""
    while b"error" not in rest or b"\n\r\n0\r\n" not in rest:
        piece = sock.recv(10000)
        if not piece:
            break
        rest += piece
    sock.close()
    expect("a server that dies", b'"name":"SERVER_LOST"' in rest, True)


with Place() as place:
    # Freed memory in quarantine must not count as growth.
    place.env["ASAN_OPTIONS"] = ("quarantine_size_mb=1:" +
                                 place.env.get("ASAN_OPTIONS", ""))
    server = place.serve(PAPERS, "--threads=8")
    gateway = place.web(WEB)
    wait_for(lambda: place.ask("POST", "/rpc/papers/ended", "[]", JSON)[0] == 200)
    downloads(place)
    counted(place)
    errors(place)
    curl(place)
    events(place)
    raw(place)
    uploads(place)
    go_early(place)
    slow_reader(place, gateway)
    without_room(place, gateway)
    many(place)
    server_dies(place, server)
    expect("the gateway lives", gateway.poll(), None)
finish()
