#!/usr/bin/env python3
"""gateway_test.py SHMRPC_NATS LIFE_SERVER LIFE_CLIENT LIBRARIES: the gateway
program, and how it treats foreign messages (world.py)."""

import json
import os
import signal
import struct
import subprocess
import sys

from world import PATIENCE_S, PROGRAM, Ledger, main

PARCEL = struct.Struct("<BBBBiQQQ")
FIND, FOUND, OPEN, OPENED, DATA, ACK, PROBE, ALIVE, END, CLOSE = range(1, 11)

# ---- tests -------------------------------------------------------------------


def calls_come_back(world):
    """Each call runs once; large bodies are sent in pieces and come back
    complete."""
    gateway, _ = world.gateway()
    world.ledger.start_over()
    client = world.client("mixed", "0", "400")
    assert client.wait(PATIENCE_S) == 0, client.stdout.read()
    ends = world.ledger.check(0, 400)
    assert ends[Ledger.OK] == 400, ends
    assert world.stop(gateway, signal.SIGTERM) == 0


def hundred_calls_in_flight_get_their_own_answers(world):
    gateway, _ = world.gateway()
    world.ledger.start_over()
    for first in range(0, 1000, 100):
        client = world.client("flight", str(first), "100")
        assert client.wait(PATIENCE_S) == 0, client.stdout.read()
    ends = world.ledger.check(0, 1000)
    assert ends[Ledger.OK] == 1000, ends
    assert world.stop(gateway, signal.SIGTERM) == 0


def tools_of_nats_see_it(world):
    """The gateway answers NATS's ADR-32."""
    gateway, instance = world.gateway()
    wire = world.wire()
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


def an_instance_serves_the_name(world):
    """Clients that know only the name of the service can call any of its
    copies."""
    copy, _ = world.serve(world.server_path, "--workers=1",
                          "--listen=shm://@two")
    gateway, instance = world.gateway("life", service="life@two")
    wire = world.wire()
    wire.subscribe("_INBOX.tool")
    wire.publish(f"$SRV.INFO.life.{instance}", reply="_INBOX.tool")
    metadata = json.loads(wire.receive()[1])["metadata"]
    assert metadata["shmrpc.service"] == "life", metadata
    assert metadata["shmrpc.instance"] == "two", metadata
    wire.close()
    world.ledger.start_over()
    client = world.client("calls", "0", "10")
    assert client.wait(PATIENCE_S) == 0, client.stdout.read()
    assert world.ledger.check(0, 10)[Ledger.OK] == 10
    assert world.stop(gateway, signal.SIGTERM) == 0
    assert world.stop(copy, signal.SIGTERM) == 0


def strangers_get_nowhere(world):
    """Messages that no client of ours sends have no effect on other clients.
    They don't make the gateway publish to a subject to which the sender itself
    may not publish."""
    gateway, instance = world.gateway()
    wire = world.wire()
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
    # A link that does not exist is refused; the number of an open one can't be
    # guessed.
    wire.publish(place, parcel(DATA, 1 << 40, data=b"x"), "_INBOX.stranger")
    subject, body = wire.receive()
    assert subject == "_INBOX.stranger", subject
    assert PARCEL.unpack(body[:32])[2] == CLOSE
    wire.publish(place, parcel(OPEN), "_INBOX.stranger")
    link = PARCEL.unpack(wire.receive()[1][:32])
    assert link[2] == OPENED and link[5] != 0, link
    # Bytes after a gap end the link.
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


def our_configuration_is_valid(world):
    """deploy/nats.conf agrees with the permissions that the program prints."""
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")
    done = subprocess.run(
        [PROGRAM, "-t", "-c", os.path.join(top, "deploy/nats.conf")],
        text=True, capture_output=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done


def only_users_of_nats_load_its_library(world):
    """A client of shm:// does not load libshmrpc-nats; a client of nats://
    does."""
    gateway, _ = world.gateway()
    for address, loads in (("shm://life", False), (world.address(), True)):
        client = world.client("linger", address=address)
        child = int(client.stdout.readline())
        with open(f"/proc/{client.pid}/maps") as file:
            maps = file.read()
        for library in ("libnats", "libshmrpc-nats"):
            assert (f"/{library}.so" in maps) == loads, (address, library)
        os.kill(child, signal.SIGKILL)
        world.stop(client)
    code = world.stop(gateway, signal.SIGTERM)
    assert code == 0, code


def prepare(world):
    wrong_arguments_are_told(world)
    world.nats()
    world.service()


if __name__ == "__main__":
    sys.exit(main(prepare, [
        our_configuration_is_valid, tools_of_nats_see_it, strangers_get_nowhere, calls_come_back,
        hundred_calls_in_flight_get_their_own_answers, an_instance_serves_the_name,
        only_users_of_nats_load_its_library]))
