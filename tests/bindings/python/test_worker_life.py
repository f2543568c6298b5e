"""Workers in Python: the life of their processes, and failing starts."""

import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

import shmrpc
from test_workers import HERE, PATIENCE_S, running


def refused(target, *options, **more):
    """Returns the output of a service that fails to start."""
    with running(target, *options, **more) as service:
        assert service.process.wait(PATIENCE_S) == 1
        service.reader.join(PATIENCE_S)
        return "\n".join(service.lines)


# ---- processes ------------------------------------------------------------


def test_random_numbers_differ_between_workers(folder):
    seen = set()
    with running("services:Works", "--workers=3", "--threads=1") as service:
        with service.connect() as client:
            pids = set()
            until = time.monotonic() + PATIENCE_S
            while len(pids) < 3 and time.monotonic() < until:
                calls = [client.sleep.start(20) for _ in range(3)]
                pids |= {call.result() for call in calls}
            calls = [client.number.start() for _ in range(200)]
            numbers = [call.result() for call in calls]
            seen = set(numbers)
    assert len(seen) == len(numbers)


def test_killed_worker_is_an_exception_and_is_replaced(folder):
    with running("services:Works", "--workers=1") as service:
        with service.connect() as client:
            pid = client.pid()
            call = client.sleep.start(50000)
            service.wait_for(f"asleep {pid}")
            os.kill(pid, signal.SIGKILL)
            with pytest.raises(shmrpc.WorkerDied) as caught:
                call.result()
            assert isinstance(caught.value, ConnectionError)
            assert caught.value.may_have_run
            assert client.pid() != pid
            assert client.starts() == 11
        service.wait_for("signal 9")


def test_worker_that_hangs_is_killed(folder):
    with running("services:Works", "--workers=1",
                 "--hang-kill=1") as service:
        with service.connect() as client:
            pid = client.pid()
            with pytest.raises(TimeoutError):
                client.hang(_timeout=0.05)
            assert client.pid() != pid
        service.wait_for("hang")


def test_cancelled_call_is_seen_by_the_handler(folder):
    with running("services:Works", "--workers=1") as service:
        with service.connect() as client:
            began = time.monotonic()
            call = client.sleep.start(PATIENCE_S * 1000)
            service.wait_for("asleep")
            call.cancel()
            assert client.add(1, 2) == 3
            assert time.monotonic() - began < PATIENCE_S


def test_hot_restart_loses_no_call(folder):
    with running("services:Works", "--workers=2") as old:
        with old.connect() as client:
            stopped = threading.Event()
            failures = []
            pids = set()

            def call():
                number = 0
                while not stopped.is_set():
                    try:
                        pids.add(client.pid())
                        assert client.add(number, 1) == number + 1
                    except Exception as error:
                        failures.append(error)
                        return
                    number += 1

            callers = [threading.Thread(target=call) for _ in range(2)]
            for caller in callers:
                caller.start()
            before = {client.pid() for _ in range(20)}
            with running("services:Works", "--workers=2", "--take-over",
                         where=old.where) as new:
                new.wait_for("serving at")
                assert old.process.wait(PATIENCE_S) == 0
                assert client.pid() not in before
                stopped.set()
                for caller in callers:
                    caller.join(PATIENCE_S)
                assert not failures


def test_number_of_workers_follows_the_load(folder):
    with running("services:Works", "--workers=1..3",
                 "--new-proc-avg-over-secs=1") as service:
        with service.connect() as client:
            pids = set()
            until = time.monotonic() + PATIENCE_S
            while len(pids) < 2 and time.monotonic() < until:
                calls = [client.sleep.start(50) for _ in range(8)]
                pids |= {call.result() for call in calls}
            assert len(pids) >= 2


@pytest.mark.parametrize("options", [("--workers=1", "--threads=3"),
                                     ("--workers=0", "--threads=3")])
def test_threads_serve_at_the_same_time(folder, options):
    with running("services:Works", *options) as service:
        with service.connect() as client:
            calls = [client.sleep.start(PATIENCE_S * 1000) for _ in range(2)]
            assert client.add(1, 2) == 3
            with pytest.raises(ValueError):
                client.fail("ValueError")
            for call in calls:
                call.cancel()
            for number in range(200):
                assert client.add(number, 1) == number + 1


def test_threads_of_a_worker_run_beside_its_calls(folder):
    with running("services:Spun", "--workers=1") as service:
        with service.connect() as client:
            seen = client.noted()
            until = time.monotonic() + PATIENCE_S
            while client.noted() < seen + 3 and time.monotonic() < until:
                time.sleep(0.005)
            assert client.noted() >= seen + 3


