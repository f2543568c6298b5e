#!/usr/bin/env python3
"""outage_test.py SHMRPC_NATS LIFE_SERVER LIFE_CLIENT LIBRARIES: gateways,
servers of a cluster and workers are killed while eight clients make calls. Each
call ends in time, and the counts of clients and service agree (world.py)."""

import json
import os
import signal
import statistics
import subprocess
import sys
import time

from world import PATIENCE_S, Ledger, await_, main

CLIENTS = 8
SILENCE_S = 10


def killed_gateways_lose_no_count(world):
    """Calls in flight end as SERVER_LOST, the next ones go to another
    gateway."""
    clients = world.clients(CLIENTS)
    for i in range(4):
        world.calls_go_on(200)
        world.stop(world.gateways[i % 2])
        world.gateways[i % 2] = world.gateway()[0]
    world.calls_go_on(200)
    ends = world.finish(clients)
    assert ends[Ledger.OK] > 0, ends


def killed_servers_lose_no_count(world):
    """Each server of the cluster is killed in turn; its clients connect to
    another server."""
    clients = world.clients(CLIENTS)
    for server in world.servers:
        world.calls_go_on(200)
        server.kill()
        world.calls_go_on(200)
        server.start()
        world.await_cluster()
    world.calls_go_on(200)
    world.finish(clients)


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(pid) for pid in file.read().split()]
    except FileNotFoundError:
        return []


def workers_of(service):
    """Returns the worker processes of a service. Its child, the zygote, has
    forked them."""
    return [worker for zygote in children_of(service.pid)
            for worker in children_of(zygote)]


def killed_workers_lose_no_count(world):
    """Calls in flight end with WORKER_DIED; other calls of the gateway go
    on."""
    clients = world.clients(CLIENTS, "deaths")
    for _ in range(4):
        world.calls_go_on(200)
        os.kill(await_(lambda: workers_of(world.life), "a worker")[0],
                signal.SIGKILL)
    world.calls_go_on(200)
    world.finish(clients)


def answer_of(world, *words, **more):
    client = world.client(*words, **more)
    said = client.communicate(timeout=PATIENCE_S)[0].strip()
    world.running.remove(client)
    return said


def a_dead_worker_is_told_as_such(world):
    """A call of the idempotent method is repeated, one of the other method is
    not."""
    world.ledger.start_over()
    assert answer_of(world, "dies", "0") == "WORKER_DIED OK"
    assert (world.ledger.of(0)[0], world.ledger.of(1)[0]) == (1, 2)


def sleeping_call(world):
    """Returns a client whose call has begun and will take two minutes."""
    client = world.client("nap", "120000")
    wire = world.wire()
    wire.subscribe("_INBOX.outage")

    def runs():
        wire.publish("$SRV.STATS.life", reply="_INBOX.outage")
        answer = json.loads(wire.receive()[1])
        return answer["endpoints"][0]["data"]["calls_in_progress"] == 1

    await_(runs, "the gateway has the call")
    wire.close()
    return client


def idle_calls_go_elsewhere(world):
    """NATS reports that it has not delivered these calls. So they have not run,
    and are made at the other gateway although they must not be repeated."""
    world.ledger.start_over()
    client = world.start(world.client_path, world.address(), "ask",
                         stdin=subprocess.PIPE)

    def ask(number):
        client.stdin.write(f"{number}\n")
        client.stdin.flush()
        return client.stdout.readline().strip()

    ends = []
    for i in range(8):
        assert ask(3 * i) == "OK"
        world.stop(world.gateways[i % 2])
        ends.append(ask(3 * i + 1))
        world.gateways[i % 2] = world.gateway()[0]
    client.stdin.close()
    assert client.wait(PATIENCE_S) == 0
    world.running.remove(client)
    # Until the server has noticed that the gateway is dead, it still routes
    # calls there, which are lost.
    assert set(ends) <= {"OK", "SERVER_LOST"} and "OK" in ends, ends
    for i, end in enumerate(ends):
        assert world.ledger.of(3 * i)[0] == 1
        assert world.ledger.of(3 * i + 1)[0] == (end == "OK"), (i, end)


def lost(world, client):
    said = client.communicate(timeout=PATIENCE_S)[0].strip()
    world.running.remove(client)
    assert said == "SERVER_LOST", said


def lost_gateways_are_told(world):
    """When a gateway is killed, NATS answers that nobody subscribes, long
    before the limit of silence. A stopped gateway is silent, like a vanished
    machine."""
    world.stop(world.gateways.pop(), signal.SIGTERM)
    times = []
    for how in [signal.SIGKILL] * 5 + [signal.SIGSTOP]:
        client = sleeping_call(world)
        began = time.monotonic()
        world.gateways[0].send_signal(how)
        lost(world, client)
        times.append(time.monotonic() - began)
        world.stop(world.gateways.pop())
        world.gateways = [world.gateway()[0]]
    world.gateways.append(world.gateway()[0])
    silence = times.pop()
    killed = statistics.median(times)
    print(f"SERVER_LOST {killed * 1000:.0f} ms after a kill (median of 5), "
          f"{silence:.1f} s after a stop")
    assert killed < SILENCE_S / 2, times
    assert silence > SILENCE_S * 0.9, silence


def nobody_there_is_told(world):
    """Without a gateway, calls fail at once as not run; a client that may wait
    is told when to try again."""
    for gateway in world.gateways:
        assert world.stop(gateway, signal.SIGTERM) == 0
    assert answer_of(world, "nap", "0").startswith("UNAVAILABLE"), "not told"
    world.ledger.start_over()
    client = world.client("calls", "0", "1")
    world.gateways = [world.gateway()[0] for _ in range(2)]
    assert client.wait(PATIENCE_S) == 0, client.stdout.read()
    world.running.remove(client)
    assert world.ledger.of(0) == (1, Ledger.OK), world.ledger.of(0)


def prepare(world):
    world.nats(3)
    world.life = world.service()
    world.gateways = [world.gateway()[0] for _ in range(2)]


if __name__ == "__main__":
    sys.exit(main(prepare, [
        killed_gateways_lose_no_count, killed_servers_lose_no_count,
        killed_workers_lose_no_count, a_dead_worker_is_told_as_such,
        idle_calls_go_elsewhere, lost_gateways_are_told, nobody_there_is_told]))
