"""Parts of dicts and values: maps and lists within them, locks, watches."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import MutableMapping, MutableSequence
from types import TracebackType
from typing import Any, NamedTuple, NoReturn, Self

from . import _core
from ._errors import Busy, DeadlineExceeded, Error, Exists
from ._shared import failure

MISSING: Any = object()
Path = tuple[Any, ...]


class _Part:
    """A map or list within a dict or a value: the root object, and a path."""

    __slots__ = ("_path", "_root")

    _root: Any
    _path: Path

    def __init__(self, root: Any, path: Path) -> None:
        self._root = root
        self._path = path

    def copy(self) -> Any:
        """Returns the present contents as a Python dict or list."""
        return self._root._get(self._path, True)

    def _is_at(self, root: Any, path: Path) -> bool:
        """Whether this is the part at `path` of `root`. If so, `d[key] += ...`
        has changed the part in place, and need not put it back."""
        return self._root is root and self._path == path

    __shmrpc_plain__ = copy

    def __len__(self) -> int:
        count: int = self._root._len(self._path)
        return count

    def __repr__(self) -> str:
        try:
            return repr(self.copy())
        except (LookupError, ValueError, Error):
            return f"<shmrpc.{type(self).__name__} that is gone>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a part of a shared object can't be pickled: pickle its copy()")


class Map(_Part, MutableMapping[Any, Any]):
    """A map within a dict or a value: changing it changes the shared map, for
    all processes. An iteration is over a copy."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        return self._root._get((*self._path, key), False)

    def __setitem__(self, key: Any, value: Any) -> None:
        path = (*self._path, key)
        if not (isinstance(value, _Part) and value._is_at(self._root, path)):
            self._root._put(path, value)

    def __delitem__(self, key: Any) -> None:
        self._root._del((*self._path, key))

    def __contains__(self, key: object) -> bool:
        found: bool = self._root._contains((*self._path, key))
        return found

    def __iter__(self) -> Iterator[Any]:
        return iter(self.copy())

    def items(self) -> Any:
        return self.copy().items()

    def values(self) -> Any:
        return self.copy().values()

    def pop(self, key: Any, default: Any = MISSING) -> Any:
        try:
            return self._root._pop((*self._path, key))
        except KeyError:
            if default is MISSING:
                raise
            return default

    def setdefault(self, key: Any, default: Any = None) -> Any:
        try:
            self._root._put_new((*self._path, key), default)
        except Exists:
            pass
        return self[key]

    def clear(self) -> None:
        self._root._put(self._path, {})

    def to_dict(self) -> dict[Any, Any]:
        """Returns a copy."""
        made: dict[Any, Any] = self.copy()
        return made


class List(_Part, MutableSequence[Any]):
    """A list within a dict or a value; like a Map, it is changed in place."""

    __slots__ = ()

    def _at(self, index: Any) -> Path:
        return (*self._path, operator.index(index))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.copy()[index]
        try:
            return self._root._get(self._at(index), False)
        except KeyError:
            raise IndexError("list index out of range") from None

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            raise TypeError("slices of a shared list can't be assigned: "
                            "put a new list")
        path = self._at(index)
        if isinstance(value, _Part) and value._is_at(self._root, path):
            return
        try:
            self._root._put(path, value)
        except KeyError:
            raise IndexError("list assignment index out of range") from None

    def __delitem__(self, index: Any) -> None:
        if isinstance(index, slice):
            raise TypeError("slices of a shared list can't be deleted: "
                            "put a new list")
        try:
            self._root._del(self._at(index))
        except KeyError:
            raise IndexError("list index out of range") from None

    def insert(self, index: int, value: Any) -> None:
        try:
            self._root._insert(self._at(index), value)
        except (KeyError, IndexError):
            self._root._insert((*self._path, 0), value)

    def append(self, value: Any) -> None:
        self._root._append(self._path, value)

    def extend(self, values: Iterable[Any]) -> None:
        for value in list(values):
            self.append(value)

    def pop(self, index: int = -1) -> Any:
        try:
            return self._root._pop(self._at(index))
        except KeyError:
            raise IndexError("pop index out of range") from None

    def clear(self) -> None:
        self._root._put(self._path, [])

    def __iter__(self) -> Iterator[Any]:
        return iter(self.copy())

    def __contains__(self, value: object) -> bool:
        return value in self.copy()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, List):
            return bool(self.copy() == other.copy())
        return bool(self.copy() == other)

    __hash__ = None  # type: ignore[assignment]


def nested(root: Any, path: Path, is_list: bool) -> Map | List:
    """Makes the object for the map or list at a path; the C part calls
    this."""
    return List(root, path) if is_list else Map(root, path)


