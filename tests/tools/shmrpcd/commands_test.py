#!/usr/bin/env python3
"""commands_test.py SHMRPCD SHMRPC PROGRAM ECHO PRIMES LIBRARY WEB [TEST...]: every
command of shmrpc that needs a manager."""

import json
import os
import signal
import subprocess

import harness
from harness import await_that, fails, read


def test_ps(m):
    m.start(m.body("Echo", exec=m.programs.echo),
            m.section("Off", "ready"), names=["Echo"])
    head, echo, off = m.run("ps").splitlines()
    assert head.split() == ["SERVICE", "STATE", "PID", "SINCE", "RESTARTS",
                            "WHERE"]
    pid = m.status("Echo")["pid"]
    assert echo.split()[:3] == ["Echo", "running", str(pid)]
    assert echo.split()[-2:] == ["0", "shm://echo_serv"]
    assert off.split()[:3] == ["Off", "stopped", "-"]
    assert json.loads(m.run("ps", "--json")) == m.call("list")
    fails(2, "ps takes no operand like `x`", m.run, "ps", "x")


def test_ps_shows_where_one_is_and_not_how_it_ended(m):
    m.start(m.section("Plain", "ready", f"wait={m.path('gate')}", "kill=9"),
            m.section("Told", "ready"))
    assert "Plain" in m.run("ps")
    open(m.path("gate"), "w", encoding="utf-8").close()
    await_that("it has died", lambda: m.status("Plain")["restarts"])
    os.unlink(m.path("gate"))
    await_that("another runs", lambda: m.status("Plain")["pid"])
    assert m.status("Plain")["last_end"] == "signal 9 (Killed)"
    row = await_that("it runs", lambda: next(
        (line for line in m.run("ps").splitlines()
         if line.startswith("Plain") and " running " in line), None))
    assert row.split()[-1] == "-", row
    m.run("stop", "Plain")
    assert "  ended: signal " in m.run("ps").splitlines()[1]


def test_both_names_are_known_everywhere(m):
    """The section is named Echo, and its service echo_serv; both names are
    accepted."""
    m.start(m.body("Echo", exec=m.programs.echo, max_proc_num=1),
            m.section("Plain", "ready"), m.section("Off", "ready"))
    m.run("stop", "Off")
    for name in ("Echo", "echo_serv", "shm://echo_serv"):
        assert m.run("call", name, "add", "1", "2") == "3\n"
        assert m.run("describe", name) == m.run("describe", "echo_serv")
        assert json.loads(m.run("stats", "--json", name))["name"] == (
            "echo_serv")
        assert "CALLS/S" in m.run("top", "--once", "-i", "20ms", name)
        assert json.loads(m.run("bench", "--json", "-n", "10", name, "add",
                                "1", "2"))["calls"] == 10
        assert m.run("status", name).startswith("Echo: running")
        assert "-- can be called" in m.run("logs", name)
        assert m.run("scale", name, "1..2") == "Echo: 1 to 2 workers\n"
        assert m.run("restart", name).startswith("Echo: running, pid ")
        assert m.run("stop", name) == "Echo: stopped\n"
        # The service reported its name while it ran, so the manager still knows
        # it.
        assert m.run("start", name).startswith("Echo: running, pid ")
    fails(3, "there is no service `Ecko`; did you mean `Echo`?", m.run,
          "call", "Ecko", "add", "1", "2")
    fails(3, "there is no service `Ecko`; did you mean `Echo`?", m.run,
          "status", "Ecko")
    fails(3, "`Off` of the manager is stopped", m.run, "call", "Off", "x")
    fails(3, "`Plain` of the manager is running, but is not a shmrpc server", m.run,
          "stats", "Plain")
    fails(3, "there is no service `Echo@two`", m.run, "call", "Echo@two", "x")


def rows_of(m, service, role, *before):
    """Rows of ps --clients as JSON; `before` is a command that runs it."""
    done = subprocess.run([*before, m.programs.shmrpc, "ps", "-c", "--json"],
                          env=m.env, capture_output=True, text=True,
                          timeout=harness.PATIENCE, check=True)
    return [row for row in json.loads(done.stdout)
            if row["service"] == service and row["role"] == role]


CONTAINER = ["unshare", "--pid", "--fork", "--kill-child"]


