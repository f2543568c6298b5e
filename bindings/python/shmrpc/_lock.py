"""The hybrid lock: mutual exclusion, by name, between threads of any processes.

    lock = shmrpc.Lock("index")
    with lock:
        ...

It spins while that pays off, then sleeps. When the process that holds it dies,
the next process gets the lock, and is told that the owner died.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from . import _core
from ._errors import (
    DeadlineExceeded,
    Destroyed,
    Exists,
    NotFound,
    OwnerDied,
    Precondition,
)

__all__ = ["CONNECT_OR_CREATE", "CONNECT_TO_EXISTING", "CREATE_NEW_EXCLUSIVE",
           "CREATE_NEW_OVERWRITE", "Lock", "NoSuchSemaphore", "NotHeld",
           "SemaphoreDestroyed", "SemaphoreExists"]

CONNECT_OR_CREATE = 0
CONNECT_TO_EXISTING = 1
CREATE_NEW_OVERWRITE = 2
CREATE_NEW_EXCLUSIVE = 3

# The numbers of shmrpc/lock.h.
_MODES = {CONNECT_OR_CREATE: 0, CONNECT_TO_EXISTING: 1,
          CREATE_NEW_OVERWRITE: 3, CREATE_NEW_EXCLUSIVE: 2}
_SEMAPHORE, _RECURSIVE, _SHARED, _FAIR, _HELD, _ALL_USERS = (
    1, 2, 4, 8, 16, 32)
_NO_SPIN = -1
_STATUS = _core.statuses()


class NoSuchSemaphore(NotFound):
    """No lock has this name, and the mode does not create one."""


class SemaphoreExists(Exists):
    """A lock with this name exists, and the mode requires a new one."""


class SemaphoreDestroyed(Destroyed):
    """The lock was destroyed by a process that had it open."""


class NotHeld(Precondition, RuntimeError, ValueError):
    """A thread released a lock that it does not hold."""


class Lock(_core.Lock):
    """A lock with a name, of letters, digits, `_`, `-` and `.`.

    mode           CONNECT_OR_CREATE, CONNECT_TO_EXISTING (raises
                   NoSuchSemaphore if there is none), CREATE_NEW_EXCLUSIVE
                   (raises SemaphoreExists if there is one),
                   CREATE_NEW_OVERWRITE (destroys an existing one)
    initial_value  1: a new lock is free; 0: this thread holds a new lock, and a
                   new semaphore has the value 0
    permissions    of a new lock, as in 0o600; the umask is ignored
    semaphore      any thread may release it, and the death of the thread that
                   acquired it is not noticed
    recursive      the thread that holds it may acquire it again
    shared         it also has readers: see read()
    fair           a thread that has waited for a millisecond goes first
    all_users      the lock is in the folder for all users, not in the folder
                   of this user
    spin           seconds to spin before sleeping; None: while it pays off
    repair         called with the lock held after its owner has died: repairs
                   what the lock protects. Without it, OwnerDied is raised, and
                   the lock is not held.
    """

    _name: str
    _options: dict[str, Any]
    _repair: Callable[[], object] | None

    def __new__(cls, name: str, mode: int = CONNECT_OR_CREATE,
                initial_value: int = 1, permissions: int = 0o600, *,
                semaphore: bool = False, recursive: bool = False,
                shared: bool = False, fair: bool = False,
                all_users: bool = False, spin: float | None = None,
                repair: Callable[[], object] | None = None) -> Self:
        if mode not in _MODES:
            raise ValueError(f"mode: {mode!r}, expected CONNECT_OR_CREATE, "
                             "CONNECT_TO_EXISTING, CREATE_NEW_OVERWRITE or "
                             "CREATE_NEW_EXCLUSIVE")
        if initial_value not in (0, 1):
            raise ValueError(f"initial_value: {initial_value!r}, expected 0 or "
                             "1")
        flags = (semaphore * _SEMAPHORE | recursive * _RECURSIVE
                 | shared * _SHARED | fair * _FAIR
                 | (initial_value == 0) * _HELD | all_users * _ALL_USERS)
        spin_ns = 0 if spin is None else round(spin * 1e9) or _NO_SPIN
        try:
            lock: Self = _core.open_lock(cls, name, _MODES[mode], flags,
                                         permissions, spin_ns)
        except NotFound as error:
            raise _as(NoSuchSemaphore, error) from None
        except Exists as error:
            raise _as(SemaphoreExists, error) from None
        lock._name = name
        lock._repair = repair
        lock._options = {"semaphore": semaphore, "recursive": recursive,
                         "shared": shared, "fair": fair,
                         "all_users": all_users, "spin": spin,
                         "repair": repair, "permissions": permissions}
        return lock

    # -- the interface of threading.Lock and multiprocessing.Lock

    def acquire(self, blocking: bool = True,
                timeout: float | None = None) -> bool:
        """Acquires the lock. Returns False if it was not free (`blocking`
        False), or not within `timeout` seconds (None or below 0: wait for
        ever)."""
        if timeout is not None and timeout < 0:
            timeout = None
        if not blocking:
            timeout = 0
        return self._take(timeout, False)

    def release(self) -> None:
        """Releases the lock; raises NotHeld if this thread does not hold
        it."""
        self._check(self._release(False))

    def locked(self) -> bool:
        """Whether any thread holds it; the answer may be outdated at once."""
        return self._state()[0] == 0

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None,
                 value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.release()

    def read(self, timeout: float | None = None) -> _Reading:
        """For a shared lock: `with lock.read():` lets other readers in, but no
        writer."""
        return _Reading(self, timeout)

    # -- the interface of HybridLock

    def lock(self, timeout: float | None = None) -> None:
        """Acquires the lock; raises TimeoutError after `timeout` seconds,
        which may be a fraction (None or -1: never)."""
        if not self.acquire(timeout=timeout):
            raise DeadlineExceeded(f"lock {self._name}: not released within "
                                   f"{timeout} s{self._holder()}")

    def unlock(self) -> None:
        """Releases the lock, like release()."""
        self.release()

    def get_value(self) -> int:
        """Returns 1 if it is free, 0 if held; raises SemaphoreDestroyed."""
        value, _, is_destroyed = self._state()
        if is_destroyed:
            raise self._destroyed()
        return value

    def get_pid_holding_lock(self) -> int:
        """Returns the pid of the process that holds it, or 0."""
        value, pid, is_destroyed = self._state()
        if is_destroyed:
            raise self._destroyed()
        return 0 if value else pid

    def get_destroyed(self) -> bool:
        """Whether the lock was destroyed."""
        return self._state()[2]

    def destroy(self) -> None:
        """Destroys the lock for all processes: waiting and later callers get
        SemaphoreDestroyed. The name can be used again."""
        if self._state()[2]:
            raise self._destroyed()
        self._check(self._destroy())

    # -- internal

    @property
    def name(self) -> str:
        return self._name

    def _take(self, timeout: float | None, shared: bool) -> bool:
        status = self._acquire(timeout, shared)
        if status == 0:
            return True
        if status in (_STATUS["DEADLINE"], _STATUS["BUSY"]):
            return False
        if status == _STATUS["PRECONDITION"] and timeout == 0 and not shared:
            return False  # this thread holds it
        if status == _STATUS["OWNER_DIED"]:
            self._mend(shared)
            return True
        self._check(status)
        return False

    def _mend(self, shared: bool) -> None:
        """Called if the owner has died; this thread holds the lock now."""
        if self._repair is None or shared:
            self._release(shared)
            raise OwnerDied(
                f"the process that held lock {self._name} has died: open it "
                "with repair=, a function that repairs what it protects")
        try:
            self._repair()
        except BaseException:
            self._release(False)
            raise
        self._check(self._consistent())

    def _check(self, status: int) -> None:
        if status == 0:
            return
        if status == _STATUS["DESTROYED"]:
            raise self._destroyed()
        if status == _STATUS["PRECONDITION"]:
            raise _numbered(NotHeld(f"lock {self._name}: this thread does not "
                                    "hold it, or holds it already"), status)
        from ._helpers import make_exception

        name = next(key for key, value in _STATUS.items() if value == status)
        raise make_exception(None, status, name, f"lock {self._name}: {name}",
                             "", 0, False, None)

    def _destroyed(self) -> SemaphoreDestroyed:
        error: SemaphoreDestroyed = _numbered(
            SemaphoreDestroyed(f"lock {self._name} was destroyed"),
            _STATUS["DESTROYED"])
        return error

    def _holder(self) -> str:
        _, pid, _ = self._state()
        return f", process {pid} holds it" if pid else ""

    def __reduce__(self) -> Any:
        """Supports pickle: unpickling opens the lock by its name."""
        return _reopen, (type(self), self._name, self._options)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name}>"


class _Reading:
    """The context manager that read() returns."""

    def __init__(self, lock: Lock, timeout: float | None) -> None:
        self._lock = lock
        self._timeout = timeout

    def __enter__(self) -> Lock:
        if not self._lock._take(self._timeout, True):
            raise DeadlineExceeded(f"lock {self._lock.name}: not acquired for "
                                   f"reading within {self._timeout} s")
        return self._lock

    def __exit__(self, kind: type[BaseException] | None,
                 value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._lock._check(self._lock._release(True))


def _reopen(cls: type[Lock], name: str, options: dict[str, Any]) -> Lock:
    return cls(name, CONNECT_OR_CREATE, **options)


def _numbered(error: Any, status: int) -> Any:
    error.status = status
    error.message = str(error)
    return error


def _as(cls: type[Any], error: Any) -> Any:
    """Turns an error of the library into one of our classes."""
    made = _numbered(cls(str(error)), error.status)
    made.name = error.name
    return made
