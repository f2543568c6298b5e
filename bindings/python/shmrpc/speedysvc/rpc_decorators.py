"""speedysvc's decorators of methods.

pickle and marshal are replaced by msgpack with Python's types, so that
received data can't run code.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from .. import svc

__all__ = ["json_method", "marshal_method", "msgpack_method", "pickle_method",
           "raw_method"]

_F = TypeVar("_F", bound=Callable[..., Any])


def _as_rpc(function: Callable[..., Any], is_raw: bool) -> Callable[..., Any]:
    """Returns a method for the client class: it calls `function` on the server,
    and has the same defaults."""
    signature = inspect.signature(function)

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        values = list(bound.args)[1:]
        return self.send(function, values[0] if is_raw else values)

    call.__name__ = function.__name__
    call.__qualname__ = function.__qualname__
    call.__doc__ = function.__doc__
    return call


def _encoded(function: _F, encode: Callable[[_F], _F], name: str) -> _F:
    encode(function)
    marked = cast(Any, function)
    marked.serialiser = name
    marked.as_rpc = lambda: _as_rpc(function, name == "raw")
    return function


def raw_method(function: _F) -> _F:
    """A method that takes bytes and returns bytes, unchanged."""
    return _encoded(function, svc.raw_method, "raw")


def json_method(function: _F) -> _F:
    """A method whose values travel as JSON."""
    return _encoded(function, svc.json_method, "json")


def msgpack_method(function: _F) -> _F:
    """A method whose values travel as msgpack."""
    return _encoded(function, svc.msgpack_method, "msgpack")


def pickle_method(function: _F) -> _F:
    """A method whose values keep their Python types, including tuples, sets
    and dates, also as keys; they travel as msgpack. Objects of other
    classes raise an error."""
    return _encoded(function, lambda f: svc.python_types(svc.msgpack_method(f)),
                    "python")


def marshal_method(function: _F) -> _F:
    """Same as pickle_method."""
    return pickle_method(function)
