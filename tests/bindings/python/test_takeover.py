"""A server in C and one in Python with the same .svc take over from each other
under load: no call fails, and no call runs twice."""

import itertools
import os
import struct
import sys
import threading
import time

import shmrpc
from test_workers import HERE, PATIENCE_S, Service

LANGUAGES = os.path.join(HERE, "../../languages")
WHERE = "shm://conform@takeover"
ROUNDS = 10 if os.environ.get("SHMRPC_TEST_LONG") else 2
CLIENTS = 4
CALLS = 20  # least number of calls that each client makes at each server


def start(kind, ledger, *options):
    """Starts a server that is written in C or in Python."""
    command = {
        "c": [os.environ["CONFORM_SERVER"]],
        "python": [sys.executable, "-W", "error",
                   os.path.join(LANGUAGES, "service.py"), "dynamic"],
    }[kind]
    service = Service.__new__(Service)
    service.where = WHERE
    service._start([*command, f"--listen={WHERE}", "--workers=2", *options],
                   {"CONFORM_LEDGER": ledger})
    service.wait_for("serving at")
    return service


class Caller(threading.Thread):
    """Calls until it is told to stop; each call has a different number."""

    def __init__(self, number, stopped):
        super().__init__()
        self.number = number
        self.stopped = stopped
        self.sent = []
        self.pids = {}  # pid of each worker -> how many calls it has answered
        self.failure = None

    def run(self):
        try:
            with shmrpc.connect(WHERE, timeout=PATIENCE_S) as client:
                for i in itertools.count():
                    if self.stopped.is_set():
                        return
                    number = self.number << 32 | i
                    self.sent.append(number)
                    pid = client.once(number)
                    assert client.json_u64(number) == number
                    self.pids[pid] = self.pids.get(pid, 0) + 1
        except BaseException as error:
            self.failure = error


def answered(caller, before):
    """Returns how many calls were answered by workers that are not in
    `before`."""
    return sum(count for pid, count in list(caller.pids.items())
               if pid not in before)


def await_calls(callers, before):
    until = time.monotonic() + PATIENCE_S
    while any(answered(caller, before) < CALLS for caller in callers):
        for caller in callers:
            assert caller.failure is None, repr(caller.failure)
        assert time.monotonic() < until
        time.sleep(0.005)


def numbers_in(ledger):
    with open(ledger, "rb") as file:
        return [row[0] for row in struct.iter_unpack("<Q", file.read())]


def test_c_and_python_take_over_from_each_other(folder, tmp_path):
    ledger = str(tmp_path / "ledger")
    stopped = threading.Event()
    callers = [Caller(i, stopped) for i in range(CLIENTS)]
    server = start("c", ledger)
    try:
        for caller in callers:
            caller.start()
        await_calls(callers, set())
        for kind in ["python", "c"] * ROUNDS:
            before = {pid for caller in callers for pid in list(caller.pids)}
            successor = start(kind, ledger, "--take-over")
            old, server = server, successor
            assert old.process.wait(PATIENCE_S) == 0, "\n".join(old.lines)
            old.reader.join(PATIENCE_S)
            old.process.stdout.close()
            await_calls(callers, before)
    finally:
        stopped.set()
        for caller in callers:
            caller.join(PATIENCE_S)
        server.stop()
    assert [caller.failure for caller in callers] == [None] * CLIENTS
    sent = [number for caller in callers for number in caller.sent]
    assert sorted(numbers_in(ledger)) == sorted(sent)
