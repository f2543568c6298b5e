"""Errors of calls."""

import pytest

import shmrpc

BUILTINS = {
    "INVALID": ValueError, "DEADLINE": TimeoutError, "NOT_FOUND": LookupError,
    "DENIED": PermissionError, "UNAVAILABLE": ConnectionError,
    "WORKER_DIED": ConnectionError, "SERVER_LOST": ConnectionError,
    "NO_MEMORY": MemoryError, "UNIMPLEMENTED": NotImplementedError,
}


@pytest.mark.parametrize("number", range(-27, 0))
def test_every_status_has_a_class(errors, number):
    with pytest.raises(shmrpc.Error) as caught:
        errors.plain(number, "because")
    error = caught.value
    assert type(error) is not shmrpc.Error
    assert error.status == number
    assert str(error) == error.message
    assert "because" in error.message
    assert error.pid > 0
    assert type(error).__doc__
    assert isinstance(error, BUILTINS.get(error.name, Exception))


def test_declared_error_has_its_fields(errors):
    for method in (errors.by_json, errors.by_msgpack, errors.by_native):
        with pytest.raises(errors.errors.BadQuery) as caught:
            method(0)
        error = caught.value
        assert isinstance(error, shmrpc.DeclaredError)
        assert error.status == 100 and error.name == "test.errors.BadQuery"
        assert error.at == 12 and error.offset == (1 << 64) - 1
        assert error.details.message == "unexpected `)`"
        assert [p.line for p in error.places] == [7, 0]
        assert error.counts == {"small": -(1 << 63), "": 9007199254740993}
        assert error.nearest.file == "bé"
        assert error.cause.value == "typing"
        assert error.severity.name == "UNKNOWN_9"
        assert error.raw == b"\0\xff\n\0" and error.triple == [1, 2, 65535]
        with pytest.raises(AttributeError):
            error.nothing
    assert errors.errors.BadQuery is errors.errors.BadQuery
    assert errors.errors.BadQuery.__doc__ == "Every kind of field."


def test_declared_error_without_fields(errors):
    with pytest.raises(errors.errors.Unavailable) as caught:
        errors.by_json(2)
    assert caught.value.status == 102 and caught.value.details is None
    assert not isinstance(caught.value, shmrpc.Unavailable)


def test_names_of_python_are_only_names(errors):
    """A declared error named SystemExit does not end the program."""
    seen = set()
    for place in range(63):
        with pytest.raises(shmrpc.DeclaredError) as caught:
            errors.by_name(place)
        assert type(caught.value).__mro__[1] is shmrpc.DeclaredError
        seen.add(type(caught.value).__name__)
    assert len(seen) == 63 and "SystemExit" in seen
    with pytest.raises(shmrpc.OutOfRange):
        errors.by_name(63)


def test_method_that_nobody_wrote(kinds):
    with pytest.raises(NotImplementedError) as caught:
        kinds.nobody_wrote_this()
    assert caught.value.name == "UNIMPLEMENTED"
    assert kinds.nothing() is None
