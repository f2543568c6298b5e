#!/usr/bin/env python3
"""cluster_test.py SHMRPC_NATS LIFE_SERVER LIFE_CLIENT LIBRARIES LIBRARY_SERVER
SHMRPC: `shmrpc ... --nats` shows the services of all machines of a cluster
(world.py)."""

import json
import subprocess
import sys
import threading

from world import PATIENCE_S, main


def shmrpc(world, *words, code=0, servers=None):
    done = subprocess.run(
        [sys.argv[6], *words], text=True, capture_output=True,
        env=dict(world.environment, SHMRPC_NATS=servers or world.address()),
        timeout=PATIENCE_S, stdin=subprocess.DEVNULL)
    assert done.returncode == code, (words, done)
    return done.stdout, done.stderr


class Stranger:
    """Answers like the gateway of a service with another contract, with text
    that must not be shown on a terminal."""

    def __init__(self, world):
        self.wire = world.wire()
        self.wire.subscribe("$SRV.STATS")
        self.is_over = False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        answer = {"type": "io.nats.micro.v1.stats_response", "name": "library",
                  "id": "stranger", "version": "3.0.0",
                  "metadata": {"shmrpc.service": "library",
                               "shmrpc.hash": "0123456789abcdef",
                               "host": "far\x1b[2Jaway", "zone": ""},
                  "endpoints": [{"name": "x", "num_requests": -1}]}
        while not self.is_over:
            got = self.wire.receive(0.2, with_reply=True)
            if got is not None:
                for body in (b"{", b"[1]", b"\xff", json.dumps(answer).encode()):
                    self.wire.publish(got, body)

    def end(self):
        self.is_over = True
        self.thread.join()
        self.wire.close()


# ---- tests -------------------------------------------------------------------


def all_machines_are_shown(world):
    rows = json.loads(shmrpc(world, "ps", "--nats", "--json")[0])
    assert [(row["service"], row["zone"]) for row in rows] == \
        [("library", "east"), ("library", "west"), ("life", "")] or \
        [(row["service"], row["zone"]) for row in rows] == \
        [("library", "west"), ("library", "east"), ("life", "")], rows
    assert {row["instance"] for row in rows} == world.instances, rows
    assert all(row["host"] and len(row["hash"]) == 16 and not row["differs"]
               for row in rows), rows
    out, said = shmrpc(world, "list", f"--nats={world.address()}")
    lines = out.splitlines()
    assert lines[0].split() == ["SERVICE", "GATEWAYS", "HOSTS", "CALLS",
                                "VERSION", "CONTRACT"], out
    assert lines[1].split()[:5] == ["library", "2", "1", "0", "2"], out
    assert len(lines) == 3 and said == "", (out, said)
    out, _ = shmrpc(world, "top", "--nats", "--once")
    assert len(out.splitlines()) == 4 and "east" in out, out


def services_are_called_by_name(world):
    assert json.loads(shmrpc(world, "call", "--nats", "library", "fetch",
                             "abc")[0]) == {"id": 3, "title": "abc"}
    # Servers may be given without nats://, and the service may be in the
    # address.
    place = world.address().removeprefix("nats://")
    out, _ = shmrpc(world, "describe", f"--nats={place}", "library")
    assert out.startswith("package test.library;"), out
    out, _ = shmrpc(world, "call", f"{world.address()}/library", "drop",
                    "2", "7")
    assert out.strip() == "2007", out
    out, said = shmrpc(world, "call", "--nats", "nobody", "fetch", code=3)
    assert "nobody" in said, said
    out, said = shmrpc(world, "call", f"{world.address()}/a b", "fetch", code=2)
    assert "service name" in said, said


def completion_asks_the_cluster(world):
    out, _ = shmrpc(world, "complete", "call", "--nats", "li")
    assert out.split() == ["library", "life"], out
    out, _ = shmrpc(world, "complete", "call", "--nats", "library", "fe")
    assert out.split() == ["fetch"], out


def another_contract_stands_out(world):
    stranger = Stranger(world)
    try:
        rows = json.loads(shmrpc(world, "ps", "--nats", "-j")[0])
        out, said = shmrpc(world, "list", "--nats")
    finally:
        stranger.end()
    assert [row["service"] for row in rows if row["differs"]] == \
        ["library"] * 3, rows
    assert "far?[2Jaway" in [row["host"] for row in rows], rows
    marked = [line.split()[0] for line in out.splitlines()
              if line.endswith(" !")]
    assert marked == ["library", "library"], out
    assert "`library` have different contracts" in said, said


def trouble_is_told(world):
    out, said = shmrpc(world, "list", "--nats=127.0.0.1:1", code=3)
    assert "no NATS server at nats://127.0.0.1:1" in said, said
    out, said = shmrpc(world, "ps", "--nats=tcp://127.0.0.1", code=2)
    assert "expected nats://" in said, said
    out, said = shmrpc(world, "top", "--nats", "library", code=2)
    assert "all services" in said, said


def nobody_is_told(world):
    while world.gateways:
        world.stop(world.gateways.pop())
    out, said = shmrpc(world, "list", "--nats")
    assert out == "" and "No gateway" in said, (out, said)
    assert json.loads(shmrpc(world, "list", "--nats", "--json")[0]) == []


def prepare(world):
    world.nats()
    world.serve(sys.argv[5], "--workers=1")
    world.service()
    zones = [f"{world.address()}?zone={zone}" for zone in ("east", "west")]
    started = [world.gateway("library", zone) for zone in zones]
    started.append(world.gateway("life"))
    world.gateways = [process for process, _ in started]
    world.instances = {instance for _, instance in started}


if __name__ == "__main__":
    sys.exit(main(prepare, [
        all_machines_are_shown, services_are_called_by_name,
        completion_asks_the_cluster, another_contract_stands_out,
        trouble_is_told, nobody_is_told]))
