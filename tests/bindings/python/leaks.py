"""pytest -p leaks, under an interpreter that counts references: repeats each
test, with new fixtures each time, until one run leaves no more references than
there were before.

The first runs fill caches: classes of a service, imports, regular expressions.
A test that leaks never has a run without growth.
"""

import array
import copy
import gc
import sys

import pytest
from _pytest.runner import runtestprotocol

WARM_UPS = 2
RUNS = 6

# Debian's numpy and uvloop are built for the normal interpreter, and count no
# references: tests that need them are skipped.
for module in ("numpy", "uvloop"):
    sys.modules[module] = None


def references():
    # The output of a service is kept for tests that wait for a line of it; drop
    # it, since it grows.
    for service in getattr(sys.modules.get("test_workers"), "made", ()):
        service.lines.clear()
    for _ in range(3):
        gc.collect()
    return sys.gettotalrefcount()


def ends_of_wider_fixtures(item):
    """Returns pytest's lists of functions to call at the end of fixtures that
    outlive the test. Each run appends the same functions again."""
    lists = [ends for ends, _ in item.session._setupstate.stack.values()]
    for several in item._fixtureinfo.name2fixturedefs.values():
        lists += [made._finalizers for made in several
                  if made.scope != "function"]
    return [(ends, len(ends)) for ends in lists]


def run(item):
    """Runs the test once; fixtures of wider scope stay alive. Returns None if
    it has passed, "" if it was skipped, otherwise why it has failed."""
    # pytest keeps the fixtures that the next test needs, so it is told that the
    # next test is the same one.
    reports = runtestprotocol(item, log=False, nextitem=copy.copy(item))
    item._report_sections.clear()
    for report in reports:
        if not report.passed:
            return report.longreprtext if report.failed else ""
    return None


def wrong_with(item):
    """Runs a test several times; returns an error, or ""."""
    for _ in range(WARM_UPS):
        if (why := run(item)) is not None:
            return why
    kept = ends_of_wider_fixtures(item)
    # Nothing here may allocate between two counts: no list of numbers, and no
    # half-evaluated expression.
    grown = array.array("q", bytes(8 * RUNS))
    before = after = references()
    for i in range(RUNS):
        if (why := run(item)) is not None:
            return why
        for ends, count in kept:
            del ends[count:]
        after = references()
        grown[i] = after - before
        if grown[i] <= 0:
            return ""
        # The next run is compared with this one: some references disappear a
        # little after a run.
        before = after
    return f"each run leaves more references: {list(grown)}"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    where = {"nodeid": item.nodeid, "location": item.location}
    item.ihook.pytest_runtest_logstart(**where)
    wrong = wrong_with(item)
    # Run the test once more with the real next test, to end fixtures that are
    # no longer needed.
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if wrong and report.when == "call" and report.passed:
            report.outcome = "failed"
            report.longrepr = wrong
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(**where)
    return True
