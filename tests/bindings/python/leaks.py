"""pytest -p leaks, under an interpreter that counts references: each test runs
again and again until one run leaves as many references as it has found.

The first runs fill caches: classes of a service, imports, regular expressions.
A test that leaks never has such a run.
"""

import array
import gc
import sys

import pytest

WARM_UPS = 2
RUNS = 6


def references():
    # What a service prints is kept for tests that wait for a line of it.
    for service in getattr(sys.modules.get("test_workers"), "made", ()):
        service.lines.clear()
    for _ in range(3):
        gc.collect()
    return sys.gettotalrefcount()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    arguments = {name: pyfuncitem.funcargs[name]
                 for name in pyfuncitem._fixtureinfo.argnames}
    for _ in range(WARM_UPS):
        pyfuncitem.obj(**arguments)
    # Nothing here may allocate between two counts: no list of numbers, and no
    # half-evaluated expression.
    grown = array.array("q", bytes(8 * RUNS))
    before = after = references()
    for i in range(RUNS):
        pyfuncitem.obj(**arguments)
        after = references()
        grown[i] = after - before
        if grown[i] <= 0:
            return True
        # Not counted anew: some go a little after the run that has left them.
        before = after
    pytest.fail(f"each run leaves more references: {list(grown)}",
                pytrace=False)
