#!/usr/bin/env python3
"""near_test.py SHMRPC_NATS LIFE_SERVER LIFE_CLIENT LIBRARIES: copies of a
service run on this machine and on others, each with a ledger of what has run
there. Tests which copy gets the calls (world.py)."""

import os
import sys

from world import PATIENCE_S, World, await_, main


class Machine(World):
    """Another machine, with its own folder, services and ledger."""

    def __init__(self, world, folder):
        super().__init__(sys.argv[1:5], folder)
        self.servers, self.running = world.servers, world.running
        self.life = self.service()
        self.gate = self.gateway()[0]


def runs(world, first, count):
    """Returns how many of these calls have run on this machine."""
    return sum(world.ledger.of(i)[0] for i in range(first, first + count))


def call(world, address, first, count):
    client = world.client("calls", str(first), str(count), address=address)
    assert client.wait(PATIENCE_S) == 0, client.stdout.read()
    world.running.remove(client)


def calls_go_to_all_machines(world):
    """With only nats:// in the address, about equally many calls go to each
    machine."""
    clients = [world.client("calls", str(200 * i), "200") for i in range(6)]
    for client in clients:
        assert client.wait(PATIENCE_S) == 0, client.stdout.read()
        world.running.remove(client)
    there = [runs(machine, 0, 1200) for machine in world.machines]
    assert sum(there) == 1200 and min(there) >= 120, there


def calls_stay_here_while_a_copy_is_here(world):
    """Without a local copy, calls go to the cluster. Once there is a local copy
    again, they go to it."""
    both = "shm://life," + world.address()
    life = world.service()
    call(world, both, 2000, 100)
    assert runs(world, 2000, 100) == 100
    client = world.client("calls", "10000", "500000", address=both)

    def go_on(where):
        before = runs(where, 10000, 20000)
        await_(lambda: runs(where, 10000, 20000) > before + 20,
               "calls run there")

    go_on(world)
    world.stop(life)
    go_on(world.machines[0])
    life = world.service()
    go_on(world)
    world.ledger.finish()
    assert client.wait(PATIENCE_S) == 0, client.stdout.read()
    world.running.remove(client)
    world.stop(life)


def refused_calls_are_made_elsewhere(world):
    """The local copy accepts one call of a client at a time."""
    life = world.serve(world.server_path, "--workers=2", "--client-calls=1")[0]
    both = "shm://life," + world.address()
    for address, refuses in (("shm://life", True), (both, False)):
        first = 600000 if refuses else 700000
        client = world.client("beside", str(first), "40", address=address)
        said = client.communicate(timeout=PATIENCE_S)[0].strip()
        world.running.remove(client)
        here = runs(world, first, 40)
        there = sum(runs(machine, first, 40) for machine in world.machines)
        assert here + there == (40 - int(said)), (said, here, there)
        assert (int(said) > 0) == refuses, (said, here, there)
        assert (there > 0) == (not refuses), (here, there)
    world.stop(life)


def prepare(world):
    world.nats()
    world.machines = []
    for number in range(2):
        folder = os.path.join(world.folder, f"machine{number}")
        os.mkdir(folder, 0o700)
        world.machines.append(Machine(world, folder))


if __name__ == "__main__":
    sys.exit(main(prepare, [
        calls_go_to_all_machines, calls_stay_here_while_a_copy_is_here,
        refused_calls_are_made_elsewhere]))
