"""pytest -p leaks, under an interpreter that counts references: each test is
repeated, with new fixtures of its own, until one run leaves as many references
as there were before.

The first runs fill caches: classes of a service, imports, regular expressions.
A test that leaks never has such a run.
"""

import array
import copy
import gc
import sys

import pytest
from _pytest.runner import runtestprotocol

WARM_UPS = 2
RUNS = 6

# Debian's are built for the other interpreter, and count no references: tests
# that need them are skipped.
for module in ("numpy", "uvloop"):
    sys.modules[module] = None


def references():
    # The output of a service is kept for tests that wait for a line of it.
    for service in getattr(sys.modules.get("test_workers"), "made", ()):
        service.lines.clear()
    for _ in range(3):
        gc.collect()
    return sys.gettotalrefcount()


def ends_of_wider_fixtures(item):
    """Lists of pytest's with functions to call at the end of fixtures that
    outlive the test; each run adds the same ones again."""
    lists = [ends for ends, _ in item.session._setupstate.stack.values()]
    for several in item._fixtureinfo.name2fixturedefs.values():
        lists += [made._finalizers for made in several
                  if made.scope != "function"]
    return [(ends, len(ends)) for ends in lists]


def run(item):
    """Runs the test once, and keeps fixtures of wider scope. Returns why it has
    not passed: "" for a test that is skipped, None if it has passed."""
    # pytest ends the fixtures that the next test, this one again, doesn't use.
    reports = runtestprotocol(item, log=False, nextitem=copy.copy(item))
    item._report_sections.clear()
    for report in reports:
        if not report.passed:
            return report.longreprtext if report.failed else ""
    return None


def wrong_with(item):
    """The error of a test that is run several times; "": none."""
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
        # Not counted again: some references disappear a little after the run.
        before = after
    return f"each run leaves more references: {list(grown)}"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    where = {"nodeid": item.nodeid, "location": item.location}
    item.ihook.pytest_runtest_logstart(**where)
    wrong = wrong_with(item)
    # Once more, ending fixtures that are no longer needed.
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if wrong and report.when == "call" and report.passed:
            report.outcome = "failed"
            report.longrepr = wrong
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(**where)
    return True
