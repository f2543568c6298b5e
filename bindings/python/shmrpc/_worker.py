"""Services written in Python: the implementation of python3 -m shmrpc serve
and main().

The supervisor imports none of the user's code: a child process prints the
service's description, and exits. The process from which workers are forked
imports the module and makes the object, once; workers call its methods.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from . import _core, svc
from ._errors import DeclaredError, Error

_FAULT, _STATUS, _DECLARED = range(3)
_TEXT_LIMIT = 1 << 20
# How many calls a worker's loop runs at a time: the default, and the maximum,
# which is the number of detached calls that a worker can have.
_CONCURRENCY = 256
_CONCURRENCY_MOST = 1024
# Max workers in calls with streams at a time. This limits nothing, since no
# server has more workers.
_STREAMS_MOST = 64


class Refused(Exception):
    """A service can't be served; the message says why in a sentence."""


# ---- the class and its interface ------------------------------------------


def _find_class(module: Any, name: str | None, hint: str | None) -> type:
    """Returns the class with this name, or the only class that defines a
    service."""
    for wanted in (name, hint):
        found = getattr(module, wanted, None) if wanted else None
        if isinstance(found, type):
            return found
        if wanted and wanted == name:
            raise Refused(f"module {module.__name__} has no class {name}")
    classes = [value for value in vars(module).values()
               if isinstance(value, type) and value.__module__ ==
               module.__name__ and (getattr(value, "__svc__", None)
                                    or svc.is_described(value))]
    if len(classes) == 1:
        return classes[0]
    names = ", ".join(sorted(value.__name__ for value in classes))
    raise Refused(f"module {module.__name__} has {names or 'no class'} with "
                  "__svc__ or decorated methods: name one, as in "
                  f"{module.__name__}:Class")


def _import(target: str, hint: str | None) -> type:
    import importlib

    module, _, name = target.partition(":")
    if module.endswith(".py"):
        raise Refused(f"{module} is a file: give the module's name, "
                      f"{module[:-3].replace('/', '.')}")
    return _find_class(importlib.import_module(module), name or None, hint)


def _described(cls: type) -> svc.Described | None:
    """Returns the service that the decorators of the class's methods define,
    if any."""
    if hasattr(cls, "__svc__") or not svc.is_described(cls):
        return None
    try:
        return svc.describe(cls)
    except svc.SvcError as error:
        raise Refused(str(error)) from None


def _text_of(cls: type, given: str | None) -> str:
    """Returns the .svc of a class: `given`, or its __svc__, each a text or a
    path relative to the class's file; else what its decorators define."""
    text = given if given is not None else getattr(cls, "__svc__", None)
    described = _described(cls) if text is None else None
    if described is not None:
        return described.text
    if not isinstance(text, str):
        raise Refused(f"{cls.__name__} does not say what it serves: derive it "
                      "from the class of a generated module, set __svc__ to a "
                      ".svc file, or decorate its methods (@json_method)")
    if "{" in text or "\n" in text:
        return text
    module = sys.modules.get(cls.__module__)
    folder = os.path.dirname(getattr(module, "__file__", None) or "")
    path = os.path.join(folder, text)
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise Refused(f"{cls.__name__}: can't read its .svc: {path}: "
                      f"{error.strerror}") from None
    try:
        _core.canonical(text)
    except ValueError as error:
        raise Refused(f"{path}:{error}") from None
    return text


def _options_of(cls: type, text: str) -> list[str]:
    """Returns server options that a served class needs."""
    import re

    words = set(re.findall(r"\w+", text))
    names = [name for name in dir(cls)
             if name in words or name.rstrip("_") in words]
    # If a loop handles a call with streams, the call occupies its worker only
    # until it is detached, so the limit can be high.
    is_async = any(_is_async(getattr(cls, name)) for name in names)
    return [f"--max-streams={_STREAMS_MOST}"] if is_async else []


def _ask_child(target: str, hint: str | None,
               given: str | None) -> tuple[str, list[str]]:
    """Gets the .svc and the options of a class from a child that imports it,
    so that this process doesn't import it."""
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(reader)
            with open(writer, "wb") as pipe:
                try:
                    cls = _import(target, hint)
                    text = _text_of(cls, given)
                    text = f"{' '.join(_options_of(cls, text))}\n{text}"
                    status = 0
                except BaseException as error:
                    text = _in_a_line(error)
                pipe.write(text.encode("utf-8", "backslashreplace"))
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    os.close(writer)
    with open(reader, "rb") as pipe:
        text = pipe.read(_TEXT_LIMIT).decode("utf-8", "replace")
    _, status = os.waitpid(pid, 0)
    if status != 0:
        raise Refused(text or f"importing {target} ended with status {status}")
    options, _, text = text.partition("\n")
    return text, options.split()


# ---- faults of exceptions -------------------------------------------------


def _printed(value: Any) -> str:
    """Returns str(value); str() may raise anything, or return text that can't
    be encoded."""
    try:
        text = str(value)
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    except BaseException:
        return f"<{_name_of(type(value))} that can't be printed>"


