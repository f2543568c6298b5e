"""Clients for asyncio: calls that are awaited, many in flight, cancelled."""

import asyncio
import gc
import os
import pickle
import threading
import time
import warnings

import pytest

import shmrpc
import shmrpc.aio
from conftest import PATIENCE_S, start

FOREVER_MS = 4 * PATIENCE_S * 1000

try:
    import uvloop
except ImportError:
    uvloop = None


def run(main, *arguments):
    async def limited():
        # Debug mode logs slow steps; on a busy machine all steps are slow.
        asyncio.get_running_loop().slow_callback_duration = PATIENCE_S
        async with asyncio.timeout(6 * PATIENCE_S):
            return await main(*arguments)

    return asyncio.run(limited())


def connect(name, **options):
    return shmrpc.aio.connect(name, wait=PATIENCE_S, timeout=PATIENCE_S,
                              **options)


async def until(condition):
    for_s = time.monotonic() + PATIENCE_S
    while not await condition():
        assert time.monotonic() < for_s
        await asyncio.sleep(0.001)


async def napping(fault, count):
    async def enough():
        return await fault.napping() >= count

    await until(enough)


# ---- calls ------------------------------------------------------------------


def test_calls_are_awaited(echo):
    async def main():
        async with connect("echo_serv") as client:
            assert await client.add(1, b=2) == 3
            assert await client.echo_json({"a": [1, 2.5, None]}) == {
                "a": [1, 2.5, None]}
            assert await client.echo_raw(b"x" * 100000) == b"x" * 100000
            both = await asyncio.gather(client.add(1, 2), client.add(3, 4))
            assert both == [3, 7]
            assert await client.with_options(timeout=1).add(5, 6) == 11
            assert client.service["name"] == "echo_serv"
            assert client.add.__name__ == "add"
        with pytest.raises(ValueError, match="closed"):
            client.add(1, 2)

    run(main)


def test_connect_is_awaited_too(echo):
    async def main():
        client = await connect("echo_serv")
        assert await client.add(1, 2) == 3
        await client.close()
        await client.close()
        with pytest.raises(shmrpc.Error):
            await shmrpc.aio.connect("no_such_service")

    run(main)


def test_errors_are_raised_by_the_await(echo):
    async def main():
        async with connect("echo_serv") as client:
            with pytest.raises(shmrpc.DeclaredError) as caught:
                await client.add(1 << 62, 1 << 62)
            assert caught.type.__name__ == "Overflow"
            with pytest.raises(client.errors.Overflow):
                await client.add(1 << 62, 1 << 62)

    run(main)


def test_wrong_arguments_are_raised_by_the_call(echo):
    async def main():
        async with connect("echo_serv") as client:
            with pytest.raises(TypeError, match="a: "):
                client.add("x", 1)
            with pytest.raises(TypeError, match="positional|takes"):
                client.add(1, 2, 3)
            with pytest.raises(AttributeError):
                client.absent(1)
            with pytest.raises(TypeError, match="await it"):
                client.add.start(1, 2)
            with pytest.raises(TypeError, match="async with"):
                with client:
                    pass
            with pytest.raises(TypeError, match="pickled"):
                pickle.dumps(client)

    run(main)


def test_thousand_calls_at_once_are_matched(echo):
    async def main():
        async with connect("echo_serv") as client:
            async def one(number):
                assert await client.add(number, 1) == number + 1
                return await client.echo_json({"n": number})

            got = await asyncio.gather(*(one(n) for n in range(1000)))
            assert got == [{"n": n} for n in range(1000)]
            calls = [client.add(n, n) for n in range(200)]
            assert [await call for call in calls] == [2 * n
                                                      for n in range(200)]

    run(main)


def test_calls_without_room_wait_for_it(fault):
    """Naps take all 64 slots; further calls are sent when a nap ends."""
    async def main():
        async with connect("fault") as client:
            naps = [client.nap(FOREVER_MS, _timeout=PATIENCE_S)
                    for _ in range(64)]
            late = client.echo(5, _timeout=0.05)
            good = [client.echo(n) for n in range(100)]
            doomed = client.echo(6)
            with pytest.raises(TimeoutError) as caught:
                await late
            assert not caught.value.may_have_run
            assert doomed.cancel()
            with pytest.raises(shmrpc.Cancelled):
                await doomed
            for nap in naps:
                nap.cancel()
            assert await asyncio.gather(*good) == list(range(100))
            ends = await asyncio.gather(*naps, return_exceptions=True)
            assert {type(end) for end in ends} == {shmrpc.Cancelled}

    run(main)


def test_short_awaits_leave_turns_to_others(echo):
    async def main():
        turns = 0

        async def tick():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async with connect("echo_serv") as client:
            ticker = asyncio.create_task(tick())
            for number in range(300):
                assert await client.add(number, 1) == number + 1
            assert turns >= 300 // 65
            ticker.cancel()

    run(main)


