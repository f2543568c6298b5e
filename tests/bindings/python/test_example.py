"""Runs the commands of the READMEs in examples/python."""

import contextlib
import os
import re
import shutil
import subprocess
import sys

import pytest

from test_workers import HERE, PATIENCE_S, Service

EXAMPLES = os.path.join(HERE, "../../../examples/python")
# Commands that READMEs may use, and for each the environment variable with the
# path of the program that was built.
PROGRAMS = {"shmrpc": "SHMRPC_TOOL", "shmrpcd": "SHMRPC_MANAGER",
            "greeter-client": "GREETER_CLIENT", "ocr-client": "OCR_CLIENT",
            "search-server": "SEARCH_SERVER"}


def read(*names):
    with open(os.path.join(EXAMPLES, *names), encoding="utf-8") as file:
        return file.read()


def commands_of(text):
    """Returns each command in the console blocks with its expected output."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", text, re.S):
        parts = re.split(r"^\$ (.*)\n", block, flags=re.M)[1:]
        found += zip(parts[::2], parts[1::2])
    return found


def pattern_of(expected):
    return re.compile(".*".join(map(re.escape, expected.split("..."))), re.S)


@pytest.fixture
def programs(tmp_path):
    """Returns a folder with the programs that commands name."""
    path = tmp_path / "bin"
    path.mkdir()
    lines = {name: f'"{os.environ[variable]}"' for name, variable in
             PROGRAMS.items() if os.environ.get(variable)}
    lines["python3"] = f'"{sys.executable}" -W error'
    for name, line in lines.items():
        (path / name).write_text(f'#!/bin/sh\nexec {line} "$@"\n')
        (path / name).chmod(0o755)
    return path


@contextlib.contextmanager
def served(command, expected, folder, environment):
    """Starts a server in the background; returns once it has printed the
    expected lines."""
    server = Service.__new__(Service)
    before = os.getcwd()
    os.chdir(folder)
    try:
        server._start(["sh", "-c", f"exec {command}"], environment)
    finally:
        os.chdir(before)
    try:
        for line in expected.splitlines():
            server.wait_for(max(line.split("..."), key=len))
        yield
    finally:
        server.stop()


def check(folder, programs):
    """Runs the commands of the README in `folder`, and compares their
    output."""
    with open(os.path.join(folder, "README.md"), encoding="utf-8") as file:
        commands = commands_of(file.read())
    assert commands
    environment = {"PATH": f"{programs}:{os.environ['PATH']}",
                   "LC_ALL": "C.UTF-8"}
    with contextlib.ExitStack() as servers:
        for command, expected in commands:
            if command.endswith(" &"):
                servers.enter_context(
                    served(command[:-2], expected, folder, environment))
                continue
            done = subprocess.run(
                ["bash", "-c", command], cwd=folder, text=True,
                env={**os.environ, **environment}, timeout=PATIENCE_S,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            assert pattern_of(expected).fullmatch(done.stdout), (
                f"$ {command}\n{done.stdout}")


def test_echo(folder, programs):
    check(os.path.join(EXAMPLES, "echo"), programs)


def test_service_of_a_newcomer_is_short():
    code = [line for line in read("echo", "greeter.py").splitlines()
            if line.strip()]
    assert len(code) <= 20


def test_stream(folder, programs):
    check(os.path.join(EXAMPLES, "stream"), programs)


def test_speedysvc(folder, programs, tmp_path):
    """Runs in a copy of the example, which logs to another folder."""
    copy = tmp_path / "speedysvc"
    shutil.copytree(os.path.join(EXAMPLES, "speedysvc"), copy)
    ini = (copy / "service.ini").read_text()
    assert "/tmp/test_server_logs/" in ini
    (copy / "service.ini").write_text(
        ini.replace("/tmp/test_server_logs/", f"{tmp_path}/logs/"))
    check(copy, programs)


def test_search(folder, programs):
    if not os.environ.get("SEARCH_SERVER"):
        pytest.skip("examples/search is not built: no SQLite")
    check(os.path.join(EXAMPLES, "search"), programs)


def test_ocr(folder, programs):
    if not os.environ.get("OCR_CLIENT"):
        pytest.skip("examples/ocr is not built: no Tesseract")
    check(os.path.join(EXAMPLES, "ocr"), programs)


# ---- the project's README ---------------------------------------------------


def blocks_of(text, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.S | re.M)


def test_twenty_lines_of_the_projects_readme(folder, programs, tmp_path):
    """Calls the service in README.md from Python, from C and by `shmrpc call`,
    as the README describes."""
    with open(os.path.join(EXAMPLES, "../../README.md"),
              encoding="utf-8") as file:
        text = file.read()
    section = text[text.index("## A service in Python"):]
    section = section[:section.index("\n## ", 1)]
    service, = blocks_of(section, "python")
    svc, = blocks_of(section, "svc")
    lines = [line for line in (service + svc).splitlines() if line.strip()]
    assert len(lines) <= 20
    # The client in C is the client of examples/python/echo, which has the same
    # .svc.
    assert svc.split() == [
        word for line in read("echo", "echo.svc").splitlines()
        if not line.strip().startswith("///") for word in line.split()]
    (tmp_path / "greeter.py").write_text(service)
    (tmp_path / "greeter.svc").write_text(svc)
    (tmp_path / "README.md").write_text(section)
    check(tmp_path, programs)
