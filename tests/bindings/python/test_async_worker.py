"""Handlers that are coroutines: many at a time in the loop of a worker."""

import asyncio
import contextlib
import os
import signal
import threading
import time

import pytest

import flows as flow_classes
import shmrpc
import shmrpc.aio
from conftest import PATIENCE_S
from shmrpc._worker import _options_of
from test_worker_life import refused
from test_workers import running

FOREVER_MS = 4 * PATIENCE_S * 1000


def connect(service, **options):
    service.wait_for("serving at")
    return shmrpc.connect(service.where[6:], wait=PATIENCE_S,
                          timeout=PATIENCE_S, **options)


@pytest.fixture(scope="module")
def served(folder):
    with running("flows:AsyncFlows", "--workers=1",
                 where="shm://flows@async") as service:
        service.client = connect(service)
        yield service
        service.client.close()


@pytest.fixture
def flows(served):
    return served.client


def test_calls_are_answered(flows):
    assert flows.add(1, 2) == 3
    with pytest.raises(flows.errors.Overflow) as caught:
        flows.add(4, 4)
    assert caught.value.limit == 4
    assert str(caught.value) == "Overflow(limit=4)"
    assert flows.pid() > 0  # a plain method, which runs between the tasks
    assert flows.loop("x") == "x"
    for number in range(300):
        assert flows.add(number, -1 - number) == -1


def test_exceptions_of_coroutines(served, flows):
    with pytest.raises(ValueError) as caught:
        flows.fail("why")
    assert caught.value.args == ("why",)
    assert "flows.py" in caught.value.traceback
    served.wait_for("ValueError: why")
    with pytest.raises(shmrpc.NotFound, match="no such thing"):
        flows.fail("status")
    with pytest.raises(shmrpc.Cancelled):
        flows.fail("cancel")


def test_results_that_do_not_fit(folder):
    """A result that does not fit is reported as a fault of the handler, with
    the path of the value, as with plain handlers."""
    with running("flows:AsyncFlows", "--workers=1",
                 where="shm://flows@unfit") as service:
        with connect(service) as client:
            with pytest.raises(TypeError, match="item: "):
                list(client.count(1, "wrong"))
            assert client.add(1, 2) == 3


def test_many_run_at_a_time(flows):
    naps = [flows.sleep.start(200) for _ in range(30)]
    assert max(nap.result() for nap in naps) > 5


def test_context_follows_its_task(flows):
    calls = [flows.who.start() for _ in range(20)]
    for call in calls:
        who = call.result()
        assert who["method"] == who["thread"] == "who"
        assert who["pid"] == os.getpid() and who["transport"] == "shm"
        assert who["same"] and who["metadata"] == {}
        assert 0 < who["remaining"] <= PATIENCE_S
        assert "EventLoop" in who["loop"]


def test_client_that_leaves_cancels_the_task(served, flows):
    call = flows.sleep.start(FOREVER_MS + 1)
    served.wait_for(f" {FOREVER_MS + 1}")
    call.cancel()
    served.wait_for(f"cancelled {FOREVER_MS + 1}")
    with pytest.raises(TimeoutError):
        flows.sleep(FOREVER_MS + 2, _timeout=0.05)
    served.wait_for(f"cancelled {FOREVER_MS + 2}")


def test_oneway_methods(served, flows):
    for number in range(1, 20):
        flows.note(number)
    flows.note(0)
    noted = []
    until = time.monotonic() + PATIENCE_S
    while len(noted) < 19 and time.monotonic() < until:
        noted += [event for event in flows.seen() if isinstance(event, int)]
    assert sorted(noted) == list(range(1, 20))
    served.wait_for("a note of nothing")


def test_no_more_than_the_limit_run(folder):
    with running("flows:Few", "--workers=1",
                 where="shm://flows@few") as service:
        with connect(service) as client:
            naps = [client.sleep.start(20) for _ in range(20)]
            assert max(nap.result() for nap in naps) == 2


def test_streams_of_many_calls_at_a_time(flows):
    """No stream keeps the worker busy."""
    streams = [flows.twice() for _ in range(20)]
    for number, stream in enumerate(streams):
        stream.send(number)
    for number, stream in enumerate(streams):
        assert next(stream) == 2 * number
        stream.close()
    assert flows.add(1, 2) == 3


def test_threads_that_alternate_lose_no_item(folder):
    """The library's thread reads ahead while the loop takes the items, so the
    GIL changes hands all the time."""
    with running("flows:AsyncFlows", "--workers=1", where="shm://flows@turns",
                 env={"FLOWS_SWITCH_S": "0.000001"}) as service:
        with connect(service) as client:
            streams = [client.sum(0) for _ in range(8)]
            for _ in range(500):
                for stream in streams:
                    stream.send(1)
            assert [stream.finish() for stream in streams] == [500] * 8


