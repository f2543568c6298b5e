"""Clients: methods as attributes, options, closing."""

import gc
import inspect
import pickle
import pydoc
import traceback
import warnings

import pytest

import shmrpc
from conftest import PATIENCE_S
from processes import growth

ECHO = """package demo;
service Echo {
  port 5555; name "echo_serv";
  raw echo_raw(bytes data) -> bytes;
  native add(i64 a, i64 b) -> i64 throws Overflow;
}
error Overflow = 100;
"""

def test_methods_are_attributes(echo):
    assert echo.add(1, 2) == 3
    assert echo.add(1, b=2) == 3
    assert echo.add(b=1, a=2) == 3
    assert echo["add"](40, 2) == 42
    assert echo.add is echo.add
    assert "add" in dir(echo) and "with_options" in dir(echo)
    assert echo.service["id"] == "demo.Echo"
    assert repr(echo) == "<client of demo.Echo at 'echo_serv'>"
    assert repr(echo.add) == "<method add of demo.Echo>"


def test_unknown_names_are_told(echo):
    hint = r"demo.Echo has no method 'ad'; did you mean 'add'\?"
    with pytest.raises(AttributeError, match=hint + "$") as caught:
        echo.ad
    # The hint is shown once, even if the interpreter adds suggestions of its
    # own.
    shown = "".join(traceback.format_exception(caught.value)).lower()
    assert shown.count("did you mean") == 1
    with pytest.raises(KeyError, match=hint):
        echo["ad"]
    with pytest.raises(AttributeError, match="did you mean 'close'"):
        echo.clos
    for name in ("nothing_alike", "_ad"):
        with pytest.raises(AttributeError, match=f"no method '{name}'$"):
            getattr(echo, name)
    assert not hasattr(echo, "ad") and getattr(echo, "ad", 5) == 5
    with pytest.raises(TypeError):
        echo[1]


def test_unknown_errors_and_types_are_told(errors):
    name = next(n for n in dir(errors.errors) if not n.startswith("_"))
    with pytest.raises(AttributeError, match=f"no '{name}x' here; did you "
                                             f"mean '{name}'"):
        getattr(errors.errors, name + "x")
    with pytest.raises(AttributeError, match="no 'zzzzzzzz' here$"):
        errors.types.zzzzzzzz


def test_method_shows_what_it_is(kinds, fault):
    signature = inspect.signature(kinds.json_all)
    assert str(signature) == "(value: 'All', by: 'int' = 1) -> 'All'"
    assert kinds.json_all.__name__ == "json_all"
    assert fault.nap.__doc__ == (
        "Takes this long, unless it is cancelled.")
    assert inspect.isroutine(fault.nap)
    assert str(inspect.signature(fault.nap)) == "(ms: 'int') -> 'None'"
    shown = pydoc.plain(pydoc.render_doc(fault.nap))
    assert "nap(ms: 'int')" in shown
    assert "Takes this long, unless it is cancelled." in shown
    assert "by: 'int' = 1" in pydoc.plain(pydoc.render_doc(kinds.json_all))


@pytest.mark.parametrize("call, message", [
    (lambda e: e.add(1), "b: is missing"),
    (lambda e: e.add(1, 2, 3), "takes 2 arguments but 3 were given"),
    (lambda e: e.add(1, 2, c=3), "unexpected keyword argument 'c'"),
    (lambda e: e.add(1, 2, _timeot=3), r"'_timeot'; did you mean '_timeout'\?"),
    (lambda e: e.echo_json(datum=3), r"'datum'; did you mean 'data'\?"),
    (lambda e: e.add(1, a=3), "multiple values for argument 'a'"),
    (lambda e: e.add(1, 2, _timeout="x"), "real number"),
])
def test_wrong_arguments_are_type_errors(echo, call, message):
    with pytest.raises(TypeError, match=message):
        call(echo)


def test_contract_that_differs_is_refused(echo):
    with pytest.raises(shmrpc.ContractMismatch, match="add"):
        shmrpc.connect("shm://echo_serv",
                       svc=ECHO.replace("i64 b", "i32 b"))


def test_interface_may_be_given_as_text(echo):
    with shmrpc.connect("shm://echo_serv", svc=ECHO) as client:
        assert client.add(1, 2) == 3
        with pytest.raises(AttributeError):
            client.echo_json


