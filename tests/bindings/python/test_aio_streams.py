"""Streams of clients for asyncio."""

import asyncio
import gc
import os
import time

import pytest

import shmrpc
import shmrpc.aio
from conftest import PATIENCE_S, start
from test_aio import connect, run


async def patiently(attempt, *arguments):
    """Repeats an attempt, like patiently() of conftest."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await attempt(*arguments)
        except shmrpc.Exhausted:
            assert time.monotonic() < until


def test_items_are_iterated_over(flow):
    async def main():
        async with connect("flow") as client:
            assert [item async for item in client.count(5, 0)] == [0, 1, 2, 3,
                                                                   4]
            assert [item async for item in client.count(20000, 0)] == list(
                range(20000))
            async with client.count(3, status=0) as items:
                assert await anext(items) == 0
                assert [item async for item in items] == [1, 2]
            assert items.closed

    run(main)


def test_items_are_sent_and_summed(flow):
    async def main():
        async with connect("flow") as client:
            async with client.sum() as numbers:
                for number in range(5000):
                    await numbers.send(number)
                assert await numbers.finish() == sum(range(5000))
                with pytest.raises(ValueError, match="closed"):
                    await numbers.send(1)

    run(main)


def test_tasks_send_and_read_at_once(flow):
    async def one(client, count):
        async with client.twice() as pairs:
            async def send():
                for number in range(count):
                    await pairs.send(number)
                await pairs.end()

            async with asyncio.TaskGroup() as group:
                group.create_task(send())
                got = [item async for item in pairs]
            assert got == [2 * n for n in range(count)]

    async def main():
        async with connect("flow") as client:
            await one(client, 5000)
            await asyncio.gather(*(one(client, 500) for _ in range(3)))

    run(main)


def test_other_tasks_run_while_one_reads(flow):
    async def main():
        turns = 0

        async def tick():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async with connect("flow") as client:
            ticker = asyncio.create_task(tick())
            async for item in client.count(0, 0):
                if item >= 2000 and turns > 10:
                    break
            ticker.cancel()
            assert await client.echo(2) == 2

    run(main)


def test_break_and_cancel_close_the_stream(flow):
    async def main():
        async def broken(client):
            async for item in client.count(0, 0):
                if item == 10:
                    break

        async def cancelled(client):
            async with client.twice() as pairs:
                task = asyncio.create_task(anext(pairs))
                await asyncio.sleep(0)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert pairs.closed

        async with connect("flow") as client:
            for _ in range(20):
                await patiently(broken, client)
                await patiently(cancelled, client)
            assert await client.echo(1) == 1

    run(main)


def test_errors(flow):
    async def main():
        not_found = shmrpc._core.statuses()["NOT_FOUND"]
        async with connect("flow") as client:
            got = []
            with pytest.raises(shmrpc.NotFound):
                async for item in client.count(3, not_found):
                    got.append(item)
            assert got == [0, 1, 2]
            async with client.sum() as numbers:
                with pytest.raises(TypeError, match="item: "):
                    await numbers.send("x")
                await numbers.send(7)
                assert await numbers.finish() == 7
            with pytest.raises(TypeError, match="most: "):
                client.count("x", 0)
            with pytest.raises(TimeoutError):
                async with client.twice(_timeout=0.05) as pairs:
                    await anext(pairs)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05), client.twice() as pairs:
                    await anext(pairs)

    run(main)


def test_closed_client_ends_its_streams(flow):
    async def main():
        client = await connect("flow")
        pairs = client.twice()
        task = asyncio.create_task(anext(pairs))
        await asyncio.sleep(0)
        await client.close()
        with pytest.raises((shmrpc.Error, ValueError)):
            await task
        with pytest.raises(ValueError, match="closed"):
            client.twice()

    run(main)


def test_dead_server_ends_a_stream(folder):
    async def main():
        server = start("FLOW_SERVER", "--listen=shm://@aiodying",
                       "--workers=0", "--threads=2")
        async with connect("flow@aiodying") as client:
            async with client.twice() as pairs:
                await pairs.send(4)
                assert await anext(pairs) == 8
                waits = asyncio.create_task(anext(pairs))
                await asyncio.sleep(0)
                server.kill()
                server.wait()
                with pytest.raises(ConnectionError):
                    await waits

    run(main)


def test_too_many_streams_are_refused(flow):
    async def main():
        async with connect("flow") as client:
            streams = [client.sum() for _ in range(48)]
            with pytest.raises(shmrpc.Exhausted):
                client.sum()
            for stream in streams:
                stream.close()
            assert await patiently(lambda: client.sum().finish()) == 0

    run(main)


def test_memory_and_descriptors_stay_the_same(flow):
    import sys

    async def main():
        def descriptors():
            return len(os.listdir("/proc/self/fd"))

        async def once(client):
            assert len([item async for item in client.count(10, 0)]) == 10
            async with client.sum() as numbers:
                await numbers.send(1)
                assert await numbers.finish() == 1
            async for _ in client.count(0, 0):
                break

        async with connect("flow") as client:
            for _ in range(20):
                await patiently(once, client)
            gc.collect()
            before = descriptors()
            blocks = sys.getallocatedblocks()
            for _ in range(50):
                await patiently(once, client)
            gc.collect()
            assert descriptors() == before
            assert sys.getallocatedblocks() - blocks < 150

    run(main)
