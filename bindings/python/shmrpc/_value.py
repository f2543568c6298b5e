"""Shared values, and arrays of numbers."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterator
from typing import Any

from . import _core
from ._errors import Exists, NotFound
from ._shared import ENCODINGS, Shared, chosen
from ._tree import MISSING, NESTED, NOT_NESTED, Lock, Watch, modify

_PUT, _PUT_NEW, _PUT_IF = 0, 1, 2


class _Single(Shared):
    """The common part of values and arrays: watches and snapshot files."""

    _kind = "value"

    @property
    def lock(self: Any) -> Lock:
        return Lock(self)

    def watch(self: Any, *, snapshot: bool = False) -> Watch:
        """Returns changes from now on: each is a "put" with the whole new
        value."""
        return Watch(self._watch("", snapshot))

    def snapshot(self: Any, path: str | os.PathLike[str] | None = None,
                 permissions: int = 0) -> None:
        """Writes the value to a file; `path` None stands for the default
        place."""
        self._snapshot(None if path is None else os.fspath(path), permissions)

    def load(self: Any, path: str | os.PathLike[str] | None = None) -> None:
        """Puts the content of a snapshot file."""
        self._load(None if path is None else os.fspath(path))


class Value(_core.Tree, _Single):
    """One value that processes share by its name: a tree of any shape.

        config = shmrpc.Value("config", {"rate": 16000, "tags": []})
        config["tags"].append("a")       # changed in place, for all processes
        config.modify(lambda tree: ...)
        config.get()

    `initial` is put if no value has been put yet. Options: those of Dict.
    """

    def __init__(self, name: str | None = None, initial: Any = MISSING, *,
                 nested: bool = True, encoding: str = "msgpack",
                 serializer: Any = None, log: int = 0, **options: Any) -> None:
        more = (True, *(NESTED if nested else NOT_NESTED), 0, log,
                chosen("encoding", encoding, ENCODINGS))
        self._open(name, encoding, serializer, more, **options)
        self._again["nested"] = nested
        if initial is not MISSING:
            try:
                self._put_new((), initial)
            except Exists:
                pass

    def get(self, default: Any = MISSING) -> Any:
        """Returns a copy. If no value was put yet, returns `default`; without
        a default, raises NotFound."""
        try:
            return self._get((), True)
        except NotFound:
            if default is MISSING:
                raise
            return default

    def put(self, value: Any) -> None:
        self._put((), value)

    @property
    def value(self) -> Any:
        return self.get()

    @value.setter
    def value(self, value: Any) -> None:
        self.put(value)

    def delete(self) -> None:
        """Deletes the value, as if it had never been put."""
        self._del(())

    def at(self, *path: Any) -> Any:
        """Returns the value at a path; a map or a list is returned as a part
        that can be changed."""
        return self._get(path, False)

    def modify(self, function: Callable[[Any], Any],
               default: Any = MISSING) -> Any:
        """Puts function(value). If another writer changes the value meanwhile,
        calls the function again."""
        return modify(self, (), function, default)

    def append(self, item: Any) -> None:
        """Appends an item; the value must be a list."""
        self._append((), item)

    def insert(self, index: int, item: Any) -> None:
        self._insert((operator.index(index),), item)

    def pop(self, key: Any = -1) -> Any:
        """Removes and returns an item: of a list by position, of a map by
        key."""
        return self._pop((key,))

    def __iter__(self) -> Iterator[Any]:
        return iter(self.get())


class Array(_core.Array, _Single):
    """An array of numbers that processes share by its name.

        a = shmrpc.Array("frame", format="d", shape=(480, 640))
        numpy.asarray(a)                 # its present content, not copied
        a.put(numbers)                   # replaces the content in one step
        a[3, 4] = 1.5

    It is a buffer with format, shape and strides. What a memoryview(a) shows
    never changes: writing replaces the whole array. So no process ever sees a
    half-written array, and a writer may be killed at any moment. Changing an
    item copies the array.

    `data` is a buffer or numbers; without it, the array holds zeros. If the
    array already exists, it must have the requested format and shape.
    """

    def __init__(self, name: str | None = None, data: Any = None, *,
                 format: str | None = None,
                 shape: int | tuple[int, ...] | None = None,
                 log: int = 0, **options: Any) -> None:
        wanted: Any = (shape,) if isinstance(shape, int) else shape
        options.pop("encoding", None), options.pop("serializer", None)
        first = None
        if data is not None or wanted is not None:
            first = _numbers(data, format or "d", wanted)
            format, wanted = format and first.format, first.shape
        self._open(name, "msgpack", None,
                   (True, *NOT_NESTED, 0, log, ENCODINGS["msgpack"]), **options)
        try:
            if first is not None:
                self._put_array(first, _PUT_NEW, 0)
            self._check(self.view(), format, wanted)
        except BaseException:
            self.close()
            raise

    def view(self) -> Any:
        """Returns memoryview(self): the array as it is now."""
        return self._now()[0]

    def _check(self, view: Any, format: str | None,
               shape: tuple[int, ...] | None) -> None:
        if ((format is not None and view.format != format)
                or (shape is not None and view.shape != shape)):
            raise ValueError(
                f"array {self.name!r} has format {view.format!r} and shape "
                f"{view.shape}, expected {format or view.format!r} and "
                f"{shape or view.shape}")

    @property
    def format(self) -> str:
        return str(self.view().format)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.view().shape)

    @property
    def ndim(self) -> int:
        return int(self.view().ndim)

    @property
    def nbytes(self) -> int:
        return int(self.view().nbytes)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        view = self.view()
        if isinstance(index, slice) or view.ndim != 1 and not isinstance(
                index, tuple):
            return view.tolist()[index]
        return view[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        if not isinstance(index, slice):
            return self.modify(lambda view: operator.setitem(view, index,
                                                             value))
        items = list(value)

        def change(view: Any) -> None:
            places = range(*index.indices(len(view)))
            if len(places) != len(items):
                raise ValueError(f"{len(items)} items for {len(places)} places")
            for place, item in zip(places, items):
                view[place] = item

        return self.modify(change)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def tolist(self) -> list[Any]:
        items: list[Any] = self.view().tolist()
        return items

    def tobytes(self) -> bytes:
        data: bytes = self.view().tobytes()
        return data

    def put(self, data: Any) -> None:
        """Replaces the array's content by a buffer of the same format and
        shape, or by numbers."""
        now = self.view()
        made = _numbers(data, now.format, now.shape)
        self._check(made, now.format, now.shape)
        self._put_array(made, _PUT, 0)

    def modify(self, function: Callable[[Any], Any]) -> None:
        """Calls the function with a copy that it may modify, and puts that
        copy; repeats if another writer has changed the array meanwhile."""
        while True:
            now: Any
            now, version = self._now()
            copy = memoryview(bytearray(now.tobytes()))
            function(copy.cast(now.format, now.shape))
            if self._put_array(copy.cast(now.format, now.shape), _PUT_IF,
                               version):
                return


def _numbers(data: Any, format: str, shape: Any) -> Any:
    """Returns a buffer: `data` itself if it is a buffer, else a new one made
    from numbers."""
    import struct

    if data is not None:
        try:
            view = memoryview(data)
        except TypeError:
            pass
        else:
            return _plain_format(view)
        items = list(_flat(data))
        shape = shape or (len(items),)
    count = 1
    for size in shape:
        count *= operator.index(size)
    try:
        if data is None:
            items = [0] * count
        raw = struct.pack(f"={count}{format}", *items)
    except struct.error as error:
        raise ValueError(f"array of format {format!r} and shape {shape}: "
                         f"{error}") from None
    return memoryview(raw).cast(format, shape)


def _flat(data: Any) -> Iterator[Any]:
    for item in data:
        if isinstance(item, (list, tuple)):
            yield from _flat(item)
        else:
            yield item


# Type letters with the same meaning on this machine.
_SAME = {"l": "q", "L": "Q", "n": "q", "N": "Q"}


def _plain_format(view: memoryview) -> Any:
    """Converts a view to the type letters that shared arrays use."""
    shape: Any = view.shape
    format = view.format.lstrip("@=<")
    format = _SAME.get(format, format)
    if format == view.format or not view.c_contiguous:
        return view
    return view.cast("B").cast(format, shape)
