"""rest_test.py WEB ECHO KINDS FAULT SHOP LIBRARY ECHO_CLIENT SHMRPC ERRORS:
calls over HTTP: all types, encodings, forms and errors; paths of @rest;
deadlines; clients that hang up."""
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading

from webtest import Place, basic, expect, finish, wait_for

(WEB, ECHO, KINDS, FAULT, SHOP, LIBRARY, ECHO_CLIENT, SHMRPC,
 ERRORS) = sys.argv[1:10]
ROOT = pathlib.Path(__file__).parents[3]
MSGPACK = {"Content-Type": "application/msgpack"}
BYTES = {"Content-Type": "application/octet-stream"}

ALL = {
    "flag": True, "small": -128, "less": -32768, "int": -2147483648,
    "large": -9223372036854775808, "tiny": 255, "little": 65535,
    "bounded": 1000000, "huge": 18446744073709551615, "single": 0.5,
    "precise": 1e300, "name": "näme ☃", "data": basic(b"\x00\xff"),
    "colour": "BLUE", "level": "LOW", "point": {"x": 1.0, "y": -2.0},
    "maybe": None, "perhaps": "x", "somewhere": {"x": 0.0, "y": 0.0},
    "numbers": [1, -2], "words": ["", "a\"b"], "path": [{"x": 3.0, "y": 4.0}],
    "counts": {"a": 1}, "places": {"7": {"x": 1.0, "y": 1.0}},
    "address": [127, 0, 0, 1],
    "corners": [{"x": 0.0, "y": 0.0}, {"x": 1.0, "y": 1.0}],
    "shape": {"text": "round"}, "rows": [[1, 2], []], "palette": ["RED"],
}


def same(value, got):
    """Compares numbers by value; a null may be missing."""
    if isinstance(value, dict):
        return all(same(v, got.get(k)) for k, v in value.items())
    return value == got


def metadata(web):
    """Shmrpc-Meta-... is sent with the call and returned. The call is a child
    of the server's span in the request's trace."""
    head = {"Content-Type": "application/json"}
    trace = f"00-{'4' * 32}-{'1' * 16}-01"
    status, fields, _ = web.ask("POST", "/rpc/shop/text", '{"text":"x"}', {
        **head, "Shmrpc-Meta-Tenant": "blue", "traceparent": trace})
    expect("metadata", (status, fields["Shmrpc-Meta-for"]), (200, "blue"))
    expect("the trace of the call", fields["Shmrpc-Meta-in"],
           fields["traceresponse"])
    status, fields, _ = web.ask("POST", "/rpc/shop/text", '{"text":"x"}', head)
    expect("none", (status, fields["Shmrpc-Meta-for"]), (200, None))
    status, got = web.call("shop/text", {"text": "x"},
                           {"Shmrpc-Meta-Tenant": "b" * 1200})
    expect("too much", (status, got["name"], got["may_have_run"]),
           (413, "TOO_LARGE", False))


def unknown_members(web):
    """Unknown members are refused at any depth, with their path and a
    suggestion."""
    point = {"x": 1.0, "y": 2.0}
    for params, path, told in (
            ({"valeu": ALL, "value": ALL}, "valeu", "parameter; did you mean `value`?"),
            ([ALL, 0, 1], "", "there is no parameter 3"),
            ({"value": {**ALL, "flagg": True}}, "value.flagg",
             "field; did you mean `flag`?"),
            ({"value": {**ALL, "point": {**point, "z": 0}}}, "value.point.z",
             "there is no such field"),
            ({"value": {**ALL, "path": [point, {**point, "xx": 1}]}},
             "value.path[1].xx", "no such field"),
            ({"value": {**ALL, "places": {"7": {**point, "why": 1}}}},
             'value.places["7"].why', "no such field")):
        status, got = web.call("kinds/json_all", params)
        expect(f"unknown {path}",
               (status, got.get("path", ""), told in got["message"],
                got["may_have_run"]), (400, path, True, False))
    # In a list of parameters, null stands for a parameter that is left out, so
    # one null too many is accepted. In an `any` no key is unknown.
    expect("a null too many", web.call("kinds/json_all", [ALL, 0, None])[0], 200)
    expect("any", web.call("kinds/json_loose", {
        "value": {"all": ALL, "extra": {"what": {"ever": 1}}, "more": []}})[0],
        200)


