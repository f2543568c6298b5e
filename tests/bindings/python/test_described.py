"""Services described by their classes, and @types(python)."""

import datetime
import decimal
import enum
import os
import pickle
import subprocess
import sys
import time
import typing
import uuid
from dataclasses import InitVar, dataclass, field

import pytest

import described
import shmrpc
from shmrpc import json_method, msgpack_method, native_method, python_types
from shmrpc.svc import SvcError, describe
from test_workers import HERE, PATIENCE_S, running


def connect(service):
    service.wait_for("serving at")
    return shmrpc.connect(service.where, svc=described.SVC, timeout=PATIENCE_S)


@pytest.fixture(scope="module")
def search(folder):
    with running("described:Search", "--workers=1") as service:
        with connect(service) as client:
            yield client


# ---- the text -------------------------------------------------------------


def svc(*words):
    return subprocess.run([sys.executable, "-W", "error", "-m", "shmrpc", "svc",
                           f"--path={HERE}", *words],
                          capture_output=True, text=True)


def test_svc_prints_the_canonical_text():
    assert describe(described.Search).text == described.SVC
    done = svc("described:Search")
    assert done.stdout == described.SVC and not done.stderr
    done = svc("described")  # the only class with decorators
    assert done.stdout == described.SVC


def test_generated_c_says_whose_types_are_kept(tmp_path):
    (tmp_path / "described.svc").write_text(described.SVC)
    subprocess.run([os.environ["SHMRPC_GEN"], "--out-dir", tmp_path,
                    tmp_path / "described.svc"], check=True)
    text = (tmp_path / "described.c").read_text()
    rows = text.split("SHMRPC_ENCODING_")[1:]
    kept = [row for row in rows if "SHMRPC_METHOD_PYTHON_TYPES" in
            row.partition(",")[2][:80]]
    assert len(kept) == 2


def test_svc_says_what_is_wrong():
    for words, status, part in ((["described:Nobody"], 1, "no class Nobody"),
                                (["no_such"], 1, "No module named 'no_such'"),
                                ([], 2, "expected MODULE"),
                                (["--odd=1", "described"], 2, "--odd"),
                                (["described", "more"], 2, "more")):
        done = svc(*words)
        assert (done.returncode, done.stdout) == (status, "")
        assert part in done.stderr and "Traceback" not in done.stderr


class Color(enum.Enum):
    RED = 1


class Positive(enum.IntEnum):
    ONE = 1


@dataclass
class Computed:
    a: int
    b: int = field(init=False, default=0)


@dataclass
class Given:
    a: InitVar[int]


class Row(typing.NamedTuple):
    a: int


class Numberless(shmrpc.DeclaredError):
    pass


def with_method(hint, encode=json_method, result=None, default=None):
    """Returns a class whose service has a method with one parameter."""
    def method(self, value):
        pass

    method.__annotations__ = {"value": hint, "return": result}
    if default is not None:
        method.__defaults__ = (default,)
    return type("Odd", (), {"port": 5862, "name": "odd",
                            "method": encode(method)})


@pytest.mark.parametrize("hint, says", [
    (object, None),
    (list, None),
    (list[typing.Any], None),
    (tuple[int, ...], None),
    (typing.NewType("Id", int), None),
    (typing.Annotated[float, shmrpc.f32(0, 1)], None),
    (typing.Annotated[list[int], shmrpc.length(None, 3)], None),
    (tuple[int, str], "items of several types: use a dataclass"),
    (set[int], "use a dataclass, or @msgpack_method and @python_types"),
    (datetime.date, "python_types for tuples, sets, dates"),
    (Color, "derive it from enum.IntEnum"),
    (Positive, "Positive"),
    (int | str, "write a .svc with a union"),
    (typing.Literal["a", "b"], "use an IntEnum, or str"),
    (Row, "use a dataclass"),
    (typing.TypedDict("Shape", {"a": int}), "use a dataclass"),
    (dict[float, int], "a dict's keys are str, int, bool or an IntEnum"),
    (typing.Annotated[str, shmrpc.u32], "u32 can't be applied to str"),
    (typing.Annotated[int, shmrpc.u8(1, 1000)], "value"),
    (Computed, "field b is not set by the constructor"),
    (Given, "InitVar"),
    ("NoSuchName", "its hints can't be read"),
])
def test_hints_that_no_svc_has_say_what_to_do(hint, says):
    cls = with_method(hint)
    if says is None:
        assert "value" in describe(cls).text
        return
    with pytest.raises(SvcError) as caught:
        describe(cls)
    assert says in str(caught.value), str(caught.value)
    assert "Odd" in str(caught.value) or type(hint).__name__


