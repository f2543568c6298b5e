"""top_test.py SHMRPC WORKERS_SERVER SHOP_SERVER: top on a terminal."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unicodedata
import unittest

PROGRAM, WORKERS, SHOP = (os.path.abspath(p) for p in sys.argv[1:4])
PATIENCE = 60
FRAME = "\x1b[H\x1b[J"


def columns_of(text):
    """The width of a text on a terminal."""
    return sum(0 if unicodedata.combining(c) else
               2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in text)


class Screen:
    """top on a terminal with that many columns."""

    def __init__(self, env, *arguments, columns=80, rows=24):
        self.ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(self.theirs)
        self.text = b""
        self.process = subprocess.Popen(
            [PROGRAM, "top", "-i", "50ms", *arguments], env=env,
            stdin=self.theirs, stdout=self.theirs, stderr=self.theirs)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        os.close(self.ours)
        os.close(self.theirs)

    def frames(self):
        """The lines of each complete screen. A screen is complete when the
        next one has begun, or the program has ended."""
        parts = self.text.decode().split(FRAME)[1:]
        whole = parts if self.process.poll() is not None else parts[:-1]
        return [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", part)
                .replace("\r", "").split("\n") for part in whole]

    def await_frame(self, condition):
        """Returns the first of the following screens for which the condition
        holds."""
        seen = len(self.frames())
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            frames = self.frames()
            for frame in frames[seen:]:
                if condition(frame):
                    return frame
            seen = len(frames)
            if select.select([self.ours], [], [], 0.1)[0]:
                self.text += os.read(self.ours, 65536)
            elif self.process.poll() is not None:
                break
        raise AssertionError(f"never; {self.text!r}")

    def press(self, keys):
        os.write(self.ours, keys.encode())

    def mode(self):
        return termios.tcgetattr(self.theirs)


def row_of(frame, name):
    return next((line for line in frame if line.startswith(name)), None)


def ends(line):
    """The column after each cell, found by the end of its heading."""
    return [columns_of(line[:at.end()])
            for at in re.finditer(r"\S+(?: \S+)*", line)]


class Top(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        run = os.path.join(self.folder.name, "run")
        os.mkdir(run, 0o700)
        self.env = dict(os.environ, SHMRPC_DIR=run)
        self.env.pop("XDG_RUNTIME_DIR", None)
        self.children = []
        self.screens = []
        self.serve(WORKERS, "--workers=1")
        self.serve(SHOP, "--workers=1")

    def tearDown(self):
        for screen in self.screens:
            screen.close()
        for child in reversed(self.children):
            child.send_signal(signal.SIGTERM)
            child.wait(PATIENCE)
            child.stdout.close()
        self.folder.cleanup()

    def serve(self, *command):
        child = subprocess.Popen(command, env=self.env, text=True,
                                 stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL)
        self.children.append(child)
        self.assertIn("serving at", child.stdout.readline())

    def load(self):
        self.children.append(subprocess.Popen(
            [PROGRAM, "bench", "--json", "-s", "600s", "workers", "echo", "7"],
            env=self.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))

    def screen(self, *arguments, **size):
        screen = Screen(self.env, *arguments, **size)
        self.screens.append(screen)
        return screen

    def test_cells_stand_under_their_heads(self):
        for columns in (80, 60, 132):
            with self.subTest(columns):
                screen = self.screen(columns=columns)
                frame = screen.await_frame(lambda f: row_of(f, "workers"))
                for line in frame:
                    self.assertLessEqual(columns_of(line), columns, line)
                head = ends(row_of(frame, "SERVICE").replace("WAIT P99",
                                                             "WAIT_P99"))
                self.assertGreater(len(head), 4)
                self.assertEqual(ends(row_of(frame, "workers"))[1:], head[1:])
                if columns == 132:
                    self.assertIn("CONNS", row_of(frame, "SERVICE"))

    def test_a_single_one_fits_too(self):
        self.load()
        screen = self.screen("workers")
        frame = screen.await_frame(lambda f: row_of(f, "echo"))
        for line in frame:
            self.assertLessEqual(columns_of(line), 80, line)
        self.assertEqual(ends(row_of(frame, "echo"))[1:],
                         ends(row_of(frame, "METHOD"))[1:])

    def test_columns_count_and_not_bytes(self):
        wide = "unix:///tmp/" + "世界é" * 30
        screen = self.screen("workers", wide)
        frame = screen.await_frame(lambda f: row_of(f, "workers"))
        for line in frame:
            self.assertLessEqual(columns_of(line), 80, line)
        self.assertEqual(ends(row_of(frame, "workers"))[1:],
                         ends(row_of(frame, "SERVICE").replace(
                             "WAIT P99", "WAIT_P99"))[1:])
        shown = row_of(frame, "unix:///tmp/世界é世")
        self.assertRegex(shown, r"^unix:\S+  +\S")

    def test_no_more_lines_than_there_are(self):
        screen = self.screen("workers", rows=6)
        frame = screen.await_frame(lambda f: row_of(f, "workers"))
        self.assertLessEqual(len(frame), 6)

    def test_q_ends_it(self):
        screen = self.screen()
        screen.await_frame(lambda f: row_of(f, "workers"))
        self.assertFalse(screen.mode()[3] & (termios.ICANON | termios.ECHO))
        screen.press("q")
        self.assertEqual(screen.process.wait(PATIENCE), 0)
        self.assertEqual(screen.mode(), screen.before)

    def test_a_signal_leaves_the_terminal_as_it_was(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                screen = self.screen()
                screen.await_frame(lambda f: row_of(f, "workers"))
                screen.process.send_signal(number)
                self.assertEqual(screen.process.wait(PATIENCE), 0)
                self.assertEqual(screen.mode(), screen.before)

    @staticmethod
    def order(frame):
        names = [line.split()[0] for line in frame if line]
        return [n for n in names if n in ("workers", "shop")]

    def test_keys_and_options_sort(self):
        self.load()
        screen = self.screen()
        screen.await_frame(lambda f: self.order(f) == ["shop", "workers"])
        for key, word, order in (("c", "calls", ["workers", "shop"]),
                                 ("r", "calls", ["shop", "workers"]),
                                 ("b", "busy", ["shop", "workers"]),
                                 ("r", "busy", ["workers", "shop"]),
                                 ("n", "name", ["shop", "workers"])):
            screen.press(key)
            reversed_ = (key, word) in (("r", "calls"), ("b", "busy"))
            # A screen from before the key press may have this order by chance,
            # so check the heading too.
            screen.await_frame(
                lambda f, word=word, order=order, reversed_=reversed_:
                f"by {word}" in f[0] and ("reversed" in f[0]) == reversed_
                and self.order(f) == order)
        for words, order in ((("--sort=calls",), ["workers", "shop"]),
                             (("-s", "calls", "-r"), ["shop", "workers"]),
                             (("-s", "name"), ["shop", "workers"])):
            done = subprocess.run(
                [PROGRAM, "top", "--once", "-i", "300ms", *words],
                env=self.env, capture_output=True, text=True, check=True,
                timeout=PATIENCE)
            self.assertEqual(self.order(done.stdout.split("\n")), order)
        wrong = subprocess.run([PROGRAM, "top", "--sort=cals"], env=self.env,
                               capture_output=True, text=True, check=False,
                               timeout=PATIENCE)
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("`cals` to sort by; did you mean `calls`?", wrong.stderr)

    def test_it_tells_the_time(self):
        screen = self.screen()
        begin = time.time()
        frame = screen.await_frame(lambda f: row_of(f, "workers"))
        clock = re.match(r"(\d\d:\d\d:\d\d)  every 50\.0 ms  by name",
                         frame[0])
        self.assertTrue(clock, frame[0])
        seconds = range(int(begin), int(time.time()) + 1)
        self.assertIn(clock[1], [time.strftime("%H:%M:%S", time.localtime(s))
                                 for s in seconds])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
