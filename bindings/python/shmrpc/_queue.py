"""Shared queues, topics and pipes."""

from __future__ import annotations

import queue as _queue
import threading
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self

from . import _core
from ._errors import Busy, Cancelled
from ._shared import ENCODINGS, Shared, chosen, failure

Empty = _queue.Empty
Full = _queue.Full

_OVERFLOWS = {"block": 1, "fail": 2, "drop_oldest": 3, "drop_newest": 4}
_TOPIC_OVERFLOWS = {"overwrite": 5, "block": 1, "drop_newest": 4}
_ORDERS = {"producer": 0, "total": 1}
_ACKED = 2
_JOIN_S = (0.001, 0.02)


class ShutDown(Exception):
    """The queue was ended; get() raises this once the queue is empty."""


# Use the standard module's exception if this Python has one.
ShutDown = getattr(_queue, "ShutDown", ShutDown)  # type: ignore[misc]


class Queue(_core.Queue, Shared):
    """A queue between processes, with the functions of queue.Queue: each item
    goes to exactly one reader.

        jobs = shmrpc.Queue("jobs", maxsize=100)
        jobs.put({"file": "a.wav"})
        jobs.get(timeout=5)              # or raises shmrpc.Empty

    maxsize         maximum number of waiting items; 0: 1024 for each producer
    acked           an item is delivered again if its reader dies, or closes
                    the queue, before task_done(); join() waits until all items
                    are done
    order           "total": items come in the order in which they were put,
                    for which producers must take turns; "producer": only items
                    of the same handle keep their order. The default is "total"
                    with a maxsize, else "producer"
    overflow        "block", "fail", "drop_oldest", "drop_newest"
    max_item_bytes  the longest encoded item; 0: 64 KiB
    encoding, serializer: see Dict; other options: shmrpc.Shared
    """

    _kind = "queue"

    def __init__(self, name: str | None = None, maxsize: int = 0, *,
                 acked: bool = False, order: str | None = None,
                 overflow: str = "block", max_item_bytes: int = 0,
                 encoding: str = "msgpack", serializer: Any = None,
                 **options: Any) -> None:
        order = order or ("total" if maxsize > 0 else "producer")
        more = (max(maxsize, 0), chosen("overflow", overflow, _OVERFLOWS),
                chosen("order", order, _ORDERS) | _ACKED * acked,
                chosen("encoding", encoding, ENCODINGS), max_item_bytes)
        self._acked = acked
        self._taken = threading.local()
        self._open(name, encoding, serializer, more, **options)
        self._again["acked"] = acked

    def put(self, item: Any, block: bool = True,
            timeout: float | None = None) -> None:
        """Appends a copy of the item; raises Full if there is no room in
        time."""
        try:
            if not self._put(item, _seconds(block, timeout)):
                raise Full
        except Cancelled:
            raise ShutDown from None

    def put_nowait(self, item: Any) -> None:
        self.put(item, False)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Takes an item; raises Empty if none comes in time."""
        try:
            row = self._get(_seconds(block, timeout))
        except Cancelled:
            raise ShutDown from None
        if row is None:
            raise Empty
        value, number, self._taken.came_before = row
        if number:
            self._mine().append(number)
        return value

    def get_nowait(self) -> Any:
        return self.get(False)

    def peek(self) -> Any:
        """Returns an item that get() could return next, without taking it;
        raises Empty."""
        row = self._peek()
        if not row:
            raise Empty
        return row[0]

    @property
    def redelivered(self) -> bool:
        """Whether the item that this thread took last was delivered before, to
        a reader that died or gave it back."""
        return getattr(self._taken, "came_before", False)

    def _mine(self) -> list[int]:
        """Returns the items that this thread has taken and not done."""
        taken = self._taken
        if not hasattr(taken, "items"):
            taken.items = []
        made: list[int] = taken.items
        return made

    def _oldest(self) -> int:
        if not self._acked:
            raise ValueError("the queue is not acknowledged: "
                             "Queue(..., acked=True)")
        mine = self._mine()
        if mine:
            return mine.pop(0)
        held = self._held()
        if not held:
            raise ValueError("task_done() called too many times")
        return held[0]

    def task_done(self) -> None:
        """Marks the oldest item that this thread has taken as done: it is not
        delivered again. If this thread has none, an item of another thread is
        marked."""
        self._done(self._oldest(), True)

    def give_back(self) -> None:
        """Lets the oldest item that this thread has taken be delivered again
        at once."""
        self._done(self._oldest(), False)

    def join(self, timeout: float | None = None) -> bool:
        """Waits until all processes have done all items that were put. Returns
        False if that takes longer than `timeout`."""
        if not self._acked:
            raise ValueError("the queue is not acknowledged: "
                             "Queue(..., acked=True)")
        until = None if timeout is None else time.monotonic() + timeout
        pause, longest = _JOIN_S
        while not self._is_done():
            if until is not None and time.monotonic() >= until:
                return False
            time.sleep(pause)
            pause = min(pause * 2, longest)
        return True

    def _is_done(self) -> bool:
        """Whether nothing is queued or unacknowledged. One status() does not
        read all figures at the same instant, and may miss an item that moves
        meanwhile. So two are compared: any difference means "not done"."""
        before = self.status()
        after = self.status()
        moved = ("pushed_count", "popped_count", "redelivered_count")
        return (not any(figures[name] for figures in (before, after)
                        for name in ("item_count", "unacked_count"))
                and all(before[name] == after[name] for name in moved))

    def qsize(self) -> int:
        count: int = self.status()["item_count"]
        return count

    def empty(self) -> bool:
        return self.qsize() == 0

    def full(self) -> bool:
        now = self.status()
        return bool(now["item_count"] >= now["capacity"])

    @property
    def maxsize(self) -> int:
        """How many small items fit: per producer, unless the order is
        total."""
        count: int = self.status()["capacity"]
        return count

    def end(self) -> None:
        """Ends the queue for all processes: from now on put() raises ShutDown,
        and get() does once the queue is empty."""
        self._end()

    def shutdown(self, immediate: bool = False) -> None:
        """Ends the queue; with `immediate`, remaining items are dropped,
        too."""
        self.end()
        while immediate:
            row = self._get_or_none()
            if row is None:
                return
            if row[1]:
                self._done(row[1], True)

    def _get_or_none(self) -> Any:
        try:
            return self._get(0)
        except Cancelled:
            return None

    def __iter__(self) -> Iterator[Any]:
        """Takes items until the queue is ended."""
        while True:
            try:
                yield self.get()
            except ShutDown:
                return

    def __len__(self) -> int:
        return self.qsize()

    def __bool__(self) -> bool:
        return True


def _seconds(block: bool, timeout: float | None) -> float | None:
    if not block:
        return 0
    if timeout is not None and timeout < 0:
        raise ValueError("'timeout' must be a non-negative number")
    return timeout


class Topic(_core.Topic, Shared):
    """A topic: each subscriber gets each message.

        news = shmrpc.Topic("news")
        news.publish({"it": "rains"})
        with news.subscribe() as messages:
            for message in messages: ...

    history         how many earlier messages of each publisher a new
                    subscriber gets
    overflow        what happens if a subscriber falls behind. "overwrite": it
                    gets Lost once, and continues. "block": publishers wait for
                    it, up to max_stall seconds; then it gets Evicted.
                    "drop_newest": new messages are dropped
    max_item_bytes  the longest encoded message; 0: 64 KiB
    encoding, serializer: see Dict; other options: shmrpc.Shared
    """

    _kind = "topic"

    def __init__(self, name: str | None = None, *, history: int = 0,
                 overflow: str = "overwrite", max_stall: float | None = None,
                 max_item_bytes: int = 0, encoding: str = "msgpack",
                 serializer: Any = None, **options: Any) -> None:
        more = (history, chosen("overflow", overflow, _TOPIC_OVERFLOWS),
                chosen("encoding", encoding, ENCODINGS), max_item_bytes,
                max_stall)
        self._open(name, encoding, serializer, more, **options)

    def publish(self, message: Any, timeout: float | None = None) -> None:
        """Publishes a copy of the message; with overflow "block" it may wait
        for subscribers."""
        try:
            self._publish(message, timeout)
        except Busy as error:
            raise failure("DEADLINE", error.message) from None

    def subscribe(self) -> Subscription:
        """Returns a subscription: first the history, then messages published
        from now on."""
        return Subscription(self._subscribe())


class Subscription:
    """The messages of a topic: an iterator that waits, and ends when the topic
    is ended. Only one thread may use it at a time."""

    def __init__(self, core: _core.Subscription) -> None:
        self._core = core

    def next(self, timeout: float | None = None) -> Any:
        """Returns the next message. Raises DeadlineExceeded if none comes in
        time, Lost once if some were overwritten, and Cancelled if the topic
        was ended and no message is left."""
        try:
            return self._core._next(timeout)
        except Busy as error:
            raise failure("DEADLINE", error.message) from None

    @property
    def lost(self) -> int:
        """How many messages this subscription has lost so far."""
        return self._core.lost

    def fileno(self) -> int:
        """Returns a descriptor that is readable when there may be a
        message."""
        return self._core.fileno()

    def close(self) -> None:
        self._core.close()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return self.next()
        except Cancelled:
            raise StopIteration from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None,
                 value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


class Pipe(_core.Pipe, Shared):
    """A stream of bytes from one writer: the first process that writes.

        pcm = shmrpc.Pipe("pcm")
        pcm.write(data); pcm.end()
        while data := pcm.read(4096): ...

    `capacity` is in bytes; 0: 64 KiB. Other options: shmrpc.Shared.
    """

    _kind = "pipe"

    def __init__(self, name: str | None = None, *, capacity: int = 0,
                 **options: Any) -> None:
        for unused in ("encoding", "serializer"):
            options.pop(unused, None)
        self._open(name, "msgpack", None, (capacity,), **options)

    def write(self, data: Any, timeout: float | None = None) -> int:
        """Writes all bytes. If there is no room in time, raises
        DeadlineExceeded, whose `details` say how many bytes were written."""
        count, is_all = self._write(data, timeout)
        if not is_all:
            error = failure("DEADLINE", f"the pipe is full: {count} bytes were "
                                        "written")
            error.details = count
            raise error
        return count

    def read(self, size: int = 65536, timeout: float | None = None) -> bytes:
        """Returns available bytes, up to `size`; b"" at the end. Raises
        DeadlineExceeded if nothing arrives in time, and OwnerDied once if the
        writer died."""
        data = self._read(size, timeout)
        if data is None:
            raise failure("DEADLINE", "the pipe is empty")
        return data

    def __iter__(self) -> Iterator[bytes]:
        while data := self.read():
            yield data

    def writelines(self, parts: Iterable[Any]) -> None:
        for part in parts:
            self.write(part)
