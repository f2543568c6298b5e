#!/usr/bin/env python3
"""partition_test.py SHMRPC_NATS LIFE_SERVER LIFE_CLIENT LIBRARIES: two machines
(machines.py), each with a nats-server, a service, its gateway and clients, are
partitioned for 20 s. Both sides answer with what they have, no call takes too
long, the counts agree, and soon after the partition each side uses both
services again. In another case a machine vanishes, which its nats-server would
notice only after minutes (world.py)."""

import json
import os
import sys
import time

import machines
from world import PATIENCE_S, Ledger, await_, main

APART_S = 20
SILENCE_S = 10
HEALED_S = 5
CLIENTS = 4  # number of clients on each side

# Like deploy/nats.conf, but faster.
CONFIG = 'ping_interval: "1s"\nping_max: 2\n'


class Side(machines.Machine):
    def __init__(self, world, name, number):
        # With the same host name, clients call both gateways equally.
        super().__init__(world, name, number, host="either")
        self.ledger = world.ledger
        self.environment["LIFE_LEDGER"] = os.path.join(world.folder, "ledger")

    def begin(self, other, config):
        self.serve_nats([other], config)
        self.life = self.service()
        self.gate, self.id = self.gateway(address=self.address())

    def hears(self, other):
        """Whether a message from here reaches the other machine's gateway, and
        the answer comes back."""
        wire = self.wire()
        wire.subscribe("_INBOX.hears")
        wire.publish(f"$SRV.PING.life.{other.id}", reply="_INBOX.hears")
        got = wire.receive(0.3)
        wire.close()
        return got is not None and b"ping_response" in got[1]

    def ask(self):
        """Makes a call with a new client. Returns how it ended and how long it
        took."""
        began = time.monotonic()
        client = self.client("nap", "1")
        said = client.communicate(timeout=PATIENCE_S)[0].strip()
        self.running.remove(client)
        return said, time.monotonic() - began


def both_sides_live_apart_and_heal(world):
    here, there = world.sides
    clients = []
    world.ledger.start_over()
    each = Ledger.CALLS // (2 * CLIENTS)
    for i in range(2 * CLIENTS):
        side = world.sides[i % 2]
        clients.append(side.client("calls", str(each * i), str(each)))
    world.calls_go_on(400)
    there.plug("down")
    apart = time.monotonic()
    await_(lambda: not here.hears(there), "they are apart")
    for side in world.sides:
        said, _ = side.ask()
        assert said in ("OK", "SERVER_LOST"), (side.name, said)
    await_(lambda: time.monotonic() - apart > APART_S, "the time is over")
    for side in world.sides:
        said, _ = side.ask()
        assert said == "OK", (side.name, said)
    there.plug("up")
    healed = time.monotonic()
    await_(lambda: here.hears(there) and there.hears(here), "they are together")
    took = time.monotonic() - healed
    for side in world.sides:
        said, _ = side.ask()
        assert said == "OK", (side.name, said)
    world.calls_go_on(400)
    ends = world.finish(clients)
    print(f"apart for {APART_S} s, together after {took:.1f} s; "
          f"{ends[Ledger.OK]} calls OK, {ends[Ledger.MAYBE_RUN]} may have run")
    assert ends[Ledger.OK] > 0 and ends[Ledger.MAYBE_RUN] > 0, ends
    assert took < HEALED_S, took


def a_vanished_machine_is_missed(world):
    """A machine that vanishes is noticed by its silence alone, because its
    server pings only every 2 min (the default of NATS)."""
    near, gone = Side(world, "near", 3), Side(world, "gone", 4)
    near.serve_nats([gone])
    gone.begin(near, "")
    await_(lambda: near.hears(gone), "they are together")
    client = near.client("nap", "90000")
    wire = near.wire()
    wire.subscribe("_INBOX.stats")

    def has_the_call():
        wire.publish("$SRV.STATS.life", reply="_INBOX.stats")
        answer = json.loads(wire.receive()[1])
        return answer["endpoints"][0]["data"]["calls_in_progress"] == 1

    await_(has_the_call, "the gateway has the call")
    gone.plug("down")
    began = time.monotonic()
    said = client.communicate(timeout=PATIENCE_S)[0].strip()
    took = time.monotonic() - began
    near.running.remove(client)
    print(f"SERVER_LOST {took:.1f} s after the machine has vanished")
    assert said == "SERVER_LOST", said
    assert SILENCE_S * 0.9 < took < SILENCE_S * 4, took


def prepare(world):
    world.sides = [Side(world, "here", 1), Side(world, "there", 2)]
    for side, other in (world.sides, reversed(world.sides)):
        side.begin(other, CONFIG)
    here, there = world.sides
    await_(lambda: here.hears(there) and there.hears(here), "they are together")


if __name__ == "__main__":
    machines.enter()
    sys.exit(main(prepare, [both_sides_live_apart_and_heal,
                            a_vanished_machine_is_missed]))
