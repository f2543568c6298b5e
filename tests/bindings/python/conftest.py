"""Fixtures for the servers of other tests; each server has a socket folder of
its own."""

import os
import shutil
import subprocess
import tempfile
import time

import pytest

import shmrpc

PATIENCE_S = 20


def start(variable, *arguments):
    return subprocess.Popen([os.environ[variable], *arguments],
                            stdout=subprocess.DEVNULL)


def patiently(attempt):
    """Repeats an attempt: a server that gets little CPU time frees the place
    of a stream a little after the client has closed the stream."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return attempt()
        except shmrpc.Exhausted:
            assert time.monotonic() < until


def stop(server):
    server.terminate()
    assert server.wait(PATIENCE_S) == 0


@pytest.fixture(scope="session", autouse=True)
def folder():
    path = tempfile.mkdtemp(prefix="shmrpc-python-")
    os.environ["SHMRPC_DIR"] = path
    yield path
    shutil.rmtree(path)


def service(variable, name, *arguments):
    @pytest.fixture(scope="module")
    def connected(folder):
        server = start(variable, *arguments)
        client = shmrpc.connect(name, wait=PATIENCE_S, timeout=PATIENCE_S)
        yield client
        client.close()
        stop(server)

    return connected


echo = service("ECHO_SERVER", "echo_serv")
kinds = service("KINDS_SERVER", "kinds")
fault = service("FAULT_SERVER", "fault", "--workers=0", "--threads=4")
errors = service("ERRORS_SERVER", "errors")
flow = service("FLOW_SERVER", "flow", "--workers=0", "--threads=16",
               "--stream-drain=1")
