#!/usr/bin/env python3
"""link_test.py SHMRPC_TCP LIFE_SERVER LIFE_CLIENT: two machines, simulated by
network namespaces, are connected by a cable that loses packets and is pulled.
The server notes which calls have run, and the client notes how they ended
(ledger.h).

Needs root; exits with 77, which counts as skipped, if it lacks the permissions.
With SHMRPC_TEST_LONG=1 a client also vanishes behind a pulled cable."""

import mmap
import os
import re
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 60
LONG = os.environ.get("SHMRPC_TEST_LONG") == "1"
OUTAGE_S = 10 if LONG else 2
# TCP's keep-alive and user timeout take 30 s, plus the delays of a busy
# machine.
VANISHED_S = 90


def ip(*words, check=True):
    return subprocess.run(["ip", *words], check=check, capture_output=True,
                          text=True)


def await_(condition, what, seconds=PATIENCE_S):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("timed out waiting for: " + what)
        time.sleep(0.01)


class Cable:
    """Two network namespaces: "here" is 10.99.0.1, "there" is 10.99.0.2."""

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

    def lose(self):
        """Drops packets that exceed a short queue. Returns False if the system
        can't."""
        made = [ip("netns", "exec", space, "tc", "qdisc", "add", "dev", "cable",
                   "root", "tbf", "rate", "50mbit", "burst", "4kb", "limit",
                   "6kb", check=False).returncode == 0
                for space in (self.here, self.there)]
        return all(made)

    def lost(self, space):
        """Returns the number of packets lost so far."""
        said = ip("netns", "exec", space, "tc", "-s", "qdisc", "show", "dev",
                  "cable").stdout
        return int(re.search(r"dropped (\d+)", said).group(1))

    def lose_no_more(self):
        for space in (self.here, self.there):
            ip("netns", "exec", space, "tc", "qdisc", "del", "dev", "cable",
               "root")

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
        return process

    def serve(self, *command, space=None):
        process = self.start(*command, space=space)
        said = process.stdout.readline().strip()
        assert "serving at" in said, said
        return process

    def stop_all(self):
        for process in self.running:
            process.kill()
            process.wait()


class Ledger:
    """The results of all calls (ledger.h)."""
    CALLS = 1000000
    OK = 1

    def __init__(self, path):
        with open(path, "wb") as file:
            file.truncate(8 + 2 * self.CALLS)
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 8 + 2 * self.CALLS)

    def ended(self):
        return int.from_bytes(self.map[:4], "little")

    def finish(self):
        self.map[4] = 1

    def check(self):
        """Checks that each call has succeeded and has run exactly once."""
        count = self.ended()
        runs = self.map[8:8 + count]
        ends = self.map[8 + self.CALLS:8 + self.CALLS + count]
        for number in range(count):
            assert (runs[number], ends[number]) == (1, self.OK), (
                number, runs[number], ends[number])
        return count


def goes_on(ledger, client, calls=50):
    before = ledger.ended()

    def more():
        assert client.poll() is None, client.stdout.read()
        return ledger.ended() > before + calls

    await_(more, "calls to go on")


def connections(pid):
    """Returns the number of established connections in the namespace of a
    process."""
    with open(f"/proc/{pid}/net/tcp") as file:
        return sum(line.split()[3] == "01" for line in list(file)[1:])


def lost_packets_are_not_noticed(cable, ledger, client):
    if not cable.lose():
        print("skipped: the system has no short queues")
        return
    await_(lambda: all(cable.lost(space) > 20
                       for space in (cable.here, cable.there)), "losses")
    goes_on(ledger, client)
    cable.lose_no_more()


def loose_contact_is_not_noticed(cable, ledger, client):
    for _ in range(10):
        cable.pull()
        time.sleep(0.02)
        cable.plug()
        time.sleep(0.02)
    goes_on(ledger, client)


def calls_go_on_when_the_cable_is_back(cable, ledger, client):
    cable.pull()
    time.sleep(OUTAGE_S)  # the outage
    assert client.poll() is None, client.stdout.read()
    cable.plug()
    goes_on(ledger, client)


def client_that_vanished_is_forgotten(cable, client, gateway):
    assert connections(gateway.pid) == 1
    cable.pull()
    client.kill()
    client.wait()
    await_(lambda: connections(gateway.pid) == 0, "the gateway to forget it",
           VANISHED_S)
    cable.plug()


def each_call_has_run_once(ledger, client):
    ledger.finish()
    assert client.wait(PATIENCE_S) == 0, client.stdout.read()
    print(f"   {ledger.check()} calls")


def run(world, ledger, gateway_path, server_path, client_path):
    cable = world.cable
    world.serve(server_path, "--workers=1", "--listen=shm://")
    gateway = world.serve(gateway_path, "--force-insecure-serialisation",
                          "life=tcp://10.99.0.1:5803", space=cable.here)

    def start_client(first):
        client = world.start(client_path, "tcp://10.99.0.1:5803", "mixed",
                             str(first), str(Ledger.CALLS - first),
                             space=cable.there)
        goes_on(ledger, client)
        return client

    client = start_client(0)
    for test in (lost_packets_are_not_noticed, loose_contact_is_not_noticed,
                 calls_go_on_when_the_cable_is_back):
        test(cable, ledger, client)
        print("ok", test.__name__)
    each_call_has_run_once(ledger, client)
    print("ok each_call_has_run_once")
    if LONG:
        ledger.map[4] = 0
        client_that_vanished_is_forgotten(
            cable, start_client(Ledger.CALLS // 2), gateway)
        print("ok client_that_vanished_is_forgotten")


def main():
    cable = Cable()
    world = World(cable)
    try:
        if os.geteuid() != 0 or not cable.lay():
            print("SKIPPED: network namespaces can't be made here")
            return 77
        with tempfile.TemporaryDirectory() as folder:
            os.environ["SHMRPC_DIR"] = folder
            os.environ["LIFE_LEDGER"] = folder + "/ledger"
            try:
                run(world, Ledger(folder + "/ledger"), *sys.argv[1:])
            finally:
                world.stop_all()
    finally:
        cable.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