def test_timer_beside_short_awaits_is_in_time(echo):
    """A task that only makes short awaits lets others run after a millisecond.
    CPU time of the thread is measured, so that other processes' share of a
    busy machine does not count."""
    late = []

    async def main():
        async def tick():
            while True:
                before = time.thread_time()
                await asyncio.sleep(0.001)
                late.append(time.thread_time() - before)

        async with connect("echo_serv") as client:
            ticker = asyncio.create_task(tick())
            until = time.thread_time() + 0.3
            while time.thread_time() < until:
                assert await client.add(1, 2) == 3
            ticker.cancel()

    run(main)
    late.sort()
    # One tick in ten may be late, because garbage collection also takes the
    # thread's time.
    assert len(late) > 10 and late[len(late) * 9 // 10] < 0.005, late[-5:]


# ---- giving up ---------------------------------------------------------------


def test_cancelled_task_cancels_its_call(fault):
    async def main():
        async with connect("fault") as client:
            before = await client.cancelled()
            task = asyncio.create_task(client.nap(FOREVER_MS))
            await napping(client, 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

            async def seen():
                return await client.cancelled() > before

            await until(seen)
            assert await client.echo(1) == 1

    run(main)


def test_timeouts_of_asyncio_and_ours(fault):
    async def main():
        async with connect("fault") as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.03):
                    await client.nap(FOREVER_MS)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.nap(FOREVER_MS), 0.03)
            began = time.monotonic()
            with pytest.raises(shmrpc.DeadlineExceeded):
                await client.nap(FOREVER_MS, _timeout=0.05)
            assert time.monotonic() - began >= 0.05
            assert await client.echo(2) == 2

    run(main)


def test_groups_of_tasks(fault):
    async def main():
        async with connect("fault") as client:
            ends = await asyncio.gather(
                client.echo(1), client.nap(FOREVER_MS, _timeout=0.02),
                client.echo(3), return_exceptions=True)
            assert ends[0] == 1 and ends[2] == 3
            assert isinstance(ends[1], TimeoutError)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(client.echo(n)) for n in range(10)]
            assert [task.result() for task in tasks] == list(range(10))
            with pytest.raises(ExceptionGroup) as caught:
                async with asyncio.TaskGroup() as group:
                    nap = group.create_task(client.nap(FOREVER_MS))
                    group.create_task(client.nap(FOREVER_MS, _timeout=0.02))
            assert nap.cancelled()

    run(main)


def test_call_object(fault):
    async def main():
        async with connect("fault") as client:
            call = client.nap(FOREVER_MS)
            assert not call.done() and "nap" in repr(call)
            assert asyncio.iscoroutine(call)
            call.cancel()
            with pytest.raises(shmrpc.Cancelled):
                await call
            assert call.done()
            again = client.echo(7)
            assert await again == 7 and await again == 7

    run(main)


def test_forgotten_await_warns(echo):
    async def main():
        async with connect("echo_serv") as client:
            with warnings.catch_warnings(record=True) as seen:
                warnings.simplefilter("always")
                call = client.add(1, 2)

                async def over():
                    return call.done()

                await until(over)
                del call
                gc.collect()
            texts = [str(one.message) for one in seen]
            assert sum("add() was never awaited" in text
                       for text in texts) == 1

    run(main)


# ---- ends --------------------------------------------------------------------


def test_close_ends_what_waits(fault):
    async def main():
        client = await connect("fault")
        naps = [asyncio.create_task(client.nap(FOREVER_MS)) for _ in range(70)]
        await asyncio.sleep(0)
        await client.close()
        ends = await asyncio.gather(*naps, return_exceptions=True)
        assert {type(end) for end in ends} == {shmrpc.Cancelled}

    run(main)


def test_loop_that_is_closed_with_calls_in_flight(fault):
    loop = asyncio.new_event_loop()
    kept = []

    async def begin():
        client = await connect("fault")
        kept.append(client)
        kept.append(client.nap(FOREVER_MS))

    loop.run_until_complete(begin())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    shmrpc._core.ServiceClient.close(kept[0])
    assert kept[1].done()


def test_client_belongs_to_one_loop(echo):
    async def first():
        client = await connect("echo_serv")
        assert await client.add(1, 2) == 3
        return client

    async def second(client):
        with pytest.raises(RuntimeError, match="another event loop"):
            client.add(1, 2)
        await client.close()

    client = run(first)
    with pytest.raises(RuntimeError, match="no running event loop"):
        client.add(1, 2)
    run(second, client)