# For open_object(): the function that makes parts, and their base class.
NESTED = (nested, _Part)
NOT_NESTED = (None, None)


# ---- locks ---------------------------------------------------------------


class Lock:
    """The lock of a dict, a key or a value; a thread holds it.

        with d.lock: ...                  # the whole
        with d.lock("key"): ...           # one key
        with d.lock(timeout=1.5): ...     # or raises DeadlineExceeded
        with d.lock(recover=True) as lock:
            if lock.owner_died: ...       # repair the data in this block

    A DeadlineExceeded has `pid`, the process that holds the lock, and `held`,
    for how many seconds it has held it.

    If the process that held the lock has died, acquiring it with `recover`
    sets owner_died, and the data counts as repaired when the block ends without
    an exception. Without `recover`, acquiring raises OwnerDied, and the lock is
    not held.
    """

    __slots__ = ("_key", "_recover", "_root", "_spin_ns", "_timeout",
                 "owner_died")

    def __init__(self, root: Any, key: Path = (), timeout: float | None = None,
                 recover: bool = False, spin_ns: int = 0) -> None:
        self._root = root
        self._key = key
        self._timeout = timeout
        self._recover = recover
        self._spin_ns = spin_ns
        self.owner_died = False

    def __call__(self, key: Any = MISSING, *, timeout: float | None = None,
                 recover: bool = False, spin: float = 0) -> Lock:
        """Returns the same lock, or the lock of a key, with options: `timeout`
        in seconds (None: for ever), and `spin`, the seconds to spin before
        sleeping (below 0: never spin)."""
        return type(self)(self._root, self._key if key is MISSING else (key,),
                          timeout, recover, int(spin * 1e9) if spin >= 0 else -1)

    def _take(self, timeout: float | None) -> None:
        died = self._root._lock(self._key, timeout, self._spin_ns)
        if died and not self._recover:
            self._root._unlock(self._key)
            raise failure("OWNER_DIED", "the process that held the lock died: "
                          "take it with recover=True, and repair what it "
                          "protects")
        self.owner_died = died

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Acquires the lock; returns whether it was acquired in time, like
        threading.Lock."""
        try:
            self._take(timeout if block else 0)
        except (Busy, DeadlineExceeded):
            return False
        return True

    def release(self) -> None:
        self._root._unlock(self._key)
        self.owner_died = False

    def consistent(self) -> None:
        """Reports that the data which the lock protects has been repaired."""
        self._root._lock_consistent(self._key)
        self.owner_died = False

    def __enter__(self) -> Self:
        self._take(self._timeout)
        return self

    def __exit__(self, kind: type[BaseException] | None,
                 value: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self.owner_died and kind is None:
            self.consistent()
        self.release()


# ---- watches -------------------------------------------------------------


class Event(NamedTuple):
    """A change. `kind` is "put", "del", "clear", or "resync": then forget
    everything; all entries follow as "put"."""

    kind: str
    key: Any
    value: Any
    change: int


class Watch:
    """Changes, one by one: an iterator that waits. Only one thread may use it
    at a time."""

    def __init__(self, core: _core.Watch) -> None:
        self._core = core

    def next(self, timeout: float | None = None) -> Event:
        """Returns the next change; raises DeadlineExceeded if none comes in
        time."""
        try:
            return Event(*self._core._next(timeout))
        except Busy as error:
            raise failure("DEADLINE", error.message) from None

    def fileno(self) -> int:
        """Returns a descriptor that is readable when there may be an event."""
        return self._core.fileno()

    def close(self) -> None:
        self._core.close()

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        return self.next()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None,
                 value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


# ---- changing a value depending on what it was -----------------------------


def modify(root: Any, path: Path, function: Callable[[Any], Any],
           default: Any) -> Any:
    """Reads the value, calls the function, and puts its result if no other
    writer has changed the value meanwhile; otherwise repeats, so that no
    change is lost."""
    while True:
        try:
            value, version = root._get_version(path)
        except LookupError:
            if default is MISSING:
                raise
            made = function(default)
            try:
                root._put_new(path, made)
                return made
            except Exists:
                continue
        made = function(value)
        if root._put_if(path, made, version) is not None:
            return made


def pairs_of(args: tuple[Any, ...], named: dict[str, Any]) -> dict[Any, Any]:
    """Interprets the arguments of update() like dict()."""
    if len(args) > 1:
        raise TypeError(f"update expected at most 1 argument, got {len(args)}")
    made: dict[Any, Any] = {}
    for arg in args:
        if isinstance(arg, Mapping):
            made.update(arg.items())
        else:
            made.update(arg)
    made.update(named)
    return made
