"""examples/python, as their READMEs have it."""

import os
import re
import subprocess
import sys

import shmrpc
from test_workers import HERE, PATIENCE_S, Service

EXAMPLES = os.path.join(HERE, "../../../examples/python")
EXAMPLE = os.path.join(EXAMPLES, "echo")
STREAM = os.path.join(EXAMPLES, "stream")


def outputs(folder=EXAMPLE):
    """What each command of the README prints."""
    with open(os.path.join(folder, "README.md"), encoding="utf-8") as file:
        block = re.search(r"```console\n(.*?)```", file.read(), re.S).group(1)
    parts = re.split(r"^\$ (.*)\n", block, flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2]))


def run(*words, folder=EXAMPLE):
    return subprocess.run(words, capture_output=True, text=True, check=True,
                          cwd=folder).stdout


def test_readme_says_what_happens(folder):
    expected = outputs()
    server = Service.__new__(Service)
    server._start([sys.executable, os.path.join(EXAMPLE, "greeter.py"),
                   "--workers=1"], None)
    server.wait_for("greeter: serving at")
    try:
        python = [sys.executable, "-W", "error"]
        assert run(*python, "client.py") == expected["python3 client.py"]
        tool = os.environ["SHMRPC_TOOL"]
        assert run(tool, "call", "greeter", "greet", "Ada") == \
            expected["shmrpc call greeter greet Ada"]
        assert run(os.environ["GREETER_CLIENT"]) == expected["greeter-client"]
    finally:
        server.stop()


def test_service_of_a_newcomer_is_short():
    lines = open(os.path.join(EXAMPLE, "greeter.py"),
                 encoding="utf-8").read().splitlines()
    code = [line for line in lines if line.strip()]
    assert len(code) <= 20


def test_streams_and_coroutines(folder):
    expected = outputs(STREAM)
    server = Service.__new__(Service)
    server._start([sys.executable, os.path.join(STREAM, "server.py"),
                   "--workers=1"], None)
    server.wait_for("words: serving at")
    try:
        python = [sys.executable, "-W", "error"]
        assert run(*python, "client.py", folder=STREAM) == \
            expected["python3 client.py"]
        tool = os.environ["SHMRPC_TOOL"]
        assert run(tool, "call", "words", "speak", "one two",
                   folder=STREAM) == \
            expected['shmrpc call words speak "one two"']
    finally:
        server.stop()
