"""Modules of shmrpcgen --lang python: their classes, clients and servers."""

import dataclasses
import importlib
import os
import pickle
import subprocess
import sys

import pytest

import shmrpc
from test_workers import HERE, PATIENCE_S, running

ROOT = os.path.join(HERE, "../../..")
FILES = ["examples/echo/echo.svc", "tests/integration/kinds.svc",
         "tests/integration/errors.svc", "tests/integration/errors_common.svc"]


@pytest.fixture(scope="module")
def modules(folder, tmp_path_factory):
    """Makes a package of generated modules that can be imported."""
    root = tmp_path_factory.mktemp("modules")
    package = root / "made"
    package.mkdir()
    (package / "__init__.py").touch()
    for file in FILES:
        path = os.path.join(ROOT, file)
        subprocess.run([os.environ["SHMRPC_GEN"], "--lang", "python",
                        "--out-dir", package, "-I", os.path.dirname(path),
                        path], check=True)
    (package / "mine.py").write_text(SERVICE)
    sys.path.insert(0, str(root))
    yield root
    sys.path.remove(str(root))


def load(name):
    return importlib.import_module(f"made.{name}")


SERVICE = '''
from . import echo_svc

class Echo(echo_svc.EchoService):
    def echo_json(self, data):
        return data
    def echo_msgpack(self, data):
        return data
    def echo_raw(self, data):
        return data
    def add(self, a, b):
        if a + b >= 1 << 63:
            raise echo_svc.Overflow("too much")
        return a + b

class Less(echo_svc.EchoService):
    def add(self, a, b):
        return a + b

class Errors:
    pass
'''


def test_client_has_its_methods_and_options(modules, echo):
    svc = load("echo_svc")
    with svc.Echo.connect(timeout=PATIENCE_S) as client:
        assert type(client) is svc.Echo
        assert client.add(1, b=2) == 3
        assert client.echo_raw(b"x") == b"x"
        assert client.echo_json({"a": 1}) == {"a": 1}
        with pytest.raises(svc.Overflow) as caught:
            client.add((1 << 63) - 1, 1)
        assert isinstance(caught.value, shmrpc.DeclaredError)
        assert client.errors.Overflow is svc.Overflow
        view = client.with_options(timeout=3)
        assert type(view) is svc.Echo and view.add(1, 2) == 3
        copy = pickle.loads(pickle.dumps(client))
        assert type(copy) is svc.Echo and copy.add(3, 4) == 7
        copy.close()
        assert client.add.__doc__ is None
        assert "unchanged" in client.echo_json.__doc__
        with pytest.raises(AttributeError):
            client.no_such_method


def test_values_are_of_the_classes_of_the_module(modules, kinds):
    svc = load("kinds_svc")
    everything = svc.All(
        True, -1, -2, 3, 4, 5, 6, huge=7, single=0.5, precise=0.1, name="n",
        data=b"d", point=svc.Point(1, 2), numbers=[1], words=["w"],
        path=[svc.Point(0, 0)], counts={"a": 1}, places={1: svc.Point(3, 4)},
        address=[1, 2, 3, 4], corners=[svc.Point(0, 0), svc.Point(1, 1)],
        shape=svc.ShapeText("t"), rows=[[1], []], maybe=4)
    assert everything.bounded == 17 and everything.colour is svc.Colour.RED
    with svc.Kinds.connect(timeout=PATIENCE_S) as client:
        for method in (client.json_all, client.msgpack_all, client.native_all):
            back = method(everything, 0)
            assert type(back) is svc.All
            # The server changes `maybe`.
            assert dataclasses.replace(back, maybe=4) == everything
            assert type(back.point) is svc.Point
            assert type(back.shape) is svc.ShapeText
            assert back.colour is svc.Colour.RED
    assert svc.Colour(9).name == "UNKNOWN_9"


def test_errors_are_classes_with_fields(modules, errors):
    svc = load("errors_svc")
    common = load("errors_common_svc")
    with svc.Errors.connect(timeout=PATIENCE_S) as client:
        for method in (client.by_json, client.by_msgpack, client.by_native):
            with pytest.raises(svc.BadQuery) as caught:
                method(0)
            assert type(caught.value.details) is svc.BadQueryDetails
            assert caught.value.places[0] == svc.Place(7, "a.svc")
            assert caught.value.cause == svc.CauseText("typing")
        with pytest.raises(common.Refused) as caught:
            client.by_json(3)
        assert caught.value.why == "not today"
        assert "Details" not in str(caught.value)
        assert client["by_json"].start  # this type has no functions
    error = svc.Overflow(limit=5, bits=3)
    assert error.limit == 5 and error.details.bits == 3 and error.status == 101
    with pytest.raises(TypeError):
        svc.Overflow(limit=5)
    with pytest.raises(TypeError):
        svc.Unavailable(limit=5)


def test_service_is_what_its_base_says(modules):
    svc = load("echo_svc")
    with running("made.mine:Echo", "--workers=1", path=str(modules),
                 where="shm://echo_serv@made") as service:
        service.wait_for("serving at")
        with svc.Echo.connect("shm://echo_serv@made",
                              timeout=PATIENCE_S) as client:
            assert client.add(1, 2) == 3
            with pytest.raises(svc.Overflow) as caught:
                client.add((1 << 63) - 1, 1)
            assert str(caught.value) == "too much"
            assert client.echo_msgpack([1, {2: b"x"}]) == [1, {2: b"x"}]


def test_methods_that_are_missing_are_refused(modules):
    with running("made.mine:Less", path=str(modules)) as service:
        assert service.process.wait(PATIENCE_S) == 1
        service.wait_for("abstract")


def test_package_of_an_import(modules, tmp_path):
    """Modules are laid out like the .svc files, and import each other
    relatively."""
    source = tmp_path / "src"
    for name, text in {
        "acme/shared/types.svc": "package acme.types; struct A { 1: i32 x; }",
        "acme/fts/search.svc": 'package acme.fts; import '
        '"acme/shared/types.svc"; service S { port 5999; name "s"; '
        'json find(acme.types.A a) -> acme.types.A; }',
    }.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        subprocess.run([os.environ["SHMRPC_GEN"], "--lang", "python",
                        "--out-dir", tmp_path / "out", "-I", source, path],
                       check=True)
    text = (tmp_path / "out/acme/fts/search_svc.py").read_text()
    assert "from ..shared import types_svc\n" in text
    assert "types_svc.A" in text
    sys.path.insert(0, str(tmp_path / "out"))
    try:
        made = importlib.import_module("acme.fts.search_svc")
        assert made.CLASSES["acme.types.A"](5).x == 5
    finally:
        sys.path.remove(str(tmp_path / "out"))
