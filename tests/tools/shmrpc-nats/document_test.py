#!/usr/bin/env python3
"""document_test.py SHMRPC_NATS LIFE_SERVER LIFE_CLIENT LIBRARIES LIBRARY_SERVER
SHMRPC: runs the commands of docs/many-machines.md line by line on two machines
(machines.py)."""

import os
import re
import signal
import subprocess
import sys

import machines
from world import PATIENCE_S, PROGRAM, main

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")
READY = ("serving at", "Server is ready")


def blocks():
    """Returns the machine and the lines of each block that begins with `#
    machine NAME`."""
    with open(os.path.join(TOP, "docs/many-machines.md")) as file:
        found = re.findall(r"```sh\n# machine (\w+)\n(.*?)```", file.read(), re.S)
    return [(name, text.splitlines()) for name, text in found]


def begin(machine, command):
    """Starts a command, and waits until it prints that it is ready."""
    process = machine.start("sh", "-c", "exec " + command,
                            stderr=subprocess.STDOUT)
    said = ""
    while not any(word in said for word in READY):
        line = process.stdout.readline()
        said += line
        assert line, (machine.name, command, said)
    return process


def run(machine, command):
    done = subprocess.run(
        machine.inside("sh", "-c", command), text=True, capture_output=True,
        env=machine.environment, timeout=PATIENCE_S)
    assert done.returncode == 0, (machine.name, command, done)
    return done.stdout


def the_document_can_be_followed(world):
    said, running = {}, {}
    for name, lines in blocks():
        for line in lines:
            if line.endswith("&"):
                running[name, line.split()[0]] = begin(world.named[name],
                                                       line.rstrip("& "))
            else:
                said[line] = run(world.named[name], line)
    finds = [line for line in said if line.startswith("search-client ")]
    shows = [line for line in said if line.startswith("shmrpc ps ")]
    assert len(running) == 5 and finds and shows, (running, said)
    assert ".md" in said[finds[0]], said
    hosts = set(re.findall(r"\b[ab]\b", said[shows[0]]))
    assert hosts == {"a", "b"}, said
    # After machine b's copy was killed, the other machine's copy answers.
    for program in ("shmrpc-nats", "search-server"):
        world.stop(running["b", program], signal.SIGKILL)
    again = run(world.named["b"], finds[0])
    assert ".md" in again, again


def prepare(world):
    os.chdir(TOP)
    build = os.path.join(os.path.dirname(sys.argv[6]), "../..")
    world.named = {name: machines.Machine(world, name, number)
                   for number, name in enumerate(("a", "b"), 1)}
    for machine in world.named.values():
        machine.environment["PATH"] = os.pathsep.join(
            [os.path.join(build, folder) for folder in
             ("tools/shmrpc", "tools/shmrpc-nats", "examples/search")] +
            [os.path.dirname(PROGRAM), os.environ["PATH"]])


if __name__ == "__main__":
    machines.enter()
    sys.exit(main(prepare, [the_document_can_be_followed]))
