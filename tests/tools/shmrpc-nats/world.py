"""Code shared by the tests of shmrpc-nats: NATS servers, gateways, services and
clients, and a NATS client on a plain socket. Servers note which calls have run,
and clients how calls have ended (tests/integration/ledger.h)."""

import json
import mmap
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 120
PROGRAM = shutil.which("nats-server", path="/usr/sbin:/usr/bin:/usr/local/bin")


def await_(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            sys.exit("timed out waiting for: " + what)
        time.sleep(0.01)


class Ledger:
    """The results of all calls (ledger.h)."""
    CALLS = 1000000
    OK, NOT_RUN, MAYBE_RUN = 1, 2, 3

    def __init__(self, path):
        with open(path, "wb") as file:
            file.truncate(8 + 2 * self.CALLS)
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 8 + 2 * self.CALLS)

    def ended(self):
        return int.from_bytes(self.map[:4], "little")

    def finish(self):
        self.map[4] = 1

    def start_over(self):
        self.map[:] = bytes(len(self.map))

    def of(self, call):
        """Returns how often a call has run, and how it ended."""
        return self.map[8 + call], self.map[8 + self.CALLS + call]

    def check(self, first, count):
        """Checks that only repeatable calls have run twice, that successful
        calls have run, and that calls reported as not run have not. Returns how
        many ended in each way."""
        ends = [0] * 5
        for call in range(first, first + count):
            runs, end = self.of(call)
            if runs == end == 0:
                continue
            ends[end] += 1
            at_most = 1 if call % 2 == 0 else 2
            right = {0: runs <= at_most, self.OK: 1 <= runs <= at_most,
                     self.NOT_RUN: runs == 0, self.MAYBE_RUN: runs <= at_most}
            assert right.get(end, False), (call, runs, end)
        return ends


class Wire:
    """A NATS client on a plain socket."""

    def __init__(self, port, host="127.0.0.1"):
        self.sock = socket.create_connection((host, port), PATIENCE_S)
        self.buffer = bytearray()
        self.info = json.loads(self.line()[5:])
        self.send(b'CONNECT {"verbose":false,"headers":true,'
                  b'"no_responders":true}\r\nPING\r\n')
        while self.line() != b"PONG":
            pass

    def line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        end = self.buffer.index(b"\r\n")
        line = bytes(self.buffer[:end])
        del self.buffer[:end + 2]
        return line

    def more(self):
        data = self.sock.recv(1 << 16)
        assert data, "nats-server has hung up"
        self.buffer += data

    def send(self, data):
        self.sock.sendall(data)

    def close(self):
        self.sock.close()

    def subscribe(self, subject):
        self.send(f"SUB {subject} 1\r\n".encode())

    def publish(self, subject, data=b"", reply=""):
        self.send(f"PUB {subject} {reply} {len(data)}\r\n".encode() + data +
                  b"\r\n")

    def request(self, subject, data=b"", headers=(), reply="_INBOX.wire"):
        """Publishes a request with headers; answers go to `reply`."""
        head = b"NATS/1.0\r\n" + b"".join(
            f"{key}: {value}\r\n".encode() for key, value in headers) + b"\r\n"
        self.send(f"HPUB {subject} {reply} {len(head)} {len(head) + len(data)}"
                  f"\r\n".encode() + head + data + b"\r\n")

    def answer(self, seconds=PATIENCE_S):
        """Returns the headers and body of the next message; None: none
        arrived."""
        got = self.receive(seconds, with_head=True)
        if got is None:
            return None
        lines = got[0].decode().split("\r\n")
        heads = dict(line.split(":", 1) for line in lines[1:] if line)
        return {key: value.strip() for key, value in heads.items()}, got[1]

    def receive(self, seconds=PATIENCE_S, with_head=False, with_reply=False):
        """Returns the subject (or head) and body of the next message; None:
        none arrived. With `with_reply`, returns only the reply subject of a
        request."""
        while True:
            self.sock.settimeout(seconds)
            try:
                words, body = self.message()
            except TimeoutError:
                return None
            finally:
                self.sock.settimeout(PATIENCE_S)
            if body is not None:
                head = int(words[-2]) if words[0] == b"HMSG" else 0
                if with_reply:
                    return words[3].decode()
                if with_head:
                    return body[:head], body[head:]
                return words[1].decode(), body[:head] if head else body
            assert words[0] in (b"PING", b"PONG", b"+OK", b"INFO"), words
            if words[0] == b"PING":
                self.send(b"PONG\r\n")

    def message(self):
        """Returns the next line of the protocol, as words, and the body if it
        is a message. Bytes that arrived before a timeout are kept."""
        while b"\r\n" not in self.buffer:
            self.more()
        end = self.buffer.index(b"\r\n")
        words = bytes(self.buffer[:end]).split()
        if not words or words[0] not in (b"MSG", b"HMSG"):
            del self.buffer[:end + 2]
            return words, None
        size = int(words[-1])
        while len(self.buffer) < end + 2 + size + 2:
            self.more()
        body = bytes(self.buffer[end + 2:end + 2 + size])
        del self.buffer[:end + 2 + size + 2]
        return words, body


