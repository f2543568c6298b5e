"""Calls the service, after asking it for its methods and types."""

import sys

import shmrpc

with shmrpc.connect(sys.argv[1] if len(sys.argv) > 1 else "greeter") as greeter:
    print(greeter.greet("Ada", times=2))
    print(greeter.add(1, b=2))
    try:
        greeter.greet("")
    except greeter.errors.NoName as error:
        print("refused:", error.hint)
    try:
        greeter.add((1 << 63) - 1, 1)
    except ValueError as error:
        print("failed:", error)
