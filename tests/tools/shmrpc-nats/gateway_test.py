#!/usr/bin/env python3
"""gateway_test.py SHMRPC_NATS LIFE_SERVER LIFE_CLIENT LIBRARIES: the gateway as a
program, with a nats-server of its own. What has run, and how calls have ended,
is noted by server and client (tests/integration/ledger.h).

Ends with 77, which counts as skipped, where there is no nats-server."""

import json
import mmap
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 120
PARCEL = struct.Struct("<BBBBiQQQ")
FIND, FOUND, OPEN, OPENED, DATA, ACK, PROBE, ALIVE, END, CLOSE = range(1, 11)


def await_(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            sys.exit("waited in vain: " + what)
        time.sleep(0.01)


class Ledger:
    """ledger.h: what has become of each call."""
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
        """How often it has run, and how it has ended."""
        return self.map[8 + call], self.map[8 + self.CALLS + call]

    def check(self, first, count):
        """Nothing has run twice but what may; who got an answer was run, who
        was told that it has not run was not. Returns how they ended."""
        ends = [0] * 5
        for call in range(first, first + count):
            runs, end = self.of(call)
            ends[end] += 1
            at_most = 1 if call % 2 == 0 else 2
            right = {0: runs <= at_most, self.OK: 1 <= runs <= at_most,
                     self.NOT_RUN: runs == 0, self.MAYBE_RUN: runs <= at_most}
            assert right.get(end, False), (call, runs, end)
        return ends


class Wire:
    """A client of NATS with nothing but a socket."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.file = self.sock.makefile("rb")
        self.info = json.loads(self.file.readline()[5:])
        self.send(b'CONNECT {"verbose":false,"headers":true,'
                  b'"no_responders":true}\r\nPING\r\n')
        while self.file.readline() != b"PONG\r\n":
            pass

    def send(self, data):
        self.sock.sendall(data)

    def subscribe(self, subject):
        self.send(f"SUB {subject} 1\r\n".encode())

    def publish(self, subject, data=b"", reply=""):
        self.send(f"PUB {subject} {reply} {len(data)}\r\n".encode() + data +
                  b"\r\n")

    def receive(self, seconds=PATIENCE_S):
        """Subject and body of the next message; None: it did not come."""
        self.sock.settimeout(seconds)
        while True:
            try:
                words = self.file.readline().split()
            except TimeoutError:
                return None
            assert words, "nats-server has hung up"
            if words[0] in (b"MSG", b"HMSG"):
                body = self.file.read(int(words[-1]) + 2)[:-2]
                if words[0] == b"HMSG":
                    return words[1].decode(), body[:int(words[-2])]
                return words[1].decode(), body
            assert words[0] in (b"PING", b"PONG", b"+OK", b"INFO"), words
            if words[0] == b"PING":
                self.send(b"PONG\r\n")



class World:
    def __init__(self, programs, folder):
        self.gateway_path, self.server_path, self.client_path, libraries = \
            programs
        self.folder = folder
        self.ledger = Ledger(os.path.join(folder, "ledger"))
        self.running = []
        self.port = None
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

    def nats(self):
        process = subprocess.Popen(
            [PROGRAM, "-a", "127.0.0.1", "-p", str(self.port or -1),
             "--ports_file_dir", self.folder, "-l", os.devnull],
            env=dict(os.environ, GOMAXPROCS="2"))
        self.running.append(process)
        path = os.path.join(self.folder, f"nats-server_{process.pid}.ports")

        def listens():
            try:
                with open(path) as file:
                    place = json.load(file)["nats"][0]
                port = int(place.rsplit(":", 1)[1])
                socket.create_connection(("127.0.0.1", port), 10).close()
                return port
            except (OSError, ValueError, KeyError):
                return None

        self.port = await_(listens, "nats-server listens")
        return process

    def address(self):
        return f"nats://127.0.0.1:{self.port}"

    def service(self):
        return self.serve(self.server_path, "--workers=2")[0]

    def gateway(self):
        """The program, and its instance, which NATS knows."""
        process, instance = self.serve(self.gateway_path,
                                       "--force-insecure-serialisation",
                                       "--servers", self.address(), "life")
        wire = Wire(self.port)
        wire.subscribe("_INBOX.gateway")

        def answers():
            wire.publish(f"$SRV.PING.life.{instance}", reply="_INBOX.gateway")
            got = wire.receive(1)
            return got and b"ping_response" in got[1]

        await_(answers, "the gateway is there")
        return process, instance

    def client(self, *words):
        return self.start(self.client_path, self.address(), *words)

    def stop(self, process, how=signal.SIGKILL):
        process.send_signal(how)
        code = process.wait(PATIENCE_S)
        self.running.remove(process)
        return code

    def stop_all(self):
        for process in self.running:
            process.kill()
            process.wait()


# ---- what is tried -----------------------------------------------------------


def calls_come_back(world):
    """Each runs once; large bodies go in pieces, and come back whole."""
    gateway, _ = world.gateway()
    world.ledger.start_over()
    client = world.client("mixed", "0", "400")
    assert client.wait(PATIENCE_S) == 0, client.stdout.read()
    ends = world.ledger.check(0, 400)
    assert ends[Ledger.OK] == 400, ends
    assert world.stop(gateway, signal.SIGTERM) == 0


def a_killed_gateway_loses_no_count(world):
    """Its calls end as lost, the next ones go to another gateway."""
    gateways = [world.gateway()[0] for _ in range(2)]
    world.ledger.start_over()
    clients = [world.client("calls", str(100000 * i), "100000")
               for i in range(4)]
    for _ in range(4):
        before = world.ledger.ended()
        await_(lambda: world.ledger.ended() > before + 100, "calls go on")
        world.stop(gateways.pop(0))
        gateways.append(world.gateway()[0])
    before = world.ledger.ended()
    await_(lambda: world.ledger.ended() > before + 100, "calls go on at last")
    world.ledger.finish()
    for client in clients:
        assert client.wait(PATIENCE_S) == 0, client.stdout.read()
    for i in range(4):
        world.ledger.check(100000 * i, 100000)
    for gateway in gateways:
        assert world.stop(gateway, signal.SIGTERM) == 0


def a_killed_server_of_nats_loses_no_count(world):
    """Everybody connects again to the new one."""
    gateway, _ = world.gateway()
    world.ledger.start_over()
    client = world.client("calls", "0", "1000000")
    for _ in range(2):
        before = world.ledger.ended()
        await_(lambda: world.ledger.ended() > before + 50, "calls go on")
        world.stop(world.nats_server)
        world.nats_server = world.nats()
    before = world.ledger.ended()
    await_(lambda: world.ledger.ended() > before + 50, "calls go on at last")
    world.ledger.finish()
    assert client.wait(PATIENCE_S) == 0, client.stdout.read()
    world.ledger.check(0, world.ledger.ended())
    assert world.stop(gateway, signal.SIGTERM) == 0


def tools_of_nats_see_it(world):
    """ADR-32."""
    gateway, instance = world.gateway()
    wire = Wire(world.port)
    wire.subscribe("_INBOX.tool")

    def ask(subject):
        wire.publish(subject, reply="_INBOX.tool")
        return json.loads(wire.receive()[1])

    for what in ("PING", "INFO", "STATS"):
        for subject in (f"$SRV.{what}", f"$SRV.{what}.life",
                        f"$SRV.{what}.life.{instance}"):
            answer = ask(subject)
            assert answer["type"] == \
                f"io.nats.micro.v1.{what.lower()}_response", answer
            assert (answer["name"], answer["id"]) == ("life", instance)
            assert answer["version"].count(".") == 2, answer
            assert len(answer["metadata"]["shmrpc.hash"]) == 16, answer
    names = [e["name"] for e in ask("$SRV.INFO.life")["endpoints"]]
    assert names[:2] == ["once", "again"], names
    for subject in ("$SRV.PING.other", "$SRV.PING.life.other", "$SRV.NONE",
                    f"$SRV.PING.life.{instance}.more"):
        wire.publish(subject, reply="_INBOX.tool")
    answer = ask("$SRV.STATS.life")
    assert answer["type"].endswith("stats_response"), answer
    assert world.stop(gateway, signal.SIGTERM) == 0


def strangers_get_nowhere(world):
    """Messages that no client sends: nobody is disturbed, and nothing goes to
    where a gateway's rights would reach further than theirs."""
    gateway, instance = world.gateway()
    wire = Wire(world.port)
    place = f"shmrpc.life.i.{instance}"
    wire.subscribe("_INBOX.stranger")
    wire.subscribe("elsewhere")

    def parcel(kind, link=0, at=0, acked=0, data=b""):
        return PARCEL.pack(0xF4, 1, kind, 0, 0, link, at, acked) + data

    for data in (b"", b"x", os.urandom(40), parcel(OPEN)[:-1], parcel(77),
                 parcel(OPEN, data=b"x"), parcel(DATA), parcel(FOUND)):
        wire.publish(place, data, "_INBOX.stranger")
    for kind in (FIND, OPEN, PROBE):
        wire.publish(place, parcel(kind, 5), "elsewhere")
        wire.publish("shmrpc.life.find", parcel(kind, 5), "elsewhere")
    # A link that is not there is refused; one that is opened can't be guessed.
    wire.publish(place, parcel(DATA, 1 << 40, data=b"x"), "_INBOX.stranger")
    subject, body = wire.receive()
    assert subject == "_INBOX.stranger", subject
    assert PARCEL.unpack(body[:32])[2] == CLOSE
    wire.publish(place, parcel(OPEN), "_INBOX.stranger")
    link = PARCEL.unpack(wire.receive()[1][:32])
    assert link[2] == OPENED and link[5] != 0, link
    # Bytes with a hole before them end it.
    wire.publish(place, parcel(DATA, link[5], at=7, data=b"x"),
                 "_INBOX.stranger")
    close = PARCEL.unpack(wire.receive()[1][:32])
    assert close[2] == CLOSE and close[5] == link[5], close
    world.ledger.start_over()
    client = world.client("calls", "0", "10")
    assert client.wait(PATIENCE_S) == 0, client.stdout.read()
    assert world.ledger.check(0, 10)[Ledger.OK] == 10
    assert world.stop(gateway, signal.SIGTERM) == 0


def wrong_arguments_are_told(world):
    def said(*words):
        done = subprocess.run([world.gateway_path, *words], text=True,
                              capture_output=True, env=world.environment,
                              timeout=PATIENCE_S)
        return done.returncode, done.stdout + done.stderr

    code, text = said("--servers", "nats://127.0.0.1?creds=/no/such.creds",
                      "life:5803")
    assert code == 1 and "/no/such.creds: No such file" in text, text
    code, text = said("--servers", "tcp://127.0.0.1", "life")
    assert code == 1 and "expected nats://HOST" in text, text
    code, text = said()
    assert code == 2 and "a service is missing" in text, text
    code, text = said("--permissions", "demo.Echo")
    assert code == 0 and '"shmrpc.demo-Echo.>"' in text, text


PROGRAM = shutil.which("nats-server", path="/usr/sbin:/usr/bin:/usr/local/bin")


def main():
    if PROGRAM is None:
        print("SKIPPED: no nats-server here (Debian's package nats-server): "
              "shmrpc-nats is not tested")
        return 77
    with tempfile.TemporaryDirectory(prefix="shmrpc-nats-") as folder:
        world = World(sys.argv[1:5], folder)
        try:
            wrong_arguments_are_told(world)
            world.nats_server = world.nats()
            world.service()
            for case in (tools_of_nats_see_it, strangers_get_nowhere,
                         calls_come_back, a_killed_gateway_loses_no_count,
                         a_killed_server_of_nats_loses_no_count):
                case(world)
                print(case.__name__, "ok", flush=True)
        finally:
            world.stop_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
