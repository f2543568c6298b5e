"""Clients for asyncio.

    async with shmrpc.aio.connect("echo_serv") as echo:
        a, b = await asyncio.gather(echo.add(1, 2), echo.add(3, 4))
        async for hit in echo.find_all("x"):
            ...

A call is sent when its method is called; cancelling the task that awaits it
cancels the call. A client belongs to the event loop of its first call.
"""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Callable, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from . import _core, _open
from ._core import AsyncCall

if TYPE_CHECKING:
    from ._core import AsyncMethod

__all__ = ["AsyncCall", "Client", "Duplex", "Items", "Sender",
           "ServiceClient", "connect"]

_Sent = TypeVar("_Sent")
_Got = TypeVar("_Got")
_Client = TypeVar("_Client", bound="ServiceClient")

# How often to retry calls that could not be sent.
_QUEUE_S = 0.02
# After this many items without waiting, other tasks get a turn.
_ITEMS_A_TURN = 64


class _Glue:
    """The Python part of a connection's state for its loop; the C part calls
    it."""

    core: _core.Aio
    running_loop = staticmethod(asyncio.get_running_loop)

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.fd = -1
        self.streams: weakref.WeakSet[_Stream] = weakref.WeakSet()
        self.timer: asyncio.TimerHandle | None = None
        self.is_reviving = False
        _glues.add(self)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called when the connection's first call is made, in this loop."""
        if self.loop is not None:
            raise RuntimeError("this client belongs to another event loop: "
                               "connect in each one that makes calls")
        self.fd = self.core.fd()
        loop.add_reader(self.fd, self.core.dispatch)
        self.loop = loop

    def detach(self) -> None:
        """Called when the client is closed."""
        loop, self.loop = self.loop, None
        for stream in list(self.streams):
            stream.close()
        if self.timer is not None:
            self.timer.cancel()
        if loop is not None and not loop.is_closed():
            loop.remove_reader(self.fd)

    def forked(self) -> None:
        """Forgets the loop in a forked child: it belongs to the parent and
        must not be touched."""
        self.loop = self.timer = None
        self.is_reviving = False
        self.core.forked()

    def future(self) -> asyncio.Future[None]:
        assert self.loop is not None
        return self.loop.create_future()

    def wake(self, future: asyncio.Future[None]) -> None:
        if not future.done() and not future.get_loop().is_closed():
            future.set_result(None)

    def watch_queue(self) -> None:
        """Starts the timer, because calls are waiting for room or for a
        server."""
        if self.timer is None and self.loop is not None:
            self.timer = self.loop.call_later(_QUEUE_S, self._look)

    def _look(self) -> None:
        self.timer = None
        if self.core.send_queued():
            self.watch_queue()

    def revive(self) -> None:
        """Replaces a lost connection, in a thread of the executor."""
        if self.is_reviving or self.loop is None:
            return
        self.is_reviving = True
        future = self.loop.run_in_executor(None, self.core.start_first)
        future.add_done_callback(self._revived)

    def _revived(self, future: asyncio.Future[Any]) -> None:
        self.is_reviving = False
        if not future.cancelled() and future.exception() is None:
            self.core.started(future.result())
            self.core.send_queued()

    def make_stream(self, core: _core.Stream) -> _Stream:
        stream = _Stream(core, self)
        self.streams.add(stream)
        return stream


_glues: weakref.WeakSet[_Glue] = weakref.WeakSet()


def _forked() -> None:
    for glue in list(_glues):
        glue.forked()


os.register_at_fork(after_in_child=_forked)


class _Stream:
    """A call with streams; see Items, Sender and Duplex."""

    def __init__(self, core: _core.Stream, glue: _Glue) -> None:
        self._core = core
        self._glue = glue
        self._waiters: list[asyncio.Future[None]] = []
        self._is_open = False
        self._count = 0

    async def _open(self) -> None:
        """Opens the stream: at once if possible, otherwise in a thread."""
        if not self._core.open(False):
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, self._core.open, True)
        # The callback must not keep this object alive: dropping a stream closes
        # it.
        me = weakref.ref(self)

        def ready() -> None:
            stream = me()
            if stream is not None:
                stream._tell()

        self._core.on_ready(ready)
        self._is_open = True

    def _tell(self) -> None:
        waiters, self._waiters = self._waiters, []
        for future in waiters:
            self._glue.wake(future)

    async def _news(self) -> None:
        future = asyncio.get_running_loop().create_future()
        self._waiters.append(future)
        await future

    async def _until(self, attempt: Callable[[], Any]) -> Any:
        """Calls `attempt`, and again whenever the stream has news, until it
        returns something other than NotImplemented."""
        if not self._is_open:
            await self._open()
        answer = attempt()
        while answer is NotImplemented:
            await self._news()
            answer = attempt()
        return answer

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        self._count += 1
        if self._count % _ITEMS_A_TURN == 0:
            await asyncio.sleep(0)
        return await self._until(self._core.try_next)

    def views(self) -> Self:
        """For a stream of bytes: returns each item as a memoryview of the
        received message instead of a copy. It is valid until the next item."""
        self._core.views()
        return self

    async def send(self, item: Any) -> None:
        """Sends an item; waits while there is no room."""
        if not self._is_open:
            await self._open()
        if self._core.push(item) is NotImplemented:
            await self._until(self._core.push_rest)

    async def end(self) -> None:
        """Sends the end of the items; receiving goes on."""
        if not self._is_open:
            await self._open()
        self._core.end()

    async def finish(self) -> Any:
        """Sends the end of the items, waits for the method's result, and
        closes the stream."""
        return (await self._until(self._core.try_finish))[0]

    def close(self) -> None:
        """Closes the stream; a call that is not over is cancelled."""
        self._core.close()
        self._tell()

    @property
    def closed(self) -> bool:
        """Whether the stream was closed."""
        return self._core.closed

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None,
                        value: BaseException | None,
                        trace: TracebackType | None) -> None:
        self.close()


