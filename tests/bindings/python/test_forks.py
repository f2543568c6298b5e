"""Clients in other processes and interpreters: forks with calls in flight,
pools, subinterpreters."""

import functools
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import pytest

import shmrpc
from conftest import PATIENCE_S
from processes import fork, join

INTERPRETERS = 100 if os.environ.get("SHMRPC_TEST_LONG") else 12
FOREVER_MS = 4 * PATIENCE_S * 1000


def test_calls_in_flight_are_the_parents(fault):
    nap = fault.nap.start(FOREVER_MS)
    number = fault.echo.start(7)

    def child():
        for call in (nap, number):
            with pytest.raises(shmrpc.Forked):
                call.result()
        return 0 if fault.echo(2) == 2 else 1

    assert join(fork(child)) == 0
    assert number.result() == 7 and fault.echo(3) == 3
    nap.cancel()
    with pytest.raises(shmrpc.Cancelled):
        nap.result()


def add_with(client, number):
    """Runs in a process of a pool; the client was pickled to get there."""
    with client:
        return client.add(number, 1), os.getpid()


@pytest.mark.parametrize("how", ["fork", "spawn", "forkserver"])
def test_pool_of_processes(echo, how):
    context = multiprocessing.get_context(how)
    add = functools.partial(add_with, echo)
    with ProcessPoolExecutor(2, context) as pool:
        rows = list(pool.map(add, range(8)))
    assert [total for total, _ in rows] == list(range(1, 9))
    assert os.getpid() not in {pid for _, pid in rows}
    assert echo.add(1, 2) == 3
    if how == "forkserver":
        multiprocessing.forkserver._forkserver._stop()


INTERPRETER = """
import shmrpc
with shmrpc.connect("echo_serv") as echo:
    assert echo.add(1, 2) == 3
    assert echo.echo_json({"a": [1, None]}) == {"a": [1, None]}
    try:
        echo.add(1 << 62, 1 << 62)
    except echo.errors.Overflow:
        pass
"""


def resources():
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 10, len(
        os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))


def test_subinterpreters(echo):
    """Each subinterpreter imports shmrpc, calls and ends; nothing remains."""
    interpreters = pytest.importorskip("_xxsubinterpreters")
    before = None
    for number in range(INTERPRETERS):
        interpreter = interpreters.create()
        interpreters.run_string(interpreter, INTERPRETER)
        interpreters.destroy(interpreter)
        if number == INTERPRETERS // 3:
            before = resources()
    kib, descriptors, threads = resources()
    assert (descriptors, threads) == before[1:]
    assert "ASAN_OPTIONS" in os.environ or kib - before[0] < 2048
