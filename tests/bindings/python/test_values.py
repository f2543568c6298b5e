"""Values in both directions, in every encoding of the same types."""

import array
import collections
import dataclasses
import enum
import math
import types

import pytest

import shmrpc

METHODS = ["json_all", "msgpack_all", "native_all"]


def sample(kinds):
    """Makes a value for every kind of field, in the form in which a client
    returns it."""
    of = kinds.types
    return of.All(
        flag=True, small=-128, less=-32768, int=-2147483648,
        large=-9223372036854775807, tiny=255, little=65535, bounded=1000000,
        huge=18446744073709551615, single=0.5, precise=0.1, name="Zoë",
        data=b"\0\xff", colour=of.Colour.BLUE, level=of.Level.LOW,
        point=of.Point(1.5, -2.0), maybe=None, perhaps="x\0y",
        somewhere=of.Point(3.0, 4.0), numbers=[1, 2, 3], words=["", "ü"],
        path=[of.Point(0.0, 1.0)], counts={"a": 1, "b": 4294967295},
        places={7: of.Point(5.0, 6.0)}, address=[127, 0, 0, 1],
        corners=[of.Point(0.0, 0.0), of.Point(1.0, 1.0)],
        shape=of.ShapeText("round"), rows=[[1], [], [2, 3]],
        palette=[of.Colour.RED, of.Colour.NONE])


def as_sent_back(value):
    """Applies the change that the server makes: `large` and `numbers` grow by
    1, `maybe` is set if it was absent."""
    return dataclasses.replace(
        value, large=value.large + 1, numbers=[n + 1 for n in value.numbers],
        maybe=0 if value.maybe is None else None)


@pytest.mark.parametrize("method", METHODS)
def test_every_kind_goes_both_ways(kinds, method):
    value = sample(kinds)
    got = getattr(kinds, method)(value)
    assert got == as_sent_back(value)
    assert type(got) is type(value)
    assert isinstance(got.colour, enum.IntEnum)
    assert type(got.flag) is bool and type(got.tiny) is int
    back = getattr(kinds, method)(got, by=-1)
    assert dataclasses.replace(back, maybe=None) == value


def plain(value):
    """Converts a value to dicts, numbers and names, without classes of the
    service."""
    if dataclasses.is_dataclass(value):
        fields = {f.name: plain(getattr(value, f.name))
                  for f in dataclasses.fields(value)}
        if type(value).__name__.startswith("Shape"):
            return {"text": fields["value"]}
        return fields
    if isinstance(value, list):
        return tuple(plain(item) for item in value)
    if isinstance(value, dict):
        return types.MappingProxyType(
            {key: plain(item) for key, item in value.items()})
    return value.name if isinstance(value, enum.Enum) else value


@pytest.mark.parametrize("method", METHODS)
def test_plain_values_do_as_well(kinds, method):
    value = sample(kinds)
    assert getattr(kinds, method)(plain(value)) == as_sent_back(value)


def test_any_object_with_the_attributes_does(kinds):
    value = sample(kinds)
    other = types.SimpleNamespace(**{
        f.name: getattr(value, f.name) for f in dataclasses.fields(value)})
    other.point = collections.namedtuple("P", "x y")(1.5, -2.0)
    assert kinds.msgpack_all(other) == as_sent_back(value)


def test_what_is_left_out_has_its_default(kinds):
    value = plain(sample(kinds))
    for name in ("bounded", "colour", "level", "maybe", "perhaps", "somewhere",
                 "palette"):
        del value[name]
    got = kinds.json_all(value)
    assert got.bounded == 17
    assert got.colour is kinds.types.Colour.RED
    assert got.level is kinds.types.Level.HIGH
    assert got.perhaps is None and got.somewhere is None
    point = kinds.types.Point(x=1.0, y=2.0)
    assert dataclasses.asdict(point) == {"x": 1.0, "y": 2.0}
    assert not hasattr(point, "__dict__")
    with pytest.raises(AttributeError):
        point.z = 1


def test_enums_are_open(kinds):
    Colour = kinds.types.Colour
    value = dataclasses.replace(sample(kinds), colour=9, level=-6)
    got = kinds.msgpack_all(value)
    assert got.colour == 9 and got.colour.name == "UNKNOWN_9"
    assert got.level.name == "UNKNOWN__6"
    assert isinstance(got.colour, Colour)
    assert [c.name for c in Colour] == ["NONE", "RED", "BLUE"]


