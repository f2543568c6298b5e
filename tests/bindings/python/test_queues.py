"""Queues, topics and pipes."""

import os
import pickle
import signal
import threading
import time

import pytest

import shmrpc
from conftest import PATIENCE_S
from processes import finish, fork, growth, join, kill, line, run, until


@pytest.fixture
def q(folder):
    with shmrpc.Queue() as made:
        yield made


@pytest.fixture
def acked(folder):
    with shmrpc.Queue(acked=True) as made:
        yield made


# ---- queues --------------------------------------------------------------


def test_protocol_of_queues(folder):
    """Runs CPython's common tests of queues, except the one that changes
    `maxsize` of an existing queue."""
    test_queue = pytest.importorskip("test.test_queue")
    import queue as standard
    import unittest

    class Case(test_queue.BaseQueueTestMixin, unittest.TestCase):
        queue = standard

        def type2test(self, maxsize=0):
            return shmrpc.Queue(maxsize=maxsize, acked=True)

        test_shrinking_queue = None

    Case.__name__ = "QueueTest"
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Case)
    result = unittest.TestResult()
    suite.run(result)
    assert result.testsRun >= 3
    assert [*result.failures, *result.errors] == []


def test_items_come_in_order(q):
    items = [1, "a", (2, [3]), {"k": {4}}, None]
    for item in items:
        q.put(item)
    assert q.qsize() == len(q) == 5 and not q.empty()
    assert q.peek() == 1
    assert [q.get() for _ in items] == items
    assert q.empty() and q
    with pytest.raises(shmrpc.Empty):
        q.get_nowait()
    with pytest.raises(shmrpc.Empty):
        q.get(timeout=0.01)
    with pytest.raises(shmrpc.Empty):
        q.peek()


def test_limits(folder):
    with shmrpc.Queue(maxsize=2, max_item_bytes=1000) as q:
        q.put(1)
        assert not q.full() and q.maxsize == 2
        q.put(2, timeout=1)
        assert q.full()
        for wait in ({"block": False}, {"timeout": 0.01}, {"timeout": 0}):
            with pytest.raises(shmrpc.Full):
                q.put(3, **wait)
        assert [q.get(), q.get()] == [1, 2]
        with pytest.raises(shmrpc.TooLarge, match="max_item_bytes"):
            q.put("x" * 5000)
        with pytest.raises(TypeError, match=r"item\[0\]: object"):
            q.put([object()])
        with pytest.raises(ValueError):
            q.get(timeout=-1)
        with pytest.raises(TypeError):
            q.get(timeout="x")
        assert q.empty()
    with pytest.raises(ValueError, match="closed"):
        q.get()
    for wrong in ({"order": "any"}, {"overflow": "overwrite"}):
        with pytest.raises(ValueError):
            shmrpc.Queue(**wrong)


def test_overflow(folder):
    with shmrpc.Queue(maxsize=2, overflow="drop_oldest") as q:
        for i in range(5):
            q.put(i)
        assert [q.get(), q.get()] == [3, 4]
        assert q.status()["dropped_count"] == 3


def test_each_item_goes_to_one_reader(q):
    taker = """
        taken = []
        with shmrpc.Queue(sys.argv[1]) as q:
            for item in q:
                taken.append(item)
        print(len(taken), sum(taken))
    """
    giver = """
        with shmrpc.Queue(sys.argv[1]) as q:
            for i in range(int(sys.argv[2]), int(sys.argv[2]) + 500):
                q.put(i)
    """
    takers = [run(taker, q.name) for _ in range(2)]
    givers = [run(giver, q.name, str(n)) for n in (0, 500)]
    for process in givers:
        finish(process)
    q.end()
    said = [list(map(int, finish(taker).split())) for taker in takers]
    assert sum(count for count, _ in said) == 1000
    assert sum(total for _, total in said) == sum(range(1000))
    with pytest.raises(shmrpc.ShutDown):
        q.put(1)
    with pytest.raises(shmrpc.ShutDown):
        q.get()


def test_killed_reader_gives_items_back(acked):
    for i in range(3):
        acked.put(i)
    reader = run("""
        q = shmrpc.Queue(sys.argv[1], acked=True)
        assert q.get() == 0
        q.task_done()
        print(q.get(), flush=True)
        time.sleep(600)
    """, acked.name)
    assert line(reader) == "1"
    assert not acked.join(0.01)
    kill(reader)
    got = {}
    for _ in range(2):
        item = acked.get(timeout=PATIENCE_S)
        got[item] = acked.redelivered
    assert got == {1: True, 2: False}
    acked.task_done()
    assert not acked.join(0.01)
    acked.task_done()
    assert acked.join(PATIENCE_S)
    with pytest.raises(ValueError, match="too many"):
        acked.task_done()


