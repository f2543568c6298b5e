"""Base classes of the modules that shmrpcgen --lang python writes."""

from __future__ import annotations

import abc
import enum
from typing import Any, ClassVar, Self

from . import _core, _open

__all__ = ["OpenEnum", "Service", "ServiceClient", "async_client"]


class OpenEnum(enum.IntEnum):
    """An enum in which numbers without a name are members, too: UNKNOWN_7."""

    @classmethod
    def _missing_(cls, value: object) -> Any:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        sign = "_" if value < 0 else ""
        member._name_ = f"UNKNOWN_{sign}{abs(value)}"
        member._value_ = value
        return member


class ServiceClient(_core.ServiceClient):
    """A client whose methods have type hints."""

    __svc__: ClassVar[str]
    __classes__: ClassVar[dict[str, Any]]
    __where__: ClassVar[str]

    @classmethod
    def connect(
        cls,
        where: str | None = None,
        *,
        timeout: float | None = None,
        wait: float | None = None,
        arrays: bool = False,
        profile: str = "balanced",
        max_message_bytes: int = 0,
    ) -> Self:
        """Connects to the service, by its name or at addresses such as
        "shm://echo_serv@two,tcp://host:5555". The options are those of
        shmrpc.connect."""
        client: Self = _open(
            cls.__where__ if where is None else where, cls.__svc__, timeout,
            wait, arrays, profile, max_message_bytes, cls=cls,
            classes=cls.__classes__)
        return client


class Service(abc.ABC):
    """The base class of served classes; see shmrpc.main."""

    __svc__: ClassVar[str]
    __classes__: ClassVar[dict[str, Any]]


def async_client(module: dict[str, Any], name: str) -> Any:
    """Makes AsyncEcho for a module that has Echo, when it is first used:
    importing asyncio takes long."""
    plain = module.get(name.removeprefix("Async"))
    if not (name.startswith("Async") and isinstance(plain, type)
            and issubclass(plain, ServiceClient)):
        raise AttributeError(
            f"module {module['__name__']!r} has no attribute {name!r}")
    from . import aio

    made = type(name, (aio.ServiceClient,), {
        "__module__": module["__name__"], "__doc__": plain.__doc__,
        "__svc__": plain.__svc__, "__classes__": plain.__classes__,
        "__where__": plain.__where__})
    module[name] = made
    return made
