"""chain_test.py WEB CHAIN: a request goes through the web server to a service,
which calls another service. Tests that all three have one trace and one
deadline, that both services notice when the client hangs up, and that the last
one notices when the deadline passes."""
import json
import os
import socket
import sys

from webtest import Place, expect, finish, wait_for

WEB, CHAIN = sys.argv[1:3]
JSON = {"Content-Type": "application/json"}
TRACE = f"00-{'4' * 32}-{'1' * 16}-01"


def said_by(child):
    child.log.seek(0)
    return child.log.read().decode(errors="replace").splitlines()


def start(place):
    """Starts the last service, then the middle one, which has the name that
    callers use."""
    place.env["CHAIN_NAME"] = "last"
    last = place.serve(CHAIN, "--listen=shm://chain@last")
    place.env.update(CHAIN_NAME="middle", CHAIN_NEXT="shm://chain@last")
    middle = place.serve(CHAIN)
    del place.env["CHAIN_NAME"], place.env["CHAIN_NEXT"]
    place.web(WEB)
    wait_for(lambda: place.call("chain/hops", [])[0] == 200)
    return middle, last


def hops(web, fields):
    status, head, data = web.ask("POST", "/rpc/chain/hops", "[]",
                                 {**JSON, **fields})
    expect("hops", status, 200)
    return head, [line.split() for line in json.loads(data).splitlines()]


def trace(web):
    """The web server's span is a child of the request's span, the first
    service's span is a child of the web server's span, and so on."""
    head, (middle, last) = hops(web, {"traceparent": TRACE,
                                      "Shmrpc-Timeout-Ms": "20000"})
    _, trace_id, own, _ = head["traceresponse"].split("-")
    expect("names", (middle[0], last[0]), ("middle", "last"))
    expect("one trace", (trace_id, middle[1], last[1]), ("4" * 32,) * 3)
    expect("three spans", len({"1" * 16, own, middle[3], last[3]}), 4)
    expect("each the child of the one before", (middle[2], last[2]),
           (own, middle[3]))
    # The last service reads the clock first, so it has no less time left.
    expect(f"one deadline: {middle[4]} ms, {last[4]} ms",
           0 < int(middle[4]) <= int(last[4]) <= 20000, True)
    _, links = hops(web, {})
    expect("no trace", [link[1] for link in links], ["-", "-"])


def ends(web, middle, last):
    """A client hangs up during a call or a stream, or its deadline passes."""
    for method, accept in (("hold", "application/json"),
                           ("drip", "application/x-ndjson")):
        before = [len(said_by(middle)), len(said_by(last))]
        with socket.create_connection(("127.0.0.1", web.port)) as sock:
            sock.sendall(
                (f"POST /rpc/chain/{method} HTTP/1.1\r\nHost: {web.host}\r\n"
                 f"Authorization: Bearer {web.token}\r\nAccept: {accept}\r\n"
                 "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n"
                 "[]").encode())
            wait_for(lambda: "holds last" in said_by(last)[before[1]:])
        for child, count in zip((middle, last), before):
            told = wait_for(lambda: [line for line in said_by(child)[count:]
                                     if line.startswith("told")])
            expect(f"{method}: {told}", told[0].endswith("CANCELLED"), True)
    count = len(said_by(last))
    status, _ = web.call("chain/hold", [], {"Shmrpc-Timeout-Ms": "200"})
    expect("late", status, 504)
    wait_for(lambda: any(line.startswith("told") for line in
                         said_by(last)[count:]))


with Place() as place:
    links = start(place)
    trace(place)
    ends(place, *links)
finish()