def test_ps_shows_clients_of_any_container(m):
    """Clients in another pid namespace that share the folder are shown."""
    m.start(m.body("Echo", exec=m.programs.echo, max_proc_num=1),
            m.section("A", "ready"))
    worker, = await_that("the worker",
                         lambda: rows_of(m, "echo_serv", "worker"))
    assert read(f"/proc/{worker['pid']}/comm").strip() == worker["program"]
    assert rows_of(m, "echo_serv", "client") == []
    follow = [m.programs.shmrpc, "logs", "-f", "A"]
    clients = [subprocess.Popen(words, env=m.env, stdout=subprocess.DEVNULL)
               for words in (follow, CONTAINER + follow)]
    try:
        def both():
            rows = rows_of(m, "shmrpcd", "client")
            return (rows if len(rows) == 2 or clients[1].poll() is not None
                    else None)
        rows = await_that("both are there", both)
        if clients[1].poll() is not None:
            print("SKIPPED: no pid namespace can be made")
            return
        mine, = [r for r in rows if r["pid"] == clients[0].pid]
        inner, = [r for r in rows if r is not mine]
        assert mine["own_pid"] == mine["pid"], rows
        assert mine["uid"] == os.geteuid() and mine["age_ns"] > 0
        # The first process of its namespace is our child here.
        assert inner["own_pid"] == 1 and inner["program"] == "shmrpc", rows
        assert inner["pid_namespace"] != mine["pid_namespace"]
        assert read(f"/proc/{inner['pid']}/stat").split()[3] == str(
            clients[1].pid)
        text = m.run("ps", "--clients")
        assert f"(1 in pid namespace {inner['pid_namespace']})" in text, text
        # No process here has a pid in a third namespace.
        outer = rows_of(m, "shmrpcd", "client", *CONTAINER)
        assert sorted(r["own_pid"] for r in outer) == sorted(
            [1, clients[0].pid])
        assert not any("pid" in r for r in outer), outer
    finally:
        for client in clients:
            client.kill()
            client.wait()
    await_that("they are gone", lambda: not rows_of(m, "shmrpcd", "client"))


def test_status(m):
    m.start(m.section("A", "say=hello", "ready"))
    await_that("it is logged", lambda: "hello" in m.texts("A"))
    text = m.run("status", "A")
    assert text.startswith("A: running for ")
    assert f"pid       {m.status('A')['pid']}" in text
    assert text.rstrip().splitlines()[-1].endswith(
        ("hello", "can be called"))
    everything = m.run("status")
    assert everything.startswith("shmrpcd ") and "\nA " in everything
    assert json.loads(m.run("status", "A", "--json")) == m.status("A")
    assert json.loads(m.run("status", "--json"))["pid"] == m.process.pid
    fails(3, "there is no service `B`", m.run, "status", "B")


def test_a_stopped_one_shows_and_can_be_restarted(m):
    """A supervisor that got SIGSTOP is shown as hung, and can be restarted."""
    m.start(m.body("Echo", exec=m.programs.echo, max_proc_num=1))
    before = m.status("Echo")
    pid = before["pid"]
    assert before["trouble"] == ""
    os.kill(pid, signal.SIGSTOP)
    await_that("it shows", lambda: m.status("Echo")["trouble"])
    _, row = m.run("ps").splitlines()
    assert row.split()[:3] == ["Echo", "hung", str(pid)], row
    assert f"`kill -CONT {pid}` resumes it" in row
    assert "Echo: running for " in m.run("status", "Echo")
    assert f", hung\n  trouble   stopped by a signal: `kill -CONT {pid}`" in (
        m.run("status", "Echo"))
    os.kill(pid, signal.SIGCONT)
    await_that("it is well again", lambda: m.status("Echo") == before)
    assert [text.split(" (")[0] for text in m.texts("Echo")][-2:] == [
        f"pid {pid} was stopped by a signal", f"pid {pid} was resumed"]
    # A process that can't be continued does not block its slot: it is ended
    # all the same.
    os.kill(pid, signal.SIGSTOP)
    await_that("it shows", lambda: m.status("Echo")["trouble"])
    assert m.run("restart", "Echo").startswith("Echo: running, pid ")
    after = m.status("Echo")
    assert after["pid"] != pid and after["trouble"] == ""
    assert after["last_end"] == "status 0", after
    assert m.run("call", "echo_serv", "add", "1", "2") == "3\n"