def test_dead_server_is_an_exception_at_once(folder):
    async def main():
        server = start("FAULT_SERVER", "--listen=shm://@aiodead",
                       "--workers=0", "--threads=2")
        async with connect("fault@aiodead") as client:
            nap = asyncio.create_task(
                client.nap(FOREVER_MS, _timeout=2 * PATIENCE_S))
            await napping(client, 1)
            server.kill()
            server.wait()
            with pytest.raises(ConnectionError) as caught:
                await nap
            assert caught.value.may_have_run
            with pytest.raises(shmrpc.Error) as caught:
                await client.echo(1, _timeout=0.1)
            assert not caught.value.may_have_run

    run(main)


def test_lost_connection_is_made_anew_beside_the_loop(folder):
    async def main():
        arguments = ("--listen=shm://@aioback", "--workers=0", "--threads=2")
        server = start("FAULT_SERVER", *arguments)
        async with connect("fault@aioback") as client:
            assert await client.echo(1) == 1
            server.kill()
            server.wait()
            ticks = 0

            async def tick():
                nonlocal ticks
                while True:
                    ticks += 1
                    await asyncio.sleep(0.001)

            ticker = asyncio.create_task(tick())
            calls = [asyncio.create_task(client.echo(n)) for n in range(10)]
            given_up = asyncio.create_task(client.echo(99))
            await asyncio.sleep(0)
            given_up.cancel()

            async def ticked():
                return ticks > 10

            await until(ticked)  # other tasks run meanwhile
            assert not [call for call in calls if call.done()]
            server = start("FAULT_SERVER", *arguments)
            assert await asyncio.gather(*calls) == list(range(10))
            assert given_up.cancelled()
            ticker.cancel()
        server.terminate()
        server.wait()

    run(main)


def test_child_of_a_fork_leaves_the_loop_alone(fault):
    async def main():
        async with connect("fault") as client:
            nap = asyncio.create_task(client.nap(FOREVER_MS))
            await napping(client, 1)
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    async def other():
                        return await client.echo(4) == 4

                    asyncio._set_running_loop(None)
                    loop = asyncio.new_event_loop()
                    status = 0 if loop.run_until_complete(other()) else 2
                finally:
                    os._exit(status)
            waited = await asyncio.get_running_loop().run_in_executor(
                None, os.waitpid, child, 0)
            assert os.waitstatus_to_exitcode(waited[1]) == 0
            assert await client.echo(3) == 3
            assert not nap.done()
            nap.cancel()

    run(main)


@pytest.mark.skipif(uvloop is None, reason="no uvloop (python3-uvloop)")
def test_loop_of_uvloop(fault):
    async def main():
        async with connect("fault") as client:
            got = await asyncio.gather(*(client.echo(n) for n in range(300)))
            assert got == list(range(300))
            with pytest.raises(TimeoutError):
                await client.nap(FOREVER_MS, _timeout=0.02)
            task = asyncio.create_task(client.nap(FOREVER_MS))
            await napping(client, 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def test_loops_in_two_threads(fault):
    wrong = []

    def work(base):
        async def main():
            async with connect("fault") as client:
                got = await asyncio.gather(
                    *(client.echo(base + n) for n in range(300)))
                if got != [base + n for n in range(300)]:
                    wrong.append(base)

        run(main)

    threads = [threading.Thread(target=work, args=(base,))
               for base in (0, 1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(3 * PATIENCE_S)
        assert not thread.is_alive()
    assert wrong == []


def test_unclosed_client_warns(echo):
    async def main():
        client = await connect("echo_serv")
        assert await client.add(1, 2) == 3
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            del client

            async def warned():  # the connecting thread may still hold it
                gc.collect()
                texts = [str(one.message) for one in seen]
                return any("echo_serv was not closed" in t for t in texts)

            await until(warned)

    run(main)


def test_memory_and_descriptors_stay_the_same(echo, fault):
    import sys

    async def main():
        def descriptors():
            return len(os.listdir("/proc/self/fd"))

        async def once(echo, fault):
            assert await echo.add(1, 2) == 3
            await echo.echo_json({"a": [1, "x"]})
            with pytest.raises(TypeError):
                echo.add("x", 1)
            with pytest.raises(shmrpc.DeclaredError):
                await echo.add(1 << 62, 1 << 62)
            await asyncio.gather(*(fault.echo(n) for n in range(70)))
            nap = fault.nap(FOREVER_MS)
            nap.cancel()
            with pytest.raises(shmrpc.Cancelled):
                await nap

        async with connect("echo_serv") as e, connect("fault") as f:
            for _ in range(10):
                await once(e, f)
            gc.collect()
            before = descriptors()
            blocks = sys.getallocatedblocks()
            for _ in range(30):
                await once(e, f)
            gc.collect()
            assert descriptors() == before
            assert sys.getallocatedblocks() - blocks < 200

    run(main)
