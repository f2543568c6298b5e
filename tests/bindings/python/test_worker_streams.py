"""Handlers with streams in Python: generators, iterators, and how streams
end."""

import time

import pytest

import shmrpc
from conftest import PATIENCE_S
from test_workers import running


@pytest.fixture(scope="module", params=["flows:Flows", "flows:AsyncFlows"])
def flows(folder, request):
    with running(request.param, "--workers=1", "--threads=3",
                 where=f"shm://flows@{request.param[6:].lower()}") as service:
        service.wait_for("serving at")
        with shmrpc.connect(service.where[6:], wait=PATIENCE_S,
                            timeout=PATIENCE_S) as client:
            yield client


def seen(flows, what):
    """Waits until the handlers have recorded the event `what`; returns all
    events."""
    events = []
    until = time.monotonic() + PATIENCE_S
    while what not in events and time.monotonic() < until:
        events += flows.seen()
    return events


def test_generator_is_a_stream(flows):
    assert list(flows.count(5)) == [0, 1, 2, 3, 4]
    assert list(flows.count(20000)) == list(range(20000))
    assert flows.add(1, 2) == 3


def test_any_iterable_is_a_stream(flows):
    Point = flows.types.Point
    assert list(flows.points(3)) == [Point(0, 7), Point(1, 7), Point(2, 7)]
    data = bytes(range(256)) * 20
    assert b"".join(flows.pieces(data)) == data
    assert list(flows.pieces(b"")) == []


def test_items_are_read_as_an_iterator(flows):
    with flows.sum(5) as numbers:
        for number in range(1000):
            numbers.send(number % 100)
        assert numbers.finish() == 5 + sum(n % 100 for n in range(1000))
    with flows.join() as words:
        for word in ("a", "b", "ü"):
            words.send(word)
        assert words.finish() == "a b ü"


def test_handler_that_returns_early(flows):
    with flows.sum(5) as numbers:
        numbers.send(1)
        numbers.send(999)
        assert numbers.finish() == 6
    until = time.monotonic() + PATIENCE_S
    while not any("over" in str(event) for event in flows.seen()):
        assert time.monotonic() < until


def test_both_directions(flows):
    with flows.twice() as pairs:
        for number in range(500):
            pairs.send(number)
            assert next(pairs) == 2 * number
        pairs.end()
        assert list(pairs) == []


def test_views_of_bytes(flows):
    with flows.mirror() as mirror:
        for data in (b"x" * 10, b"", bytearray(b"y" * 70000)):
            mirror.send(data)
            mirror.views()
            view = next(mirror)
            assert isinstance(view, memoryview) and view.readonly
            assert view == data
        part = view[:10]
        mirror.send(memoryview(b"z"))
        with pytest.raises(BufferError, match="in use"):
            next(mirror)
        part.release()
        assert bytes(next(mirror)) == b"z"
        with pytest.raises(ValueError):
            view[0]
        mirror.end()
        assert list(mirror) == []
    kept = []
    with flows.mirror() as mirror:
        mirror.send(b"kept")
        kept += [next(mirror.views())]
        kept += [kept[0][:2]]
    assert bytes(kept[1]) == b"ke"  # a view in use delays the end
    with pytest.raises(ValueError):
        kept[0][0]
    del kept
    assert flows.add(2, 3) == 5


def test_ends_of_handlers(flows):
    got = []
    with pytest.raises(KeyError) as caught:
        for item in flows.count(3, "error"):
            got.append(item)
    assert got == [0, 1, 2]
    assert isinstance(caught.value, shmrpc.RemoteError)
    assert caught.value.args == ("how",)
    with pytest.raises(flows.errors.Overflow) as caught:
        list(flows.count(3, "declared"))
    assert caught.value.limit == 3
    with pytest.raises(TypeError, match="item: "):
        list(flows.count(3, "wrong"))
    with flows.sum(2) as numbers:
        numbers.send(1000)
        with pytest.raises(flows.errors.Overflow):
            numbers.finish()


def test_client_that_leaves_closes_the_generator(flows):
    flows.seen()
    for item in flows.count(0):
        if item == 10:
            break
    events = seen(flows, "over")
    assert "closed" in events and "over" in events


def test_killed_worker_ends_a_stream(folder):
    import os
    import signal

    with running("flows:Flows", "--workers=1",
                 where="shm://flows@flowkill") as service:
        service.wait_for("serving at")
        with shmrpc.connect("flows@flowkill", wait=PATIENCE_S) as client:
            pid = client.pid()
            with client.twice() as pairs:
                pairs.send(1)
                assert next(pairs) == 2
                os.kill(pid, signal.SIGKILL)
                with pytest.raises(shmrpc.WorkerDied):
                    next(pairs)
            assert client.pid() != pid