def _name_of(cls: type) -> str:
    """Returns the name that clients know: a builtin's own name, else with the
    module."""
    try:
        name, module = str(cls.__qualname__), str(cls.__module__)
    except BaseException:
        return "Exception"
    return name if module == "builtins" else f"{module}.{name}"


def _trace_of(error: BaseException) -> str:
    import traceback

    try:
        text = "".join(traceback.format_exception(error))
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    except BaseException:
        return ""


def _in_a_line(error: BaseException) -> str:
    if isinstance(error, (Refused, Error)):
        return _printed(error)
    text = _printed(error)
    name = _name_of(type(error))
    return " ".join((f"{name}: {text}" if text else name).split())


def _args_of(error: BaseException) -> Any:
    try:
        return list(error.args)
    except BaseException:
        return None


def _check_parameters(cls: type, name: str, arguments: list[str]) -> None:
    """Refuses a method that can't be called with this many arguments."""
    import inspect

    function = inspect.getattr_static(cls, name)
    if not inspect.isfunction(function):
        return
    signature = inspect.signature(function)
    try:
        signature.bind(None, *arguments)
    except TypeError:
        raise Refused(
            f"{cls.__name__}.{name}{signature} can't be called with what the "
            f"service passes: {', '.join(['self', *arguments])}") from None


def _is_async(function: Any) -> bool:
    import inspect

    return (inspect.iscoroutinefunction(function)
            or inspect.isasyncgenfunction(function))


# ---- threads that would be missing in workers ------------------------------


def _threads() -> dict[str, str]:
    """Returns the names of this process's threads, by thread id."""
    found = {}
    for number in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{number}/comm",
                      encoding="utf-8", errors="replace") as file:
                found[number] = file.read().rstrip("\n")
        except OSError:
            pass  # the thread has ended
    return found


def _refuse_threads(before: set[str]) -> None:
    """Raises Refused if threads are running that are not in `before`. The
    library refuses them, too, but its message is for C programs. Threads that
    are about to end have 0.2 s for that."""
    import time

    until = time.monotonic() + 0.2
    while left := [name for number, name in _threads().items()
                   if number not in before]:
        if time.monotonic() > until:
            names = ", ".join(sorted(set(left)))[:40]
            count = f"{len(left)} thread{'s' if len(left) > 1 else ''}"
            raise Refused(
                f"preload left {count} running ({names}), which workers "
                "won't have: start them in worker_start, set OPENBLAS_NUM_THREADS=1, "
                "or allow them (--preload-threads=allow)")
        time.sleep(0.01)


# ---- the program ----------------------------------------------------------


