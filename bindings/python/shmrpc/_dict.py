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
    """The entries at one instant: they may be deleted while they are
    iterated."""

    _mapping: Any

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return iter(self._mapping.to_dict().items())


class _Values(ValuesView[Any]):
    _mapping: Any

    def __iter__(self) -> Iterator[Any]:
        return iter(self._mapping.to_dict().values())


class View(Mapping[Any, Any]):
    """Shows a dict as it was at one instant, without copying it. Later changes
    of the dict don't affect the view. Only one thread may use it at a time."""

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
        d["ann"]["rate"] += 1            # changed in place, for all processes
        d["ann"]["tags"].append("b")
        d.modify("n", lambda n: n + 1, 0)    # no increment is ever lost

    Keys are None, bool, numbers, str, bytes and tuples of these. Values can
    also be lists, dicts, tuples, sets, dates, Decimal, UUID, arrays, and
    dataclasses (stored as dicts). Reading never blocks, each change is atomic,
    and an iteration sees the entries at one instant. With nested=False, maps
    and lists are returned as copies. Options are those of shmrpc.Shared, and:

    encoding    "msgpack"; "json" only stores what JSON can represent
    serializer  the module pickle: values that can't be stored otherwise are
                pickled. Allowed only for dicts that no other user can write to
    capacity    maximum number of entries; 0: limited only by memory
    log         how many changes are kept for watchers; 0: 1024
    recursive   a thread may acquire a lock that it already holds
    snapshot    a file from which a new dict is filled
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

    # ---- as a mapping ------------------------------------------------------

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
        """Puts many keys in one change, which other processes see as a
        whole."""
        self._merge(list(pairs_of(args, named).items()))

    def copy(self) -> dict[Any, Any]:
        """Returns a Python dict with the contents at one instant."""
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

    # ---- beyond a mapping --------------------------------------------------

    @property
    def data(self) -> dict[Any, Any]:
        """A Python dict with the contents as of the last change; it stays the
        same object until the next change. Read-only."""
        now = self.status()["change_count"]
        if self._data is None or self._data[0] != now:
            self._data = (now, self.to_dict())
        return self._data[1]

    def at(self, *path: Any) -> Any:
        """Returns the value at a path: d.at("a", "b", 3) is d["a"]["b"][3]."""
        return self._get(path, False)

    def modify(self, key: Any, function: Callable[[Any], Any],
               default: Any = MISSING) -> Any:
        """Puts function(value) and returns it. If another writer changes the
        value meanwhile, calls the function again. A missing key starts with
        `default`; without a default it raises KeyError."""
        return modify(self, (key,), function, default)

    def get_version(self, key: Any) -> tuple[Any, int]:
        """Returns the value and its version. No version is ever used twice."""
        return self._get_version((key,))

    def put_if(self, key: Any, value: Any, version: int) -> int | None:
        """Puts the value if the key still has this version, and returns the
        new version; returns None if another writer has changed the key."""
        return self._put_if((key,), value, version)

    def view(self) -> View:
        """Returns the dict as it is now, without copying it. Close the view:
        until then old memory can't be reused."""
        return View(self._view())

    @property
    def lock(self) -> Lock:
        """The lock of the whole dict; d.lock(key) is the lock of a key."""
        return Lock(self)

    def watch(self, prefix: str = "", *, snapshot: bool = False) -> Watch:
        """Returns changes from now on, for keys that begin with `prefix`. With
        `snapshot`, all existing entries come first."""
        return Watch(self._watch(prefix, snapshot))

    def snapshot(self, path: str | os.PathLike[str] | None = None,
                 permissions: int = 0) -> None:
        """Writes all entries at one instant to a file; `path` None stands for
        the default place."""
        self._snapshot(None if path is None else os.fspath(path), permissions)

    def load(self, path: str | os.PathLike[str] | None = None) -> None:
        """Puts all entries of a snapshot file into the dict, in one change."""
        self._load(None if path is None else os.fspath(path))


__all__ = ["Dict", "List", "Map", "View"]
