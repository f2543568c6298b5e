"""Mistakes in using generated modules that type checkers must find; never
run."""

from collections.abc import Iterator

import shmrpc
from made import echo_svc, errors_svc, flow_svc, kinds_svc


class Right(echo_svc.EchoService):
    def echo_json(self, data: object) -> object:
        return data

    def echo_msgpack(self, data: object) -> object:
        return data

    def echo_raw(self, data: bytes) -> bytes:
        return data

    def add(self, a: int, b: int) -> int:
        if shmrpc.context().cancelled:
            raise echo_svc.Overflow("too much")
        return a + b


class Wrong(Right):
    def add(self, a: int, b: str) -> int:  # wrong
        return a


class Less(echo_svc.EchoService):
    pass


def name(shape: kinds_svc.Shape) -> str:
    match shape:
        case kinds_svc.ShapeText(text):
            return text
        case kinds_svc.ShapeNumber(number):
            return str(number + 1)
        case kinds_svc.ShapeDot(point):
            return f"{point.x}"


def less(shape: kinds_svc.Shape) -> str:  # wrong
    match shape:
        case kinds_svc.ShapeText(text):
            return text
        case kinds_svc.ShapeDot(point):
            return f"{point.x}"


def use() -> int:
    Less()  # wrong
    kinds_svc.Point("x", 2)  # wrong
    with echo_svc.Echo.connect(timeout=3) as echo:
        echo.add(1, "2")  # wrong
        echo.add(1)  # wrong
        echo.ad(1, 2)  # wrong
        text: str = echo.add(1, 2)  # wrong
        data: bytes = echo.echo_raw(b"x", _timeout=2.5)
        print(text, data)
        try:
            return echo.with_options(timeout=5).add(1, b=2)
        except errors_svc.BadQuery as error:
            print(error.at + 1, error.places[0].file.upper())
            print(error.att)  # wrong
    errors_svc.Overflow(limit="x", bits=1)  # wrong
    raise errors_svc.Overflow(limit=1, bits=2)


class Flows(flow_svc.FlowService):
    def echo(self, number: int) -> int:
        return number

    def pid(self) -> int:
        return 1

    def count(self, most: int, status: int) -> Iterator[int]:
        yield most

    def drained(self) -> Iterator[int]:
        yield 1

    def sum(self, number: Iterator[int]) -> int:
        return next(number)

    def twice(self, number: Iterator[int]) -> Iterator[str]:  # wrong
        yield ""


def streams(flow: flow_svc.Flow) -> None:
    numbers: list[int] = list(flow.count(3, 0))
    words: list[str] = list(flow.count(3, 0))  # wrong
    with flow.sum() as sums:
        sums.send(1)
        sums.send("x")  # wrong
        total: int = sums.finish()
        text: str = sums.finish()  # wrong
    with flow.twice() as pairs:
        pairs.send(2)
        one: int = next(pairs)
    print(numbers, words, total, text, one)


async def awaited(echo: echo_svc.AsyncEcho, flow: flow_svc.AsyncFlow) -> None:
    total: int = await echo.add(1, b=2)
    wrong: str = await echo.add(1, 2)  # wrong
    echo.add("x", 2)  # wrong
    async for number in flow.count(3, 0):
        print(number + 1)
    for item in flow.count(3, 0):  # wrong
        print(item)
    async with flow_svc.AsyncFlow.connect() as other:
        async with other.sum() as sums:
            await sums.send("x")  # wrong
            total = await sums.finish()
    print(total, wrong)


shmrpc.main(Right)
