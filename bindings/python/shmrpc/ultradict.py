"""UltraDict's interface over shared dicts: change one import line.

    from shmrpc.ultradict import UltraDict

Everything works as UltraDict's documentation says; docs/from-ultradict.md
lists the differences. In new programs use shmrpc.Dict.
"""

from __future__ import annotations

import pickle
import time
from types import TracebackType
from typing import Any, Self

from ._dict import Dict
from ._errors import (
    Busy,
    DataLoss,
    DeadlineExceeded,
    Destroyed,
    Error,
    Exists,
    NotFound,
)
from ._shared import remove

__all__ = ["Exceptions", "UltraDict"]


class Exceptions:
    """The exceptions that UltraDict raises."""

    class ParameterMismatch(Exception):
        """Parameters contradict each other, or the existing dict."""

    class AlreadyClosed(Exception):
        """The dict was closed."""

    class AlreadyExists(Exception):
        """A dict with this name exists."""

    class CannotAttachSharedMemory(Exception):
        """No dict has this name."""

    class CannotAcquireLock(Exception):
        """Another process holds the lock.

          blocking_pid  that process; 0 if it is not known
          timestamp     when it acquired the lock, as from time.time()
          time_passed   seconds since then
        """

        def __init__(self, *args: Any, blocking_pid: int = 0,
                     timestamp: float = 0, time_passed: float = 0) -> None:
            super().__init__(*args)
            self.blocking_pid = blocking_pid
            self.timestamp = timestamp
            self.time_passed = time_passed

    class CannotAcquireLockTimeout(CannotAcquireLock):
        """Another process still holds the lock after the timeout."""

    class MissingDependency(Exception):
        """Never raised: there are no dependencies."""

    class FullDumpMemoryFull(Exception):
        """Never raised: a full dict raises shmrpc.Exhausted."""


