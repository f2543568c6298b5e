"""shmrpc.Lock: between processes, with HybridLock's modes and errors."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time

import pytest

import shmrpc
from shmrpc import (
    CONNECT_OR_CREATE,
    CONNECT_TO_EXISTING,
    CREATE_NEW_EXCLUSIVE,
    CREATE_NEW_OVERWRITE,
)

PATIENCE_S = 60
count = 0


@pytest.fixture
def name(folder):
    global count
    count += 1
    made = f"lock-{os.getpid()}-{count}"
    yield made
    lock = shmrpc.Lock(made, CREATE_NEW_OVERWRITE)
    lock.destroy()
    lock.close()


def other(program, *words):
    """Starts a process that has a `lock`, reads commands, and prints
    results."""
    text = "import sys, os, shmrpc\nname = sys.argv[1]\n" + program
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", text, *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_modes_and_their_errors(name):
    with pytest.raises(shmrpc.NoSuchSemaphore) as caught:
        shmrpc.Lock(name, CONNECT_TO_EXISTING)
    assert isinstance(caught.value, LookupError) and caught.value.status < 0
    first = shmrpc.Lock(name, CREATE_NEW_EXCLUSIVE)
    with pytest.raises(shmrpc.SemaphoreExists):
        shmrpc.Lock(name, CREATE_NEW_EXCLUSIVE)
    second = shmrpc.Lock(name, CONNECT_TO_EXISTING)
    third = shmrpc.Lock(name, CONNECT_OR_CREATE)
    assert [lock.get_value() for lock in (first, second, third)] == [1, 1, 1]
    assert first.get_pid_holding_lock() == 0 and not first.locked()
    first.lock()
    assert [lock.get_value() for lock in (first, second, third)] == [0, 0, 0]
    assert third.get_pid_holding_lock() == os.getpid() and third.locked()
    first.unlock()
    fourth = shmrpc.Lock(name, CREATE_NEW_OVERWRITE)
    assert second.get_destroyed() and not fourth.get_destroyed()
    with pytest.raises(shmrpc.SemaphoreDestroyed):
        first.lock()
    with pytest.raises(shmrpc.SemaphoreDestroyed):
        second.get_value()
    fourth.destroy()
    with pytest.raises(shmrpc.SemaphoreDestroyed):
        fourth.destroy()
    with pytest.raises(shmrpc.NoSuchSemaphore):
        shmrpc.Lock(name, CONNECT_TO_EXISTING)
    for lock in (first, second, third, fourth):
        lock.close()
        lock.close()
    with pytest.raises(ValueError, match="closed"):
        first.lock()


def test_what_is_no_mode_or_name(name):
    for arguments in ((name, 4), (name, 0, 2), ("a/b",), ("",)):
        with pytest.raises(ValueError):
            shmrpc.Lock(*arguments)


def test_created_held_until_another_process_unlocks(name):
    lock = shmrpc.Lock(name, initial_value=0, semaphore=True)
    assert not lock.acquire(False) and lock.get_value() == 0
    process = other("shmrpc.Lock(name, semaphore=True).unlock()", name)
    lock.lock(timeout=PATIENCE_S)
    assert process.wait(PATIENCE_S) == 0
    process.stdin.close()
    process.stdout.close()
    lock.unlock()
    assert lock.get_value() == 1
    lock.close()


def test_timeouts_are_seconds_with_fractions(name):
    lock = shmrpc.Lock(name)
    lock.lock(timeout=1)
    begun = time.monotonic()
    caught = []

    def wait():
        try:
            lock.lock(timeout=0.12)
        except TimeoutError as error:
            caught.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    thread.join(PATIENCE_S)
    assert time.monotonic() - begun >= 0.12
    assert isinstance(caught[0], shmrpc.DeadlineExceeded)
    assert f"process {os.getpid()} holds it" in str(caught[0])
    lock.unlock()
    for bad in (float("nan"), "1"):
        with pytest.raises((ValueError, TypeError)):
            lock.lock(timeout=bad)
    lock.close()


def test_as_threading_has_it(name):
    with shmrpc.Lock(name) as lock:
        assert lock.locked() and not lock.acquire(blocking=False)
        with pytest.raises(shmrpc.NotHeld):
            lock.acquire()  # otherwise the thread would wait for itself
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(lock.acquire(timeout=0.01)))
        thread.start()
        thread.join(PATIENCE_S)
        assert answers == [False]
    assert not lock.locked()
    with pytest.raises(RuntimeError):
        lock.release()
    with pytest.raises(ValueError):
        lock.release()
    lock.close()


def test_recursive_and_shared(name):
    lock = shmrpc.Lock(name, recursive=True)
    with lock, lock:
        assert lock.locked()
    assert not lock.locked()
    lock.destroy()
    lock.close()
    both = shmrpc.Lock(name, shared=True)
    with both.read(), both.read():
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(both.acquire(timeout=0.01)))
        thread.start()
        thread.join(PATIENCE_S)
        assert answers == [False]
    with both:
        pass
    both.close()


COUNT = """
lock = shmrpc.Lock(name)
for _ in range(200):
    with lock:
        with open(sys.argv[2], "r+") as file:
            number = int(file.read())
            file.seek(0)
            file.write(str(number + 1))
