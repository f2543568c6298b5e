#!/bin/sh
# What ./dev says and refuses, without building anything: it runs as a copy in
# an empty tree.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
tree=$(mktemp -d)
left=
trap 'rm -rf "$tree" ${left:+"$left"}' EXIT
cp "$root/dev" "$root/CMakeLists.txt" "$tree"
cd "$tree" || exit
bad=0

# expect WHAT STATUS PATTERN COMMAND...: runs the command. Its exit status must
# be STATUS, and a line of its output must match PATTERN.
expect() {
    what=$1 status=$2 pattern=$3
    shift 3
    output=$("$@" 2>&1 </dev/null)
    got=$?
    if [ "$got" != "$status" ] || ! printf '%s\n' "$output" | grep -q -- "$pattern"; then
        echo "FAILED: $what: expected status $status and '$pattern', got $got and:"
        printf '%s\n' "$output"
        bad=1
    fi
}

version=$(sed -n 's/^project(shmrpc VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)

expect "help names the commands" 0 '^  fuzz \[SECONDS\]' ./dev --help
expect "each command has --help" 0 '^usage: ' ./dev test --help
expect "without a command the help is printed" 0 '^usage: ' ./dev
expect "the version is the project's" 0 "^shmrpc $version\$" ./dev --version
expect "an unknown command is named" 1 "no command 'tets'" ./dev tets
expect "a superfluous argument is named" 1 "lint takes no argument 'x'" ./dev lint x --no-install
expect "fuzz wants seconds" 1 "fuzz takes seconds, not 'soon'" ./dev fuzz --no-install soon
expect "it runs from any folder" 0 "^shmrpc $version\$" env -C / "$tree/dev" --version

# LastTest.log has 6 passes: 1 + 2 + 2 cases, and a program without cases. It
# has 3 failures: a case, a program that died after its cases, and one that died
# before it had finished any.
expect "cases are counted" 0 '^6 3$' \
    awk -f "$root/.ci/tally.awk" "$root/tests/dev/LastTest.log"

expect "tests that failed are named" 0 '^failed: asan, b, after 0 s$' \
    awk -v configuration=asan -f "$root/.ci/failures.awk" "$root/tests/dev/LastTest.log"
expect "the error that a failed test reported is shown" 0 '^    ==1==ERROR: LeakSanitizer' \
    awk -v configuration=asan -f "$root/.ci/failures.awk" "$root/tests/dev/LastTest.log"
expect "the last line of a test that died is shown" 0 '^    \[ RUN      \] case$' \
    awk -v configuration=asan -f "$root/.ci/failures.awk" "$root/tests/dev/LastTest.log"

expect "what a test left out is named, with the reason" 0 '^skipped: c: no such luck here$' \
    awk -f "$root/.ci/skipped.awk" "$root/tests/dev/LastTest.log"
expect "a skipped case of cmocka is named, with the reason" 0 '^skipped: a: left_out: only root can do that$' \
    awk -f "$root/.ci/skipped.awk" "$root/tests/dev/LastTest.log"

# A failing step is named, and the end of its log shown: cmake is a fake.
mkdir fake
printf '#!/bin/sh\necho "no such luck"\nexit 3\n' >fake/cmake
chmod +x fake/cmake
expect "a failing step is named" 1 "step 'configure release' failed; log: build/log/configure-release.log" \
    env PATH="$tree/fake:$PATH" ./dev demo --no-install
expect "the log's end is shown" 1 '^no such luck$' \
    env PATH="$tree/fake:$PATH" ./dev demo --no-install
expect "what can't be built has failed" 1 '^0 passed, 4 failed$' \
    env PATH="$tree/fake:$PATH" ./dev test --no-install
# Tests that leave something in shared memory have failed: ctest is a fake, too.
cp fake/cmake fake/cmake.bad
printf '#!/bin/sh\nexit 0\n' >fake/cmake
cat >fake/ctest <<'END'
#!/bin/sh
mkdir -p "$LEFT" && touch "$LEFT/x.dict"
END
chmod +x fake/ctest
left=/dev/shm/shmrpc-dev-test-$$
expect "what tests leave in shared memory is named" 1 \
    "^failed: debug, left in shared memory: $left/x.dict\$" \
    env PATH="$tree/fake:$PATH" LEFT="$left" ./dev test --no-install
# The closing line names what was left out.
mkdir -p .ci
cp "$root"/.ci/*.awk .ci
cat >fake/ctest <<END
#!/bin/sh
mkdir -p build/debug/Testing/Temporary
cp "$root/tests/dev/LastTest.log" build/debug/Testing/Temporary
END
expect "the closing line counts what was left out" 1 \
    '^[0-9]* passed, [0-9]* failed, 3 SKIPPED$' \
    env PATH="$tree/fake:$PATH" ./dev test --no-install
# Runs some configurations, and checks in which of them tests have long counts.
# The variable is unset, because this test may itself belong to a long run.
unset SHMRPC_TEST_LONG
cat >fake/ctest <<END
#!/bin/sh
echo "long=\${SHMRPC_TEST_LONG:-no} \$*" >>ran
mkdir -p build/asan/Testing/Temporary
cp "$root/tests/dev/LastTest.log" build/asan/Testing/Temporary
END
expect "configurations are named" 1 \
    "unknown configuration 'asn' (expected one of: debug asan tsan fuzz)\$" \
    env PATH="$tree/fake:$PATH" ./dev test asn --no-install
expect "one configuration runs, and is named at the end" 1 \
    '^6 passed, 3 failed (only asan)$' \
    env PATH="$tree/fake:$PATH" ./dev test asan --no-install
expect "its tests have short counts" 0 'long=no .* -LE once|long$' cat ran
rm ran
expect "with --long it runs in two parts" 1 '^12 passed, 6 failed (only asan)$' \
    env PATH="$tree/fake:$PATH" ./dev test --long asan --no-install
expect "rare moments are waited for" 0 'long=1 .* -L rare -LE once$' cat ran
expect "and all else is there" 0 'long=no .* -LE once|long|rare$' cat ran
rm -rf "$left" fake/ctest .ci
mv fake/cmake.bad fake/cmake
for tool in dirname mkdir tail; do
    ln -s "$(command -v $tool)" "fake/$tool"
done
expect "without apt-get the packages are listed" 1 'needed .* ninja-build' \
    env PATH="$tree/fake" "$(command -v bash)" dev demo

# Continuous integration runs both commands, here fakes, and sums up both.
mkdir .ci
cp "$root/.ci/run" .ci
cat >dev <<'END'
#!/bin/sh
echo "$*"
cat "sum-$1"
exit "$(cat "status-$1")"
END
sums() { # OF-TEST STATUS OF-TEST-WEB STATUS
    echo "$1" >sum-test
    echo "$2" >status-test
    echo "$3" >sum-test-web
    echo "$4" >status-test-web
}
# expect_sum WHAT STATUS LAST-LINE: checks the output of sums().
expect_sum() {
    output=$(.ci/run --long 2>&1)
    got=$?
    last=$(printf '%s\n' "$output" | tail -n 1)
    if [ "$got $last" != "$2 $3" ]; then
        echo "FAILED: $1: expected status $2 and '$3' at the end, got $got and:"
        printf '%s\n' "$output"
        bad=1
    fi
}
sums "3 passed, 0 failed" 0 "2 passed, 0 failed" 0
expect_sum "sums are added" 0 "5 passed, 0 failed"
expect "arguments are for the tests alone" 0 '^test-web$' .ci/run --long
sums "3 passed, 0 failed, 2 SKIPPED" 0 "2 passed, 0 failed" 0
expect_sum "what is left out has failed" 1 "5 passed, 2 failed"
sums "3 passed, 1 failed" 1 "2 passed, 0 failed" 0
expect_sum "a failed test" 1 "5 passed, 1 failed"
sums "3 passed, 0 failed" 0 "0 passed, 2 failed" 1
expect_sum "a failed test of the page" 1 "3 passed, 2 failed"
sums "3 passed, 0 failed" 0 "dev: step 'npm packages' failed" 1
expect_sum "one that breaks off" 1 "3 passed, 1 failed"
sums "0 passed, 0 failed" 0 "0 passed, 0 failed" 0
expect_sum "nothing has run" 1 "0 passed, 0 failed"
exit "$bad"
