#!/usr/bin/env python3
"""python.py BUILD [SECONDS]: times calls from Python, and compares them in the
same run with calls from C and with other Python libraries. BUILD is the build
folder whose programs are run. `./dev bench` runs it last; `./dev bench --only
python` runs nothing else.

Each way to call echoes 16 bytes; ways with types also add two integers. Caller
and worker are pinned to a CPU each, or both to one. Each line is the best of
three rounds, with its ratio to the C client's raw echo of the same run. If a
way is not installed or fails, its line gives the reason; the exit status is 1
if one of ours fails.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time

BUILD = os.path.abspath(sys.argv[1])
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 0.3
ROUNDS = 3
DATA = b"0123456789abcdef"
TEXT = DATA.decode()
ECHO = os.path.join(BUILD, "examples/echo/echo-server")
C_CLIENT = os.path.join(BUILD, "bench/shmrpc-echo")
SVC = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                   "../examples/echo/echo.svc")

sys.path.insert(0, os.path.join(BUILD, "bindings/python"))

# If there is only one CPU, both places are the same.
CPUS = sorted(os.sched_getaffinity(0))
CALLER, WORKER = CPUS[0], CPUS[-1]


def measure(call):
    """Returns the seconds of a call: the best of the rounds, after a warm-up
    round."""
    best = float("inf")
    for _ in range(ROUNDS + 1):
        count, began = 0, time.perf_counter()
        end = began + SECONDS / ROUNDS
        while time.perf_counter() < end:
            for _ in range(20):
                call()
            count += 20
        best = min(best, (time.perf_counter() - began) / count)
    return best


async def measure_awaits(call, calls):
    """Like measure(), for a coroutine that makes `calls` calls each time."""
    best = float("inf")
    for _ in range(ROUNDS + 1):
        count, began = 0, time.perf_counter()
        end = began + SECONDS / ROUNDS
        while time.perf_counter() < end:
            for _ in range(20):
                await call()
            count += 20 * calls
        best = min(best, (time.perf_counter() - began) / count)
    return best


@contextlib.contextmanager
def process(command, cpu, ready, env=None):
    """Runs a server pinned to `cpu`; yields once it has printed `ready`."""
    with subprocess.Popen(command, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, **(env or {})},
                          preexec_fn=lambda: os.sched_setaffinity(0, {cpu})
                          ) as server:
        lines = []
        for line in server.stdout:
            lines.append(line)
            if re.search(rf"\b{ready}\b", line):
                break
        else:
            raise RuntimeError("".join(lines))
        drain = threading.Thread(target=server.stdout.read, daemon=True)
        drain.start()
        try:
            yield "".join(lines)
        finally:
            server.terminate()
            server.wait()


def python(text, cpu, *arguments):
    """Runs `text` in this interpreter, as a server that prints `ready`."""
    return process([sys.executable, "-u", "-W", "ignore", "-c",
                    textwrap.dedent(text), *arguments], cpu, "ready",
                   {"PYTHONPATH": os.path.join(BUILD, "bindings/python")})


# ---- ours -----------------------------------------------------------------

ECHO_CLASS = """
    import shmrpc, sys
    class Echo:
        __svc__ = sys.argv[1]
        def echo_json(self, data): return data
        def echo_msgpack(self, data): return data
        def echo_raw(self, data): return data
        def add(self, a, b): return a + b
    shmrpc.main(Echo, argv=["echo", "--workers=1"])
    """


def ours(server):
    import shmrpc

    with server, shmrpc.connect("echo_serv", wait=20) as echo:
        add, raw, values = echo.add, echo.echo_raw, echo.echo_json
        assert add(1, 2) == 3 and raw(DATA) == DATA and values(TEXT) == TEXT
        yield "typed", measure(lambda: add(1, 2))
        yield "raw", measure(lambda: raw(DATA))
        yield "json", measure(lambda: values(TEXT))


def c_worker(cpu):
    return ours(process([ECHO, "--workers=1"], cpu, "serving at"))


def python_worker(cpu):
    with open(SVC, encoding="utf-8") as file:
        text = file.read()
    return ours(process(
        [sys.executable, "-u", "-c", textwrap.dedent(ECHO_CLASS), text], cpu,
        "serving at",
        {"PYTHONPATH": os.path.join(BUILD, "bindings/python")}))


def awaited(server):
    """Measures calls in one event loop: calls that are awaited one after the
    other, and groups of 32 concurrent calls. Times are for one call."""
    import asyncio

    import shmrpc.aio

    async def main():
        async with shmrpc.aio.connect("echo_serv", wait=20) as echo:
            add, raw = echo.add, echo.echo_raw
            assert await add(1, 2) == 3 and await raw(DATA) == DATA
            return [("typed", await measure_awaits(lambda: add(1, 2), 1)),
                    ("raw", await measure_awaits(lambda: raw(DATA), 1)),
                    ("gather", await measure_awaits(
                        lambda: asyncio.gather(*(add(1, 2)
                                                 for _ in range(32))), 32))]

    with server:
        yield from asyncio.run(main())


def asyncio_client(cpu):
    return awaited(process([ECHO, "--workers=1"], cpu, "serving at"))


def c_client(cpu):
    """Runs the C client's raw echo and typed call in a separate program."""
    with process([ECHO, "--workers=1"], cpu, "serving at"):
        done = subprocess.run(
            [C_CLIENT, str(SECONDS)], stdout=subprocess.PIPE, check=True,
            text=True, preexec_fn=lambda: os.sched_setaffinity(0, {CALLER}))
        for name, seconds in json.loads(done.stdout).items():
            yield name, seconds


