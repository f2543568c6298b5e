"""Shared dicts."""

from __future__ import annotations

import os
from collections.abc import Callable, ItemsView, Iterable, Iterator
from collections.abc import Mapping, MutableMapping, ValuesView
from types import TracebackType
from typing import Any, Self

from . import _core
from ._errors import Exists
from ._shared import ENCODINGS, Shared, chosen
from ._tree import (
    MISSING,
    NESTED,
    NOT_NESTED,
    List,
    Lock,
    Map,
    Watch,
    modify,
    pairs_of,
)


class _Items(ItemsView[Any, Any]):
    """As of one instant: entries may disappear while they are read."""

    _mapping: Any

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return iter(self._mapping.to_dict().items())


class _Values(ValuesView[Any]):
    _mapping: Any

    def __iter__(self) -> Iterator[Any]:
        return iter(self._mapping.to_dict().values())


class View(Mapping[Any, Any]):
    """A dict as it was at one instant, without a copy; later changes don't
    affect it. For one thread at a time."""

    def __init__(self, core: _core.DictView) -> None:
        self._core = core

    def __getitem__(self, key: Any) -> Any:
        return self._core.get(key)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._core.keys())

    def __len__(self) -> int:
        return len(self._core.keys())

    def items(self) -> Any:
        return dict(self._core.items()).items()

    def close(self) -> None:
        self._core.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None,
                 value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


class Dict(_core.Dict, Shared, MutableMapping[Any, Any]):
    """A dict that processes share by its name, without a server.

        d = shmrpc.Dict("voices")
        d["ann"] = {"rate": 16000, "tags": ["a"]}
        d["ann"]["rate"] += 1            # changed there, for all processes
        d["ann"]["tags"].append("b")
        d.modify("n", lambda n: n + 1, 0)    # no step is ever lost

    Keys are None, bool, numbers, str, bytes and tuples of these; values also
    lists, dicts, tuples, sets, dates, Decimal, UUID, arrays, dataclasses (as
    dicts).  Reading waits for nobody, each change is one step, and iterating is
    over what was there at one instant.  With nested=False maps and lists are
    copies.  Options: shmrpc.Shared, and

    encoding    "msgpack"; "json" has what JSON has
    serializer  pickle: what nothing else can hold is pickled; only for dicts
                that no other user can write to
    capacity    entries at most; 0: limited by memory
    log         changes that are kept for watchers; 0: 1024
    recursive   a thread may take a lock that it has
    snapshot    a file that fills a new dict
    """

    _kind = "dict"

    def __init__(self, name: str | None = None, *, nested: bool = True,
                 encoding: str = "msgpack", serializer: Any = None,
                 capacity: int = 0, log: int = 0, **options: Any) -> None:
        more = (False, *(NESTED if nested else NOT_NESTED), capacity, log,
                chosen("encoding", encoding, ENCODINGS))
        self._data: tuple[int, dict[Any, Any]] | None = None
        self._open(name, encoding, serializer, more, **options)
        self._again["nested"] = nested

    # ---- of a mapping ------------------------------------------------------

    def __iter__(self) -> Iterator[Any]:
        view = self._view()
        try:
            return iter(view.keys())
        finally:
            view.close()

    def __reversed__(self) -> Iterator[Any]:
        return reversed(list(self))

    def items(self) -> ItemsView[Any, Any]:
        return _Items(self)

    def values(self) -> ValuesView[Any]:
        return _Values(self)

    def pop(self, key: Any, default: Any = MISSING) -> Any:
        try:
            return self._pop((key,))
        except KeyError:
            if default is MISSING:
                raise
            return default

    def setdefault(self, key: Any, default: Any = None) -> Any:
        while True:
            try:
                return self[key]
            except KeyError:
                try:
                    self._put_new((key,), default)
                except Exists:
                    pass

    def update(self, *args: Any, **named: Any) -> None:
        """Puts many keys in one change, which others see as one."""
        self._merge(list(pairs_of(args, named).items()))

    def copy(self) -> dict[Any, Any]:
        """A Python dict, as of one instant."""
        return self.to_dict()

    def __or__(self, other: Any) -> dict[Any, Any]:
        if not isinstance(other, Mapping):
            return NotImplemented
        return self.to_dict() | dict(other.items())

    def __ror__(self, other: Any) -> dict[Any, Any]:
        if not isinstance(other, Mapping):
            return NotImplemented
        return dict(other.items()) | self.to_dict()

    def __ior__(self, other: Any) -> Self:
        self.update(other)
        return self

    @classmethod
    def fromkeys(cls, keys: Iterable[Any], value: Any = None,
                 **options: Any) -> Any:
        made = cls(**options)
        for key in keys:
            made[key] = value
        return made

    __hash__ = None  # type: ignore[assignment]

    # ---- beyond that -------------------------------------------------------

    @property
    def data(self) -> dict[Any, Any]:
        """A Python dict with the contents as of the last change: the same object
        until somebody changes something. Read-only."""
        now = self.status()["change_count"]
        if self._data is None or self._data[0] != now:
            self._data = (now, self.to_dict())
        return self._data[1]

    def at(self, *path: Any) -> Any:
        """The value at a path: d.at("a", "b", 3) is d["a"]["b"][3]."""
        return self._get(path, False)

    def modify(self, key: Any, function: Callable[[Any], Any],
               default: Any = MISSING) -> Any:
        """Puts function(value), again if somebody else was faster, and returns
        it.  Without a default a missing key is KeyError."""
        return modify(self, (key,), function, default)

    def get_version(self, key: Any) -> tuple[Any, int]:
        """The value, and its version, which no other value will have."""
        return self._get_version((key,))

    def put_if(self, key: Any, value: Any, version: int) -> int | None:
        """Puts if the key still has that version, and returns the new one; None:
        another writer was faster."""
        return self._put_if((key,), value, version)

    def view(self) -> View:
        """The dict as it is now, without a copy. Close it: it keeps old memory
        from being reused."""
        return View(self._view())

    @property
    def lock(self) -> Lock:
        """The lock of the whole; d.lock(key) is that of a key."""
        return Lock(self)

    def watch(self, prefix: str = "", *, snapshot: bool = False) -> Watch:
        """Changes from now on, for keys that begin with `prefix`. With `snapshot`
        all existing entries come first."""
        return Watch(self._watch(prefix, snapshot))

    def snapshot(self, path: str | os.PathLike[str] | None = None,
                 permissions: int = 0) -> None:
        """Writes all entries to a file, as of one instant. None: the default
        place."""
        self._snapshot(None if path is None else os.fspath(path), permissions)

    def load(self, path: str | os.PathLike[str] | None = None) -> None:
        """Puts all of a snapshot into the dict, in one change."""
        self._load(None if path is None else os.fspath(path))


__all__ = ["Dict", "List", "Map", "View"]
