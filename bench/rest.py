#!/usr/bin/env python3
"""rest.py BUILD [ROUNDS]: times calls over HTTP, and compares them with the
same calls over shared memory and with a bare page of libmicrohttpd. BUILD is
the build folder whose programs are run. `./dev bench` runs it last."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

BUILD = os.path.abspath(sys.argv[1])
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
SECONDS = 1
WEB = os.path.join(BUILD, "tools/shmrpc-web/shmrpc-web")
SHMRPC = os.path.join(BUILD, "tools/shmrpc/shmrpc")
GAP = os.path.join(BUILD, "bench/shmrpc-gap")
HELLO = os.path.join(BUILD, "bench/shmrpc-hello")
ECHO = os.path.join(BUILD, "examples/echo/echo-server")

# The script for wrk: the request, and what wrk prints at the end.
SCRIPT = """
wrk.method = "%s"
wrk.body = %s
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer %s"
done = function(summary, latency)
  local e = summary.errors
  print(string.format("{\\"p50_us\\": %%g, \\"p99_us\\": %%g, \\"failed\\": %%d}",
    latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


class Place:
    """A folder for sockets, and the servers that run in it."""

    def __init__(self, folder):
        self.folder = folder
        self.env = dict(os.environ, SHMRPC_DIR=folder + "/run")
        os.mkdir(folder + "/run", 0o700)
        self.children = []
        self.token = "none"

    def run(self, *words):
        """Starts a server; returns the port from the line in which it reports
        that it serves."""
        child = subprocess.Popen(words, env=self.env, text=True, bufsize=1,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.children.append(child)
        line = child.stdout.readline()
        return line.split(";")[0].rsplit(":", 1)[-1].strip()

    def web(self):
        path = self.folder + "/token"
        port = self.run(WEB, "--listen=127.0.0.1:0", f"--token-file={path}")
        with open(path, encoding="ascii") as file:
            self.token = file.read().strip()
        return port

    def stop(self):
        for child in self.children:
            child.kill()
            child.wait()

    def wrk(self, port, path, body=None):
        """Times requests over one persistent connection, one at a time;
        returns p50 and p99 in us."""
        script = self.folder + "/wrk.lua"
        with open(script, "w", encoding="ascii") as file:
            file.write(SCRIPT % ("GET" if body is None else "POST",
                                 "nil" if body is None else f"'{body}'",
                                 self.token))
        said = subprocess.run(
            ["wrk", "-t1", "-c1", f"-d{SECONDS}", "-s", script,
             f"http://127.0.0.1:{port}{path}"],
            capture_output=True, text=True, check=True).stdout
        figures = json.loads(said.splitlines()[-1])
        if figures["failed"]:
            sys.exit(f"rest.py: {path}: {figures['failed']} requests failed")
        return figures["p50_us"], figures["p99_us"]

    def call(self, service, method, *arguments):
        """Times the same call over shared memory; returns p50 and p99 in
        us."""
        said = subprocess.run(
            [SHMRPC, "bench", f"--seconds={SECONDS}", "--json", service, method,
             *arguments],
            env=self.env, capture_output=True, text=True, check=True).stdout
        figures = json.loads(said)
        return figures["p50_ns"] / 1e3, figures["p99_ns"] / 1e3


def measure(place):
    """Returns {what: [(p50, p99), ...]} with a pair for each round; every
    round measures everything."""
    hello = place.run(HELLO)
    place.run(ECHO)
    place.run(GAP, "serve")
    web = place.web()
    cases = {
        "a page of libmicrohttpd": lambda: place.wrk(hello, "/"),
        "the call: echo_json": lambda: place.call("echo_serv", "echo_json",
                                                  '"hi"'),
        "POST /rpc/echo_serv/echo_json": lambda: place.wrk(
            web, "/rpc/echo_serv/echo_json", '["hi"]'),
        "the call: null_call": lambda: place.call("bench", "null_call"),
        "GET /rpc/bench/null_call": lambda: place.wrk(
            web, "/rpc/bench/null_call"),
    }
    said = {what: [] for what in cases}
    for _ in range(ROUNDS):
        for what, case in cases.items():
            said[what].append(case())
    return said


def show(what, figures):
    figures = sorted(figures)
    print(f"{what:<52} {statistics.median(figures):9.1f} "
          f"{figures[0]:9.1f} {figures[-1]:9.1f}")


def main():
    if shutil.which("wrk") is None:
        sys.exit("rest.py: wrk is not installed")
    folder = tempfile.mkdtemp(prefix="shmrpc-bench.")
    place = Place(folder)
    try:
        said = measure(place)
    finally:
        place.stop()
        shutil.rmtree(folder)
    print(f"{'over HTTP, one connection, p50 in us':<52} {'median':>9} "
          f"{'least':>9} {'most':>9}")
    for what, figures in said.items():
        show(what, [p50 for p50, _ in figures])
    for verb, rest, call in (
            ("POST", "POST /rpc/echo_serv/echo_json", "the call: echo_json"),
            ("GET", "GET /rpc/bench/null_call", "the call: null_call")):
        show(f"REST adds to the call ({verb})",
             [over[0] - alone[0] for over, alone in zip(said[rest], said[call])])
        show(f"REST adds to a page of libmicrohttpd ({verb})",
             [over[0] - page[0] for over, page in zip(
                 said[rest], said["a page of libmicrohttpd"])])


main()
