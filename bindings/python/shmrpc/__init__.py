"""Calls between processes over shared memory, and to other machines.

    import shmrpc

    with shmrpc.connect("echo_serv") as echo:
        echo.add(1, b=2)

The service says itself which methods it has: see dir(echo) and help(echo.add).
"""

from __future__ import annotations

import time as _time

from . import _core
from ._core import Call, Client, Method, View
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
    ServerLost,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unimplemented,
    Unknown,
    WorkerDied,
)
from ._ext import Ext

__version__ = _core.version

__all__ = [
    "Aborted", "Busy", "Call", "Cancelled", "Client", "ContractMismatch",
    "DataLoss", "DeadlineExceeded", "DeclaredError", "Denied", "Destroyed",
    "Error", "Evicted", "Exhausted", "Exists", "Ext", "Forked", "Internal",
    "Invalid", "Lost", "Method", "NoMemory", "NotFound", "OutOfRange",
    "OwnerDied", "Precondition", "ServerLost", "TooLarge", "Unauthenticated",
    "Unavailable", "Unimplemented", "Unknown", "View", "WorkerDied", "connect",
]

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
    """Connects to a service and asks it what it is.

    `where` is a name ("echo_serv", "echo_serv@two", "echo_serv:5555") or
    addresses ("shm://echo_serv@two,tcp://host:5555").  With `svc`, the text of
    a .svc, the service is not asked, and must fit to that text; `where` must
    be an address then.  `timeout`, in seconds, is that of calls which have none
    of their own (30 s).  `wait` is how long to wait for a service that isn't
    there yet.  With `arrays`, lists of numbers are returned as memoryviews.
    `profile` is "balanced", "latency" or "power": how a wait spends the CPU.
    """
    if profile not in _PROFILES:
        raise ValueError(f"profile: {profile!r}, expected {', '.join(_PROFILES)}")
    until = _time.monotonic() + (wait or 0.0)
    while True:
        try:
            return _core.connect(
                where, svc, timeout, arrays, _PROFILES[profile],
                max_message_bytes)
        except (NotFound, Unavailable):
            if _time.monotonic() + _WAIT_S > until:
                raise
        _time.sleep(_WAIT_S)
