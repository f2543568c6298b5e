"""shmrpc.Value and shmrpc.Array."""

import array
import os
import pickle

import pytest

import shmrpc
from conftest import PATIENCE_S
from processes import finish, fork, growth, join, kill, line, run


@pytest.fixture
def value(folder):
    with shmrpc.Value() as made:
        yield made


# ---- values --------------------------------------------------------------


def test_value(value):
    with pytest.raises(shmrpc.NotFound):
        value.get()
    assert value.get(None) is None
    value.put({"a": [1, (2,)]})
    assert value.get() == value.value == {"a": [1, (2,)]}
    value["a"].append({"b": 3})
    value["a"][2]["b"] += 1
    assert value.at("a", 2, "b") == 4 and "a" in value and "z" not in value
    assert list(value) == ["a"] and len(value) == 1
    value.value = [1]
    value.append(2)
    value.insert(0, 0)
    assert value.get() == [0, 1, 2] and value.pop() == 2 and value.pop(0) == 0
    value[0] = "x"
    assert value[0] == "x"
    del value[0]
    assert value.get() == []
    assert value.modify(lambda items: [*items, 5]) == [5]
    value.delete()
    with pytest.raises(LookupError):
        value.modify(lambda items: items)
    assert value.modify(lambda n: n + 1, 0) == 1
    with pytest.raises(TypeError, match="object can't be sent"):
        value.put([object()])


def test_first_value_is_put_once(folder):
    with shmrpc.Value("first", 1) as value, shmrpc.Value("first", 2) as other:
        assert value.get() == other.get() == 1
        value.destroy()


def test_value_in_other_processes(value):
    value.put(0)
    script = """
        with shmrpc.Value(sys.argv[1]) as value:
            for _ in range(200):
                value.modify(lambda n: n + 1)
    """
    for process in [run(script, value.name) for _ in range(2)]:
        finish(process)
    assert value.get() == 400
    assert join(fork(lambda: value.put("child"))) == 0
    assert pickle.loads(pickle.dumps(value)).get() == "child"


def test_value_lock_watch_and_snapshot(value, tmp_path):
    with value.lock, value.watch() as watch:
        value.put([1])
        event = watch.next(PATIENCE_S)
        assert event.kind == "put" and event.key is None and event.value == [1]
    value.snapshot(tmp_path / "file")
    value.put(2)
    value.load(tmp_path / "file")
    assert value.get() == [1]
    assert value.status()["entry_count"] == 1


# ---- arrays --------------------------------------------------------------


@pytest.fixture
def matrix(folder):
    with shmrpc.Array(shape=(2, 3)) as made:
        yield made


def test_array(matrix):
    assert matrix.tolist() == [[0] * 3] * 2
    assert (matrix.format, matrix.shape, matrix.ndim, len(matrix),
            matrix.nbytes) == ("d", (2, 3), 2, 2, 48)
    matrix[1, 2] = 5.5
    assert matrix[1, 2] == 5.5 and matrix[1] == [0, 0, 5.5]
    matrix.put([[1, 2, 3], [4, 5, 6]])
    assert list(matrix) == [[1, 2, 3], [4, 5, 6]]
    matrix.modify(lambda view: view.__setitem__((0, 0), 9))
    assert matrix[0, 0] == 9
    with shmrpc.Array(data=[1, 2, 3, 4], format="i") as flat:
        flat[1:3] = [7, 8]
        assert flat[1:] == [7, 8, 4] and flat[-1] == 4
        assert flat.tobytes() == array.array("i", [1, 7, 8, 4]).tobytes()
        with pytest.raises(ValueError, match="1 items for 2 places"):
            flat[:2] = [1]
        with pytest.raises(IndexError):
            flat[4]
        with pytest.raises((ValueError, OverflowError)):
            flat[0] = 2**40
        with pytest.raises(TypeError):
            flat[0] = "x"
        assert flat.tolist() == [1, 7, 8, 4]


def test_buffer_stays_as_it_was(matrix):
    view = memoryview(matrix)
    assert view.readonly and view.c_contiguous and view.strides == (24, 8)
    assert view.format == "d" and view.shape == (2, 3)
    matrix[0, 0] = 1
    assert view[0, 0] == 0 and memoryview(matrix)[0, 0] == 1
    matrix.close()
    assert view.tolist() == [[0] * 3] * 2
    with pytest.raises(ValueError, match="closed"):
        memoryview(matrix)
    with pytest.raises(TypeError):
        view[0, 0] = 1


def test_arrays_of_the_wrong_kind(matrix):
    for data in ([1, 2], [[1, 2, 3], [4, 5, "x"]], array.array("d", [1] * 6),
                 array.array("f", [1] * 6)):
        with pytest.raises((ValueError, TypeError)):
            matrix.put(data)
    for wrong in ({"format": "f"}, {"shape": 6}, {"shape": (3, 2)},
                  {"data": [1]}):
        with pytest.raises(ValueError, match="has format 'd' and shape"):
            shmrpc.Array(matrix.name, **wrong)
    for wrong in ({"format": "xx", "shape": 2}, {"shape": -1}):
        with pytest.raises(ValueError):
            shmrpc.Array(**wrong)
    with shmrpc.Value(matrix.name) as value:
        value.put("no array")
    with pytest.raises(TypeError, match="does not hold an array"):
        memoryview(matrix)


def test_array_steps_are_not_lost(folder):
    script = """
        with shmrpc.Array(sys.argv[1]) as numbers:
            def step(view):
                view[0] += 1
            for _ in range(150):
                numbers.modify(step)
    """
    with shmrpc.Array(shape=2, format="q") as numbers:
        for process in [run(script, numbers.name) for _ in range(2)]:
            finish(process)
        assert numbers.tolist() == [300, 0]
        assert pickle.loads(pickle.dumps(numbers)).tolist() == [300, 0]


def test_killed_writer_of_an_array(folder):
    """No process ever sees a half-written array."""
    script = """
        import array
        numbers = shmrpc.Array(sys.argv[1])
        for n in range(10**9):
            numbers.put(array.array("q", [n]) * 5000)
            if n == 3:
                print("ready", flush=True)
    """
    with shmrpc.Array(shape=5000, format="q") as numbers:
        for _ in range(4):
            writer = run(script, numbers.name)
            assert line(writer) == "ready"
            for _ in range(20):
                assert len(set(numbers.tolist())) == 1
            kill(writer)
            assert len(set(numbers.tolist())) == 1
            numbers.put([-1] * 5000)
            assert numbers[4999] == -1


def test_numpy_views_without_a_copy(matrix):
    numpy = pytest.importorskip("numpy")
    shown = numpy.asarray(matrix)
    assert not shown.flags.owndata and not shown.flags.writeable
    assert shown.shape == (2, 3) and shown.dtype == numpy.float64
    matrix.put(numpy.arange(6.0).reshape(2, 3) * 2)
    assert numpy.asarray(matrix).sum() == 30 and shown.sum() == 0
    for kind in ("f2", "c8", "u1", "?"):
        given = numpy.ones((4,), kind)
        with shmrpc.Array(data=given) as other:
            assert numpy.array_equal(numpy.asarray(other), given)
            assert numpy.asarray(other).dtype == given.dtype


def test_memory_stays_the_same(matrix):
    def once():
        matrix.put([[1, 2, 3], [4, 5, 6]])
        matrix[0, 0] = 3
        memoryview(matrix).tolist()
        with pytest.raises(ValueError):
            matrix.put([1])

    before = len(os.listdir("/proc/self/fd"))
    assert growth(once) < 20
    assert len(os.listdir("/proc/self/fd")) == before
