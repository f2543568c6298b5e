"""The cost of workers forked from one process: the time to replace a killed
one, and the memory of preloaded data."""

import os
import re
import signal
import statistics
import time

import pytest

import shmrpc
from test_workers import running

LONG = bool(os.environ.get("SHMRPC_TEST_LONG"))
KILLS = 20 if LONG else 5
# Promised: an exception reaches its caller within 0.1 s, and a killed worker is
# replaced within 1 s, if a CPU is free for them.
SLACK = 5
# Promised: 8 workers that share 1 GiB of preloaded data take at most 1.2 GiB
# together.
LOADED_MIB, WORKERS, MOST_MIB = (1024, 8, 1229) if LONG else (128, 3, 228)
CALLS = 10000 if LONG else 1000


def test_killed_worker_is_an_exception_at_once_and_another_one_comes(folder):
    until_raised, until_served = [], []
    with running("services:Works", "--workers=1") as service:
        with service.connect() as client:
            for _ in range(KILLS):
                pid = client.pid()
                call = client.sleep.start(50000)
                service.wait_for(f"asleep {pid}")
                killed = time.monotonic()
                os.kill(pid, signal.SIGKILL)
                with pytest.raises(shmrpc.WorkerDied):
                    call.result()
                until_raised.append(time.monotonic() - killed)
                assert client.pid() != pid
                until_served.append(time.monotonic() - killed)
    assert statistics.median(until_raised) < 0.1 * SLACK, until_raised
    assert statistics.median(until_served) < 1 * SLACK, until_served


def test_service_stops_at_once(folder):
    """Promised: a service stops within 0.2 s if a CPU is free for it. Here its
    processes compete for the CPUs, so the limit is multiplied by SLACK."""
    took = []
    for _ in range(5):
        with running("services:Works", "--workers=2") as service:
            with service.connect() as client:
                assert client.add(1, 2) == 3
            began = time.monotonic()
            service.process.terminate()
            assert service.process.wait(SLACK * 10) == 0
            took.append(time.monotonic() - began)
    assert statistics.median(took) < 0.2 * SLACK, took


def below(pid):
    """Yields a process and all of its descendants."""
    yield pid
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as file:
            for child in file.read().split():
                yield from below(int(child))


def pss_mib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return int(re.search(r"^Pss: +(\d+) kB", file.read(), re.M)[1]) / 1024


@pytest.mark.skipif("ASAN_OPTIONS" in os.environ,
                    reason="the sanitizer's own memory is many times ours")
def test_workers_share_what_was_loaded(folder):
    with running("services:Loaded", f"--workers={WORKERS}",
                 env={"LOADED_MIB": str(LOADED_MIB)}) as service:
        with service.connect() as client:
            pids = set()
            for first in range(0, CALLS, 50):
                calls = [client.again.start() for _ in range(50)]
                pids |= {call.result() for call in calls}
            assert len(pids) > 1
        sizes = {pid: pss_mib(pid) for pid in below(service.process.pid)}
    assert len(sizes) >= WORKERS + 1
    assert LOADED_MIB < sum(sizes.values()) < MOST_MIB, sizes