def test_script_with_main_serves(folder):
    with running(None, "--workers=1",
                 script=os.path.join(HERE, "services.py")) as service:
        with service.connect() as client:
            assert client.add(2, 3) == 5
        service.stop()
        assert sum("stopped" in line for line in service.lines) == 1


# ---- failing starts -------------------------------------------------------


def test_missing_module_is_one_line():
    text = refused("no_such_module:X")
    assert text.splitlines()[:-1] == [
        "shmrpc: error: ModuleNotFoundError: No module named 'no_such_module'"]


def test_missing_class_and_missing_svc():
    assert "no class Absent" in refused("services:Absent")
    assert "does not say what it serves" in refused("services:Nothing")
    assert "name one, as in services:Class" in refused("services")


def test_missing_method_is_refused():
    assert "Less has no method echo_raw" in refused("services:Less")


ODD = """
class Absent:
    __svc__ = "absent.svc"

class Wrong:
    __svc__ = "wrong.svc"

class Few:
    __svc__ = "right.svc"
    def add(self, a):
        return a
    def sum(self, start, items):
        return 0

class Streamless(Few):
    def add(self, a, b, c=5):
        return a
    def sum(self, start):
        return 0

class Any:
    __svc__ = "right.svc"
    add = staticmethod(lambda *given: 0)
    @classmethod
    def sum(cls, *given, **options):
        raise SystemExit
    def __init__(self):
        raise RuntimeError("was made")
"""


@pytest.mark.parametrize("target, why", [
    ("odd:Absent", r"Absent: can't read its \.svc: .*/absent\.svc: No such"),
    ("odd:Wrong", r"wrong\.svc:2:\d+: unknown type `strin`"),
    ("odd:Few", r"Few\.add\(self, a\) can't be called with what the service "
                r"passes: self, a, b"),
    ("odd:Streamless", r"Streamless\.sum\(self, start\) can't .* passes: "
                       r"self, start, items"),
    ("odd:Any", "RuntimeError: was made"),
    ("odd.py", r"odd\.py is a file: give the module's name, odd$"),
])
def test_service_that_is_wrong_says_how(tmp_path, target, why):
    (tmp_path / "odd.py").write_text(ODD)
    (tmp_path / "wrong.svc").write_text(
        "package x;\nservice S { port 5999; json a(strin b); }\n")
    (tmp_path / "right.svc").write_text(
        "package x;\nservice S {\n  port 5999; name \"s\";\n"
        "  json add(i64 a, i64 b) -> i64;\n"
        "  json sum(i64 start, stream i64 number) -> i64;\n}\n")
    text = refused(target, path=str(tmp_path))
    assert re.search(why, text, re.M), text
    assert "Traceback" not in text or target == "odd:Any"


def test_object_is_not_served():
    done = subprocess.run(
        [sys.executable, "-c", "import shmrpc\nshmrpc.main(5)"],
        capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == ('shmrpc: error: expected a class or "module:Class", '
                           "not 5\n")


def test_threads_at_import_are_refused_by_name():
    text = refused("services:Threaded")
    assert "preload left 1 thread running" in text
    assert "OPENBLAS_NUM_THREADS=1" in text and "worker_start" in text


def test_threads_at_import_can_be_allowed(folder):
    with running("services:Threaded", "--workers=1",
                 serve=["--preload-threads=allow"]) as service:
        with service.connect() as client:
            assert client.add(1, 2) == 3


def test_constructor_that_raises_says_why():
    text = refused("services:Broken")
    assert "services.Custom: no model" in text
    assert "services.py" in text  # part of the traceback


def test_worker_that_can_not_start_says_why():
    text = refused("services:Works", env={"WORKS_START": "fail"})
    assert "RuntimeError: no database" in text


def test_command_line_errors():
    def run(*arguments):
        return subprocess.run([sys.executable, "-m", "shmrpc", *arguments],
                              capture_output=True, text=True)

    assert run("serve").returncode == 2
    assert run().returncode == 2
    assert run("serve", "--no=1", "x").returncode == 2
    assert run("serve", "--send-traceback=some", "x").returncode == 2
    assert run("serve", "--preload-threads=", "x").returncode == 2
    assert "expected serve or svc, not server" in run("server").stderr
    assert "expected --path=..." in run("serve", "--path", "x").stderr
    assert run("--version").stdout == f"shmrpc {shmrpc.__version__}\n"
    assert "usage:" in run("--help").stdout
    assert run("serve", "--help").returncode == 0
    described = run("serve", f"--path={HERE}", "services:Works", "--describe")
    assert "service Works" in described.stdout