def test_start_stop_restart(m):
    m.start(m.section("Alpha", "ready"), m.section("Beta", "ready"),
            m.section("Bad", "exit=3", wait_until_completed="false"),
            names=["Alpha", "Beta"])
    assert m.run("stop", "Alpha", "Beta") == "Alpha: stopped\nBeta: stopped\n"
    text = m.run("start", "Alpha")
    assert text == f"Alpha: running, pid {m.status('Alpha')['pid']}\n"
    pid = m.status("Alpha")["pid"]
    again = json.loads(m.run("restart", "Alpha", "--json"))
    assert again[0]["name"] == "Alpha" and again[0]["pid"] not in (0, pid)
    fails(3, "there is no service `Alhpa`; did you mean `Alpha`?", m.run,
          "stop", "Alhpa")
    # If one service fails, those after it are still handled.
    fails(3, "no service `Gamma`", m.run, "stop", "Gamma", "Alpha")
    assert m.status("Alpha")["state"] == "STOPPED"
    fails(1, "`Bad` has ended: status 3", m.run, "start", "Bad")
    for command in ("start", "stop", "restart", "logs"):
        fails(2, "SERVICE", m.run, command)


def test_scale(m):
    m.start(m.body("Echo", exec=m.programs.echo), m.section("Other", "ready"))
    assert m.run("scale", "Echo", "2..3") == "Echo: 2 to 3 workers\n"
    assert "workers   2 to 3" in m.run("status", "Echo")
    said = json.loads(m.run("scale", "Echo", "2", "--json"))
    assert said["min_workers"] == said["max_workers"] == 2
    for wrong in ("0", "65", "3..2", "x", "2..", "..2", "1...2"):
        fails(2, "expected a number of 1 to 64", m.run, "scale", "Echo",
              wrong)
    fails(2, "scale takes a SERVICE and", m.run, "scale", "Echo")
    fails(1, "`Other` is not a server with workers", m.run, "scale", "Other",
          "2")
    fails(3, "there is no service `Eco`; did you mean `Echo`?", m.run,
          "scale", "Eco", "2")


def test_a_deadline(m):
    m.start(m.section("A", f"wait={m.path('gate')}", "ready"),
            until="managing")
    m.await_state("A", "STARTING")
    for option in ("--deadline=200ms", "-d2s"):  # after an operand, too
        fails(4, "DEADLINE: `A` is not done yet, but goes on", m.run,
              "start", "A", option)
    await_that("it says what it waits for", lambda: (
        "trouble   it has not reported yet that it is ready" in
        m.run("status", "A")))
    assert m.run("ps").splitlines()[1].split()[1] == "starting"
    fails(2, "--deadline", m.run, "start", "A", "--deadline=soon")


def test_reload(m):
    m.start(m.section("A", "ready"), m.section("Old", "ready"))
    m.write(m.section("A", "say=x", "ready"), m.section("New", "ready"))
    assert m.run("reload") == "New: added\nOld: removed\nA: changed\n"
    assert m.run("reload") == "nothing has changed\n"
    assert json.loads(m.run("reload", "--json")) == {
        "added": [], "removed": [], "changed": []}
    m.write("[A]\nexec = a\nprot = 5\n")
    text = fails(1, "nothing was changed", m.run, "reload")
    assert "service.ini:3:1: error: unknown key `prot`" in text
    fails(2, "reload takes no operand", m.run, "reload", "A")


def test_logs(m):
    m.start(m.section("A", "lines=5", "cry=error: bad", "ready"),
            m.section("B", "say=hello", "ready"))
    await_that("all is there", lambda: "error: bad" in m.texts("A") and
               "hello" in m.texts("B"))
    text = m.run("logs", "A", "--lines=1000")
    # 2026-01-01 00:00:00.000 level text
    words = [line.split(None, 3) for line in text.splitlines()]
    assert ["info", "line 0"] in [w[2:] for w in words], text
    assert ["error", "error: bad"] in [w[2:] for w in words]
    assert any(w[3].startswith("-- started") for w in words)
    assert m.run("logs", "A", "--level=error").endswith("error: bad\n")
    assert len(m.run("logs", "A", "--grep=line", "-n2").splitlines()) == 2
    assert m.run("logs", "A", "-g", "line 4", "-n", "1").endswith(
        " line 4\n")
    both = m.run("logs", "A", "B")
    assert " A: line 4\n" in both and " B: hello\n" in both
    records = [json.loads(line)
               for line in m.run("logs", "B", "--json").splitlines()]
    hello = [r for r in records if r["text"] == "hello"][0]
    assert hello["service"] == "B" and hello["origin"] == "STDOUT"
    fails(2, "no level `eror`; did you mean `error`", m.run, "logs", "A",
          "--level=eror")
    fails(2, "1 to 1000", m.run, "logs", "A", "--lines=0")
    fails(3, "no service `C`", m.run, "logs", "C")


