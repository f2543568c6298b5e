# Prints which tests were skipped because something is missing on this machine, by
# ctest's LastTest.log: a line "skipped: NAME: REASON" for each. A test reports that
# with a line that begins with SKIPPED. A cmocka case calls skip() after printing the
# reason. unittest prints the number of skipped cases.
/^[0-9]+\/[0-9]+ Testing: / { name = $3 }
/^<end of output>$/ { output = 0 }
!output { last = "" }
output && sub(/^SKIPPED:? +/, "") {
    print "skipped: " name ": " $0
    last = "[" # printed already
    next
}
# After this line cmocka lists the same cases again.
output && /^\[==========\]/ { is_over = !/Running/ }
output && /^\[  SKIPPED \] / && !is_over && last != "[" {
    print "skipped: " name ": " $4 (last ~ /^\[|^$/ ? "" : ": " last)
}
output && /^OK \(skipped=[0-9]+\)$/ { print "skipped: " name ": " $0 }
output { last = /^\[/ ? "" : $0 }
/^Output:$/ {
    output = 1
    is_over = 0
    getline # skip a line of dashes
}
