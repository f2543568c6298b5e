#!/usr/bin/env python3
"""pressure_test.py SHMRPC_TCP FAULT_SERVER KIND: checks that peers
which send but never read don't make the gateway exceed its memory limit, and
don't keep it from serving others.

With a number of peers as another argument, it measures instead."""

import os
import selectors
import socket
import sys
import tempfile
import threading
import time

from gateway_test import World
from tcp_client import HEAD, REPLY, REQUEST, connect, run

MIB = 1 << 20

# Memory of the program in addition to what it keeps for its peers.
OWN_BYTES = 64 * MIB

BODY_BYTES = 256 << 10


def anonymous_bytes(pid):
    """Returns the resident memory that is not shared with the service."""
    with open(f"/proc/{pid}/status") as file:
        fields = dict(line.split(":", 1) for line in file if ":" in line)
    return int(fields["RssAnon"].split()[0]) * 1024


class Peers:
    """Connections that send as many calls as their credits allow, and read only
    the welcome."""

    def __init__(self, where, count):
        self.selector = selectors.DefaultSelector()
        self.is_over = False
        self.sent = 0
        self.done = []
        for _ in range(count):
            client = connect(where)
            # With a small receive buffer most replies soon stay at the gateway.
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            frames = self.frames(client)
            client.sock.setblocking(False)
            self.selector.register(client.sock, selectors.EVENT_WRITE,
                                   [client, memoryview(frames)])
        self.thread = threading.Thread(target=self.push, daemon=True)
        self.thread.start()

    @staticmethod
    def frames(client):
        body = bytes(BODY_BYTES)
        method = client.ids["blob"]
        return b"".join(
            HEAD.pack(len(body), REQUEST, 0, method, call + 100, 0, 10**12) +
            body for call in range(client.credits))

    def push(self):
        while not self.is_over:
            for key, _ in self.selector.select(0.05):
                client, rest = key.data
                try:
                    sent = client.sock.send(rest[:MIB])
                except BlockingIOError:
                    continue
                except OSError:  # the gateway has disconnected it
                    self.selector.unregister(client.sock)
                    continue
                self.sent += sent
                key.data[1] = rest[sent:]
                if len(key.data[1]) == 0:
                    self.selector.unregister(client.sock)
                    self.done.append(client)

    def stop(self):
        self.is_over = True
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        for client in self.done:
            client.sock.close()


def call_once(client):
    frame = client.call("blob", b"honest")
    assert (frame.type, frame.status, frame.body) == (REPLY, 0, b"honest")


def timed_calls(client, count):
    times = []
    for _ in range(count):
        began = time.monotonic()
        call_once(client)
        times.append(time.monotonic() - began)
    return times


# ---- tests -------------------------------------------------------------------


def peers_that_never_read_cost_what_is_allowed(gateway, where, total):
    """Sends until no peer can send any more."""
    peers = Peers(where, 40)
    honest = connect(where)
    sent, since = 0, time.monotonic()
    while time.monotonic() - since < 0.5:
        if peers.sent != sent:
            sent, since = peers.sent, time.monotonic()
        call_once(honest)
        kept = anonymous_bytes(gateway.pid)
        assert kept <= OWN_BYTES + total, f"{kept / MIB:.0f} MiB"
    peers.stop()
    call_once(honest)


# ---- measuring ---------------------------------------------------------------


def figures(what, times):
    times = sorted(times)
    at = lambda part: times[int(len(times) * part)] * 1e6
    print(f"{what}: p50 {at(0.5):.0f} us, p99 {at(0.99):.0f} us, "
          f"worst {times[-1] * 1e3:.0f} ms of {len(times)} calls")


def measure(gateway, where, count):
    """Prints the times of calls without the peers, and for 30 s with them."""
    alone = connect(where)
    timed_calls(alone, 1000)
    figures("alone", timed_calls(alone, 50000))
    before = anonymous_bytes(gateway.pid)
    peers = Peers(where, count)
    honest = connect(where)
    most, times, end = 0, [], time.monotonic() + 30
    while time.monotonic() < end:
        times += timed_calls(honest, 50)
        most = max(most, anonymous_bytes(gateway.pid))
    figures(f"beside {count} peers", times)
    print(f"{before / MIB:.0f} MiB before, {most / MIB:.0f} at most")
    peers.stop()


# ---- the whole test ----------------------------------------------------------


def main():
    gateway_path, fault, kind, *count = sys.argv[1:]
    total = 256 * MIB if count else 16 * MIB
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SHMRPC_DIR"] = folder
        world = World((gateway_path, fault, None, None, None), folder)
        try:
            world.service(fault)
            gateway, where = world.gateway(
                "--force-insecure-serialisation", "--max-message=1048576",
                f"--max-memory={total}", "fault=tcp://:0")
            if count:
                measure(gateway, where, int(count[0]))
            else:
                # A sanitizer adds memory of its own.
                run(peers_that_never_read_cost_what_is_allowed, gateway, where,
                    total if kind == "plain" else 1 << 40)
        finally:
            world.stop_all()


if __name__ == "__main__":
    main()