def every_type(web):
    """A value has the same JSON in all three encodings."""
    results = []
    for method in ("json_all", "msgpack_all", "native_all"):
        status, got = web.call(f"kinds/{method}", {"value": ALL, "by": 0})
        expect(method, status, 200)
        results.append(got)
    expect("msgpack as json", results[1], results[0])
    expect("native as json", results[2], results[0])
    lost = {k: results[0].get(k) for k, v in ALL.items()
            if k not in ("numbers", "name", "maybe") and
            not same(v, results[0].get(k))}
    expect("types that have changed", lost, {})
    status, got = web.call("kinds/json_loose",
                           {"value": {"all": ALL, "extra": {"k": [1, None]},
                                      "more": ["x", 1.5]}})
    expect("any", (status, got["extra"], got["more"]),
           (200, {"k": [1, None]}, ["x", 1.5]))


def forms(web):
    expect("array", web.call("echo_serv/add", [1, 2]), (200, 3))
    expect("object", web.call("echo_serv/add", {"b": 2, "a": 1}), (200, 3))
    expect("text", web.call("echo_serv/echo_json", ["hi"]), (200, "hi"))
    expect("default", web.call("shop/buy", [{"title": "pen"}]), (200, "pen"))
    expect("nothing", web.call("kinds/nothing", ""), (200, None))
    expect("bytes in JSON", web.call("echo_serv/echo_raw", [basic(b"\x00x")]),
           (200, basic(b"\x00x")))
    status, fields, data = web.ask("POST", "/rpc/echo_serv/echo_raw",
                                   b"\x00\x01\xff", BYTES)
    expect("bytes", (status, fields["Content-Type"], data),
           (200, "application/octet-stream", b"\x00\x01\xff"))
    status, fields, data = web.ask("POST", "/rpc/echo_serv/add",
                                   b"\x92\x05\x06", MSGPACK)
    expect("msgpack", (status, fields["Content-Type"], data),
           (200, "application/msgpack", b"\x0b"))
    status, _, data = web.ask("POST", "/rpc/echo_serv/add", b"[5,6]",
                              {"Content-Type": "application/json",
                               "Accept": "text/html, application/x-msgpack"})
    expect("accept", (status, data), (200, b"\x0b"))
    status, _, _ = web.ask("POST", "/rpc/echo_serv/add", b"[5,6]",
                           {"Content-Type": "application/json",
                            "Accept": "text/html"})
    expect("no form", status, 406)
    for fields in ({}, {"Content-Type": "text/plain"}, BYTES):
        status, _, _ = web.ask("POST", "/rpc/echo_serv/add", b"[5,6]", fields)
        expect(f"content type {fields}", status, 415)
    big = "x" * 1000000
    expect("large", web.call("shop/text", [big]), (200, big))
    status, _, data = web.ask("POST", "/rpc/shop/forget", b'["x"]',
                              {"Content-Type": "application/json"})
    expect("oneway", (status, data), (202, b""))


def refused(web, what, reply, status, name, **members):
    got = {k: reply[1].get(k) for k in members} if reply[1] else None
    expect(what, (reply[0], reply[1]["name"], got), (status, name, members))


def errors(web):
    refused(web, "declared", web.call("echo_serv/add", [2**63 - 1, 1]), 400,
            "demo.Overflow", number=100, code="unknown", may_have_run=True)
    refused(web, "with fields", web.call("shop/buy", [{"title": "pen"}, 9]),
            400, "test.shop.SoldOut", details={"title": "pen", "missing": 6})
    refused(web, "bounds", web.call("shop/buy", [{"title": "y" * 21}]), 400,
            "INVALID", path="item.title", may_have_run=False)
    refused(web, "type", web.call("echo_serv/add", ["x", 1]), 400, "INVALID",
            path="a", code="invalid_argument")
    refused(web, "json", web.call("echo_serv/add", "[1,"), 400, "INVALID")
    refused(web, "twice", web.call("echo_serv/add", '{"a":1,"a":2,"b":1}'),
            400, "INVALID")
    refused(web, "depth", web.call("echo_serv/echo_json", "[" * 200 + "]" * 200),
            400, "INVALID")
    refused(web, "unimplemented", web.call("kinds/nobody_wrote_this", []), 501,
            "UNIMPLEMENTED")
    refused(web, "no form in JSON", web.call("shop/odd", []), 501, "INVALID")
    refused(web, "method", web.call("echo_serv/ad", []), 404, "NOT_FOUND",
            message="echo_serv has no method `ad`; did you mean `add`?")
    refused(web, "service", web.call("nobody/x", []), 404, "NOT_FOUND",
            message="there is no service `nobody`")
    refused(web, "near", web.call("echo_srv/add", [1, 2]), 404, "NOT_FOUND",
            message="there is no service `echo_srv`; did you mean `echo_serv`?")
    refused(web, "query of POST", web.call("echo_serv/add?a=1", [1, 2]), 400,
            "INVALID", message="the parameters of POST belong in the body, not "
            "behind `?`")
    status, fields, data = web.ask("POST", "/metrics", b"")
    expect("verb", (status, fields["Allow"], json.loads(data)["code"]),
           (405, "GET", "invalid_argument"))
    refused(web, "too many", web.call(
        "kinds/json_all", {"value": {**ALL, "numbers": [1] * 6}}), 400,
        "INVALID", path="value.numbers")
    for path in ("/rpc/echo_serv", "/rpc//add", "/rpc/", "/rest/echo_serv"):
        status, _, _ = web.ask("POST", path, b"[]",
                               {"Content-Type": "application/json"})
        expect(path, status in (400, 404), True)


