#!/usr/bin/env python3
"""logs_test.py SHMRPCD SHMRPC PROGRAM ECHO PRIMES LIBRARY WEB [TEST...]: the
output of services, in memory and on disk."""

import fcntl
import json
import os
import signal
import sys
import termios
import time

import harness
from harness import await_that, pid_in, read

MIB = 1 << 20


def records(path):
    return [json.loads(line) for line in read(path).splitlines()]


def lines_of(m, name, *words):
    return m.call("logs", name, *words)["lines"]


def test_both_streams_are_kept(m):
    m.start(m.section("A", "out=hello", f"touch={m.path('half')}",
                      f"wait={m.path('gate')}", "err=error: bad", "ready"),
            until="managing")
    pid_in(m.path("half"))
    # The line has no newline, and the program is still running.
    await_that("half a line", lambda: "hello" in m.texts("A"))
    open(m.path("gate"), "w", encoding="utf-8").close()
    bad = await_that("the other", lambda: [
        line for line in lines_of(m, "A") if line["text"] == "error: bad"])
    assert bad[0]["origin"] == "STDERR" and bad[0]["level"] == "ERROR"
    hello = [line for line in lines_of(m, "A") if line["text"] == "hello"][0]
    assert hello["origin"] == "STDOUT" and hello["level"] == "INFO"
    assert not hello["truncated"]


def test_programs_log_with_levels(m):
    """Lines of shmrpc_log keep their level."""
    levels = {10: "DEBUG", 20: "INFO", 25: "NOTICE", 29: "INFO",
              30: "WARNING", 40: "ERROR", 49: "ERROR", 50: "CRITICAL",
              39: "WARNING", 99: "CRITICAL"}
    words = [f"log={number}:error: no mark" for number in levels]
    m.start(m.section("A", *words, "log=50", "log=20:" + "x" * 5000,
                      "cry=<3>by hand", "log=0:no mark",
                      "log=0:warning: guessed", "ready"))
    lines = await_that("all of it", lambda: (lambda found: found if
        len(found) == 15 else None)([line for line in lines_of(m, "A")
                                    if line["origin"] == "STDERR"]))
    assert [line["level"] for line in lines] == list(levels.values()) + [
        "CRITICAL", "INFO", "ERROR", "INFO", "WARNING"], lines
    assert [line["text"] for line in lines] == 10 * ["error: no mark"] + [
        "two lines", "x" * 4000, "by hand", "no mark", "warning: guessed"], lines


def test_nothing_moves_a_terminal(m):
    evil = "\x1b[2J<b>&\u202e\u0085"
    m.start(m.section("A", "out=" + evil, "ready"))
    await_that("it is there", lambda: any(
        r"\x1b[2J<b>&\xe2\x80\xae\xc2\x85" == text for text in m.texts("A")))


def test_a_line_without_end_is_bounded(m):
    size = 1024 * MIB if harness.LONG else 64 * MIB
    m.start(m.section("A", f"line={size}", "lines=1", "ready",
                      log_dir=m.path("logs")))
    await_that("the end", lambda: "line 0" in m.texts("A"))
    cut = [line for line in lines_of(m, "A") if line["truncated"]]
    assert len(cut) == 1 and cut[0]["text"] == "x" * 16384
    status = read(f"/proc/{m.process.pid}/status")
    peak = [int(line.split()[1]) for line in status.splitlines()
            if line.startswith("VmHWM")][0]
    # A sanitizer uses more. Storing all lines would take at least 65536.
    assert harness.SANITIZED or peak < 40000, peak
    assert [r for r in records(m.path("logs/A.log")) if "truncated" in r]


