#!/usr/bin/env python3
"""manager_test.py SHMRPCD SHMRPC PROGRAM ECHO PRIMES LIBRARY WEB TCP [TEST...]: the
manager with real services, real signals and real kills."""

import concurrent.futures
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import urllib.request

import harness
from harness import (CallError, await_that, fails, free_port, is_alive,
                     pid_in, read)


# ---- gateways -------------------------------------------------------------

def primes(m, **keys):
    # The gateway's sandbox forbids the leak checker to trace it.
    m.env["ASAN_OPTIONS"] = "detect_leaks=0"
    return m.body("Primes", exec=m.programs.primes, max_proc_num=1,
                  tcp_bind="127.0.0.1:0",
                  tcp_allow_insecure_serialisation="yes", **keys)


def remote_of(m):
    """Returns the address of the gateway, once it can be called."""
    return m.await_state("Primes.tcp", "RUNNING")["addresses"][0]


def count(m, where):
    return m.run("call", where, "count", "0", "10")


def test_a_gateway_comes_and_goes_with_its_service(m):
    m.start(primes(m), m.section("Z", "ready"))
    assert [s["name"] for s in m.call("list")] == ["Primes", "Primes.tcp",
                                                   "Z"]
    assert m.status("Primes")["addresses"] == ["shm://primes"]
    where = remote_of(m)
    assert where.startswith("tcp://127.0.0.1:"), where
    assert count(m, where) == "4\n"
    assert "Primes.tcp" in m.run("status")
    m.call("stop", "Primes")
    assert m.status("Primes.tcp")["state"] == "STOPPED"
    said = read(m.err)  # its clients get answers to all calls
    assert (said.index("Primes.tcp: has ended") <
            said.index("Primes: is stopped")), said
    m.call("start", "Primes")
    where = remote_of(m)
    assert count(m, where) == "4\n"
    # The gateway can be stopped and started alone.
    m.call("stop", "Primes.tcp")
    assert m.status("Primes")["state"] == "RUNNING"
    m.call("start", "Primes.tcp")
    os.kill(m.status("Primes.tcp")["pid"], signal.SIGKILL)
    await_that("another one runs", lambda: (
        lambda s: s["state"] == "RUNNING" and s["restarts"] == 1)(
            m.status("Primes.tcp")))
    assert count(m, remote_of(m)) == "4\n"
    assert m.status("Primes")["restarts"] == 0
    assert m.stop() == 0
    m.await_nobody()


def test_a_gateway_speaks_tls(m):
    folder = m.path("pki")
    os.mkdir(folder)
    subprocess.run([m.programs.pki, folder], check=True)
    m.start(primes(m, tcp_tls_cert="pki/server.pem",
                   tcp_tls_client_ca="pki/ca.pem"))
    where = remote_of(m)
    assert where.startswith("tls://127.0.0.1:"), where
    trusted = f"{where}?ca={folder}/ca.pem"
    assert count(m, f"{trusted}&cert={folder}/client.pem") == "4\n"
    for address in (trusted, where.replace("tls:", "tcp:"),
                    f"{trusted}&cert={folder}/stranger.pem"):
        assert not answers(m, address), address


def test_a_gateway_outlives_restarts(m):
    """The gateway's clients keep their connections when the service restarts."""
    m.start(primes(m))
    where = remote_of(m)
    gateway = m.status("Primes.tcp")["pid"]
    first = m.status("Primes")["pid"]
    load = subprocess.Popen(
        [m.programs.shmrpc, "bench", where, "count", "0", "10",
         "--seconds=60s", "--json"], env=m.env,
        stdout=subprocess.PIPE, text=True)
    assert m.call("scale", "Primes", "2", "2")["max_workers"] == 2
    await_that("two workers", lambda: workers_of(m, "Primes") == 2)
    assert m.call("restart", "Primes")["pid"] != first
    assert count(m, where) == "4\n"
    assert load.poll() is None, load.stdout.read()  # no call has failed
    load.kill()
    load.communicate()
    os.kill(m.status("Primes")["pid"], signal.SIGKILL)
    await_that("another one runs", lambda: (
        lambda s: s["state"] == "RUNNING" and s["restarts"] == 1)(
            m.status("Primes")))
    await_that("it is relayed again", lambda: answers(m, where))
    assert m.status("Primes.tcp")["pid"] == gateway
    # Under another name it is another service.
    m.write(primes(m, listen="shm://@two"))
    assert m.call("reload")["changed"] == ["Primes"]
    await_that("another gateway", lambda: (
        lambda s: s["state"] == "RUNNING" and s["pid"] != gateway)(
            m.status("Primes.tcp")))
    await_that("it is relayed", lambda: answers(m, remote_of(m)))