def test_asyncio_at_both_ends(served):
    async def main():
        async with shmrpc.aio.connect(served.where[6:]) as client:
            got = await asyncio.gather(
                *(client.add(n, n + 1) for n in range(500)))
            assert got == [2 * n + 1 for n in range(500)]
            sent = {"tenant": "blue"}
            assert (await client.who(_metadata=sent))["metadata"] == sent
            with pytest.raises(ValueError):
                await client.who(_metadata={"Tenant": "blue"})

            async def one(count):
                async with client.twice() as pairs:
                    async with asyncio.TaskGroup() as group:
                        async def send():
                            for number in range(count):
                                await pairs.send(number)
                            await pairs.end()

                        group.create_task(send())
                        got = [item async for item in pairs]
                assert got == [2 * n for n in range(count)]

            await asyncio.gather(*(one(300) for _ in range(5)))

    asyncio.run(main())


# ---- processes --------------------------------------------------------------


def test_killed_worker_is_an_exception(folder):
    with running("flows:AsyncFlows", "--workers=1",
                 where="shm://flows@kill") as service:
        with connect(service) as client:
            pid = client.pid()
            naps = [client.sleep.start(FOREVER_MS + n) for n in range(5)]
            for number in range(5):
                service.wait_for(f" {FOREVER_MS + number}")
            os.kill(pid, signal.SIGKILL)
            for nap in naps:
                with pytest.raises(ConnectionError):
                    nap.result()
            assert client.pid() != pid


def test_exit_of_a_handler_ends_the_worker(folder):
    with running("flows:AsyncFlows", "--workers=1",
                 where="shm://flows@exit") as service:
        with connect(service) as client:
            pid = client.pid()
            with pytest.raises(shmrpc.Unknown):
                client.fail("exit")
            until = time.monotonic() + PATIENCE_S
            now = pid
            while now == pid:
                assert time.monotonic() < until
                # The worker exits when it is idle. A call that arrives at
                # exactly that moment fails with WorkerDied.
                time.sleep(0.05)
                with contextlib.suppress(shmrpc.WorkerDied):
                    now = client.pid()
            service.wait_for(f"stopped {pid}")


def test_loop_that_is_stuck_is_killed(folder):
    with running("flows:AsyncFlows", "--workers=1", "--hang-kill=1",
                 where="shm://flows@stuck") as service:
        with connect(service) as client:
            pid = client.pid()
            stuck = client.hang.start()
            service.wait_for(f"hangs {pid}")
            until = time.monotonic() + PATIENCE_S
            now = pid
            while now == pid and time.monotonic() < until:
                try:
                    now = client.pid(_timeout=0.3)
                except shmrpc.Error:
                    pass
            assert now != pid
            with pytest.raises(ConnectionError):
                stuck.result()


def test_calls_in_progress_end_before_the_worker(folder):
    with running("flows:AsyncFlows", "--workers=1",
                 where="shm://flows@drain") as service:
        with connect(service) as client:
            naps = [client.sleep.start(400 + n) for n in range(5)]
            for number in range(5):
                service.wait_for(f" {400 + number}")
            service.process.terminate()
            assert [nap.result() >= 1 for nap in naps] == [True] * 5
        assert service.process.wait(PATIENCE_S) == 0
        service.wait_for("with 0")


def test_hot_restart_loses_no_call(folder):
    with running("flows:AsyncFlows", "--workers=2",
                 where="shm://flows@hot") as old:
        with connect(old) as client:
            stopped = threading.Event()
            failures = []

            def call():
                number = 0
                while not stopped.is_set():
                    try:
                        assert client.add(number, 1 + number) == 2 * number + 1
                    except Exception as error:
                        failures.append(error)
                        return
                    number += 1

            callers = [threading.Thread(target=call) for _ in range(2)]
            for caller in callers:
                caller.start()
            before = client.pid()
            with running("flows:AsyncFlows", "--workers=2", "--take-over",
                         where=old.where) as new:
                new.wait_for("serving at")
                assert old.process.wait(PATIENCE_S) == 0
                assert client.pid() != before
                stopped.set()
                for caller in callers:
                    caller.join(PATIENCE_S)
                assert not failures


def test_streams_that_begin_at_once_find_places(folder):
    """Streams of async handlers keep no worker busy, so 64 of them may be open
    at a time, more than there are workers."""
    assert _options_of(flow_classes.AsyncFlows, flow_classes.SVC) == [
        "--max-streams=64"]
    assert _options_of(flow_classes.Flows, flow_classes.SVC) == []

    async def one(client, most):
        return [number async for number in client.count(most)]

    async def main():
        async with shmrpc.aio.connect("flows@places", wait=PATIENCE_S,
                                      timeout=PATIENCE_S) as client:
            for _ in range(20):
                got = await asyncio.gather(*(one(client, n) for n in range(1, 9)))
                assert got == [list(range(n)) for n in range(1, 9)]

    with running("flows:AsyncFlows", "--workers=2",
                 where="shm://flows@places") as service:
        service.wait_for("serving at")
        asyncio.run(main())


def test_server_without_workers(folder):
    with running("flows:AsyncFlows", "--workers=0", "--threads=2",
                 where="shm://flows@zero") as service:
        with connect(service) as client:
            naps = [client.sleep.start(50) for _ in range(10)]
            assert all(nap.result() >= 1 for nap in naps)
            assert list(client.count(50)) == list(range(50))


def test_what_does_not_start():
    assert "concurrency: 5000" in refused("flows:Unlimited")
    assert "RuntimeError: no database" in refused("flows:NoStart")
