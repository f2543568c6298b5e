"""Runs CPython's tests of multiprocessing's shared objects with those of
shmrpc. Tests of multiprocessing's own arguments and functions are left out."""

import itertools
import multiprocessing
import os
import queue
import unittest

import pytest

import shmrpc

tests = pytest.importorskip("test._test_multiprocessing",
                            reason="no libpython3.11-testsuite")
context = multiprocessing.get_context("fork")
numbers = itertools.count()


def lock(**options):
    return shmrpc.Lock(f"mp.{os.getpid()}.{next(numbers)}", **options)


class Mixin(unittest.TestCase):
    """The functions of multiprocessing that the tests use."""

    # Keeps pytest from collecting these classes: test_as_multiprocessing runs
    # them with unittest.
    __test__ = False

    TYPE = "processes"
    Process = context.Process
    Event = staticmethod(context.Event)


class Lock(tests._TestLock, Mixin):
    Lock = staticmethod(lock)
    RLock = staticmethod(lambda: lock(recursive=True))


class Semaphore(tests._TestSemaphore, Mixin):
    """Our semaphores count only to one, so tests of larger counts are left
    out."""

    Semaphore = staticmethod(
        lambda value: lock(initial_value=value, semaphore=True))
    test_semaphore = test_bounded_semaphore = None


class Queue(tests._TestQueue, Mixin):
    @staticmethod
    def Queue(maxsize=0):
        return shmrpc.Queue(maxsize=maxsize, order="total")

    JoinableQueue = staticmethod(
        lambda: shmrpc.Queue(acked=True, order="total"))
    # These tests use internals of multiprocessing's queue.
    test_no_import_lock_contention = test_timeout = None
    test_queue_feeder_donot_stop_onexc = None
    test_queue_feeder_on_queue_feeder_error = None
    test_closed_queue_put_get_exceptions = None


class Value(tests._TestValue, Mixin):
    Value = RawValue = staticmethod(
        lambda code, value: shmrpc.Value(None, value))
    test_getobj_getlock = None


class Array(tests._TestArray, Mixin):
    @staticmethod
    def Array(code, items):
        return (shmrpc.Array(format=code, shape=items)
                if isinstance(items, int)
                else shmrpc.Array(data=items, format=code))

    RawArray = Array
    test_getobj_getlock_obj = None


@pytest.mark.parametrize("case, least", [
    (Lock, 3), (Semaphore, 1), (Queue, 4), (Value, 2), (Array, 3)])
def test_as_multiprocessing(folder, case, least):
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(case)
    result = unittest.TestResult()
    suite.run(result)
    assert [*result.failures, *result.errors] == []
    assert result.testsRun - len(result.skipped) >= least
