"""A dict on three machines (three SHMRPC_DIRs), all of which put; meanwhile the
keeper of each machine's copy is killed, and so is the nats-server, which is
started anew. In the end all machines have the same entries, those of the last
round. With SHMRPC_TEST_LONG=1: 100,000 puts."""

import os
import subprocess
import sys
import tempfile
import time
from types import SimpleNamespace

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "..", "tools", "shmrpc-nats"))
import world

LONG = os.environ.get("SHMRPC_TEST_LONG") == "1"
MACHINES = 3
KEYS, ROUNDS = (3334, 10) if LONG else (40, 10)
PATIENCE_S = 600 if LONG else 240


class Machine:
    def __init__(self, stage, number, program, libraries, address):
        self.stage, self.program, self.address = stage, program, address
        self.name = f"machine{number}"
        folder = os.path.join(stage.folder, self.name)
        os.mkdir(folder, 0o700)
        self.environment = dict(os.environ, LD_LIBRARY_PATH=libraries,
                                SHMRPC_DIR=folder)
        # The first one to open the dict keeps the copy.
        self.keeper = self.start("show")
        assert self.keeper.stdout.readline() == "open\n"
        self.reader = self.start("show")
        assert self.reader.stdout.readline() == "open\n"

    def start(self, verb, *words):
        process = subprocess.Popen(
            [self.program, verb, self.address, *words], env=self.environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.stage.running.append(process)
        return process

    def put(self):
        self.writer = self.start("put", self.name, str(KEYS), str(ROUNDS))

    def await_round(self, number):
        line = self.writer.stdout.readline()
        assert line == f"round {number}\n", f"{self.name}: {line!r}"

    def kill_keeper(self):
        self.keeper.kill()
        self.keeper.wait()

    def entries(self):
        self.reader.stdin.write("?\n")
        self.reader.stdin.flush()
        return self.reader.stdout.readline().split()


def run(stage, program, libraries):
    server = world.Server(stage, options=["-js", "-sd", stage.folder])
    address = f"nats://127.0.0.1:{server.port}/test.dict"
    machines = [Machine(stage, number, program, libraries, address)
                for number in range(MACHINES)]
    for machine in machines:
        machine.put()
    for number in range(1, ROUNDS + 1):
        for machine in machines:
            machine.await_round(number)
        if number == 3:
            machines[0].kill_keeper()
        elif number == 5:
            server.process.kill()
            server.process.wait()
            server.start()
        elif number == 6:
            machines[1].kill_keeper()
    ended = time.monotonic()
    total = MACHINES * KEYS
    while True:
        states = [machine.entries() for machine in machines]
        if all(state == states[0] and state[0] == state[2] == str(total)
               for state in states):
            break
        assert time.monotonic() < ended + PATIENCE_S, \
            f"expected {total} entries, the same on all machines: {states}"
        time.sleep(0.01)
    print(f"{total * ROUNDS} puts: equal after "
          f"{time.monotonic() - ended:.2f} s")
    for machine in machines:
        assert machine.writer.wait(PATIENCE_S) == 0, "a writer has failed"


def main():
    libraries, program = sys.argv[1:]
    if world.PROGRAM is None:
        print("SKIPPED: no nats-server here (Debian's package nats-server): "
              "the death of those who keep a dict over NATS is not tested")
        return 77
    with tempfile.TemporaryDirectory(prefix="shmrpc-nats-") as folder:
        stage = SimpleNamespace(folder=folder, running=[])
        try:
            run(stage, program, libraries)
        finally:
            for process in stage.running:
                process.kill()
                process.wait()
    return 0


sys.exit(main())