def answers(m, where):
    try:
        return count(m, where) == "4\n"
    except CallError:
        return False


def test_a_gateway_follows_the_file(m):
    m.start(m.section("A", "ready"), primes(m), names=["A"])
    assert m.status("Primes.tcp")["state"] == "STOPPED"
    m.call("start", "Primes")
    where = remote_of(m)
    pid = m.status("Primes")["pid"]
    assert answers(m, where)
    m.write(m.section("A", "ready"),
            m.body("Primes", exec=m.programs.primes, max_proc_num=1))
    assert m.call("reload")["removed"] == ["Primes.tcp"]
    await_that("it has gone", lambda: not answers(m, where))
    assert m.status("Primes")["pid"] == pid
    # A program that does not report an address can't be relayed.
    m.write(m.section("A", "ready", tcp_bind="127.0.0.1:0"))
    assert m.call("reload")["added"] == ["A.tcp"]
    said = m.await_state("A.tcp", "BACKOFF")["last_end"]
    assert said == "`A` has no shm:// address", said


# ---- access ---------------------------------------------------------------

def call_as(m, user):
    """Returns the answers that another user gets, with a program that this
    user can run."""
    done = subprocess.run(
        [shutil.copy(m.programs.shmrpc, m.path("shmrpc")), "call", "echo_serv", "add", "1", "2"], env=m.env,
        cwd="/", capture_output=True, text=True, timeout=harness.PATIENCE,
        check=False, user=user, group=user, extra_groups=[])
    return done.stdout or done.stderr


def test_others_may_come(m):
    if os.geteuid() != 0:
        print("SKIPPED: only root can be somebody else")
        return
    for folder in (m.folder, m.run_dir):
        os.chmod(folder, 0o755)
    echo = dict(exec=m.programs.echo, max_proc_num=1)
    m.start(m.body("Echo", **echo))
    assert call_as(m, 61001) != "3\n"
    m.write(m.body("Echo", allowed_users="61001", **echo))
    assert m.call("reload")["changed"] == ["Echo"]
    await_that("he may", lambda: call_as(m, 61001) == "3\n")
    assert call_as(m, 61002) != "3\n"
    m.write(m.body("Echo", allowed_groups="61002", **echo))
    m.call("reload")
    await_that("that group may", lambda: call_as(m, 61002) == "3\n")
    assert call_as(m, 61001) != "3\n"


def test_quotas(m):
    echo = dict(exec=m.programs.echo, max_proc_num=1)

    def said():
        try:
            return m.run("call", "echo_serv", "add", "1", "2")
        except CallError as error:
            return str(error)

    def said_at_once():
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            return "".join(pool.map(lambda _: said(), range(4)))

    # A call makes two connections, one after the other. The limit of one is
    # exceeded only if the server has not yet noticed that the first connection
    # has ended. So several calls are made at once until that happens.
    m.start(m.body("Echo", max_connections_per_user=1, **echo))
    await_that("one is too few", lambda:
               "your user id has too many connections" in said_at_once())
    m.write(m.body("Echo", max_connections_per_user=2, **echo))
    m.call("reload")
    await_that("two are enough", lambda: said() == "3\n")
    m.write(m.body("Echo", max_bytes_per_user="64K", **echo))
    m.call("reload")
    await_that("too little for a connection", lambda:
               "its interface: a quota or system resource is exhausted" in
               said())


def test_the_last_change_counts(m):
    """The last change counts, even if it comes while a server with the previous
    change is still taking over."""
    gate = m.path("gate")
    with open(m.path("slow"), "w", encoding="utf-8") as script:
        script.write('case "$SHMRPC_OPTIONS" in *take-over*) until [ -e ' +
                     gate + " ]; do sleep 0.01; done;; esac\n" +
                     "exec " + m.programs.echo + "\n")

    def body(workers):
        return m.body("Echo", exec="sh " + m.path("slow"),
                      min_proc_num=workers, max_proc_num=workers)

    m.start(body(1))
    for workers in (2, 3):
        m.write(body(workers))
        assert m.call("reload")["changed"] == ["Echo"]
        await_that("another one is to take over", lambda:
                   "to take over" in read(m.err))
    open(gate, "w", encoding="utf-8").close()
    await_that("three workers", lambda: workers_of(m, "Echo") == 3)


