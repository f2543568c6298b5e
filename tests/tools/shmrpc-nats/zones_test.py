#!/usr/bin/env python3
"""zones_test.py SHMRPC_NATS LIFE_SERVER LIFE_CLIENT LIBRARIES: three machines
in two zones (machines.py). Calls go to the client's machine, else to its zone,
else anywhere, and return once a nearer gateway is back (world.py)."""

import sys

import machines
from world import PATIENCE_S, Ledger, await_, main


def runs(machine):
    """Returns how many calls have run on this machine."""
    ran = machine.ledger.map[8:8 + Ledger.CALLS]
    return Ledger.CALLS - ran.count(0)


class Service:
    """A copy of the service and its gateway, which are started and killed
    together."""

    def __init__(self, machine, zone):
        self.machine = machine
        self.address = f"{machine.address()}?zone={zone}"
        self.begin()

    def begin(self):
        self.life = self.machine.service()
        self.gate = self.machine.gateway(address=self.address)[0]

    def end(self):
        self.machine.stop(self.gate)
        self.machine.stop(self.life)


def calls_go_to_the_nearest(world):
    """The gateways near a client are killed and restarted. Calls in flight may
    be lost."""
    here, beside, far = world.machines
    copies = [Service(here, "east"), Service(beside, "east"),
              Service(far, "west")]
    client = here.client("calls", "0", str(Ledger.CALLS),
                         address=f"{here.address()}?zone=east")

    def go_to(machine):
        """Waits until the next hundred calls have run on this machine only."""
        def settled():
            before = [runs(one) for one in world.machines]
            await_(lambda: runs(machine) >
                   before[world.machines.index(machine)] + 100,
                   f"calls run at {machine.name}")
            after = [runs(one) for one in world.machines]
            return sum(was != now for was, now in zip(before, after)) == 1
        await_(settled, f"calls run at {machine.name} alone")

    go_to(here)
    copies[0].end()
    go_to(beside)
    copies[1].end()
    go_to(far)
    copies[1].begin()
    go_to(beside)
    copies[0].begin()
    go_to(here)
    here.ledger.finish()
    assert client.wait(PATIENCE_S) == 0, client.stdout.read()


def prepare(world):
    here = machines.Machine(world, "here", 1)
    here.serve_nats()
    world.machines = [here, machines.Machine(world, "beside", 2, here),
                      machines.Machine(world, "far", 3, here)]


if __name__ == "__main__":
    machines.enter()
    sys.exit(main(prepare, [calls_go_to_the_nearest]))
