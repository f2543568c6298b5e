"""After many calls of each kind, the client and a worker in Python use as much
memory and as many descriptors as before."""

import contextlib
import os
import re
import sys

import pytest

import shmrpc
from test_workers import HERE, PATIENCE_S, Service

CALLS = 100000 if os.environ.get("SHMRPC_TEST_LONG") else 1500
# How much memory may grow; a leak of 16 bytes per call exceeds it.
MOST_KIB = 1024 if os.environ.get("SHMRPC_TEST_LONG") else 512
HAS_QUARANTINE = "ASAN_OPTIONS" in os.environ  # delays reuse of memory


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1])


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


@contextlib.contextmanager
def serving(kind, where):
    command = {
        "c": [os.environ["CONFORM_SERVER"]],
        "python": [sys.executable, "-W", "error",
                   os.path.join(HERE, "../../languages/service.py"),
                   "dynamic"]}[kind]
    service = Service.__new__(Service)
    service._start([*command, f"--listen={where}", "--workers=1"],
                   {"CONFORM_LEDGER": "/dev/null"})
    service.wait_for("serving at")
    client = shmrpc.connect(where, timeout=PATIENCE_S)
    try:
        yield client
    finally:
        client.close()
        service.stop()


@pytest.fixture(scope="module")
def c_client(folder):
    with serving("c", "shm://conform@many-c") as client:
        yield client


@pytest.fixture(scope="module")
def python_client(folder):
    with serving("python", "shm://conform@many-python") as client:
        yield client


ALL = {"flag": True, "int": -1, "large": 1 << 63, "float": 0.5,
       "data": b"x" * 100, "point": {"x": 1}, "numbers": list(range(20)),
       "counts": {"a": 1}, "bits": b"abc", "shape": {"text": "y"},
       "levels": ["HIGH"], "perhaps": "z"}
LARGE = bytes(range(256)) * 256


def raises(kind, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind:
        return
    raise AssertionError(f"expected {kind.__name__}")


def view(client):
    with client.raw_bytes.view(LARGE) as memory:
        assert memory.nbytes == len(LARGE)


def cancelled(client):
    call = client.sleep.start(PATIENCE_S * 1000)
    call.cancel()
    raises(shmrpc.Cancelled, call.result)


def dropped(client):
    client.native_u8.start(1)


KINDS = {
    "native": lambda client: client.native_u64(1 << 63),
    "json": lambda client: client.json_any({"a": [1, 2.5, None, "x"]}),
    "msgpack": lambda client: client.msgpack_any({"a": [b"x", {1: 2}]}),
    "struct": lambda client: client.msgpack_all(ALL),
    "native_struct": lambda client: client.native_all(ALL),
    "raw": lambda client: client.raw_bytes(b"x" * 64),
    "large": lambda client: client.raw_bytes(LARGE),
    "view": view,
    "start": lambda client: client.native_u8.start(1).result(),
    "dropped": dropped,
    "cancelled": cancelled,
    "oneway": lambda client: client.note(1),
    "keywords": lambda client: client.json_defaults(1, c="x", _timeout=9),
    "declared": lambda client: raises(
        client.errors.BadQuery, client.msgpack_fail, "BadQuery"),
    "plain": lambda client: raises(
        client.errors.Plain, client.native_fail, "Plain"),
    "status": lambda client: raises(
        shmrpc.NotFound, client.status, -5, "no such page"),
    "fault": lambda client: raises(
        KeyError, client.fault, "KeyError", "'x'", ["x"]),
    "late": lambda client: raises(
        TimeoutError, client.sleep, 1000, _timeout=0.0005),
    "wrong_type": lambda client: raises(TypeError, client.native_u8, "x"),
    "bound": lambda client: raises(ValueError, client.native_port, 5),
    "options": lambda client: client.with_options(timeout=9).nothing(),
}
# Connections and cancellations take much longer than calls, so fewer are made.
SHARES = {"cancelled": 10, "late": 50, "large": 4, "view": 4}


def check(kind, client, *pids):
    """Compares memory after the first quarter of the calls with memory after
    all of them."""
    count = CALLS // SHARES.get(kind, 1)
    function = KINDS[kind]
    for _ in range(count // 4):
        function(client)
    # When the only worker answers this call, it has ended the cancelled calls.
    client.nothing()
    before = [(resident_kib(pid), descriptors(pid)) for pid in pids]
    for _ in range(count - count // 4):
        function(client)
    client.nothing()
    for pid, (kib, open_before) in zip(pids, before):
        assert descriptors(pid) == open_before
        grown = resident_kib(pid) - kib
        assert HAS_QUARANTINE or grown < MOST_KIB, f"{grown} KiB more"


@pytest.mark.parametrize("kind", KINDS)
def test_client(c_client, kind):
    check(kind, c_client, os.getpid())


@pytest.mark.parametrize("kind", [
    kind for kind in KINDS if kind not in ("wrong_type", "bound", "options")])
def test_worker(python_client, kind):
    check(kind, python_client, python_client.once(0))


def test_connections(folder):
    where = "shm://conform@many-c"
    with serving("c", where + "2"):
        def connect():
            with shmrpc.connect(where + "2", timeout=PATIENCE_S) as client:
                client.nothing()

        for _ in range(CALLS // 200):
            connect()
        before = resident_kib(os.getpid()), descriptors(os.getpid())
        for _ in range(CALLS // 100):
            connect()
        assert descriptors(os.getpid()) == before[1]
        grown = resident_kib(os.getpid()) - before[0]
        assert HAS_QUARANTINE or grown < MOST_KIB, f"{grown} KiB more"