def test_unions_match(kinds):
    of = kinds.types
    for shape, seen in ((of.ShapeDot(of.Point(1.0, 2.0)), "dot 1.0"),
                        (of.ShapeText("x"), "text x"),
                        (of.ShapeNumber(5), "number 5")):
        got = kinds.native_all(dataclasses.replace(sample(kinds), shape=shape))
        match got.shape:
            case of.ShapeDot(of.Point(x=x)):
                told = f"dot {x}"
            case of.ShapeText(text):
                told = f"text {text}"
            case of.ShapeNumber(number):
                told = f"number {number}"
        assert told == seen


WRONG = [
    ("flag", 1, TypeError, "expected bool, got int"),
    ("small", 128, ValueError, "128 does not fit into i8"),
    ("small", True, TypeError, "expected int, got bool"),
    ("small", 1.0, TypeError, "expected int, got float"),
    ("tiny", -1, ValueError, "-1 does not fit into u8"),
    ("huge", 1 << 64, ValueError, "does not fit into u64"),
    ("huge", -1, ValueError, "does not fit into u64"),
    ("bounded", 1000001, ValueError, "1000001"),
    ("single", 1e39, ValueError, "does not fit into f32"),
    ("single", "1", TypeError, "expected float, got str"),
    ("precise", 10 ** 400, ValueError, "does not fit into a float"),
    ("name", "", ValueError, "name"),
    ("name", b"x", TypeError, "expected str, got bytes"),
    ("name", "\ud800", ValueError, "surrogate"),
    ("data", "x", TypeError, "expected bytes, got str"),
    ("colour", "GREEN", ValueError,
     r"'GREEN' is not a Colour \(NONE, RED, BLUE\)$"),
    ("colour", None, TypeError, "expected int, got NoneType"),
    ("point", {"x": 1.0}, TypeError, r"value\.point\.y: is missing"),
    ("point", {"x": 1.0, "y": 1.0, "z": 1.0}, TypeError,
     r"value.point: 'z' is not a field of \S+ \(x, y\)$"),
    ("point", 5, TypeError, "expected Point, got int"),
    ("numbers", "123", TypeError, r"expected list\[int\], got str"),
    ("numbers", [1, "2"], TypeError, r"value\.numbers\[1\]: expected int"),
    ("numbers", [1] * 6, ValueError, "numbers"),
    ("numbers", {1: 2}, TypeError, "got dict"),
    ("words", ["a", 5], TypeError, r"value\.words\[1\]"),
    ("counts", {"a": -1}, ValueError, r'value\.counts\["a"\]: -1 does not'),
    ("counts", {5: 1}, TypeError, r"value\.counts\[5\]: expected str"),
    ("counts", [("a", 1)], TypeError, r"expected dict\[str, int\], got list"),
    ("address", [1, 2, 3], ValueError, "3 items, expected 4"),
    ("address", b"1234", None, None),
    ("shape", {"text": 5}, TypeError, r"value\.shape\.text: expected str"),
    ("shape", {"texts": "x"}, TypeError, "expected Shape, got dict"),
    ("shape", "x", TypeError, "expected Shape, got str"),
    ("rows", [[1], ["x"]], TypeError, r"value\.rows\[1\]\[0\]"),
    ("rows", [[65536]], ValueError, r"value\.rows\[0\]\[0\]: 65536"),
]


@pytest.mark.parametrize("field, value, kind, message", WRONG)
def test_wrong_values_are_refused_with_their_path(kinds, field, value, kind,
                                                  message):
    whole = dict(plain(sample(kinds)), **{field: value})
    if kind is None:
        assert kinds.json_all(whole).address == list(value)
        return
    with pytest.raises(kind, match=message) as caught:
        kinds.json_all(whole)
    assert field in str(caught.value)
    assert not getattr(caught.value, "may_have_run", False)
    assert kinds.native_sum(1.0, 2.0) == 3.0


def test_floats(kinds):
    assert math.isnan(kinds.native_sum(math.nan, 1))
    assert kinds.msgpack_sum(math.inf, 1) == math.inf
    assert kinds.json_sum(1, 2) == 3.0

    class Half:
        def __float__(self):
            return 0.5

    assert kinds.native_sum(Half(), 0.25) == 0.75