def test_workers_go_after_their_calls(m):
    m.start(m.body("Echo", exec=m.programs.echo, max_proc_num=1,
                   max_proc_calls=50))
    supervisor = m.status("Echo")["pid"]
    first = await_that("one worker", lambda: (
        lambda all: all if len(all) == 3 else None)(members(m, supervisor)))
    for _ in range(60):
        assert m.run("call", "echo_serv", "add", "1", "2") == "3\n"
    # The supervisor and the zygote remain.
    await_that("another worker", lambda: (
        lambda now: len(now) == 3 and len(now & first) == 2)(
            members(m, supervisor)))


def test_calls_end_before_the_service(m):
    m.start(m.body("Echo", exec=m.programs.echo, max_proc_num=1))
    session = m.status("Echo")["pid"]
    crew = await_that("one worker", lambda: (
        lambda all: all if len(all) == 3 else None)(members(m, session)))
    for pid in crew - {session}:  # so that its calls last
        os.kill(pid, signal.SIGSTOP)
    stop = subprocess.Popen([m.programs.shmrpc, "stop", "Echo"], env=m.env)
    m.await_state("Echo", "DRAINING")
    assert "draining" in m.run("ps")
    for pid in crew - {session}:
        os.kill(pid, signal.SIGCONT)
    assert stop.wait(harness.PATIENCE) == 0
    assert m.status("Echo")["last_end"] == "status 0"


def members(m, session):
    return {p for p in m.marked() if is_alive(p) and os.getsid(p) == session}


# ---- scaling --------------------------------------------------------------

def workers_of(m, name):
    """Number of processes of a service, except the supervisor and the zygote."""
    pid = m.status(name)["pid"]
    return len([p for p in m.marked() if is_alive(p) and
                os.getsid(p) == pid]) - 2


def test_scale(m):
    m.start(m.body("Echo", exec=m.programs.echo, max_proc_num=1),
            m.body("Threads", exec=m.programs.primes,
                   listen="shm://, tcp://127.0.0.1:0",
                   tcp_allow_insecure_serialisation="yes"))
    await_that("one worker", lambda: workers_of(m, "Echo") == 1)
    pid = m.status("Echo")["pid"]
    load = subprocess.Popen(
        [m.programs.shmrpc, "bench", "echo_serv", "add", "1", "2",
         "--seconds=60s", "--threads=2", "--json"], env=m.env,
        stdout=subprocess.PIPE, text=True)
    said = m.call("scale", "Echo", "3", "4")
    assert (said["min_workers"], said["max_workers"]) == (3, 4), said
    await_that("three workers", lambda: workers_of(m, "Echo") >= 3)
    m.call("scale", "Echo", "1", "1")
    await_that("one worker again", lambda: workers_of(m, "Echo") == 1)
    assert m.status("Echo")["pid"] == pid
    assert load.poll() is None, load.stdout.read()  # no call has failed
    load.kill()
    load.communicate()
    # A restarted service has the same number of workers.
    m.call("scale", "Echo", "2", "2")
    m.call("restart", "Echo")
    await_that("two workers", lambda: workers_of(m, "Echo") == 2)
    fails(1, "is served by threads", m.call, "scale",
          "Threads", "1", "2")
    fails(1, "the minimum of 3 workers is above the maximum of 2", m.call, "scale", "Echo",
          "3", "2")
    # The number of workers stays until the file changes.
    m.write(m.body("Echo", exec=m.programs.echo, max_proc_num=3,
                   min_proc_num=3))
    m.call("reload")
    await_that("as the file says", lambda: m.status("Echo")["state"] ==
               "RUNNING" and workers_of(m, "Echo") == 3)
    assert m.status("Echo")["min_workers"] == 3


