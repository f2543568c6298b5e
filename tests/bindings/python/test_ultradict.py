"""Programs of UltraDict's manual, with only the import line changed."""

import json
import marshal
import pickle

import pytest

import shmrpc
from conftest import PATIENCE_S
from processes import finish, kill, line, run
from shmrpc.ultradict import UltraDict


@pytest.fixture
def ultra(folder):
    made = UltraDict()
    yield made
    made.close()


def test_simple(folder):
    ultra = UltraDict({1: 1}, some_key="some_value")
    assert repr(ultra) == "{1: 1, 'some_key': 'some_value'}" == str(ultra)
    other = UltraDict(name=ultra.name)
    assert other == {1: 1, "some_key": "some_value"}
    other[2] = 2
    assert ultra[2] == 2
    other.close()
    assert ultra.close() == {1: 1, "some_key": "some_value", 2: 2}
    assert ultra.data[2] == 2


def test_nested(folder):
    ultra = UltraDict(recurse=True)
    ultra["nested"] = {"counter": 0}
    other = run("""
        from shmrpc.ultradict import UltraDict
        other = UltraDict(name=sys.argv[1], recurse=True)
        other["nested"]["counter"] += 1
        other.close()
    """, ultra.name)
    finish(other)
    assert ultra["nested"]["counter"] == 1
    ultra.close()


def test_copies_without_recurse(ultra):
    ultra["a"] = {"b": []}
    assert type(ultra["a"]) is dict
    assert json.dumps(ultra.data) == '{"a": {"b": []}}'


def test_parameters(folder):
    ultra = UltraDict(name="params", create=True, buffer_size=100_000,
                      shared_lock=True, full_dump_size=10_000,
                      auto_unlink=True, recurse_register=None)
    with pytest.raises(UltraDict.Exceptions.AlreadyExists):
        UltraDict(name="params", create=True)
    with pytest.raises(UltraDict.Exceptions.CannotAttachSharedMemory):
        UltraDict(name="params.none", create=False)
    with pytest.raises(UltraDict.Exceptions.CannotAttachSharedMemory):
        UltraDict(create=False)
    with pytest.raises(UltraDict.Exceptions.ParameterMismatch):
        UltraDict(create="yes")
    with UltraDict(name="params", create=False) as other:
        assert len(other) == 0
    ultra.close()
    assert not UltraDict.unlink_by_name("params", ignore_errors=True)
    with pytest.raises(shmrpc.NotFound):
        UltraDict.unlink_by_name("params")
    with UltraDict(name="params", auto_unlink=False):
        pass
    assert UltraDict.unlink_by_name("params")
    for serializer in (json, marshal, pickle):
        with UltraDict(serializer=serializer) as made:
            made["a"] = [1, {"b": 2}]
            assert made["a"] == [1, {"b": 2}]


class Own:
    def __eq__(self, other):
        return type(other) is Own


def test_pickled_values_and_handles(ultra):
    ultra["x"] = Own()
    assert ultra["x"] == Own()
    again = pickle.loads(pickle.dumps(ultra))
    assert type(again) is UltraDict and again["x"] == Own()
    again.close()


def test_locking(ultra):
    ultra["counter"] = 0
    with ultra.lock:
        ultra["counter"] += 1
        with ultra.lock:
            pass
    with ultra.lock(timeout=None, block=True, steal=False,
                    sleep_time=0.000001):
        ultra["counter"] += 1
    with ultra.lock(sleep_time=0):
        ultra["counter"] += 1
    with ultra.lock(timeout=1.5, steal_after_timeout=True):
        ultra["counter"] += 1
    assert ultra.lock.acquire(block=False)
    ultra.lock.release()
    assert ultra["counter"] == 4


def test_who_holds_the_lock(ultra):
    holder = run("""
        from shmrpc.ultradict import UltraDict
        ultra = UltraDict(name=sys.argv[1])
        ultra.lock.acquire()
        print("held", flush=True)
        time.sleep(600)
    """, ultra.name)
    assert line(holder) == "held"
    with pytest.raises(UltraDict.Exceptions.CannotAcquireLock) as caught:
        ultra.lock.acquire(block=False)
    assert caught.value.blocking_pid == holder.pid
    with pytest.raises(UltraDict.Exceptions.CannotAcquireLockTimeout) as caught:
        with ultra.lock(timeout=0.05):
            pass
    assert caught.value.blocking_pid == holder.pid
    assert caught.value.time_passed > 0 and caught.value.timestamp > 0
    kill(holder)
    with ultra.lock(timeout=PATIENCE_S, steal_from_dead=True):
        ultra["recovered"] = True


def test_counting_by_name(ultra):
    """The original UltraDict loses half of these increments, unless it is
    opened with shared_lock=True."""
    script = """
        from shmrpc.ultradict import UltraDict
        ultra = UltraDict(name=sys.argv[1], shared_lock=True)
        for _ in range(200):
            with ultra.lock:
                ultra["counter"] += 1
    """
    ultra["counter"] = 0
    for process in [run(script, ultra.name) for _ in range(3)]:
        finish(process)
    assert ultra["counter"] == 600


def test_other_functions(ultra, capsys):
    ultra[0] = " " * 100_000
    ultra.dump()
    ultra.load()
    ultra.load(force=True)
    ultra.apply_update()
    ultra.print_status()
    said = capsys.readouterr().out
    for key in ("buffer_size", "lock", "name", "recurse", "serializer"):
        assert f"'{key}'" in said
    assert len(ultra.data[0]) == 100_000
    assert dict(ultra) == {0: " " * 100_000} == ultra.copy()
    other = UltraDict(name=ultra.name)
    ultra.unlink()
    with pytest.raises(shmrpc.Destroyed):
        other[1]
    assert len(other.close()[0]) == 100_000
    with UltraDict() as full:
        full.update({"a": 1})
        assert full | {"b": 2} == {"a": 1, "b": 2}
        assert list(reversed(full)) == ["a"] and full.setdefault("c", []) == []
        assert full == {"a": 1, "c": []} and full != {"a": 1}
        assert full.popitem() == ("c", []) and full.pop("a") == 1
        full.clear()
        assert not full