def test_index_is_a_number(echo):
    class Seven:
        def __index__(self):
            return 7

    class Broken:
        def __index__(self):
            raise ZeroDivisionError

    assert echo.add(Seven(), 1) == 8
    with pytest.raises(ZeroDivisionError):
        echo.add(Broken(), 1)


def test_buffers_are_lists_of_numbers(kinds):
    value = plain(sample(kinds))
    value["numbers"] = array.array("q", [1, 2, 3])
    assert kinds.native_all(value).numbers == [2, 3, 4]
    value["numbers"] = memoryview(array.array("q", [4]))
    assert kinds.native_all(value).numbers == [5]
    value["numbers"] = array.array("i", [6])  # other format: a sequence
    assert kinds.native_all(value).numbers == [7]
    arrays = kinds.with_options(arrays=True)
    got = arrays.native_all(value)
    assert isinstance(got.numbers, memoryview)
    assert got.numbers.format == "q" and got.numbers.tolist() == [7]
    assert got.address.tolist() == [127, 0, 0, 1]


def test_buffers_are_bytes(echo):
    for data in (b"abc", bytearray(b"abc"), memoryview(b"xabcx")[1:4],
                 array.array("B", b"abc")):
        assert echo.echo_raw(data) == b"abc"
    assert echo.echo_raw(b"") == b""
    with pytest.raises(TypeError, match="contiguous"):
        echo.echo_raw(memoryview(b"abcdef")[::2])


ANYTHING = [
    None, True, False, 0, -1, 1 << 63, -(1 << 63), (1 << 64) - 1, 0.5, "",
    "ü\0", [], [1, [2, [None]]], {}, {"a": {"b": [1.5]}},
]


@pytest.mark.parametrize("value", ANYTHING)
def test_any(echo, value):
    for method in (echo.echo_json, echo.echo_msgpack):
        got = method(value)
        assert got == value and type(got) is type(value)


def test_any_of_msgpack_alone(echo):
    for value in (b"\0\xff", {1: "x", None: 2, True: 3.5},
                  shmrpc.Ext(-100, b"abc"), [shmrpc.Ext(100, b"")]):
        assert echo.echo_msgpack(value) == value
    assert echo.echo_msgpack((1, (2,))) == [1, [2]]
    with pytest.raises(ValueError, match="data"):
        echo.echo_json(b"bytes")


def test_wrong_any(echo):
    with pytest.raises(TypeError, match=r'data\["a"\]\[1\]: expected None.* '
                                        "got complex"):
        echo.echo_msgpack({"a": [0, 1j]})
    with pytest.raises(ValueError, match="does not fit into 64 bits"):
        echo.echo_msgpack([1 << 64])
    with pytest.raises(ValueError, match="does not fit into 64 bits"):
        echo.echo_msgpack(-(1 << 63) - 1)
    with pytest.raises(TypeError, match="Ext"):
        echo.echo_msgpack(shmrpc.Ext(500, b""))
    deep = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(ValueError, match="deep"):
        echo.echo_msgpack(deep)
    cycle = []
    cycle.append(cycle)
    with pytest.raises(ValueError, match="deep"):
        echo.echo_msgpack(cycle)


def test_hostile_sequences(echo, kinds):
    """Objects whose methods return wrong lengths, raise, or change the data
    that is being sent."""

    class Raises(collections.abc.Sequence):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            raise OSError("broken")

    class Clears:
        def __init__(self, items):
            self.items = items

        def __index__(self):
            self.items.clear()
            return 1

    value = plain(sample(kinds))
    with pytest.raises(OSError, match="broken"):
        kinds.native_all(dict(value, numbers=Raises()))
    items = []
    items.extend([Clears(items), 2, 3])
    assert kinds.native_all(dict(value, numbers=items)).numbers == [2, 3, 4]


def test_large_values(kinds, echo):
    words = [f"word {i}" for i in range(20000)]
    got = kinds.msgpack_all(dataclasses.replace(sample(kinds), words=words))
    assert got.words == words
    data = bytes(1 << 22)
    assert echo.echo_raw(data) == data
    with pytest.raises(shmrpc.TooLarge):
        echo.echo_raw(bytes(65 << 20))