class Server:
    """A nats-server, which keeps its ports when it is restarted. `others` are
    servers of the same cluster; None: it is in no cluster."""

    def __init__(self, world, others=None, options=()):
        self.world, self.others, self.options = world, others, list(options)
        self.process = None
        self.port = self.cluster_port = -1
        if others is not None:
            others.append(self)
        self.start()

    def start(self):
        command = [PROGRAM, "-a", "127.0.0.1", "-p", str(self.port),
                   "--ports_file_dir", self.world.folder, "-l", os.devnull,
                   *self.options]
        if self.others is not None:
            routes = ",".join(f"nats://127.0.0.1:{other.cluster_port}"
                              for other in self.others
                              if other.cluster_port != -1 and other != self)
            command += ["--cluster_name", "tests", "--cluster",
                        f"nats://127.0.0.1:{self.cluster_port}"]
            command += ["--routes", routes] if routes else []
        self.process = subprocess.Popen(
            command, env=dict(os.environ, GOMAXPROCS="2"))
        self.world.running.append(self.process)
        await_(self.listens, "nats-server listens")

    def listens(self):
        path = os.path.join(self.world.folder,
                            f"nats-server_{self.process.pid}.ports")
        try:
            with open(path) as file:
                places = json.load(file)
            self.port = int(places["nats"][0].rsplit(":", 1)[1])
            if self.others is not None:
                self.cluster_port = int(places["cluster"][0].rsplit(":", 1)[1])
            socket.create_connection(("127.0.0.1", self.port), 10).close()
            return True
        except (OSError, ValueError, KeyError, IndexError):
            return False

    def knows(self, count):
        """Whether it is in a cluster of `count` servers."""
        wire = Wire(self.port)
        urls = wire.info.get("connect_urls", [])
        wire.close()
        return len(urls) == count

    def kill(self):
        self.world.stop(self.process)


class World:
    def __init__(self, programs, folder):
        self.programs = programs
        self.gateway_path, self.server_path, self.client_path, libraries = \
            programs
        self.folder = folder
        self.ledger = Ledger(os.path.join(folder, "ledger"))
        self.running = []
        self.servers = []
        self.environment = dict(
            os.environ, SHMRPC_DIR=folder, ASAN_OPTIONS="detect_leaks=0",
            LIFE_LEDGER=os.path.join(folder, "ledger"),
            LD_LIBRARY_PATH=libraries)

    def start(self, *command, **more):
        process = subprocess.Popen(command, text=True, env=self.environment,
                                   stdout=subprocess.PIPE, **more)
        self.running.append(process)
        return process

    def serve(self, *command):
        process = self.start(*command)
        said = process.stdout.readline().strip()
        assert "serving at" in said, said
        return process, said.rsplit(" ", 1)[1]

    def nats(self, count=1):
        """Starts one server, or a cluster of several."""
        others = [] if count > 1 else None
        self.servers = [Server(self, others) for _ in range(count)]
        self.await_cluster()

    def await_cluster(self):
        count = len(self.servers)
        for server in self.servers if count > 1 else []:
            await_(lambda server=server: server.knows(count),
                   "the servers know each other")

    def address(self):
        return ",".join(f"nats://127.0.0.1:{server.port}"
                        for server in self.servers)

    def wire(self):
        return Wire(self.servers[0].port)

    def service(self):
        return self.serve(self.server_path, "--workers=2")[0]

    def gateway(self, name="life", address=None, options=(), service=None):
        """Starts a gateway. Returns the process, and its instance id in NATS.
        `service` is the name on this machine, if it differs."""
        process, instance = self.serve(self.gateway_path,
                                       "--force-insecure-serialisation",
                                       "--servers", address or self.address(),
                                       *options, service or name)
        wire = self.wire()
        wire.subscribe("_INBOX.gateway")

        def answers():
            wire.publish(f"$SRV.PING.{name}.{instance}",
                         reply="_INBOX.gateway")
            got = wire.receive(0.2)
            return got and b"ping_response" in got[1]

        await_(answers, "the gateway is there")
        wire.close()
        return process, instance

    def client(self, *words, address=None):
        return self.start(self.client_path, address or self.address(), *words)

    def clients(self, count, what="calls"):
        """Starts clients that make calls until the ledger is finished."""
        self.ledger.start_over()
        each = Ledger.CALLS // count
        return [self.client(what, str(each * i), str(each))
                for i in range(count)]

    def calls_go_on(self, count):
        before = self.ledger.ended()
        await_(lambda: self.ledger.ended() > before + count, "calls go on")

    def finish(self, clients):
        """Ends the clients. Checks that none of their calls took too long (a
        client fails on DEADLINE) or ran twice."""
        self.ledger.finish()
        for client in clients:
            assert client.wait(PATIENCE_S) == 0, client.stdout.read()
            self.running.remove(client)
        return self.ledger.check(0, Ledger.CALLS)

    def stop(self, process, how=signal.SIGKILL):
        process.send_signal(how)
        code = process.wait(PATIENCE_S)
        self.running.remove(process)
        return code

    def stop_all(self):
        for process in self.running:
            process.kill()
            process.wait()


def main(prepare, cases):
    """Makes a world in a new folder, lets `prepare` set it up, and runs all
    cases in it."""
    if PROGRAM is None:
        print("SKIPPED: no nats-server here (Debian's package nats-server): "
              "shmrpc-nats is not tested")
        return 77
    with tempfile.TemporaryDirectory(prefix="shmrpc-nats-") as folder:
        world = World(sys.argv[1:5], folder)
        try:
            prepare(world)
            for case in cases:
                case(world)
                print(case.__name__, "ok", flush=True)
        finally:
            world.stop_all()
    return 0
