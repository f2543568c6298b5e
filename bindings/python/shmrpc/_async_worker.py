"""Handlers that are coroutines: each worker has one event loop, in a thread of
its own.

The library's threads pass calls to the loop, and never wait for the GIL. Plain
methods of a class with `async def` methods run in the loop too, between its
tasks.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any, Self

from . import _core
from ._errors import Cancelled

# How often to check for tasks whose client has disconnected.
_LOOK_S = 0.02
# After SystemExit in a handler, the worker exits once it has had no call for
# this long.
_IDLE_S = 0.02

_current: contextvars.ContextVar[_core.Context | None] = contextvars.ContextVar(
    "shmrpc.context", default=None)


class _Items:
    """The items that the client sends, as a handler sees them."""

    def __init__(self, runner: Runner, context: _core.Context) -> None:
        self._runner = runner
        self._context = context

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        item = self._context._next()
        while item is NotImplemented:
            await self._runner.news(self._context)
            item = self._context._next()
        return item


class Runner:
    """The event loop of this worker."""

    def __init__(self, target: Any, leave: Callable[[], None]) -> None:
        self._target = target
        self._leave = leave
        self._jobs = _core.jobs(_current)
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._tasks: dict[_core.Context, asyncio.Task[None]] = {}
        self._waiters: dict[_core.Context, list[asyncio.Future[None]]] = {}
        self._timer: asyncio.TimerHandle | None = None

    # ---- the library's thread ----------------------------------------------

    def start(self) -> None:
        """Returns when the loop runs; raises what worker_start has raised."""
        self._thread = threading.Thread(target=self._run, name="shmrpc-loop",
                                        daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Called after the last call: stops the loop and waits for its
        thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join()
        if self._error is not None:
            raise self._error

    # ---- in the loop --------------------------------------------------------

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            self._error = error
        self._ready.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        await self._hook("worker_start")
        self._loop.add_reader(self._jobs.fd(), self._take)
        self._ready.set()
        try:
            await self._stopped.wait()
            # Clients of these tasks already know that the server is ending.
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            self._loop.remove_reader(self._jobs.fd())
            await self._hook("worker_stop")

    async def _hook(self, name: str) -> None:
        hook = getattr(self._target, name, None)
        result = hook() if hook is not None else None
        if inspect.isawaitable(result):
            await result

    def _take(self) -> None:
        calls, news = self._jobs.take()
        for row in calls:
            self._begin(*row)
        for context in news:
            for future in self._waiters.pop(context, ()):
                if not future.done():
                    future.set_result(None)
            self._look(context)

    def _begin(self, context: _core.Context, function: Callable[..., Any],
               arguments: Any, takes_items: bool, gives_items: bool) -> None:
        space = contextvars.copy_context()
        space.run(_current.set, context)
        if isinstance(arguments, BaseException):
            return space.run(context._fail, arguments)
        if takes_items:
            arguments += (_Items(self, context),)
        try:
            result = space.run(function, *arguments)
        except BaseException as error:
            return space.run(self._fail, context, error)
        if not gives_items and not inspect.isawaitable(result):
            return space.run(context._reply, result)
        work = (self._send(context, result) if gives_items else
                self._answer(context, result))
        task = self._loop.create_task(work, context=space)
        self._tasks[context] = task
        task.add_done_callback(lambda _: self._tasks.pop(context))
        if self._timer is None:
            self._timer = self._loop.call_later(_LOOK_S, self._look_again)
        return None

    async def _answer(self, context: _core.Context, work: Any) -> None:
        try:
            value = await work
        except BaseException as error:
            self._fail(context, error)
        else:
            context._reply(value)

    async def _send(self, context: _core.Context, items: Any) -> None:
        """Sends the items that a handler returns."""
        try:
            if inspect.iscoroutine(items):
                items = await items
            iterator = _iterator_of(items)
            try:
                async for item in iterator:
                    while context._push(item) is NotImplemented:
                        await self.news(context)
            finally:
                close = getattr(iterator, "aclose", None)
                if close is not None:
                    await close()
        except BaseException as error:
            self._fail(context, error)
        else:
            context._reply(None)

    async def news(self, context: _core.Context) -> None:
        """Waits until the library's thread has sent or received items of the
        call's stream, or the call is over."""
        future = self._loop.create_future()
        self._waiters.setdefault(context, []).append(future)
        if not context._wanted():
            future.set_result(None)
        await future

    def _fail(self, context: _core.Context, error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError):
            error = Cancelled("the handler was cancelled")
        context._fail(error)
        if isinstance(error, SystemExit):
            self._loop.call_later(_IDLE_S, self._leave_when_idle)

    def _leave_when_idle(self) -> None:
        if self._tasks or self._jobs.idle() < _IDLE_S:
            self._loop.call_later(_IDLE_S, self._leave_when_idle)
        else:
            self._last = self._loop.create_task(self._stop_and_leave())

    async def _stop_and_leave(self) -> None:
        try:
            await self._hook("worker_stop")
        finally:
            self._leave()

    # ---- clients that have disconnected --------------------------------------

    def _look(self, context: _core.Context) -> None:
        task = self._tasks.get(context)
        if task is not None and not context._wanted() and not task.cancelling():
            task.cancel()

    def _look_again(self) -> None:
        self._timer = None
        for context in list(self._tasks):
            self._look(context)
        if self._tasks:
            self._timer = self._loop.call_later(_LOOK_S, self._look_again)


def _iterator_of(items: Any) -> AsyncIterator[Any]:
    """Iterates over an async or a plain iterable; None has no items."""
    if hasattr(items, "__aiter__"):
        iterator: AsyncIterator[Any] = aiter(items)
        return iterator
    return _each(() if items is None else items)


async def _each(items: Any) -> AsyncIterator[Any]:
    for item in items:
        yield item