def test_the_page(m):
    m.start(m.section("A", "ready"))

    def try_port():  # another process may take the port first
        m.write(m.section("A", "ready"),
                m.body("web monitor", host="127.0.0.1", port=free_port(),
                       password_file=m.path("token"), read_only="yes"))
        m.call("reload")
        await_that("it has a state", lambda: m.status("shmrpc-web")[
            "state"] in ("RUNNING", "BACKOFF"))
        return m.status("shmrpc-web")["addresses"]

    where = await_that("the page is there", try_port)[0]
    assert where.startswith("http://127.0.0.1:"), where
    assert os.path.exists(m.path("token"))
    with urllib.request.urlopen(where + "/healthz") as answer:
        assert answer.status == 200
    m.write(m.section("A", "ready"))
    assert m.call("reload")["removed"] == ["shmrpc-web"]
    m.write(m.section("A", "ready"), m.body("web monitor", port=0))
    assert m.call("reload")["added"] == []


def test_the_first_process_of_a_container(m):
    """The manager is process 1 of a pid namespace, and its clients are
    outside."""
    probe = subprocess.run(["unshare", "-pf", "true"], check=False,
                           capture_output=True)
    if probe.returncode != 0:
        print("SKIPPED: pid namespaces are not available here")
        return
    m.write(m.body("Echo", exec=m.programs.echo, max_proc_num=2),
            m.section("A", f"orphan={m.path('child')}", "ready"))
    with open(m.err, "a", encoding="utf-8") as err:
        m.process = subprocess.Popen(
            ["unshare", "-pf", "--mount-proc", "--kill-child",
             m.programs.shmrpcd, "service.ini"], cwd=m.folder, env=m.env,
            stdin=subprocess.DEVNULL, stderr=err)
    await_that("it is ready", lambda: "shmrpcd: ready" in read(m.err))
    assert m.call("info")["pid"] == 1
    assert m.run("call", "echo_serv", "add", "1", "2") == "3\n"
    before = len(m.marked())
    # Orphans are reaped, and services that die are restarted.
    its = [pid for pid in m.marked()
           if b"orphan" in open(f"/proc/{pid}/cmdline", "rb").read()]
    assert len(its) == 2
    for pid in its:
        with contextlib.suppress(ProcessLookupError):  # ended with the other
            os.kill(pid, signal.SIGKILL)
    await_that("it runs again", lambda: m.status("A")["state"] == "RUNNING" and
               m.status("A")["restarts"] >= 1)
    await_that("as many as before", lambda: len(m.marked()) == before)
    for child in m.marked():
        assert is_alive(child)


# ---- how services end -----------------------------------------------------

def test_a_killed_service_is_started_again(m):
    m.start(m.body("Echo", exec=m.programs.echo, max_proc_num=2))
    first = m.status("Echo")
    os.kill(first["pid"], signal.SIGKILL)
    second = await_that("another one runs", lambda: (
        lambda s: s if s["state"] == "RUNNING" and s["pid"] != first["pid"]
        else None)(m.status("Echo")))
    assert second["restarts"] == 1
    assert second["last_end"] == "signal 9 (Killed)"
    assert m.run("call", "echo_serv", "add", "1", "2") == "3\n"
    assert any("signal 9 (Killed)" in text for text in m.texts("Echo"))


def test_a_crash_is_told_from_an_end(m):
    m.start(m.section("Crash", "kill=9", wait_until_completed="false"),
            m.section("End", "exit=1", wait_until_completed="false"),
            until="managing")
    m.await_state("End", "BACKOFF")
    assert "signal 9" in m.await_state("Crash", "CRASHED")["last_end"]
    # Meanwhile each one is restarted repeatedly.
    await_that("ps says so", lambda: re.search(
        "^Crash +(crashed|degraded) .*^End +(backoff|degraded) ",
        m.run("ps"), re.DOTALL | re.MULTILINE))


def test_a_crash_loop_shows_and_disturbs_nobody(m):
    m.start(m.section("Bad", "lines=1", "exit=3",
                      wait_until_completed="false"),
            m.section("Good", "ready"), until="managing")
    bad = await_that("it is degraded", lambda: (
        lambda s: s if s["degraded"] else None)(m.status("Bad")))
    assert bad["last_end"] == "status 3" and bad["restarts"] >= 10
    assert m.status("Good")["state"] == "RUNNING"
    fails(1, "NotReady: `Bad` has ended: status 3", m.call, "start", "Bad")
    assert m.call("stop", "Bad")["state"] == "STOPPED"
    assert m.call("stop", "Bad")["state"] == "STOPPED"


