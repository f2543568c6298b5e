"""The common part of shared objects: names, options, opening, pickled
handles."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, NamedTuple, Self

from . import _core
from ._errors import Error
from ._helpers import make_exception

MODES = {"open": 0, "existing": 1, "create": 2, "replace": 3, "wait": 4}
LIFETIMES = {"file": 1, "last_close": 2, "creator": 3}
ENCODINGS = {"json": 2, "msgpack": 3}
READ_ONLY, ALL_USERS, RECURSIVE = 1, 2, 4


class ObjectInfo(NamedTuple):
    """A shared object, as objects() lists it."""

    name: str
    kind: str
    type: str
    state: str
    uid: int
    mode: int
    open_count: int
    memory_bytes: int


def chosen(what: str, value: Any, table: dict[str, int]) -> int:
    """Returns the number of an option's value."""
    try:
        return table[value]
    except (KeyError, TypeError):
        raise ValueError(f"{what}: {value!r}, expected "
                         f"{', '.join(table)}") from None


def failure(status: str, message: str) -> Error:
    """Makes the exception of a status."""
    return make_exception(None, _core.statuses()[status], status, message, "",
                          0, False, None)


def random_name() -> str:
    return "psm_" + os.urandom(8).hex()


def objects(*, all_users: bool = False) -> list[ObjectInfo]:
    """Lists the objects in the user's folder, or in the folder for all
    users."""
    return [ObjectInfo(*row) for row in _core.list_objects(int(all_users))]


def remove(name: str, kind: str | None = None, *,
           all_users: bool = False) -> None:
    """Destroys an object for all its users, even if it is damaged. `kind` is
    "dict", "queue" and so on; it may be None if only one kind has this
    name."""
    _core.remove_object(int(all_users), name, kind)


class Shared(_core.Handle):
    """An object that processes share under a name.

    Its options say how it is opened and, if it is created, its properties:

    mode         "open" (creates it if it does not exist), "existing",
                 "create", "replace", "wait"
    timeout      for mode "wait", in seconds
    permissions  of the file, as in 0o660; 0: only the user
    lifetime     "file" (until it is removed), "last_close", "creator"
    max_bytes    limit of its memory, which is allocated as needed
    max_writers  maximum number of handles that write at a time
    all_users    the object is in the folder for all users
    """

    _kind = ""

    def _open(self, name: str | None, encoding: str, serializer: Any,
              more: tuple[Any, ...], *, mode: str = "open",
              timeout: float | None = None, permissions: int = 0,
              lifetime: str | None = None, max_bytes: int = 0,
              max_writers: int = 0, all_users: bool = False,
              read_only: bool = False, recursive: bool = False,
              snapshot: str | os.PathLike[str] | None = None) -> None:
        if name is None:
            name = random_name()
            lifetime = lifetime or "last_close"
        is_pickled = serializer is not None
        if is_pickled and getattr(serializer, "__name__", "") != "pickle":
            raise ValueError("serializer: expected the module pickle, or None")
        if is_pickled and encoding != "msgpack":
            raise ValueError("serializer: pickle goes with msgpack only")
        flags = (READ_ONLY * read_only | ALL_USERS * all_users
                 | RECURSIVE * recursive)
        shared = (chosen("mode", mode, MODES), flags, timeout, permissions,
                  0 if lifetime is None else chosen("lifetime", lifetime,
                                                    LIFETIMES),
                  max_bytes, max_writers,
                  None if snapshot is None else os.fspath(snapshot))
        _core.open_object(self, name, encoding == "msgpack", is_pickled,
                          shared, more)
        # The options with which an unpickled handle opens the object again.
        self._again: dict[str, Any] = {
            "encoding": encoding, "serializer": serializer,
            "all_users": all_users, "read_only": read_only,
            "recursive": recursive}
        if is_pickled:
            self._check_own(name, all_users)

    def _check_own(self, name: str, all_users: bool) -> None:
        """Refuses pickles if another user owns the object or can write to it,
        since loading a pickle can run code."""
        for info in objects(all_users=all_users):
            if (info.name == name and info.kind == self._kind
                    and info.uid == os.geteuid() and not info.mode & 0o022):
                return
        self.close()
        raise failure("DENIED", f"serializer=pickle: {self._kind} {name!r} can "
                                "be written by others")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None,
                 value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def __reduce__(self) -> Any:
        if self.name is None:
            raise TypeError("the object was never opened")
        serializer = self._again["serializer"]
        options = dict(self._again, serializer=serializer is not None)
        return _reopen, (type(self), self.name, options)

    def __repr__(self) -> str:
        return f"<shmrpc.{type(self).__name__} {self.name!r}>"


def _reopen(cls: Any, name: str, options: dict[str, Any]) -> Any:
    """Opens the object again, to make a handle from its pickle."""
    if options["serializer"]:
        import pickle

        options["serializer"] = pickle
    else:
        options["serializer"] = None
    return cls(name, mode="existing", **options)
