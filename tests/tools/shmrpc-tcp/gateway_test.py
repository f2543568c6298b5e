#!/usr/bin/env python3
"""gateway_test.py SHMRPC_TCP FAULT_SERVER ECHO_SERVER ECHO_CLIENT PKI: tests
the gateway program with services that it relays, some of which are killed."""

import os
import subprocess
import sys
import tempfile
import time

from tcp_client import (CANCEL, CANCELLED, ENDED, GOAWAY, LAST, NOT_RUN,
                        PATIENCE_S, PING, REPLY,
                        as_many_calls_as_credits_are_in_flight, client_count,
                        connect, native_numbers_come_back,
                        oneway_calls_give_credits_back, packed_bodies_come_back,
                        ping_is_answered, raw_bytes_come_back, run, start,
                        time_that_is_up_is_DEADLINE,
                        unknown_method_is_UNIMPLEMENTED)

WORKER_DIED, SERVER_LOST = -21, -22


def await_(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("timed out waiting for: " + what)
        time.sleep(0.005)


class World:
    """The programs of the test, in a folder of its own."""

    def __init__(self, programs, folder):
        (self.gateway_path, self.fault, self.echo, self.echo_client,
         self.pki) = programs
        self.folder = folder
        self.running = []

    def service(self, path, *options):
        server, _ = start(path, "--workers=1", "--threads=3", *options)
        self.running.append(server)
        return server

    def gateway(self, *arguments):
        environment = dict(os.environ)
        # The leak checker would have to trace its process, which the sandbox
        # forbids.
        environment["ASAN_OPTIONS"] = "detect_leaks=0"
        gateway = subprocess.Popen([self.gateway_path, *arguments],
                                   stdout=subprocess.PIPE, text=True,
                                   env=environment)
        self.running.append(gateway)
        line = gateway.stdout.readline()
        if ": serving at " not in line:
            sys.exit("no gateway: " + line)
        return gateway, line.split(": serving at ")[1].strip()

    def stop_all(self):
        for process in self.running:
            process.kill()
            process.wait()
        self.running = []


# ---- tests -------------------------------------------------------------------


def answered(client, calls):
    """Returns the frames that answer calls, by call id."""
    frames = {}
    while len(frames) < len(calls):
        frame = client.receive()
        assert frame.call in calls and frame.type in (REPLY, ENDED), frame.type
        frames[frame.call] = frame
    return frames


def cancelled_calls_end_at_once(client):
    """Three naps run, and another call waits behind them. When it is cancelled,
    it ends as a call that has not run."""
    naps = [client.begin("nap", b"[60000]") for _ in range(2)]
    await_(lambda: client_is(client, "napping", 2), "two naps")
    naps.append(client.begin("nap", b"[60000]"))
    await_(lambda: cancelled_before_it_ran(client), "the third nap")
    for call in naps:
        client.send(CANCEL, call=call)
    frames = answered(client, naps)
    assert [(f.type, f.status, f.flags) for f in frames.values()] == [
        (ENDED, CANCELLED, 0)] * 3
    await_(lambda: client_is(client, "napping", 0), "the naps to end")


def cancelled_before_it_ran(client):
    call = client.begin("blob", b"perhaps")
    client.send(CANCEL, call=call)
    frame = answered(client, [call])[call]
    return (frame.type, frame.status, frame.flags) == (ENDED, CANCELLED,
                                                       NOT_RUN)


def client_is(client, method, number):
    return client_count(client, method) == number


def slow_calls_delay_no_quick_one(where):
    """All workers of one service nap, and many calls wait for them. The other
    service still answers, and so does the gateway itself."""
    slow = connect(where[0])
    calls = [slow.begin("nap", b"[60000]") for _ in range(slow.credits)]
    quick = connect(where[1])
    for i in range(50):
        frame = quick.call("echo_json", b"[%d]" % i)
        assert (frame.status, frame.body) == (0, b"%d" % i)
    slow.send(PING, value=7)
    assert slow.receive().value == 7
    for call in calls:
        slow.send(CANCEL, call=call)
    answered(slow, calls)


def service_that_is_killed_ends_its_calls(server, where):
    client = connect(where)
    nap = client.begin("nap", b"[60000]")
    await_(lambda: client_is(client, "napping", 1), "the nap")
    server.kill()
    server.wait()
    frame = client.receive()
    assert (frame.type, frame.call, frame.flags) == (ENDED, nap, 0)
    assert frame.status in (WORKER_DIED, SERVER_LOST), frame.status
    await_(lambda: refused(where), "a refusal while the service is away")


def refused(where):
    try:
        connect(where)
    except AssertionError as refusal:  # the answer is not a welcome
        return b"behind the gateway does not run" in refusal.args[0]
    return False


def connection_outlives_the_service(where, client):
    """The same service is restarted: clients that stayed connected are
    served."""
    await_(lambda: not refused(where), "the service to be back")
    frame = client.call("blob", b"as before")
    assert (frame.type, frame.status, frame.body) == (REPLY, 0, b"as before")


def other_service_wants_new_connections(client):
    """Another interface appears under the same name: clients that were greeted
    before must reconnect."""
    frame = client.receive()
    assert (frame.type, frame.flags) == (GOAWAY, 0)
    call = client.begin("blob", b"too late")
    frame = client.receive()
    assert (frame.type, frame.call, frame.flags, frame.status) == (
        ENDED, call, NOT_RUN, CANCELLED)


def it_gives_up_what_it_does_not_need(gateway):
    with open(f"/proc/{gateway.pid}/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file
                      if ":\t" in line)
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"


def stop_lets_calls_end(gateway, where):
    client = connect(where)
    nap = client.begin("nap", b"[300]")
    await_(lambda: client_is(client, "napping", 1), "the nap")
    gateway.terminate()
    frames = []
    try:
        while True:
            frames.append(client.receive())
    except EOFError:
        pass
    assert [(f.type, f.flags) for f in frames] == [
        (GOAWAY, 0), (REPLY, 0), (GOAWAY, LAST)], frames
    assert (frames[1].call, frames[1].status) == (nap, 0)
    assert gateway.wait(PATIENCE_S) == 0


def resident_bytes(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle_connections_cost_little(gateway, where, count, is_plain):
    """Idle connections use little memory (not checked if a sanitizer adds its
    own) and hardly any CPU time."""
    before = resident_bytes(gateway.pid)
    clients = [connect(where) for _ in range(count)]
    each = (resident_bytes(gateway.pid) - before) / count
    assert not is_plain or each <= 16384, each
    used = cpu_seconds(gateway.pid)
    time.sleep(1)  # the gateway must be idle for this time
    used = cpu_seconds(gateway.pid) - used
    assert used <= 0.03, used
    clients[-1].send(PING, value=1)
    assert clients[-1].receive().value == 1
    print(f"   {count} connections: {each:.0f} bytes each, {used:.2f} s of 1 s")


def wrong_use_is_told(path):
    table = (
        (["--help"], 0, "usage: shmrpc-tcp"),
        (["--version"], 0, "shmrpc-tcp 0"),
        ([], 2, "a service is missing"),
        (["x=tcp://:0", "--threads=0"], 2, "threads must be 1 to 16"),
        (["--tcp-compression=lzma", "x"], 2, "none, snappy or zlib"),
        (["--max-memory=0", "x"], 2, "max-memory must be 1 byte"),
        (["--max-memory=1000000", "x"], 2, "is less than 134217728, twice"),
        ([":5"], 2, "a service has a name"),
        (["x:66000"], 2, "port must be 1 to 65535"),
        (["nobody"], 1, "write nobody:PORT for one that starts later"),
        (["x:1=shm://"], 1, "expected tcp://, tls:// or unix://"),
        (["x:1=tcp://[::"], 1, "expected [address]:port"),
    )
    for arguments, code, text in table:
        done = subprocess.run([path, *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True,
                              timeout=PATIENCE_S)
        assert done.returncode == code and text in done.stdout, (arguments,
                                                                 done)


def native_is_refused(path):
    done = subprocess.run([path, "fault=tcp://:0"], stderr=subprocess.PIPE,
                          text=True, timeout=PATIENCE_S)
    assert done.returncode == 1 and "method echo is native" in done.stderr
    assert "--force-insecure-serialisation" in done.stderr


def program_moves_by_its_address_alone(world, where):
    for address in ("shm://", where):
        done = call_at(world, address)
        assert done.returncode == 0
        assert "40 + 2 = 42" in done.stdout and "Overflow" in done.stdout


def call_at(world, address):
    return subprocess.run([world.echo_client, address], capture_output=True,
                          text=True, timeout=PATIENCE_S * 3)


def gateway_speaks_tls(world, options):
    """Both sides authenticate. The gateway works although its sandbox forbids it
    to open files."""
    folder = world.folder + "/pki"
    os.mkdir(folder)
    subprocess.run([world.pki, folder], check=True)
    _, where = world.gateway(
        *options, f"echo_serv=tls://:0?cert={folder}/server.pem&"
        f"ca={folder}/ca.pem")
    assert where.startswith("tls://127.0.0.1:"), where
    trusted = f"{where}?ca={folder}/ca.pem"
    program_moves_by_its_address_alone(
        world, f"{trusted}&cert={folder}/client.pem")
    for address, told in (
            (trusted, "certificate required"),
            (f"{trusted}&cert={folder}/stranger.pem", "refused this client"),
            (where.replace("tls", "tcp"), "tls:// instead of tcp://")):
        done = call_at(world, address)
        assert done.returncode != 0 and told in done.stderr, done.stderr


# ---- the whole test ----------------------------------------------------------


def try_calls(world, where):
    client = connect(where)
    for test in (raw_bytes_come_back, native_numbers_come_back,
                 as_many_calls_as_credits_are_in_flight,
                 cancelled_calls_end_at_once, time_that_is_up_is_DEADLINE,
                 oneway_calls_give_credits_back,
                 unknown_method_is_UNIMPLEMENTED, ping_is_answered):
        run(test, client)
    run(packed_bodies_come_back, connect(where, 1 << 2))


def try_restarts(world, server, where):
    stayed = connect(where)
    run(service_that_is_killed_ends_its_calls, server, where)
    world.service(world.fault)
    run(connection_outlives_the_service, where, stayed)


def try_another_interface(world):
    """One service and then another run under the same name and port."""
    server = world.service(world.fault, "--listen=shm://other")
    _, where = world.gateway("--force-insecure-serialisation",
                             "other=tcp://:0")
    client = connect(where)
    assert client.call("blob", b"x").body == b"x"
    server.kill()
    server.wait()
    world.service(world.echo, "--listen=shm://other")
    os.remove(f"{world.folder}/other.5802.sock")
    os.symlink("other.5555.sock", f"{world.folder}/other.5802.sock")
    run(other_service_wants_new_connections, client)
    await_(lambda: not refused(where), "the other service")
    assert connect(where).call("echo_json", b"[1]").body == b"1"


def try_all(world, is_plain):
    wrong_use_is_told(world.gateway_path)
    server = world.service(world.fault)
    world.service(world.echo)
    run(native_is_refused, world.gateway_path)
    options = ("--force-insecure-serialisation", "--tcp-compression=zlib")
    gateway, where = world.gateway(*options, "fault=tcp://:0")
    _, echo_where = world.gateway(*options, "echo_serv=tcp://:0")
    run(it_gives_up_what_it_does_not_need, gateway)
    try_calls(world, where)
    run(program_moves_by_its_address_alone, world, echo_where)
    run(gateway_speaks_tls, world, options)
    run(slow_calls_delay_no_quick_one, (where, echo_where))
    long_run = os.environ.get("SHMRPC_TEST_LONG") == "1"
    run(idle_connections_cost_little, gateway, where,
        1000 if long_run else 200, is_plain)
    try_restarts(world, server, where)
    run(stop_lets_calls_end, gateway, where)
    try_another_interface(world)


def main():
    *programs, is_plain = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SHMRPC_DIR"] = folder
        world = World(programs, folder)
        try:
            try_all(world, is_plain == "plain")
        finally:
            world.stop_all()


if __name__ == "__main__":
    main()
