"""Extensions: values that only msgpack has."""

from __future__ import annotations


class Ext:
    """An extension of msgpack: a number from -128 to 127 and its bytes."""

    __slots__ = ("code", "data")
    __match_args__ = ("code", "data")

    code: int
    data: bytes

    def __init__(self, code: int, data: bytes) -> None:
        self.code = code
        self.data = data

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ext):
            return NotImplemented
        return self.code == other.code and self.data == other.data

    def __hash__(self) -> int:
        return hash((self.code, self.data))

    def __repr__(self) -> str:
        return f"Ext({self.code}, {self.data!r})"
