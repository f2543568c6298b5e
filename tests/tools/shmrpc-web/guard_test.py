"""guard_test.py WEB ECHO MANAGER PKI: requests that must be refused, sent as
bytes on a socket: ambiguous, slow and large ones, and requests from other
sites' pages or from unknown users."""
import http.client
import json
import os
import socket
import ssl
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request

from webtest import DEADLINE_S, Place, expect, finish, wait_for

WEB, ECHO, MANAGER, PKI = sys.argv[1:5]


def status_of(answer):
    words = answer.split(b" ", 2)
    return int(words[1]) if len(words) > 2 else 0


def heads(web):
    """Heads, and the status that each must get."""
    host = f"Host: {web.host}\r\n"
    auth = f"Authorization: Bearer {web.token}\r\n"
    end = "Connection: close\r\n\r\n"
    table = [
        ("GET /healthz HTTP/1.1\r\n" + host, 200),
        (f"GET /healthz HTTP/1.1\r\nHost: localhost:{web.port}\r\n", 200),
        (f"GET /healthz HTTP/1.1\r\nhOsT: LOCALHOST:{web.port}\r\n", 200),
        (f"GET /healthz HTTP/1.1\r\nHost: [::1]:{web.port}\r\n", 200),
        ("GET /healthz HTTP/1.0\r\n" + host, 200),
        # the Host field
        ("GET /healthz HTTP/1.1\r\n", 400),
        ("GET /healthz HTTP/1.0\r\n", 400),
        ("GET /healthz HTTP/1.1\r\n" + host + host, 400),
        (f"GET /healthz HTTP/1.1\r\nHost: evil.example:{web.port}\r\n", 403),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n", 403),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:1\r\n", 403),
        (f"GET /healthz HTTP/1.1\r\nHost: {web.host}.evil.example\r\n", 403),
        (f"GET /healthz HTTP/1.1\r\nHost: {web.host}, evil\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: evil host\r\n", 400),
        (f"GET /healthz HTTP/1.1\r\nHost: a@{web.host}\r\n", 400),
        (f"GET http://evil/healthz HTTP/1.1\r\nHost: {web.host}\r\n", 400),
        # the Content-Length field
        ("POST /rpc/a/b HTTP/1.1\r\n" + host + "Content-Length: 0\r\n"
         "Content-Length: 0\r\n", 400),
        ("POST /rpc/a/b HTTP/1.1\r\n" + host + "Content-Length: 5\r\n"
         "Transfer-Encoding: chunked\r\n", 400),
        ("POST /rpc/a/b HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n"
         "Transfer-Encoding: chunked\r\n", 400),
        ("POST /rpc/a/b HTTP/1.1\r\n" + host +
         "Transfer-Encoding: identity\r\n", 400),
        ("POST /rpc/a/b HTTP/1.1\r\n" + host +
         "Transfer-Encoding: xchunked\r\n", 400),
        ("POST /rpc/a/b HTTP/1.0\r\n" + host +
         "Transfer-Encoding: chunked\r\n", 400),
        ("POST /rpc/a/b HTTP/1.1\r\n" + host + "Content-Length: -1\r\n", 400),
        ("POST /rpc/a/b HTTP/1.1\r\n" + host + "Content-Length: +1\r\n", 400),
        ("POST /rpc/a/b HTTP/1.1\r\n" + host + "Content-Length: 1, 1\r\n",
         400),
        ("POST /rpc/a/b HTTP/1.1\r\n" + host + "Content-Length: 0x1\r\n", 400),
        ("POST /rpc/a/b HTTP/1.1\r\n" + host + "Content-Length:\r\n", 400),
        ("POST /rpc/a/b HTTP/1.1\r\n" + host +
         "Content-Length: 99999999999999999999999\r\n", 413),
        ("POST /rpc/a/b HTTP/1.1\r\n" + host + "Content-Length: 1048577\r\n",
         413),
        ("POST /rpc/a/b HTTP/1.1\r\n" + host + "Content-Length: 1\r\n"
         "Expect: 200-ok\r\n", 417),
        ("POST /rpc/a/b HTTP/1.1\r\n" + host + "Content-Length: 5 5\r\n", 400),
        # fields that span two lines, which are refused
        *((f"POST /rpc/a/b HTTP/1.1\r\n{host}{field}\r\n", 400) for field in (
            "Content-Length: 5\r\n 0", "Content-Length:\r\n 5",
            "Content-Length: 1\r\n\t5", "content-length:\r\n 5",
            "Transfer-Encoding:\r\n chunked",
            "Transfer-Encoding: chunked\r\n identity",
            "Transfer-Encoding: chu\r\n nked",
            "Transfer-Encoding: identity\r\n chunked")),
        (f"GET /healthz HTTP/1.1\r\nHost: {web.host}\r\n x\r\n", 400),
        ("GET /healthz HTTP/1.1\r\n" + host + "Origin: http://a\r\n b\r\n",
         400),
        ("GET /healthz HTTP/1.1\r\n" + host + "Accept-Language: de\r\n", 200),
        # characters that names and values must not contain
        ("GET /healthz HTTP/1.1\r\n" + host + "X-A: a\x01b\r\n", 400),
        # The library shows us only the part before a NUL.
        ("GET /healthz HTTP/1.1\r\n" + host + "X-A: a\x00b\r\n", 200),
        ("GET /healthz HTTP/1.1\r\n" + host + "X-A: a\x7fb\r\n", 400),
        ("GET /healthz HTTP/1.1\r\n" + host + "X A: b\r\n", 400),
        ("GET /healthz HTTP/1.1\r\n" + host + "X-A : b\r\n", 400),
        ("GET /healthz HTTP/1.1\r\n" + host + "X\x01A: b\r\n", 400),
        ("GET /healthz HTTP/1.1\r\n" + host + auth + auth, 400),
        ("GET /healthz HTTP/1.1\r\n" + host + "Cookie: a=b\r\n" * 2, 400),
        ("GET /healthz HTTP/1.1\r\n" + host + "X: y\r\n" * 70, 431),
        ("GET /healthz HTTP/1.1\r\n" + host + "X: " + "y" * 9000 + "\r\n", 431),
        # verbs and versions
        ("BREW /healthz HTTP/1.1\r\n" + host, 501),
        ("get /healthz HTTP/1.1\r\n" + host, 501),
        ("OPTIONS /healthz HTTP/1.1\r\n" + host, 405),
        ("TRACE /healthz HTTP/1.1\r\n" + host, 405),
        ("POST /healthz HTTP/1.1\r\n" + host + "Content-Length: 0\r\n", 405),
        ("GET /healthz HTTP/2.0\r\n" + host, 505),
        ("GET /healthz HTTP/0.9\r\n" + host, 505),
        # paths
        ("GET /../etc/passwd HTTP/1.1\r\n" + host + auth, 400),
        ("GET /api/v1/../../x HTTP/1.1\r\n" + host + auth, 400),
        ("GET /%2e%2e/etc/passwd HTTP/1.1\r\n" + host + auth, 400),
        ("GET /a/%2E%2E%2fb HTTP/1.1\r\n" + host + auth, 400),
        ("GET /a%2fb HTTP/1.1\r\n" + host + auth, 400),
        ("GET /a%5cb HTTP/1.1\r\n" + host + auth, 400),
        ("GET /a\\b HTTP/1.1\r\n" + host + auth, 400),
        ("GET /a%00b HTTP/1.1\r\n" + host + auth, 400),
        ("GET /a%0ab HTTP/1.1\r\n" + host + auth, 400),
        ("GET /a%252e HTTP/1.1\r\n" + host + auth, 400),
        ("GET /a%2 HTTP/1.1\r\n" + host + auth, 400),
        ("GET //healthz HTTP/1.1\r\n" + host + auth, 400),
        ("GET /" + "a" * 3000 + " HTTP/1.1\r\n" + host + auth, 414),
        ("GET /nothing HTTP/1.1\r\n" + host + auth, 404),
    ]
    for head, wanted in table:
        answer, _ = web.raw((head + end).encode("latin-1"))
        got = status_of(answer)
        # For some requests the library hangs up without an answer, which is
        # acceptable.
        if got != wanted and not (got == 0 and wanted in (400, 505)):
            expect(head[:160], got, wanted)


