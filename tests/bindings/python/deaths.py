"""Serves tests/integration/workers.svc, as workers_server.c does, for
tests/integration/workers_death_test.c, which kills and stops workers."""

import os
import time

import shmrpc


def nap(ms):
    until = time.monotonic() + ms / 1000
    print("nap", os.getpid(), flush=True)
    while (left := until - time.monotonic()) > 0:
        time.sleep(left)
    return os.getpid()


class Workers:
    __svc__ = "../../integration/workers.svc"

    def echo(self, number):
        return number

    def blob(self, data):
        return data

    def pid(self):
        return os.getpid()

    def nap(self, ms):
        return nap(ms)

    nap_again = nap_alone = nap  # all three are the same method

    def connection(self):
        return shmrpc.context().connection

    def crash(self):
        os.abort()

    crash_again = crash

    def hang(self):
        while True:
            time.sleep(1)

    def fail(self, status):
        raise shmrpc.Error(f"status {status}")

    note = fail

    def not_asked(self, *args):
        raise NotImplementedError

    lend = token = put = leak = sum = loads = forks = not_asked


if __name__ == "__main__":
    shmrpc.main(Workers)
