"""Services that are described by their classes: decorators and hints."""

import datetime
import enum
from dataclasses import dataclass, field
from typing import Annotated, Any

import shmrpc
from shmrpc import (
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
    u32,
)


class Order(enum.IntEnum):
    RELEVANCE = 0
    DATE = 1


@dataclass
class Query:
    """The text to search for."""

    text: Annotated[str, length(1, 64)]
    limit: Annotated[int, u32(1, 1000)] = 10
    order: Order = Order.RELEVANCE
    lang: str | None = None
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Hit:
    id: int
    score: float
    span: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class Summed:
    """Has more attributes than are sent."""

    a: int
    b: int

    def __post_init__(self):
        if self.a > 1000:
            raise ValueError("a is too large")

    @property
    def total(self):
        return self.a + self.b


class BadQuery(shmrpc.DeclaredError):
    """It can't be understood."""

    status = 100
    at: int
    message: str


class Gone(shmrpc.DeclaredError):
    status = 101


class Search:
    """Searches."""

    port = 5861
    name = "described"
    version = 2

    def __init__(self):
        self.touched = 0

    @throws(BadQuery, Gone)
    @timeout(2.5)
    @idempotent
    @msgpack_method
    def find(self, query: Query, more: list[int] = [1, 2],
             extra=("a", 1)) -> list[Hit]:
        """Finds.

        More than once."""
        assert type(query) is Query and type(query.order) is Order
        if query.text == "gone":
            raise Gone("it was here")
        if not query.text.isalpha():
            raise BadQuery(at=1, message="unexpected")
        return [Hit(query.limit, 0.5, (1, 2)), Hit(len(more), float(len(extra)))]

    @msgpack_method
    def total(self, summed: Summed) -> int:
        return summed.total

    @oneway
    @json_method
    def touch(self, id: int) -> None:
        self.touched += id

    @json_method
    def is_touched(self) -> bool:
        return self.touched > 0

    @python_types
    @msgpack_method
    def keep(self, value, when: datetime.date | None = None):
        return value if when is None else (value, when)

    @python_types
    @msgpack_method
    def fail(self, value):
        raise KeyError(value)

    @msgpack_method
    def plain(self, value):
        return value

    @raw_method
    def raw(self, data):
        return data

    @native_method
    def add(self, a: int, b: int = 1, c: float = 2.5, from_: str = "x",
            e: bool = True) -> float:
        return a + b + c + len(from_) + e

    @json_method
    def names(self) -> dict[str, Any]:
        return {"a": [1, None]}


SVC = """\
package described;
/// It can't be understood.
error BadQuery = 100 {
  1: i64 at;
  2: string message;
}
error Gone = 101 {
}
struct Hit {
  1: i64 id;
  2: f64 score;
  3: i64[2] span;
}
enum Order : i32 {
  RELEVANCE = 0;
  DATE = 1;
}
/// The text to search for.
struct Query {
  1: string(1..64) text;
  2: u32(1..1000) limit = 10;
  3: described.Order order = RELEVANCE;
  4: optional string lang;
  5: list<string> tags;
}
/// Has more attributes than are sent.
struct Summed {
  1: i64 a;
  2: i64 b;
}
/// Searches.
service Search {
  port 5861;
  name "described";
  version 2;
  /// Finds.
  ///
  /// More than once.
  @idempotent
  @timeout(2500ms)
  msgpack find(1: described.Query query, 2: optional list<i64> more, \
3: optional any extra) -> list<described.Hit> throws described.BadQuery, \
described.Gone;
  msgpack total(1: described.Summed summed) -> i64;
  oneway json touch(1: i64 id);
  json is_touched() -> bool;
  @types(python)
  msgpack keep(1: any value, 2: optional any when) -> any;
  @types(python)
  msgpack fail(1: any value) -> any;
  msgpack plain(1: any value) -> any;
  raw raw(1: bytes data) -> bytes;
  native add(1: i64 a, 2: i64 b = 1, 3: f64 c = 2.5, 4: string from = "x", \
5: bool e = true) -> f64;
  json names() -> map<string, any>;
}
"""