def test_half_a_line_waits_for_its_rest_when_the_manager_is_late(m):
    """The manager is stopped after it has read half a line, and the timeout for
    incomplete lines expires before it reads the rest."""
    words = []
    for i in range(20):
        words += [f"wait={m.path(f'a{i}')}", "out=half", f"touch={m.path(f'b{i}')}",
                  f"wait={m.path(f'c{i}')}", "say= and half"]
    m.start(m.section("A", *words), until="managing")
    pid = await_that("it runs", lambda: m.status("A")["pid"])
    pipe = os.open(f"/proc/{pid}/fd/1", os.O_RDONLY | os.O_NONBLOCK)

    def unread():
        size = fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4)
        return int.from_bytes(size, sys.byteorder)

    rounds = 0
    for i in range(20):
        begin = time.monotonic()
        open(m.path(f"a{i}"), "w", encoding="utf-8").close()
        await_that("half is written", lambda i=i: read(m.path(f"b{i}")))
        await_that("half is read", lambda: not unread())
        m.process.send_signal(signal.SIGSTOP)
        await_that("it is stopped", lambda: read(
            f"/proc/{m.process.pid}/stat").rsplit(")", 1)[1].split()[0] == "T")
        in_time = time.monotonic() - begin < 0.1
        open(m.path(f"c{i}"), "w", encoding="utf-8").close()
        await_that("the rest is there", unread)
        end = time.monotonic() + 0.15  # longer than an incomplete line is kept
                                       # waiting
        await_that("it is late", lambda end=end: time.monotonic() > end)
        m.process.send_signal(signal.SIGCONT)
        texts = await_that("the rest is read", lambda i=i: (
            lambda found: found if len(found) > i else None)(
                [t for t in m.texts("A") if t.endswith(" and half")]))
        if in_time:  # otherwise the timeout may have expired
                     # before we stopped the manager
            assert texts[-1] == "half and half", (i, texts)
            rounds += 1
        if rounds == 5:
            break
    os.close(pipe)
    print(f"       {rounds} times in time")


def test_filters_and_cursors(m):
    m.start(m.section("A", "lines=3", "cry=warning: hot", "say=debug: x",
                      "ready"))
    await_that("all of it", lambda: "debug: x" in m.texts("A"))
    assert m.texts("A", "contains=line ") == ["line 0", "line 1", "line 2"]
    assert m.texts("A", "contains=line ", "limit=2") == ["line 1", "line 2"]
    assert m.texts("A", "least=WARNING") == ["warning: hot"]
    assert "debug: x" not in m.texts("A", "least=INFO")
    first = m.call("logs", "A", "cursor=0", "limit=2")
    assert first["next"] == 2 and first["skipped"] == 0
    rest = m.call("logs", "A", "cursor=2", "limit=1000")
    assert len(rest["lines"]) == rest["next"] - 2
    last = m.call("logs", "A", f"cursor={rest['next']}")
    assert last["lines"] == [] and last["next"] == rest["next"]
    # A cursor of an earlier manager, which had more lines.
    again = m.call("logs", "A", f"cursor={rest['next'] + 1000}", "limit=2")
    assert again["next"] == 2 and again["skipped"] == 0


def test_old_lines_make_room(m):
    count = 100000
    m.start(m.section("A", f"lines={count}", "say=the end", "ready"))
    await_that("the end", lambda: "the end" in m.texts("A"))
    page = m.call("logs", "A", "cursor=0", "limit=1000")
    skipped = page["skipped"]
    assert skipped > count / 2, skipped
    said = []
    of_manager = 0  # "started" and other lines, in unknown positions
    while page["lines"]:
        for line in page["lines"]:
            if line["origin"] == "STDOUT":
                said.append(line["text"])
            else:
                of_manager += 1
        end = page["next"]
        page = m.call("logs", "A", f"cursor={end}", "limit=1000")
        assert page["skipped"] == 0
    first = int(said[0].split()[1])
    assert said == [f"line {i}" for i in range(first, count)] + ["the end"]
    assert end == skipped + len(said) + of_manager
    assert 0 <= skipped - first <= end - (count + 1)


def test_lines_on_disk(m):
    m.start(m.section("A", "say=a \"quoted\" \\ tab\there",
                      "cry=error: \xfc", "ready", log_dir="logs"))
    path = m.path("logs/A.log")
    await_that("both", lambda: len(records(path)) >= 4)
    quoted = [r for r in records(path) if "quoted" in r["text"]][0]
    assert quoted["text"] == 'a "quoted" \\ tab\there', quoted
    assert quoted["service"] == "A" and quoted["level"] == "info"
    assert quoted["origin"] == "stdout"
    assert quoted["pid"] == m.status("A")["pid"]
    assert quoted["time"][10] == "T" and quoted["time"][-1] == "Z"
    assert [r for r in records(path) if r["text"] == "error: \xfc"]
    assert oct(os.stat(path).st_mode & 0o777) == "0o640"
    # A second run appends to the file.
    m.stop()
    count = len(records(path))
    m.start()
    assert len(records(path)) > count


