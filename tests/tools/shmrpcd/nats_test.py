#!/usr/bin/env python3
"""nats_test.py PROGRAM...: the manager with the gateway to a NATS cluster, for
all sections that want it (harness.py; world.py for the nats-server)."""

import json
import os
import shutil
import signal
import sys

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..",
                                "shmrpc-nats"))

# pylint: disable=wrong-import-position
from harness import await_that, is_alive, main, read
from world import PROGRAM, Server

from identity import Key

# The time that restarting a gateway may take on a busy machine.
PATIENCE = 60
GATEWAY = os.environ["SHMRPC_TEST_NATS"]


class Nats:
    """A nats-server of the test's own, while its block runs."""

    def __init__(self, manager, conf=""):
        self.folder = manager.folder
        self.running = []
        path = manager.path("nats.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(conf)
        manager.env["PATH"] = ":".join([os.path.dirname(GATEWAY),
                                        manager.env["PATH"]])
        self.server = Server(self, options=["-c", path])
        self.address = f"nats://127.0.0.1:{self.server.port}"
        manager.env["SHMRPC_NATS"] = self.address
        # The gateway's sandbox forbids the leak checker to trace it.
        manager.env["ASAN_OPTIONS"] = "detect_leaks=0"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.running:
            process.kill()
            process.wait()


def defaults(manager, nats, **keys):
    return manager.body("defaults", nats=nats.address,
                        tcp_allow_insecure_serialisation="yes", **keys)


def echo(manager, **keys):
    return manager.body("Echo", exec=manager.programs.echo, **keys)


def primes(manager, **keys):
    return manager.body("Primes", exec=manager.programs.primes, **keys)


def announced(manager):
    """Returns the services of the cluster, and their zones."""
    rows = json.loads(manager.run("ps", "--nats", "--json"))
    return sorted((row["service"], row["zone"]) for row in rows)


def await_announced(manager, *wanted):
    await_that(f"{wanted} are announced",
               lambda: announced(manager) == sorted(wanted), PATIENCE)


def await_gateway(manager, state, starts=None):
    """Waits until the gateway is in `state`, and returns its status. `starts`
    is the pid of an earlier process, which doesn't count."""
    def is_so():
        status = manager.status("shmrpc-nats")
        return status if status["state"] == state and \
            status["pid"] != starts else None
    return await_that(f"the gateway is {state}", is_so, PATIENCE)


# ---- the cases -------------------------------------------------------------


def test_one_gateway_announces_all(manager):
    """Several services share the gateway, which survives them and is restarted
    when it dies."""
    with Nats(manager) as nats:
        manager.start(
            defaults(manager, nats, nats_bind="yes", nats_zone="east",
                     log_dir="logs"),
            echo(manager), primes(manager),
            manager.section("Plain", "lines=1", ready="started",
                            nats_bind="no"))
        await_announced(manager, ("echo_serv", "east"), ("primes", "east"))
        status = await_gateway(manager, "RUNNING")
        assert status["addresses"] == [nats.address], status
        assert "shmrpc-nats" in manager.run("ps"), manager.run("ps")
        assert manager.run("call", "--nats", "echo_serv", "add", "2",
                           "3").strip() == "5"
        # Stopping a service does not end the gateway of the others.
        manager.run("stop", "Primes")
        assert manager.run("call", "--nats", "echo_serv", "add", "2",
                           "4").strip() == "6"
        manager.run("start", "Primes")
        manager.await_state("Primes", "RUNNING")
        assert manager.status("shmrpc-nats")["pid"] == status["pid"]
        # The gateway itself is restarted.
        os.kill(status["pid"], signal.SIGKILL)
        again = await_gateway(manager, "RUNNING", starts=status["pid"])
        assert again["restarts"] == 1, again
        await_announced(manager, ("echo_serv", "east"), ("primes", "east"))
        assert manager.stop() == 0
        assert not is_alive(again["pid"])
        manager.await_nobody()
        assert "echo_serv: serving at" in read(
            manager.path("logs/shmrpc-nats.log"))


def test_the_gateway_follows_the_file(manager):
    """Sections are added and removed, and services are started later."""
    with Nats(manager) as nats:
        both = (echo(manager, nats_bind="yes"),
                primes(manager, nats_bind="yes", autostart="no"))
        manager.start(defaults(manager, nats), *both)
        await_announced(manager, ("echo_serv", ""))
        first = await_gateway(manager, "RUNNING")["pid"]
        manager.run("start", "Primes")
        await_announced(manager, ("echo_serv", ""), ("primes", ""))
        second = await_gateway(manager, "RUNNING", starts=first)["pid"]
        manager.write(defaults(manager, nats), echo(manager),
                      primes(manager, nats_bind="yes"))
        manager.run("reload")
        await_announced(manager, ("primes", ""))
        await_gateway(manager, "RUNNING", starts=second)
        manager.write(defaults(manager, nats), echo(manager), primes(manager))
        manager.run("reload")
        await_announced(manager)
        await_that("the gateway has gone",
                   lambda: "shmrpc-nats" not in manager.run("ps"), PATIENCE)
        assert manager.stop() == 0


def test_nobody_waits_for_one_that_fails(manager):
    """Other services are reachable over NATS although one never starts."""
    with Nats(manager) as nats:
        manager.start(defaults(manager, nats, nats_bind="yes"), echo(manager),
                      manager.section("Broken", "exit=3"))
        await_announced(manager, ("echo_serv", ""))
        # The same holds for a service that has not reported yet that it is
        # ready.
        manager.write(defaults(manager, nats, nats_bind="yes"), echo(manager),
                      manager.section("Slow", "say=x", start_timeout="1h"))
        manager.run("reload")
        await_announced(manager, ("echo_serv", ""))
        manager.stop()


def test_wrong_credentials_are_named(manager):
    """Error messages name the file and the reason, in the log and in ps."""
    known = Key(manager.folder, "user", "known")
    stranger = Key(manager.folder, "user", "stranger")
    conf = f"authorization {{ users: [ {{ nkey: {known.public} }} ] }}\n"
    with Nats(manager, conf) as nats:
        manager.start(defaults(manager, nats, nats_bind="yes",
                               nats_nkey=stranger.seed_file), echo(manager))

        def said(part):
            return await_that(
                f"ps says {part}", lambda: [
                    line for line in manager.run("ps").splitlines()
                    if "shmrpc-nats" in line and part in line], PATIENCE)[0]

        line = said("refuses")
        assert f"UNAUTHENTICATED: {stranger.seed_file}: " in line, line
        assert f"UNAUTHENTICATED: {stranger.seed_file}: " in read(manager.err)
        # First a file that does not exist, then the right one.
        for file in (manager.path("none.nk"), known.seed_file):
            manager.write(defaults(manager, nats, nats_bind="yes",
                                   nats_nkey=file), echo(manager))
            manager.run("reload")
            if file != known.seed_file:
                said(file)
        await_gateway(manager, "RUNNING")
        manager.env["SHMRPC_NATS"] += f"?nkey={known.seed_file}"
        await_announced(manager, ("echo_serv", ""))
        assert manager.stop() == 0


if __name__ == "__main__":
    if PROGRAM is None or shutil.which("openssl") is None:
        print("SKIPPED: no nats-server or no openssl here: the manager's "
              "gateway to NATS is not tested")
        sys.exit(77)
    main(globals())
