"""The types of conform.svc, from shmrpcgen --dump=model, and their JSON form;
shared by make_calls.py and the Python client."""

import base64
import json
import keyword
import math
import struct
import subprocess

WIDTHS = {"i8": 8, "i16": 16, "i32": 32, "i64": 64,
          "u8": 8, "u16": 16, "u32": 32, "u64": 64}


class Schema:
    def __init__(self, model):
        self.enums = {enum["full_name"]: enum for enum in model["enums"]}
        self.records = {record["full_name"]: record
                        for record in model["records"]}
        self.errors = {error["full_name"]: error for error in model["errors"]}
        self.service = model["services"][0]
        self.methods = {method["name"]: method
                        for method in self.service["methods"]}


def load(generator, svc):
    """Returns the model of a .svc, as the program shmrpcgen prints it."""
    done = subprocess.run([generator, "--dump=model", svc], check=True,
                          stdout=subprocess.PIPE)
    return Schema(json.loads(done.stdout))


def limits(kind):
    """The least and the greatest number of an integer kind."""
    width = WIDTHS[kind]
    if kind[0] == "u":
        return 0, (1 << width) - 1
    return -(1 << (width - 1)), (1 << (width - 1)) - 1


def is_wide(kind):
    """Whether the kind has 64 bits. In JSON such numbers are texts, because
    many JSON libraries only have doubles."""
    return WIDTHS.get(kind) == 64


def python_name(name):
    return name + "_" if keyword.iskeyword(name) else name


class Form:
    """Converts between JSON of the file and Python's values. `classes` has the
    classes of a generated module. If it is None, structs and unions are
    dicts."""

    def __init__(self, schema, classes=None):
        self.schema = schema
        self.classes = classes

    # ---- to Python -------------------------------------------------------

    def to_python(self, type_, value):
        """Returns the value that a user would pass. A value of a wrong type, as
        in bad cases, is returned unchanged."""
        try:
            return getattr(self, "_to_" + type_["kind"], self._same)(
                type_, value)
        except (ValueError, TypeError, KeyError, AttributeError):
            return value

    def _same(self, type_, value):
        if type_["kind"] in WIDTHS and isinstance(value, str):
            return int(value)
        return value

    def _float(self, type_, value):
        if isinstance(value, str):
            return {"NaN": math.nan, "Infinity": math.inf,
                    "-Infinity": -math.inf}[value]
        return value

    _to_f32 = _to_f64 = _float

    def _to_bytes(self, type_, value):
        return base64.b64decode(value, validate=True)

    def _to_enum(self, type_, value):
        if self.classes is None or not isinstance(value, str):
            return value
        return self.classes[type_["name"]][value]

    def _to_list(self, type_, value):
        if not isinstance(value, list):
            return value
        return [self.to_python(type_["element"], item) for item in value]

    _to_array = _to_list

    def _to_map(self, type_, value):
        return {self.to_python(type_["key"], key):
                self.to_python(type_["element"], item)
                for key, item in value.items()}

    def _to_struct(self, type_, value):
        record = self.schema.records[type_["name"]]
        given = {python_name(field["name"]):
                 self.to_python(field["type"], value[field["name"]])
                 for field in record["fields"] if field["name"] in value}
        if self.classes is None:
            known = {field["name"] for field in record["fields"]}
            return {**given, **{name: item for name, item in value.items()
                                if name not in known}}
        return self.classes[type_["name"]](**given)

    def _to_union(self, type_, value):
        record = self.schema.records[type_["name"]]
        cases = {field["name"]: field["type"] for field in record["fields"]}
        if self.classes is None or len(value) != 1 or next(iter(value)) not in cases:
            return {name: self.to_python(cases[name], item)
                    if name in cases else item for name, item in value.items()}
        (name, item), = value.items()
        return self.classes[f"{type_['name']}.{name}"](
            self.to_python(cases[name], item))

    def _to_any(self, type_, value):
        return self.any_to_python(value)

    def any_to_python(self, value):
        import shmrpc

        if isinstance(value, list):
            return [self.any_to_python(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "$int" in value:
            return int(value["$int"])
        if "$float" in value:
            return float(self._float(None, value["$float"]))
        if "$bytes" in value:
            return base64.b64decode(value["$bytes"])
        if "$ext" in value:
            return shmrpc.Ext(value["$ext"][0],
                              base64.b64decode(value["$ext"][1]))
        if "$map" in value:
            return {self.any_to_python(key): self.any_to_python(item)
                    for key, item in value["$map"]}
        return {key: self.any_to_python(item) for key, item in value.items()}

    # ---- to comparable values ----------------------------------------------

    def plain(self, type_, value):
        """Returns a form for comparisons, which is the same for equal values
        and includes the Python type."""
        kind = type_["kind"]
        if kind == "enum":
            return ("enum", self._number(type_, value))
        if kind in ("f32", "f64"):
            number = float(value)
            if kind == "f32" and math.isfinite(number):
                number = struct.unpack("<f", struct.pack("<f", number))[0]
            return ("float", "NaN" if math.isnan(number) else number.hex())
        if kind in ("list", "array"):
            return [self.plain(type_["element"], item) for item in value]
        if kind == "map":
            return [(self.plain(type_["key"], key),
                     self.plain(type_["element"], item))
                    for key, item in sorted(value.items())]
        if kind == "struct":
            return self.fields(self.schema.records[type_["name"]], value)
        if kind == "union":
            return self._case(self.schema.records[type_["name"]], value)
        if kind == "any":
            return self._any(value)
        return (type(value).__name__, bytes(value) if kind == "bytes" else value)

    def _number(self, type_, value):
        if isinstance(value, str):
            return next(item["value"] for item
                        in self.schema.enums[type_["name"]]["items"]
                        if item["name"] == value)
        return int(value)

    def fields(self, record, value):
        rows = []
        for field in record["fields"]:
            name = python_name(field["name"])
            item = (value.get(name) if isinstance(value, dict)
                    else getattr(value, name))
            rows.append((field["name"], None if item is None
                         else self.plain(field["type"], item)))
        return rows

    def _case(self, record, value):
        for field in record["fields"]:
            name = field["name"]
            if isinstance(value, dict):
                if name in value:
                    return (name, self.plain(field["type"], value[name]))
            elif type(value).__name__ == record["name"] + "".join(
                    part.capitalize() for part in name.split("_")):
                return (name, self.plain(field["type"], value.value))
        return ("no case", repr(value))

    def _any(self, value):
        if isinstance(value, list):
            return [self._any(item) for item in value]
        if isinstance(value, dict):
            return [(self._any(key), self._any(item))
                    for key, item in value.items()]
        if isinstance(value, float):
            return ("float", "NaN" if math.isnan(value) else value.hex())
        if type(value).__name__ == "Ext":
            return ("Ext", value.code, bytes(value.data))
        return (type(value).__name__, value)
