"""If a signal handler raises an exception, every waiting function ends within
the promised 0.1 s; a wait checks for signals at intervals of half that
time."""

import contextlib
import os
import signal
import socket
import statistics
import threading
import time

import pytest

import shmrpc
from conftest import PATIENCE_S, start

ROUNDS = 20 if os.environ.get("SHMRPC_TEST_LONG") else 3
PROMISED_S = 0.1
SLACK = 10  # for machines with few processors
FOREVER_S = 10 * PATIENCE_S
ECHO = """package demo;
service Echo {
  port 5555; name "echo_serv";
  raw echo_raw(bytes data) -> bytes;
}
"""


class Interrupted(Exception):
    pass


@pytest.fixture(autouse=True)
def handler():
    def raise_it(number, frame):
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, raise_it)
    yield
    signal.signal(signal.SIGUSR1, before)


def sleeps(thread):
    with open(f"/proc/self/task/{thread}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0] == "S"


def await_sleep(thread):
    """Waits until the thread sleeps in the function that waits: five times in a
    row, because the thread may sleep briefly before that."""
    seen = 0
    end = time.monotonic() + PATIENCE_S
    while seen < 5 and time.monotonic() < end:
        seen = seen + 1 if sleeps(thread) else 0
        time.sleep(0.004)


def time_to_interrupt(wait):
    sent = []

    def send():
        await_sleep(main)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGUSR1)

    main = threading.get_native_id()
    sender = threading.Thread(target=send)
    sender.start()
    with pytest.raises(Interrupted):
        wait()
    took = time.monotonic() - sent[0]
    sender.join(PATIENCE_S)
    return took


# ---- waiting calls --------------------------------------------------------

WAITS = {}


def waits(function):
    """Registers a generator as a context manager that yields a function which
    waits forever."""
    WAITS[function.__name__] = contextlib.contextmanager(function)
    return function


@waits
def plain_call(servers):
    yield lambda: servers.fault.nap(1000 * FOREVER_S)


@waits
def result(servers):
    yield servers.fault.nap.start(1000 * FOREVER_S).result


@waits
def call_of_stopped_server(servers):
    yield lambda: servers.stopped.echo_json({"a": 1})


@waits
def view_of_stopped_server(servers):
    yield lambda: servers.stopped.echo_raw.view(b"x")


@waits
def start_without_room(servers):
    """All 64 slots of the connection are taken, so start() waits."""
    calls = []

    def fill():
        while True:
            calls.append(servers.stopped.echo_raw.start(b"x"))

    yield fill


@waits
def connect_to_stopped_server(servers):
    yield lambda: shmrpc.connect("shm://echo_serv@stopped", svc=ECHO,
                                 timeout=FOREVER_S)


@waits
def ask_stopped_server(servers):
    yield lambda: shmrpc.connect("echo_serv@stopped", timeout=FOREVER_S)


@waits
def connect_to_mute_server(servers):
    """The server accepts connections but sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        yield lambda: shmrpc.connect(f"tcp://127.0.0.1:{port}", svc=ECHO,
                                     timeout=FOREVER_S)


@waits
def connect_to_none(servers):
    yield lambda: shmrpc.connect("nobody_here", wait=FOREVER_S)


@waits
def stream_next(servers):
    with servers.flow.twice(_timeout=FOREVER_S) as pairs:
        yield pairs.__next__


@waits
def stream_send(servers):
    """Sends until there is no room."""
    def fill():
        with servers.stopped_flow.sum(_timeout=FOREVER_S) as numbers:
            while True:
                numbers.send(1)

    yield fill


@waits
def stream_finish(servers):
    def finish():
        with servers.stopped_flow.sum(_timeout=FOREVER_S) as numbers:
            numbers.finish()

    yield finish


@contextlib.contextmanager
def held_elsewhere(lock):
    """Another thread holds the lock."""
    taken, over = threading.Event(), threading.Event()

    def hold():
        lock.acquire()
        taken.set()
        over.wait()
        lock.release()

    holder = threading.Thread(target=hold)
    holder.start()
    taken.wait()
    try:
        yield
    finally:
        over.set()
        holder.join()


@contextlib.contextmanager
def held_lock(**options):
    lock = shmrpc.Lock(f"waits.{os.getpid()}", **options)
    with held_elsewhere(lock):
        yield lock
    lock.destroy()
    lock.close()


@waits
def lock(servers):
    with held_lock() as held:
        yield held.lock


@waits
def lock_read(servers):
    with held_lock(shared=True) as held:
        yield held.read().__enter__


@waits
def lock_write(servers):
    with held_lock(shared=True) as held:
        yield held.__enter__


@waits
def queue_get(servers):
    with shmrpc.Queue() as queue:
        yield queue.get


@waits
def queue_put(servers):
    with shmrpc.Queue(maxsize=1) as queue:
        queue.put(1)
        yield lambda: queue.put(2)


@waits
def queue_join(servers):
    with shmrpc.Queue(acked=True) as queue:
        queue.put(1)
        yield queue.join


@waits
def topic_next(servers):
    with shmrpc.Topic() as topic, topic.subscribe() as messages:
        yield messages.next


@waits
def dict_watch(servers):
    with shmrpc.Dict() as d, d.watch() as watch:
        yield watch.next


@waits
def dict_lock(servers):
    with shmrpc.Dict() as d, held_elsewhere(d.lock):
        yield d.lock.acquire


@waits
def dict_lock_of_key(servers):
    with shmrpc.Dict() as d, held_elsewhere(d.lock("key")):
        yield d.lock("key").acquire


@waits
def dict_wait(servers):
    yield lambda: shmrpc.Dict("never.made", mode="wait", timeout=FOREVER_S)


@waits
def pipe_read(servers):
    with shmrpc.Pipe() as pipe:
        yield pipe.read


@waits
def pipe_write(servers):
    with shmrpc.Pipe(capacity=4096) as pipe:
        yield lambda: pipe.write(bytes(100000))


# ---- the servers ----------------------------------------------------------


class Servers:
    def __init__(self, fault, flow):
        self.fault, self.flow = fault, flow
        self._stopped = []

    def stop(self, variable, name, *options):
        """Connects a client to a server, and then stops the server's
        process."""
        process = start(variable, f"--listen=shm://@{name.partition('@')[2]}",
                        *options)
        client = shmrpc.connect(name, wait=PATIENCE_S, timeout=FOREVER_S)
        process.send_signal(signal.SIGSTOP)
        self._stopped.append((process, client))
        return client

    def end(self):
        for process, client in self._stopped:
            process.kill()
            process.wait(PATIENCE_S)
            client.close()


@pytest.fixture(scope="module")
def servers(fault, flow):
    made = Servers(fault, flow)
    made.stopped = made.stop("ECHO_SERVER", "echo_serv@stopped",
                             "--workers=0", "--threads=1")
    made.stopped_flow = made.stop("FLOW_SERVER", "flow@stopped",
                                  "--workers=0", "--threads=1")
    yield made
    made.end()


@pytest.mark.parametrize("how", WAITS)
def test_signal_ends_the_wait(servers, how):
    took = []
    for _ in range(ROUNDS):
        with WAITS[how](servers) as wait:
            took.append(time_to_interrupt(wait))
    assert statistics.median(took) < PROMISED_S * SLACK, took
