"""Values of Python's own types in shared objects, and values that are
refused."""

import array
import dataclasses
import datetime as dt
import decimal
import json
import subprocess
import os
import uuid

import pytest

import shmrpc

VALUES = [
    None, True, False, 0, -1, 2**63 - 1, -2**63, 2**63, 2**64 - 1, 2**64,
    -2**63 - 1, 127 << 64, 128 << 64, -128 << 64, 10**4000, 0.0, -1.5, "", "ä€𝄞",
    b"", b"\x00\xff", (), (1, ("a", (None,))), [1, [2]], {"a": {"b": [()]}},
    {(1, "a"): 2, 3: 4, None: 5, b"k": 6}, set(), {1, (2,)}, frozenset("ab"),
    1 - 2.5j, decimal.Decimal("-1.50E+3"), decimal.Decimal("Infinity"),
    dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999),
    dt.datetime(2024, 2, 29, 1, 2, 3, 4, dt.timezone.utc),
    dt.datetime(2024, 1, 1, tzinfo=dt.timezone(-dt.timedelta(hours=3.5))),
    dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.time(), dt.time(23, 59, 59, 1),
    dt.time(1, tzinfo=dt.timezone.utc), dt.timedelta(-999999999),
    dt.timedelta(999999999, 86399, 999999), uuid.UUID(int=5),
    shmrpc.Ext(77, b"x"),
]


@pytest.fixture(scope="module")
def shared(folder):
    with shmrpc.Dict("types", nested=False) as made:
        yield made


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:30])
def test_value_is_the_same_afterwards(shared, value):
    shared["x"] = [value, {"y": value}]
    got = shared["x"]
    assert got == [value, {"y": value}]
    assert type(got[0]) is type(value)
    if isinstance(value, (dt.datetime, dt.time)):
        assert got[0].utcoffset() == value.utcoffset()


def test_decimals_keep_their_digits(shared):
    shared["x"] = decimal.Decimal("1.500")
    assert str(shared["x"]) == "1.500"


@dataclasses.dataclass
class Point:
    x: int
    y: object = None


class Index:
    def __index__(self):
        return 7


def test_what_becomes_something_simpler(shared):
    shared["x"] = [Point(1, Point(2)), Index(), bytearray(b"a"),
                   memoryview(b"b")]
    assert shared["x"] == [{"x": 1, "y": {"x": 2, "y": None}}, 7, b"a", b"b"]


@pytest.mark.parametrize("code", "bBhHiIlLqQfd")
def test_arrays_are_buffers(shared, code):
    numbers = array.array(code, [1, 2, 100])
    shared["x"] = {"a": numbers}
    got = shared["x"]["a"]
    assert isinstance(got, memoryview) and got.readonly
    assert got.tolist() == [1, 2, 100] and got.itemsize == numbers.itemsize


def test_arrays_of_dimensions(shared):
    matrix = memoryview(bytes(range(24))).cast("B", (2, 3, 4))
    shared["x"] = matrix
    assert shared["x"].shape == (2, 3, 4)
    assert shared["x"].tolist() == matrix.tolist()
    shared["x"] = memoryview(array.array("d", range(6)))[::2]
    assert shared["x"].tolist() == [0, 2, 4]


@pytest.mark.parametrize("value, place, error", [
    ([1, object()], r'\["x"\]\[1\]: object can.t be sent', TypeError),
    ({"a": {"b": print}}, r'\["x"\]\["a"\]\["b"\]: builtin', TypeError),
    (({"a": (1, len)},), r'\["x"\]\[0\]\["a"\]\[1\]: ', TypeError),
    (["\ud800"], r'\["x"\]\[0\]: text with a lone surrogate', ValueError),
    ([dt.time(tzinfo=dt.timezone(dt.timedelta(seconds=1.5)))],
     r'\["x"\]\[0\]: .*not a whole number of seconds', ValueError),
    (array.array("u", "a"), r'\["x"\]: an array of 1 dim', TypeError),
    (10**5000, "", ValueError),
], ids=lambda value: type(value).__name__)
def test_what_is_refused_has_its_path(shared, value, place, error):
    shared["x"] = "before"
    with pytest.raises(error, match=place):
        shared["x"] = value
    assert shared["x"] == "before"


def test_values_in_themselves_are_refused(shared):
    knot = []
    knot.append(knot)
    with pytest.raises(ValueError, match="64 deep"):
        shared["x"] = knot


def test_json_has_what_json_has(folder):
    with shmrpc.Dict("types.json", encoding="json", nested=False) as shared:
        shared["x"] = {"a": (1, 2.5, None, "ä")}
        assert shared["x"] == {"a": [1, 2.5, None, "ä"]}
        with pytest.raises(TypeError, match=r'\["x"\]\[0\]: expected None'):
            shared["x"] = [{1}]


def damaged(code, data):
    return shmrpc.Ext(code, data)


@pytest.mark.parametrize("code, data", [
    (1, b""), (1, b"\xc1"), (2, b"\x91"), (4, b"1"), (5, b""), (6, b"1234567"),
    (6, b"\x7f" * 8), (7, b"\x7f" * 4), (8, b"\xff" * 8), (8, b"\x00" * 9),
    (9, b"\x7f" * 12), (10, b"one"), (10, b"\xff"), (11, b"1" * 15),
    (12, b""), (12, b"\x01\x0c\x01" + b"\x00" * 60)])
def test_extensions_that_are_not_well_formed(shared, code, data):
    """Storing or reading a malformed extension fails with an error, and does
    no harm."""
    try:
        shared["x"] = [damaged(code, data)]
    except (ValueError, shmrpc.Error):
        return
    with pytest.raises((ValueError, shmrpc.Error)):
        shared["x"]


def test_tuples_in_tuples_end(shared):
    data = b"\x90"
    for _ in range(300):
        head = bytes([0xc8]) + len(data).to_bytes(2, "big") + b"\x01"
        data = b"\x91" + head + data
    try:
        shared["x"] = damaged(1, data)
        with pytest.raises((ValueError, RecursionError, shmrpc.Error)):
            shared["x"]
    except (ValueError, shmrpc.Error):
        pass


def test_the_command_line_reads_them(shared):
    shared["x"] = {"a": [1, "b"]}
    said = subprocess.run(
        [os.environ["SHMRPC_TOOL"], "dict", "get", "types", "x"], check=True,
        stdout=subprocess.PIPE, text=True).stdout
    assert json.loads(said) == {"a": [1, "b"]}


def test_numpy_arrays_if_there_is_numpy(shared):
    numpy = pytest.importorskip("numpy")
    for kind in ("?", "i1", "u1", "i8", "f2", "f4", "f8", "c8", "c16"):
        given = numpy.arange(12).reshape(3, 4).astype(kind)
        shared["x"] = [given, given.T, numpy.int16(5), numpy.float32(1.5)]
        got = shared["x"]
        assert numpy.array_equal(numpy.asarray(got[0]), given)
        assert numpy.array_equal(numpy.asarray(got[1]), given.T)
        assert numpy.asarray(got[0]).dtype == given.dtype
        assert got[2:] == [5, 1.5]
