"""The names of speedysvc, implemented by shmrpc, for programs that use them.

  from shmrpc.speedysvc import ServerMethodsBase, json_method

is the only line that changes; docs/from-speedysvc.md describes all names.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any, Self

from .. import _open
from ..svc import describe, svc_name
from .hybrid_lock import (
    CONNECT_OR_CREATE,
    CONNECT_TO_EXISTING,
    CREATE_NEW_EXCLUSIVE,
    CREATE_NEW_OVERWRITE,
    HybridLock,
    NoSuchSemaphoreException,
    SemaphoreDestroyedException,
    SemaphoreExistsException,
)
from .rpc_decorators import (
    json_method,
    marshal_method,
    msgpack_method,
    pickle_method,
    raw_method,
)

__all__ = [
    "CONNECT_OR_CREATE", "CONNECT_TO_EXISTING", "CREATE_NEW_EXCLUSIVE",
    "CREATE_NEW_OVERWRITE", "ClientMethodsBase", "ClientProvider",
    "HybridLock", "NetworkClient", "NoSuchSemaphoreException", "SHMClient",
    "SemaphoreDestroyedException", "SemaphoreExistsException",
    "ServerMethodsBase", "connect", "json_method", "marshal_method",
    "msgpack_method", "pickle_method", "raw_method",
]


class ServerMethodsBase:
    """The base class of services, which have a `port`, a `name`, and decorated
    methods.

    The class is instantiated once, before workers are forked; worker_start, if
    it exists, runs in each worker.
    """

    port: int
    name: str
    log: logging.Logger
    logger_client: logging.Logger

    def __init__(self, logger_client: Any = None) -> None:
        for wanted in ("port", "name"):
            if not hasattr(self, wanted):
                raise AttributeError(f"{type(self).__name__} has no {wanted}")
        self.logger_client = self.log = (
            logging.getLogger(self.name) if logger_client is None
            else logger_client)

    def __init_subclass__(cls, **more: Any) -> None:
        """Stores its class in each method, so that send(EchoServer.echo_json,
        ...) needs no other argument to find the service."""
        super().__init_subclass__(**more)
        for value in vars(cls).values():
            if hasattr(value, "as_rpc"):
                value.server_methods = cls

    @classmethod
    def __shmrpc_make__(cls) -> Self:
        """Makes the object that is served; passes a logger if the class takes
        one."""
        parameters = inspect.signature(cls).parameters
        if not parameters:
            return cls()
        logger = logging.getLogger(cls.name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.DEBUG)  # as speedysvc logged it
        return cls(logger)


class ClientProvider:
    """A connection, made at the first call unless its server is already
    known."""

    def __init__(self, server_methods: Any, where: str,
                 port: int | None = None) -> None:
        self.server_methods = server_methods
        self.port = port if port is not None else getattr(
            server_methods, "port", None)
        self._where = where
        self._client: Any = None
        if server_methods is not None:
            self._connect(server_methods)

    def get_server_methods(self) -> Any:
        return self.server_methods

    def send(self, cmd: Any, data: Any) -> Any:
        """Calls a method of the server's class, or the method with that name.
        `data` is a list of arguments or, for a raw method, bytes."""
        if self._client is None:
            self._connect(getattr(cmd, "server_methods", None))
        client: Any = self._client
        name = cmd if isinstance(cmd, str) else cmd.__name__
        method = client[svc_name(name)]
        if isinstance(data, (bytes, bytearray, memoryview)):
            return method(data)
        return method(*data)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def __del__(self) -> None:
        """Closes the client, since programs for speedysvc don't close
        clients."""
        if getattr(self, "_client", None) is not None:
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _connect(self, server_methods: Any) -> None:
        if server_methods is None:
            raise TypeError("the service is missing: give its class, as in "
                            "connect(EchoServer, 'shm://')")
        cls: Any = server_methods if isinstance(server_methods, type) else \
            type(server_methods)
        described = describe(cls)
        self.server_methods = server_methods
        self.port = self.port if self.port is not None else cls.port
        self._client = _open(self._where, described.text, None, None, False,
                             "balanced", 0, classes=described.classes)


def _where_of(address: str | Sequence[str]) -> str:
    """Converts one address, or several, which are tried in order, to shmrpc's
    form."""
    addresses = [address] if isinstance(address, str) else list(address)
    for one in addresses:
        if one.partition("://")[0] not in ("shm", "tcp", "unix", "tls"):
            raise ValueError(f"unknown address {one!r}: expected shm://, "
                             "tcp://host, tcp://host:port or unix:///path")
    return ",".join(addresses)


def connect(server_methods: Any = None,
            address: str | Sequence[str] = "shm://",
            compression_inst: Any = None) -> ClientProvider:
    """Connects to the service of a class: over shared memory, at "tcp://host",
    or at the first of several addresses where the service is found.

    Compression is negotiated with the server, so `compression_inst` has no
    effect.
    """
    del compression_inst
    return ClientProvider(server_methods, _where_of(address))


class SHMClient(ClientProvider):
    """A connection over shared memory."""

    def __init__(self, server_methods: Any = None, port: int | None = None,
                 use_spinlock: bool = True,
                 use_in_process_lock: bool = True) -> None:
        del use_spinlock, use_in_process_lock
        super().__init__(server_methods, "shm://", port)


class NetworkClient(ClientProvider):
    """A connection over TCP: NetworkClient(host), or NetworkClient(EchoServer,
    host, port)."""

    def __init__(self, server_methods: Any = None, host: str | None = None,
                 port: int | None = None, compression_inst: Any = None) -> None:
        del compression_inst
        if isinstance(server_methods, str) and host is None:
            server_methods, host = None, server_methods
        self.host = host if host is not None else "127.0.0.1"
        where = f"[{self.host}]" if ":" in self.host else self.host
        super().__init__(server_methods, f"tcp://{where}" + (
            "" if port is None else f":{port}"), port)


class ClientMethodsBase:
    """The base class of clients. A method of a client calls send() to call the
    server's method."""

    def __init__(self, client_provider: Any) -> None:
        self.client_provider = client_provider
        self.server_methods = client_provider.get_server_methods()
        if self.server_methods is not None:
            self._check_methods()

    def _check_methods(self) -> None:
        for name in dir(self.server_methods):
            if hasattr(getattr(self.server_methods, name), "as_rpc") and \
                    not callable(getattr(self, name, None)):
                raise NotImplementedError(
                    f"{type(self).__name__} has no method {name}, which the "
                    "server has")

    def send(self, cmd: Callable[..., Any] | str, data: Any) -> Any:
        """Calls a method of the server. `data` is a list of its arguments or,
        for a raw method, bytes."""
        return self.client_provider.send(cmd, data)


