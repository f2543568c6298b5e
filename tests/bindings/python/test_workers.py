"""Workers in Python: calls, and how calls end."""

import contextlib
import os
import re
import subprocess
import sys
import threading
import time
import weakref

import pytest

import shmrpc

PATIENCE_S = 60
HERE = os.path.dirname(__file__)
made = weakref.WeakSet()  # all services, for leaks.py, which counts
                          # references


class Service:
    """A running service, and its output."""

    count = 0

    def __init__(self, target, *options, env=None, script=None, where=None,
                 path=HERE, serve=()):
        command = [sys.executable, "-X", "dev", "-W", "error"]
        command += ([script] if script else
                    ["-m", "shmrpc", "serve", f"--path={path}", *serve,
                     target])
        Service.count += 1
        self.where = where or f"shm://works@n{Service.count}"
        self._start([*command, *options, f"--listen={self.where}"], env)

    def _start(self, command, env):
        made.add(self)
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, **(env or {})})
        self.lines = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.lines.append("END")
            self.changed.notify_all()

    def wait_for(self, part):
        """Returns the first line that contains `part`."""
        def found():
            return next((l for l in self.lines if part in l), None)

        with self.changed:
            assert self.changed.wait_for(
                lambda: found() or "END" in self.lines, PATIENCE_S)
            assert found(), "\n".join(self.lines)
            return found()

    def connect(self, **options):
        self.wait_for("serving at")
        where = self.where
        if where.startswith("tcp"):
            where = re.search(r"tcp\S*", self.wait_for("serving")).group()
            where = where if "://" in where else "tcp://" + where
        return shmrpc.connect(where, svc=services().SVC, timeout=PATIENCE_S,
                              **options)

    def stop(self):
        self.process.terminate()
        assert self.process.wait(PATIENCE_S) == 0, "\n".join(self.lines)
        self.reader.join(PATIENCE_S)
        self.process.stdout.close()


def services():
    sys.path.insert(0, HERE)
    try:
        import services as module
    finally:
        sys.path.remove(HERE)
    return module


@contextlib.contextmanager
def running(target="services:Works", *options, **more):
    service = Service(target, *options, **more)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.stop()
        else:
            service.reader.join(PATIENCE_S)
            service.process.stdout.close()


@pytest.fixture(scope="module")
def works(folder):
    with running("services:Works", "--workers=2") as service:
        with service.connect() as client:
            yield client


# ---- values ---------------------------------------------------------------


def test_methods_get_arguments_and_return_values(works):
    assert works.add(1, b=2) == 3 and works.add(4) == 5
    assert works.add(-(1 << 63), 0) == -(1 << 63)
    for data in (b"", b"x", b"y" * 5000, bytes(range(256)) * 4000):
        assert works.echo_raw(data) == data
    value = {"a": [1, 2.5, None, True, "é"], "b": {}}
    assert works.echo_json(value) == value
    point = works.flip({"x": 1})
    assert (point.x, point.y) == (7, 1)
    shapes = works.shapes([{"text": "a"}, {"point": {"x": 3}}])
    assert shapes[0].value == "a" and shapes[1].value.y == 7
    assert works.shapes([], "BLUE")[0].value == "BLUE"
    assert works.from_("été") == "ÉTÉ"


def test_oneway_calls_run(works):
    before = works.noted()
    for _ in range(20):
        works.note(1)
    until = time.monotonic() + PATIENCE_S
    seen = 0
    while seen < 1 and time.monotonic() < until:
        seen = works.noted() - before
    assert seen > 0


def test_context_knows_the_call(works):
    who = works.who(_timeout=25)
    assert who["uid"] == os.getuid() and who["pid"] == os.getpid()
    assert who["transport"] == "shm" and who["method"] == "who"
    assert 0 < who["remaining"] <= 25.1 and who["connection"]
    while who["old"] is None:
        who = works.who()
    assert "over" in who["old"]