def test_items_that_are_not_done_come_again(acked):
    acked.put("a")
    assert acked.get() == "a" and not acked.redelivered
    acked.give_back()
    assert acked.get() == "a" and acked.redelivered
    with shmrpc.Queue(acked.name, acked=True) as other:
        other.put("b")
        assert other.get() == "b"
    assert acked.get(timeout=PATIENCE_S) == "b"
    acked.task_done()
    acked.task_done()
    assert acked.join(PATIENCE_S)


def test_tasks_of_threads(acked):
    total = []

    def work():
        while (item := acked.get()) is not None:
            total.append(item)
            acked.task_done()
        acked.task_done()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for i in range(200):
        acked.put(i)
    assert acked.join(PATIENCE_S) and sum(total) == sum(range(200))
    for _ in threads:
        acked.put(None)
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def test_queues_without_acknowledgement(q):
    for function in (q.task_done, q.join, q.give_back):
        with pytest.raises(ValueError, match="acked=True"):
            function()
    with shmrpc.Queue(q.name, acked=True) as wrong:
        q.put(1)
        assert wrong.get() == 1
        with pytest.raises(shmrpc.Precondition):
            wrong.task_done()


def test_killed_writers(q):
    """Writers are killed: each item is complete, and items are in order."""
    script = """
        q = shmrpc.Queue(sys.argv[1])
        print("ready", flush=True)
        for n in range(10**9):
            q.put([n, "x" * (n % 500), n])
    """
    for _ in range(5):
        writer = run(script, q.name)
        line(writer)
        last = -1
        for _ in range(50):
            first, text, second = q.get(timeout=PATIENCE_S)
            assert first == second == last + 1 and len(text) == first % 500
            last = first
        kill(writer)
        while not q.empty():
            first, text, second = q.get(timeout=PATIENCE_S)
            assert first == second == last + 1
            last = first
        q.put("mine")
        assert q.get(timeout=PATIENCE_S) == "mine"


def test_forked_and_pickled_queues(q, acked):
    assert join(fork(lambda: q.put(5))) == 0
    assert q.get(timeout=PATIENCE_S) == 5
    again = pickle.loads(pickle.dumps(acked))
    acked.put(6)
    assert again.get(timeout=PATIENCE_S) == 6
    again.task_done()
    again.close()
    assert acked.join(PATIENCE_S)


def test_descriptors_and_shutdown(q):
    import select

    fd = q.fileno()
    q.put(1)
    assert select.select([fd], [], [], PATIENCE_S)[0] == [fd]
    q.put(2)
    q.shutdown(immediate=True)
    with pytest.raises(shmrpc.ShutDown):
        q.get()
    q.destroy()
    with pytest.raises(shmrpc.Destroyed):
        q.put(1)


def test_memory_stays_the_same(q, acked):
    def once():
        for item in (1, "x" * 100, [(1,), {2}]):
            q.put(item)
            acked.put(item)
            q.get()
            acked.get()
            acked.task_done()

    assert growth(once) < 20


# ---- topics --------------------------------------------------------------


def test_each_subscriber_gets_each_message(folder):
    with shmrpc.Topic(history=2) as topic:
        for i in range(3):
            topic.publish(i)
        with topic.subscribe() as late, topic.subscribe() as other:
            assert [late.next(PATIENCE_S) for _ in range(2)] == [1, 2]
            child = run("""
                with shmrpc.Topic(sys.argv[1]) as topic:
                    topic.publish({"t": (1,)})
                    topic.end()
            """, topic.name)
            assert list(late) == [{"t": (1,)}]
            # Only items of the same handle keep their order.
            everything = list(other)
            assert len(everything) == 3 and {"t": (1,)} in everything
            assert [n for n in everything if n in (1, 2)] == [1, 2]
            finish(child)
            with pytest.raises(shmrpc.Cancelled):
                late.next(0)
            assert late.lost == 0
        with pytest.raises(ValueError):
            late.next(0)
        with pytest.raises(shmrpc.Cancelled):
            topic.publish(1)


def test_slow_subscribers(folder):
    with shmrpc.Topic(max_item_bytes=64) as topic:
        with topic.subscribe() as slow:
            with pytest.raises(TimeoutError):
                slow.next(0)
            with pytest.raises(TimeoutError):
                slow.next(0.01)
            for i in range(50_000):
                topic.publish((i, "x" * 40))
            with pytest.raises(shmrpc.Lost):
                slow.next(PATIENCE_S)
            assert slow.lost > 0
            assert next(slow)[0] >= slow.lost
            assert slow.fileno() >= 0
    with shmrpc.Topic(max_item_bytes=64, overflow="block",
                      max_stall=0.01) as topic:
        with topic.subscribe() as slow:
            for i in range(100_000):
                topic.publish((i, "x" * 40))
                if topic.status()["evicted_count"]:
                    break
            with pytest.raises(shmrpc.Evicted):
                for _ in slow:
                    pass


