"""Services described by Python classes: decorators, and the `.svc` they
produce.

    class Search:
        port = 5560
        name = "fts"

        @msgpack_method
        def find(self, text: Annotated[str, length(1, 64)],
                 limit: Annotated[int, u32(1, 1000)] = 10) -> list[Hit]: ...

`python3 -m shmrpc svc module:Search` prints its `.svc`. Such a class is served
directly; the text of the `.svc` remains the contract.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from ._errors import DeclaredError

__all__ = ["SvcError", "describe", "f32", "f64", "i8", "i16", "i32", "i64",
           "idempotent", "is_described", "json_method", "length",
           "msgpack_method", "native_method", "oneway", "python_types",
           "raw_method", "throws", "timeout", "u8", "u16", "u32", "u64"]

_F = TypeVar("_F", bound=Callable[..., Any])


class SvcError(TypeError):
    """No `.svc` can describe a class; the message says why, and what to do."""


# ---- decorators -----------------------------------------------------------


def _marks_of(function: Any) -> dict[str, Any]:
    """The properties that decorators have set on a function."""
    marks: dict[str, Any] | None = getattr(function, "__dict__", {}).get(
        "__shmrpc__")
    if marks is None:
        marks = {}
        function.__shmrpc__ = marks
    return marks


def _encode(function: _F, encoding: str) -> _F:
    marks = _marks_of(function)
    if "encoding" in marks:
        raise SvcError(f"{function.__name__} has two encodings, "
                       f"{marks['encoding']} and {encoding}: keep one")
    marks["encoding"] = encoding
    return function


def raw_method(function: _F) -> _F:
    """A method that takes and returns bytes, unchanged: (self, data: bytes) ->
    bytes."""
    return _encode(function, "raw")


def json_method(function: _F) -> _F:
    """A method whose values travel as JSON, for people and browsers."""
    return _encode(function, "json")


def msgpack_method(function: _F) -> _F:
    """A method whose values travel as msgpack: JSON's types and bytes, with
    keys of any type."""
    return _encode(function, "msgpack")


def native_method(function: _F) -> _F:
    """A method whose values travel in C's memory layout: each value needs a
    hint."""
    return _encode(function, "native")


def python_types(function: _F) -> _F:
    """For a msgpack method: values without a hint keep Python's types (tuples,
    sets, large and complex numbers, dates, Decimal, UUID), also as keys."""
    _marks_of(function)["python"] = True
    return function


def idempotent(function: _F) -> _F:
    """The method may run twice without harm, so a client may repeat a call."""
    _marks_of(function)["idempotent"] = True
    return function


def oneway(function: _F) -> _F:
    """The method has no answer: the caller continues at once."""
    _marks_of(function)["oneway"] = True
    return function


def timeout(seconds: float) -> Callable[[_F], _F]:
    """The default timeout of the method's calls, in seconds."""
    if not 0 < seconds <= 86400:
        raise ValueError(f"timeout: {seconds!r} seconds, expected more than 0 "
                         "and up to a day")

    def mark(function: _F) -> _F:
        _marks_of(function)["timeout"] = seconds
        return function

    return mark


def throws(*errors: type[DeclaredError]) -> Callable[[_F], _F]:
    """The errors that the method declares: classes derived from
    shmrpc.DeclaredError, with a `status` from 100 and their fields as
    annotations."""
    for error in errors:
        if not (isinstance(error, type) and issubclass(error, DeclaredError)):
            raise SvcError(f"throws: {error!r} is not a class derived from "
                           "shmrpc.DeclaredError")

    def mark(function: _F) -> _F:
        _marks_of(function)["throws"] = errors
        return function

    return mark


# ---- type hints -----------------------------------------------------------

_N = TypeVar("_N", int, float)


class _Number(Generic[_N]):
    """For Annotated[int, u32] and Annotated[int, u32(1, 1000)]."""

    def __init__(self, kind: str, bounds: str = "") -> None:
        self._kind = kind
        self._bounds = bounds

    def __call__(self, low: _N | None = None,
                 high: _N | None = None) -> _Number[_N]:
        return _Number(self._kind, _range(low, high))

    def __repr__(self) -> str:
        return self._kind + self._bounds

    def takes(self, hint: Any) -> bool:
        return hint is (float if self._kind[0] == "f" else int)


