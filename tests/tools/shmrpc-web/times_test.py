"""times_test.py WEB HASTY PAPERS: the timeouts of a web server: comments in
idle streams, readers and senders that stop, bodies that nobody wants, and
readers whose stream the service has given up.

HASTY has shorter timeouts (hasty.h); long runs test the program itself, with
the times that docs/web.md promises. There are no upper bounds: each event
must occur, but not before its time."""
import json
import os
import select
import socket
import sys
import time

from webtest import DEADLINE_S, Place, expect, finish, wait_for

WEB, HASTY, PAPERS = sys.argv[1:4]
LONG = os.environ.get("SHMRPC_TEST_LONG") == "1"
SHORT_S = {"begin": 0.3, "comment": 0.4, "drain": 1.0, "pause": 1.5, "stall": 2.0}
# `pause` is missing, because it takes ten minutes.
REAL_S = {"begin": 0.5, "comment": 15.0, "drain": 10.0, "stall": 120.0}
PATIENCE_S = 200


class Request:
    """A connection on a bare socket. `began` is the time just before it was
    made."""

    def __init__(self, web, line, *fields, body=b""):
        self.sock = socket.create_connection(("127.0.0.1", web.port),
                                             timeout=PATIENCE_S)
        self.began = time.monotonic()
        self.said = b""
        head = [f"{line} HTTP/1.1", f"Host: {web.host}",
                f"Authorization: Bearer {web.token}", *fields, "", ""]
        self.sock.sendall("\r\n".join(head).encode() + body)

    def age(self):
        return time.monotonic() - self.began

    def read_to(self, what, times=1):
        """Reads until the text has appeared that many times. Returns how long
        that took."""
        while self.said.count(what) < times:
            piece = self.sock.recv(65536)
            if not piece:
                break
            self.said += piece
        expect(f"{what} has come", self.said.count(what) >= times, True)
        return self.age()

    def await_close(self):
        """Returns how long it took until the other side had closed."""
        try:
            while True:
                piece = self.sock.recv(65536)
                if not piece:
                    break
                self.said += piece
        except ConnectionError:
            pass
        return self.age()

    def is_quiet(self):
        return not select.select([self.sock], [], [], 0)[0]

    def close(self):
        self.sock.close()


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def upload(web, path, data):
    return Request(web, f"POST {path}", "Content-Type: application/x-ndjson",
                   "Transfer-Encoding: chunked", body=chunk(data))


LINE = b'{"id":1,"title":"x"}\n'
EVENTS = "Accept: text/event-stream"


def ended(web):
    return web.call("papers/ended", [])[1]


def await_none_open(web):
    wait_for(lambda: ended(web)["open"] == 0, PATIENCE_S)


def silence(web, times):
    """The response to a stream without items begins after a while, and not
    earlier."""
    begun = {}
    for accept in ("application/x-ndjson", "text/event-stream"):
        request = Request(web, "POST /rpc/papers/silent", f"Accept: {accept}",
                          "Content-Type: application/json",
                          "Content-Length: 2", body=b"[]")
        begun[accept] = request.read_to(b"\r\n\r\n")
        expect("200", request.said[:12], b"HTTP/1.1 200")
        request.close()
    expect(f"replies that began early: {begun}",
           [s for s in begun.values() if s < times["begin"]], [])
    await_none_open(web)


def comments(web, times):
    """An idle stream of events gets comments, which don't count as items. A
    stream of lines gets none."""
    lines = Request(web, "GET /rpc/papers/first")
    lines.read_to(b'"no 0"}\n\r\n')
    idle = Request(web, "GET /rpc/papers/first", EVENTS)
    idle.read_to(b'"no 0"}\n\n')
    expect("none with the item", b":\n\n" in idle.said, False)
    for number in range(1, 2 if LONG else 4):
        age = idle.read_to(b"\n:\n\n", number)
        expect(f"comment {number} after {age} s", age >= number * times["comment"],
               True)
    expect("nothing in lines", lines.is_quiet(), True)
    idle.close()
    lines.close()
    await_none_open(web)


def slow_count(web):
    """Returns how many connections were closed because they were slow."""
    text = web.ask("GET", "/metrics")[2].decode()
    return next(int(float(line.rsplit(" ", 1)[1])) for line in text.splitlines()
                if line.startswith("shmrpc_web_slow_total"))


def stalled_reader(web, times):
    """A client that reads nothing is disconnected, and its handler notices."""
    before = ended(web)["cancelled"]
    cut = slow_count(web)
    # Items are large, so that the buffers between the handler and the client
    # are full at once.
    stalled = Request(web, "POST /rpc/papers/cat", "Content-Length: 12",
                      "Content-Type: application/octet-stream",
                      body=b"100000000000")
    wait_for(lambda: ended(web)["cancelled"] > before, PATIENCE_S)
    expect(f"cut off after {stalled.age()} s",
           stalled.age() >= times["stall"], True)
    expect("counted", slow_count(web), cut + 1)
    stalled.await_close()
    expect("broken off", stalled.said.endswith(b"0\r\n\r\n"), False)
    stalled.close()


