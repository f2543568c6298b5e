#!/usr/bin/env python3
"""start_test.py SHMRPCD SHMRPC PROGRAM ECHO PRIMES LIBRARY WEB TCP [TEST...]:
the order in which the manager starts services, and their options."""

import os
import subprocess

import harness
from harness import await_that, fails, free_port, pid_in, read


# ---- starting -------------------------------------------------------------

def test_those_behind_one_can_wait_for_it(m):
    gate = m.path("gate")
    m.start(m.section("A", "touch=a", f"wait={gate}", "ready",
                      wait_until_completed="true"),
            m.section("B", "touch=b", "ready"), until="managing")
    pid_in(m.path("a"))
    m.await_state("A", "STARTING")
    assert m.status("B")["state"] == "WAITING"
    assert not os.path.exists(m.path("b"))
    open(gate, "w", encoding="utf-8").close()
    m.await_state("B", "RUNNING")
    assert m.status("A")["state"] == "RUNNING"
    assert [s["name"] for s in m.call("list")] == ["A", "B"]
    assert m.stop() == 0


def test_not_waiting_and_after(m):
    gate = m.path("gate")
    m.start(m.section("C", "touch=c", "ready", after="A",
                      wait_until_completed="false"),
            m.section("A", f"wait={gate}", "ready",
                      wait_until_completed="false"),
            m.section("B", "ready"), until="managing")
    m.await_state("B", "RUNNING")
    assert m.status("A")["state"] == "STARTING"
    assert m.status("C")["state"] == "WAITING"
    assert not os.path.exists(m.path("c"))
    open(gate, "w", encoding="utf-8").close()
    m.await_state("C", "RUNNING")


def test_one_that_never_says_ready_keeps_nobody_waiting(m):
    m.start(m.section("Silent"), m.section("Late", "ready", after="Silent"),
            m.section("B", "ready"),
            m.body("web monitor", port=free_port()), until="managing")
    m.await_state("B", "RUNNING")
    m.await_state("shmrpc-web", "RUNNING")
    assert m.status("Silent")["state"] == "STARTING"
    assert m.status("Late")["state"] == "WAITING"


def test_the_page_waits_for_nobody(m):
    m.start(m.section("Silent", wait_until_completed="true"),
            m.section("B", "ready"),
            m.body("web monitor", port=free_port()), until="managing")
    m.await_state("shmrpc-web", "RUNNING")
    assert m.status("B")["state"] == "WAITING"


def test_a_plain_program_runs_as_soon_as_it_is_started(m):
    m.start(m.section("Plain", ready="started", start_timeout="100ms"),
            m.section("After", "ready", after="Plain"))
    pid = m.status("Plain")["pid"]
    assert m.status("After")["state"] == "RUNNING"
    # `start_timeout` does not apply to Plain: it still runs when the longer
    # timeout of Never has expired.
    m.write(m.section("Plain", ready="started", start_timeout="100ms"),
            m.section("Never", start_timeout="200ms"))
    m.run("reload")
    await_that("the other is late", lambda: m.status("Never")["restarts"])
    assert m.status("Plain")["pid"] == pid
    assert m.status("Plain")["trouble"] == ""


def test_one_that_is_not_ready_in_time_is_ended(m):
    m.start(m.section("Never", start_timeout="300ms"),
            m.section("B", "ready"), until="ready, but not all")
    never = await_that("it is late", lambda: (
        lambda s: s if s["restarts"] else None)(m.status("Never")))
    assert never["last_end"] == "not ready within 0.3 s (start_timeout)"
    text = "\n".join(m.texts("Never"))
    assert "has not reported within 0.3 s that it is ready" in text, text
    assert "`ready = started`" in text
    fails(1, "not ready within 0.3 s (start_timeout)", m.call, "restart",
          "Never")


def test_some_services_with_what_they_come_after(m):
    m.start(m.section("A", "ready"), m.section("B", "ready", after="A"),
            m.section("C", "ready", after="B"), m.section("D", "ready"),
            names=["B"])
    states = {s["name"]: s["state"] for s in m.call("list")}
    assert states == {"A": "RUNNING", "B": "RUNNING", "C": "STOPPED",
                      "D": "STOPPED"}, states
    assert m.call("start", "C")["state"] == "RUNNING"
    m.stop()
    assert m.spawn("service.ini", "E").wait() == 2
    assert "no service `E`" in read(m.err)


def test_servers_can_be_called(m):
    m.start(m.body("Echo", exec=m.programs.echo, max_proc_num=1),
            m.body("Primes", exec=m.programs.primes + " --listen=shm://@two",
                   listen="shm://@one"))
    assert m.status("Echo")["addresses"] == ["shm://echo_serv"]
    # Options on the program's own command line take precedence.
    assert m.status("Primes")["addresses"] == ["shm://primes@two"]
    assert m.run("call", "echo_serv", "add", "1", "2") == "3\n"
    assert m.run("call", "primes@two", "count", "0", "10") == "4\n"
    assert m.stop() == 0
    m.await_nobody()


def test_a_library_is_a_service(m):
    m.start(m.body("Echo", import_from=m.programs.library, max_proc_num=2))
    assert m.run("call", "echo_serv", "add", "1", "2") == "3\n"
    assert m.status("Echo")["command"] == m.programs.library
    m.stop()
    m.write(m.body("Echo", import_from="none.so"))
    m.start(until="ready, but not all")
    await_that("it says why", lambda: any(
        "none.so" in text for text in m.texts("Echo")))