def test_other_mistakes_say_what_to_do():
    def refused(cls):
        with pytest.raises(SvcError) as caught:
            describe(cls)
        return str(caught.value)

    class Plain:
        pass

    assert "has no methods: put @json_method" in refused(Plain)
    fine = with_method(int)
    assert "has no port: add one" in refused(type("A", (fine,), {"port": None}))
    assert "has no name: add one" in refused(type("A", (fine,), {"name": 1}))
    assert "has no type: native methods need hints" in refused(
        with_method(object, native_method))
    assert "its hint can't be" in refused(
        with_method(int, result=int | None))
    assert "another default" in refused(
        with_method(int | None, default=5))

    class Marked:
        port, name = 5862, "odd"

        @shmrpc.idempotent
        def method(self): ...

    assert "has no encoding: add @json_method" in refused(Marked)

    class Starred:
        port, name = 5862, "odd"

        @json_method
        def method(self, *values): ...

    assert "make it a plain parameter" in refused(Starred)

    class Throwing:
        port, name = 5862, "odd"

        @shmrpc.throws(Numberless)
        @json_method
        def method(self): ...

    assert "has no number: add one from 100" in refused(Throwing)
    with pytest.raises(SvcError, match="two encodings"):
        json_method(msgpack_method(lambda self: None))
    with pytest.raises(SvcError, match="not a class derived from"):
        shmrpc.throws(ValueError)
    with pytest.raises(ValueError, match="up to a day"):
        shmrpc.timeout(0)
    said = refused(with_method(int, lambda f: python_types(json_method(f))))
    assert "`@types` is for msgpack methods" in said and "method" in said


def test_a_subclass_overrides_and_adds():
    class More(described.Search):
        name = "more"

        def total(self, summed: described.Summed) -> int:
            return 0

        @json_method
        def added(self) -> str:
            return ""

    text = describe(More).text
    assert "service More {" in text and "json added() -> string;" in text
    assert "msgpack total(" in text
    assert describe(described.Search).text == described.SVC


# ---- classes served directly ----------------------------------------------


def test_objects_of_the_class_arrive(search):
    hits = search.find(described.Query("abc", 5), [1], ("x", "y", "z"))
    assert [(hit.id, hit.score, hit.span) for hit in hits] == [
        (5, 0.5, [1, 2]), (1, 3.0, [0, 0])]
    # Defaults that only Python can compute.
    assert search.find({"text": "abc", "tags": []})[1].id == 2
    assert search.total({"a": 1, "b": 2}) == 3
    with pytest.raises(ValueError, match="a is too large"):
        search.total({"a": 1001, "b": 2})
    with pytest.raises(ValueError, match="limit"):
        search.find({"text": "abc", "limit": 0, "tags": []})
    assert search.add(1) == 6.5 and search.add(1, from_="yy", e=False) == 6.5
    assert search.raw(b"\0x") == b"\0x" and search.names() == {"a": [1, None]}
    search.touch(1)
    until = time.monotonic() + PATIENCE_S
    while not search.is_touched() and time.monotonic() < until:
        pass
    assert search.is_touched()


def test_declared_errors_of_classes(search):
    with pytest.raises(search.errors.BadQuery) as caught:
        search.find({"text": "1", "tags": []})
    assert (caught.value.at, caught.value.status) == (1, 100)
    assert str(caught.value) == "unexpected"
    with pytest.raises(search.errors.Gone, match="it was here"):
        search.find({"text": "gone", "tags": []})


# ---- Python's types -------------------------------------------------------

EAST = datetime.timezone(datetime.timedelta(hours=5, minutes=45))
VALUES = [
    None, True, 1, -1, 1.5, "é", b"\0", [1, [2]], {"a": 1},
    (), (1, 2), ((1,), [2]), set(), {1, "a"}, frozenset({(1, 2)}), 1 - 2j,
    1 << 63, 1 << 64, -(1 << 63) - 1, 10 ** 1000, -(10 ** 1000),
    datetime.datetime(2020, 2, 29, 23, 59, 59, 999999), datetime.datetime.min,
    datetime.datetime.max, datetime.datetime(2020, 1, 1, tzinfo=EAST),
    datetime.date.min, datetime.date.max, datetime.time.max,
    datetime.time(1, tzinfo=EAST), datetime.timedelta.min,
    datetime.timedelta.max, datetime.timedelta(microseconds=-1),
    decimal.Decimal("1.50"), decimal.Decimal("-0"), decimal.Decimal("1E+999"),
    decimal.Decimal("Infinity"), uuid.UUID(int=1 << 127),
    {(1, "a"): [(2,)], 5: {frozenset({1}): b"x"}, None: 1.5,
     datetime.date(2020, 1, 1): {1}, decimal.Decimal("1.5"): 1, b"k": 2},
]