def test_what_can_not_be_started_says_so(m):
    m.start(m.body("A", exec=m.path("nothing")),
            until="ready, but not all")
    fails(1, "can't be started", m.call, "restart", "A")
    assert m.status("A")["state"] == "BACKOFF"


def test_the_last_words_are_kept(m):
    m.start(m.section("A", "ready", f"wait={m.path('gate')}",
                      "err=no newline", "kill=6"))
    open(m.path("gate"), "w", encoding="utf-8").close()
    await_that("it has died", lambda: m.status("A")["restarts"] > 0)
    await_that("its last words", lambda: "no newline" in m.texts("A"))
    assert "signal 6 (Aborted)" in m.status("A")["last_end"]


def test_a_restart_leaves_no_gap(m):
    m.start(m.body("Echo", exec=m.programs.echo, max_proc_num=2))
    load = subprocess.Popen(
        [m.programs.shmrpc, "bench", "echo_serv", "add", "1", "2",
         "--seconds=60s", "--threads=2", "--json"], env=m.env,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for _ in range(3):
        before = m.status("Echo")
        after = m.call("restart", "Echo")
        assert after["pid"] != before["pid"]
        assert after["since_unix_ms"] == before["since_unix_ms"]
        assert after["restarts"] == 0 and after["state"] == "RUNNING"
        assert after["addresses"] == ["shm://echo_serv"]
        await_that("the old one has gone",
                   lambda pid=before["pid"]: not is_alive(pid))
    assert load.poll() is None, load.stdout.read()  # no call has failed
    load.kill()
    load.communicate()
    # The new keys concern neither its address nor its program, so a new server
    # takes over.
    pid = m.status("Echo")["pid"]
    m.write(m.body("Echo", exec=m.programs.echo, max_proc_num=2,
                   hang_kill_secs=20))
    m.call("reload")
    await_that("it has taken over", lambda: m.status("Echo")["pid"] != pid)
    assert m.status("Echo")["since_unix_ms"] == after["since_unix_ms"]
    pid = m.status("Echo")["pid"]
    assert m.call("stop", "Echo")["state"] == "STOPPED"
    assert not is_alive(pid)


def test_what_can_not_take_over_starts_anew(m):
    program = m.path("server")
    os.symlink(m.programs.echo, program)
    m.start(m.body("Echo", exec=program, max_proc_num=1))
    pid = m.status("Echo")["pid"]
    # At another address there is nothing to take over.
    m.write(m.body("Echo", exec=program, max_proc_num=1, listen="shm://@two"))
    assert m.call("reload")["changed"] == ["Echo"]
    await_that("it is at its new place", lambda: m.status("Echo")[
        "addresses"] == ["shm://echo_serv@two"])
    assert not is_alive(pid)
    assert m.run("call", "echo_serv@two", "add", "1", "2") == "3\n"
    # A new version doesn't start, so the old one continues.
    pid = m.status("Echo")["pid"]
    os.unlink(program)
    os.symlink("/bin/false", program)
    fails(1, "the old `Echo` goes on, because the new one has ended: status 1",
          m.call, "restart", "Echo")
    assert m.status("Echo")["pid"] == pid
    assert m.run("call", "echo_serv@two", "add", "1", "2") == "3\n"
    # With a program that starts again, the restart succeeds.
    os.unlink(program)
    os.symlink(m.programs.echo, program)
    assert m.call("restart", "Echo")["pid"] != pid


def test_one_dies_while_another_takes_over(m):
    m.start(m.body("Echo", exec=m.programs.echo, max_proc_num=1))
    for _ in range(5):
        pid = m.status("Echo")["pid"]
        starting = subprocess.Popen(
            [m.programs.shmrpc, "restart", "Echo"], env=m.env,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.kill(pid, signal.SIGKILL)
        starting.wait(harness.PATIENCE)
        await_that("another one runs", lambda pid=pid: (
            lambda s: s["state"] == "RUNNING" and s["pid"] != pid)(
                m.status("Echo")))
        assert m.run("call", "echo_serv", "add", "1", "2") == "3\n"


def test_the_stop_ladder(m):
    keys = {"stop_int_secs": "0.2", "stop_term_secs": "0.2"}
    m.start(m.section("Polite", "ready"),
            m.section("Deaf", "ignore", "ready", **keys),
            m.section("Stubborn", "stubborn", f"child={m.path('child')}",
                      "ready", **keys),
            m.section("Term", "ready", stop_int_secs="0"),
            m.section("Kill", "ready", stop_int_secs="0",
                      stop_term_secs="0"))
    child = pid_in(m.path("child"))
    ends = {name: m.call("stop", name)["last_end"]
            for name in ("Polite", "Deaf", "Stubborn", "Term", "Kill")}
    assert ends == {"Polite": "signal 2 (Interrupt)",
                    "Deaf": "signal 15 (Terminated)",
                    "Stubborn": "signal 9 (Killed)",
                    "Term": "signal 15 (Terminated)",
                    "Kill": "signal 9 (Killed)"}, ends
    assert not is_alive(child)


def test_what_a_service_leaves_behind_ends_with_it(m):
    m.start(m.section("A", f"child={m.path('child')}", "ready",
                      stop_int_secs="0.2", stop_term_secs="0.2"))
    child = pid_in(m.path("child"))
    assert m.call("stop", "A")["last_end"] == "signal 2 (Interrupt)"
    assert not is_alive(child)


def test_all_end_in_reverse_order(m):
    m.start(m.section("A", "ready"), m.section("B", "ready", after="A"),
            m.section("C", "ready", after="B"))
    assert m.stop() == 0
    ends = [line.split()[1] for line in read(m.err).splitlines()
            if "has ended" in line]
    assert ends == ["C:", "B:", "A:"], ends
    m.await_nobody()


def test_a_second_signal_kills(m):
    m.start(m.section("A", "stubborn", "ready", stop_int_secs="600",
                      stop_term_secs="600"))
    m.process.send_signal(signal.SIGTERM)
    await_that("it is stopping", lambda: "A: is stopped" in read(m.err))
    assert m.stop() == 0
    m.await_nobody()


def test_a_start_can_be_given_up(m):
    m.start(m.section("A", f"wait={m.path('gate')}", "ready"),
            until="managing")
    m.await_state("A", "STARTING")
    fails(4, "DEADLINE", m.run, "call", "shmrpcd", "start", "A",
          "--deadline=300ms")
    assert m.call("stop", "A")["state"] == "STOPPED"
    open(m.path("gate"), "w", encoding="utf-8").close()
    assert m.call("start", "A")["state"] == "RUNNING"


# ---- the manager's own death ----------------------------------------------

def test_nothing_outlives_a_killed_manager(m):
    """Repeated SHMRPC_TEST_CYCLES times (20). A manager's shared memory has no
    name, and disappears with the last process that maps it. So only
    processes and files could be left."""
    sections = (m.body("Echo", exec=m.programs.echo, max_proc_num=2),
                m.section("A", f"orphan={m.path('child')}", "ready"))
    folder = None
    for cycle in range(int(os.environ.get("SHMRPC_TEST_CYCLES", "20"))):
        m.start(*sections, until="ready" if cycle % 4 == 0 else "managing")
        if cycle % 4 == 0:
            assert m.run("call", "echo_serv", "add", "1", "2") == "3\n"
            names = sorted(os.listdir(m.run_dir))
            assert folder in (None, names), (folder, names)
            folder = names
            # Echo, its zygote and its worker; A and its child.
            await_that("those of this one only", lambda: len(m.marked()) == 5)
        m.kill()
    m.start(*sections)
    for pid in m.marked():  # all belong to this manager
        assert int(read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()[3]) in (
            m.status("Echo")["pid"], m.status("A")["pid"]) or await_that(
                "a leftover ends", lambda pid=pid: not is_alive(pid))
    assert m.stop() == 0
    m.await_nobody()


def test_services_die_with_the_manager(m):
    m.start(m.body("Echo", exec=m.programs.echo, max_proc_num=2),
            m.section("A", "stubborn", "ready"))
    assert len(m.marked()) >= 4
    m.kill()
    await_that("nothing is left", lambda: not m.marked())


def test_clients_outlive_a_killed_manager(m):
    sections = (m.body("Echo", exec=m.programs.echo, max_proc_num=2),)
    m.start(*sections)
    with subprocess.Popen([m.programs.client], env=m.env, text=True,
                          stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as client:
        for _ in range(3):
            await_that("it is served", lambda: client.stdout.readline() == "OK\n")
            m.kill()
            assert client.stdout.readline() not in ("OK\n", "")
            m.start(*sections)
            session = m.status("Echo")["pid"]
            await_that("none of the former manager's", lambda s=session: all(
                os.getsid(p) == s for p in m.marked()))
        await_that("it is served", lambda: client.stdout.readline() == "OK\n")
        client.stdin.close()
        assert client.wait(harness.PATIENCE) == 0


def test_orphans_are_reaped(m):
    m.start(m.section("A", f"child={m.path('child')}", "ready"))
    child = pid_in(m.path("child"))
    os.kill(m.status("A")["pid"], signal.SIGKILL)
    os.kill(child, signal.SIGKILL)
    await_that("it is reaped",
               lambda: not os.path.exists(f"/proc/{child}/stat"))


def test_services_do_not_keep_the_place(m):
    """A running service has none of the manager's descriptors."""
    m.start(m.section("A", "ready"))
    links = [os.readlink(f"/proc/{m.status('A')['pid']}/fd/{fd}")
             for fd in os.listdir(f"/proc/{m.status('A')['pid']}/fd")]
    # Input, output, errors, and the control descriptor.
    assert len(links) == 4 and links[0] == "/dev/null", links


# ---- reload ---------------------------------------------------------------

def test_reload_applies_what_has_changed(m):
    same = m.section("Same", "ready")
    m.start(same, m.section("Gone", "ready"), m.section("Other", "ready"))
    pids = {s["name"]: s["pid"] for s in m.call("list")}
    m.write(m.section("New", "ready"),
            m.section("Other", "env=SHMRPC_OPTIONS", "ready"), same)
    assert m.call("reload") == {"added": ["New"], "removed": ["Gone"],
                                "changed": ["Other"]}
    await_that("the new state", lambda: [
        (s["name"], s["state"]) for s in m.call("list")] == [
            ("New", "RUNNING"), ("Other", "RUNNING"), ("Same", "RUNNING")])
    assert m.status("Same")["pid"] == pids["Same"]
    assert m.status("Other")["pid"] != pids["Other"]
    assert not is_alive(pids["Gone"])
    assert m.call("reload") == {"added": [], "removed": [], "changed": []}
    # A key that does not affect the process.
    m.write(m.section("New", "ready", log_dir=m.path("logs")),
            m.section("Other", "env=SHMRPC_OPTIONS", "ready"), same)
    pid = m.status("New")["pid"]
    assert m.call("reload")["changed"] == []
    assert m.status("New")["pid"] == pid


def test_a_broken_file_changes_nothing(m):
    m.start(m.section("A", "ready"))
    pid = m.status("A")["pid"]
    m.write("[A]\nexec = a\nprot = 5\n")
    fails(1, "unknown key `prot`", m.call, "reload")
    m.process.send_signal(signal.SIGHUP)
    await_that("it says so", lambda: "nothing has changed" in read(m.err))
    assert m.status("A")["pid"] == pid


def test_sighup_reloads(m):
    m.start(m.section("A", "ready"))
    m.write(m.section("A", "ready"), m.section("B", "ready"))
    m.process.send_signal(signal.SIGHUP)
    await_that("B runs", lambda: "B" in [
        s["name"] for s in m.call("list") if s["state"] == "RUNNING"])


def test_systemd_is_told(m):
    path = m.path("systemd")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.settimeout(harness.PATIENCE)
        ear.bind(path)
        m.write(m.section("A", "env=NOTIFY_SOCKET", "ready"))
        m.spawn("service.ini", env=dict(m.env, NOTIFY_SOCKET=path))
        assert ear.recv(4096) == b"READY=1"
        assert path not in m.texts("A")  # the service connects to us
        m.process.send_signal(signal.SIGHUP)
        assert ear.recv(4096).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
        assert ear.recv(4096) == b"READY=1"
        assert m.stop() == 0
        assert ear.recv(4096) == b"STOPPING=1"


def listen_at(path, kind=socket.SOCK_SEQPACKET, backlog=16):
    sock = socket.socket(socket.AF_UNIX, kind)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    sock.bind(path)
    if backlog:
        sock.listen(backlog)
    return sock


def start_call(m, *words):
    return subprocess.Popen(
        [m.programs.shmrpc, "call", *words, "--deadline=80s"], env=m.env,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_systemd_listens_for_the_manager(m):
    path = os.path.join(m.run_dir, "shmrpcd.5154.sock")
    m.write(m.section("A", "env=LISTEN_FDS", "env=LISTEN_PID",
                      "env=LISTEN_FDNAMES", "ready"))
    with listen_at(path) as sock:
        os.chmod(path, 0o640)
        before = os.stat(path)
        for _ in range(2):  # earlier clients wait for it
            early = start_call(m, "shmrpcd", "info")
            m.spawn_with(sock, m.programs.shmrpcd, "service.ini")
            said, _ = early.communicate(timeout=harness.PATIENCE)
            assert json.loads(said)["pid"] == m.process.pid, said
            m.await_state("A", "RUNNING")
            m.kill()
        m.spawn_with(sock, m.programs.shmrpcd, "service.ini")
        m.await_state("A", "RUNNING")
        await_that("A has printed", lambda: m.texts("A").count(
            "(not set)") == 3)
        assert m.stop() == 0
        after = os.stat(path)
        assert (after.st_ino, after.st_mode) == (before.st_ino,
                                                 before.st_mode)


def test_systemd_listens_for_a_server(m):
    path = os.path.join(m.run_dir, "echo_serv.5555.sock")
    for option in ("--workers=1", "--workers=0"):
        with listen_at(path) as sock:
            before = os.stat(path)
            early = start_call(m, "echo_serv", "add", "1", "2")
            server = m.spawn_with(sock, m.programs.echo, option)
            said, _ = early.communicate(timeout=harness.PATIENCE)
            assert said == "3\n", said
            if option != "--workers=0":  # an heir gets the socket, too
                heir = subprocess.Popen(
                    [m.programs.echo, option, "--take-over"], env=m.env,
                    stdout=subprocess.DEVNULL)
                assert server.wait(harness.PATIENCE) == 0
                m.process = heir
                assert m.run("call", "echo_serv", "add", "1", "2") == "3\n"
            assert m.stop() == 0
            assert os.stat(path).st_ino == before.st_ino


def test_what_systemd_passes_is_looked_at(m):
    path = os.path.join(m.run_dir, "shmrpcd.5154.sock")
    m.write(m.section("A", "ready"))

    def refused(text, sock, *command, **variables):
        before = len(read(m.err))
        process = m.spawn_with(
            sock, *(command or (m.programs.shmrpcd, "service.ini")),
            **variables)
        assert process.wait(harness.PATIENCE) == (1 if command else 3)
        assert text in read(m.err)[before:], (text, read(m.err)[before:])

    with listen_at(path) as sock:
        refused("LISTEN_PID=x is not a process id", sock, LISTEN_PID="x")
        refused("LISTEN_FDS=17 is not a number of 0 to 16", sock,
                LISTEN_FDS="17")
        refused("LISTEN_FDS=1x is not", sock, LISTEN_FDS="1x")
        refused("LISTEN_FDS=-1 is not", sock, LISTEN_FDS="-1")
        refused("LISTEN_FDNAMES=a:b are not 1 names", sock,
                LISTEN_FDNAMES="a:b")
        refused("descriptor 4 is not open", sock, LISTEN_FDS="3",
                LISTEN_FDNAMES=None)
    wrong = "descriptor 3 is not a socket of the kind ListenSequentialPacket="
    with listen_at(path, socket.SOCK_STREAM) as sock:
        refused(wrong, sock)
    with listen_at(path, backlog=0) as sock:
        refused(wrong, sock)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        refused(wrong, sock)
    with open("/dev/null", "rb") as file:
        refused(wrong, file)
    elsewhere = m.path("shmrpcd.5154.sock")
    with listen_at(elsewhere) as sock:
        refused(f"{elsewhere[:64]} was passed, which is not", sock)
        for option in ("--workers=1", "--workers=0"):
            refused("was passed, which is not that of", sock,
                    m.programs.echo, option)
        # The socket is meant for another process, so it is ignored.
        m.spawn_with(sock, m.programs.shmrpcd, "service.ini", LISTEN_PID="1")
        await_that("it runs", lambda: "shmrpcd: ready" in read(m.err))
        assert m.stop() == 0
    m.await_nobody()


if __name__ == "__main__":
    harness.main(globals())
