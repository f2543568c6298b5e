"""Python services run by shmrpcd, and called by `shmrpc call` and over
HTTP."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

import shmrpc
from test_workers import HERE, NAMES, PATIENCE_S, Service, running, services


class Manager(Service):
    """A manager that runs a service.ini, and its output."""

    def __init__(self, folder, ini):
        path = os.path.join(folder, "service.ini")
        with open(path, "w", encoding="utf-8") as file:
            file.write(ini)
        self._start([os.environ["SHMRPC_MANAGER"], path], None)


@pytest.fixture
def place(tmp_path):
    shutil.copy(os.path.join(HERE, "services.py"), tmp_path)
    (tmp_path / "logs").mkdir()
    return tmp_path


def log_of(place, name):
    """Returns the log of a service so far."""
    texts = [path.read_text(errors="replace")
             for path in (place / "logs").rglob("*") if path.is_file()
             and name in str(path)]
    return "\n".join(texts)


def wait_until(found):
    until = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_import_from_names_a_module(folder, place):
    ini = f"""
[defaults]
log_dir = {place}/logs
[Works]
import_from = services
python = {shutil.which("python3", path="/usr/bin")}
min_proc_num = 1
max_proc_num = 2
listen = shm://works@managed
send_traceback = none
[Threaded]
import_from = services
preload_threads = allow
listen = shm://works@threaded
[Missing]
import_from = no_such_module
"""
    manager = Manager(place, ini)
    try:
        client = shmrpc.connect("shm://works@managed", svc=services().SVC,
                                wait=PATIENCE_S, timeout=PATIENCE_S)
        assert client.add(1, 2) == 3
        pid = client.pid()
        os.kill(pid, signal.SIGKILL)
        assert client.pid() != pid
        with pytest.raises(ValueError) as caught:
            client.fail("ValueError")
        assert caught.value.traceback == ""
        client.close()
        with shmrpc.connect("shm://works@threaded", svc=services().SVC,
                            wait=PATIENCE_S, timeout=PATIENCE_S) as client:
            assert client.add(1, 2) == 3
        wait_until(lambda: "No module named 'no_such_module'"
                   in log_of(place, "Missing"))
        wait_until(lambda: "ValueError: text" in log_of(place, "Works")
                   or "ValueError: ('text'" in log_of(place, "Works"))
    finally:
        manager.process.send_signal(signal.SIGTERM)
        assert manager.process.wait(PATIENCE_S) == 0
        manager.reader.join(PATIENCE_S)
        manager.process.stdout.close()


def call(*words):
    return subprocess.run([os.environ["SHMRPC_TOOL"], "call", *words],
                          capture_output=True, text=True)


def test_shmrpc_call_prints_faults(folder):
    with running("services:Works", "--workers=1") as service:
        service.connect().close()
        name = service.where.removeprefix("shm://")
        done = call(name, "add", "1", "2")
        assert done.stdout == "3\n", done.stderr
        done = call(name, "fail", "KeyError")
        assert done.returncode != 0
        assert "KeyError: 'key'" in done.stderr
        assert "services.py" in done.stderr and "Traceback" in done.stderr
        done = call("--json", name, "fail", "ValueError")
        error = json.loads(done.stdout)["error"]
        assert error["name"] == "UNKNOWN"
        assert error["details"]["type"] == "ValueError"
        assert error["details"]["args"] == ["text", 2, [1.5, None],
                                            {"k": True}]
        assert "Traceback" in error["details"]["trace"]
        done = call("--json", name, "fail",
                    "UnicodeDecodeError")
        error = json.loads(done.stdout)["error"]
        assert error["details"]["args"] is None  # bytes can't be shown


@contextlib.contextmanager
def over_http(tmp_path):
    """Returns a function that calls a method of the service over HTTP, and
    returns the HTTP status and the value."""
    web = Service.__new__(Service)
    web._start([os.environ["SHMRPC_WEB"], "--listen=127.0.0.1:0",
                f"--token-file={tmp_path}/token"], None)
    try:
        line = web.wait_for("serving at")
        port = int(re.search(r":(\d+)", line.split(";")[0].split("//")[-1])
                   .group(1))
        token = (tmp_path / "token").read_text().strip()
        connection = http.client.HTTPConnection("127.0.0.1", port,
                                                timeout=PATIENCE_S)

        def ask(method, params):
            connection.request(
                "POST", f"/rpc/works/{method}", json.dumps(params),
                {"Authorization": f"Bearer {token}",
                 "Content-Type": "application/json"})
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read())

        yield ask
        connection.close()
    finally:
        web.process.terminate()
        assert web.process.wait(PATIENCE_S) == 0
        web.reader.join(PATIENCE_S)
        web.process.stdout.close()


def test_http_has_type_and_arguments_but_no_trace(folder, tmp_path):
    with running("services:Works", "--workers=1",
                 where="shm://works") as service:
        service.connect().close()
        with over_http(tmp_path) as ask:
            for name in [*NAMES, "SystemExit", "Custom"]:
                wanted = services().raised(name)
                status, error = ask("fail", {"name": name})
                assert status == 500 and error["code"] == "unknown"
                kind = name if name != "Custom" else "services.Custom"
                details = error["details"]
                assert details["type"] == kind
                assert details["message"] == str(wanted)
                if any(isinstance(one, bytes) for one in wanted.args):
                    assert details["args"] is None  # JSON can't express them
                else:
                    assert tuple(details["args"]) == wanted.args
                assert details["trace"] == ""
                assert "services.py" not in json.dumps(error)


def test_arguments_by_position_and_by_name(folder, tmp_path):
    """Over HTTP and in `shmrpc call`, arguments may be given by position and by
    name, as in Python."""
    with running("services:Works", "--workers=1",
                 where="shm://works") as service:
        with service.connect() as client:
            assert client.add(1, 2) == client.add(a=1, b=2) == 3
        with over_http(tmp_path) as ask:
            for params in ([1, 2], {"a": 1, "b": 2}, {"b": 2, "a": 1}, [2],
                           {"a": 2}):
                assert ask("add", params) == (200, 3), params
            assert ask("shapes", [[{"text": "a"}], "BLUE"]) == ask(
                "shapes", {"shapes": [{"text": "a"}], "color": "BLUE"})
            for params in ([1, 2, 3], [], {"a": 1, "c": 2}, {}, "1", ["x"]):
                status, error = ask("add", params)
                assert status == 400, (params, error)
        for words in (["1", "2"], ["a=1", "b=2"], ["[1, 2]"], ["[2]"], ["2"],
                      ['{"b": 2, "a": 1}'], ['{"a": 2}']):
            done = call("works", "add", *words)
            assert done.stdout == "3\n", (words, done.stderr)
        for words in (["1", "2", "3"], ["c=1"], ["[1, 2, 3]"], ["{}"]):
            done = call("works", "add", *words)
            assert done.returncode != 0 and done.stdout == "", words