def test_threads_and_calls_are_kept(m):
    """Thread and call of lines by shmrpc_log are kept in memory and on disk,
    and are found there."""
    m.start(m.section("A", "log=30:hot", "cry=<4;9;1f>by hand", "say=plain",
                      "ready", log_dir="logs"))
    path = m.path("logs/A.log")
    await_that("all", lambda: "plain" in read(path) and "by hand" in read(path))
    pid = m.status("A")["pid"]
    of = {r["text"]: r for r in records(path)}
    assert of["hot"]["thread"] == pid and "call" not in of["hot"], of["hot"]
    assert (of["by hand"]["thread"], of["by hand"]["call"]) == (9, "1f"), of
    assert "thread" not in of["plain"] and "call" not in of["plain"]
    for found in (m.call("search", "A")["lines"], lines_of(m, "A")):
        of = {line["text"]: (line["thread"], line["call"]) for line in found}
        assert (of["hot"], of["by hand"], of["plain"]) == (
            (pid, 0), (9, 31), (0, 0)), of


def test_one_log_has_all(m):
    """The common log has the lines of all services in order, in memory and in
    a file, each with its service."""
    m.start(m.section("A", "say=one of A", "ready"),
            m.section("B", "say=one of B", "ready", log_dir="logs", after="A",
                      log_max_bytes="65536", log_keep="2"),
            m.section("C", "lines=3000", "say=the end", "ready", after="B"))
    path = m.path("logs/shmrpcd.log")
    await_that("all", lambda: os.path.exists(path) and "the end" in read(path))
    files = [m.path(f"logs/shmrpcd.log{end}") for end in (".2", ".1", "")]
    for name in files:
        assert os.path.getsize(name) <= 65536, name
    assert not os.path.exists(m.path("logs/shmrpcd.log.3"))
    of_c = [r["text"] for name in files for r in records(name)
            if r["service"] == "C" and r["origin"] == "stdout"]
    assert of_c[-2:] == ["line 2999", "the end"], of_c[-2:]
    page = m.call("logs", "", "cursor=0", "limit=1000")
    said = [(line["section"], line["text"]) for line in page["lines"]
            if line["origin"] == "STDOUT"]
    assert said[:3] == [("A", "one of A"), ("B", "one of B"), ("C", "line 0")], said[:3]
    assert {line["section"] for line in lines_of(m, "A")} == {""}
    assert [line["section"] for line in m.call("logs", "", "contains=one of")["lines"]] == [
        "A", "B"]


def test_files_are_ended_and_few(m):
    m.start(m.section("A", "lines=20000", "say=the end", "ready",
                      log_dir="logs", log_max_bytes="65536", log_keep="2"),
            m.section("B", "lines=2000", "say=the end", "ready",
                      log_dir="logs", log_max_bytes="65536", log_keep="0"))
    for name in "AB":
        await_that("the end", lambda name=name: "the end" in m.texts(name))
        await_that("it is written", lambda name=name:
                   "the end" in read(m.path(f"logs/{name}.log")))
    files = sorted(name for name in os.listdir(m.path("logs"))
                   if ".log" in name)
    assert files == ["A.log", "A.log.1", "A.log.2", "B.log", "shmrpcd.log",
                     "shmrpcd.log.1", "shmrpcd.log.2"], files
    for name in files:
        assert os.path.getsize(m.path("logs/" + name)) <= 65536, name
    numbers = [r["text"] for name in ("A.log.2", "A.log.1", "A.log")
               for r in records(m.path("logs/" + name))
               if r["origin"] == "stdout"]
    first = int(numbers[0].split()[1])
    assert numbers == [f"line {i}" for i in range(first, 20000)] + ["the end"]