# Three kinds for type checkers; at run time they are the same class.
if TYPE_CHECKING:
    class Items(_Stream, Generic[_Got]):
        """The items that a method returns, for `async for`."""

        async def __anext__(self) -> _Got: ...

    class Sender(_Stream, Generic[_Sent, _Got]):
        """Items that a method takes, and then its result."""

        async def send(self, item: _Sent) -> None: ...
        async def finish(self) -> _Got: ...

    class Duplex(_Stream, Generic[_Sent, _Got]):
        """Items in both directions."""

        async def send(self, item: _Sent) -> None: ...
        async def __anext__(self) -> _Got: ...
else:
    Items = Sender = Duplex = _Stream


class ServiceClient(_core.ServiceClient):
    """A client whose methods are coroutines."""

    __svc__: ClassVar[str]
    __classes__: ClassVar[dict[str, Any]]
    __where__: ClassVar[str]

    @classmethod
    def connect(
        cls,
        where: str | None = None,
        *,
        timeout: float | None = None,
        wait: float | None = None,
        arrays: bool = False,
        profile: str = "balanced",
        max_message_bytes: int = 0,
    ) -> Connecting[Self]:
        """Connects to the service by its name or at addresses. The result is
        to be awaited, or used with `async with`. The options are those of
        shmrpc.connect."""
        make: Callable[[], Any] = lambda: _open(
            cls.__where__ if where is None else where, cls.__svc__, timeout,
            wait, arrays, profile, max_message_bytes, cls=cls,
            classes=cls.__classes__, glue=_Glue())
        return Connecting(make)

    async def close(self) -> None:  # type: ignore[override]
        """Closes the connection; calls in flight end in Cancelled."""
        super().close()

    def __enter__(self) -> Self:
        raise TypeError("a client of shmrpc.aio: use `async with`")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None,
                        value: BaseException | None,
                        trace: TracebackType | None) -> None:
        super().close()

    def __reduce__(self) -> Any:
        raise TypeError("a client of shmrpc.aio belongs to its loop, and can't "
                        "be pickled")


class Client(ServiceClient):
    """A client of any service: its methods are attributes."""

    if TYPE_CHECKING:
        def __getattr__(self, name: str) -> AsyncMethod: ...


class Connecting(Generic[_Client]):
    """A connection in progress: await it, or use `async with`."""

    def __init__(self, make: Callable[[], _Client]) -> None:
        self._make = make
        self._client: _Client | None = None

    async def _connect(self) -> _Client:
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(None, self._make)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(_close_unwanted)
            raise

    def __await__(self) -> Generator[Any, None, _Client]:
        return self._connect().__await__()

    async def __aenter__(self) -> _Client:
        self._client = await self._connect()
        return self._client

    async def __aexit__(self, kind: type[BaseException] | None,
                        value: BaseException | None,
                        trace: TracebackType | None) -> None:
        if self._client is not None:
            await self._client.close()


def _close_unwanted(future: asyncio.Future[Any]) -> None:
    """Closes a connection that was made after its caller had given up."""
    if not future.cancelled() and future.exception() is None:
        _core.ServiceClient.close(future.result())


def connect(
    where: str,
    *,
    svc: str | None = None,
    timeout: float | None = None,
    wait: float | None = None,
    arrays: bool = False,
    profile: str = "balanced",
    max_message_bytes: int = 0,
) -> Connecting[Client]:
    """Connects to a service and asks for its interface. The result is to be
    awaited, or used with `async with`. Arguments as for shmrpc.connect."""
    make: Callable[[], Any] = lambda: _open(
        where, svc, timeout, wait, arrays, profile, max_message_bytes,
        cls=Client, glue=_Glue())
    return Connecting(make)
