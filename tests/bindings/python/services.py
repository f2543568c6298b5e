"""Services that the tests of workers run by `python3 -m shmrpc serve
services:X`."""

import mmap
import os
import random
import sys
import threading
import time

import shmrpc

random.random()


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no words")

    __repr__ = __str__


class Custom(Exception):
    """A user's own exception."""


class Odd(Exception):
    """An exception whose arguments can't be sent."""


def raised(name):
    import builtins

    special = {
        "UnicodeDecodeError": lambda c: c("utf-8", b"\xff", 0, 1, "bad"),
        "UnicodeEncodeError": lambda c: c("ascii", "é", 0, 1, "bad"),
        "UnicodeTranslateError": lambda c: c("é", 0, 1, "bad"),
        "OSError": lambda c: c(5000, "Odd"),
        "FileNotFoundError": lambda c: c(2, "No such file"),
        "SystemExit": lambda c: c(3),
        "KeyError": lambda c: c("key"),
        "Unprintable": lambda c: c("never seen"),
        "Odd": lambda c: c(object(), threading.Lock()),
        "Surrogate": lambda c: ValueError("\ud800"),
        "Empty": lambda c: ValueError(),
        "Cause": lambda c: ValueError("outer"),
    }
    cls = getattr(builtins, name, None) or globals().get(name)
    make = special.get(name, lambda c: c("text", 2, [1.5, None], {"k": True}))
    return make(cls)


SVC = """
package test.py;

/// A point.
struct Point { 1: i32 x; 2: i32 y = 7; }
enum Color : u8 { RED = 0; BLUE = 2; }
union Shape { 1: string text; 2: Point point; }
error Overflow = 100 { 1: i64 limit; 2: string message; 3: Point at; }
error Empty = 101;

service Works {
  port 5850;
  name "works";
  native  add(i64 a, i64 b = 1) -> i64 throws Overflow;
  raw     echo_raw(bytes data) -> bytes;
  json    echo_json(any value) -> any;
  msgpack flip(Point point) -> Point;
  msgpack shapes(list<Shape> shapes, optional Color color) -> list<Shape>;
  json    from(string text) -> string;
  json    fail(string name);
  native  declared(u32 which) throws Overflow, Empty;
  native  wrong() -> u8;
  native  pid() -> u32;
  native  number() -> f64;
  native  sleep(u32 ms) -> u32;
  native  starts() -> u32;
  native  hang();
  json    who() -> any;
  oneway native note(u32 number);
  native  noted() -> u32;
  @idempotent
  native  again() -> u32;
}
"""


class Works:
    __svc__ = SVC

    def __init__(self):
        self.loaded_by = os.getpid()
        self.started = 0
        # Shared by all workers, which are forked later.
        self.notes = memoryview(mmap.mmap(-1, 8)).cast("Q")
        self.kept = None
        print("loaded")

    def worker_start(self):
        self.started += 1
        if os.environ.get("WORKS_START") == "fail":
            raise RuntimeError("no database")

    def worker_stop(self):
        print("stopped", os.getpid())

    def add(self, a, b):
        if a + b >= 1 << 63:
            errors = shmrpc.context().errors
            types = shmrpc.context().types
            raise errors.Overflow(limit=(1 << 63) - 1, message="too much",
                                  at=types.Point(1))
        return a + b

    def echo_raw(self, data):
        return data

    def echo_json(self, value):
        return value

    def flip(self, point):
        return type(point)(point.y, point.x)

    def shapes(self, shapes, color):
        return shapes if color is None else [{"text": color.name}, *shapes]

    def from_(self, text):
        return text.upper()

    def fail(self, name):
        if name == "NotFound":
            raise shmrpc.NotFound("no such thing")
        if name == "Cause":
            try:
                raise KeyError("inner")
            except KeyError as error:
                raise raised(name) from error
        raise raised(name)

    def declared(self, which):
        errors = shmrpc.context().errors
        if which == 0:
            raise errors.Empty("nothing there")
        if which == 3:
            raise errors.Empty
        if which == 1:
            raise errors.Overflow(limit="wide", message="", at={"x": 1})
        if which == 2:
            raise errors.Overflow(limit=1)

    def wrong(self):
        return 256

    def pid(self):
        return os.getpid()

    def number(self):
        return random.random()

    def sleep(self, ms):
        until = time.monotonic() + ms / 1000
        print("asleep", os.getpid())
        sys.stdout.flush()
        while time.monotonic() < until and not shmrpc.context().cancelled:
            time.sleep(0.005)
        return os.getpid()

    def hang(self):
        while True:
            time.sleep(1)

    def starts(self):
        return self.started * 10 + (self.loaded_by != os.getpid())

    def who(self):
        context = shmrpc.context()
        kept, self.kept = self.kept, context
        try:
            old = kept and kept.remaining
        except RuntimeError as error:
            old = str(error)
        return {"uid": context.peer.uid, "pid": context.peer.pid,
                "transport": context.transport, "method": context.method,
                "remaining": context.remaining, "old": old,
                "metadata": context.metadata,
                "connection": context.connection > 0}

    def note(self, number):
        self.notes[0] += number

    def noted(self):
        return self.notes[0]

    def again(self):
        return os.getpid()


class Less:
    """Lacks methods of its service."""

    __svc__ = SVC

    def add(self, a, b):
        return a + b


class Threaded(Works):
    def __init__(self):
        super().__init__()
        threading.Thread(target=time.sleep, args=(60,), daemon=True,
                         name="straggler").start()


class Broken(Works):
    def __init__(self):
        raise Custom("no model")


class Spun(Works):
    """Starts a thread in each worker; the thread must go on running."""

    def worker_start(self):
        super().worker_start()
        self.turns = 0

        def turn():
            while True:
                self.turns += 1
                time.sleep(0.001)

        threading.Thread(target=turn, daemon=True).start()

    def noted(self):
        return self.turns


class Loaded(Works):
    """Holds much memory, all of which its calls read: one large buffer, which
    stays shared, and objects, whose reference counts are written when they are
    read."""

    def __init__(self):
        super().__init__()
        size = int(os.environ["LOADED_MIB"]) << 20
        self.data = b"\x01" * size
        self.rows = [str(i) for i in range(10000)]
        self.at = 0

    def again(self):
        step = len(self.data) // 64
        self.at = (self.at + step) % len(self.data)
        assert sum(self.data[self.at:self.at + step:4096]) > 0
        assert len(self.rows[self.at % len(self.rows)]) > 0
        return os.getpid()


class Nothing:
    pass


if __name__ == "__main__":
    shmrpc.main(Works)
