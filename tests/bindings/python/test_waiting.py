"""Calls that wait: other threads, signals, forks, the death of a server."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import shmrpc
from conftest import PATIENCE_S, start

FOREVER_MS = 4 * PATIENCE_S * 1000


def await_napping(fault, count):
    until = time.monotonic() + PATIENCE_S
    while fault.napping() < count:
        assert time.monotonic() < until


@pytest.fixture
def napper(fault):
    """A second connection; its naps are cancelled at the end."""
    client = shmrpc.connect("fault", timeout=4 * PATIENCE_S)
    yield client
    client.close()


def test_waiting_thread_lets_others_run(fault, napper):
    """A thread that waits in a call has released the GIL."""
    caught = []

    def nap():
        try:
            napper.nap(FOREVER_MS, _timeout=PATIENCE_S / 4)
        except shmrpc.Error as error:
            caught.append(error)

    thread = threading.Thread(target=nap)
    thread.start()
    await_napping(fault, 1)  # this call must also release the GIL
    assert fault.echo(1) == 1
    counted = sum(range(100000))
    assert counted == 4999950000
    call = fault.nap.start(FOREVER_MS)
    call.cancel()
    assert thread.is_alive()
    thread.join(2 * PATIENCE_S)
    assert not thread.is_alive()
    assert [type(error) for error in caught] == [shmrpc.DeadlineExceeded]


def test_many_threads_share_a_client(fault):
    wrong = []

    def work(number):
        for i in range(200):
            if fault.echo(number * 1000 + i) != number * 1000 + i:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(4 * PATIENCE_S)
        assert not thread.is_alive()
    assert wrong == []


def test_threads_share_a_client_beside_a_busy_one(fault):
    """The busy thread releases the GIL only every 5 ms."""
    wrong = []
    is_over = False

    def compute():
        while not is_over:
            sum(range(100))

    def work(number):
        for i in range(10):
            if fault.echo(number * 1000 + i) != number * 1000 + i:
                wrong.append(number)

    busy = threading.Thread(target=compute)
    busy.start()
    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(4 * PATIENCE_S)
        assert not thread.is_alive()
    is_over = True
    busy.join(PATIENCE_S)
    assert wrong == []


def test_first_calls_of_many_threads_make_classes_once(kinds):
    """A service's classes are made by the first call that needs them."""
    client = shmrpc.connect("kinds")
    barrier = threading.Barrier(8)
    got = []

    def work():
        barrier.wait(PATIENCE_S)
        got.append(client.json_loose.__signature__ and client.types.Point)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert len(got) == 8 and len(set(map(id, got))) == 1
    client.close()


class Interrupted(Exception):
    pass


def interrupt_when(condition):
    """Returns a function that starts to send this process a signal as soon as
    the condition holds."""
    gate = threading.Event()

    def wait():
        gate.wait(PATIENCE_S)
        until = time.monotonic() + PATIENCE_S
        while not condition() and time.monotonic() < until:
            pass
        os.kill(os.getpid(), signal.SIGUSR1)

    threading.Thread(target=wait, daemon=True).start()
    return gate.set


@pytest.fixture
def handler():
    def raise_it(number, frame):
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, raise_it)
    yield
    signal.signal(signal.SIGUSR1, before)


def test_signal_interrupts_a_call(fault, napper, handler):
    cancelled = fault.cancelled()
    begin = interrupt_when(lambda: fault.napping() > 0)
    with pytest.raises(Interrupted):
        begin()
        napper.nap(FOREVER_MS)
    until = time.monotonic() + PATIENCE_S
    while fault.cancelled() == cancelled:
        assert time.monotonic() < until
    assert napper.echo(5) == 5


def test_signal_interrupts_a_result(fault, napper, handler):
    call = napper.nap.start(FOREVER_MS)
    begin = interrupt_when(lambda: fault.napping() > 0)
    with pytest.raises(Interrupted):
        begin()
        call.result()
    assert napper.echo(6) == 6


def test_signal_whose_handler_returns_interrupts_nothing(fault, napper):
    seen = []
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))
    try:
        interrupt_when(lambda: fault.napping() > 0)()
        napper.nap(1000)
        until = time.monotonic() + PATIENCE_S
        while not seen and time.monotonic() < until:
            pass
        assert seen == [1]
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_control_c_ends_a_program(folder, fault):
    """The program waits in our C code, not in Python."""
    script = ("import shmrpc, sys\n"
              "with shmrpc.connect('fault') as fault:\n"
              "    print('ready', flush=True)\n"
              "    fault.nap(%d, _timeout=%d)\n" % (FOREVER_MS, PATIENCE_S))
    process = subprocess.Popen([sys.executable, "-B", "-c", script],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    await_napping(fault, 1)
    process.send_signal(signal.SIGINT)
    _, trace = process.communicate(timeout=PATIENCE_S)
    assert b"KeyboardInterrupt" in trace
    assert process.returncode == -signal.SIGINT


def test_child_of_a_fork_has_its_own_connection(fault):
    assert fault.echo(1) == 1
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if fault.echo(2) == 2 else 2
        finally:
            os._exit(status)
    assert fault.echo(3) == 3
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_deadline_is_kept(napper):
    began = time.monotonic()
    with pytest.raises(TimeoutError) as caught:
        napper.nap(FOREVER_MS, _timeout=0.05)
    assert time.monotonic() - began >= 0.05
    assert caught.value.name == "DEADLINE" and caught.value.may_have_run


def test_dead_server_is_an_error(folder):
    server = start("FAULT_SERVER", "--listen=shm://@dying", "--workers=0",
                   "--threads=2")
    client = shmrpc.connect("fault@dying", wait=PATIENCE_S)
    call = client.nap.start(FOREVER_MS, _timeout=2 * PATIENCE_S)
    until = time.monotonic() + PATIENCE_S
    while client.napping() == 0:
        assert time.monotonic() < until
    server.kill()
    server.wait()
    with pytest.raises(ConnectionError) as caught:
        call.result()
    assert caught.value.may_have_run
    client.close()


def test_memory_and_descriptors_stay_the_same(echo, kinds, fault):

    def descriptors():
        return len(os.listdir("/proc/self/fd"))

    def once():
        assert echo.add(1, 2) == 3
        echo.echo_json({"a": [1, "x"]})
        echo.echo_raw(b"x" * 300)
        with echo.echo_raw.view(b"x" * 5000) as memory:
            assert memory[0] == 120
        fault.echo.start(1).result()
        with pytest.raises(TypeError):
            echo.add("x", 1)
        with pytest.raises(shmrpc.DeclaredError):
            echo.add(1 << 62, 1 << 62)

    def blocks_of(count):
        before = sys.getallocatedblocks()
        for _ in range(count):
            once()
        return sys.getallocatedblocks() - before

    blocks_of(50)
    before = descriptors()
    # Other threads or caches may take memory once; a leak takes memory in each
    # round.
    assert min(blocks_of(150) for _ in range(3)) < 100
    assert descriptors() == before