def unwanted_body(web, times):
    """The data is dropped for a while, then the connection is closed."""
    for path, status in (("/rpc/papers/one", "ok"), ("/rpc/papers/nothing", None)):
        before = ended(web)
        request = upload(web, path, LINE)
        # Send until the server closes the connection; nothing is answered.
        request.sock.settimeout(0.05)
        while request.age() < PATIENCE_S:
            try:
                request.sock.sendall(chunk(LINE * 10))
                if request.sock.recv(1000) == b"":
                    break
            except TimeoutError:
                pass
            except ConnectionError:
                break
        age = request.age()
        expect(f"{path}: cut off after {age} s",
               times["drain"] <= age < PATIENCE_S, True)
        if status is not None:
            expect("its handler", ended(web)[status], before[status] + 1)
        request.close()


def paused_body(web, times):
    """A body that keeps arriving is accepted. One that pauses is ended, and
    its handler notices."""
    for _ in range(20):
        request = upload(web, "/rpc/papers/file?box=a", LINE)
        longest = 0.0
        sent = 1
        last = request.began
        while request.age() < 1.5 * times["pause"]:
            if select.select([request.sock], [], [], times["pause"] / 10)[0]:
                break  # an answer, or the end
            request.sock.sendall(chunk(LINE))
            sent += 1
            now = time.monotonic()
            longest = max(longest, now - last)
            last = now
        if longest < times["pause"] / 2:
            break
        request.close()  # the test itself paused
    request.sock.sendall(b"0\r\n\r\n")
    request.read_to(b"\r\n\r\n%d\n" % sent)
    request.close()
    before = ended(web)["cancelled"]
    request = upload(web, "/rpc/papers/file?box=a", LINE)
    age = request.await_close()
    expect(f"cut off after {age} s", age >= times["pause"], True)
    wait_for(lambda: ended(web)["cancelled"] == before + 1, PATIENCE_S)
    expect("no answer", request.said, b"")
    request.close()


def evicted_reader(web):
    """A reader whose stream the service has given up still gets what was sent,
    and the reason."""
    request = Request(web, "GET /rpc/papers/list?count=0")
    wait_for(lambda: ended(web)["other"] == 1, PATIENCE_S)
    request.read_to(b"\r\n0\r\n\r\n")
    lines = [line for line in request.said.split(b"\r\n") if line.startswith(b"{")]
    last = json.loads(lines[-1].splitlines()[-1])["error"]
    expect("the reason", (last["name"], last["items"] > 1000), ("EVICTED", True))
    request.close()


def full(web):
    """Retry-After has whole seconds, and is not too early."""
    def asked(method, ns):
        status, fields, data = web.ask(
            "POST", f"/rpc/papers/{method}", json.dumps([ns]),
            {"Content-Type": "application/json"})
        return (status, fields["Retry-After"],
                json.loads(data).get("retry_after_ns"))

    for method in ("full", "full_list"):
        for ns, seconds in ((2500000000, "3"), (1, "1"), (1000000000, "1")):
            expect(f"{method} for {ns} ns", asked(method, ns),
                   (429, seconds, ns))
        expect(f"{method}, who knows", asked(method, 0), (429, None, None))


def full_of_streams(web):
    """A stream for which there is no slot gets a time at which to try again."""
    held = []
    for _ in range(3):
        held.append(Request(web, "GET /rpc/papers/first"))
        held[-1].read_to(b"no 0")
    status, fields, data = web.ask("GET", "/rpc/papers/first")
    error = json.loads(data)
    expect("no place", (status, error["name"]), (429, "EXHAUSTED"))
    expect("when again", int(fields["Retry-After"]),
           -(-error["retry_after_ns"] // 1000000000))
    for request in held:
        request.close()
    await_none_open(web)


def start(program, *options):
    place = Place()
    place.serve(PAPERS, *options)
    place.web(program)
    wait_for(lambda: place.ask("POST", "/rpc/papers/ended", "[]",
                               {"Content-Type": "application/json"})[0] == 200,
             DEADLINE_S)
    return place


# The service must be more patient with a stalled reader than the web server,
# or it would give up the stream first (stream_stall).
with start(WEB if LONG else HASTY, "--stream-stall=10m") as place:
    TIMES = REAL_S if LONG else SHORT_S
    silence(place, TIMES)
    comments(place, TIMES)
    unwanted_body(place, TIMES)
    stalled_reader(place, TIMES)
    if not LONG:
        paused_body(place, TIMES)
with start(WEB, "--stream-stall=200ms") as place:
    evicted_reader(place)
    full(place)
    full_of_streams(place)
finish()
