"""Helpers for tests of shared objects: other processes, which may be
killed."""

import gc
import os
import signal
import subprocess
import sys
import textwrap
import time

from conftest import PATIENCE_S

# System call numbers of futex, futex_waitv, clock_nanosleep and nanosleep on
# x86-64 and aarch64.
_SLEEPS = {"202", "449", "230", "35", "98", "115", "101"}


def run(script, *arguments):
    """Starts a program that has imported `shmrpc` and `sys`; its output is a
    pipe."""
    # If the tests run in the background, SIGINT is ignored in children.
    text = ("import os, shmrpc, signal, sys, time\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            + textwrap.dedent(script))
    return subprocess.Popen(
        [sys.executable, "-B", "-c", text, *arguments], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process):
    """Returns the process's output; fails unless the process has succeeded."""
    out, trace = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, trace
    return out


def kill(process):
    process.kill()
    process.communicate(timeout=PATIENCE_S)


def line(process):
    """Returns the next line of the process's output."""
    said = process.stdout.readline().strip()
    if not said:
        _, trace = process.communicate(timeout=PATIENCE_S)
        raise AssertionError(f"the process ended: {trace}")
    return said


def until(condition):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
    return True


def is_asleep(process):
    with open(f"/proc/{process.pid}/syscall") as file:
        return file.read().split()[0] in _SLEEPS


def interrupt(process):
    """Sends SIGINT to a process once it sleeps in a wait, and returns its
    output."""
    until(lambda: is_asleep(process))
    process.send_signal(signal.SIGINT)
    _, trace = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == -signal.SIGINT, trace
    return trace


def fork(function):
    """Runs a function in a forked child; its result is the child's exit
    status."""
    child = os.fork()
    if child == 0:
        status = 99
        try:
            status = int(function() or 0)
        finally:
            os._exit(status)
    return child


def join(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def growth(once, count=40):
    """Returns how many blocks of memory remain after `count` calls, in the
    best of several rounds: the first rounds fill caches."""
    least = count
    for _ in range(8):
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(count):
            once()
        gc.collect()
        least = min(least, sys.getallocatedblocks() - before)
        if least < count // 2:
            break
    return least