def test_wrong_text_is_refused_with_its_place():
    with pytest.raises(shmrpc.Invalid) as caught:
        shmrpc.connect("shm://echo_serv", svc=ECHO.replace("i64 a", "Hut a"))
    assert caught.value.path == "5:14"
    assert "Hut" in str(caught.value)
    with pytest.raises(TypeError, match="svc"):
        shmrpc.connect("shm://echo_serv", svc=5)


def test_absent_service_is_an_error_at_once():
    with pytest.raises(shmrpc.NotFound) as caught:
        shmrpc.connect("no_such_service")
    assert isinstance(caught.value, LookupError)
    assert "no_such_service" in str(caught.value)
    with pytest.raises(ConnectionError):
        shmrpc.connect("tcp://127.0.0.1:1")
    with pytest.raises(ValueError, match="profile"):
        shmrpc.connect("no_such_service", profile="fast")


def test_options_are_of_a_view(fault):
    hasty = fault.with_options(timeout=0.02)
    with pytest.raises(TimeoutError):
        hasty.nap(PATIENCE_S * 1000)
    assert hasty.echo(5, _timeout=PATIENCE_S) == 5
    with pytest.raises(ValueError, match="timeout"):
        fault.with_options(timeout=-1)
    with pytest.raises(TypeError):
        fault.with_options(5)


def test_closed_client_is_an_error(echo):
    client = shmrpc.connect("echo_serv")
    add = client.add
    view = client.with_options(timeout=1)
    client.close()
    client.close()
    for call in (add, view.add):
        with pytest.raises(ValueError, match="closed"):
            call(1, 2)
    assert "closed" in repr(client)
    with shmrpc.connect("echo_serv") as other:
        pass
    with pytest.raises(ValueError, match="closed"):
        other.add(1, 2)


def test_unclosed_client_warns(echo):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        shmrpc.connect("echo_serv").add(1, 2)
        gc.collect()
    assert [w.category for w in caught] == [ResourceWarning]
    assert "echo_serv was not closed" in str(caught[0].message)


def test_client_is_pickled_by_its_name(echo):
    fast = echo.with_options(timeout=PATIENCE_S, arrays=True)
    copy = pickle.loads(pickle.dumps(fast))
    assert copy.add(1, 2) == 3
    copy.close()
    assert echo.add(1, 2) == 3


def test_started_calls(fault):
    calls = [fault.echo.start(i) for i in range(20)]
    assert [call.result() for call in calls] == list(range(20))
    assert calls[3].result() == 3 and calls[3].done()
    nap = fault.nap.start(PATIENCE_S * 1000)
    assert not nap.done()
    nap.cancel()
    for _ in range(2):
        with pytest.raises(shmrpc.Cancelled):
            nap.result()
    assert nap.cancel() is False
    fault.nap.start(PATIENCE_S * 1000)  # dropping the call cancels it
    with pytest.raises(TypeError, match="missing"):
        fault.echo.start()


def test_started_call_that_has_failed_is_collected(fault):
    """The exception refers to the frame, and the frame to the call, so there
    is a reference cycle."""
    def once():
        call = fault.nap.start(PATIENCE_S * 1000)
        call.cancel()
        with pytest.raises(shmrpc.Cancelled):
            call.result()

    assert growth(once) < 40


def test_close_waits_for_nobody(fault):
    client = shmrpc.connect("fault")
    call = client.echo.start(7)
    client.close()
    assert call.result() == 7
    with pytest.raises(ValueError, match="closed"):
        client.echo(1)


def test_bytes_are_viewed_in_place(echo):
    data = bytes(range(256)) * 400
    with echo.echo_raw.view(data) as memory:
        assert isinstance(memory, memoryview) and memory.readonly
        assert memory == data
        part = memory[1:5]
    assert bytes(part) == b"\1\2\3\4"
    part.release()
    view = echo.echo_raw.view(b"abc")
    with view as memory:
        assert bytes(memory) == b"abc"
    with pytest.raises(ValueError):
        memoryview(view)
    with pytest.raises(ValueError):
        bytes(memory)
    with pytest.raises(TypeError, match="does not return bytes"):
        echo.add.view(1, 2)


def test_view_outlives_its_client(echo):
    client = shmrpc.connect("echo_serv")
    view = client.echo_raw.view(b"z" * 50000)
    client.close()
    del client
    with view as memory:
        assert bytes(memory) == b"z" * 50000