def check_kept(client):
    for value in VALUES:
        kept = client.keep(value)
        assert type(kept) is type(value) and kept == value, value
        if isinstance(value, dict):
            assert list(map(type, kept)) == list(map(type, value))
        if isinstance(value, decimal.Decimal):
            assert str(kept) == str(value)
    assert repr(client.keep(decimal.Decimal("sNaN12"))) == "Decimal('sNaN12')"
    assert client.keep(1, when=datetime.date(2020, 1, 2)) == (
        1, datetime.date(2020, 1, 2))
    call = client.keep.start((1, {2}))
    assert call.result() == (1, {2})


def test_pythons_types_are_kept(search):
    check_kept(search)


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_pythons_types_are_kept_over_sockets(folder, kind):
    address = (f"unix://{folder}/described-{os.getpid()}" if kind == "unix"
               else "tcp://127.0.0.1:0")
    with running("described:Search", "--workers=0", "--threads=2",
                 "--force-insecure-serialisation", where=address) as service:
        line = service.wait_for("serving at")
        if kind == "tcp":
            service.where = "tcp://" + line.rpartition("tcp")[2].lstrip(": /")
        with connect(service) as client:
            check_kept(client)


def test_dataclasses_go_as_dicts(search):
    assert search.keep(described.Hit(1, 2.0)) == {
        "id": 1, "score": 2.0, "span": (0, 0)}
    assert search.keep([described.Order.DATE]) == [1]


@pytest.mark.parametrize("value", [object(), described.Order, len, Color.RED,
                                   ..., NotImplemented])
def test_other_objects_are_refused_with_their_place(search, value):
    with pytest.raises(TypeError) as caught:
        search.keep({"a": (1, [value])})
    assert 'value["a"][1][0]' in str(caught.value)


def test_other_methods_have_lists_and_ext(search):
    assert search.plain((1, 2)) == [1, 2]
    assert search.plain(shmrpc.Ext(1, b"\x90")) == shmrpc.Ext(1, b"\x90")
    for value in ({1}, 1j, 1 << 64, datetime.date.today()):
        with pytest.raises((TypeError, ValueError), match="value"):
            search.plain(value)


class Canary:
    """Runs code when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_pickles_are_never_loaded(search, tmp_path):
    path = str(tmp_path / "canary")
    data = pickle.dumps(Canary(path))
    for value in (data, shmrpc.Ext(100, data), shmrpc.Ext(12, data)):
        try:
            search.keep(value)
        except (TypeError, ValueError, shmrpc.RemoteError):
            pass
    assert not os.path.exists(path)
    pickle.loads(data).close()
    assert os.path.exists(path)  # pickle itself would have run it


def test_extensions_that_lie_are_refused(search):
    deep = b"\x91\xc0"
    for _ in range(100):
        deep = b"\x91\xc8" + len(deep).to_bytes(2, "big") + b"\x01" + deep
    bad = [(1, b""), (1, b"\xc1"), (1, b"\xc0"), (1, deep), (2, b"\x91\x90"),
           (4, b"1"), (6, b"\x7f" * 8), (6, b""), (7, b"\x7f" * 4),
           (8, b"\x7f" * 8), (9, b"\x7f" * 12), (10, b"one"), (11, b"1")]
    for code, data in bad:
        with pytest.raises((TypeError, ValueError)):
            search.keep(shmrpc.Ext(code, data))
    assert search.keep((1,)) == (1,)


def test_arguments_of_exceptions_keep_their_types(search):
    with pytest.raises(KeyError) as caught:
        search.fail((1, frozenset({2})))
    assert caught.value.args == ((1, frozenset({2})),)
    with pytest.raises(KeyError) as caught:
        search.fail(decimal.Decimal("1.0"))
    assert str(caught.value.args[0]) == "1.0"
