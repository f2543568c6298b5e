# Tells from ctest's LastTest.log what tests left out because something is
# missing on this machine: "skipped: NAME: REASON", a line each. A test says so
# by a line that begins with SKIPPED; a case of cmocka by skip(), the reason
# before it; unittest by its sum.
/^[0-9]+\/[0-9]+ Testing: / { name = $3 }
/^<end of output>$/ { output = 0 }
!output { last = "" }
output && sub(/^SKIPPED:? +/, "") {
    print "skipped: " name ": " $0
    last = "[" # told already
    next
}
# Behind this line cmocka lists the same cases again.
output && /^\[==========\]/ { is_over = !/Running/ }
output && /^\[  SKIPPED \] / && !is_over && last != "[" {
    print "skipped: " name ": " $4 (last ~ /^\[|^$/ ? "" : ": " last)
}
output && /^OK \(skipped=[0-9]+\)$/ { print "skipped: " name ": " $0 }
output { last = /^\[/ ? "" : $0 }
/^Output:$/ {
    output = 1
    is_over = 0
    getline # dashes
}
