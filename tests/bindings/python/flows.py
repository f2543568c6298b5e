"""Services with streams, and with async handlers, that tests run."""

import asyncio
import contextvars
import os
import sys
import time

import shmrpc

SVC = """
package test.flows;

struct Point { 1: i32 x; 2: i32 y = 7; }
error Overflow = 100 { 1: i64 limit; }

service Flows {
  port 5851;
  name "flows";
  native  add(i64 a, i64 b) -> i64 throws Overflow;
  native  pid() -> u32;
  native  count(u64 most, string how = "") -> stream u64 throws Overflow;
  json    points(u32 most) -> stream Point;
  raw     pieces(bytes data) -> stream bytes;
  native  sum(u64 start, stream u64 number) -> u64 throws Overflow;
  msgpack join(stream string word) -> string;
  native  twice(stream u64 number) -> stream u64;
  raw     mirror(stream bytes data) -> stream bytes;
  json    seen() -> any;
  json    who() -> any;
  native  sleep(u32 ms) -> u32;
  native  hang();
  json    fail(string how);
  oneway native note(u32 number);
  json    loop(string text) -> any;
}
"""


def say(*words):
    print(*words)
    sys.stdout.flush()


class Flows:
    """All handlers are plain methods."""

    __svc__ = SVC

    def __init__(self):
        self.events = []

    def add(self, a, b):
        if a == b:
            raise shmrpc.context().errors.Overflow(limit=a)
        return a + b

    def pid(self):
        return os.getpid()

    def count(self, most, how):
        try:
            for number in range(most or sys.maxsize):
                yield number
            if how == "error":
                raise KeyError("how")
            if how == "declared":
                raise shmrpc.context().errors.Overflow(limit=3)
            if how == "wrong":
                yield "text"
        except GeneratorExit:
            self.events.append("closed")
            raise
        finally:
            self.events.append("over")

    def points(self, most):
        return [shmrpc.context().types.Point(n) if n % 2 else {"x": n}
                for n in range(most)]

    def pieces(self, data):
        return (data[at:at + 1000] for at in range(0, len(data), 1000))

    def sum(self, start, number):
        self.items = number
        total = start
        for one in number:
            if one == 999:
                break
            if one == 1000:
                raise shmrpc.context().errors.Overflow(limit=total)
            total += one
        return total

    def join(self, word):
        return " ".join(word)

    def twice(self, number):
        for one in number:
            yield 2 * one

    def mirror(self, data):
        return data

    def seen(self):
        events, self.events = self.events, []
        try:
            events.append(next(self.items, "end"))
        except (AttributeError, RuntimeError) as error:
            events.append(str(error))
        return events

    def who(self):
        context = shmrpc.context()
        return {"method": context.method, "pid": context.peer.pid,
                "transport": context.transport, "loop": "",
                "remaining": context.remaining}

    def sleep(self, ms):
        say("asleep", os.getpid())
        time.sleep(ms / 1000)
        return os.getpid()

    def hang(self):
        time.sleep(1000)

    def fail(self, how):
        raise ValueError(how)

    def note(self, number):
        self.events.append(number)

    def loop(self, text):
        return text


running = contextvars.ContextVar("running", default=0)


class AsyncFlows(Flows):
    """Most handlers are coroutines."""

    concurrency = 64

    def __init__(self):
        super().__init__()
        self.running = 0
        self.most = 0

    async def worker_start(self):
        await asyncio.sleep(0)
        if "FLOWS_SWITCH_S" in os.environ:
            sys.setswitchinterval(float(os.environ["FLOWS_SWITCH_S"]))
        say("started in", type(asyncio.get_running_loop()).__name__)

    async def worker_stop(self):
        await asyncio.sleep(0)
        say("stopped", os.getpid(), "with", self.running)

    async def add(self, a, b):
        await asyncio.sleep(0)
        if a == b:
            raise shmrpc.context().errors.Overflow(limit=a)
        return a + b

    async def count(self, most, how):
        try:
            for number in range(most or sys.maxsize):
                yield number
            if how == "error":
                raise KeyError("how")
            if how == "declared":
                raise shmrpc.context().errors.Overflow(limit=3)
            if how == "wrong":
                yield "text"
        except (GeneratorExit, asyncio.CancelledError):
            self.events.append("closed")
            raise
        finally:
            self.events.append("over")

    async def sum(self, start, number):
        self.items = number
        total = start
        async for one in number:
            if one == 999:
                break
            if one == 1000:
                raise shmrpc.context().errors.Overflow(limit=total)
            total += one
        return total

    async def join(self, word):
        return " ".join([one async for one in word])

    async def twice(self, number):
        async for one in number:
            yield 2 * one

    async def mirror(self, data):
        async for one in data:
            yield one

    async def seen(self):
        events, self.events = self.events, []
        try:
            events.append(await anext(self.items, "end"))
        except (AttributeError, RuntimeError, shmrpc.Error) as error:
            events.append(f"over: {error}")
        return events

    async def who(self):
        before = shmrpc.context()
        await asyncio.sleep(0.01)
        context = shmrpc.context()
        return {"method": context.method, "pid": context.peer.pid,
                "transport": context.transport,
                "loop": type(asyncio.get_running_loop()).__name__,
                "same": before is context, "metadata": context.metadata,
                "thread": await asyncio.to_thread(
                    lambda: shmrpc.context().method),
                "remaining": context.remaining}

    async def sleep(self, ms):
        token = running.set(ms)
        self.running += 1
        self.most = max(self.most, self.running)
        say("asleep", os.getpid(), ms)
        try:
            await asyncio.sleep(ms / 1000)
            assert running.get() == ms
            return self.most
        except asyncio.CancelledError:
            say("cancelled", ms)
            raise
        finally:
            self.running -= 1
            running.reset(token)

    def hang(self):
        say("hangs", os.getpid())
        time.sleep(1000)

    async def fail(self, how):
        await asyncio.sleep(0)
        if how == "exit":
            raise SystemExit(3)
        if how == "cancel":
            raise asyncio.CancelledError
        if how == "status":
            raise shmrpc.NotFound("no such thing")
        raise ValueError(how)

    async def note(self, number):
        await asyncio.sleep(0.01)
        if number == 0:
            raise ValueError("a note of nothing")
        self.events.append(number)


class Unlimited(AsyncFlows):
    concurrency = 5000


class Few(AsyncFlows):
    concurrency = 2


class NoStart(AsyncFlows):
    async def worker_start(self):
        raise RuntimeError("no database")