def test_old_files_are_ended(m):
    """The age counts from the creation of the file, even if an earlier manager
    created it."""
    m.start(m.section("A", "say=first", "ready", log_dir="logs",
                      log_max_age="1s"),
            m.section("B", "say=first", "ready", log_dir="logs"))
    for name in "AB":
        await_that("it is written", lambda name=name:
                   "first" in read(m.path(f"logs/{name}.log")))
    written = time.time()
    m.stop()
    await_that("a second is over", lambda: time.time() > written + 1)
    m.start()
    await_that("it has a new file", lambda: (
        "has ended" not in read(m.path("logs/A.log")) and
        "started" in read(m.path("logs/A.log"))))
    olds = "".join(read(m.path(f"logs/A.log.{i}")) for i in range(1, 6))
    assert "first" in olds and "has ended" in olds, olds
    assert not os.path.exists(m.path("logs/B.log.1"))


def test_reload_moves_the_file(m):
    m.start(m.section("A", "ready", log_dir="one"))
    m.write(m.section("A", "ready", log_dir="two"))
    m.call("reload")
    m.call("stop", "A")
    await_that("it is there", lambda: "has ended" in read(
        m.path("two/A.log")))
    assert "has ended" not in read(m.path("one/A.log"))


def test_no_links_are_followed(m):
    os.mkdir(m.path("logs"))
    os.symlink(m.path("target"), m.path("logs/A.log"))
    os.mkfifo(m.path("logs/B.log"))
    m.start(m.section("A", "say=text", "ready", log_dir="logs"),
            m.section("B", "say=text", "ready", log_dir="logs"))
    for name in "AB":
        await_that("it is in memory",
                   lambda name=name: "text" in m.texts(name))
        assert f"{name}: the log in" in read(m.err)
    assert not os.path.exists(m.path("target"))


def find(m, name, *words):
    """Returns the texts that are found on disk, oldest first."""
    found = m.call("search", name, *words)
    return [line["text"] for line in found["lines"]][::-1]


def test_logs_on_disk_are_searched(m):
    """A search reads all pieces of a file and all files, and skips invalid
    records."""
    os.mkdir(m.path("logs"))
    with open(m.path("logs/A.log"), "w", encoding="utf-8") as file:
        file.write('{"time":"no record"}\n\0\xff ' + "line " * 300000 + "\n" +
                   '{"time":"2001-09-09T01:46:40.125Z","service":"A",'
                   '"level":"critical","origin":"stderr","pid":71,'
                   '"text":"long ago","truncated":true}\n')
    m.start(m.section("A", "lines=6000", "cry=error: a \"b\" \\ tab\there",
                      "say=the end", "ready", log_dir="logs",
                      log_max_bytes="200000", log_keep="9"),
            m.section("B", "ready"))
    await_that("the end", lambda: "the end" in find(m, "A"))
    assert len([name for name in os.listdir(m.path("logs"))
                if name.startswith("A.log")]) > 2
    for number in range(0, 6000, 1999):
        assert find(m, "A", f"contains=line {number}", "limit=1000")[0] == (
            f"line {number}")
    # The newest lines come first, and no more than requested.
    found = m.call("search", "A", "contains=line 1", "limit=1000")
    wanted = [f"line {n}" for n in range(6000) if str(n).startswith("1")]
    assert [r["text"] for r in found["lines"]] == wanted[:-1001:-1]
    assert found["more"]
    old = m.call("search", "A", "contains=ong ag")["lines"]
    assert old == [{"unix_ms": 1000000000125, "level": "CRITICAL",
                    "origin": "STDERR", "pid": 71, "text": "long ago",
                    "truncated": True, "thread": 0, "call": 0}], old
    for part in ('"b"', "\\ t", "tab\there", "error: a"):
        assert find(m, "A", "contains=" + part) == [
            'error: a "b" \\ tab\there'], part
    assert find(m, "A", "contains=nowhere") == []
    assert find(m, "A", "contains=stdout") == []  # not in the text
    assert find(m, "A", "least=CRITICAL") == ["long ago"]
    assert find(m, "A", "pid=71") == ["long ago"]
    assert find(m, "A", "until_unix_ms=1000000000126") == ["long ago"]
    assert find(m, "A", "until_unix_ms=1000000000125") == []
    assert "long ago" not in find(m, "A", "from_unix_ms=1000000000126",
                                  "limit=1000")
    for name, said in (("B", "NoLog: `B` has no log_dir"),
                       ("C", "NoService")):
        try:
            m.call("search", name)
            raise AssertionError("there is nothing to search")
        except harness.CallError as error:
            assert said in str(error), error


