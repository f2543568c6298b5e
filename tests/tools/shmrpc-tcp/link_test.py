#!/usr/bin/env python3
"""link_test.py SHMRPC_TCP FAULT_SERVER FAULT_CLIENT: two machines, made of
network name spaces, and a cable between them that is pulled.

Needs root; ends with 77, which counts as skipped, where that is not allowed.
SHMRPC_TEST_LONG=1: also a client that vanishes behind a pulled cable."""

import os
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 60
LONG = os.environ.get("SHMRPC_TEST_LONG") == "1"
OUTAGE_S = 10 if LONG else 2
# Keep-alive and user time-out of TCP: 30 s, and what the machine needs.
VANISHED_S = 90


def ip(*words, check=True):
    return subprocess.run(["ip", *words], check=check, capture_output=True,
                          text=True)


def await_(condition, what, seconds=PATIENCE_S):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("waited in vain: " + what)
        time.sleep(0.01)


class Cable:
    """Two name spaces, "here" 10.99.0.1 and "there" 10.99.0.2."""

    def __init__(self):
        self.here = f"shmrpc-{os.getpid()}-a"
        self.there = f"shmrpc-{os.getpid()}-b"

    def lay(self):
        for space in (self.here, self.there):
            if ip("netns", "add", space, check=False).returncode != 0:
                return False
        made = ip("link", "add", "cable", "netns", self.here, "type", "veth",
                  "peer", "name", "cable", "netns", self.there, check=False)
        if made.returncode != 0:
            return False
        for number, space in enumerate((self.here, self.there), 1):
            ip("-n", space, "addr", "add", f"10.99.0.{number}/24", "dev",
               "cable")
            ip("-n", space, "link", "set", "cable", "up")
        return True

    def pull(self):
        ip("-n", self.there, "link", "set", "cable", "down")

    def plug(self):
        ip("-n", self.there, "link", "set", "cable", "up")

    def remove(self):
        for space in (self.here, self.there):
            ip("netns", "del", space, check=False)


class World:
    def __init__(self, cable):
        self.cable = cable
        self.running = []

    def start(self, *command, space=None):
        prefix = ["ip", "netns", "exec", space] if space else []
        process = subprocess.Popen([*prefix, *command], text=True,
                                   stdout=subprocess.PIPE)
        self.running.append(process)
        return process, process.stdout.readline().strip()

    def stop_all(self):
        for process in self.running:
            process.kill()
            process.wait()


def switches(pid):
    """How often it has waited: once for each call, at least."""
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("voluntary_ctxt_switches"):
                return int(line.split()[1])
    return 0


def goes_on(pid, calls):
    before = switches(pid)
    await_(lambda: switches(pid) > before + calls, "calls to go on")


def connections(pid):
    """That are established, in its name space."""
    with open(f"/proc/{pid}/net/tcp") as file:
        return sum(line.split()[3] == "01" for line in list(file)[1:])


def calls_go_on_when_the_cable_is_back(cable, client):
    goes_on(client.pid, 50)
    cable.pull()
    time.sleep(OUTAGE_S)  # that is the outage
    assert client.poll() is None, client.stdout.read()
    cable.plug()
    goes_on(client.pid, 50)


def client_that_vanished_is_forgotten(cable, client, gateway):
    assert connections(gateway.pid) == 1
    cable.pull()
    client.kill()
    client.wait()
    await_(lambda: connections(gateway.pid) == 0, "the gateway to forget it",
           VANISHED_S)
    cable.plug()


def run(world, gateway_path, server_path, client_path):
    cable = world.cable
    world.start(server_path, "--workers=1", "--listen=shm://")
    gateway, said = world.start(gateway_path, "--force-insecure-serialisation",
                                "fault=tcp://10.99.0.1:5802", space=cable.here)
    assert "serving at" in said, said
    client, said = world.start(client_path, "tcp://10.99.0.1:5802", "busy",
                               space=cable.there)
    assert said == "ready", said
    calls_go_on_when_the_cable_is_back(cable, client)
    print("ok calls_go_on_when_the_cable_is_back")
    if LONG:
        client_that_vanished_is_forgotten(cable, client, gateway)
        print("ok client_that_vanished_is_forgotten")


def main():
    cable = Cable()
    world = World(cable)
    try:
        if os.geteuid() != 0 or not cable.lay():
            print("skipped: network name spaces can't be made here")
            return 77
        with tempfile.TemporaryDirectory() as folder:
            os.environ["SHMRPC_DIR"] = folder
            try:
                run(world, *sys.argv[1:])
            finally:
                world.stop_all()
    finally:
        cable.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
