# Counts test cases in ctest's LastTest.log and prints "passed failed".  Each case
# of a cmocka program counts, and any other program counts as one case. If a cmocka
# program fails without a failed case (a signal, a timeout, a sanitizer), that counts
# as one failure.
/^[0-9]+\/[0-9]+ Testing: / {
    finish()
    running = 1
}
/^\[  PASSED  \] [0-9]+ test/ { passed += $4; cases += $4 }
/^\[  FAILED  \] .*[0-9]+ test\(s\)/ {
    sub(/ test\(s\).*/, "")
    failed += $NF
    bad += $NF
}
/^Test Passed\.$/ { ok = 1 }
END {
    finish()
    print passed + 0, failed + 0
}

function finish()
{
    if (running && ok && cases == 0)
        passed++
    if (running && !ok && bad == 0)
        failed++
    running = ok = cases = bad = 0
}
