"""streams_test.py SHMRPC PAPERS: methods with a stream from the command line:
each form, each way to end, and peers that leave early."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SHMRPC, PAPERS = sys.argv[1:3]
DEADLINE_S = 120
FAILURES = []

folder = pathlib.Path(tempfile.mkdtemp(prefix="shmrpc-streams-"))
(folder / "run").mkdir(mode=0o700)
env = dict(os.environ, SHMRPC_DIR=str(folder / "run"))
env.pop("XDG_RUNTIME_DIR", None)
# Freed memory in quarantine must not count as growth.
env["ASAN_OPTIONS"] = "quarantine_size_mb=1:" + env.get("ASAN_OPTIONS", "")


def expect(what, got, wanted):
    if got != wanted:
        line = sys._getframe(1).f_lineno
        FAILURES.append(what)
        print(f"streams_test.py:{line}: {what}\n  expected: {wanted!r}\n"
              f"  got:      {got!r}")


def wait_for(what, condition):
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    sys.exit(f"timed out waiting for: {what}")


def call(*words, stdin=b"", text=True):
    """Returns (status, standard output, standard error)."""
    done = subprocess.run([SHMRPC, "call", *words], input=stdin, env=env,
                          capture_output=True, timeout=DEADLINE_S)
    out = done.stdout.decode() if text else done.stdout
    return done.returncode, out, done.stderr.decode()


def begin(*words):
    # A background process may ignore Ctrl-C by default, so restore the signal.
    return subprocess.Popen(
        [SHMRPC, "call", *words], env=env, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


def ended():
    return json.loads(call("papers", "ended")[1])


def paper(number):
    return json.dumps({"id": number, "title": f"no {number}"},
                      separators=(",", ":")) + "\n"


def papers(count):
    return "".join(paper(i) for i in range(count))


def downloads():
    expect("all", call("papers", "list", "3"), (0, papers(3), ""))
    expect("none", call("papers", "list", "1", "--max-items=1"),
           (0, papers(1), ""))
    expect("a few of no end", call("papers", "list", "count=0",
                                   "--max-items=5"), (0, papers(5), ""))
    wait_for("the end of the handler", lambda: ended()["cancelled"] == 1)
    status, out, err = call("papers", "list", "2", "true")
    expect("torn", (status, out, "papers.list: after 2 items: "
                    "test.papers.Torn" in err, '{"at":2}' in err),
           (1, papers(2), True, True))
    status, out, _ = call("--json", "papers", "list", "1", "true")
    lines = [json.loads(line) for line in out.splitlines()]
    expect("torn as JSON", (status, lines[0], lines[1]["error"]["name"],
                            lines[1]["error"]["details"],
                            lines[1]["error"]["items"]),
           (1, {"id": 0, "title": "no 0"}, "test.papers.Torn", {"at": 1}, 1))
    expect("the end as JSON", call("--json", "papers", "list", "1"),
           (0, paper(0) + '{"end":{"items":1}}\n', ""))
    status, out, err = call("--time", "papers", "list", "2")
    expect("timed", (status, out, err.startswith("2 items in ")),
           (0, papers(2), True))
    status, _, err = call("--meta=who=me", "papers", "list", "1")
    expect("metadata", (status, err), (0, "shelf: two\n"))
    expect("too late", call("--deadline=100ms", "papers", "first")[:2],
           (4, paper(0)))


def uploads():
    lines = papers(3).encode()
    expect("upload", call("papers", "file", "a", "-", stdin=lines),
           (0, "3\n", ""))
    expect("blank lines, no newline at the end",
           call("papers", "file", "a", "-",
                stdin=b"\n" + lines.replace(b"\n", b"\n \r\n") + b'{"id":9,"title":"x"}'),
           (0, "4\n", ""))
    expect("nothing", call("papers", "file", "a", "-"), (0, "0\n", ""))
    expect("by name", call("papers", "file", "box=a", "-", stdin=lines),
           (0, "3\n", ""))
    many = papers(20000).encode()
    expect("more than a window", call("papers", "file", "a", "-", stdin=many),
           (0, "20000\n", ""))
    for line, why in ((b'{"id":1,"titel":"x"}', "did you mean `title`"),
                      (b'{"id":1,"title":""}', "title: length 0"),
                      (b'{"id":1', "at byte")):
        status, out, err = call("papers", "file", "a", "-",
                                stdin=lines + b"\n" + line + b"\n" + lines)
        expect(f"a wrong item, {why}",
               (status, out, "papers.file: item 4 (line 5 of standard input): "
                in err, why in err), (2, "", True, True))
    cancelled = ended()["cancelled"]
    wait_for("the ends of their handlers",
             lambda: ended()["open"] == 0 or ended()["cancelled"] > cancelled)
    status, _, err = call("papers", "file", "a", "-",
                          stdin=lines + b'{"id":9,"title":"torn"}\n' + many)
    expect("torn", (status, "test.papers.Torn" in err, '{"at":3}' in err),
           (1, True, True))
    expect("the handler wants no more",
           call("papers", "one", "-", stdin=many), (0, '"no 0"\n', ""))
    expect("--json", call("--json", "papers", "file", "a", "-", stdin=lines),
           (0, '{"result":3}\n', ""))


def as_they_come():
    """With streams in both directions, each line is answered before the next
    one is sent."""
    child = begin("papers", "twice", "-")
    for number in (1, 20, 2**63):
        child.stdin.write(b"%d\n" % number)
        child.stdin.flush()
        expect("an answer", child.stdout.readline(), b"%d\n" % (2 * number % 2**64))
    out, err = child.communicate(b"4\n", timeout=DEADLINE_S)
    expect("the last one", (child.returncode, out, err), (0, b"8\n", b""))
    numbers = b"".join(b"%d\n" % i for i in range(50000))
    expect("much both ways", call("papers", "twice", "-", stdin=numbers)[1],
           "".join(f"{2 * i}\n" for i in range(50000)))
    status, _, err = call("papers", "twice", "-", stdin=b"1\n2\nx\n")
    expect("a wrong item", (status, "item 3 (line 3 of" in err), (2, True))
    child = begin("papers", "twice", "-", "--max-items=1")
    child.stdin.write(b"7\n")
    child.stdin.flush()
    expect("one, while there may be more",
           (child.stdout.read(), child.wait(DEADLINE_S)), (b"14\n", 0))
    child.communicate()


def raw():
    letters = b"abcdefghijklmnopqrstuvwxyz" * 10000
    expect("bytes", call("papers", "cat", "100000", text=False),
           (0, letters[:100000], ""))
    status, out, _ = call("--json", "papers", "cat", "3")
    expect("as JSON", (status, out), (0, '"YWJj"\n{"end":{"items":1}}\n'))
    expect("sent", call("--raw", "papers", "measure", "-", stdin=letters),
           (0, "260000", ""))
    expect("both ways", call("papers", "upper", "-", stdin=letters, text=False),
           (0, letters.upper(), ""))


def go_early():
    """If the reader or the sender leaves, the handler notices."""
    for what, go in (
            ("Ctrl-C", lambda child: child.send_signal(signal.SIGINT)),
            ("a closed pipe", lambda child: child.stdout.close())):
        before = ended()["cancelled"]
        child = begin("papers", "first")
        expect(f"{what}: the first", child.stdout.readline(),
               paper(0).encode())
        wait_for("the handler", lambda: ended()["open"] == 1)
        go(child)
        wait_for(f"{what}: the handler's end",
                 lambda: ended()["cancelled"] == before + 1)
        number = signal.SIGINT if what == "Ctrl-C" else signal.SIGPIPE
        expect(what, child.wait(DEADLINE_S), -number)
        for pipe in (child.stdin, child.stdout, child.stderr):
            pipe.close()


def piped_to_head():
    """The output is piped to head, as a user would type it."""
    before = ended()["cancelled"]
    done = subprocess.run(
        ["sh", "-c", '"$0" call papers list count=0 | head -3', SHMRPC],
        env=env, capture_output=True, timeout=DEADLINE_S)
    expect("head -3", (done.stdout.decode(), done.stderr.decode()),
           (papers(3), ""))
    wait_for("the handler's end", lambda: ended()["cancelled"] == before + 1)


def in_the_window():
    """If the reader stops, the handler waits, and no memory grows."""
    child = begin("papers", "list", "0")
    child.stdout.read(1)
    wait_for("the handler", lambda: ended()["open"] == 1)

    def size():
        lines = pathlib.Path(f"/proc/{child.pid}/status").read_text()
        return next(int(line.split()[1]) for line in lines.splitlines()
                    if line.startswith("VmRSS"))

    before = size()
    got = 0
    while got < 20 << 20:
        got += len(os.read(child.stdout.fileno(), 1 << 16))
    grown = (size() - before) >> 10
    expect(f"memory grows beside 20 MiB of items, by {grown} MiB", grown < 12,
           True)
    child.kill()
    child.communicate()


def refused():
    for words, why in (
            (("papers", "file", "a"), "takes a stream: a last argument `-`"),
            (("papers", "list", "1", "-"), "torn"),
            (("papers", "list", "1", "--repeat=2"),
             "--repeat: list returns a stream"),
            (("papers", "file", "a", "-", "--max-items=2"),
             "--max-items: file returns no stream"),
            (("papers", "ended", "--max-items=2"),
             "--max-items: ended returns no stream"),
            (("papers", "list", "1", "--max-items=0"), "`0` for --max-items")):
        status, _, err = call(*words)
        expect(" ".join(words), (status, why in err), (2, True))
    done = subprocess.run([SHMRPC, "bench", "papers", "list", "1"], env=env,
                          capture_output=True, timeout=DEADLINE_S)
    expect("bench", (done.returncode, b"papers.list: has a stream"
                     in done.stderr.lower()), (2, True))


def described():
    text = subprocess.run([SHMRPC, "describe", "papers"], env=env, check=True,
                          capture_output=True).stdout.decode()
    expect("describe", "file(1: string(1..10) box, stream "
           in text, True)
    about = json.loads(subprocess.run(
        [SHMRPC, "describe", "papers", "--json"], env=env, check=True,
        capture_output=True).stdout)
    forms = {m["name"]: m["stream"] for m in about["methods"]}
    expect("describe --json",
           [forms[name] for name in ("ended", "list", "file", "twice")],
           ["none", "out", "in", "both"])


server = subprocess.Popen(
    [PAPERS, "--workers=0", "--threads=8"], env=env,
    stdout=open(folder / "log", "w", encoding="ascii"),
    stderr=subprocess.STDOUT)
try:
    wait_for("the server", lambda: "serving at" in (folder / "log").read_text())
    for test in (downloads, uploads, as_they_come, raw, go_early,
                 piped_to_head, in_the_window, refused, described):
        test()
finally:
    server.kill()
    server.wait()
    shutil.rmtree(folder)
if FAILURES:
    sys.exit(f"{len(FAILURES)} failed")
