# Prints which tests failed, by ctest's LastTest.log, with the lines of their output
# that name a failure, or else the last lines.
/^[0-9]+\/[0-9]+ Testing: / {
    name = $3
    lines = told = 0
}
/^<end of output>$/ { output = 0 }
output && !/^-+$/ {
    line[++lines] = $0
    if (/FAILED|ERROR|[Ee]rror:|expected|Sanitizer/)
        tell[++told] = $0
}
/^Output:$/ { output = 1 }
/^Test time =/ { seconds = $4 }
/^Test (Failed|timeout)\.$/ {
    print "failed: " configuration ", " name ", after " seconds + 0 " s"
    for (i = 1; i <= told && i <= 8; i++)
        print "    " tell[i]
    for (i = lines > 8 ? lines - 7 : 1; !told && i <= lines; i++)
        print "    " line[i]
}
