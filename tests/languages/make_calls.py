#!/usr/bin/env python3
"""make_calls.py SHMRPCGEN: writes the conformance file to standard output.

The boundaries of each method come from its types. The script fails if
conform.svc has a kind of value that the script does not know, or lacks a kind
that the library has.  Run it after a change of conform.svc:

    tests/languages/make_calls.py build/debug/generator/shmrpcgen \
        >tests/languages/calls.jsonl
"""

import base64
import json
import os
import re
import struct
import sys

import schema

HERE = os.path.dirname(os.path.abspath(__file__))
INCLUDE = os.path.join(HERE, "../../runtime/include/shmrpc")
LONG = 5000  # more than a call's slot holds
REFUSED = {"status": "INVALID", "may_have_run": False}

cases = []
seen = set()


def add(name, call, args, **more):
    assert name not in seen, f"two cases are called {name}"
    seen.add(name)
    cases.append({"id": name, "call": call, "args": args, **more})


def base64_of(data):
    return base64.b64encode(bytes(data)).decode()


def single(number):
    """Returns the double that equals the number rounded to a float."""
    return struct.unpack("<f", struct.pack("<f", number))[0]


class Maker:
    """Makes good values of a type as (label, JSON), and bad values with the path
    of the mistake, relative to the value."""

    def __init__(self, types):
        self.types = types

    def good(self, type_, depth=0):
        return list(getattr(self, "good_" + self.family(type_))(type_, depth))

    def bad(self, type_):
        return list(getattr(self, "bad_" + self.family(type_))(type_))

    def family(self, type_):
        kind = type_["kind"]
        if kind in schema.WIDTHS:
            return "integer"
        return {"f32": "float", "f64": "float"}.get(kind, kind)

    def first(self, type_, depth=1):
        return self.good(type_, depth)[0][1]

    # ---- numbers ---------------------------------------------------------

    def bounds(self, type_):
        low, high = schema.limits(type_["kind"])
        return (low if type_["min"] is None else int(type_["min"]),
                high if type_["max"] is None else int(type_["max"]))

    def number(self, type_, value):
        return str(value) if schema.is_wide(type_["kind"]) else value

    def good_integer(self, type_, depth):
        low, high = self.bounds(type_)
        rows = {"max": high, "min": low, "one": 1, "zero": 0, "minus": -1,
                "middle": (low + high) // 2 + 1}
        done = set()
        for label, value in rows.items():
            if low <= value <= high and value not in done:
                done.add(value)
                yield label, self.number(type_, value)

    def bad_integer(self, type_):
        low, high = self.bounds(type_)
        yield "below", self.number(type_, low - 1), ""
        yield "above", self.number(type_, high + 1), ""
        yield "real", 1.5, ""
        yield "text", "one", ""
        yield "bool", True, ""
        yield "list", [1], ""

    def good_float(self, type_, depth):
        if type_["min"] is not None:
            yield "min", float(type_["min"])
            yield "max", float(type_["max"])
            yield "middle", 1.25
            return
        is_single = type_["kind"] == "f32"
        yield "max", single(3.4028234663852886e38) if is_single else sys.float_info.max
        yield "third", single(1 / 3) if is_single else 1 / 3
        yield "least", single(1e-45) if is_single else 5e-324
        yield "zero", 0.0
        yield "minus_zero", -0.0
        yield "whole", -3.0
        yield "nan", "NaN"
        yield "infinity", "Infinity"
        yield "minus_infinity", "-Infinity"

    def bad_float(self, type_):
        if type_["min"] is not None:
            yield "below", float(type_["min"]) - 0.125, ""
            yield "above", float(type_["max"]) + 0.125, ""
            yield "nan", "NaN", ""
        yield "text", "one", ""
        yield "bool", False, ""
        yield "list", [1.5], ""

    def good_bool(self, type_, depth):
        yield "true", True
        yield "false", False

    def bad_bool(self, type_):
        yield "number", 1, ""
        yield "text", "true", ""

    # ---- texts -----------------------------------------------------------

    def good_string(self, type_, depth):
        low, high = type_["min"], type_["max"]
        if high is not None:
            yield "longest", "x" * int(high)
            yield "shortest", "y" * int(low or 0)
            yield "wide", "é" * (int(high) // 2)
            return
        yield "text", "h\u00e9llo"
        yield "empty", ""
        if depth > 0:
            return
        yield "signs", "\"\\/\b\f\n\r\t\u001f\u007f"
        yield "nul", "a\0b"
        yield "planes", "\u0800\uffff\U00010000\U0010ffff"
        yield "long", "0123456789" * (LONG // 10)

    def bad_string(self, type_):
        low, high = type_["min"], type_["max"]
        if high is not None:
            yield "above", "x" * (int(high) + 1), ""
            yield "wide", "é" * (int(high) // 2 + 1), ""
        if low:
            yield "below", "x" * (int(low) - 1), ""
        yield "number", 5, ""
        yield "list", ["x"], ""
        yield "bool", True, ""

    def good_bytes(self, type_, depth):
        low, high = type_["min"], type_["max"]
        if high is not None:
            yield "longest", base64_of(range(int(high)))
            yield "shortest", base64_of(b"\0" * int(low or 0))
            return
        yield "one", base64_of(b"\0")
        yield "empty", ""
        if depth > 0:
            return
        yield "all", base64_of(range(256))
        yield "long", base64_of(bytes(range(250)) * (LONG // 250))

    def bad_bytes(self, type_):
        low, high = type_["min"], type_["max"]
        if high is not None:
            yield "above", base64_of(b"x" * (int(high) + 1)), ""
        if low:
            yield "below", base64_of(b"x" * (int(low) - 1)), ""
        yield "number", 5, ""
        yield "bool", True, ""

    # ---- many ------------------------------------------------------------

    def counts(self, type_, otherwise):
        """Returns the least and the greatest number of items. The latter is
        `otherwise` if the type has no upper bound."""
        low, high = type_["min"], type_["max"]
        return int(low or 0), otherwise if high is None else int(high)

    def items(self, type_, count, depth=0):
        values = [value for _, value in self.good(type_["element"], depth + 1)]
        return [values[i % len(values)] for i in range(count)]

    def good_list(self, type_, depth):
        low, high = self.counts(type_, 40 if depth == 0 else 2)
        yield "most", self.items(type_, high, depth)
        yield "least", self.items(type_, low, depth)

    def bad_list(self, type_):
        low, high = self.counts(type_, -1)
        if high >= 0:
            yield "above", self.items(type_, high + 1), ""
        if low > 0:
            yield "below", self.items(type_, low - 1), ""
        is_struct = type_["element"]["kind"] == "struct" # which may contain itself
        for label, value, path in ([("number", 5, "")] if is_struct else
                                   self.bad(type_["element"])[:2]):
            yield ("item_" + label,
                   [self.first(type_["element"]), value], "[1]" + path)
        yield "number", 5, ""
        yield "bool", True, ""

    def good_array(self, type_, depth):
        yield "items", self.items(type_, int(type_["length"]), depth)

    def bad_array(self, type_):
        count = int(type_["length"])
        yield "fewer", self.items(type_, count - 1), ""
        yield "more", self.items(type_, count + 1), ""
        label, value, path = self.bad(type_["element"])[0]
        yield "item_" + label, [value, *self.items(type_, count - 1)], "[0]" + path

    def keys(self, type_):
        if type_["key"]["kind"] == "string":
            return ["key", "", "\u00e9\n\"", "other"]
        return [str(value) for _, value in self.good(type_["key"], 1)]

    def good_map(self, type_, depth):
        low, high = self.counts(type_, 4)
        keys = self.keys(type_)
        values = self.items(type_, len(keys), depth)
        rows = list(zip(keys, values))
        yield "most", dict(rows[:high])
        yield "least", dict(rows[:low])

    def bad_map(self, type_):
        low, high = type_["min"], type_["max"]
        rows = list(zip(self.keys(type_), self.items(type_, 4)))
        if high is not None:
            yield "above", dict(rows[:int(high) + 1]), ""
        if low is not None and int(low) > 0:
            yield "below", {}, ""
        label, value, path = self.bad(type_["element"])[0]
        if type_["key"]["kind"] == "string":
            yield "item_" + label, {"key": value}, '["key"]' + path
        else:
            yield "item_" + label, {"1": value}, "[1]" + path
            yield "key", {"40000": self.first(type_["element"])}, None
        yield "list", [], ""
        yield "number", 5, ""

    # ---- named -----------------------------------------------------------

    def good_enum(self, type_, depth):
        enum = self.types.enums[type_["name"]]
        for item in enum["items"]:
            yield item["name"], item["name"]
        known = {item["value"] for item in enum["items"]}
        yield "unknown", next(i for i in range(40, 100) if i not in known)

    def bad_enum(self, type_):
        low, high = schema.limits(self.types.enums[type_["name"]]["base"])
        yield "below", low - 1, ""
        yield "above", high + 1, ""
        yield "name", "NO_SUCH_NAME", ""
        yield "real", 1.5, ""

    def good_struct(self, type_, depth):
        fields = self.types.records[type_["name"]]["fields"]
        if depth > 3:
            yield "short", {field["name"]: [] if field["type"]["kind"] == "list"
                            else self.first(field["type"], depth)
                            for field in fields}
            return
        # The labels: with "first" each field has the first of its good values,
        # with "last" the last one. "needed" is like "first", but leaves out
        # fields that are optional or have a default.
        yield "first", {field["name"]: self.first(field["type"], depth + 1)
                        for field in fields}
        yield "last", {field["name"]: self.good(field["type"], depth + 1)[-1][1]
                       for field in fields}
        yield "needed", {field["name"]: self.first(field["type"], depth + 1)
                         for field in fields
                         if not field["optional"] and not field["has_default"]}

    def bad_struct(self, type_):
        fields = self.types.records[type_["name"]]["fields"]
        good = self.first(type_, 0)
        for field in fields:
            if field["name"] in good and field["type"]["kind"] != "struct":
                label, value, path = self.bad(field["type"])[0]
                yield (f"{field['name']}_{label}",
                       {**good, field["name"]: value},
                       f".{field['name']}{path}")
        needed = next(field["name"] for field in fields
                      if not field["optional"] and not field["has_default"])
        yield "without", {name: value for name, value in good.items()
                          if name != needed}, None
        yield "number", 5, ""
        yield "text", "x", ""

    def good_union(self, type_, depth):
        for field in self.types.records[type_["name"]]["fields"]:
            yield field["name"], {field["name"]: self.first(field["type"], depth + 1)}

    def bad_union(self, type_):
        fields = self.types.records[type_["name"]]["fields"]
        rows = {field["name"]: self.first(field["type"]) for field in fields}
        yield "none", {}, ""
        yield "two", dict(list(rows.items())[:2]), None
        yield "no_case", {"nothing": 1}, None
        field = fields[-1]
        label, value, path = self.bad(field["type"])[0]
        yield "item_" + label, {field["name"]: value}, f".{field['name']}{path}"

    def good_any(self, type_, depth):
        yield "null", None
        yield "true", True
        yield "int", {"$int": "5"}
        yield "least", {"$int": str(-(1 << 63))}
        yield "most", {"$int": str((1 << 64) - 1)}
        yield "float", 0.1
        yield "whole", {"$float": 3}
        yield "text", "h\u00e9\0"
        yield "list", [None, [], {}, [[False]], "x"]
        yield "map", {"a": {"b": [{"c": ""}]}, "": 0.5}
        yield "deep", self.nested(30)
        yield "long", ["x" * 100] * (LONG // 100)

    def nested(self, depth):
        return None if depth == 0 else [self.nested(depth - 1)]

    def bad_any(self, type_):
        return []

    # ---- results ---------------------------------------------------------

    def filled(self, type_, value):
        """Returns the value as the service returns it: with defaults filled in."""
        kind = type_["kind"]
        if kind in ("list", "array"):
            return [self.filled(type_["element"], item) for item in value]
        if kind == "map":
            return {key: self.filled(type_["element"], item)
                    for key, item in value.items()}
        record = self.types.records.get(type_["name"])
        if kind == "union":
            types = {field["name"]: field["type"] for field in record["fields"]}
            return {name: self.filled(types[name], item)
                    for name, item in value.items()}
        if kind != "struct":
            return value
        whole = {}
        for field in record["fields"]:
            if field["name"] in value:
                whole[field["name"]] = self.filled(field["type"],
                                                   value[field["name"]])
            elif field["has_default"]:
                whole[field["name"]] = self.default(field)
        return whole

    def default(self, field):
        value = field["default"]
        if field["type"]["kind"] == "enum" and isinstance(value, int):
            items = self.types.enums[field["type"]["name"]]["items"]
            return next(item["name"] for item in items
                        if item["value"] == value)
        return self.number(field["type"], value) if isinstance(
            value, int) and field["type"]["kind"] in schema.WIDTHS else value


# ---- cases ----------------------------------------------------------------


def is_echo(method):
    return (len(method["params"]) == 1 and method["params"][0]["name"] == "v"
            and method["result"] == method["params"][0]["type"])


def judges(label, method):
    """Returns the encodings in which a refusal is tried. Codecs check bounds,
    so bounds are tried in each encoding. Other mistakes never reach a codec,
    so one encoding is enough for each type."""
    is_bound = label in ("above", "below", "wide", "nan", "fewer", "more")
    is_plain = method["result"]["kind"] not in ("struct", "union")
    return (("raw", "json", "msgpack", "native") if is_bound and is_plain
            else ("raw", "json") if is_plain else ("msgpack",))


def add_echoes(maker):
    for name, method in maker.types.methods.items():
        if not is_echo(method):
            continue
        type_ = method["params"][0]["type"]
        short = name.replace("_", ".", 1)
        for label, value in maker.good(type_):
            add(f"{short}.{label}", name, {"v": value},
                result=maker.filled(type_, value))
        for label, value, path in maker.bad(type_):
            if method["encoding"] not in judges(label, method):
                continue
            error = dict(REFUSED)
            if path is not None:
                error["path"] = "v" + path
            add(f"{short}.not.{label}", name, {"v": value}, error=error,
                sent=False)


def add_anys():
    """Adds values that JSON can't express."""
    for label, value in (
            ("nan", {"$float": "NaN"}),
            ("infinity", {"$float": "-Infinity"}),
            ("bytes", {"$bytes": base64_of(range(256))}),
            ("no_bytes", [{"$bytes": ""}]),
            ("ext", {"$ext": [77, base64_of(b"\x01\x02")]}),
            ("ext_least", {"a": {"$ext": [-128, ""]}}),
            ("tuple", {"$ext": [1, base64_of(b"\x92\x01\xa1x")]}),
            ("keys", {"$map": [[{"$int": "1"}, "one"], ["k", None],
                               [{"$bytes": "AA=="}, 2.5]]})):
        add(f"msgpack.any.{label}", "msgpack_any", {"v": value}, result=value)


def add_raw():
    for size in (0, 1, 63, 64, 65, 255, 256, 1023, 1024, 4095, 4096, 4097,
                 10000):
        data = base64_of((bytes(range(251)) * (size // 251 + 1))[:size])
        add(f"raw.bytes.{size}", "raw_bytes", {"v": data}, result=data)


def add_defaults():
    some = {"b": 17, "c": "def", "e": "GREEN", "from": 0.25}
    for encoding in ("json", "msgpack", "native"):
        call = f"{encoding}_defaults"
        name = f"{encoding}.defaults"
        add(f"{name}.none", call, {"a": "1"}, result={"a": "1", **some})
        add(f"{name}.some", call, {"a": "-1", "c": "", "from": 2.0},
            result={"a": "-1", **some, "c": "", "from": 2.0})
        every = {"a": "0", "b": 0, "c": "c", "d": "d", "e": "BLUE",
                 "from": -0.5}
        add(f"{name}.all", call, every, result=every)
        add(f"{name}.empty", call, {"a": "2", "d": ""},
            result={"a": "2", **some, "d": ""})
        add(f"{name}.not.without", call, {"b": 1}, error=dict(REFUSED),
            sent=False)
        add(f"{name}.not.wide", call, {"a": "1", "b": 1 << 32},
            error={**REFUSED, "path": "b"}, sent=False)


def add_failures():
    bad_query = {
        "name": "conform.BadQuery", "number": 100,
        "message": "unexpected `)`", "may_have_run": True,
        "details": {
            "at": 12, "message": "unexpected `)`",
            "points": [{"x": 1, "y": 2}, {"x": -3, "y": 7}],
            "counts": {"least": str(-(1 << 63)), "": "9007199254740993"},
            "nearest": {"x": -(1 << 31), "y": (1 << 31) - 1},
            "shape": {"text": "h\u00e9"}, "color": "GREEN", "raw": "AP8K",
            "offset": str((1 << 64) - 1)}}
    least = {"name": "conform.BadQuery", "number": 100, "details": {
        "at": 0, "message": "", "points": [], "counts": {},
        "shape": {"number": "0"}, "color": "BLUE", "raw": "", "offset": "0"}}
    overflow = {"name": "conform.Overflow", "number": 101,
                "details": {"limit": str((1 << 63) - 1), "bits": 63}}
    for encoding in ("json", "msgpack", "native"):
        call = f"{encoding}_fail"
        for how, error in (
                ("BadQuery", bad_query), ("BadQuery.least", least),
                ("Overflow", overflow),
                ("Plain", {"name": "conform.Plain", "number": 4711}),
                ("Plain.message", {"name": "conform.Plain", "number": 4711,
                                   "message": "for a reason"})):
            add(f"{encoding}.fail.{how}", call, {"how": how}, error=error,
                sent=True)
        add(f"{encoding}.fail.not", call, {"how": "other"}, result=5)


def statuses():
    with open(os.path.join(INCLUDE, "status.h"), encoding="utf-8") as file:
        rows = re.findall(r"X\((\w+), +(-\d+),", file.read())
    assert len(rows) > 20
    return [(name, int(number)) for name, number in rows]


def add_statuses():
    for name, number in statuses():
        add(f"status.{name}", "status",
            {"status": number, "message": f"as {name}"},
            error={"status": name, "number": number, "message": f"as {name}"})


def add_faults():
    import builtins

    for name in ("ValueError", "KeyError", "OverflowError", "MemoryError",
                 "NotImplementedError", "UserWarning"):
        for label, args in (("none", []), ("text", ["no such key"]),
                            ("many", ["text", 2, [1.5, None], {"k": True}])):
            message = str(getattr(builtins, name)(*args))
            add(f"fault.{name}.{label}", "fault",
                {"type": name, "message": message, "args": args},
                error={"status": "UNKNOWN", "may_have_run": True, "fault": {
                    "type": name, "message": message, "args": args}})
    add("fault.custom", "fault",
        {"type": "shop.SoldOut", "message": "('tea', 3)", "args": ["tea", 3]},
        error={"status": "UNKNOWN", "fault": {
            "type": "shop.SoldOut", "message": "('tea', 3)",
            "args": ["tea", 3]}})


def add_times():
    for timeout in (1, 50):
        add(f"late.{timeout}", "sleep", {"ms": 60000},
            options={"timeout_ms": timeout},
            error={"status": "DEADLINE"}, within_ms=[timeout, 30000])
    add("in_time", "sleep", {"ms": 5}, options={"timeout_ms": 30000},
        result=5, within_ms=[5, 30000])
    add("cancelled", "sleep", {"ms": 60000}, options={"cancel": True},
        error={"status": "CANCELLED"}, within_ms=[0, 30000])
    add("after", "native_u8", {"v": 8}, result=8)


def add_others():
    add("nothing", "nothing", {}, result=None)
    add("oneway.first", "note", {"number": 3}, result=None)
    add("oneway.second", "note", {"number": 4}, result=None)
    # Oneway calls run at an unknown time, so the sum is asked for until it is
    # right.
    add("oneway.sum", "noted", {}, result="7", options={"until": True})
    add("oneway.not.wide", "note", {"number": 1 << 32},
        error={**REFUSED, "path": "number"}, sent=False)
    add("names.parameters", "import", {"class": "ab"}, result="abab")
    add("names.all", "import", {"class": "ab", "def": 3}, result="ababab")
    add("names.method", "class", {"for": 7}, result=7)
    add("names.absent", "class", {}, result=4000)


def check_kinds(types):
    """Checks that an echo method of conform.svc has each kind of the library."""
    with open(os.path.join(INCLUDE, "descriptor.h"), encoding="utf-8") as file:
        kinds = set(re.findall(r"SHMRPC_KIND_(\w+) = ", file.read()))
    used = set()

    def look(type_):
        used.add(type_["kind"].upper())
        for part in ("key", "element"):
            if type_[part] is not None:
                look(type_[part])

    for method in types.methods.values():
        if is_echo(method):
            look(method["params"][0]["type"])
    if kinds - used:
        sys.exit(f"conform.svc has no method for {', '.join(kinds - used)}")


def main():
    types = schema.load(sys.argv[1], os.path.join(HERE, "conform.svc"))
    check_kinds(types)
    add_echoes(Maker(types))
    add_anys()
    add_raw()
    add_defaults()
    add_failures()
    add_statuses()
    add_faults()
    add_times()
    add_others()
    assert len(cases) >= 300
    for case in cases:
        print(json.dumps(case, separators=(",", ":")))


if __name__ == "__main__":
    main()
