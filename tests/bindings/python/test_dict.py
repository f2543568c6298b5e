"""shmrpc.Dict: the mapping protocol, and use by many processes."""

import collections
import os
import pickle
import subprocess
import sys
import threading

import pytest

import shmrpc
from conftest import PATIENCE_S
from processes import finish, fork, growth, join, kill, line, run


@pytest.fixture
def d(folder):
    with shmrpc.Dict() as made:
        yield made


def test_protocol_of_mappings():
    """Runs CPython's tests of mappings with a subclass of shmrpc.Dict whose
    constructor takes the same arguments as dict()."""
    mapping_tests = pytest.importorskip("test.mapping_tests")
    import unittest

    class Mapping(shmrpc.Dict):
        def __init__(self, *args, **named):
            super().__init__()
            self.update(*args, **named)

        def __reduce__(self):
            raise TypeError

    class Case(mapping_tests.TestMappingProtocol):
        type2test = Mapping
        # copy() returns a plain dict, not another shared one.
        test_copy = None

    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Case)
    result = unittest.TestResult()
    suite.run(result)
    assert result.testsRun > 15
    assert [*result.failures, *result.errors] == []


def test_is_no_dict_and_equals_one(d):
    d.update({"a": 1}, b=2)
    assert not isinstance(d, dict)
    assert d == {"b": 2, "a": 1} and {"a": 1, "b": 2} == d
    assert d != {"a": 1} and not d == 5
    assert d.to_dict() == d.copy() == {"a": 1, "b": 2}
    with shmrpc.Dict() as other:
        other |= d
        assert other == d
        assert (d | {"a": 3}, {"c": 0} | d) == (
            {"a": 3, "b": 2}, {"c": 0, "a": 1, "b": 2})
    with pytest.raises(TypeError):
        hash(d)


def test_order_is_that_of_insertion(d):
    for key in ("b", 1, None, (2, "x"), b"z", 2.5, True):
        d[key] = key
    del d[None]
    d["b"] = 0
    keys = ["b", 1, (2, "x"), b"z", 2.5, True]
    assert [*map(repr, d)] == [*map(repr, keys)]
    assert list(reversed(d)) == keys[::-1]
    assert len(d) == 6 and d.popitem() == (True, True)


def test_keys(d):
    d[1.0] = "one"
    assert d[1] == "one" and True not in d and (1,) not in d
    for wrong in ([1], {}, {1}, frozenset(), object(), 1j):
        with pytest.raises(TypeError):
            d[wrong] = 1
        with pytest.raises(TypeError):
            d[wrong]
    with pytest.raises(ValueError):
        d[float("nan")] = 1


def test_iterating_is_over_what_was_there(d):
    d.update((i, i) for i in range(5))
    for key, value in d.items():
        d[key + 10] = value
        d.pop(key)
    assert sorted(d) == [10, 11, 12, 13, 14]
    assert sum(d.values()) == 10


def test_parts_are_changed_where_they_are(d):
    d["a"] = {"n": 1, "l": [1, {"x": 2}], "e": {}}
    part = d["a"]
    assert isinstance(part, collections.abc.MutableMapping)
    part["n"] += 1
    d["a"]["l"][1]["x"] = 3
    d["a"]["l"].append("end")
    d["a"]["l"].insert(0, "begin")
    d["a"]["l"].insert(-100, 0)
    d["a"]["l"] += [9]
    d["a"]["e"].update(k=1)
    d["a"]["e"].setdefault("k", 5)
    assert d["a"] == {"n": 2, "e": {"k": 1},
                      "l": [0, "begin", 1, {"x": 3}, "end", 9]}
    assert d["a"]["l"].pop() == 9 and d["a"]["l"].pop(0) == 0
    assert d["a"]["l"][-1] == "end" and d["a"]["l"][1:3] == [1, {"x": 3}]
    assert "n" in part and part.pop("n") == 2 and part.pop("n", 7) == 7
    assert list(part) == ["l", "e"] and len(part["l"]) == 4
    assert d.at("a", "l", 2, "x") == 3
    d["b"] = d["a"]["l"]
    assert d["b"] == ["begin", 1, {"x": 3}, "end"]
    del d["a"]["l"][0], d["a"]["e"]
    part["l"].clear()
    assert d["a"].copy() == {"l": []} == part.to_dict()
    assert type(d["a"].copy()) is dict and repr(part) == "{'l': []}"
    with pytest.raises(IndexError):
        part["l"][0]
    with pytest.raises(IndexError):
        part["l"][0] = 1
    with pytest.raises(IndexError):
        part["l"].pop()
    with pytest.raises(KeyError, match="zz"):
        part["zz"]
    with pytest.raises(TypeError):
        part["l"][0:1] = [1]
    del d["a"]
    assert "gone" in repr(part)
    with pytest.raises(KeyError):
        part["l"]