class length:
    """For Annotated[str, length(1, 64)]: the length of a text or bytes in
    bytes, of a list or dict in items."""

    def __init__(self, low: int | None = None, high: int | None = None) -> None:
        self._bounds = _range(low, high)

    def __repr__(self) -> str:
        return self._bounds


def _range(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ""
    return (f"({'' if low is None else low}.."
            f"{'' if high is None else high})")


i8, i16, i32, i64, u8, u16, u32, u64 = (
    _Number[int](kind) for kind in ("i8", "i16", "i32", "i64", "u8", "u16",
                                    "u32", "u64"))
f32, f64 = _Number[float]("f32"), _Number[float]("f64")


# ---- describing -----------------------------------------------------------


class Described(NamedTuple):
    """A service that a class describes."""

    text: str  # the canonical .svc
    classes: dict[str, Any]  # by their names in the .svc
    fills: dict[str, list[tuple[int, Any]]]  # defaults that no .svc can have


def is_described(cls: Any) -> bool:
    """Whether any method of the class has a decorator."""
    return isinstance(cls, type) and any(
        isinstance(getattr(value, "__shmrpc__", None), dict)
        for base in cls.__mro__ for value in map(_function_of,
                                                 vars(base).values()))


def describe(cls: type) -> Described:
    """Returns the `.svc` of a class with decorated methods. Raises SvcError if
    that is impossible, with the reason and what to do."""
    known = cls.__dict__.get("__described__")
    if isinstance(known, Described):
        return known
    describer = _Describer(cls)
    text = describer.run()
    from . import _core

    try:
        canonical = _core.canonical(text)
    except ValueError as error:
        raise SvcError(_explained(cls, str(error), text)) from None
    made = Described(canonical, describer.classes, describer.fills)
    setattr(cls, "__described__", made)
    return made


def _explained(cls: type, message: str, text: str) -> str:
    """Returns the message of an error in the text, followed by the line that
    has the error."""
    at = message.partition(":")[0]
    lines = text.splitlines()
    line = lines[int(at) - 1].strip() if at.isdigit() and \
        0 < int(at) <= len(lines) else ""
    return (f"the .svc of {cls.__name__} is invalid: {message}"
            + (f"\n  {line}" if line else ""))


def _function_of(value: Any) -> Any:
    return value.__func__ if isinstance(value, (staticmethod, classmethod)) \
        else value


def svc_name(name: str) -> str:
    """Removes the underscore that is appended to Python's keywords."""
    import keyword

    return name[:-1] if name.endswith("_") and keyword.iskeyword(
        name[:-1]) else name


def _hint_text(hint: Any) -> str:
    return getattr(hint, "__qualname__", None) or str(hint).replace(
        "typing.", "")


# Stands for a missing hint or default.
_EMPTY = object()


class _Describer:
    """Writes the text of one class."""

    def __init__(self, cls: type) -> None:
        self.cls = cls
        self.package = self._package()
        self.classes: dict[str, Any] = {}
        self.fills: dict[str, list[tuple[int, Any]]] = {}
        self._names: dict[str, Any] = {}
        self._decls: list[str] = []
        self._where = cls.__name__
        self._python = False
        self._encoding = ""

    def refuse(self, why: str) -> SvcError:
        return SvcError(f"{self._where}: {why}")

    def _package(self) -> str:
        given = getattr(self.cls, "package", None)
        if isinstance(given, str):
            return given
        name = self.cls.__module__.rpartition(".")[2]
        if name == "__main__":  # the name under which other modules import it
            import os

            file = getattr(sys.modules["__main__"], "__file__", None) or "main"
            name = os.path.splitext(os.path.basename(file))[0]
        return name

    # -- the service

    def run(self) -> str:
        methods = [self._method(name, marks) for name, marks in
                   self._methods().items()]
        port = getattr(self.cls, "port", None)
        name = getattr(self.cls, "name", None)
        if isinstance(port, bool) or not isinstance(port, int):
            raise self.refuse("has no port: add one, such as `port = 5555`")
        if not isinstance(name, str):
            raise self.refuse("has no name: add one, such as "
                              "`name = 'echo_serv'`")
        import json

        rows = [f"package {self.package};", "", *self._decls,
                *_docs(self.cls.__doc__, ""),
                f"service {self.cls.__name__} {{", f"  port {port};",
                f"  name {json.dumps(name)};"]
        version = getattr(self.cls, "version", None)
        if isinstance(version, int) and not isinstance(version, bool):
            rows.append(f"  version {version};")
        rows += [line for method in methods for line in method]
        return "\n".join([*rows, "}", ""])

    def _methods(self) -> dict[str, dict[str, Any]]:
        """Returns the decorated methods in order; a method that overrides
        another one keeps its place."""
        found: dict[str, dict[str, Any]] = {}
        for base in reversed(self.cls.__mro__):
            for name, value in vars(base).items():
                marks = getattr(_function_of(value), "__shmrpc__", None)
                if isinstance(marks, dict):
                    found[name] = marks
        if not found:
            raise self.refuse("has no methods: put @json_method, or another "
                              "encoding, before those to be called")
        return found

    def _method(self, name: str, marks: dict[str, Any]) -> list[str]:
        self._where = f"{self.cls.__name__}.{name}"
        self._encoding = marks.get("encoding", "")
        self._python = bool(marks.get("python"))
        if not self._encoding:
            raise self.refuse("has no encoding: add @json_method, "
                              "@msgpack_method, @native_method or @raw_method")
        parameters, hints = self._parameters(name)
        result = hints.get("return", _EMPTY)
        one_way = bool(marks.get("oneway"))
        ended = "" if one_way or result is type(None) else \
            f" -> {self._result(result)}"
        throws = [self._error(error) for error in marks.get("throws", ())]
        given = ", ".join(self._parameter(name, i, parameter, hints) for
                          i, parameter in enumerate(parameters))
        self._where = self.cls.__name__
        return [*_docs(getattr(self.cls, name).__doc__, "  "),
                *(["  @idempotent"] if marks.get("idempotent") else []),
                *([f"  @timeout({_duration(marks['timeout'])})"]
                  if "timeout" in marks else []),
                *(["  @types(python)"] if self._python else []),
                f"  {'oneway ' if one_way else ''}{self._encoding} "
                f"{svc_name(name)}({given}){ended}"
                f"{' throws ' if throws else ''}{', '.join(throws)};"]

    def _parameters(self, name: str) -> tuple[list[Any], dict[str, Any]]:
        import inspect

        value = inspect.getattr_static(self.cls, name)
        function = getattr(self.cls, name)
        parameters = list(inspect.signature(function).parameters.values())
        if not isinstance(value, (staticmethod, classmethod)):
            parameters = parameters[1:]
        for parameter in parameters:
            if parameter.kind not in (parameter.POSITIONAL_ONLY,
                                      parameter.POSITIONAL_OR_KEYWORD):
                raise self.refuse(f"{parameter} can't be passed by a remote "
                                  "caller: make it a plain parameter, or a list or "
                                  "dict")
        return parameters, self._hints(_function_of(value))

    def _hints(self, of: Any) -> dict[str, Any]:
        import typing

        try:
            return typing.get_type_hints(of, include_extras=True)
        except Exception as error:
            raise self.refuse(f"its hints can't be read ({error}): import "
                              "the names that they use at the top of the "
                              "module") from None

    def _result(self, hint: Any) -> str:
        if self._encoding == "raw" and hint in (_EMPTY, bytes):
            return "bytes"
        items = _items_of_stream(hint)
        if items is not _EMPTY:
            return f"stream {self._type(items, 'an item')}"
        if _without_none(hint) is not hint and not self._python:
            raise self.refuse(
                f"a method returns a result or raises an error, so its hint "
                f"can't be {_hint_text(hint)}: raise an error (@throws), "
                "return a list, or leave out the hint")
        return self._type(hint, "its result")

    def _parameter(self, method: str, index: int, parameter: Any,
                   hints: dict[str, Any]) -> str:
        name = svc_name(parameter.name)
        hint = hints.get(parameter.name, _EMPTY)
        what = f"parameter {parameter.name}"
        if self._encoding == "raw" and hint in (_EMPTY, bytes):
            return f"bytes {name}"
        items = _items_of_stream(hint)
        if items is not _EMPTY:
            return f"stream {self._type(items, what)} {name}"
        if parameter.default is parameter.empty:
            return self._field(name, hint, _EMPTY, what)
        if hint is _EMPTY or self._literal(hint, parameter.default) is None:
            return self._filled(method, index, parameter, hint, what)
        return self._field(name, hint, parameter.default, what)

    def _filled(self, method: str, index: int, parameter: Any, hint: Any,
                what: str) -> str:
        """Declares a parameter with a default that only Python can compute: it
        is used if the caller passes nothing, or None."""
        if parameter.default is not None:
            if _without_none(hint) is not hint:
                raise self.refuse(
                    f"{what} may be None and has another default: give it the "
                    "default None, and choose in the method")
            self.fills.setdefault(svc_name(method), []).append(
                (index, parameter.default))
        text = self._type(_without_none(hint), what)
        return f"optional {text} {svc_name(parameter.name)}"

    # -- types

    def _field(self, name: str, hint: Any, default: Any, what: str) -> str:
        """Declares a parameter, or a field of a struct, without the `;`."""
        inner = _without_none(hint)
        if inner is not hint:
            return f"optional {self._type(inner, what)} {name}"
        text = f"{self._type(hint, what)} {name}"
        if default is _EMPTY:
            return text
        literal = self._literal(hint, default)
        return text if literal is None else f"{text} = {literal}"

    def _literal(self, hint: Any, value: Any) -> str | None:
        """Returns a default as a .svc writes it, or None if no .svc can have
        it."""
        import enum
        import json
        import math

        plain = _bare(hint)
        if isinstance(value, enum.Enum):
            return value.name if plain is type(value) else None
        if isinstance(value, bool) or plain is bool:
            return json.dumps(value) if plain is type(value) else None
        if isinstance(value, int) and plain in (int, float):
            return str(value)
        if isinstance(value, float) and plain is float:
            text = repr(value)
            return text if math.isfinite(value) and "e" not in text else None
        if isinstance(value, str) and plain is str:
            return json.dumps(value) if value.isascii() and \
                value.isprintable() else None
        return None

    def _type(self, hint: Any, what: str) -> str:
        import typing

        if hint is _EMPTY or hint in (typing.Any, object):
            return self._any(what)
        if typing.get_origin(hint) is typing.Annotated:
            return self._annotated(hint, what)
        if isinstance(hint, typing.NewType):
            return self._type(hint.__supertype__, what)
        simple = {bool: "bool", int: "i64", float: "f64", str: "string",
                  bytes: "bytes", bytearray: "bytes", memoryview: "bytes"}
        if isinstance(hint, type) and hint in simple:
            return simple[hint]
        return self._container(hint, what) or self._named(hint, what)

    def _any(self, what: str) -> str:
        if self._encoding == "native":
            raise self.refuse(f"{what} has no type: native methods need hints; "
                              "add one, or make it a msgpack method")
        if self._encoding == "raw":
            raise self.refuse("raw methods take bytes and return bytes")
        return "any"

    def _annotated(self, hint: Any, what: str) -> str:
        inner = hint.__origin__
        text = None
        for extra in hint.__metadata__:
            if isinstance(extra, _Number):
                if not extra.takes(inner):
                    raise self.refuse(f"{what}: {extra} can't be applied to "
                                      f"{_hint_text(inner)}")
                text = repr(extra)
            elif isinstance(extra, length):
                text = (text or self._type(inner, what)) + repr(extra)
        return text or self._type(inner, what)

    def _container(self, hint: Any, what: str) -> str | None:
        import collections.abc as abc
        import typing

        origin = typing.get_origin(hint) or hint
        args = typing.get_args(hint)
        if origin in (list, abc.Sequence, abc.Iterable):
            items = self._type(args[0], what) if args else self._any(what)
            return f"list<{items}>"
        if origin in (dict, abc.Mapping):
            return self._map(args, what)
        if origin is tuple and args and not self._python:
            return self._tuple(hint, args, what)
        return None

    def _map(self, args: tuple[Any, ...], what: str) -> str:
        import enum

        if not args:
            return self._any(what) if self._encoding != "json" else \
                f"map<string, {self._any(what)}>"
        key, value = args
        bare = _bare(key)
        if bare in (str, int, bool) or (isinstance(bare, type)
                                        and issubclass(bare, enum.IntEnum)):
            return f"map<{self._type(key, what)}, {self._type(value, what)}>"
        if self._python:
            return "any"
        raise self.refuse(
            f"{what}: a dict's keys are str, int, bool or an IntEnum, not "
            f"{_hint_text(key)}: use @msgpack_method and @python_types, or a "
            "list of dataclasses")

    def _tuple(self, hint: Any, args: tuple[Any, ...], what: str) -> str:
        if len(args) == 2 and args[1] is ...:
            return f"list<{self._type(args[0], what)}>"
        if all(arg == args[0] for arg in args):
            return f"{self._type(args[0], what)}[{len(args)}]"
        raise self.refuse(
            f"{what}: {_hint_text(hint)} has items of several types: use a "
            "dataclass, or @msgpack_method and @python_types")

    def _named(self, hint: Any, what: str) -> str:
        import dataclasses
        import enum

        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            return self._declare(hint, self._struct)
        if isinstance(hint, type) and issubclass(hint, enum.IntEnum) and \
                not issubclass(hint, enum.Flag):
            return self._declare(hint, self._enum)
        if self._python:
            return "any"  # for `any`, the caller is told what can't be sent
        raise self.refuse(f"{what}: a .svc has no type for {_hint_text(hint)}: "
                          f"{self._advice(hint)}")

    @staticmethod
    def _advice(hint: Any) -> str:
        import enum
        import types
        import typing

        origin = typing.get_origin(hint)
        if origin in (typing.Union, types.UnionType):
            return ("use a dataclass with an optional field for each case, or "
                    "write a .svc with a union")
        if origin is typing.Literal:
            return "use an IntEnum, or str"
        if isinstance(hint, type) and issubclass(hint, enum.Enum):
            return "derive it from enum.IntEnum, with a member of value 0"
        if typing.is_typeddict(hint) or (isinstance(hint, type)
                                         and issubclass(hint, tuple)):
            return "use a dataclass"
        return ("use a dataclass, or @msgpack_method and @python_types for "
                "tuples, sets, dates, Decimal and UUID")

    # -- declarations

    def _declare(self, cls: type, write: Callable[[type], list[str]]) -> str:
        """Returns the name of a class; declares the class before what uses
        it."""
        name = cls.__name__
        if name in self._names:
            if self._names[name] is not cls:
                raise self.refuse(f"two classes are called {name}: rename one")
            return name
        self._names[name] = cls
        where, self._where = self._where, name
        python, self._python = self._python, False
        self._decls += [*_docs(_doc_of(cls), ""), *write(cls), ""]
        self._where, self._python = where, python
        return name

    def _struct(self, cls: type) -> list[str]:
        self.classes[f"{self.package}.{cls.__name__}"] = cls
        return [f"struct {cls.__name__} {{", *self._fields(cls), "}"]

    def _fields(self, cls: Any) -> list[str]:
        import dataclasses

        hints = self._hints(cls)
        if any(isinstance(hint, dataclasses.InitVar)
               for hint in hints.values()):
            raise self.refuse("an InitVar is not a field that could be sent: "
                              "leave it out")
        rows = []
        for field in dataclasses.fields(cls):
            if not field.init:
                raise self.refuse(f"field {field.name} is not set by the "
                                  "constructor: make it a property")
            default = field.default
            rows.append("  " + self._field(
                svc_name(field.name), hints[field.name],
                _EMPTY if default is dataclasses.MISSING else default,
                f"field {field.name}") + ";")
        return rows

    def _enum(self, cls: Any) -> list[str]:
        self.classes[f"{self.package}.{cls.__name__}"] = cls
        values = [int(member) for member in cls]
        fits = all(-(1 << 31) <= value < 1 << 31 for value in values)
        wide = any(value >= 1 << 63 for value in values)
        base = "" if fits else " : u64" if wide else " : i64"
        return [f"enum {cls.__name__}{base} {{",
                *(f"  {member.name} = {int(member)};" for member in cls), "}"]

    def _error(self, cls: type[DeclaredError]) -> str:
        if cls.__name__ not in self._names:
            _make_payload(cls, f"{self.package}.{cls.__name__}")
            self.classes[f"{self.package}.{cls.__name__}.error"] = cls
        return self._declare(cls, self._error_rows)

    def _error_rows(self, cls: Any) -> list[str]:
        if cls.status < 100:
            raise self.refuse("has no number: add one from 100, such as "
                              "`status = 100`")
        if cls.payload is None:
            return [f"error {cls.__name__} = {cls.status};"]
        self.classes[f"{self.package}.{cls.__name__}"] = cls.payload
        return [f"error {cls.__name__} = {cls.status} {{",
                *self._fields(cls.payload), "}"]


def _make_payload(cls: Any, full_name: str) -> None:
    """Makes a dataclass from the annotated fields of an error class."""
    import dataclasses

    cls.name = full_name
    own = cls.__dict__.get("__annotations__", {})
    if cls.payload is not None or not own:
        return
    fields: list[Any] = []
    for name, hint in own.items():
        default = cls.__dict__.get(name, dataclasses.MISSING)
        fields.append((name, hint) if default is dataclasses.MISSING else
                      (name, hint, dataclasses.field(default=default)))
        if default is not dataclasses.MISSING:
            delattr(cls, name)  # otherwise the class's attribute would hide
                                # the field
    cls.payload = dataclasses.make_dataclass(
        f"{cls.__name__}Details", fields,
        namespace={"__module__": cls.__module__})
    cls.payload.__module__ = cls.__module__


def _doc_of(cls: Any) -> str | None:
    """Returns the class's own docstring, not one that dataclasses generate."""
    doc: str | None = cls.__dict__.get("__doc__")
    return None if doc is None or doc.startswith(f"{cls.__name__}(") else doc


def _docs(doc: str | None, indent: str) -> list[str]:
    import inspect

    lines = inspect.cleandoc(doc).splitlines() if doc else []
    return [f"{indent}/// {line}".rstrip() for line in lines]


def _duration(seconds: float) -> str:
    nanoseconds = max(1, round(seconds * 1e9))
    for size, unit in ((10**9, "s"), (10**6, "ms"), (10**3, "us"), (1, "ns")):
        if nanoseconds % size == 0:
            return f"{nanoseconds // size}{unit}"
    raise AssertionError


def _bare(hint: Any) -> Any:
    import typing

    return hint.__origin__ if typing.get_origin(hint) is typing.Annotated \
        else hint


def _without_none(hint: Any) -> Any:
    """Returns T for `T | None`, else the hint itself."""
    import types
    import typing

    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return hint
    rest = tuple(arg for arg in typing.get_args(hint) if arg is not type(None))
    if len(rest) == len(typing.get_args(hint)):
        return hint
    return typing.Union[rest]


def _items_of_stream(hint: Any) -> Any:
    """Returns T for Iterator[T] and similar hints."""
    import collections.abc as abc
    import typing

    streams = (abc.Iterator, abc.Generator, abc.AsyncIterator,
               abc.AsyncGenerator)
    if typing.get_origin(hint) in streams and typing.get_args(hint):
        return typing.get_args(hint)[0]
    return _EMPTY