def test_one_manager_in_a_folder(m):
    m.start(m.section("A", "ready"))
    other = subprocess.run([m.programs.shmrpcd, "service.ini"], cwd=m.folder,
                           env=m.env, capture_output=True, text=True,
                           timeout=harness.PATIENCE, check=False)
    assert other.returncode == 3
    assert "another manager runs here already" in other.stderr
    first = m.process
    m.start(arguments=["--instance=two"])
    pids = {m.status("A")["pid"],
            int(__import__("json").loads(
                m.run("call", "shmrpcd@two", "status", "A"))["pid"])}
    assert len(pids) == 2 and 0 not in pids
    assert m.stop() == 0
    m.process = first
    assert m.status("A")["state"] == "RUNNING"


def test_bad_command_lines_and_files(m):
    m.write("[A]\nexec = a\nprot = 5\n")
    assert m.spawn("service.ini").wait() == 1
    assert "unknown key `prot`" in read(m.err)
    m.write(m.body("A" * 60, exec="a", tcp_bind="127.0.0.1"))
    assert m.spawn("service.ini").wait() == 1
    assert "too long for one with `tcp_bind`" in read(m.err)
    assert m.spawn("none.ini").wait() == 1
    assert m.spawn("--frob").wait() == 2
    assert m.spawn().wait() == 2


# ---- keys -----------------------------------------------------------------

def test_keys_become_options(m):
    """Keys become options of servers, and have their effect."""
    usual = ["--threads=1", "--stop-after=10"]
    cpus = len(os.sched_getaffinity(0))
    cases = (
        ({}, [f"--workers=1..{min(cpus, 64)}"] + usual),
        ({"min_proc_num": 2, "max_proc_num": 3},
         ["--workers=2..3"] + usual),
        ({"max_proc_num": 3, "threads": 2},
         ["--workers=1..3", "--threads=2", "--stop-after=10"]),
        ({"max_proc_num": 1, "new_proc_cpu_pc": "33.5",
          "new_proc_avg_over_secs": "20", "new_proc_queue_delay": "2ms",
          "kill_proc_avg_over_secs": "240"},
         ["--workers=1..1", "--threads=1", "--new-proc-cpu-pc=33.500",
          "--new-proc-avg-over-secs=20000000us",
          "--new-proc-queue-delay=2000us",
          "--kill-proc-avg-over-secs=240000000us", "--stop-after=10"]),
        ({"max_proc_num": 1, "max_proc_mem_bytes": "1G",
          "max_proc_calls": 1000},
         ["--workers=1..1", "--threads=1",
          "--max-proc-mem-bytes=1073741824", "--max-proc-calls=1000",
          "--stop-after=10"]),
        ({"listen": "shm://@a, shm://@b", "max_proc_num": 1},
         ["--listen=shm://@a,shm://@b", "--workers=1..1"] + usual),
        ({"allowed_users": "root, 61001", "allowed_groups": "61002",
          "max_connections_per_user": 5, "max_bytes_per_user": "5M",
          "max_proc_num": 1},
         ["--workers=1..1", "--threads=1", "--allowed-users=root,61001",
          "--allowed-groups=61002", "--max-connections-per-user=5",
          "--max-bytes-per-user=5242880", "--stop-after=10"]),
        # Options of TCP go to the gateway.
        ({"tcp_bind": "127.0.0.1:0", "tcp_compression": "zlib",
          "tcp_allow_insecure_serialisation": "yes", "max_proc_num": 4},
         ["--workers=1..4"] + usual),
        ({"bind_tcp": "127.0.0.1:0", "listen": "unix:///tmp/x",
          "tcp_compression": "zlib",
          "tcp_allow_insecure_serialisation": "yes"},
         ["--listen=unix:///tmp/x,tcp://127.0.0.1:0", "--workers=0",
          "--threads=1", "--tcp-compression=zlib",
          "--force-insecure-serialisation", "--stop-after=10"]),
        ({"profile": "power", "max_message_bytes": "1M", "threads": 64,
          "hang_kill_secs": "1500ms", "max_streams": 3,
          "stream_stall": "250ms", "stream_drain": "2s",
          "max_stream_age": "1h", "client_calls": 7, "client_rate": 1000,
          "shed_after": "20ms", "stop_int_secs": "1",
          "stop_term_secs": "1500ms"},
         ["--workers=1..1", "--threads=64", "--max-message=1048576",
          "--hang-kill=2", "--max-streams=3", "--stream-stall=250000us",
          "--max-stream-age=3600000000us", "--stream-drain=2", "--client-calls=7", "--client-rate=1000", "--shed-after=20000us",
          "--profile=power", "--stop-after=3"]))
    m.start(*[m.section(f"S{i}", "env=SHMRPC_OPTIONS", "ready", **keys)
              for i, (keys, _) in enumerate(cases)])
    for i, (keys, wanted) in enumerate(cases):
        # In the order in which the program prints them, up to the last one.
        got = await_that("it has printed them", lambda i=i: (
            lambda texts: [text for text in texts if text.startswith("--")]
            if any(text.startswith("--stop-after") for text in texts)
            else None)(m.texts(f"S{i}")))
        assert got == wanted, (keys, got, wanted)
        taken = subprocess.run(
            [m.programs.echo, "--describe"], capture_output=True, text=True,
            env=dict(m.env, SHMRPC_OPTIONS="\n".join(got)),
            timeout=harness.PATIENCE, check=False)
        assert taken.returncode == 0, taken.stderr


def test_workers_are_as_many_as_the_keys_say(m):
    m.start(m.body("Echo", exec=m.programs.echo, min_proc_num=3,
                   max_proc_num=3))
    pid = m.status("Echo")["pid"]
    # The supervisor, the zygote, and three workers.
    await_that("three workers", lambda: len(
        [p for p in m.marked() if os.getsid(p) == pid]) == 5)


if __name__ == "__main__":
    harness.main(globals())
