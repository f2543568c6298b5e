"""service.py dynamic|generated [OPTION...]: serves conform.svc as server.c does.

dynamic    a class that names the .svc
generated  one that derives from ConformService of conform_svc.py
"""

import builtins
import os
import re
import struct
import sys
import time

import shmrpc

HERE = os.path.dirname(os.path.abspath(__file__))


class Calls:
    """The methods that do more than echo. `make` finds a class of the service
    by its name."""

    def __init__(self):
        self.calls = 0
        self.notes = 0

    def make(self, name):
        if GENERATED is not None:
            return getattr(GENERATED, name)
        errors = shmrpc.context().errors
        return getattr(errors, name, None) or getattr(
            shmrpc.context().types, name)

    def defaults(self, a, b, c, d, e, from_):
        self.calls += 1
        return self.make("Given")(a=a, b=b, c=c, d=d, e=e, from_=from_)

    def fail(self, how):
        self.calls += 1
        if how.startswith("BadQuery"):
            raise self.bad_query(how.endswith("least"))
        if how == "Overflow":
            raise self.make("Overflow")(limit=(1 << 63) - 1, bits=63)
        if how == "Plain":
            raise self.make("Plain")
        if how == "Plain.message":
            raise self.make("Plain")("for a reason")
        return len(how)

    def bad_query(self, is_least):
        point = self.make("Point")
        if is_least:
            return self.make("BadQuery")(
                at=0, message="", points=[], counts={}, raw=b"", offset=0,
                shape=self.make("ShapeNumber")(0))
        return self.make("BadQuery")(
            at=12, message="unexpected `)`",
            points=[point(1, 2), point(-3, 7)],
            counts={"least": -(1 << 63), "": 9007199254740993},
            nearest=point(-(1 << 31), (1 << 31) - 1),
            shape=self.make("ShapeText")("h\u00e9"),
            color=self.make("Color").GREEN, raw=b"\0\xff\n",
            offset=(1 << 64) - 1)

    def status(self, status, message):
        self.calls += 1
        for cls in vars(shmrpc).values():
            if (isinstance(cls, type) and issubclass(cls, shmrpc.Error)
                    and cls.__module__ == "shmrpc._errors"
                    and cls not in (shmrpc.Error, shmrpc.RemoteError)):
                error = cls(message)
                if number_of(error) == status:
                    raise error
        return 0

    def fault(self, type, message, args):
        self.calls += 1
        module, _, name = type.rpartition(".")
        cls = getattr(builtins, name, None) or builtins.type(
            name, (Exception,), {"__module__": module, "__qualname__": name})
        raise cls(*args)

    def sleep(self, ms):
        self.calls += 1
        until = time.monotonic() + ms / 1000
        while time.monotonic() < until:
            if shmrpc.context().cancelled:
                raise shmrpc.Cancelled("")
            time.sleep(0.001)
        return ms

    def import_(self, class_, def_):
        self.calls += 1
        return class_ * def_

    def class_(self, for_):
        self.calls += 1
        return 4000 if for_ is None else for_

    def note(self, number):
        self.calls += 1
        self.notes += number

    def noted(self):
        self.calls += 1
        return self.notes

    def nothing(self):
        self.calls += 1

    def served(self):
        return self.calls

    def once(self, number):
        with open(os.environ["CONFORM_LEDGER"], "ab", buffering=0) as file:
            file.write(struct.pack("<Q", number))
        return os.getpid()


def number_of(error):
    from shmrpc._helpers import status_of

    return status_of(error)


def echo(self, v):
    self.calls += 1
    return v


def rows():
    """Yields each method of conform.svc whose name begins with an encoding, and
    the function that serves it: `echo`, `defaults` or `fail`."""
    with open(os.path.join(HERE, "conform.svc"), encoding="utf-8") as file:
        text = file.read()
    for name in re.findall(r"^ +(?:raw|json|msgpack|native) +(\w+)\(", text, re.M):
        prefix, _, rest = name.partition("_")
        if prefix in ("json", "msgpack", "native", "raw"):
            yield name, {"defaults": Calls.defaults,
                         "fail": Calls.fail}.get(rest, echo)


def class_of(way):
    if way == "dynamic":
        return None, type("Conform", (Calls,), {
            "__module__": __name__, "__svc__": "conform.svc", **dict(rows())})
    import conform_svc

    base = conform_svc.ConformService
    return conform_svc, type(base)("Conform", (Calls, base), dict(rows()))


if __name__ == "__main__":
    GENERATED, Conform = class_of(sys.argv.pop(1))
    shmrpc.main(Conform)
