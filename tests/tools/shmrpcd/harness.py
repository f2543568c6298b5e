"""Managers in folders of their own, for the tests beside this file."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE = 8  # seconds, for things that take milliseconds on an idle machine


class Programs:
    """Paths from the command line, in this order."""

    names = ["shmrpcd", "shmrpc", "program", "echo", "primes", "library",
             "web", "tcp", "pki", "client"]

    def __init__(self, paths):
        for name, path in zip(self.names, paths):
            setattr(self, name, os.path.abspath(path))


def await_that(what, condition, patience=PATIENCE):
    """Returns the first true value of `condition()`."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("never: " + what)
        time.sleep(0.01)


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):  # the process has ended
        return ""


def pid_in(path):
    return int(await_that(path, lambda: read(path)))


def is_alive(pid):
    """A zombie counts as dead, because reaping it is not up to us."""
    stat = read(f"/proc/{pid}/stat")
    return bool(stat) and stat.rsplit(")", 1)[1].split()[0] != "Z"


class CallError(Exception):
    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def fails(status, text, function, *words):
    """Checks that a command fails with this status. Returns its error message,
    which must contain `text`."""
    try:
        function(*words)
    except CallError as error:
        assert error.status == status, (error.status, str(error))
        assert text in str(error), str(error)
        return str(error)
    raise AssertionError(f"expected to fail with: {text}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Manager:
    """shmrpcd in a folder with a service.ini, a log, and its sockets."""

    def __init__(self, programs):
        self.programs = programs
        self.folder = tempfile.mkdtemp(prefix="manager_test.")
        self.run_dir = os.path.join(self.folder, "run")
        self.err = os.path.join(self.folder, "err")
        os.mkdir(self.run_dir, 0o700)
        self.env = {k: v for k, v in os.environ.items()
                    if k not in ("XDG_RUNTIME_DIR", "NOTIFY_SOCKET")}
        self.env["SHMRPC_DIR"] = self.run_dir
        # The manager itself starts these programs. In a build tree they are not
        # in its folder, so it must find them in PATH.
        self.env["PATH"] = ":".join(
            [os.path.dirname(programs.web), os.path.dirname(programs.tcp),
             self.env.get("PATH", "")])
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            sys.stderr.write("---- the manager said\n" + read(self.err))
        said = read(self.err)
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in self.marked():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        shutil.rmtree(self.folder)
        assert "Sanitizer" not in said, said

    def path(self, name):
        return os.path.join(self.folder, name)

    def section(self, name, *words, **keys):
        """Returns a section that runs the test program."""
        quoted = ["'" + word + "'" for word in words]
        keys.setdefault("exec", " ".join([self.programs.program] + quoted))
        return self.body(name, **keys)

    @staticmethod
    def body(name, **keys):
        lines = [f"[{name}]"] + [f"{k} = {v}" for k, v in keys.items()]
        return "\n".join(lines) + "\n"

    def write(self, *sections):
        with open(self.path("service.ini"), "w", encoding="utf-8") as file:
            file.write("\n".join(sections))

    def spawn(self, *arguments, out=subprocess.DEVNULL, env=None):
        with open(self.err, "a", encoding="utf-8") as err:
            self.process = subprocess.Popen(
                [self.programs.shmrpcd, *arguments], cwd=self.folder,
                env=env or self.env, stdin=subprocess.DEVNULL, stdout=out,
                stderr=err)
        return self.process

    def start(self, *sections, arguments=(), names=(), until="ready"):
        """Starts the manager, and returns when it reports that it is ready."""
        if sections:
            self.write(*sections)
        before = len(read(self.err))
        process = self.spawn(*arguments, "service.ini", *names)
        await_that(
            "the manager is " + until,
            lambda: "shmrpcd: " + until in read(self.err)[before:] or
            self.ended_early(process))
        return self

    def ended_early(self, process):
        if process.poll() is not None:
            raise AssertionError(f"ended with {process.returncode}:\n" +
                                 read(self.err))
        return False

    def spawn_with(self, sock, *command, **variables):
        """Starts a program as systemd does for socket activation, with `sock`
        as descriptor 3. Variables whose value is None are not set."""
        said = {"LISTEN_PID": "$$", "LISTEN_FDS": "1",
                "LISTEN_FDNAMES": "a", **variables}
        sets = " ".join(f"export {k}={v};" for k, v in said.items()
                        if v is not None)
        fd = sock.fileno()
        place = f"3<&{fd} {fd}<&-" if fd != 3 else ""
        with open(self.err, "a", encoding="utf-8") as err:
            self.process = subprocess.Popen(
                ["bash", "-c", f"{sets} exec \"$@\" {place}", "bash",
                 *command], cwd=self.folder, env=self.env, pass_fds=(fd,),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=err)
        return self.process

    def stop(self):
        """Stops the manager by SIGTERM, and returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def run(self, *words):
        """Runs a command line. Returns what it printed, or raises CallError."""
        done = subprocess.run([self.programs.shmrpc, *words],
                              env=self.env, capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        if done.returncode != 0:
            raise CallError(done.returncode, done.stderr)
        return done.stdout

    def call(self, method, *words):
        return json.loads(self.run("call", "shmrpcd", method, *words))

    def status(self, name):
        return self.call("status", name)

    def await_state(self, name, state):
        return await_that(f"{name} is {state}",
                          lambda: (lambda s: s if s["state"] == state
                                   else None)(self.status(name)))

    def texts(self, name, *words):
        return [line["text"] for line in
                self.call("logs", name, *words)["lines"]]

    def marked(self):
        """All processes that this manager, or an earlier one, has started."""
        mark = f"SHMRPCD_OF={self.run_dir}/shmrpcd".encode()
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    if any(line.startswith(mark)
                           for line in file.read().split(b"\0")):
                        found.append(int(pid))
            except OSError:
                pass
        return found

    def await_nobody(self):
        await_that("nothing is left", lambda: not self.marked())
        left = [name for name in os.listdir(self.run_dir)
                if not name.endswith(".lock")]
        assert left == [], left


def main(module):
    """Runs every function of `module` whose name begins with test_, or only
    those whose names follow the programs in the arguments. With 2/3 instead of
    names, runs every third test, from the second one."""
    count = len(Programs.names)
    global SANITIZED
    programs = Programs(sys.argv[1:1 + count])
    with open(programs.shmrpcd, "rb") as file:
        text = file.read()
        SANITIZED = b"__asan_" in text or b"__tsan_" in text
    wanted = sys.argv[1 + count:]
    part = re.fullmatch(r"(\d+)/(\d+)", wanted[0]) if wanted else None
    if part:
        wanted = []
    tests = [(name, function) for name, function in module.items()
             if name.startswith("test_") and (not wanted or name in wanted)]
    if part:
        tests = tests[int(part[1]) - 1::int(part[2])]
    failed = 0
    for name, function in tests:
        begin = time.monotonic()
        try:
            with Manager(programs) as manager:
                function(manager)
            print(f"ok     {name} ({time.monotonic() - begin:.1f} s)")
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            print(f"FAILED {name}: {type(error).__name__}: {error}")
            sys.stdout.flush()
            import traceback
            traceback.print_exc()
        sys.stdout.flush()
    print(f"{len(tests)} tests, {failed} failed")
    sys.exit(1 if failed else 0)


# Whether the programs are built with a sanitizer; set when they are known.
SANITIZED = False

LONG = os.environ.get("SHMRPC_TEST_LONG") == "1"
