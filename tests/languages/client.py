"""client.py SHMRPCGEN dynamic|generated ADDRESS FILE [SKIP...]: makes the
calls of a conformance file from Python, as driver.c does from C, and prints
`ok ID` or `not ok ID` with the reason for each.

dynamic    uses a client that asks the service for its interface; passes dicts
           and names
generated  uses the class of conform_svc.py; passes the dataclasses, enums and
           cases of that module
"""

import json
import os
import sys
import time

import shmrpc

import schema

HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE_S = 60


class Wrong(Exception):
    """The call did not end as expected. Says what differs, the expected value
    and the actual one."""


def expect(is_so, what, expected, got):
    if not is_so:
        raise Wrong(f"{what}: expected {str(expected)[:160]}, "
                    f"got {str(got)[:160]}")


class Refusal:
    """The client refused a value: it raised a TypeError or ValueError whose
    text begins with the path of the value."""

    def __init__(self, error):
        text = str(error)
        self.status = self.name = "INVALID"
        self.path = text.partition(": ")[0] if ": " in text else ""
        self.may_have_run = False
        self.message = text
        self.number = None
        self.details = self.fault = None


class Failure:
    """An exception that the client has raised."""

    def __init__(self, error):
        self.error = error
        self.status = self.name = error.name
        self.number = error.status
        self.path = error.path
        self.may_have_run = error.may_have_run
        self.message = error.message
        self.details = error.details
        self.fault = error if isinstance(error, shmrpc.RemoteError) else None


class Judge:
    def __init__(self, client, types, classes):
        self.client = client
        self.types = types
        self.form = schema.Form(types, classes)
        self.known = None  # the result of `served`, if nothing was called
                           # since

    def call(self, case, method):
        options = case.get("options", {})
        function = self.client[case["call"]]
        args = case["args"]
        kwargs = {}
        for parameter in method["params"]:
            name = parameter["name"]
            if name in args:
                kwargs[schema.python_name(name)] = self.form.to_python(
                    parameter["type"], args[name])
        if "timeout_ms" in options:
            kwargs["_timeout"] = options["timeout_ms"] / 1000
        if options.get("cancel"):
            call = function.start(**kwargs)
            call.cancel()
            return call.result()
        return function(**kwargs)

    def outcome(self, case, method):
        """Returns (result, None) or (None, failure)."""
        try:
            return self.call(case, method), None
        except shmrpc.Error as error:
            return None, Failure(error)
        except (TypeError, ValueError) as error:
            return None, Refusal(error)

    def served(self):
        if self.known is None:
            self.known = self.client.served()
        return self.known

    def try_case(self, case):
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.try_once(case)
            except Wrong:
                if ("until" not in case.get("options", {})
                        or time.monotonic() > until):
                    raise

    def try_once(self, case):
        method = self.types.methods[case["call"]]
        before = self.served() if "sent" in case else 0
        self.known = None
        began = time.monotonic()
        result, failure = self.outcome(case, method)
        took_ms = (time.monotonic() - began) * 1000
        if "error" in case:
            expect(failure is not None, "end", case["error"], result)
            self.judge_error(case["error"], failure)
        else:
            expect(failure is None, "end", "a result",
                   failure and f"{failure.name}: {failure.message}")
            self.judge_result(case["result"], method["result"], result)
        if "within_ms" in case:
            least, most = case["within_ms"]
            expect(least <= took_ms + 1 and took_ms <= most, "ms",
                   case["within_ms"], took_ms)
        if "sent" in case:
            calls = self.served() - before
            expect(calls == int(case["sent"]), "sent", case["sent"], calls)

    def judge_result(self, wanted, type_, got):
        if type_ is None:
            expect(got is None, "result", None, got)
            return
        expected = self.form.plain(type_, self.form.to_python(type_, wanted))
        actual = self.form.plain(type_, got)
        expect(expected == actual, "result", expected, actual)
        if type_["kind"] == "enum":
            expect(hasattr(got, "name"), "type", "an enum", type(got))

    def judge_error(self, wanted, failure):
        for what in ("status", "name", "number", "path", "message",
                     "may_have_run"):
            if what in wanted:
                got = getattr(failure, what)
                expect(got == wanted[what], what, wanted[what], got)
        if "details" in wanted:
            record = self.types.errors[wanted["name"]]
            expected = self.form.fields(record, {
                schema.python_name(field["name"]): self.form.to_python(
                    field["type"], wanted["details"].get(field["name"]))
                if field["name"] in wanted["details"] else None
                for field in record["fields"]})
            actual = self.form.fields(record, failure.details)
            expect(expected == actual, "details", expected, actual)
        if "fault" in wanted:
            self.judge_fault(wanted["fault"], failure.fault)

    def judge_fault(self, wanted, error):
        expect(error is not None, "fault", wanted, "none")
        expect(error.type_name == wanted["type"], "type", wanted["type"],
               error.type_name)
        expect(list(error.args) == wanted["args"], "args", wanted["args"],
               error.args)
        expect(str(error) == wanted["message"], "text", wanted["message"],
               str(error))


def main():
    generator, way, address, path = sys.argv[1:5]
    skips = set(sys.argv[5:])
    types = schema.load(generator, os.path.join(HERE, "conform.svc"))
    classes = None
    if way == "generated":
        import conform_svc

        classes = conform_svc.CLASSES
        client = conform_svc.Conform.connect(address, wait=PATIENCE_S,
                                             timeout=PATIENCE_S)
    else:
        client = shmrpc.connect(address, wait=PATIENCE_S, timeout=PATIENCE_S)
    passed = failed = 0
    with client, open(path, encoding="utf-8") as file:
        judge = Judge(client, types, classes)
        for line in file:
            case = json.loads(line)
            if skips & set(case.get("skip", ())):
                continue
            try:
                judge.try_case(case)
                print("ok", case["id"])
                passed += 1
            except Wrong as why:
                print("not ok", case["id"], why)
                failed += 1
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
