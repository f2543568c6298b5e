"""The errors of calls: a class for each status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


class Error(Exception):
    """A call, or connecting, has failed.

    status        the number: negative, or that of a declared error
    name          "DEADLINE", or "acme.fts.BadQuery"
    message       one sentence
    path          where in the parameters: 'query.filters["lang"]', or ""
    pid           of the worker that reports it; 0 if this side found it out
    may_have_run  whether the call may have been executed
    details       the fields of a declared error, or None
    """

    status: int = 0
    name: str = ""
    message: str = ""
    path: str = ""
    pid: int = 0
    may_have_run: bool = False
    details: Any = None


class Cancelled(Error):
    """The caller has cancelled the call."""


class Unknown(Error):
    """The handler failed, and the reason is not known."""


class RemoteError(Unknown):
    """An exception of the handler that its service does not declare.

    If its class is one of Python's, or registered (shmrpc.register), the
    raised exception is an instance of that class, too, with the same `args`
    and str().

      type_name  "ValueError", "shop.SoldOut"
      traceback  of the handler, if it runs as the same user; else ""
    """

    type_name: str = ""
    traceback: str = ""

    def __str__(self) -> str:
        return self.message


class Invalid(Error, ValueError):
    """A value is out of bounds, or can't be read."""


class DeadlineExceeded(Error, TimeoutError):
    """No reply came before the deadline."""


class NotFound(Error, LookupError):
    """No object or service has this name."""


class Exists(Error):
    """An object with this name already exists."""


class Denied(Error, PermissionError):
    """The caller lacks permission."""


class Exhausted(Error):
    """A quota or a resource of the system is used up."""


class Precondition(Error):
    """The operation is not allowed in the present state."""


class Aborted(Error):
    """The service has aborted the operation."""


class OutOfRange(Error, LookupError):
    """A position is outside the allowed range."""


class Unimplemented(Error, NotImplementedError):
    """The service has no such method."""


class Internal(Error):
    """The service has broken its own rules."""


class Unavailable(Error, ConnectionError):
    """No such service is running, or it refuses connections."""


class DataLoss(Error):
    """Received data can't be read."""


class Unauthenticated(Error, PermissionError):
    """The caller is not authenticated."""


class ContractMismatch(Error, TypeError):
    """The interfaces of client and server differ."""


class TooLarge(Error, ValueError):
    """A message is too large."""


class Busy(Error):
    """All call slots are in use."""


class NoMemory(Error, MemoryError):
    """Out of memory."""


class WorkerDied(Error, ConnectionError):
    """The worker died during the call."""


class ServerLost(Error, ConnectionError):
    """The connection to the server was lost."""


class Forked(Error):
    """An object made before a fork can't be used in the child."""


class Evicted(Error):
    """The subscriber was evicted because it fell behind."""


class Lost(Error):
    """Items were overwritten before they were read."""


class OwnerDied(Error):
    """The owner died while holding the lock or the object."""


class Destroyed(Error):
    """The object was destroyed while in use."""


class DeclaredError(Error):
    """An error that the service declares; its fields are attributes.

    A handler raises it with its fields as keywords, or with a text if it has
    none.
    """

    payload: Any = None

    def __init__(self, text: str = "", /, **fields: Any) -> None:
        payload = type(self).payload
        if payload is not None and (fields or not text):
            self.details = payload(**fields)
            text = text or str(fields.get("message", ""))
        elif fields:
            raise TypeError(f"{type(self).__name__} has no fields")
        super().__init__(text)

    if not TYPE_CHECKING:  # generated classes name their attributes
        def __getattr__(self, name: str) -> Any:
            details = self.__dict__.get("details")
            if details is None or name.startswith("__"):
                raise AttributeError(name)
            return getattr(details, name)


_CLASSES = {
    "CANCELLED": Cancelled, "UNKNOWN": Unknown, "INVALID": Invalid,
    "DEADLINE": DeadlineExceeded, "NOT_FOUND": NotFound, "EXISTS": Exists,
    "DENIED": Denied, "EXHAUSTED": Exhausted, "PRECONDITION": Precondition,
    "ABORTED": Aborted, "OUT_OF_RANGE": OutOfRange,
    "UNIMPLEMENTED": Unimplemented, "INTERNAL": Internal,
    "UNAVAILABLE": Unavailable, "DATA_LOSS": DataLoss,
    "UNAUTHENTICATED": Unauthenticated, "CONTRACT": ContractMismatch,
    "TOO_LARGE": TooLarge, "BUSY": Busy, "NO_MEMORY": NoMemory,
    "WORKER_DIED": WorkerDied, "SERVER_LOST": ServerLost, "FORKED": Forked,
    "EVICTED": Evicted, "LOST": Lost, "OWNER_DIED": OwnerDied,
    "DESTROYED": Destroyed,
}
