"""Blocking streams of clients: iterating, sending, ending, interrupting."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import shmrpc
from conftest import PATIENCE_S, patiently, start


def test_items_are_iterated_over(flow):
    assert list(flow.count(5, 0)) == [0, 1, 2, 3, 4]
    assert list(flow.count(100000, 0)) == list(range(100000))
    with flow.count(3, status=0) as items:
        assert next(items) == 0
        assert [*items] == [1, 2]
        assert next(items, None) is None
    assert items.closed


def test_items_are_sent_and_summed(flow):
    with flow.sum() as numbers:
        for number in range(10000):
            numbers.send(number)
        assert numbers.finish() == sum(range(10000))
        with pytest.raises(ValueError, match="closed"):
            numbers.send(1)
    assert flow.sum().finish() == 0


def test_both_directions(flow):
    with flow.twice() as pairs:
        for number in range(100):
            pairs.send(number)
            assert next(pairs) == 2 * number
        pairs.end()
        assert list(pairs) == []


def test_one_thread_sends_while_another_reads(flow):
    count = 20000
    with flow.twice() as pairs:
        def send():
            for number in range(count):
                pairs.send(number)
            pairs.end()

        sender = threading.Thread(target=send)
        sender.start()
        assert list(pairs) == [2 * n for n in range(count)]
        sender.join(PATIENCE_S)
        assert not sender.is_alive()


def break_at_ten(items):
    for item in items:
        if item == 10:
            break


def test_break_closes_the_stream(flow):
    """The streams are endless, and the server runs at most 15 at a time."""
    def with_statement():
        with flow.count(0, 0) as items:
            break_at_ten(items)
        assert items.closed
        with pytest.raises(ValueError, match="closed"):
            next(items)

    for _ in range(20):
        patiently(lambda: break_at_ten(flow.count(0, 0)))
        patiently(with_statement)
    assert flow.echo(1) == 1


def test_end_of_a_handler_is_an_exception(flow):
    not_found = shmrpc._core.statuses()["NOT_FOUND"]
    got = []
    with pytest.raises(shmrpc.NotFound) as caught:
        for item in flow.count(3, not_found):
            got.append(item)
    assert got == [0, 1, 2]
    assert isinstance(caught.value, LookupError)


def test_wrong_items_and_directions(flow):
    with flow.sum() as numbers:
        with pytest.raises(TypeError, match="item: "):
            numbers.send("x")
        with pytest.raises((ValueError, OverflowError), match="item"):
            numbers.send(-1)
        numbers.send(7)  # the stream goes on
        with pytest.raises(TypeError, match="returns no items"):
            next(numbers)
        assert numbers.finish() == 7
    with flow.count(1, 0) as items:
        with pytest.raises(TypeError, match="takes no items"):
            items.send(1)
        with pytest.raises(TypeError, match="read them to the end"):
            items.finish()
        with pytest.raises(TypeError, match="bytes"):
            items.views()
    with pytest.raises(TypeError, match="most: "):
        flow.count("x", 0)
    with pytest.raises(TypeError, match="has a stream"):
        flow.count.start(1, 0)


def test_deadline_of_a_stream(flow):
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        with flow.twice(_timeout=0.05) as pairs:
            next(pairs)
    assert time.monotonic() - began >= 0.05


def test_waiting_reader_lets_other_threads_run(flow):
    """The waiting reader has released the GIL, and close() ends its wait."""
    pairs = flow.twice()
    caught = []

    def read():
        try:
            next(pairs)
        except ValueError as error:
            caught.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    assert sum(range(100000)) == 4999950000
    assert flow.echo(3) == 3
    with pytest.raises(RuntimeError, match="another thread reads"):
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            pairs.on_ready(None)
    pairs.close()
    reader.join(PATIENCE_S)
    assert not reader.is_alive() and len(caught) == 1
    assert pairs.closed


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("way", ["read", "send"])
def test_signal_interrupts_a_stream(flow, way):
    def raise_it(number, frame):
        raise Interrupted

    before = signal.signal(signal.SIGALRM, raise_it)
    took = None
    try:
        if way == "read":
            stream = flow.twice()
            wait = stream.__next__
        else:  # sends until there is no room: the server does not read
            stream = flow.twice()

            def wait():
                while True:
                    stream.send(1)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        began = time.monotonic()
        # A thread that only sends may first get Aborted, the error for a
        # deadlock in which both ends send and neither reads.
        with pytest.raises((Interrupted, shmrpc.Aborted)) as caught:
            wait()
        took = time.monotonic() - began
        assert way == "send" or caught.type is Interrupted
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        stream.close()
    assert took < PATIENCE_S
    assert flow.echo(6) == 6


def test_control_c_ends_a_program_that_iterates(folder, flow):
    script = ("import shmrpc\n"
              "with shmrpc.connect('flow') as flow:\n"
              "    pairs = flow.twice()\n"
              "    print('ready', flush=True)\n"
              "    next(pairs)\n")
    process = subprocess.Popen([sys.executable, "-B", "-c", script],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    _, trace = process.communicate(timeout=PATIENCE_S)
    assert b"KeyboardInterrupt" in trace
    assert process.returncode == -signal.SIGINT


def test_dead_server_ends_a_stream(folder):
    server = start("FLOW_SERVER", "--listen=shm://@pydying", "--workers=0",
                   "--threads=2")
    client = shmrpc.connect("flow@pydying", wait=PATIENCE_S)
    with client.twice() as pairs:
        pairs.send(4)
        assert next(pairs) == 8
        server.kill()
        server.wait()
        with pytest.raises(ConnectionError) as caught:
            next(pairs)
        assert caught.value.may_have_run
        with pytest.raises((ConnectionError, ValueError)):
            pairs.send(5)
    client.close()


def test_closed_client_lets_its_streams_go_on(flow):
    client = shmrpc.connect("flow")
    items = client.count(3, 0)
    client.close()
    assert list(items) == [0, 1, 2]
    with pytest.raises(ValueError, match="closed"):
        client.count(3, 0)


def test_stream_of_a_parent_is_not_the_child_s(flow):
    with flow.twice() as pairs:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                try:
                    pairs.send(1)
                except shmrpc.Forked:
                    status = 0 if list(flow.count(2, 0)) == [0, 1] else 2
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        pairs.send(2)
        assert next(pairs) == 4


def test_signatures(flow):
    import inspect

    assert str(inspect.signature(flow.count)) == (
        "(most: 'int', status: 'int') -> 'Items[int]'")
    assert inspect.signature(flow.sum).return_annotation == "Sender[int, int]"
    assert inspect.signature(flow.twice).return_annotation == "Duplex[int, int]"


def test_memory_and_descriptors_stay_the_same(flow):
    def descriptors():
        return len(os.listdir("/proc/self/fd"))

    def once():
        assert list(flow.count(10, 0)) == list(range(10))
        with flow.sum() as numbers:
            numbers.send(1)
            assert numbers.finish() == 1
        for _ in flow.count(0, 0):
            break
        with pytest.raises(shmrpc.NotFound):
            list(flow.count(1, shmrpc._core.statuses()["NOT_FOUND"]))

    for _ in range(20):
        patiently(once)
    gc.collect()
    before = descriptors()
    blocks = sys.getallocatedblocks()
    for _ in range(50):
        patiently(once)
    gc.collect()
    assert descriptors() == before
    assert sys.getallocatedblocks() - blocks < 150
