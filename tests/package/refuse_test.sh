#!/bin/sh
# Platforms that shmrpc does not support are refused, with the reason.
set -u
cd "$(dirname "$0")/../.." || exit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0

# refuses REASON CMAKE_ARGUMENT...
refuses() {
    reason=$1
    shift
    rm -rf "$work/build"
    # CMake breaks its messages into lines.
    output=$(cmake -S . -B "$work/build" -G Ninja "$@" 2>&1 | tr -s ' \n' ' ')
    case $output in
    *"shmrpc does not support this platform: $reason"*) ;;
    *)
        echo "FAILED: cmake $*: expected a refusal for '$reason', got: $output"
        bad=1
        ;;
    esac
}

refuses "FreeBSD; it needs Linux" -DCMAKE_SYSTEM_NAME=FreeBSD
refuses "processor riscv64" -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=riscv64
# found NAME VALUE: overrides, after project(), what CMake has detected about
# the compiler.
found() {
    echo "set($1 $2)" >"$work/$1.cmake"
    echo "-DCMAKE_PROJECT_shmrpc_INCLUDE=$work/$1.cmake"
}
refuses "pointers of 4 bytes" "$(found CMAKE_SIZEOF_VOID_P 4)"
refuses "byte order BIG_ENDIAN" "$(found CMAKE_C_BYTE_ORDER BIG_ENDIAN)"
exit "$bad"
