"""stats_test.py SHMRPC WORKERS_SERVER FLOW_SERVER FLOW_CLIENT ECHO_SERVER: stats and top
against a known load."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM, SERVER, FLOW, FLOW_CLIENT, ECHO = (os.path.abspath(p)
                                            for p in sys.argv[1:6])
PATIENCE = 60


class Service(unittest.TestCase):
    NAME, PROGRAM, OPTIONS = "workers", SERVER, ["--workers=2"]

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        run = os.path.join(self.folder.name, "run")
        os.mkdir(run, 0o700)
        self.env = dict(os.environ, SHMRPC_DIR=run)
        self.env.pop("XDG_RUNTIME_DIR", None)
        self.server = subprocess.Popen(
            [self.PROGRAM, *self.OPTIONS], env=self.env, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        self.said = self.server.stdout.readline()
        self.assertIn("serving at", self.said)

    def tearDown(self):
        if self.server.poll() is None:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(PATIENCE)
        self.server.stdout.close()
        self.folder.cleanup()

    def shmrpc(self, *arguments, status=0):
        done = subprocess.run([PROGRAM, *arguments], env=self.env, text=True,
                              capture_output=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, status,
                         f"{arguments}\n{done.stdout}{done.stderr}")
        return done.stdout if status == 0 else done.stderr

    def stats(self):
        return json.loads(self.shmrpc("stats", "--json", self.NAME))

    @staticmethod
    def method(stats, name):
        return next(m for m in stats["methods"] if m["name"] == name)

class Calls(Service):
    # ---- stats ----

    def test_counts_are_exact(self):
        for number in range(5):
            self.shmrpc("call", "workers", "echo", str(number))
        for status in ("-5", "-5", "-7"):
            self.shmrpc("call", "--", "workers", "fail", status, status=1)
        # bench warms up with a hundred calls, and makes one to check that
        # calling works.
        bench = json.loads(self.shmrpc("bench", "--json", "-n", "2000",
                                       "workers", "echo", "7"))
        self.assertEqual(bench["calls"], 2000)
        stats = self.stats()
        echo = self.method(stats, "echo")
        self.assertEqual(echo["calls"], 2105)
        self.assertEqual(echo["bytes_in"], 2105 * 16)
        self.assertEqual(echo["errors"], 0)
        fail = self.method(stats, "fail")
        self.assertEqual(fail["errors_by_status"], {"NOT_FOUND": 2, "DENIED": 1})
        self.assertEqual(stats["errors"], 3)
        self.assertEqual(stats["calls"],
                         sum(w["calls"] for w in stats["places"]))
        self.assertEqual(stats["calls"],
                         sum(m["calls"] for m in stats["methods"]))
        self.assertEqual(stats["rescued_wakeups"], 0)
        text = self.shmrpc("stats", "workers")
        self.assertRegex(text, r"(?m)^echo +2105 +0 ")
        self.assertRegex(text, r"errors of fail: 2 NOT_FOUND, 1 DENIED")
        self.assertRegex(text, r"(?m)^ +0 +\d+ ")

    def test_times_are_those_of_the_handler(self):
        for _ in range(5):
            self.shmrpc("call", "workers", "nap", "30")
        nap = self.method(self.stats(), "nap")["service"]
        # The handler sleeps for 30 ms, so no time is below 99 percent of that.
        self.assertGreaterEqual(nap["p50_us"], 29_700)
        self.assertGreaterEqual(nap["total_us"], 148_500)
        self.assertLessEqual(nap["p50_us"], nap["max_us"])
        self.assertLessEqual(nap["p99_us"], nap["max_us"])

    def test_a_killed_worker_keeps_its_counts(self):
        self.shmrpc("call", "workers", "echo", "1")
        before = self.stats()
        for worker in before["places"]:
            os.kill(worker["pid"], signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE
        while any(w["starts"] < 2 for w in self.stats()["places"]):
            self.assertLess(time.monotonic(), deadline)
        self.shmrpc("call", "workers", "echo", "1")
        self.assertEqual(self.method(self.stats(), "echo")["calls"], 2)

    def test_processes_are_shown(self):
        self.shmrpc("call", "workers", "echo", "1")
        for worker in self.stats()["places"]:
            # A sanitizer may have a thread of its own.
            self.assertIn(worker["threads"], (1, 2))
            self.assertGreater(worker["pss_bytes"], 0)
            self.assertGreater(worker["descriptors"], 3)
            self.assertGreaterEqual(worker["cpus"], 0)

    # ---- top ----

    def test_top_shows_what_happens_between_two_looks(self):
        before = self.method(self.stats(), "echo")["calls"]
        top = subprocess.Popen(
            [PROGRAM, "top", "--json", "-i", "300ms", "-n", "4", "workers"],
            env=self.env, stdout=subprocess.PIPE, text=True)
        first = json.loads(top.stdout.readline())
        self.shmrpc("bench", "--json", "-n", "500", "workers", "echo", "7")
        rest = [json.loads(line) for line in top.stdout]
        self.assertEqual(top.wait(PATIENCE), 0)
        top.stdout.close()
        self.assertEqual(first["calls"], 0)
        self.assertEqual(len(rest), 3)
        # However the load was spread over the samples, nothing is counted
        # twice.
        counted = sum(self.method(s, "echo")["calls"] for s in rest)
        made = self.method(self.stats(), "echo")["calls"] - before
        self.assertEqual(made, 600)
        self.assertLessEqual(counted, made)
        for look in rest:
            self.assertGreaterEqual(look["interval_s"], 0.29)

    def test_top_finds_services_by_itself(self):
        text = self.shmrpc("top", "--once", "-i", "20ms")
        self.assertRegex(text, r"SERVICE +CALLS/S")
        self.assertRegex(text, r"(?m)^workers +0 ")

    def test_top_is_live_on_a_terminal(self):
        ours, theirs = pty.openpty()
        top = subprocess.Popen([PROGRAM, "top", "-i", "20ms", "-n", "3"],
                               env=self.env, stdout=theirs)
        os.close(theirs)
        text = b""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            ready, _, _ = select.select([ours], [], [], PATIENCE)
            try:
                more = os.read(ours, 65536) if ready else b""
            except OSError:
                more = b""  # EIO: all writers have closed the terminal
            if not more:
                break
            text += more
        self.assertEqual(top.wait(PATIENCE), 0)
        os.close(ours)
        self.assertEqual(text.count(b"\x1b[H\x1b[J"), 3)

    def test_top_outlives_a_service(self):
        top = subprocess.Popen(
            [PROGRAM, "top", "--json", "-i", "50ms", "workers"],
            env=self.env, stdout=subprocess.PIPE, text=True)
        self.assertEqual(json.loads(top.stdout.readline())["name"], "workers")
        self.server.send_signal(signal.SIGKILL)
        self.server.wait(PATIENCE)
        while "trouble" not in json.loads(top.stdout.readline()):
            pass
        again = subprocess.Popen([SERVER, "--workers=1"], env=self.env,
                                 stdout=subprocess.PIPE, text=True)
        self.assertIn("serving at", again.stdout.readline())
        while "trouble" in json.loads(top.stdout.readline()):
            pass
        top.kill()
        top.wait(PATIENCE)
        top.stdout.close()
        again.send_signal(signal.SIGTERM)
        again.wait(PATIENCE)
        again.stdout.close()

    # ---- errors ----

    def test_mistakes_are_told(self):
        for arguments, status, message in (
                (("stats",), 2, "a SERVICE is missing"),
                (("stats", "workers", "two"), 2, "one SERVICE is enough"),
                (("stats", "worker"), 3, "workers"),
                (("top", "worker"), 3, "workers"),
                (("top", "-i", "1ms"), 2, "10ms"),
                (("top", "-n", "0"), 2, "1 or more"),
                (("stats", "--at=tcp://127.0.0.1:1", "workers"), 3,
                 "shm://"),
        ):
            with self.subTest(arguments):
                self.assertIn(message, self.shmrpc(*arguments, status=status))


class Streams(Service):
    NAME, PROGRAM = "flow", FLOW

    def test_a_reader_that_has_stopped(self):
        reader = subprocess.Popen([FLOW_CLIENT, "reader", "shm://flow"],
                                  env=self.env, stdout=subprocess.PIPE,
                                  text=True)
        # The reader stops after 100 items.
        self.assertEqual(reader.stdout.readline(), "read\n")
        deadline = time.monotonic() + PATIENCE
        while self.stats()["streams"]["stalled_s"] < 0.05:
            self.assertLess(time.monotonic(), deadline)
        streams = self.method(self.stats(), "count")["streams"]
        self.assertEqual((streams["open"], streams["opened"]), (1, 1))
        self.assertGreaterEqual(streams["items_out"], 100)
        self.assertGreaterEqual(streams["bytes_out"], 800)
        self.assertEqual(streams["items_in"], 0)
        self.assertNotIn("streams", self.method(self.stats(), "echo"))
        self.assertEqual(sum(w["streams"] for w in self.stats()["places"]), 1)
        text = self.shmrpc("stats", "flow")
        self.assertRegex(text, r"STREAMS +OPEN +OPENED +ITEMS IN +ITEMS OUT")
        self.assertRegex(text, r"(?m)^count +1 +1 +0 +\d")
        self.assertRegex(self.shmrpc("top", "--once", "-i", "20ms"),
                         r"(?m)STREAMS\n(.*\n)*flow .* 1$")
        reader.kill()
        reader.wait(PATIENCE)
        reader.stdout.close()
        while self.stats()["streams"]["open"] > 0:
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(self.method(self.stats(), "count")["calls"], 1)

    def test_a_killed_worker_has_no_streams(self):
        sender = subprocess.Popen([FLOW_CLIENT, "sender", "shm://flow"],
                                  env=self.env, stdout=subprocess.PIPE,
                                  text=True)
        self.assertEqual(sender.stdout.readline(), "sent\n")
        deadline = time.monotonic() + PATIENCE
        while self.stats()["streams"]["items_in"] < 3:
            self.assertLess(time.monotonic(), deadline)
        worker = next(w for w in self.stats()["places"] if w["streams"] > 0)
        os.kill(worker["pid"], signal.SIGKILL)
        while self.stats()["streams"]["open"] > 0:
            self.assertLess(time.monotonic(), deadline)
        streams = self.method(self.stats(), "sum")["streams"]
        self.assertEqual((streams["opened"], streams["items_in"]), (1, 3))
        sender.kill()
        sender.wait(PATIENCE)
        sender.stdout.close()


class Compressed(Service):
    NAME, PROGRAM = "echo_serv", ECHO
    OPTIONS = ["--workers=0", "--listen=shm://,tcp://127.0.0.1:0",
               "--tcp-compression=zlib", "--force-insecure-serialisation"]

    def test_directions_are_counted(self):
        """Compression is counted apart for requests and replies."""
        place = re.search(r"tcp://[0-9.:]+", self.said)[0]
        path = os.path.join(self.folder.name, "text")
        with open(path, "w", encoding="ascii") as file:
            file.write(" ".join(map(str, range(30000))))
        length = os.path.getsize(path)
        self.assertNotIn("compressed", self.stats())
        self.shmrpc("call", "--raw", place, "echo_json", "data=too short")
        self.assertNotIn("compressed", self.stats())
        for calls in (1, 2):
            self.shmrpc("call", "--raw", place, "echo_raw", f"data=@{path}")
            for counts in self.stats()["compressed"].values():
                self.assertEqual(counts["bodies"], calls)
                self.assertEqual(counts["plain_bytes"], calls * length)
                self.assertLess(counts["packed_bytes"], calls * length / 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