class Program:
    """The functions that the C part calls: hooks, and texts for exceptions."""

    def __init__(self, make: Callable[[], type], name: str,
                 allow_threads: bool, send_traceback: str) -> None:
        self._make = make
        self._name = name
        self._allow_threads = allow_threads
        self._send_traceback = send_traceback
        self._object: Any = None
        self._is_async = False

    def load(self, rows: list[tuple[str, str, list[str]]]
             ) -> tuple[list[Any], Any, int]:
        """Imports the class and makes the object. Returns the object's methods;
        the classes of its generated module, or None; and how many calls its
        event loop runs at a time, 0 if it has no loop."""
        reconfigure = getattr(sys.stdout, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(line_buffering=True)
        before = set(_threads())
        cls = self._make()
        functions = [self._method_of(cls, name, python_name)
                     for name, python_name, _ in rows]
        for function, (_, _, arguments) in zip(functions, rows):
            _check_parameters(cls, function, arguments)
        self._is_async = any(_is_async(getattr(cls, name))
                             for name in functions)
        limit = self._limit_of(cls) if self._is_async else 0
        make = getattr(cls, "__shmrpc_make__", None)
        if make is not None:
            _log_by_default()  # __shmrpc_make__ gives the object a logger
        self._object = cls() if make is None else make()
        if not self._allow_threads:
            _refuse_threads(before)
        _log_by_default()
        bound = [getattr(self._object, name) for name in functions]
        described = _described(cls)
        if described is None:
            return bound, getattr(cls, "__classes__", None), limit
        return ([_filled(function, described.fills.get(row[0]))
                 for function, row in zip(bound, rows)], described.classes,
                limit)

    def _method_of(self, cls: type, name: str, python_name: str) -> str:
        for wanted in (python_name, f"{name}_"):
            if callable(getattr(cls, wanted, None)):
                return wanted
        raise Refused(f"{cls.__name__} has no method {python_name}, which the "
                      "service declares")

    def _limit_of(self, cls: type) -> int:
        limit = getattr(cls, "concurrency", _CONCURRENCY)
        if (not isinstance(limit, int) or isinstance(limit, bool)
                or not 1 <= limit <= _CONCURRENCY_MOST):
            raise Refused(f"{cls.__name__}.concurrency: {limit!r}, expected 1 "
                          f"to {_CONCURRENCY_MOST} calls of a worker")
        return limit

    def freeze(self) -> None:
        """Called before workers are forked: freezes the garbage collector,
        which would otherwise touch, and so copy, memory that the workers
        share."""
        import gc

        gc.collect()
        gc.freeze()
        sys.stdout.flush()
        sys.stderr.flush()

    def start(self) -> None:
        if self._is_async:
            from ._async_worker import Runner

            self._runner = Runner(self._object, self._exit)
            return self._runner.start()
        start = getattr(self._object, "worker_start", None)
        if start is not None:
            start()
        return None

    def stop(self) -> None:
        stop = getattr(self._object, "worker_stop", None)
        try:
            if self._is_async:
                self._runner.stop()
            elif stop is not None:
                stop()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()

    def leave(self) -> None:
        """Exits after SystemExit in a handler, without calling the atexit
        functions, since they belong to the parent."""
        try:
            self.stop()
        finally:
            self._exit()

    def _exit(self) -> None:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(1)

    def explain(self, error: Any) -> str:
        """Returns one line for an exception that was raised before any
        call."""
        if error is None:
            return "an exception"
        if not isinstance(error, (Refused, ImportError)):
            _log(_core_level("ERROR"), _trace_of(error))
        return _in_a_line(error)

    def describe(self, error: BaseException, method: str) -> tuple[Any, ...]:
        """Describes an exception of a handler, so that the C part can answer
        the call."""
        if isinstance(error, DeclaredError):
            return (_DECLARED, int(error.status), _name_of(type(error)),
                    _printed(error), "", error.details)
        status = _status_of(error)
        if status:
            return (_STATUS, status, "", _printed(error), "", None)
        trace = _trace_of(error)
        self._log_failure(error, method, trace)
        return (_FAULT, 0, _name_of(type(error)), _printed(error),
                trace if self._send_traceback != "none" else "",
                _args_of(error), self._send_traceback == "all")

    def _log_failure(self, error: BaseException, method: str,
                     trace: str) -> None:
        """Logs the traceback here, since the caller may be on another
        machine."""
        try:
            import logging

            logging.getLogger("shmrpc").error(
                "%s.%s of %s: %s\n%s", self._name, method, _caller(),
                _in_a_line(error), trace)
        except BaseException:
            pass


def _caller() -> str:
    """Describes the caller of the failed call; a oneway call may be over."""
    try:
        peer = _core.context().peer
    except RuntimeError:
        return "a call that nobody waits for"
    return peer.address or peer.transport


def _filled(function: Any, fills: list[tuple[int, Any]] | None) -> Any:
    """Wraps a handler: fills in defaults that only Python can compute, for
    arguments that the caller omits."""
    if function is None or not fills:
        return function
    known = fills

    def call(*given: Any) -> Any:
        values = list(given)
        for index, default in known:
            if values[index] is None:
                values[index] = default
        return function(*values)

    return call


def _status_of(error: BaseException) -> int:
    """Returns the status of one of our own exceptions; 0 if it is another
    exception, or a fault."""
    from ._errors import RemoteError
    from ._helpers import status_of

    if not isinstance(error, Error) or isinstance(error, RemoteError):
        return 0
    return status_of(error)


# ---- the log --------------------------------------------------------------


def _core_level(name: str) -> int:
    return {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40,
            "CRITICAL": 50}[name]


def _log(level: int, text: str) -> None:
    for line in text.splitlines():
        if line.strip():
            _core.log(level, line.replace("\0", "\\0"))


def _log_by_default() -> None:
    """Gives the root logger a handler if the program has given it none."""
    import logging

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            try:
                _log(record.levelno, self.format(record))
            except Exception:
                self.handleError(record)

    root = logging.getLogger()
    if not root.handlers:
        handler = Handler()
        handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        root.addHandler(handler)


# ---- running --------------------------------------------------------------


def run(target: type | str, given: str | None, argv: list[str],
        allow_threads: bool = False, hint: str | None = None,
        send_traceback: str = "user") -> int:
    """Serves until stopped; returns the exit status."""
    if send_traceback not in ("all", "user", "none"):
        raise ValueError(f"send_traceback: {send_traceback!r}, expected all, "
                         "user or none")
    try:
        if isinstance(target, str):
            name, known = target, target
            text, options = _ask_child(target, hint, given)
            program = Program(lambda: _import(known, hint), name,
                              allow_threads, send_traceback)
        else:
            cls = target
            if not isinstance(cls, type):
                raise Refused(f"expected a class or \"module:Class\", not "
                              f"{_printed(cls)}")
            text = _text_of(cls, given)
            options = _options_of(cls, text)
            program = Program(lambda: cls, cls.__name__, allow_threads,
                              send_traceback)
        return _core.serve(program, text, [*argv[:1], *options, *argv[1:]],
                           allow_threads)
    except (Refused, Error, OSError, UnicodeDecodeError) as error:
        print(f"shmrpc: error: {_in_a_line(error)}", file=sys.stderr)
        return 1


def print_svc(target: str, hint: str | None) -> int:
    """Prints the canonical .svc of a class; returns the exit status."""
    try:
        print(_core.canonical(_text_of(_import(target, hint), None)), end="")
    except (Refused, ImportError, OSError, ValueError) as error:
        print(f"shmrpc: error: {_in_a_line(error)}", file=sys.stderr)
        return 1
    return 0
