"""Code shared by the tests of shmrpc-web: real servers, HTTP, and a count of
failures."""
import base64
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

DEADLINE_S = 60


class Place:
    """A folder of sockets, the services in it, and the web server."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="shmrpc-web-")
        os.makedirs(self.folder + "/run", 0o700)
        self.env = dict(os.environ, SHMRPC_DIR=self.folder + "/run",
                        XDG_STATE_HOME=self.folder + "/state")
        self.env.pop("XDG_RUNTIME_DIR", None)
        self.children = []
        self.port = None
        self.token = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for child in self.children:
            child.kill()
            child.wait()
        shutil.rmtree(self.folder)

    def run(self, words, ready):
        """Starts a program. Returns it and the line that contains `ready`."""
        log = tempfile.TemporaryFile(dir=self.folder)
        child = subprocess.Popen(words, env=self.env, stdout=log, stderr=log,
                                 stdin=subprocess.DEVNULL)
        self.children.append(child)
        child.log = log

        def said():
            log.seek(0)
            lines = log.read().decode(errors="replace").splitlines()
            return next((line for line in lines if ready in line), None)

        line = wait_for(lambda: said() or child.poll() is not None)
        if line is True:
            log.seek(0)
            sys.exit(f"did not start: {words}\n{log.read().decode()}")
        return child, line

    def serve(self, program, *options):
        """Starts a service with threads, so that killing it ends its calls."""
        return self.run([program, "--workers=0", "--threads=4", *options],
                        "serving at")[0]

    def web(self, program, *options):
        child, line = self.run(
            [program, "--listen=127.0.0.1:0",
             f"--token-file={self.folder}/token", *options], "serving at")
        self.port = int(line.split(";")[0].rsplit(":", 1)[1])
        with open(f"{self.folder}/token", encoding="ascii") as file:
            self.token = file.read().strip()
        return child

    def beside(self, program, *options):
        """Starts another web server with the same token, and returns its host."""
        line = self.run([program, "--listen=127.0.0.1:0",
                         f"--token-file={self.folder}/token", *options],
                        "serving at")[1]
        return line.split(";")[0].rsplit("/", 1)[1]

    @property
    def host(self):
        return f"127.0.0.1:{self.port}"

    def ask(self, verb, path, body=None, headers=None, bearer=True):
        """Sends a request. Returns (status, headers, bytes)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=DEADLINE_S)
        fields = {"Authorization": f"Bearer {self.token}"} if bearer else {}
        fields.update(headers or {})
        connection.request(verb, path, body, fields)
        reply = connection.getresponse()
        data = reply.read()
        connection.close()
        return reply.status, reply.headers, data

    def call(self, path, params, headers=None):
        """Sends a POST with JSON. Returns (status, the decoded JSON)."""
        status, _, data = self.ask(
            "POST", "/rpc/" + path,
            params if isinstance(params, str) else json.dumps(params),
            {"Content-Type": "application/json", **(headers or {})})
        return status, json.loads(data) if data else None

    def raw(self, data, wait_s=DEADLINE_S):
        """Sends raw bytes on a connection of their own. Returns what comes
        back until the server closes it, and how long that took."""
        begin = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.port),
                                      timeout=wait_s) as sock:
            answer = b""
            try:
                sock.sendall(data)
                while True:
                    piece = sock.recv(65536)
                    if not piece:
                        break
                    answer += piece
            except ConnectionError:
                pass
            except TimeoutError:
                answer += b"(still open)"
        return answer, time.monotonic() - begin


def wait_for(condition, deadline_s=DEADLINE_S, seen=lambda: ""):
    """Returns the first true value of `condition`. If there is none in time,
    the test ends and prints what `seen` returns."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    sys.exit(f"timed out {seen()}")


def basic(text):
    return base64.b64encode(text).decode()


FAILURES = []


def expect(what, got, wanted):
    """Records a failure, with the calling line, if the values differ."""
    if got != wanted:
        frame = sys._getframe(1)
        FAILURES.append(what)
        print(f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}: "
              f"{what}\n  expected: {wanted!r}\n  got:      {got!r}")


def finish():
    if FAILURES:
        sys.exit(f"{len(FAILURES)} failed")
