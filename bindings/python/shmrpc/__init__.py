"""Calls between processes over shared memory, and to other machines.

    import shmrpc

    with shmrpc.connect("echo_serv") as echo:
        echo.add(1, b=2)

The client gets its methods from the service itself: see dir(echo) and
help(echo.add).
"""

from __future__ import annotations

import sys as _sys
import time as _time
import typing as _typing
from typing import Any as _Any
from typing import NoReturn as _NoReturn
from typing import TypeVar as _TypeVar

from . import _core
from ._core import Call, Client, Context, Method, View, context
from ._errors import (
    Aborted,
    Busy,
    Cancelled,
    ContractMismatch,
    DataLoss,
    DeadlineExceeded,
    DeclaredError,
    Denied,
    Destroyed,
    Error,
    Evicted,
    Exhausted,
    Exists,
    Forked,
    Internal,
    Invalid,
    Lost,
    NoMemory,
    NotFound,
    OutOfRange,
    OwnerDied,
    Precondition,
    RemoteError,
    ServerLost,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unimplemented,
    Unknown,
    WorkerDied,
)
from ._ext import Ext
from ._lock import (
    CONNECT_OR_CREATE,
    CONNECT_TO_EXISTING,
    CREATE_NEW_EXCLUSIVE,
    CREATE_NEW_OVERWRITE,
    Lock,
    NoSuchSemaphore,
    NotHeld,
    SemaphoreDestroyed,
    SemaphoreExists,
)
from .streams import Duplex, Items, Sender, Stream
from .svc import (
    f32,
    f64,
    i8,
    i16,
    i32,
    i64,
    idempotent,
    json_method,
    length,
    msgpack_method,
    native_method,
    oneway,
    python_types,
    raw_method,
    throws,
    timeout,
    u8,
    u16,
    u32,
    u64,
)

if _typing.TYPE_CHECKING:
    from ._dict import Dict as Dict
    from ._queue import Empty as Empty
    from ._queue import Full as Full
    from ._queue import Pipe as Pipe
    from ._queue import Queue as Queue
    from ._queue import ShutDown as ShutDown
    from ._queue import Topic as Topic
    from ._shared import objects as objects
    from ._shared import remove as remove
    from ._value import Array as Array
    from ._value import Value as Value
else:
    # Shared objects are imported when they are first used.
    _LATER = {"Dict": "_dict", "Empty": "_queue", "Full": "_queue",
              "Pipe": "_queue", "Queue": "_queue", "ShutDown": "_queue",
              "Topic": "_queue", "objects": "_shared", "remove": "_shared",
              "Array": "_value", "Value": "_value"}

    def __getattr__(name):
        if name not in _LATER:
            raise AttributeError(f"module 'shmrpc' has no attribute {name!r}")
        import importlib

        module = importlib.import_module(f"shmrpc.{_LATER[name]}")
        globals()[name] = made = getattr(module, name)
        return made

__version__ = _core.version

__all__ = [
    "Aborted", "Array", "Busy", "CONNECT_OR_CREATE", "CONNECT_TO_EXISTING",
    "CREATE_NEW_EXCLUSIVE", "CREATE_NEW_OVERWRITE", "Call", "Cancelled",
    "Client", "Context", "ContractMismatch", "DataLoss", "DeadlineExceeded",
    "DeclaredError", "Denied", "Destroyed", "Dict", "Duplex", "Empty",
    "Error", "Evicted", "Exhausted", "Exists", "Ext", "Forked", "Full",
    "Internal", "Invalid", "Items", "Lock", "Lost", "Method", "NoMemory",
    "NoSuchSemaphore", "NotFound", "NotHeld", "OutOfRange", "OwnerDied",
    "Pipe", "Precondition", "Queue", "RemoteError", "SemaphoreDestroyed",
    "SemaphoreExists", "Sender", "ServerLost", "ShutDown", "Stream",
    "TooLarge", "Topic", "Unauthenticated", "Unavailable", "Unimplemented",
    "Unknown", "Value", "View", "WorkerDied", "connect", "context", "f32",
    "f64", "i16", "i32", "i64", "i8", "idempotent", "json_method", "length",
    "main", "msgpack_method", "native_method", "objects", "oneway",
    "python_types", "raw_method", "register", "remove", "throws", "timeout",
    "u16", "u32", "u64", "u8",
]

_Exception = _TypeVar("_Exception", bound=Exception)

_PROFILES = {"balanced": 0, "latency": 1, "power": 2}
_WAIT_S = 0.02


def connect(
    where: str,
    *,
    svc: str | None = None,
    timeout: float | None = None,
    wait: float | None = None,
    arrays: bool = False,
    profile: str = "balanced",
    max_message_bytes: int = 0,
) -> Client:
    """Connects to a service and asks for its interface.

    `where` is a name ("echo_serv", "echo_serv@two", "echo_serv:5555") or
    addresses ("shm://echo_serv@two,tcp://host:5555"). If `svc`, the text of a
    .svc, is given, the service is not asked for its interface but must match
    that text; `where` must then be an address. `timeout` is the default
    timeout of calls, in seconds (30 s if not given). `wait` is how long to
    wait for a service that is not running yet. With `arrays`, lists of numbers
    are returned as memoryviews. `profile` is "balanced", "latency" or "power":
    how waiting uses the CPU.
    """
    client: Client = _open(where, svc, timeout, wait, arrays, profile,
                           max_message_bytes)
    return client


def _open(where: str, svc: str | None, timeout: float | None,
          wait: float | None, arrays: bool, profile: str,
          max_message_bytes: int, **more: _Any) -> _Any:
    if profile not in _PROFILES:
        raise ValueError(f"profile: {profile!r}, expected {', '.join(_PROFILES)}")
    until = _time.monotonic() + (wait or 0.0)
    while True:
        try:
            return _core.connect(
                where, svc, timeout, arrays, _PROFILES[profile],
                max_message_bytes, **more)
        except (NotFound, Unavailable):
            if _time.monotonic() + _WAIT_S > until:
                raise
        _time.sleep(_WAIT_S)


def main(service: type | str, svc: str | None = None,
         argv: list[str] | None = None, *,
         allow_threads: bool = False,
         send_traceback: str = "user") -> _NoReturn:
    """Serves a class until SIGINT or SIGTERM, and ends the program.

    The options are those of every server: see --help. `service` is the class,
    or "module:Class". If the class has no __svc__, `svc` is the text of a
    .svc, or a path relative to the file of the class. The class is
    instantiated once, without arguments, in the process from which workers are
    forked. Its methods worker_start and worker_stop, if it has them, run in
    each worker. If instantiating the class leaves threads running, the class
    is not served unless `allow_threads` is set. `send_traceback` says who gets
    the traceback of an undeclared exception: callers of the same user
    ("user"), "all" or "none".
    """
    from . import _worker

    _sys.exit(_worker.run(service, svc, list(_sys.argv if argv is None
                                             else argv), allow_threads,
                          send_traceback=send_traceback))


def register(cls: type[_Exception]) -> type[_Exception]:
    """A decorator: if a handler raises an exception whose class has this name,
    the client raises this class.

    Without it, exceptions that are not Python's own become RemoteError.
    """
    from . import _helpers

    _helpers.register(cls)
    return cls