"""


def test_excludes_processes(name, tmp_path):
    path = tmp_path / "number"
    path.write_text("0")
    processes = [other(COUNT, name, str(path)) for _ in range(3)]
    for process in processes:
        assert process.wait(PATIENCE_S) == 0
        process.stdin.close()
        process.stdout.close()
    assert path.read_text() == "600"


HOLD = """
lock = shmrpc.Lock(name)
lock.lock()
print("held", flush=True)
sys.stdin.read()
"""


def killed_while_holding(name):
    process = other(HOLD, name)
    assert process.stdout.readline() == "held\n"
    process.kill()
    process.wait(PATIENCE_S)
    process.stdin.close()
    process.stdout.close()


def test_death_of_the_owner(name):
    lock = shmrpc.Lock(name)
    killed_while_holding(name)
    for _ in range(2):  # the data has not been repaired
        with pytest.raises(shmrpc.OwnerDied, match="repair="):
            lock.lock(timeout=PATIENCE_S)
    mended = []
    held = shmrpc.Lock(name, repair=lambda: mended.append(lock.locked()))
    with held:
        assert mended == [True]
    with lock:
        pass
    killed_while_holding(name)

    def fail():
        raise RuntimeError("can't")

    failing = shmrpc.Lock(name, repair=fail)
    with pytest.raises(RuntimeError, match="can't"):
        failing.lock()
    assert not lock.locked()
    with held:
        assert len(mended) == 2
    for one in (lock, held, failing):
        one.close()


def test_signals_are_heard_while_it_waits(name):
    process = other(HOLD, name)
    assert process.stdout.readline() == "held\n"
    waiting = other("""
lock = shmrpc.Lock(name)
try:
    print("waiting", flush=True)
    lock.lock()
except KeyboardInterrupt:
    print("interrupted", flush=True)
""", name)
    assert waiting.stdout.readline() == "waiting\n"
    # The process may not be waiting yet: then the signal is handled at an
    # earlier line.
    until = time.monotonic() + PATIENCE_S
    while waiting.poll() is None and time.monotonic() < until:
        waiting.send_signal(signal.SIGINT)
        try:
            waiting.wait(0.2)
        except subprocess.TimeoutExpired:
            pass
    assert waiting.stdout.read() == "interrupted\n"
    for one in (process, waiting):
        one.communicate("")


def test_a_handle_goes_to_other_processes(name):
    lock = shmrpc.Lock(name, permissions=0o600)
    copy = pickle.loads(pickle.dumps(lock))
    assert copy.name == name
    lock.lock()
    assert copy.locked()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=expect_locked, args=(lock,))
    process.start()
    process.join(PATIENCE_S)
    assert process.exitcode == 0
    pid = os.fork()
    if pid == 0:
        # The inherited handle does not hold the lock in this process.
        os._exit(0 if not lock.acquire(False) else 1)
    assert os.waitpid(pid, 0)[1] == 0
    lock.unlock()
    lock.close()
    copy.close()


def expect_locked(lock):
    assert lock.locked() and not lock.acquire(timeout=0.01)
    lock.close()
