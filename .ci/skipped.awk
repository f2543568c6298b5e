# Tells from ctest's LastTest.log what tests left out because something is
# missing on this machine: "skipped: NAME: REASON", a line each.  Tests say so by
# a line that begins with SKIPPED, those of pytest in their sum.
/^[0-9]+\/[0-9]+ Testing: / { name = $3 }
/^<end of output>$/ { output = 0 }
output && sub(/^SKIPPED:? +/, "") { print "skipped: " name ": " $0 }
output && /^=+ .*[0-9]+ skipped.* =+$/ {
    gsub(/^=+ | =+$/, "")
    print "skipped: " name ": " $0
}
/^Output:$/ { output = 1 }