def test_metadata_travels_beside_the_arguments(works):
    sent = {"tenant": "blue", "name": "\u00fc"}
    assert works.who(_metadata=sent)["metadata"] == sent
    assert works.who.start(_metadata=sent).result()["metadata"] == sent
    assert works.who()["metadata"] == works.who(_metadata=None)["metadata"] == {}
    for wrong in ("tenant", ["tenant"], {1: "x"}, {"tenant": b"blue"}):
        with pytest.raises(TypeError, match="metadata: expected"):
            works.who(_metadata=wrong)
    with pytest.raises(ValueError, match="metadata: .* contains a NUL"):
        works.who(_metadata={"tenant": "a\0b"})
    for refused in ({"Tenant": "x"}, {"tenant": "x" * 2000},
                    {str(i): "" for i in range(20)}):
        with pytest.raises(ValueError) as caught:
            works.who(_metadata=refused)
        assert not caught.value.may_have_run


def test_context_is_for_handlers():
    with pytest.raises(RuntimeError):
        shmrpc.context()


def test_result_of_the_wrong_type_says_which(works):
    with pytest.raises(ValueError) as caught:
        works.wrong()
    assert str(caught.value) == "result: 256 does not fit into u8"


# ---- errors ---------------------------------------------------------------


def test_declared_errors_arrive_with_their_fields(works):
    with pytest.raises(works.errors.Overflow) as caught:
        works.add((1 << 63) - 1, 1)
    assert caught.value.limit == (1 << 63) - 1
    assert caught.value.at.x == 1 and caught.value.at.y == 7
    assert str(caught.value) == "too much"
    with pytest.raises(works.errors.Empty) as caught:
        works.declared(0)
    assert str(caught.value) == "nothing there"
    assert caught.value.details is None
    with pytest.raises(works.errors.Empty) as caught:
        works.declared(3)
    assert str(caught.value) == "Empty"


def test_fields_that_do_not_fit_are_a_fault(works):
    with pytest.raises(TypeError, match="limit"):
        works.declared(1)
    with pytest.raises(TypeError, match="at"):
        works.declared(2)


def test_statuses_of_ours_are_statuses(works):
    with pytest.raises(shmrpc.NotFound) as caught:
        works.fail("NotFound")
    assert str(caught.value) == "no such thing"
    assert not isinstance(caught.value, shmrpc.RemoteError)


# The exceptions of speedysvc's list, and more.
NAMES = """ArithmeticError AssertionError AttributeError BlockingIOError
BrokenPipeError BufferError BytesWarning ChildProcessError
ConnectionAbortedError ConnectionError ConnectionRefusedError
ConnectionResetError DeprecationWarning EOFError Exception FileExistsError
FileNotFoundError FloatingPointError FutureWarning GeneratorExit ImportError
ImportWarning IndentationError IndexError InterruptedError IsADirectoryError
KeyError KeyboardInterrupt LookupError MemoryError ModuleNotFoundError NameError
NotADirectoryError NotImplementedError OSError OverflowError
PendingDeprecationWarning PermissionError ProcessLookupError RecursionError
ReferenceError ResourceWarning RuntimeError RuntimeWarning StopAsyncIteration
StopIteration SyntaxError SyntaxWarning SystemError TabError TimeoutError
TypeError UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError
UnicodeTranslateError UnicodeWarning UserWarning ValueError Warning
ZeroDivisionError""".split()
ENDING = {"SystemExit", "KeyboardInterrupt", "GeneratorExit", "StopIteration",
          "StopAsyncIteration"}


def check_fault(client, name, has_trace):
    import builtins

    wanted = services().raised(name)
    with pytest.raises(shmrpc.RemoteError) as caught:
        client.fail(name)
    error = caught.value
    assert error.type_name == name and error.status == -2
    assert str(error) == str(wanted) == error.message
    assert error.name == "UNKNOWN" and error.pid > 0 and error.may_have_run
    assert error.args == wanted.args
    assert bool(error.traceback) == has_trace
    if has_trace:
        assert "services.py" in error.traceback
        assert error.traceback.strip() in error.__notes__[0]
    else:
        assert not hasattr(error, "__notes__")
    cls = getattr(builtins, name)
    assert isinstance(error, cls) == (name not in ENDING)
    assert isinstance(error, Exception)


