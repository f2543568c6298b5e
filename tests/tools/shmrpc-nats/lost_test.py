#!/usr/bin/env python3
"""lost_test.py SHMRPC_NATS LIFE_SERVER LIFE_CLIENT LIBRARIES: messages between
a client and its nats-server are lost, one at a time. The call ends long before
its deadline with a status that says that it may have run, and runs at most once
(world.py)."""

import socket
import subprocess
import sys
import threading
import time

from world import PATIENCE_S, main

KIND, DATA = 2, 5  # offset of the kind in a parcel; kind of a link's bytes
SOON_S = 20  # the deadline of a call is 30 s


class LossyPlace:
    """A proxy between a client and its server that loses the messages it is
    told to lose."""

    def __init__(self, port):
        self.server_port = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.loses = {b"PUB": False, b"MSG": False}
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.server_port))
            for ends in ((client, server), (server, client)):
                threading.Thread(target=self.carry, args=ends,
                                 daemon=True).start()

    def carry(self, source, target):
        """Passes messages on, except those that are to be lost. Passes all
        other lines on unchanged."""
        lines = source.makefile("rb")
        try:
            while line := lines.readline():
                words = line.split()
                body = b""
                if words and words[0] in (b"PUB", b"HPUB", b"MSG", b"HMSG"):
                    body = lines.read(int(words[-1]) + 2)
                if not self.is_lost(words, body):
                    target.sendall(line + body)
        except OSError:
            pass
        for sock in (source, target):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def is_lost(self, words, body):
        what = words[0] if words else b""
        if not self.loses.get(what) or len(body) < 32 or body[KIND] != DATA:
            return False
        self.loses[what] = False
        return True

    def lose_next(self, what):
        self.loses[what] = True

    def has_lost(self):
        return not any(self.loses.values())


class Caller:
    """A client that makes a call each time it is told to."""

    def __init__(self, world, place):
        self.world = world
        self.process = world.start(
            world.client_path, f"nats://127.0.0.1:{place.port}", "ask",
            stdin=subprocess.PIPE)

    def ask(self, number):
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(PATIENCE_S) == 0
        self.world.running.remove(self.process)


def lost(world, what, runs):
    """Loses a message of a call; returns how the call ended, and how often it
    has run. The next call works."""
    world.ledger.start_over()
    caller = Caller(world, world.place)
    for number in range(0, 30, 3):
        assert caller.ask(number) == "OK"
        world.place.lose_next(what)
        began = time.monotonic()
        end = caller.ask(number + 1)
        took = time.monotonic() - began
        assert world.place.has_lost()
        assert end == "SERVER_LOST", end
        assert took < SOON_S, took
        assert caller.ask(number + 2) == "OK"
        ran = [world.ledger.of(number + i)[0] for i in range(3)]
        assert ran == [1, runs, 1], (number, ran)
    caller.end()


def a_lost_request_has_not_run(world):
    lost(world, b"PUB", 0)


def a_lost_reply_has_run_once(world):
    lost(world, b"MSG", 1)


def repeatable_calls_are_repeated(world):
    """Calls with odd numbers, such as 1, may be repeated."""
    for what, most in ((b"PUB", 1), (b"MSG", 2)):
        world.ledger.start_over()
        world.place.lose_next(what)
        client = world.client("calls", "1", "1",
                              address=f"nats://127.0.0.1:{world.place.port}")
        assert client.wait(PATIENCE_S) == 0, client.stdout.read()
        world.running.remove(client)
        assert world.place.has_lost()
        runs, end = world.ledger.of(1)
        assert 1 <= runs <= most and end == world.ledger.OK, (runs, end)


def prepare(world):
    world.nats()
    world.service()
    world.gateway()
    world.place = LossyPlace(world.servers[0].port)


if __name__ == "__main__":
    sys.exit(main(prepare, [
        a_lost_request_has_not_run, a_lost_reply_has_run_once,
        repeatable_calls_are_repeated]))
