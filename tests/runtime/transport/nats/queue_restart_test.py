"""The nats-server of a queue is killed while jobs are pushed and run, and is
started again on the same store and port, three times: each job is run at least
once, and the last pop of each worker ends. With SHMRPC_TEST_LONG=1: 20 rounds.

The server is not killed while the queue is created or ended: nats-server 2.9.10
writes what it knows of a stream in two steps. If it dies between them, it drops
the stream when it is started again."""

import os
import subprocess
import sys
import tempfile
import time
from types import SimpleNamespace

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "..", "tools", "shmrpc-nats"))
import world

ROUNDS = 20 if os.environ.get("SHMRPC_TEST_LONG") == "1" else 1
JOBS, KILLS, WORKERS = 300, 3, 2
PATIENCE_S = 60


def runs(path):
    """How many jobs have been run."""
    with open(path, "rb") as file:
        return JOBS - file.read()[::2].count(0)


def start(stage, *command):
    process = subprocess.Popen(command, env=stage.environment)
    stage.running.append(process)
    return process


def one_round(stage, program, server, number):
    address = (f"nats://127.0.0.1:{server.port}/test.restart{number}"
               "?ack_wait=4")
    ledger = os.path.join(stage.folder, f"jobs{number}")
    with open(ledger, "wb") as file:
        file.truncate(2 * JOBS)
    pusher = start(stage, program, "feed", address, str(JOBS))
    workers = [start(stage, program, "work", address, ledger)
               for _ in range(WORKERS)]
    for kill in range(1, KILLS + 1):
        world.await_(lambda: runs(ledger) >= JOBS * kill // (KILLS + 1),
                     "the jobs go on")
        server.kill()
        server.start()
    assert pusher.wait(PATIENCE_S) == 0, "the pusher has failed"
    assert start(stage, program, "end", address, "0").wait(PATIENCE_S) == 0
    for worker in workers:
        assert worker.wait(PATIENCE_S) == 0, "a worker has failed"
    with open(ledger, "rb") as file:
        data = file.read()
    assert runs(ledger) == JOBS, "some jobs were never run"
    return sum(data[::2]) - JOBS


def main():
    libraries, program = sys.argv[1:]
    if world.PROGRAM is None:
        print("SKIPPED: no nats-server here (Debian's package nats-server): "
              "queues whose server is killed are not tested")
        return 77
    with tempfile.TemporaryDirectory(prefix="shmrpc-nats-") as folder:
        stage = SimpleNamespace(
            folder=folder, running=[],
            stop=lambda process: (process.kill(), process.wait()),
            environment=dict(os.environ, LD_LIBRARY_PATH=libraries,
                             SHMRPC_DIR=folder))
        try:
            server = world.Server(stage, options=["-js", "-sd", folder])
            for number in range(ROUNDS):
                begun = time.monotonic()
                again = one_round(stage, program, server, number)
                print(f"{JOBS} jobs, {KILLS} restarts: {again} jobs run again, "
                      f"{time.monotonic() - begun:.1f} s", flush=True)
        finally:
            for process in stage.running:
                process.kill()
                process.wait()
    return 0


sys.exit(main())
