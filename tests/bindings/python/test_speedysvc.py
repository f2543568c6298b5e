"""Tests each row of docs/from-speedysvc.md."""

import datetime
import decimal
import importlib.util
import os
import re
import subprocess
import sys

import pytest

import shmrpc
import speedy
from shmrpc import speedysvc
from test_workers import ENDING, HERE, NAMES, PATIENCE_S, running, services

DOC = os.path.join(HERE, "../../../docs/from-speedysvc.md")
tested = set()


def row(start):
    """Marks the test of the document's row that begins with `start`."""
    tested.add(start)
    return lambda function: function


def rows():
    with open(DOC, encoding="utf-8") as file:
        section = file.read().partition("## Line by line")[2]
    table = section.partition("\n## ")[0]
    return [line[2:] for line in table.splitlines()
            if line.startswith("| ") and not line.startswith("| speedysvc")]


@pytest.fixture(scope="module")
def service(folder):
    with running("speedy:SpeedyServer", "--workers=2",
                 where="shm://speedy") as running_service:
        running_service.wait_for("serving at")
        running_service.made_by = running_service.wait_for("made by")
        yield running_service


@pytest.fixture(scope="module")
def client(service):
    return speedy.SpeedyClient(speedysvc.connect(speedy.SpeedyServer, "shm://"))


def test_every_row_has_a_test():
    missing = [line for line in rows()
               if not any(line.startswith(start) for start in tested)]
    assert rows() and not missing, missing
    assert len(tested) == len(rows())


@row("`from speedysvc import")
def test_imports():
    from shmrpc.speedysvc import (  # noqa: F401
        CONNECT_OR_CREATE,
        ClientMethodsBase,
        HybridLock,
        NetworkClient,
        ServerMethodsBase,
        SHMClient,
        connect,
        json_method,
        marshal_method,
        msgpack_method,
        pickle_method,
        raw_method,
    )
    from shmrpc.speedysvc.hybrid_lock import (  # noqa: F401
        CREATE_NEW_EXCLUSIVE,
        NoSuchSemaphoreException,
    )
    from shmrpc.speedysvc.rpc_decorators import raw_method as again

    assert again is raw_method
    for name in speedysvc.__all__:
        assert hasattr(speedysvc, name), name


@row("`port`, `name`, `@json_method")
def test_hints_are_stricter(client):
    assert client.json_echo({"a": [1, None, 2.5]}) == {"a": [1, None, 2.5]}
    assert client.total([1, 2]) == 3
    with pytest.raises(TypeError, match=r"data\[1\]"):
        client.total([1, "2"])


@row("`@raw_method`, `@msgpack_method`")
def test_raw_and_msgpack(client):
    assert client.raw_echo(b"\0x") == b"\0x"
    for size in (0, 1, 4980, 5020, 1 << 20):
        assert client.raw_return_len(str(size).encode()) == b"Z" * size
    assert client.msgpack_echo({1: b"x", "y": [1.5]}) == {1: b"x", "y": [1.5]}
    with pytest.raises((TypeError, ValueError)):
        client.json_echo({1: 2})


@row("`@pickle_method`, `@marshal_method`")
def test_what_pickle_and_marshal_were_for(client):
    value = {(1, "a"): {2}, 3: frozenset(), "b": 1 << 70, None: 1j,
             datetime.date(2020, 1, 2): decimal.Decimal("1.50")}
    for echo in (client.pickle_echo, client.marshal_echo):
        assert echo(value) == value
        assert type(echo((1, [2]))) is tuple
        with pytest.raises(TypeError, match=r'data\["a"\]'):
            echo({"a": object()})


@row("`__init__(self, logger_client)`")
def test_is_made_once_with_a_logger(client, service):
    loaded_by, started_by, pid = client.pids()
    assert started_by == pid != loaded_by
    assert f"made by {loaded_by}" in service.made_by


@row("`EchoClient(connect(EchoServer, 'shm://'))`")
def test_clients(service):
    class Plain(speedysvc.ClientMethodsBase):
        def __getattr__(self, name):
            def call(*args):
                return self.send(getattr(speedy.SpeedyServer, name), list(args))
            return call

    plain = Plain(speedysvc.connect(speedy.SpeedyServer, "shm://"))
    assert plain.json_echo([1]) == [1]
    assert plain.send("json_echo", ["by name"]) == "by name"
    assert plain.send(speedy.SpeedyServer.raw_echo, b"raw") == b"raw"
    with shmrpc.connect("speedy") as client:
        assert client.json_echo("no class") == "no class"


@row("`echo_json = EchoServer.echo_json.as_rpc()`")
def test_as_rpc_has_keywords_and_defaults(client):
    assert client.defaults(1) == [1, "test"]
    assert client.defaults(1, "blah") == [1, "blah"]
    assert client.defaults(1, default="blah") == [1, "blah"]
    assert client.defaults(default=[2], data=None) == [None, [2]]
    for wrong in ({"other": 1}, {"default": 1}):
        with pytest.raises(TypeError):
            client.defaults(**wrong)
    assert client.defaults.__name__ == "defaults"


@row("`NetworkClient(host)`")
def test_network_clients(folder, monkeypatch):
    with running("speedy:SpeedyServer", "--workers=0", "--threads=2",
                 where="tcp://127.0.0.1:0") as service:
        port = re.search(r":(\d+)$", service.wait_for("serving at")).group(1)
        monkeypatch.setenv("SPEEDY_PORT", port)
        spec = importlib.util.spec_from_file_location(
            "speedy", os.path.join(HERE, "speedy.py"))
        there = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(there)
        for provider in (
                speedysvc.NetworkClient("127.0.0.1"),
                speedysvc.NetworkClient(speedy.SpeedyServer, "127.0.0.1",
                                        int(port)),
                speedysvc.connect(there.SpeedyServer, "tcp://127.0.0.1")):
            with provider:
                client = there.SpeedyClient(provider)
                assert client.json_echo("over tcp") == "over tcp"
                assert client.pickle_echo((1,)) == (1,)
    lazy = speedysvc.SHMClient()
    with pytest.raises(TypeError, match="give its class"):
        lazy.send("json_echo", [1])


