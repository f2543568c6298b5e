"""Functions that the C part calls rarely: they make a service's classes,
exceptions and signatures.

Names from the wire are never used to look anything up or to import it; they
only become names of new classes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, cast

from . import _core
from ._errors import _CLASSES, DeclaredError, Error, RemoteError
from ._ext import Ext
from ._types import from_ext, from_own_ext, pickled, plain

__all__ = ["Ext", "Namespace", "from_ext", "from_own_ext", "make_case",
           "make_enum", "make_error", "make_exception", "make_fault",
           "make_peer", "make_signature", "make_struct", "no_method", "pickled",
           "plain", "reconnect", "register", "status_of", "unexpected"]

_NUMBERS = {number: _CLASSES[name]
            for name, number in _core.statuses().items()}


def _near(name: str, names: Iterable[str]) -> str:
    """Returns the end of an error message about an unknown name."""
    import difflib

    found = difflib.get_close_matches(name, names, 1)
    return f"; did you mean {found[0]!r}?" if found else ""


def no_method(client: _core.ServiceClient, name: str) -> AttributeError:
    text = f"{client.service['id']} has no method {name!r}"
    if not name.startswith("_"):
        text += _near(name, dir(client))
    # Without the object, the interpreter adds no suggestion of its own.
    return AttributeError(text, name=name)


def unexpected(method: str, name: str, names: list[str]) -> TypeError:
    options = ["_metadata", "_reply_metadata", "_timeout"]
    return TypeError(f"{method}() got an unexpected keyword argument {name!r}"
                     + _near(name, names + options))


class Namespace:
    """Holds the classes of a service as attributes."""

    def __init__(self, members: dict[str, type]) -> None:
        self.__dict__.update(members)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the service has no {name!r} here"
                             + _near(name, self.__dict__), name=name)

    def __repr__(self) -> str:
        return f"<{', '.join(sorted(self.__dict__)) or 'nothing'}>"


def make_struct(name: str, full_name: str, rows: list[Any],
                doc: str | None) -> type:
    """Makes a dataclass with slots; each row has a name, type and default."""
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
    """Makes an open IntEnum: numbers without a name are members, too."""
    from .generated import OpenEnum

    made: Any = cast(Any, OpenEnum)(name, rows)
    made.__module__ = _module_of(full_name)
    made.__qualname__ = name
    made.__doc__ = doc
    return cast(type, made)


def make_case(name: str, full_name: str, case: str, text: str) -> type:
    """Makes a class with one value: ShapeText for the case `text` of union
    Shape."""
    import dataclasses

    camel = "".join(part[:1].upper() + part[1:] for part in case.split("_"))
    fields: list[Any] = [("value", text)]
    made = dataclasses.make_dataclass(name + camel, fields, slots=True)
    made.__module__ = _module_of(full_name)
    made.__doc__ = f"Case `{case}` of {full_name}."
    return made


def make_error(full_name: str, number: int, payload: type | None,
               doc: str | None) -> type:
    """Makes a class for an error that a service declares."""
    module, _, name = full_name.rpartition(".")
    return type(name, (DeclaredError,), {
        "__module__": module, "__doc__": doc, "name": full_name,
        "status": number, "payload": payload})


def make_exception(cls: Any, status: int, name: str, message: str, path: str,
                   pid: int, may_have_run: bool, details: Any) -> Error:
    """Makes the exception of a failed call."""
    if cls is None:
        cls = _NUMBERS.get(status, Error)
        text = f"{path}: {message}" if path else message or name
    elif message == f"declared error {status}":  # the handler gave no text
        _, paren, fields = ("" if details is None
                            else repr(details)).partition("(")
        text = f"{cls.__name__}{paren}{fields}"
    else:
        text = message or name
    error: Error = cls(text)
    error.status = status
    error.name = name
    error.message = message
    error.path = path
    error.pid = pid
    error.may_have_run = may_have_run
    error.details = details
    return error


# _remote maps the name of an exception class to a class that derives from both
# RemoteError and that class. No such class is made for names in _NOT_RAISED:
# raising one of these exceptions would end the caller's program or loop.
_NOT_RAISED = frozenset(("SystemExit", "KeyboardInterrupt", "GeneratorExit",
                         "StopIteration", "StopAsyncIteration"))
_remote: dict[str, type[RemoteError]] = {}
_registered: dict[str, type[Exception]] = {}


def register(cls: type[Exception]) -> type[Exception]:
    """A decorator: if a handler raises an exception whose class has this name,
    the caller gets an instance of both RemoteError and this class."""
    if not (isinstance(cls, type) and issubclass(cls, Exception)):
        raise TypeError("register: expected a class of exceptions")
    if cls.__module__ != "builtins":
        _registered[f"{cls.__module__}.{cls.__qualname__}"] = cls
    return cls


def _remote_class(name: str) -> type[RemoteError]:
    """Returns RemoteError, or a class derived from it and from the Python or
    registered class with this name. Nothing is imported for it."""
    import builtins

    if name in _remote:
        return _remote[name]
    base = _registered.get(name)
    if base is None and name.isidentifier() and name not in _NOT_RAISED:
        base = getattr(builtins, name, None)
    if not (isinstance(base, type) and issubclass(base, Exception)):
        return RemoteError
    made = type(base.__name__, (RemoteError, base),
                {"__module__": base.__module__, "__doc__": base.__doc__})
    _remote[name] = made
    return made


def _instance(cls: type[RemoteError], args: tuple[Any, ...]) -> RemoteError:
    """Makes an instance with exactly these `args`, whatever the class's
    constructor does."""
    try:
        error = cls(*args)
    except Exception:
        error = cls.__new__(cls)
    error.args = args
    return error


def make_fault(type_name: str, message: str, trace: str, args: Any, name: str,
               pid: int, may_have_run: bool) -> RemoteError:
    """Makes the exception that the caller gets for an undeclared exception of
    a handler."""
    values = tuple(args) if isinstance(args, list) else (message,)
    error = _instance(_remote_class(type_name), values)
    error.type_name = type_name
    error.traceback = trace
    error.status = _core.statuses()["UNKNOWN"]
    error.name = name
    error.message = message
    error.pid = pid
    error.may_have_run = may_have_run
    if trace:
        error.add_note(f"In the worker, process {pid}:\n\n{trace.rstrip()}")
    return error


def status_of(error: Error) -> int:
    """Returns the status of an exception that a handler raised itself: the
    exception's own status, or else the status that its class stands for."""
    if error.status:
        return error.status
    for cls in type(error).__mro__:
        for number, known in _NUMBERS.items():
            if known is cls:
                return number
    return 0


class Peer(NamedTuple):
    """The caller. Over TCP, only its address is known."""

    uid: int
    gid: int
    pid: int
    transport: str
    address: str
    subject: str | None


def make_peer(uid: int, gid: int, pid: int, transport: str, address: str,
              subject: str | None) -> Peer:
    return Peer(uid, gid, pid, transport, address, subject)


def make_signature(rows: list[Any], result: str) -> Any:
    """Makes the signature that inspect.signature() shows for a method."""
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


def reconnect(where: str, svc: str | None, timeout: float, arrays: bool,
              cls: Any = None) -> _core.Client:
    """Unpickles a client: connects again, with the same options."""
    client: _core.Client = (
        _core.connect(where, svc) if cls is None else
        _core.connect(where, svc, cls=cls, classes=cls.__classes__))
    return client.with_options(timeout=timeout or None, arrays=arrays)
