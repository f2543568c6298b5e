#!/usr/bin/env python3
"""setup_test.py SHMRPCD SHMRPC PROGRAM ECHO PRIMES LIBRARY WEB TCP PKI [TEST...]:
the environment that the manager sets up for a program."""

import os
import pwd
import shutil
import subprocess

import harness
from harness import await_that, fails, read


def field(pid, name):
    """Returns a line of /proc/PID/status."""
    for line in read(f"/proc/{pid}/status").splitlines():
        if line.startswith(name + ":"):
            return line.split(":", 1)[1].split()
    raise AssertionError(f"no {name} of {pid}")


def limit(pid, name):
    """Returns the soft and hard value of a limit, as the kernel prints them."""
    for line in read(f"/proc/{pid}/limits").splitlines():
        if line.startswith(name + " "):
            return line[len(name):].split()[:2]
    raise AssertionError(f"no {name} of {pid}")


def as_root(function):
    """Skips the test unless it runs as root: only root can start programs as
    other users."""
    def test(m):
        if os.getuid() == 0:
            function(m)
        else:
            print("SKIPPED: not root")
    return test


def public_program(m):
    """Copies the test program to a place from which every user can run it."""
    os.chmod(m.folder, 0o755)
    shutil.copy(m.programs.program, m.path("program"))
    os.chmod(m.path("program"), 0o755)
    return m.path("program")


def test_environment(m):
    names = ["HOME", "A", "B", "SHMRPC_DIR"]
    values = ["/nowhere", "1", "two words", m.run_dir]
    m.env["A"] = "the manager's"
    m.start(m.section("S", *[f"env={name}" for name in names], "ready",
                      environment="A=1 'B=two words' HOME=/nowhere"))
    await_that("it has printed them", lambda: [
        text for text in m.texts("S") if text in values] == values)


def test_a_folder_and_a_mask(m):
    """`directory` does not change the meaning of other paths in the file."""
    os.mkdir(m.path("work"))
    m.start(m.section("S", "touch=made", "ready", directory="work",
                      umask="027", log_dir="logs"))
    pid = m.status("S")["pid"]
    assert os.readlink(f"/proc/{pid}/cwd") == m.path("work")
    assert field(pid, "Umask") == ["0027"]
    assert os.stat(m.path("work/made")).st_mode & 0o777 == 0o640
    await_that("the log is where it was",
               lambda: os.path.exists(m.path("logs/S.log")))


def test_a_program_beside_the_file(m):
    shutil.copy(m.programs.program, m.path("beside"))
    os.mkdir(m.path("work"))
    m.start(m.section("S", exec="./beside ready", directory="work"))
    assert m.status("S")["state"] == "RUNNING"


def test_niceness_and_cpus(m):
    cpu = min(os.sched_getaffinity(0))
    m.start(m.section("S", "env=SHMRPC_OPTIONS", "ready", nice="7",
                      cpus=str(cpu)))
    pid = m.status("S")["pid"]
    assert os.getpriority(os.PRIO_PROCESS, pid) == 7
    assert os.sched_getaffinity(pid) == {cpu}
    # There is one worker for each CPU that it may use.
    await_that("one worker", lambda: "--workers=1..1" in m.texts("S"))


def test_limits(m):
    """Limits are set as the file says. Limits on address space and large core
    dumps are not checked under a sanitizer: it reserves more address space than
    there is memory, and turns core dumps off."""
    space = {"limit_as": "64G", "limit_data": "1G"}
    if harness.SANITIZED:
        space = {}
    m.start(m.section("S", "ready", limit_core="0", limit_cpu="1h",
                      limit_fsize="1M", limit_memlock="64K",
                      limit_nofile="99", limit_nproc="5000",
                      limit_stack="4M", **space),
            m.section("U", "ready", limit_core="unlimited"))
    pid = m.status("S")["pid"]
    wanted = {"Max core file size": 0, "Max cpu time": 3600,
              "Max file size": 1 << 20, "Max locked memory": 64 << 10,
              "Max open files": 99, "Max processes": 5000,
              "Max stack size": 4 << 20}
    if space:
        wanted["Max address space"] = 64 << 30
        wanted["Max data size"] = 1 << 30
    for name, value in wanted.items():
        assert limit(pid, name) == [str(value)] * 2, (name, limit(pid, name))
    if space:
        assert limit(m.status("U")["pid"], "Max core file size") == \
            ["unlimited"] * 2