def test_one_line_in_a_million_is_found(m):
    """In a short run it is one line in 100,000. Prints how long it takes."""
    count = 1000000 if harness.LONG else 100000
    os.mkdir(m.path("logs"))
    with open(m.path("logs/A.log"), "w", encoding="utf-8") as file:
        for number in range(count):
            file.write('{"time":"2026-01-01T00:00:00.000Z","service":"A",'
                       '"level":"info","origin":"stdout","pid":71,'
                       f'"text":"request {number} took 12 ms"}}\n')
    m.start(m.section("A", "ready", log_dir="logs", log_max_bytes="1G"))
    begin = time.monotonic()
    assert find(m, "A", "contains=request 77 took") == [
        "request 77 took 12 ms"]
    with_program = time.monotonic() - begin
    # A line that spans two of the pieces of 1 MiB is found, too.
    with open(m.path("logs/A.log"), "rb") as file:
        data = file.read()
    end = len(data)
    for _ in range(5):
        begin = data.rindex(b"\n", 0, end - MIB) + 1
        end = data.index(b"\n", begin) + 1
        text = json.loads(data[begin:end])["text"]
        assert find(m, "A", "contains=" + text) == [text], text
    own = json.loads(m.run("stats", "--json", "shmrpcd"))
    took = [one for one in own["methods"] if one["name"] == "search"][0]
    print(f"found one line of {count} in {took['service']['max_us'] / 1e3:.0f}"
          f" ms, {1e3 * with_program:.0f} ms with the program's start")


def history(m, *words):
    try:
        return m.call("history", "Echo", *words)
    except harness.CallError as error:
        assert "NoFigures" in str(error), error
        return []


def test_figures_are_kept(m):
    keys = {"exec": m.programs.echo, "max_proc_num": 1, "log_dir": "logs"}
    m.start(m.body("Echo", **keys))
    await_that("a first look", lambda: history(m, "processes"))
    assert history(m, "processes")[-1]["mean"] == 3  # with its zygote
    assert history(m, "pss_bytes")[-1]["mean"] > 100000
    worker = await_that("its worker", lambda: history(
        m, "threads", "subject=worker 0"))
    assert worker[-1]["mean"] >= 1
    # Rates need a second sample.
    for _ in range(10):
        m.run("call", "echo_serv", "add", "1", "2")
    rates = await_that("calls are counted", lambda: [
        p for p in history(m, "calls_per_s") if p["mean"] > 0])
    assert 0.5 < rates[0]["mean"] <= 20, rates
    assert history(m, "cpu")[-1]["mean"] >= 0
    series = [(s["subject"], s["figure"]) for s in m.call("figures", "Echo")]
    assert ("", "p99_us") in series and ("worker 0", "cpu") in series, series
    # There are errors by status, and events of the service.
    try:
        m.run("call", "echo_serv", "add", str(2**63 - 1), "1")
        raise AssertionError("the sum is too large")
    except harness.CallError:
        pass
    await_that("its error", lambda: [p for p in history(
        m, "errors_per_s", "subject=error DECLARED") if p["mean"] > 0])
    assert not history(m, "crashes") and not history(m, "restarts")
    os.kill(m.call("status", "Echo")["pid"], signal.SIGKILL)
    for figure in "crashes", "restarts":
        marks = await_that(figure, lambda: history(m, figure))
        assert sum(p["mean"] * p["count"] for p in marks) == 1, marks
    # The figures are still there when the manager runs again.
    count = len(history(m, "pss_bytes"))
    m.kill()
    m.start()
    await_that("more of them", lambda: len(history(m, "pss_bytes")) > count)
    assert m.stop() == 0


def test_no_figures_without_a_folder(m):
    m.start(m.section("Echo", "ready"))
    try:
        m.call("figures", "Echo")
        raise AssertionError("there should be none")
    except harness.CallError as error:
        assert "NoFigures: no figures are kept" in str(error), error


def test_echo(m):
    with open(m.path("out"), "w", encoding="utf-8") as out:
        m.write(m.section("A", "say=hello", "ready"))
        m.spawn("--echo", "service.ini", out=out)
    await_that("it is printed", lambda: "A: hello\n" in read(m.path("out")))


if __name__ == "__main__":
    harness.main(globals())