class _Lock:
    """UltraDict's locks, which are re-entrant. If the process that holds the
    lock has died, the lock is acquired at once. A lock that a living process
    holds is never stolen: options that steal it in UltraDict only wait here."""

    def __init__(self, ultra: UltraDict, timeout: float | None = None,
                 block: bool = True, spin_ns: int = 0) -> None:
        self._ultra = ultra
        self._timeout = timeout
        self._block = block
        self._spin_ns = spin_ns

    def __call__(self, block: bool = True, timeout: float | None = None,
                 sleep_time: float | None = None, steal: bool = False,
                 steal_after_timeout: bool = False,
                 steal_from_dead: bool = False) -> _Lock:
        """Sets options for one use: sleep_time=0 spins for a second before
        sleeping."""
        return _Lock(self._ultra, timeout, block,
                     1_000_000_000 if sleep_time == 0 else 0)

    def acquire(self, block: bool = True, timeout: float | None = None,
                sleep_time: float | None = None, steal: bool = False,
                steal_after_timeout: bool = False,
                steal_from_dead: bool = False) -> bool:
        spin_ns = 1_000_000_000 if sleep_time == 0 else self._spin_ns
        try:
            if self._ultra._lock((), timeout if block else 0, spin_ns):
                self._ultra._lock_consistent(())
        except (Busy, DeadlineExceeded) as error:
            held = getattr(error, "held", 0.0)
            kind = (Exceptions.CannotAcquireLockTimeout if block
                    else Exceptions.CannotAcquireLock)
            raise kind(str(error), blocking_pid=error.pid,
                       timestamp=time.time() - held,
                       time_passed=held) from None
        return True

    def release(self, *args: Any) -> None:
        self._ultra._unlock(())

    def __enter__(self) -> Self:
        self.acquire(self._block, self._timeout)
        return self

    def __exit__(self, kind: type[BaseException] | None,
                 value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.release()


# Maps the argument `create` of UltraDict to the option `mode` of Dict.
_MODES = {None: "open", True: "create", False: "existing"}


class UltraDict(Dict):
    """A dict shared by processes, with the constructor of UltraDict.

    name, create, serializer, auto_unlink and recurse have UltraDict's meaning.
    buffer_size, full_dump_size, shared_lock and recurse_register are accepted,
    but have no effect. serializer=pickle, the default, pickles only values
    that can't be stored otherwise. serializer=json stores values as JSON. Any
    other serializer has no effect.
    """

    Exceptions = Exceptions

    def __init__(self, *args: Any, name: str | None = None,
                 create: bool | None = None, buffer_size: int = 10_000,
                 serializer: Any = pickle, shared_lock: bool | None = None,
                 full_dump_size: int | None = None,
                 auto_unlink: bool | None = None, recurse: bool | None = None,
                 recurse_register: Any = None, mode: str | None = None,
                 **kwargs: Any) -> None:
        if create not in (None, True, False):
            raise Exceptions.ParameterMismatch(
                f"create={create!r}, expected True, False or None")
        if create is False and name is None:
            raise Exceptions.CannotAttachSharedMemory(
                "create=False needs a name")
        self._closed_data: dict[Any, Any] | None = None
        self.buffer_size = buffer_size
        self.auto_unlink = auto_unlink
        self.recurse = bool(recurse)
        self.shared_lock = shared_lock
        lifetime = {None: "last_close", True: "creator", False: "file"}
        is_json = getattr(serializer, "__name__", "") == "json"
        try:
            super().__init__(
                name, mode=mode or _MODES[create], nested=bool(recurse),
                encoding="json" if is_json else "msgpack",
                serializer=pickle if serializer is pickle else None,
                lifetime=lifetime[auto_unlink], recursive=True)
        except Exists as error:
            raise Exceptions.AlreadyExists(str(error)) from None
        except (NotFound, DataLoss) as error:
            raise Exceptions.CannotAttachSharedMemory(str(error)) from None
        self.serializer = serializer
        if args or kwargs:
            self.update(*args, **kwargs)

    def __reduce__(self) -> Any:
        return _attach, (self.name, self._again["serializer"] is not None,
                         self._again["encoding"], self.recurse)

    # Unlike those of Dict, these methods show the contents.
    def __repr__(self) -> str:
        return repr(self.to_dict())

    def __str__(self) -> str:
        return str(self.to_dict())

    @property
    def data(self) -> dict[Any, Any]:
        """The contents, for fast reading; after close(), the last contents."""
        if self._closed_data is not None:
            return self._closed_data
        return super().data

    @property
    def lock(self) -> Any:
        return _Lock(self)

    def dump(self) -> None:
        """Does nothing: all processes read the same memory."""

    def load(self, path: Any = None, force: bool = False) -> None:
        """Loads a snapshot if `path` names one; otherwise does nothing."""
        if path is not None:
            super().load(path)

    def apply_update(self) -> None:
        """Does nothing: changes are visible at once."""

    def status(self) -> dict[str, Any]:
        figures: dict[str, Any] = super().status()
        figures.update(name=self.name, buffer_size=self.buffer_size,
                       recurse=self.recurse, serializer=self.serializer,
                       lock=self.lock)
        return figures

    def print_status(self, status: Any = None, stderr: bool = False) -> None:
        import pprint
        import sys

        pprint.pprint(status or self.status(),
                      sys.stderr if stderr else sys.stdout)

    def close(self, unlink: bool = False) -> Any:
        """Closes the dict, and returns its last contents."""
        if self._closed_data is None:
            try:
                self._closed_data = self.to_dict()
            except (Destroyed, ValueError):
                self._closed_data = {}
            if unlink:
                self.unlink()
            super().close()
        return self._closed_data

    def unlink(self) -> None:
        """Destroys the dict: its name can be used again, and processes that
        use it get an error."""
        self.destroy()

    @staticmethod
    def unlink_by_name(name: str, ignore_errors: bool = False) -> bool:
        """Removes a dict that a process has left behind."""
        try:
            remove(name, "dict")
        except Error:
            if ignore_errors:
                return False
            raise
        return True


def _attach(name: str, is_pickled: bool, encoding: str, recurse: bool) -> Any:
    """Opens the dict again, to make a handle from its pickle."""
    import json

    serializer = (pickle if is_pickled else
                  json if encoding == "json" else None)
    return UltraDict(name=name, mode="existing", serializer=serializer,
                     recurse=recurse)
