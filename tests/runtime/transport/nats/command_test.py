"""shmrpc queue, topic, dict and value with the address of an object on NATS. Run
by with_server.py."""

import json
import os
import socket
import subprocess
import sys
import time


def shmrpc(*words, code=0):
    got = subprocess.run([sys.argv[1], *words], capture_output=True, text=True)
    assert got.returncode == code, got
    return got.stdout if code == 0 else got.stderr


def main():
    jobs = os.environ["TEST_NATS"] + "/test.jobs"
    news = os.environ["TEST_NATS"] + "/test.news"
    assert "does not exist" in shmrpc("queue", "pop", jobs, code=3)
    # A port at which nothing listens: it is bound, but not listening.
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        away = f"nats://127.0.0.1:{deaf.getsockname()[1]}/test.jobs"
        assert "no NATS server" in shmrpc("queue", "pop", away, code=3)
    shmrpc("queue", "push", "--create", "--deadline=60s", jobs, "1", '"two"')
    figures = json.loads(shmrpc("queue", "stat", "--json", jobs))
    assert figures["item_count"] == 2 and figures["open_count"] == 0, figures
    assert shmrpc("queue", "pop", "--deadline=60s", "--json", jobs) == "1\n"
    assert shmrpc("queue", "drain", "--json", jobs) == '"two"\n'
    assert "servers" in shmrpc("queue", "check", jobs, code=1)
    assert "keep no history of it" in shmrpc("topic", "tail", news, code=3)
    table = os.environ["TEST_NATS"] + "/test.table"
    assert "does not exist" in shmrpc("dict", "keys", table, code=3)
    shmrpc("dict", "set", "--create", table, "rate", "[48000]")
    shmrpc("dict", "set", table, "rate", "0", "44100")
    assert shmrpc("dict", "get", "--json", table, "rate") == "[44100]\n"
    assert shmrpc("dict", "keys", "--json", table) == '"rate"\n'
    assert json.loads(shmrpc("dict", "stat", "--json", table))["entry_count"] \
        == 1
    shmrpc("dict", "del", table, "rate")
    assert shmrpc("dict", "keys", table) == ""
    assert "servers" in shmrpc("dict", "check", table, code=1)
    config = os.environ["TEST_NATS"] + "/test.config"
    shmrpc("value", "set", "--create", config, '{"a": 1}')
    assert shmrpc("value", "get", "--json", config, "a") == "1\n"
    tail = subprocess.Popen([sys.argv[1], "topic", "tail", "--create",
                             "--count=1", "--deadline=60s", "--json", news],
                            stdout=subprocess.PIPE, text=True)
    while tail.poll() is None:
        shmrpc("topic", "pub", "--create", news, "7")
        time.sleep(0.05)
    assert tail.wait() == 0 and tail.stdout.read() == "7\n"


main()