@as_root
def test_another_user(m):
    """A program of another user can report that it is ready, dies with the
    manager, and does not inherit what belongs to the manager's user."""
    program = public_program(m)
    nobody = pwd.getpwnam("nobody")
    m.env["XDG_RUNTIME_DIR"] = "/run/user/0"
    m.start(m.section("S", exec=f"{program} env=USER env=HOME "
                      "env=XDG_RUNTIME_DIR ready", user="nobody"),
            m.section("G", exec=f"{program} ready", user="nobody",
                      group="daemon"),
            m.section("N", exec=f"{program} ready", user="61001"))
    pid = m.status("S")["pid"]
    assert field(pid, "Uid") == [str(nobody.pw_uid)] * 4
    assert field(pid, "Gid") == [str(nobody.pw_gid)] * 4
    assert field(pid, "Groups") == [str(nobody.pw_gid)]
    values = ["nobody", nobody.pw_dir, "(not set)"]
    await_that("it has printed them", lambda: [
        text for text in m.texts("S") if text in values] == values)
    assert field(m.status("G")["pid"], "Gid") == ["1"] * 4
    assert field(m.status("N")["pid"], "Uid") == ["61001"] * 4
    m.kill()
    await_that("it has died with the manager",
               lambda: not harness.is_alive(pid))


def test_what_cannot_be_is_said(m):
    m.start(m.section("D", "ready", directory="none"),
            m.section("U", "ready", user="nobody-of-this-name"),
            m.section("G", "ready", group="no-such-group"),
            until="ready, but not all")
    for name, text in (
            ("D", "`directory` can't be set: "),
            ("U", "`user`: there is no nobody-of-this-name"),
            ("G", "`group`: there is no no-such-group")):
        status = m.status(name)
        assert status["state"] == "BACKOFF"
        assert status["trouble"].startswith(text) or \
            status["last_end"].startswith(text), status


def test_a_limit_that_is_not_ours_to_raise(m):
    """Without the privilege, a niceness below zero is refused."""
    if os.getuid() == 0:
        program = public_program(m)
        m.env["SHMRPC_DIR"] = m.path("mine")
        os.mkdir(m.path("mine"), 0o700)
        nobody = pwd.getpwnam("nobody")
        os.chown(m.path("mine"), nobody.pw_uid, nobody.pw_gid)
        shutil.copy(m.programs.shmrpcd, m.path("shmrpcd"))
        os.chmod(m.path("shmrpcd"), 0o755)
        m.write(m.section("S", exec=f"{program} ready", nice="-20"))
        with open(m.err, "a", encoding="utf-8") as err:
            m.process = subprocess.Popen(
                [m.path("shmrpcd"), "service.ini"], cwd=m.folder, env=m.env,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=err, user="nobody", group=nobody.pw_gid,
                extra_groups=[])
    else:
        m.write(m.section("S", "ready", nice="-20"))
        m.spawn("service.ini")
    await_that("it has failed", lambda: "not all services run" in read(m.err))
    assert m.stop() == 0
    wanted = "`nice` can't be set: permission denied (the manager does not " \
        "run as root)"
    assert wanted in read(m.err), read(m.err)


def test_not_started_unless_asked_for(m):
    m.start(m.section("A", "ready", autostart="no"),
            m.section("B", "ready", autostart="no"),
            m.section("C", "ready", after="B"))
    states = {s["name"]: s["state"] for s in m.call("list")}
    assert states == {"A": "STOPPED", "B": "RUNNING", "C": "RUNNING"}, states
    assert m.call("start", "A")["state"] == "RUNNING"
    # New services in the file are set up in the same way.
    m.write(m.section("A", "ready", autostart="no"),
            m.section("D", "ready", autostart="no"),
            m.section("E", "ready", autostart="no"),
            m.section("F", "ready", after="E"))
    m.run("reload")
    m.await_state("F", "RUNNING")
    assert m.status("D")["state"] == "STOPPED"
    assert m.status("A")["state"] == "RUNNING"


def test_a_change_restarts(m):
    m.start(m.section("S", "ready", nice="3"), m.section("T", "ready"))
    first = {name: m.status(name)["pid"] for name in "ST"}
    m.write(m.section("S", "ready", nice="4"), m.section("T", "ready"))
    m.run("reload")
    await_that("the new niceness", lambda: (
        lambda s: s["state"] == "RUNNING" and s["pid"] != first["S"] and
        os.getpriority(os.PRIO_PROCESS, s["pid"]) == 4)(m.status("S")))
    assert m.status("T")["pid"] == first["T"]
    fails(1, "no service", m.call, "status", "X")


if __name__ == "__main__":
    harness.main(globals())