# ---- others' --------------------------------------------------------------


def fresh_path(name):
    """Returns a new socket path; an old one may still hold the previous
    server's socket."""
    return os.path.join(tempfile.mkdtemp(dir=os.environ["SHMRPC_DIR"]), name)


def patiently(connect, seconds=10):
    """Calls `connect` until it succeeds: the server may not listen yet."""
    end = time.monotonic() + seconds
    while True:
        try:
            return connect()
        except (ConnectionRefusedError, FileNotFoundError):
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def pipe(cpu):
    import multiprocessing

    here, there = multiprocessing.Pipe()

    def serve():
        os.sched_setaffinity(0, {cpu})
        while (data := there.recv_bytes()) != b"":
            there.send_bytes(data)

    worker = multiprocessing.get_context("fork").Process(
        target=serve, daemon=True)
    worker.start()

    def call():
        here.send_bytes(DATA)
        return here.recv_bytes()

    assert call() == DATA
    yield "raw", measure(call)
    here.send_bytes(b"")
    worker.join()


def manager(cpu):
    from multiprocessing.managers import BaseManager

    class Worker:
        def echo(self, data):
            return data

        def pin(self):
            os.sched_setaffinity(0, {cpu})

    class Manager(BaseManager):
        pass

    Manager.register("Worker", Worker)
    import multiprocessing

    with Manager(ctx=multiprocessing.get_context("fork")) as running:
        worker = running.Worker()
        worker.pin()
        assert worker.echo(DATA) == DATA
        yield "raw", measure(lambda: worker.echo(DATA))


def rpyc(cpu):
    import rpyc as library

    path = fresh_path("rpyc")
    text = """
        import rpyc, sys
        from rpyc.utils.server import ThreadedServer
        class Echo(rpyc.Service):
            def exposed_echo(self, data): return data
        server = ThreadedServer(Echo, socket_path=sys.argv[1])
        print("ready")
        server.start()
        """
    with python(text, cpu, path):
        # The server prints "ready" once bound, but listens only in start().
        connection = patiently(
            lambda: library.utils.factory.unix_connect(path))
        echo = connection.root.echo
        assert echo(DATA) == DATA
        yield "raw", measure(lambda: echo(DATA))
        connection.close()


def pyzmq(cpu):
    import zmq

    path = "ipc://" + fresh_path("zmq")
    text = """
        import sys, zmq
        server = zmq.Context().socket(zmq.REP)
        server.bind(sys.argv[1])
        print("ready")
        while True:
            server.send(server.recv())
        """
    with python(text, cpu, path), zmq.Context() as context:
        with context.socket(zmq.REQ) as client:
            client.connect(path)

            def call():
                client.send(DATA)
                return client.recv()

            assert call() == DATA
            yield "raw", measure(call)


