"""Python values that JSON lacks, as extensions of msgpack.

The C part writes and reads tuples, sets, complex numbers and arrays itself,
and calls this module for other types. docs/protocol.md describes the bytes.
"""

from __future__ import annotations

import sys
from struct import error as _StructError
from struct import pack, unpack
from typing import Any

from ._ext import Ext

_BIGINT, _DATETIME, _DATE, _TIME, _TIMEDELTA = 5, 6, 7, 8, 9
_DECIMAL, _UUID = 10, 11
_PICKLE = 100
_BIGINT_BITS = 14284  # bits of a number with 4300 digits: SHMRPC_BIGINT_MAX_DIGITS


def plain(value: Any) -> Any:
    """Converts a value that the C part doesn't know to an Ext or a simpler
    Python value. Returns NotImplemented if that is not possible."""
    if isinstance(value, Ext):
        return value
    if isinstance(value, int):
        return Ext(_BIGINT, _whole(value))
    for name, write in _WRITERS:
        module = sys.modules.get(name)
        if module is not None:
            made = write(module, value)
            if made is not None:
                return made
    share = getattr(type(value), "__shmrpc_plain__", None)
    if share is not None:
        return share(value)
    if hasattr(type(value), "__dataclass_fields__"):
        return {name: getattr(value, name)
                for name in value.__dataclass_fields__}
    for name, convert in (("__index__", int), ("__float__", float)):
        if hasattr(type(value), name):
            return convert(value)
    return NotImplemented


def _whole(number: int) -> bytes:
    """Returns the two's complement in as few bytes as possible."""
    bits = (number if number >= 0 else ~number).bit_length()
    if bits > _BIGINT_BITS:
        raise ValueError("an integer of more than 4300 digits")
    return number.to_bytes(bits // 8 + 1, "big", signed=True)


def _offset_of(value: Any, module: Any) -> bytes:
    offset = value.utcoffset()
    if offset is None and value.tzinfo is not None:
        raise ValueError(f"{value!r}: its zone needs a date")
    if offset is None:
        return b""
    if offset % module.timedelta(seconds=1):
        raise ValueError(f"{value!r}: its offset is not a whole number of seconds")
    return pack(">i", offset // module.timedelta(seconds=1))


def _write_time(module: Any, value: Any) -> Ext | None:
    micro = module.timedelta(microseconds=1)
    if isinstance(value, module.datetime):
        since = value.replace(tzinfo=None) - module.datetime(1970, 1, 1)
        return Ext(_DATETIME,
                   pack(">q", since // micro) + _offset_of(value, module))
    if isinstance(value, module.date):
        return Ext(_DATE, pack(">i", value.toordinal() - _EPOCH))
    if isinstance(value, module.time):
        seconds = value.hour * 3600 + value.minute * 60 + value.second
        return Ext(_TIME, pack(">q", seconds * 1_000_000 + value.microsecond)
                   + _offset_of(value, module))
    if isinstance(value, module.timedelta):
        return Ext(_TIMEDELTA, pack(">iii", value.days, value.seconds,
                                    value.microseconds))
    return None


def _write_decimal(module: Any, value: Any) -> Ext | None:
    return (Ext(_DECIMAL, str(value).encode())
            if isinstance(value, module.Decimal) else None)


def _write_uuid(module: Any, value: Any) -> Ext | None:
    return Ext(_UUID, value.bytes) if isinstance(value, module.UUID) else None


# Types of modules that are not imported are skipped: no value can have them.
_WRITERS = (("datetime", _write_time), ("decimal", _write_decimal),
            ("uuid", _write_uuid))
_EPOCH = 719163  # of 1970-01-01, as date.toordinal() counts


def from_ext(code: int, data: bytes) -> Any:
    """Returns the value that an extension represents, or an Ext if its code
    has no meaning."""
    read = _READERS.get(code)
    if read is None:
        return Ext(code, data)
    try:
        return read(data)
    except (ValueError, OverflowError, ArithmeticError, _StructError) as error:
        raise ValueError(
            f"a damaged value: extension {code} is not well formed"
        ) from error


def _read_whole(data: bytes) -> int:
    if not data:
        raise ValueError("no bytes")
    return int.from_bytes(data, "big", signed=True)


def _zone_of(data: bytes) -> Any:
    import datetime

    if not data:
        return None
    (seconds,) = unpack(">i", data)
    return datetime.timezone(datetime.timedelta(seconds=seconds))


def _read_datetime(data: bytes) -> Any:
    import datetime

    (micros,) = unpack(">q", data[:8])
    at = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=micros)
    return at.replace(tzinfo=_zone_of(data[8:]))


def _read_date(data: bytes) -> Any:
    import datetime

    (days,) = unpack(">i", data)
    return datetime.date.fromordinal(days + _EPOCH)


def _read_time(data: bytes) -> Any:
    import datetime

    (micros,) = unpack(">q", data[:8])
    if not 0 <= micros < 86_400_000_000:
        raise ValueError("not a time of day")
    at = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=micros)
    return at.time().replace(tzinfo=_zone_of(data[8:]))


def _read_timedelta(data: bytes) -> Any:
    import datetime

    days, seconds, micros = unpack(">iii", data)
    return datetime.timedelta(days, seconds, micros)


def _read_decimal(data: bytes) -> Any:
    import decimal

    return decimal.Decimal(data.decode("ascii"))


def _read_uuid(data: bytes) -> Any:
    import uuid

    return uuid.UUID(bytes=data)


class Pickled(TypeError):
    """A value was pickled, but this handle doesn't load pickles."""


def _read_pickle(data: bytes) -> Any:
    raise Pickled("the value was pickled by a handle with serializer=pickle; "
                  "only such a handle reads it")


def pickled(value: Any) -> Ext:
    """Pickles a value, for a handle with serializer=pickle."""
    import pickle

    return Ext(_PICKLE, pickle.dumps(value, pickle.HIGHEST_PROTOCOL))


def from_own_ext(code: int, data: bytes) -> Any:
    """Like from_ext(), for an object that only this user can write to, so that
    pickles are safe."""
    if code == _PICKLE:
        import pickle

        return pickle.loads(data)
    return from_ext(code, data)


_READERS = {
    _BIGINT: _read_whole, _DATETIME: _read_datetime, _DATE: _read_date,
    _TIME: _read_time, _TIMEDELTA: _read_timedelta, _DECIMAL: _read_decimal,
    _UUID: _read_uuid, _PICKLE: _read_pickle,
}