BAD_QUERY = {
    "at": 12, "message": "unexpected `)`",
    "places": [{"line": 7, "file": "a.svc"}, {"line": 0, "file": ""}],
    "counts": {"small": -2**63, "": 9007199254740993},
    "nearest": {"line": 2**32 - 1, "file": "b\u00e9"}, "score": 0.1,
    "cause": {"text": "typing"}, "severity": 9,
    "raw": basic(b"\x00\xff\n\x00"), "triple": [1, 2, 65535],
    "offset": 2**64 - 1}
OVERFLOW = {"limit": 2**63 - 1, "bits": 63}
# The table of errors_test in tests/integration, which tests the other
# transports.
THROWN = (
    (100, "test.errors.BadQuery", "unexpected `)`", BAD_QUERY),
    (101, "test.errors.Overflow", "declared error 101", OVERFLOW),
    (102, "test.errors.Unavailable", "declared error 102", None),
    (200, "test.common.Refused", "declared error 200", {"why": "not today"}),
    (2147483647, "test.errors.Unheard", "news", {"message": "news", "id": 5}),
    (500, "test.errors.UnheardPlain", "no comment", None),
    (101, "test.errors.Overflow", "more than 63 bits", OVERFLOW),
    (101, "test.errors.Overflow", "declared error 101", None),
    (-13, "INTERNAL", "error test.errors.Narrow: text: length 8, allowed 1..4",
     None),
    (101, "test.errors.Overflow", "unexpected `)`", None),
)


def thrown(reply):
    """Returns the fields that errors_test checks, and the HTTP status."""
    status, error = reply
    return (status, *(error.get(member) for member in
                      ("number", "name", "message", "details", "pid")))


def error_table(web, pid):
    """Errors have the same content as over every other transport."""
    for which, (number, name, message, details) in enumerate(THROWN):
        http = 400 if number > 0 else 500
        for method in ("by_json", "by_msgpack", "by_native", "by_raw"):
            body = [basic(bytes([which]))] if method == "by_raw" else [which]
            expect(f"{method} {which}",
                   thrown(web.call(f"errors/{method}", body)),
                   (http, number, name, message, details, pid))
    names = re.findall(r"^error (\w+) += 1\d\d\d ", (
        ROOT / "tests/integration/errors.svc").read_text(), re.M)
    expect("names", len(names), 63)
    for place, name in enumerate(names):
        expect(name, thrown(web.call("errors/by_name", [place])),
               (400, 1001 + place, f"test.errors.{name}",
                f"declared error {1001 + place}",
                {"text": "what it was about", "numbers": [place, -2**63]}, pid))


def statuses(web, pid):
    """Each status of the runtime gives the HTTP status that the table in
    status.h lists for it."""
    rows = re.findall(r"X\((\w+), *(-\d+), \"(\w+)\", +(\d+), +(\w+),", (
        ROOT / "runtime/include/shmrpc/status.h").read_text())
    expect("statuses", len(rows), 27)
    for name, number, code, http, may_have_run in rows:
        reply = web.call("errors/plain", [int(number), "a message"])
        expect(name, thrown(reply),
               (int(http), int(number), name, "a message", None, pid))
        expect(name, (reply[1]["code"], reply[1]["may_have_run"]),
               (code, may_have_run == "true"))


def get(web, path):
    status, _, data = web.ask("GET", path)
    return status, json.loads(data)


