"""The results of methods with streams: one class at run time, and three kinds
for type checkers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from ._core import Stream

__all__ = ["Duplex", "Items", "Sender", "Stream"]

_Sent = TypeVar("_Sent")
_Got = TypeVar("_Got")

if TYPE_CHECKING:
    class Items(Stream, Generic[_Got]):
        """The items that a method returns, for `for`."""

        def __next__(self) -> _Got: ...

    class Sender(Stream, Generic[_Sent, _Got]):
        """Items that a method takes, and then its result."""

        def send(self, item: _Sent) -> None: ...
        def finish(self) -> _Got: ...

    class Duplex(Stream, Generic[_Sent, _Got]):
        """Items in both directions."""

        def send(self, item: _Sent) -> None: ...
        def __next__(self) -> _Got: ...
else:
    Items = Sender = Duplex = Stream