def test_long_parts(d):
    """Tests long values, which are kept as trees."""
    d["l"] = [0] * 2000
    d["m"] = {str(i): i for i in range(2000)}
    d["l"][1500] = 1
    d["m"]["1500"] += 1
    assert isinstance(d["l"], collections.abc.MutableSequence)
    assert isinstance(d["m"], collections.abc.MutableMapping)
    assert sum(d["l"]) == 1 and d["m"]["1500"] == 1501 and len(d["m"]) == 2000


def test_copies_if_parts_are_not_wanted(folder):
    with shmrpc.Dict(nested=False) as d:
        d["a"] = {"b": []}
        d["a"]["b"].append(1)
        assert d["a"] == {"b": []} and type(d["a"]) is dict


def test_modify_loses_nothing(d):
    script = """
        with shmrpc.Dict(sys.argv[1]) as d:
            for _ in range(300):
                d.modify("n", lambda n: n + 1, 0)
                d["l"].append(1)
    """
    d["l"] = []
    processes = [run(script, d.name) for _ in range(3)]
    for process in processes:
        finish(process)
    assert d["n"] == 900 and len(d["l"]) == 900
    with pytest.raises(KeyError):
        d.modify("missing", lambda n: n + 1)
    with pytest.raises(ZeroDivisionError):
        d.modify("n", lambda n: n // 0)
    assert d["n"] == 900


def test_versions(d):
    d["a"] = 1
    value, version = d.get_version("a")
    assert value == 1
    now = d.put_if("a", 2, version)
    assert now is not None and now != version
    assert d.put_if("a", 3, version) is None and d["a"] == 2
    del d["a"]
    assert d.put_if("a", 3, now) is None and "a" not in d


def test_data_is_the_same_until_something_changes(d):
    d["a"] = {"b": 1}
    data = d.data
    assert data == {"a": {"b": 1}} and d.data is data
    d["a"]["b"] = 2
    assert d.data == {"a": {"b": 2}} and data == {"a": {"b": 1}}


def test_view_stays(d):
    d.update(a=1, b=[2])
    with d.view() as view:
        d["a"] = 5
        d.clear()
        assert dict(view) == {"a": 1, "b": [2]} and view["a"] == 1
        assert len(view) == 2 and "zz" not in view
    assert len(d) == 0
    with pytest.raises(ValueError):
        view["a"]


def test_watch(d):
    watch = d.watch("k")
    other = run("""
        with shmrpc.Dict(sys.argv[1]) as d:
            d["x"] = 0
            d["k1"] = {"a": 1}
            del d["k1"]
    """, d.name)
    finish(other)
    put, gone = watch.next(PATIENCE_S), watch.next(PATIENCE_S)
    assert (put.kind, put.key) == ("put", "k1") or put.kind == "del"
    while gone.kind != "del":
        gone = watch.next(PATIENCE_S)
    assert gone.key == "k1" and gone.value is None
    with pytest.raises(TimeoutError):
        watch.next(0.01)
    with pytest.raises(TimeoutError):
        watch.next(0)
    watch.close()
    with pytest.raises(ValueError):
        watch.next(0)
    with d.watch(snapshot=True) as watch:
        assert [next(watch).kind for _ in range(2)] == ["resync", "put"]
        assert watch.fileno() >= 0


def test_locks(d):
    with d.lock:
        with pytest.raises(shmrpc.Precondition):
            d.lock.acquire()
    with d.lock("a"), d.lock("b"):
        assert d.status()["lock_count"] == 2
        caught = []

        def other():
            assert not d.lock("a").acquire(block=False)
            assert d.lock("c").acquire(timeout=PATIENCE_S)
            d.lock("c").release()
            try:
                with d.lock("a", timeout=0.01):
                    pass
            except shmrpc.DeadlineExceeded as error:
                caught.append(error)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join(PATIENCE_S)
        assert [error.pid for error in caught] == [os.getpid()]
        assert caught[0].held > 0
    with pytest.raises(shmrpc.Precondition):
        d.lock.release()
    with pytest.raises(TypeError):
        d.lock([1]).acquire()


def test_lock_of_a_killed_process(d):
    holder = run("""
        d = shmrpc.Dict(sys.argv[1])
        d.lock("k").acquire()
        print("held", flush=True)
        time.sleep(600)
    """, d.name)
    assert line(holder) == "held"
    assert not d.lock("k").acquire(timeout=0)
    kill(holder)
    with pytest.raises(shmrpc.OwnerDied, match="recover=True"):
        with d.lock("k", timeout=PATIENCE_S):
            raise AssertionError
    with pytest.raises(ZeroDivisionError):
        with d.lock("k", recover=True) as lock:
            assert lock.owner_died
            1 // 0
    with d.lock("k", recover=True) as lock:
        assert lock.owner_died
    with d.lock("k") as lock:
        assert not lock.owner_died


def test_writers_that_are_killed(d):
    """Writers are killed at any moment: all changes that they reported exist,
    and none is half done."""
    script = """
        d = shmrpc.Dict(sys.argv[1])
        for n in range(10**9):
            d["pair"] = [n, "x" * (n % 700), n]
            d["tree"]["list"].append(n)
            d.update({("k", n % 50): n, ("l", n % 50): n})
            if n % 20 == 0:
                print(n, flush=True)
    """
    d["tree"] = {"list": [-1]}
    for _ in range(6):
        writer = run(script, d.name)
        said = max(int(line(writer)) for _ in range(2))
        kill(writer)
        pair = d["pair"].copy()
        assert pair[0] == pair[2] >= said and len(pair[1]) == pair[0] % 700
        everything = d.to_dict()
        for kind, n in [key for key in everything if isinstance(key, tuple)]:
            assert everything["k", n] == everything["l", n]
        assert d["tree"]["list"][-1] >= said
        d["mine"] = said
        assert d["mine"] == said


def test_fork_spawn_and_pickled_handles(d):
    d["a"] = 1

    def child():
        d["b"] = d["a"] + 1
        return 0 if len(d) == 2 else 1

    assert join(fork(child)) == 0 and d["b"] == 2
    again = pickle.loads(pickle.dumps(d))
    assert type(again) is shmrpc.Dict and again == d
    again.close()
    reader = run("""
        import pickle
        d = pickle.load(sys.stdin.buffer)
        print(d["b"], type(d).__name__)
    """)
    out, trace = reader.communicate(
        pickle.dumps(d, 0).decode("latin-1"), timeout=PATIENCE_S)
    assert out == "2 Dict\n", trace


def test_spawned_pool(d):
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        assert list(pool.map(len, [d, d])) == [0, 0]


def test_modes_and_errors(folder):
    with pytest.raises(shmrpc.NotFound):
        shmrpc.Dict("modes", mode="existing")
    with pytest.raises(LookupError):
        shmrpc.Dict("modes", mode="existing")
    with shmrpc.Dict("modes", mode="create", capacity=2) as first:
        with pytest.raises(shmrpc.Exists):
            shmrpc.Dict("modes", mode="create")
        with pytest.raises(shmrpc.ContractMismatch):
            shmrpc.Dict("modes", encoding="json")
        first.update(a=1, b=2)
        with pytest.raises(shmrpc.Exhausted):
            first["c"] = 3
        with shmrpc.Dict("modes", read_only=True) as reader:
            assert reader["a"] == 1
            with pytest.raises(PermissionError):
                reader["a"] = 2
        with shmrpc.Dict("modes", mode="replace") as second:
            assert len(second) == 0
            with pytest.raises(shmrpc.Destroyed, match="destroyed"):
                first["a"]
            second.destroy()
            with pytest.raises(shmrpc.Destroyed):
                second["a"] = 1
    with pytest.raises(TimeoutError):
        shmrpc.Dict("modes", mode="wait", timeout=0.05)
    with pytest.raises(ValueError, match="closed"):
        first["a"]
    for wrong in ({"mode": "none"}, {"lifetime": 5}, {"encoding": "xml"},
                  {"timeout": float("nan")}, {"max_writers": 5000}):
        with pytest.raises(ValueError):
            shmrpc.Dict("wrong", **wrong)
    for wrong in ({"nothing": 1}, {"timeout": "x"}):
        with pytest.raises(TypeError):
            shmrpc.Dict("wrong", **wrong)
    for name in ("", "a\0b", "\ud800", "x" * 256):
        with pytest.raises(ValueError):
            shmrpc.Dict(name)
    with pytest.raises(TypeError):
        shmrpc.Dict(5)
    assert "wrong" not in [info.name for info in shmrpc.objects()]


def test_lifetimes(folder):
    def names():
        return [info.name for info in shmrpc.objects()]

    d = shmrpc.Dict()
    assert d.name in names()
    d.close()
    assert d.name not in names() and d.closed
    with shmrpc.Dict("life.file") as d:
        pass
    assert "life.file" in names()
    shmrpc.remove("life.file")
    assert "life.file" not in names()
    with pytest.raises(shmrpc.NotFound):
        shmrpc.remove("life.file", "dict")


def test_damaged_file(folder):
    d = shmrpc.Dict("damaged", lifetime="file")
    d.close()
    path = os.path.join(os.environ["SHMRPC_DIR"], "objects", "damaged.dict")
    with open(path, "r+b") as file:
        file.write(b"\xff" * 4096)
    with pytest.raises(shmrpc.DataLoss):
        shmrpc.Dict("damaged")
    shmrpc.remove("damaged")
    shmrpc.Dict("damaged").destroy()


def test_snapshots(d, tmp_path):
    d.update(a=1, b={"c": (2,)})
    d.snapshot(tmp_path / "file")
    d.clear()
    d["x"] = 5
    d.load(tmp_path / "file")
    assert d == {"x": 5, "a": 1, "b": {"c": (2,)}}
    with shmrpc.Dict(snapshot=tmp_path / "file") as other:
        assert other["b"]["c"] == (2,)
    with pytest.raises(shmrpc.NotFound):
        d.load(tmp_path / "none")


class Own:
    def __eq__(self, other):
        return type(other) is Own


def test_pickles_of_ones_own(folder):
    with shmrpc.Dict("pickles", serializer=pickle) as d:
        d["a"] = {"own": Own(), "set": {1}}
        assert d["a"]["own"] == Own()
        d["b"] = 1
        with shmrpc.Dict("pickles") as other:
            assert other["b"] == 1
            with pytest.raises(TypeError, match="serializer=pickle"):
                other["a"].copy()
            with pytest.raises(TypeError, match="can't be sent or shared"):
                other["c"] = Own()
        d.destroy()
    with pytest.raises(PermissionError, match="written by others"):
        shmrpc.Dict("others", serializer=pickle, permissions=0o666)
    shmrpc.remove("others")
    with pytest.raises(ValueError):
        shmrpc.Dict("others", serializer=pickle, encoding="json")
    with pytest.raises(ValueError):
        shmrpc.Dict("others", serializer=5)


def test_threads_share_a_handle(d):
    def work(number):
        for i in range(200):
            d[number] = i
            assert d[number] == i
            d.modify("n", lambda n: n + 1, 0)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(4 * PATIENCE_S)
        assert not thread.is_alive()
    assert d["n"] == 1600


def test_memory_stays_the_same(d):
    def once():
        d["a"] = {"b": [1, (2, {3})], "c": 2**70}
        d["a"]["b"].append(1)
        d.update(x=1)
        with d.lock("a"):
            d.pop("x")
        with pytest.raises(TypeError):
            d["a"] = [object()]
        with pytest.raises(KeyError):
            d["zz"]
        assert d.to_dict() and d.data and d.status()

    for _ in range(300):
        once()
    assert growth(once) < 20


def test_descriptors_stay_the_same(folder):
    def once():
        with shmrpc.Dict() as d:
            with d.view() as view, d.watch() as watch:
                dict(view)
                d["y"] = 1
                watch.next(PATIENCE_S)

    once()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        once()
    assert len(os.listdir("/proc/self/fd")) == before


def test_import_is_late():
    said = subprocess.run(
        [sys.executable, "-B", "-c",
         "import sys, shmrpc; print('shmrpc._dict' in sys.modules); "
         "shmrpc.Dict; print('shmrpc._dict' in sys.modules, "
         "'numpy' in sys.modules)"],
        check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    assert said == ["False", "True", "False"]