def queries(web):
    expect("query", get(web, "/rpc/library/find?text=a+b%26&limit=5&order=DATE"
                        "&exact=true&tags=%5B%22x%22%5D"),
           (200, [{"id": 5, "title": "a b&/date/exact/x"}]))
    expect("defaults", get(web, "/rpc/library/find?text=a"),
           (200, [{"id": 10, "title": "a/relevance/-/"}]))
    expect("number of an enum", get(web, "/rpc/library/find?text=a&order=1"),
           (200, [{"id": 10, "title": "a/date/-/"}]))
    for query, path in (("text=a&limit=0", "limit"), ("limit=1", "text"),
                        ("text=a&limit=1,%22x%22:2", "limit"),
                        ("text=a&order=SIZE", "order")):
        status, reply = get(web, "/rpc/library/find?" + query)
        expect(query, (status, reply.get("path")), (400, path))
    for query in ("text=a&text=b", "text=a&txet=b", "text=%zz",
                  "text=a&tags=%5B1"):
        expect(query, get(web, "/rpc/library/find?" + query)[0], 400)
    status, fields, _ = web.ask("GET", "/rpc/library/count")
    expect("GET of what may change", (status, fields["Allow"]), (405, "POST"))


def rest(web):
    json_type = {"Content-Type": "application/json"}
    expect("GET", get(web, "/rest/library/v2/search?text=z&limit=3"),
           (200, [{"id": 3, "title": "z/relevance/-/"}]))
    expect("path", get(web, "/rest/library/v2/books/on%20the%20road"),
           (200, {"id": 11, "title": "on the road"}))
    status, reply = get(web, "/rest/library/v2/books/none")
    expect("declared, @http", (status, reply["details"]),
           (404, {"key": "none", "nearest": "nine"}))
    for body, wanted in ((b'{"title":"t","id":9}', {"id": 9, "title": "t"}),
                         (b' { "title":"t" } ', {"id": 7, "title": "t"})):
        status, _, data = web.ask("PUT", "/rest/library/v2/books/k", body,
                                  json_type)
        expect("PUT", (status, json.loads(data)), (200, wanted))
    for body in (b'{"title":"t","key":"other"}', b"[]", b'{"title":"t"}}',
                 b'{"title":"t"},{}'):
        status, _, _ = web.ask("PUT", "/rest/library/v2/books/k", body,
                               json_type)
        expect(f"PUT {body}", status, 400)
    status, _, data = web.ask("DELETE", "/rest/library/v2/shelves/12/7", b"",
                              json_type)
    expect("DELETE", (status, data), (200, b"12007\n"))
    status, _, _ = web.ask("DELETE", "/rest/library/v2/books/k", b"", json_type)
    expect("wrong verb", status, 405)
    for path in ("/v2/books/", "/v2/books/a/b", "/v3/books/a", "/"):
        expect(path, get(web, "/rest/library" + path)[0], 404)


def deadlines(web):
    refused(web, "deadline", web.call("fault/nap", [60000],
                                      {"Shmrpc-Timeout-Ms": "50"}), 504,
            "DEADLINE")
    expect("longer than the directory waits", web.call("fault/nap", [1500])[0],
           200)
    for bad in ("0", "-1", "x", "600001"):
        refused(web, bad, web.call("fault/nap", [1],
                                   {"Shmrpc-Timeout-Ms": bad}), 400, "INVALID")


def hang_up(web):
    """A client that disconnects cancels its call."""
    # Wait until the calls of earlier tests have ended and were counted.
    wait_for(lambda: web.call("fault/napping", [])[1] == 0)
    before = web.call("fault/cancelled", [])[1]
    head = (f"POST /rpc/fault/nap HTTP/1.1\r\nHost: {web.host}\r\n"
            f"Authorization: Bearer {web.token}\r\nContent-Length: 7\r\n"
            "Content-Type: application/json\r\n\r\n[60000]")
    with socket.create_connection(("127.0.0.1", web.port)) as sock:
        sock.sendall(head.encode())
        wait_for(lambda: web.call("fault/napping", [])[1] == 1)
    wait_for(lambda: web.call("fault/cancelled", [])[1] == before + 1)
    wait_for(lambda: web.call("fault/napping", [])[1] == 0)


def together(web):
    """Many calls at once, on persistent connections."""
    wrong = []

    def run(number):
        for i in range(20):
            got = web.call("echo_serv/add", [number, i])
            if got != (200, number + i):
                wrong.append(got)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expect("at once", wrong, [])