def test_topic_outlives_its_subscriptions_use(folder):
    topic = shmrpc.Topic()
    messages = topic.subscribe()
    topic.publish(1)
    topic.close()
    with pytest.raises(ValueError, match="closed"):
        messages.next(0)
    messages.close()


# ---- pipes ---------------------------------------------------------------


def test_pipe_is_a_stream(folder):
    with shmrpc.Pipe(capacity=4096) as pipe:
        writer = run("""
            with shmrpc.Pipe(sys.argv[1]) as pipe:
                for i in range(100):
                    pipe.write(bytes([i]) * 1000)
                pipe.end()
        """, pipe.name)
        data = b"".join(pipe)
        finish(writer)
        assert data == b"".join(bytes([i]) * 1000 for i in range(100))
        assert pipe.read() == b""


def test_pipe_limits(folder):
    with shmrpc.Pipe(capacity=4096) as pipe:
        with pytest.raises(TimeoutError):
            pipe.read(10, timeout=0.01)
        with pytest.raises(TimeoutError) as caught:
            pipe.write(b"x" * 10000, timeout=0.01)
        assert 0 < caught.value.details < 10000
        assert pipe.read(caught.value.details + 5) == b"x" * caught.value.details
        for size in (0, -1):
            with pytest.raises(ValueError):
                pipe.read(size)
        with pytest.raises(TypeError):
            pipe.write("text")
        with shmrpc.Pipe(pipe.name) as other:
            with pytest.raises(shmrpc.Busy):
                other.write(b"x", timeout=0.01)


def test_killed_writer_of_a_pipe(folder):
    with shmrpc.Pipe() as pipe:
        writer = run("""
            pipe = shmrpc.Pipe(sys.argv[1])
            pipe.write(b"half")
            print("ready", flush=True)
            time.sleep(600)
        """, pipe.name)
        assert line(writer) == "ready"
        kill(writer)
        assert pipe.read(timeout=PATIENCE_S) == b"half"
        with pytest.raises(shmrpc.OwnerDied):
            pipe.read(timeout=PATIENCE_S)
        pipe.write(b"mine")
        assert pipe.read(timeout=PATIENCE_S) == b"mine"


# ---- waiting -------------------------------------------------------------

WAITS = {
    "get": "shmrpc.Queue(sys.argv[1]).get()",
    "put": """
        q = shmrpc.Queue(maxsize=1)
        q.put(1)
        q.put(2)""",
    "join": """
        q = shmrpc.Queue(acked=True)
        q.put(1)
        q.join()""",
    "next": "shmrpc.Topic().subscribe().next()",
    "watch": "shmrpc.Dict().watch().next()",
    "read": "shmrpc.Pipe().read()",
    "write": "shmrpc.Pipe(capacity=4096).write(bytes(100000))",
    "lock": """
        import threading
        d = shmrpc.Dict()
        thread = threading.Thread(target=d.lock.acquire)
        thread.start()
        thread.join()
        d.lock.acquire()""",
    "open": "shmrpc.Dict('never.made', mode='wait', timeout=600)",
}


@pytest.mark.parametrize("how", WAITS)
def test_control_c_in_waits(q, how):
    import textwrap

    from processes import interrupt

    # The last line of the script waits; the lines before it may also sleep.
    *before, wait = textwrap.dedent(WAITS[how]).strip().split("\n")
    process = run("\n".join([*before, "print('ready', flush=True)", wait]),
                  q.name)
    assert line(process) == "ready"
    assert "KeyboardInterrupt" in interrupt(process)


def test_waiting_thread_lets_others_run(q):
    got = []
    thread = threading.Thread(target=lambda: got.append(q.get()))
    thread.start()
    until(lambda: q.status()["waiting_for_items"])
    assert sum(range(100000)) == 4999950000 and not got
    q.put("x")
    thread.join(PATIENCE_S)
    assert got == ["x"]


def test_handler_that_returns_interrupts_nothing(q):
    seen = []
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))

    def other():
        until(lambda: q.status()["waiting_for_items"])
        os.kill(os.getpid(), signal.SIGUSR1)
        until(lambda: seen)
        q.put("x")

    thread = threading.Thread(target=other)
    try:
        thread.start()
        assert q.get(timeout=PATIENCE_S) == "x" and seen == [1]
    finally:
        thread.join(PATIENCE_S)
        signal.signal(signal.SIGUSR1, before)