def test_every_exception_of_python_arrives_as_itself(works):
    for name in NAMES:
        check_fault(works, name, True)


@pytest.mark.parametrize("where", ["unix", "tcp"])
def test_exceptions_are_alike_over_sockets(folder, where):
    address = (f"unix://{folder}/works-{os.getpid()}" if where == "unix"
               else "tcp://127.0.0.1:0")
    with running("services:Works", "--workers=0", "--threads=2",
                 "--force-insecure-serialisation", where=address) as service:
        with service.connect() as client:
            for name in [*NAMES, "SystemExit"]:
                check_fault(client, name, where == "unix")
            assert client.add(1, 2) == 3


@pytest.mark.parametrize("who", ["all", "none"])
@pytest.mark.parametrize("where", ["shm://works@who", "tcp://127.0.0.1:0"])
def test_traceback_is_for_whom_the_option_says(folder, who, where):
    with running("services:Works", "--workers=0", "--threads=1",
                 "--force-insecure-serialisation", where=where,
                 serve=[f"--send-traceback={who}"]) as service:
        with service.connect() as client:
            check_fault(client, "KeyError", who == "all")
        # The log has the traceback in any case.
        service.wait_for("services.py")


def test_cause_is_in_the_traceback(works):
    with pytest.raises(ValueError) as caught:
        works.fail("Cause")
    assert "KeyError: 'inner'" in caught.value.traceback
    assert "direct cause" in caught.value.traceback


def test_exceptions_of_users_are_remote_errors_until_registered(works):
    with pytest.raises(shmrpc.RemoteError) as caught:
        works.fail("Custom")
    assert type(caught.value) is shmrpc.RemoteError
    assert caught.value.type_name == "services.Custom"
    assert caught.value.args == ("text", 2, [1.5, None], {"k": True})
    shmrpc.register(services().Custom)
    with pytest.raises(services().Custom) as caught:
        works.fail("Custom")
    assert isinstance(caught.value, shmrpc.RemoteError)
    assert caught.value.args[0] == "text"
    with pytest.raises(TypeError):
        shmrpc.register(5)
    for known in (shmrpc._helpers._registered, shmrpc._helpers._remote):
        del known["services.Custom"]


def test_exceptions_that_can_not_be_printed_or_sent_answer(works):
    with pytest.raises(shmrpc.RemoteError) as caught:
        works.fail("Unprintable")
    assert "can't be printed" in str(caught.value)
    assert caught.value.type_name == "services.Unprintable"
    with pytest.raises(shmrpc.RemoteError) as caught:
        works.fail("Odd")
    assert caught.value.type_name == "services.Odd"
    assert caught.value.args == (caught.value.message,)
    with pytest.raises(ValueError, match="ud800"):
        works.fail("Surrogate")
    with pytest.raises(ValueError) as caught:
        works.fail("Empty")
    assert str(caught.value) == "" and caught.value.args == ()


def test_started_calls_raise_the_same(works):
    call = works.fail.start("KeyError")
    with pytest.raises(KeyError) as caught:
        call.result()
    assert caught.value.args == ("key",)
    assert isinstance(caught.value, shmrpc.RemoteError)


def test_failures_are_logged_once(folder):
    with running("services:Works", "--workers=1") as service:
        with service.connect() as client:
            with pytest.raises(ValueError):
                client.fail("ValueError")
            assert client.add(1, 2) == 3
        service.wait_for("Works.fail of ")
        service.stop()
        assert sum("Works.fail of " in line for line in service.lines) == 1
        assert any("services.py" in line for line in service.lines)


def test_system_exit_answers_and_ends_the_worker(folder):
    with running("services:Works", "--workers=1") as service:
        with service.connect() as client:
            first = client.pid()
            with pytest.raises(shmrpc.RemoteError) as caught:
                client.fail("SystemExit")
            assert caught.value.type_name == "SystemExit"
            until = time.monotonic() + PATIENCE_S
            while client.again() == first and time.monotonic() < until:
                time.sleep(0.2)  # the worker exits when it is idle
            assert client.pid() != first


def test_the_object_is_made_once_and_started_in_each_worker(works):
    assert {works.starts() for _ in range(50)} == {11}
