"""dict_death_test.py LIBRARIES ENTRIES: a dict on three machines
(machines.py), all of which put entries. Meanwhile the keepers of two machines'
copies are killed, and the nats-server is killed and restarted. Soon after the
last put all machines have the same entries, those of the last round. With
SHMRPC_TEST_LONG=1: 100,000 puts."""

import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "..", "tools", "shmrpc-nats"))
import machines
import world

LONG = os.environ.get("SHMRPC_TEST_LONG") == "1"
MACHINES = 3
KEYS, ROUNDS = (3334, 10) if LONG else (40, 10)
EQUAL_S = 30  # a second, on a machine that does nothing else


class Machine(machines.Machine):
    """A machine. The first process on it to open the dict keeps its copy."""

    def open(self, address):
        self.dict = address
        self.keeper = self.show()
        self.reader = self.show()

    def show(self):
        process = self.start(self.client_path, "show", self.dict,
                             stdin=subprocess.PIPE)
        assert process.stdout.readline() == "open\n"
        return process

    def put(self):
        self.writer = self.start(self.client_path, "put", self.dict, self.name,
                                 str(KEYS), str(ROUNDS))

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


def run(stage):
    """The first machine has the nats-server."""
    config = f'jetstream {{ store_dir: "{stage.folder}/jetstream" }}\n'
    first = Machine(stage, "machine1", 1)
    everyone = [first] + [Machine(stage, f"machine{number}", number, nats=first)
                          for number in range(2, MACHINES + 1)]
    server = first.serve_nats(config=config)
    for machine in everyone:
        machine.open(first.address() + "/test.dict")
    for machine in everyone:
        machine.put()
    for number in range(1, ROUNDS + 1):
        for machine in everyone:
            machine.await_round(number)
        if number == 3:
            everyone[0].kill_keeper()
        elif number == 5:
            server.kill()
            server.wait()
            server = first.serve_nats(config=config)
        elif number == 6:
            everyone[1].kill_keeper()
    ended = time.monotonic()
    total = MACHINES * KEYS
    while True:
        states = [machine.entries() for machine in everyone]
        if all(state == states[0] and state[0] == state[2] == str(total)
               for state in states):
            break
        assert time.monotonic() < ended + EQUAL_S, \
            f"expected {total} entries, the same on all machines: {states}"
        time.sleep(0.01)
    print(f"{total * ROUNDS} puts: equal after "
          f"{time.monotonic() - ended:.2f} s")
    for machine in everyone:
        assert machine.writer.wait(EQUAL_S) == 0, "a writer has failed"


def main():
    if world.PROGRAM is None:
        print("SKIPPED: no nats-server here (Debian's package nats-server): "
              "the death of those who keep a dict over NATS is not tested")
        return 77
    machines.enter()
    libraries, entries = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="shmrpc-nats-") as folder:
        stage = world.World((None, None, entries, libraries), folder)
        try:
            run(stage)
        finally:
            stage.stop_all()
    return 0


sys.exit(main())