def test_levels_have_colours(m):
    """On a terminal lines have colours, by level."""
    colours = {10: "\x1b[2m", 20: "", 25: "\x1b[1m", 29: "", 30: "\x1b[33m",
               40: "\x1b[31m", 49: "\x1b[31m", 50: "\x1b[1;31m"}
    names = dict(zip(colours, ["debug", "info", "notice", "info", "warning",
                               "error", "error", "critical"]))
    m.start(m.section("A", *[f"log={n}:is {n}." for n in colours], "ready"))
    await_that("all is there", lambda: "is 50." in m.texts("A"))
    ours, theirs = os.openpty()
    with subprocess.Popen([m.programs.shmrpc, "logs", "A"], env=m.env,
                          stdout=theirs) as logs:
        os.close(theirs)
        text = b""
        try:
            while part := os.read(ours, 4096):
                text += part
        except OSError:  # the terminal was closed
            pass
        os.close(ours)
        assert logs.wait(harness.PATIENCE) == 0
    for number, colour in colours.items():
        line, = [line for line in text.decode().splitlines()
                 if f"is {number}." in line]
        end = "\x1b[0m" if colour else ""
        assert f" {colour}{names[number]:8} is {number}.{end}" in line, line
    assert "\x1b" not in m.run("logs", "A")


def test_follow(m):
    m.start(m.section("A", "say=before", f"wait={m.path('gate')}",
                      "say=after", "ready"), until="managing")
    with open(m.path("seen"), "w", encoding="utf-8") as seen:
        tail = subprocess.Popen([m.programs.shmrpc, "logs", "-f", "A"],
                                env=m.env, stdout=seen,
                                stderr=subprocess.STDOUT)
    try:
        await_that("the past", lambda: "before" in read(m.path("seen")))
        open(m.path("gate"), "w", encoding="utf-8").close()
        await_that("the present", lambda: "after" in read(m.path("seen")))
        assert read(m.path("seen")).count("before") == 1
        assert tail.poll() is None
        m.kill()
        assert tail.wait(harness.PATIENCE) in (3, 4, 5)
    finally:
        tail.kill()
        tail.wait()


def test_follow_ends_with_its_reader(m):
    m.start(m.section("A", "ready"))
    tail = subprocess.Popen([m.programs.shmrpc, "logs", "-f", "A"],
                            env=m.env, stdout=subprocess.PIPE)
    assert tail.stdout.readline()
    tail.stdout.close()
    assert tail.wait(harness.PATIENCE) in (0, -signal.SIGPIPE)


def test_no_manager(m):
    for words in (["ps"], ["status"], ["start", "A"], ["stop", "A"],
                  ["restart", "A"], ["scale", "A", "1"], ["reload"],
                  ["logs", "A"]):
        fails(3, "no manager runs here (`shmrpcd FILE` starts one)", m.run, *words)


def test_instances(m):
    m.start(m.section("A", "ready"), arguments=["--instance=two"])
    fails(3, "no manager runs here", m.run, "ps")
    assert "A " in m.run("ps", "--instance=two")
    assert m.run("stop", "-i", "two", "A") == "A: stopped\n"


def test_completion(m):
    m.start(m.section("Alpha", "ready"), m.section("Beta", "ready"))
    assert m.run("complete", "stop", "") == "Alpha\nBeta\n"
    assert m.run("complete", "restart", "Alpha", "B") == "Beta\n"
    assert m.run("complete", "logs", "--fo") == "--follow\n"
    assert "restart\n" in m.run("complete", "re")


def test_completion_knows_both_names(m):
    others = m.run("complete", "call", "")  # services for all users

    def offered(*words):
        return [name for name in m.run("complete", *words).split()
                if name not in others.split()]

    m.start(m.body("Echo", exec=m.programs.echo, max_proc_num=1),
            m.section("Plain", "ready"))
    assert offered("stop", "") == ["Echo", "echo_serv", "Plain"]
    assert offered("call", "") == ["echo_serv", "shmrpcd", "Echo"]
    assert offered("call", "E") == ["Echo"]
    assert "add" in offered("call", "Echo", "a")


def test_help(m):
    for command in ("ps", "status", "start", "stop", "restart", "scale",
                    "reload", "logs"):
        assert m.run(command, "--help").startswith(f"usage: shmrpc {command}")
        assert m.run(command, "--version").startswith("shmrpc ")
        assert f"\n  {command} " in m.run("--help")
        fails(2, "unknown option `--jsn`", m.run, command, "--jsn")


if __name__ == "__main__":
    harness.main(globals())
