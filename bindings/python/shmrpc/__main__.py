"""python3 -m shmrpc: services of Python modules."""

from __future__ import annotations

import sys

HELP = """\
usage: python3 -m shmrpc serve [--path=FOLDER]... [--svc=FILE] [--class=NAME]
                               MODULE[:CLASS] [OPTION]...

Serves a class until SIGINT or SIGTERM.  FOLDERs are searched for the module
first, FILE is what it serves if the class does not say so; NAME is the class,
if the module has one of that name.  Options are those of every server: put
--help behind the module.
"""


def _serve(arguments: list[str]) -> int:
    from . import _worker

    folders: list[str] = []
    svc = hint = None
    while arguments and arguments[0].startswith("--"):
        name, _, value = arguments.pop(0).partition("=")
        if name == "--path" and value:
            folders.append(value)
        elif name == "--svc" and value:
            import os

            svc = os.path.abspath(value)
        elif name == "--class" and value:
            hint = value
        else:
            return _refuse(f"unknown option {name}")
    if not arguments:
        return _refuse("expected MODULE or MODULE:CLASS")
    sys.path[:0] = folders
    target = arguments.pop(0)
    return _worker.run(target, svc, [target, *arguments], hint=hint)


def _refuse(why: str) -> int:
    print(f"shmrpc: error: {why} (python3 -m shmrpc --help tells more)",
          file=sys.stderr)
    return 2


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["serve"]:
        if arguments[1:2] not in (["--help"], ["-h"]):
            return _serve(arguments[1:])
    elif arguments[:1] not in (["--help"], ["-h"]):
        return _refuse("expected serve")
    print(HELP, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