def smuggling(web):
    """The bytes after a refused head are not taken for a request."""
    hidden = (f"GET /healthz HTTP/1.1\r\nHost: {web.host}\r\n"
              "Connection: close\r\n\r\n")
    head = (f"POST /rpc/a/b HTTP/1.1\r\nHost: {web.host}\r\n"
            f"Content-Length: {len(hidden)}\r\n"
            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    answer, _ = web.raw((head + hidden).encode())
    expect("smuggled", (status_of(answer), answer.count(b"HTTP/1.1 ")),
           (400, 1))
    for field in ("Content-Length: 5\r\n 0", "Content-Length:\r\n 5",
                  "Transfer-Encoding:\r\n chunked"):
        head = (f"POST /rpc/echo_serv/add HTTP/1.1\r\nHost: {web.host}\r\n"
                f"Authorization: Bearer {web.token}\r\n"
                f"Content-Type: application/json\r\n{field}\r\n\r\n")
        answer, _ = web.raw((head + hidden).encode())
        expect("folded " + field, (status_of(answer),
                                   answer.count(b"HTTP/1.1 ")), (400, 1))


def strangers(web):
    json_type = {"Content-Type": "application/json"}
    for path in ("/api/v1/services", "/api/v1/session", "/rpc/echo_serv/add",
                 "/nothing"):
        wrong = ("Bearer " + "0" * 64, "Bearer " + web.token[:-1],
                 "Basic " + web.token, web.token)
        # These are too few to exceed the rate limit.
        for fields in ({}, *({"Authorization": w} for w in wrong[:2]),
                       {"Cookie": f"shmrpc_{web.port}={web.token}"},
                       {"Cookie": f"shmrpc_{web.port}="}):
            status, _, data = web.ask("GET", path, None, fields, bearer=False)
            expect(f"{path} {fields}", (status, json.loads(data)["code"]),
                   (401, "unauthenticated"))
    for fields in wrong[2:]:
        status, _, _ = web.ask("GET", "/nothing", None,
                               {"Authorization": fields}, bearer=False)
        expect(fields, status, 401)
    status, _, _ = web.ask("POST", "/rpc/echo_serv/add", b"[1,2]", json_type,
                           bearer=False)
    expect("call of a stranger", status, 401)
    # The path of the token's file is shown only to callers on this machine,
    # and not through a proxy. A proxied request has another Host.
    status, _, data = web.ask("GET", "/api/v1/token-file", bearer=False)
    expect("token file", (status, json.loads(data)),
           (200, {"path": os.path.realpath(f"{web.folder}/token")}))
    named = web.beside(WEB, "--host=example.com")
    with urllib.request.urlopen(f"http://{named}/healthz") as reply:
        expect("it serves", reply.status, 200)
    try:
        urllib.request.urlopen(f"http://{named}/api/v1/token-file")
        expect("token file, by a proxy", "told", "not told")
    except urllib.error.HTTPError as error:
        expect("token file, by a proxy", error.code, 404)
    status, fields, _ = web.ask("GET", "/api/v1/services",
                                headers={"Origin": "http://evil.example"})
    expect("no CORS", [k for k in fields if "access-control" in k.lower()], [])
    expect("headers", (fields["X-Content-Type-Options"],
                       fields["Referrer-Policy"], fields["Cache-Control"],
                       "default-src 'none'; script-src 'self'" in
                       fields["Content-Security-Policy"]),
           ("nosniff", "no-referrer", "no-store", True))


def log_in(web, **headers):
    fields = {"Content-Type": "application/json", **headers}
    return web.ask("POST", "/api/v1/login",
                   json.dumps({"token": web.token}), fields, bearer=False)


def session_of(reply):
    """Returns the header fields that a browser sends after a login, and the
    session's secret."""
    return ({"Cookie": reply[1]["Set-Cookie"].split(";")[0]},
            json.loads(reply[2])["csrf"])


def sessions(web):
    origin = f"http://{web.host}"
    for fields in ({"Origin": "http://evil.example"},
                   {"Sec-Fetch-Site": "cross-site"},
                   {"Sec-Fetch-Site": "same-site"},
                   {"Content-Type": "text/plain"},
                   {"Content-Type": "application/x-www-form-urlencoded"}):
        status, got, _ = log_in(web, **{k.replace("_", "-"): v
                                        for k, v in fields.items()})
        expect(f"login {fields}", (status, got["Set-Cookie"]), (403, None))
    for body in (b"", b"{}", b"[]", b'{"token":5}', b'{"token":"x"}', b"{",
                 json.dumps({"token": web.token + "0"}).encode()):
        status, _, _ = web.ask("POST", "/api/v1/login", body,
                               {"Content-Type": "application/json"},
                               bearer=False)
        expect(f"login {body}", status, 401)
    status, got, data = log_in(web, Origin=origin)
    cookie = got["Set-Cookie"]
    expect("login", status, 200)
    expect("cookie", cookie.split("; ")[1:],
           ["Path=/", "HttpOnly", "SameSite=Strict"])
    expect("no token in the cookie", web.token in cookie, False)
    session = {"Cookie": "theme=dark; " + cookie.split(";")[0] + "; x=y"}
    csrf = json.loads(data)["csrf"]
    # No response repeats the secret, whoever the owner of the cookie claims to
    # be.
    page = {**session, "Origin": origin, "Sec-Fetch-Site": "same-origin"}
    for what, fields, wanted in (
            ("the page", {**page, "X-CSRF-Token": csrf}, 200),
            ("no field of a browser", {**session, "X-CSRF-Token": csrf}, 200),
            ("the cookie alone", session, 401),
            ("the cookie, as the page", page, 401),
            ("another secret", {**page, "X-CSRF-Token": "0" * 64}, 401),
            ("another site", {**page, "X-CSRF-Token": csrf,
                              "Sec-Fetch-Site": "same-site"}, 403),
            ("another origin", {**page, "X-CSRF-Token": csrf,
                                "Origin": "http://localhost:1"}, 403)):
        status, _, data = web.ask("GET", "/api/v1/session", None, fields,
                                  bearer=False)
        expect("session: " + what, (status, csrf.encode() in data),
               (wanted, False))
    call = {**session, "Content-Type": "application/json"}
    good = {**call, "Origin": origin, "X-CSRF-Token": csrf,
            "Sec-Fetch-Site": "same-origin"}
    for what, fields, wanted in (
            ("all of it", good, 200),
            ("cookie alone", call, 403),
            ("no origin", {**good, "Origin": None}, 403),
            ("other origin", {**good, "Origin": "http://evil.example"}, 403),
            ("null origin", {**good, "Origin": "null"}, 403),
            ("https origin", {**good, "Origin": f"https://{web.host}"}, 403),
            ("other port", {**good, "Origin": "http://127.0.0.1:1"}, 403),
            ("no secret", {**good, "X-CSRF-Token": None}, 403),
            ("other secret", {**good, "X-CSRF-Token": "0" * 64}, 403),
            ("cross-site", {**good, "Sec-Fetch-Site": "cross-site"}, 403)):
        fields = {k: v for k, v in fields.items() if v is not None}
        status, _, _ = web.ask("POST", "/rpc/echo_serv/add", b"[1,2]", fields,
                               bearer=False)
        expect(what, status, wanted)
    status, got, _ = web.ask("POST", "/api/v1/logout", b"", good, bearer=False)
    expect("logout", (status, "Max-Age=0" in got["Set-Cookie"]), (204, True))
    status, _, _ = web.ask("GET", "/api/v1/session", None, session,
                           bearer=False)
    expect("after it", status, 401)


def roles(web):
    """Each token has the permissions in its line of the file. Files with
    invalid lines are refused."""
    may = {"see": "1" * 64, "call": "2" * 64, "change": "3" * 64,
           "see,call": "4" * 64}
    path = web.folder + "/tokens"

    def write(text):
        with open(path, "w", encoding="ascii",
                  opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(text)

    write("# who may what\n\n" + "".join(
        f"{token} {role} {role.replace(',', '-')}-only\n"
        for role, token in may.items()) + "5" * 64)
    child, line = web.run([WEB, "--listen=127.0.0.1:0",
                           f"--token-file={path}"], "serving at")
    port = web.port
    web.port = int(line.split(";")[0].rsplit(":", 1)[1])
    requests = (("see", "GET", "/api/v1/services", None),
                ("see", "GET", "/metrics", None),
                ("see", "GET", "/rpc/shmrpcd/info", None),
                ("call", "POST", "/rpc/echo_serv/add", b"[1,2]"),
                ("change", "POST", "/rpc/shmrpcd/start", b'["Echo"]'))
    for allowed, token in (*may.items(), ("see,call,change", "5" * 64)):
        fields = {"Authorization": "Bearer " + token,
                  "Content-Type": "application/json"}
        wait_for(lambda f=fields: web.ask(
            "POST", "/rpc/echo_serv/add", b"[1,2]", f)[0] in (200, 403))
        for role, verb, target, body in requests:
            status, _, _ = web.ask(verb, target, body, fields)
            expect(f"{allowed}: {verb} {target}", status,
                   200 if role in allowed.split(",") else 403)
        status, _, data = web.ask("GET", "/api/v1/session", None, fields)
        said_so = json.loads(data)
        expect(f"{allowed}: session",
               (status, said_so["may"], said_so["read_only"], said_so["csrf"]),
               (200, allowed, allowed == "see", None))
    # A session may do what its token may.
    web_token, web.token = web.token, may["see"]
    session, csrf = session_of(log_in(web))
    status, _, _ = web.ask("POST", "/rpc/echo_serv/add", b"[1,2]", {
        **session, "Origin": f"http://{web.host}", "X-CSRF-Token": csrf,
        "Content-Type": "application/json"}, bearer=False)
    expect("call of a session that may see", status, 403)
    web.token, web.port = web_token, port
    expect("its name in the log", said(child, "audit:", "token of change-only",
                                       "shmrpcd/start") != [], True)
    child.kill()
    for text, told in (("1" * 63, "line 1: a token is 64"),
                       ("\n" + "1" * 64 + " look", "line 2: the token's permissions"),
                       ("1" * 64 + " see a b", "text after the token"),
                       ("1" * 64 + " see /", "other characters"),
                       (("1" * 64 + "\n") * 2, "line 2: this token is listed"),
                       ("# none", "contains no token")):
        write(text)
        done = subprocess.run([WEB, "--listen=127.0.0.1:0",
                               f"--token-file={path}"], env=web.env, timeout=60,
                              capture_output=True, check=False)
        expect(text, (done.returncode, told in done.stderr.decode()), (3, True))
    for path, told in (("/proc/none/token", "can't create a token file (No such "),
                       ("/" + "./" * 2045 + "none", "path is too long: /")):
        done = subprocess.run([WEB, "--listen=127.0.0.1:0",
                               f"--token-file={path}"], env=web.env, timeout=60,
                              capture_output=True, check=False)
        expect(told, (done.returncode, told in done.stderr.decode()), (3, True))


def wrong_bearers(web):
    """Wrong tokens are delayed like wrong logins; a client that knows the
    token is not."""
    wrong = {"Authorization": "Bearer " + "0" * 64}
    port = web.port
    web.port = int(web.beside(WEB).rsplit(":", 1)[1])
    statuses = {web.ask("GET", "/api/v1/services", None, wrong)[0]
                for _ in range(40)}
    status, fields, _ = web.ask("GET", "/api/v1/services", None, wrong)
    expect("guessing bearers", (statuses, status,
                                1 <= int(fields["Retry-After"]) <= 3),
           ({401, 429}, 429, True))
    expect("who knows", web.ask("GET", "/api/v1/services")[0], 200)
    web.port = port


def memory_of(child):
    with open(f"/proc/{child.pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmRSS"):
                return int(line.split()[1]) * 1024
    return 0


def large(web, child):
    """An endless body is not stored."""
    before = memory_of(child)
    head = (f"POST /rpc/a/b HTTP/1.1\r\nHost: {web.host}\r\n"
            f"Authorization: Bearer {web.token}\r\n"
            "Transfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    sent = 0
    with socket.create_connection(("127.0.0.1", web.port)) as sock:
        sock.sendall(head.encode())
        try:
            while sent < 64 << 20:
                sock.sendall(chunk)
                sent += 65536
        except OSError:
            pass
    expect("endless body", sent < 64 << 20, True)
    wait_for(lambda: web.ask("GET", "/healthz")[0] == 200)
    expect("memory", memory_of(child) - before < 16 << 20, True)


def body_limit(web):
    """Exactly the configured number of bytes is accepted."""
    port = web.port
    web.port = int(web.beside(WEB, "--max-body=3000000").rsplit(":", 1)[1])
    wait_for(lambda: web.call("echo_serv/add", [1, 2]) == (200, 3))
    text = json.dumps(["x" * (3000000 - 4)])
    status, got = web.call("echo_serv/echo_json", text,
                           {"Shmrpc-Timeout-Ms": str(DEADLINE_S * 1000)})
    expect("3 MB", (status, got == json.loads(text)[0]), (200, True))
    head = (f"POST /rpc/a/b HTTP/1.1\r\nHost: {web.host}\r\n"
            f"Authorization: Bearer {web.token}\r\nContent-Length: 3000001\r\n")
    expect("a byte more", status_of(web.raw((head + "\r\n").encode())[0]), 413)
    web.port = port
    for value in ("1", "67108865", "many"):
        done = subprocess.run([WEB, f"--max-body={value}"], env=web.env,
                              timeout=60, capture_output=True, check=False)
        expect(value, (done.returncode, b"--max-body must be" in done.stderr),
               (2, True))
    names = [f"--host=name{i}.example" for i in range(13)]
    web.beside(WEB, *names[:12])
    done = subprocess.run([WEB, *names], env=web.env, timeout=60,
                          capture_output=True, check=False)
    expect("13 names", (done.returncode, b"at most 12 names" in done.stderr),
           (2, True))


def crowd(web, child):
    """More connections than are allowed stop half-way in heads, bodies and
    replies. They displace each other. Other clients are still served, and the
    server needs little memory."""
    before = memory_of(child)
    host = f"Host: {web.host}\r\n"
    login = (f"POST /api/v1/login HTTP/1.1\r\n{host}"
             "Content-Type: application/json\r\nContent-Length: 900\r\n\r\n{")
    held = []
    for number in range(240):
        sock = socket.create_connection(("127.0.0.1", web.port), timeout=60)
        sock.sendall((f"GET /healthz HTTP/1.1\r\n{host}X: ", login,
                      f"GET /main.js HTTP/1.1\r\n{host}\r\n")[number % 3]
                     .encode())
        held.append(sock)
        if number % 8 == 0:
            expect("while there is a crowd", web.ask("GET", "/healthz")[0], 200)
    expect("a call", web.call("echo_serv/add", [1, 2]), (200, 3))
    text = web.ask("GET", "/metrics")[2].decode()
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines()
                   if line.startswith("shmrpc_web_"))
    expect("connections", int(figures["shmrpc_web_connections"]) <= 80, True)
    # A few may have been disconnected because they were slow.
    expect("made room", int(figures["shmrpc_web_crowded_total"]) >= 100, True)
    expect("memory", memory_of(child) - before < 16 << 20, True)
    for sock in held:
        sock.close()


def strange_bodies(web):
    """Unknown callers are answered before the body has arrived, and the body
    of a login must be short."""
    head = f"Host: {web.host}\r\nContent-Type: application/json\r\n"
    answer, _ = web.raw(("POST /rpc/echo_serv/add HTTP/1.1\r\n" + head +
                         "Content-Length: 1000\r\n\r\n").encode())
    expect("before the body", status_of(answer), 401)
    answer, _ = web.raw(("POST /api/v1/login HTTP/1.1\r\n" + head +
                         "Content-Length: 1025\r\n\r\n").encode())
    expect("a long login", (status_of(answer), b"of a login" in answer),
           (413, True))
    answer, _ = web.raw(("POST /api/v1/login HTTP/1.1\r\n" + head +
                         "Transfer-Encoding: chunked\r\n\r\n1388\r\n" +
                         " " * 5000).encode())
    expect("a long login in chunks", answer, b"")


def said(child, *words):
    """Returns the lines of a program's output that contain all of the words."""
    child.log.seek(0)
    return [line for line in child.log.read().decode().splitlines()
            if all(word in line for word in words)]


def traces(web, child):
    """A valid traceparent is returned, and appears in our log lines."""
    trace, part = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    for value, is_good in (
            (f"00-{trace}-{part}-01", True), (f"00-{trace}-{part}-00", True),
            (f"00-{trace}-{part}-ff", True), (f"cc-{trace}-{part}-01", True),
            (f"cc-{trace}-{part}-01-more", True),
            (f"cc-{trace}-{part}-01.more", False),
            (f"00-{trace}-{part}-01-more", False),
            (f"ff-{trace}-{part}-01", False), ("", False), ("00", False),
            (f"00-{trace.upper()}-{part}-01", False),
            (f"00-{'0' * 32}-{part}-01", False),
            (f"00-{trace}-{'0' * 16}-01", False),
            (f"00-{trace}-{part}-0g", False), (f"0-{trace}-{part}-001", False),
            (f"00_{trace}-{part}-01", False), (f"00-{trace}-{part}", False),
            (f"00-{trace[:-1]}g-{part}-01", False)):
        status, fields, _ = web.ask("GET", "/api/v1/session",
                                    headers={"traceparent": value})
        got = fields["traceresponse"] or ""
        expect(value, (status, got[:36], len(got)),
               (200, f"00-{trace}-", 55) if is_good else (200, "", 0))
        expect("a part of our own", part in got, False)
    expect("lines", len(said(child, "trace: " + trace,
                             "GET /api/v1/session: 200 in ")), 4)
    web.ask("GET", "/api/v1/session", None,
            {"traceparent": f"00-{'5' * 32}-{part}-01"}, bearer=False)
    expect("of a stranger", said(child, "trace: 555"), [])


def changes(web, child):
    """Changes are logged with the user who made them, and limited in rate."""
    path = web.folder + "/service.ini"
    with open(path, "w", encoding="ascii") as file:
        file.write(f"[Echo]\nexec = {ECHO} --listen=shm://@two\n")
    web.run([MANAGER, path], "ready")
    wait_for(lambda: web.call("shmrpcd/info", [])[0] == 200)
    for path in ("/rpc/shmrpcd/stop?name=Echo", "/rest/shmrpcd/stop?name=Echo"):
        for verb in ("GET", "HEAD"):
            status = web.ask(verb, path)[0]
            expect(f"{verb} {path}", status in (404, 405), True)
    expect("it runs", web.call("shmrpcd/status", ["Echo"])[1]["state"],
           "RUNNING")
    what = "audit: 127.0.0.1 token POST /rpc/shmrpcd/stop "
    expect("stop", web.call("shmrpcd/stop", ["no\nb\u0007dy"])[0], 400)
    expect("its line", len(said(child, what + '["no\\x5cnb')), 1)
    expect("stop", web.call("shmrpcd/stop", ["Echo"], {
        "traceparent": f"00-{'7' * 32}-{'1' * 16}-00"})[0], 200)
    expect("its trace", len(said(child, what + '["Echo"]: 200 trace 77')), 1)
    expect("looking", said(child, "audit:", "info"), [])
    status, fields, _ = 200, {}, b""
    for count in range(100):
        status, fields, data = web.ask(
            "POST", "/rpc/shmrpcd/stop", b'["nobody"]',
            {"Content-Type": "application/json"})
        if status == 429:
            break
    expect("too often", (status, json.loads(data)["code"], count >= 40),
           (429, "resource_exhausted", True))
    expect("when again", fields["Retry-After"], "1")
    expect("looking goes on", web.call("shmrpcd/info", [])[0], 200)
    for _ in range(40):
        status, fields, _ = web.ask("POST", "/api/v1/login", b"{}",
                                    {"Content-Type": "application/json"},
                                    bearer=False)
    expect("guessing", (status, 1 <= int(fields["Retry-After"]) <= 3),
           (429, True))
    expect("who knows", log_in(web)[0], 200)
    expect("a login's line", said(child, "audit: 127.0.0.1 stranger POST "
                                  "/api/v1/login: 200") != [], True)
    expect("no token in the log", said(child, web.token), [])


def https(web):
    """Only current versions of TLS are accepted, with a certificate that a
    client can check."""
    folder = web.folder + "/pki"
    os.mkdir(folder)
    subprocess.run([PKI, folder], check=True)
    plain = web.port
    good = (f"--tls-cert={folder}/server.pem", f"--tls-key={folder}/server.pem")
    web.web(WEB, *good)

    def ask(ca, most=ssl.TLSVersion.MAXIMUM_SUPPORTED):
        context = ssl.create_default_context(cafile=f"{folder}/{ca}.pem")
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = most
        connection = http.client.HTTPSConnection(
            "127.0.0.1", web.port, timeout=60, context=context)
        try:
            connection.request(
                "POST", "/api/v1/login", json.dumps({"token": web.token}),
                {"Content-Type": "application/json",
                 "Origin": f"https://{web.host}"})
            reply = connection.getresponse()
            cookie = reply.headers["Set-Cookie"]
            name = f"__Host-shmrpc_{web.port}="
            return reply.status, (cookie.startswith(name) and
                                  "; Path=/; " in cookie and
                                  "; Secure" in cookie)
        except ssl.SSLCertVerificationError:
            return "not trusted"
        except OSError:
            return "no TLS"
        finally:
            connection.close()

    expect("1.3", ask("ca"), (200, True))
    expect("1.2", ask("ca", ssl.TLSVersion.TLSv1_2), (200, True))
    expect("1.1", ask("ca", ssl.TLSVersion.TLSv1_1), "no TLS")
    expect("another authority", ask("other"), "not trusted")
    answer, _ = web.raw(f"GET /healthz HTTP/1.1\r\nHost: {web.host}\r\n\r\n"
                        .encode())
    expect("in plain", b"200" in answer, False)
    web.port = plain
    os.chmod(f"{folder}/elsewhere.pem", 0o644)
    for key, code, told in (("client", 3, "belong together"),
                            ("elsewhere", 2, "chmod 600")):
        done = subprocess.run(
            [WEB, "--listen=127.0.0.1:0", f"--token-file={web.folder}/token",
             good[0], f"--tls-key={folder}/{key}.pem"], env=web.env,
            timeout=60, capture_output=True, check=False)
        expect(key, (done.returncode, told in done.stderr.decode()),
               (code, True))


def slow(web):
    """Clients that never end a head hold all connections but a few. They are
    disconnected, and others are served meanwhile."""
    held = []
    begin = time.monotonic()
    for _ in range(60):
        sock = socket.create_connection(("127.0.0.1", web.port))
        sock.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        held.append(sock)
    status, _, _ = web.ask("GET", "/healthz")
    expect("others", status, 200)
    closed_s = []
    for sock in held:
        # Sending a byte now and then does not extend the deadline.
        sock.settimeout(0.1)
        while True:
            try:
                sock.send(b"y")
                if sock.recv(1000) == b"":
                    break
            except TimeoutError:
                if time.monotonic() - begin > 100:
                    break
            except OSError:
                break
        closed_s.append(time.monotonic() - begin)
    expect("cut off", max(closed_s) < 100, True)
    expect("not before its time", min(closed_s) > 9, True)


def start_up(web):
    mode = stat.S_IMODE(os.stat(f"{web.folder}/token").st_mode)
    expect("mode of the token", (mode, len(web.token)), (0o600, 64))

    def run(*options):
        done = subprocess.run([WEB, *options], env=web.env, timeout=60,
                              capture_output=True, check=False,
                              stdin=subprocess.DEVNULL)
        return done.returncode, done.stderr.decode()

    token = f"--token-file={web.folder}/other"
    status, said = run("--listen=0.0.0.0:0", token)
    expect("beyond this machine", (status, "refusing" in said), (2, True))
    status, said = run("--listen=[::]:0", token)
    expect("beyond this machine, v6", (status, "refusing" in said), (2, True))
    for option in ("--listen=example.org:1", "--listen=127.0.0.1:99999",
                   "--listen=127.0.0.1:", "--lisen=x", "operand",
                   "--tls-cert=/dev/null"):
        expect(option, run(option)[0], 2)
    status, said = run(f"--listen={web.host}", token)
    expect("port in use", (status, "in use" in said), (3, True))
    for what, write in (("0644", lambda p: os.chmod(p, 0o644)),
                        ("short", lambda p: open(p, "w").close())):
        path = f"{web.folder}/{what}"
        with open(path, "w", encoding="ascii",
                  opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write("0" * 64 + "\n")
        write(path)
        expect(what, run("--listen=127.0.0.1:0", f"--token-file={path}")[0], 3)
    os.symlink(f"{web.folder}/token", f"{web.folder}/link")
    expect("a link", run("--listen=127.0.0.1:0",
                         f"--token-file={web.folder}/link")[0], 3)


with Place() as place:
    server = place.web(WEB)
    place.serve(ECHO)
    wait_for(lambda: place.call("echo_serv/add", [1, 2]) == (200, 3))
    heads(place)
    smuggling(place)
    strangers(place)
    sessions(place)
    large(place, server)
    strange_bodies(place)
    traces(place, server)
    changes(place, server)
    roles(place)
    wrong_bearers(place)
    body_limit(place)
    crowd(place, server)
    start_up(place)
    https(place)
    if os.environ.get("SHMRPC_TEST_LONG"):
        slow(place)
    expect("it still runs", server.poll(), None)
    finish()