@row("`connect(EchoServer, ['shm://', 'tcp://host'])`")
def test_several_addresses(service, folder):
    provider = speedysvc.connect(
        speedy.SpeedyServer, [f"unix://{folder}/nobody", "shm://"],
        compression_inst=object())
    assert provider.send("json_echo", [1]) == 1
    provider.close()
    for where in ("shm://", ["shm://", f"unix://{folder}/nobody"]):
        with pytest.raises((LookupError, ConnectionError)) as caught:
            speedysvc.connect(speedy.Nobody, where)
        assert isinstance(caught.value, shmrpc.Error)
    with pytest.raises(ValueError, match="expected shm://"):
        speedysvc.connect(speedy.Nobody, "udp://host")


@row("a client that lacks a method")
def test_clients_are_checked(service):
    class Less(speedysvc.ClientMethodsBase):
        def json_echo(self, data):
            return self.send(speedy.SpeedyServer.json_echo, [data])

    provider = speedysvc.connect(speedy.SpeedyServer)
    with pytest.raises(NotImplementedError, match="defaults"):
        Less(provider)
    provider.close()

    class Other(speedy.SpeedyServer):
        package = "speedy"

        @speedysvc.json_method
        def total(self, data: str) -> int:
            return 0

    Other.__name__ = "SpeedyServer"
    with pytest.raises(shmrpc.ContractMismatch, match="total"):
        speedysvc.connect(Other)


@row("an exception in a method")
def test_exceptions_arrive_as_themselves(client):
    import builtins

    names = [*NAMES, "SystemExit"]  # SystemExit ends the worker, too
    assert len(names) == 63
    for name in names:
        wanted = services().raised(name)
        with pytest.raises(shmrpc.RemoteError) as caught:
            client.fail(name)
        assert caught.value.args == wanted.args
        assert str(caught.value) == str(wanted)
        assert caught.value.type_name == name
        assert isinstance(caught.value, getattr(builtins, name)) == (
            name not in ENDING)


INI = """\
[defaults]
{bind}=127.0.0.1
max_proc_num=3
min_proc_num=2
wait_until_completed=True
{force}=False
[web monitor]
port=5155
host=127.0.0.1
[SpeedyServer]
import_from=speedy
"""


@row("`bind_tcp`, `tcp_bind`")
def test_spellings_of_service_ini(tmp_path):
    path = tmp_path / "service.ini"

    def check(text):
        path.write_text(text)
        return subprocess.run([os.environ["SHMRPC_MANAGER"], "check", path],
                              capture_output=True, text=True)

    for bind in ("bind_tcp", "tcp_bind"):
        for force in ("force_insecure_serialisation",
                      "tcp_allow_insecure_serialisation"):
            done = check(INI.format(bind=bind, force=force))
            assert done.returncode == 0, done.stderr
            assert "SpeedyServer" in done.stdout
    done = check(INI.format(bind="bind_tpc",
                            force="force_insecure_serialisation"))
    assert done.returncode != 0 and "service.ini:2" in done.stderr
    assert "bind_tcp" in done.stderr


@row("`python3 -m speedysvc.service service.ini &`")
def test_service_becomes_the_manager(tmp_path):
    (tmp_path / "service.ini").write_text("[defaults]\nodd_key=1\n")
    command = [sys.executable, "-W", "error", "-m",
               "shmrpc.speedysvc.service", "check", "service.ini"]
    environment = {**os.environ, "PATH": os.path.dirname(
        os.environ["SHMRPC_MANAGER"])}
    done = subprocess.run(command, capture_output=True, text=True,
                          env=environment, cwd=tmp_path)
    assert "odd_key" in done.stderr and done.returncode != 0
    done = subprocess.run(command, capture_output=True, text=True,
                          env={**os.environ, "PATH": "/nowhere"}, cwd=tmp_path)
    assert "shmrpcd is not installed" in done.stderr and done.returncode == 1


@row("`HybridLock(name, mode, initial_value, permissions)`")
def test_hybrid_lock(folder):
    from shmrpc.speedysvc import (
        CONNECT_OR_CREATE,
        CONNECT_TO_EXISTING,
        CREATE_NEW_EXCLUSIVE,
        CREATE_NEW_OVERWRITE,
        HybridLock,
    )

    name = b"speedy-%d" % os.getpid()
    with pytest.raises(speedysvc.NoSuchSemaphoreException):
        HybridLock(name, CONNECT_TO_EXISTING)
    lock = HybridLock(name, CREATE_NEW_OVERWRITE, 1, 0o666)
    again = HybridLock(name, CREATE_NEW_OVERWRITE, 0, 0o600)
    with pytest.raises(speedysvc.SemaphoreDestroyedException):
        lock.lock()
    with pytest.raises(speedysvc.SemaphoreExistsException):
        HybridLock(name, CREATE_NEW_EXCLUSIVE)
    other = HybridLock(name, CONNECT_OR_CREATE)
    assert other.get_value() == again.get_value() == 0
    with pytest.raises(TimeoutError):
        other.lock(timeout=0.05)
    other.unlock()  # through another handle, since it is a semaphore
    other.lock(timeout=1, spin=0)
    assert again.get_pid_holding_lock() == os.getpid()
    again.unlock()
    assert not again.get_destroyed()
    again.destroy()
    assert other.get_destroyed()
    for one in (lock, again, other):
        one.close()