def grpcio(cpu):
    import grpc

    path = "unix://" + fresh_path("grpc")
    text = """
        import concurrent.futures, grpc, sys
        class Echo(grpc.GenericRpcHandler):
            def service(self, details):
                return grpc.unary_unary_rpc_method_handler(
                    lambda data, context: data)
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
        server.add_generic_rpc_handlers((Echo(),))
        server.add_insecure_port(sys.argv[1])
        server.start()
        print("ready")
        server.wait_for_termination()
        """
    with python(text, cpu, path), grpc.insecure_channel(path) as channel:
        echo = channel.unary_unary("/echo/echo")
        assert echo(DATA, wait_for_ready=True) == DATA
        yield "raw", measure(lambda: echo(DATA))


def pyro4(cpu):
    import Pyro4

    path = fresh_path("pyro")
    text = """
        import Pyro4, sys
        Pyro4.config.SERIALIZERS_ACCEPTED = {"marshal"}
        @Pyro4.expose
        class Echo:
            def echo(self, data): return data
        daemon = Pyro4.Daemon(unixsocket=sys.argv[1])
        daemon.register(Echo, "echo")
        print("ready")
        daemon.requestLoop()
        """
    with python(text, cpu, path):
        Pyro4.config.SERIALIZER = "marshal"
        with Pyro4.Proxy(f"PYRO:echo@./u:{path}") as proxy:
            assert proxy.echo(DATA) == DATA
            yield "raw", measure(lambda: proxy.echo(DATA))


C_FLOOR = "C client, C worker"
WAYS = {
    C_FLOOR: c_client,
    "Python, C worker": c_worker,
    "Python, Python worker": python_worker,
    "Python asyncio, C worker": asyncio_client,
    "multiprocessing.Pipe": pipe,
    "multiprocessing.Manager": manager,
    "rpyc": rpyc,
    "pyzmq REQ, REP": pyzmq,
    "grpcio": grpcio,
    "Pyro4, marshal": pyro4,
}


OURS = [way for way in WAYS if "worker" in way]
GIVE_UP_S = 60 + int(10 * SECONDS)


def give_up(number, frame):
    raise TimeoutError(f"not done within {GIVE_UP_S} s")


def rows_of(way, cpu):
    """Returns the times of a way to call, or why it can't be measured."""
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(GIVE_UP_S)
    try:
        return list(WAYS[way](cpu)), None
    except ImportError as error:
        return [], f"not installed: {error.name}"
    except Exception as error:
        reason = str(error).strip().replace("\n", "; ")
        return [], f"failed: {type(error).__name__}: {reason}"
    finally:
        signal.alarm(0)


def import_ms():
    """Measures what `import shmrpc` adds to the start of an interpreter, with
    its bytecode cached, as for an installed package."""
    environment = {**os.environ,
                   "PYTHONPATH": os.path.join(BUILD, "bindings/python"),
                   "PYTHONPYCACHEPREFIX": os.environ["SHMRPC_DIR"],
                   "PYTHONDONTWRITEBYTECODE": ""}

    def best(text):
        times = []
        for _ in range(10):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-S", "-c", text], check=True,
                           env=environment)
            times.append(time.perf_counter() - began)
        return min(times)

    return (best("import shmrpc") - best("pass")) * 1000


def main():
    folder = tempfile.mkdtemp(prefix="shmrpc-bench-")
    os.environ["SHMRPC_DIR"] = folder
    os.sched_setaffinity(0, {CALLER})
    try:
        ours_failed = False
        for place, cpu in (("apart", WORKER), ("one CPU", CALLER)):
            floor = None
            for way in WAYS:
                rows, why = rows_of(way, cpu)
                if why:
                    print(f"{place:8} {way:26} {why}", flush=True)
                    ours_failed |= way in OURS
                for name, seconds in rows:
                    if way == C_FLOOR and floor is None:
                        floor = seconds
                    ratio = f"{seconds / floor:8.1f} x" if floor else ""
                    print(f"{place:8} {way:26} {name:6} "
                          f"{seconds * 1e6:9.2f} us {ratio}", flush=True)
        print(f"import shmrpc: {import_ms():.1f} ms")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if ours_failed else 0


if __name__ == "__main__":
    sys.exit(main())
