"""python3 -m shmrpc: serves classes of Python modules, and prints their
.svc."""

from __future__ import annotations

import sys

HELP = """\
usage: python3 -m shmrpc serve [--path=FOLDER]... [--svc=FILE] [--class=NAME]
                               [--send-traceback=all|user|none]
                               [--preload-threads=refuse|allow]
                               MODULE[:CLASS] [OPTION]...
       python3 -m shmrpc svc [--path=FOLDER]... [--class=NAME] MODULE[:CLASS]
       python3 -m shmrpc --version

serve: serves a class until SIGINT or SIGTERM. The OPTIONs are those of every
server: --help after the module lists them.

  --path=FOLDER      where to look for the module first; may be repeated
  --svc=FILE         the .svc to serve, if the class does not name one
  --class=NAME       the class, as MODULE:CLASS does; ignored if the module
                     has no such class
  --send-traceback   who gets the traceback of an exception: callers of the
                     same user (default), all callers, or none
  --preload-threads  what to do if making the object of the class leaves
                     threads running, which workers would not have: refuse
                     to serve (default), or allow them

svc: prints the .svc that a class serves, such as one made from methods with
decorators (@json_method).
"""


class _Wrong(Exception):
    """An error in the command line."""


def _options(arguments: list[str], names: set[str]) -> dict[str, str]:
    """Takes options from the front; adds the --path folders to sys.path."""
    found: dict[str, str] = {}
    folders = []
    while arguments and arguments[0].startswith("--"):
        name, _, value = arguments.pop(0)[2:].partition("=")
        if name not in names:
            raise _Wrong(f"unknown option --{name}")
        if not value:
            raise _Wrong(f"--{name} has no value: expected --{name}=...")
        if name == "path":
            folders.append(value)
        found[name] = value
    if not arguments:
        raise _Wrong("expected MODULE or MODULE:CLASS")
    sys.path[:0] = folders
    return found


def _serve(arguments: list[str]) -> int:
    import os

    from . import _worker

    options = _options(arguments, {
        "path", "svc", "class", "send-traceback", "preload-threads"})
    traceback = options.get("send-traceback", "user")
    threads = options.get("preload-threads", "refuse")
    if traceback not in ("all", "user", "none"):
        raise _Wrong(f"--send-traceback={traceback}: expected all, user or none")
    if threads not in ("refuse", "allow"):
        raise _Wrong(f"--preload-threads={threads}: expected refuse or allow")
    target = arguments.pop(0)
    given = options.get("svc")
    return _worker.run(target, given and os.path.abspath(given),
                       [target, *arguments], hint=options.get("class"),
                       allow_threads=threads == "allow",
                       send_traceback=traceback)


def _svc(arguments: list[str]) -> int:
    from . import _worker

    options = _options(arguments, {"path", "class"})
    if len(arguments) > 1:
        raise _Wrong(f"unexpected {arguments[1]}")
    return _worker.print_svc(arguments[0], options.get("class"))


def _refuse(why: str) -> int:
    print(f"shmrpc: error: {why} (see python3 -m shmrpc --help)",
          file=sys.stderr)
    return 2


def main(arguments: list[str]) -> int:
    commands = {"serve": _serve, "svc": _svc}
    command = commands.get(arguments[0]) if arguments else None
    asked = arguments[1:2] if command else arguments[:1]
    if asked in (["--help"], ["-h"]):
        print(HELP, end="")
        return 0
    if arguments[:1] == ["--version"]:
        from . import __version__

        print(f"shmrpc {__version__}")
        return 0
    try:
        if command is None:
            raise _Wrong("expected serve or svc"
                         + (f", not {arguments[0]}" if arguments else ""))
        return command(arguments[1:])
    except _Wrong as error:
        return _refuse(str(error))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
