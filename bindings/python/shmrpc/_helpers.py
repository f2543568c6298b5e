"""What the C part makes rarely: classes of a service, exceptions, signatures.

Nothing here is looked up by a name from the wire: names only become names of
new classes.
"""

from __future__ import annotations

from typing import Any, cast

from . import _core
from ._errors import _CLASSES, DeclaredError, Error
from ._ext import Ext

__all__ = ["Ext", "Namespace", "make_case", "make_enum", "make_error",
           "make_exception", "make_signature", "make_struct", "reconnect"]

_NUMBERS = {number: _CLASSES[name]
            for name, number in _core.statuses().items()}


class Namespace:
    """The classes of a service, by their names."""

    def __init__(self, members: dict[str, type]) -> None:
        self.__dict__.update(members)

    def __repr__(self) -> str:
        return f"<{', '.join(sorted(self.__dict__)) or 'nothing'}>"


def make_struct(name: str, full_name: str, rows: list[Any],
                doc: str | None) -> type:
    """A dataclass with slots; rows of name, type and default."""
    import dataclasses

    fields: list[Any] = []
    had_default = False
    for field_name, text, default in rows:
        has_default = default is not NotImplemented
        options: dict[str, Any] = {}
        if has_default and isinstance(default, (int, float, str, bytes,
                                                type(None))):
            options["default"] = default
        elif has_default:
            options["default_factory"] = _copier(default)
        if had_default and not has_default:
            options["kw_only"] = True
        had_default = had_default or has_default
        fields.append((field_name, text, dataclasses.field(**options)))
    made = dataclasses.make_dataclass(name, fields, slots=True)
    made.__module__ = _module_of(full_name)
    made.__doc__ = doc
    return made


def _copier(value: Any) -> Any:
    import copy

    return lambda: copy.deepcopy(value)


def _module_of(full_name: str) -> str:
    return full_name.rpartition(".")[0]


def make_enum(name: str, full_name: str, rows: list[tuple[str, int]],
              doc: str | None) -> type:
    """An IntEnum that is open: numbers without a name are members, too."""
    import enum

    class Open(enum.IntEnum):
        @classmethod
        def _missing_(cls, value: object) -> Any:
            if not isinstance(value, int):
                return None
            member = int.__new__(cls, value)
            sign = "_" if value < 0 else ""
            member._name_ = f"UNKNOWN_{sign}{abs(value)}"
            member._value_ = value
            return member

    made: Any = cast(Any, Open)(name, rows)
    made.__module__ = _module_of(full_name)
    made.__qualname__ = name
    made.__doc__ = doc
    return cast(type, made)


def make_case(name: str, full_name: str, case: str, text: str) -> type:
    """A class of one value: ShapeText for case `text` of union Shape."""
    import dataclasses

    camel = "".join(part[:1].upper() + part[1:] for part in case.split("_"))
    fields: list[Any] = [("value", text)]
    made = dataclasses.make_dataclass(name + camel, fields, slots=True)
    made.__module__ = _module_of(full_name)
    made.__doc__ = f"Case `{case}` of {full_name}."
    return made


def make_error(full_name: str, number: int, payload: type | None,
               doc: str | None) -> type:
    """A class for an error that a service declares."""
    module, _, name = full_name.rpartition(".")
    return type(name, (DeclaredError,), {
        "__module__": module, "__doc__": doc, "name": full_name,
        "status": number, "payload": payload})


def make_exception(cls: Any, status: int, name: str, message: str, path: str,
                   pid: int, may_have_run: bool, details: Any) -> Error:
    """The exception of a call that has failed."""
    if cls is None:
        cls = _NUMBERS.get(status, Error)
    error: Error = cls(f"{path}: {message}" if path else message or name)
    error.status = status
    error.name = name
    error.message = message
    error.path = path
    error.pid = pid
    error.may_have_run = may_have_run
    error.details = details
    return error


def make_signature(rows: list[Any], result: str) -> Any:
    """What inspect.signature() shows of a method."""
    import inspect

    had_default = False
    parameters = []
    for name, text, default in rows:
        has_default = default is not NotImplemented
        kind: Any = inspect.Parameter.POSITIONAL_OR_KEYWORD
        if had_default and not has_default:
            kind = inspect.Parameter.KEYWORD_ONLY
        had_default = had_default or has_default
        parameters.append(inspect.Parameter(
            name, kind, annotation=text,
            default=default if has_default else inspect.Parameter.empty))
    parameters.sort(key=lambda parameter: parameter.kind)
    return inspect.Signature(parameters, return_annotation=result)


def reconnect(where: str, svc: str | None, timeout: float,
              arrays: bool) -> _core.Client:
    """What a pickled client becomes where it is loaded."""
    client = _core.connect(where, svc)
    return client.with_options(timeout=timeout or None, arrays=arrays)