def life(web, shop):
    """Services that die in a call, end, come back, or start later."""
    result = []
    waiter = threading.Thread(
        target=lambda: result.append(web.call("fault/nap", [60000])))
    waiter.start()
    wait_for(lambda: web.call("fault/napping", [])[1] == 1)
    fault = web.children[3]
    fault.kill()
    fault.wait()
    waiter.join()
    expect("died in a call", (result[0][0], result[0][1]["name"]),
           (502, "SERVER_LOST"))
    status, reply = web.call("fault/napping", [], {"Shmrpc-Timeout-Ms": "300"})
    expect("gone", (status, reply["name"] in ("UNAVAILABLE", "DEADLINE")),
           (503, True))
    web.serve(FAULT)
    wait_for(lambda: web.call("fault/napping", []) == (200, 0))
    web.serve(shop, "--listen=shm://@second")
    expect("came later", web.call("shop@second/text", ["x"]), (200, "x"))


def replaced(web):
    """A service is replaced by one with another interface while its figures
    are shown with the declared errors of the old one."""
    error = THROWN[0][1]

    def metrics():
        return web.ask("GET", "/metrics")[2].decode()

    old = web.serve(ERRORS, "--listen=shm://changing")
    wait_for(lambda: web.call("changing/by_json", [0])[0] == 400)
    wait_for(lambda: re.search(f'service="changing".*"{error}"', metrics()))
    old.terminate()
    old.wait()
    # The directory checks at once, and drops the service earlier than the
    # figures do.
    expect("nobody", web.call("nobody/waits", [])[0], 404)
    for _ in range(20):
        metrics()
    web.serve(LIBRARY, "--listen=shm://changing")
    wait_for(lambda: 'service="changing",method="count"' in metrics() and
             web.call("changing/count", [])[0] == 200)


def said_by(web, *words):
    return subprocess.run(words, env=web.env, capture_output=True, text=True,
                          timeout=60, check=True).stdout


def by_others(web):
    """curl, C and the command line get the same result of a method, whatever
    its encoding, with parameters as list and by name."""
    def curl(body, method, token=web.token):
        return said_by(web, "curl", "-sS", "-d", body, "-H",
                       "content-type: application/json", "-H",
                       f"authorization: Bearer {token}",
                       f"{web.host}/rpc/echo_serv/{method}")

    in_c = said_by(web, ECHO_CLIENT)
    expect("add in C", "add           40 + 2 = 42\n" in in_c, True)
    expect("raw in C", "echo_raw      any bytes at all\n" in in_c, True)
    if shutil.which("curl") is None:
        print("SKIPPED: no curl")
        return
    expect("echo_json", curl('["hi"]', "echo_json"), '"hi"\n')
    expect("no token", json.loads(curl('["hi"]', "echo_json", "x"))["code"],
           "unauthenticated")
    # A native and a raw method.
    expect("as a list", curl("[40,2]", "add"), "42\n")
    expect("by name", curl('{"b":2,"a":40}', "add"), "42\n")
    expect("bytes", curl(json.dumps([basic(b"any bytes at all")]), "echo_raw"),
           json.dumps(basic(b"any bytes at all")) + "\n")
    for words in (["40", "2"], ["b=2", "a=40"]):
        expect(f"{words}", said_by(web, SHMRPC, "call", "echo_serv", "add",
                                   *words), "42\n")


def read_only(web):
    other = web.port
    web.web(WEB, "--read-only")
    expect("GET", get(web, "/rpc/library/find?text=a")[0], 200)
    refused(web, "POST", web.call("echo_serv/add", [1, 2]), 403, "DENIED")
    web.port = other


def stop(web, child):
    """The server ends. Waiting clients get an answer, or at least the end of
    the connection."""
    waiter = threading.Thread(
        target=lambda: web.raw((
            f"POST /rpc/fault/nap HTTP/1.1\r\nHost: {web.host}\r\n"
            f"Authorization: Bearer {web.token}\r\nContent-Length: 7\r\n"
            "Content-Type: application/json\r\n\r\n[60000]").encode()))
    waiter.start()
    wait_for(lambda: web.call("fault/napping", [])[1] == 1)
    child.terminate()
    waiter.join()
    if child.wait() != 0:
        child.log.seek(0)
        print(child.log.read().decode(errors="replace"))
    expect("exit status", child.returncode, 0)


with Place() as place:
    gateway = place.web(WEB)
    for server in (ECHO, KINDS, FAULT, LIBRARY):
        place.serve(server)
    place.serve(SHOP)
    errors_pid = place.serve(ERRORS).pid
    # A service that is not known yet is searched for at the first call.
    expect("at once", place.call("echo_serv/add", [1, 2]), (200, 3))
    for test in (metadata, unknown_members, every_type, forms, errors, queries, rest,
                 deadlines, hang_up, together, by_others, read_only):
        test(place)
    for test in (error_table, statuses):
        test(place, errors_pid)
    life(place, SHOP)
    replaced(place)
    stop(place, gateway)
    finish()
