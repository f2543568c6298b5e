#!/usr/bin/env python3
"""completion_test.py FOLDER PROGRAM...: completion in bash, zsh and fish with
the files that are installed for them from FOLDER."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

FOLDER = os.path.abspath(sys.argv[1])
PROGRAMS = [os.path.abspath(path) for path in sys.argv[2:]]
PATIENCE = 30

ENV = dict(os.environ, TERM="dumb", LC_ALL="C.UTF-8",
           PATH=":".join([os.path.dirname(path) for path in PROGRAMS] +
                         [os.environ["PATH"]]))

# What is typed, and the line to which it must be completed.
CASES = [("shmrpc compl", "shmrpc completion "),
         ("shmrpc completion --ver", "shmrpc completion --version "),
         ("shmrpc completion z", "shmrpc completion zsh "),
         ("shmrpc completion fi", "shmrpc completion fish "),
         ("shmrpc call --dea", "shmrpc call --deadline="),
         ("shmrpcd --inst", "shmrpcd --instance="),
         ("shmrpcd --ec", "shmrpcd --echo "),
         ("shmrpc-web --token", "shmrpc-web --token-file="),
         ("shmrpc-tcp --force", "shmrpc-tcp --force-insecure-serialisation "),
         ("shmrpcgen --skel", "shmrpcgen --skeleton ")]


def shown(text):
    """The lines that a terminal would show."""
    lines, at = [[]], 0
    for char in text:
        if char == "\b":
            at = max(at - 1, 0)
        elif char == "\r":
            at = 0
        elif char == "\n":
            lines.append([])
        elif char.isprintable():
            lines[-1][at:at + 1] = char
            at += 1
    return "\n".join("".join(line) for line in lines)


class Terminal:
    """A shell on a terminal."""

    def __init__(self, *command, home):
        pid, self.fd = pty.fork()
        if pid == 0:
            os.chdir(home)
            os.execvpe(command[0], command, dict(ENV, HOME=home))
        self.pid = pid
        self.text = ""

    def send(self, text):
        self.text = ""
        os.write(self.fd, text.encode())

    def expect(self, wanted):
        """Reads until `wanted` appears."""
        end = time.monotonic() + PATIENCE
        while wanted not in shown(self.text):
            left = end - time.monotonic()
            ready = left > 0 and select.select([self.fd], [], [], left)[0]
            if not ready:
                raise AssertionError(f"never {wanted!r} in {self.text!r}")
            self.text += os.read(self.fd, 65536).decode(errors="replace")

    def end(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def at_terminal(home, command, setup):
    terminal = Terminal(*command, home=home)
    try:
        terminal.send(setup + "; echo 're''ady'\r")
        terminal.expect("ready")
        for typed, wanted in CASES:
            terminal.send(typed + "\t#")  # next input behind the line
            terminal.expect(wanted + "#")
            terminal.send("\x15")  # clear the line, so that it isn't run
    finally:
        terminal.end()


def test_bash(home):
    files = " ".join(f"{FOLDER}/{os.path.basename(program)}.bash"
                     for program in PROGRAMS)
    at_terminal(home, ("bash", "--noprofile", "--norc", "-i"),
                f"PS1=; for file in {files}; do source $file; done")


def test_zsh(home):
    """zsh and fish load the files on demand, by their names."""
    for program in map(os.path.basename, PROGRAMS):
        shutil.copy(f"{FOLDER}/{program}.zsh", f"{home}/_{program}")
    at_terminal(home, ("zsh", "-f", "-i"),
                f"PS1=; fpath=({home} $fpath); autoload -Uz compinit; "
                "compinit -D -u")


def test_zsh_sourced(home):
    at_terminal(home, ("zsh", "-f", "-i"),
                f"PS1=; fpath=({home} $fpath); autoload -Uz compinit; "
                "compinit -D -u; source <(shmrpc completion zsh)")


def test_fish(home):
    for typed, wanted in CASES:
        done = subprocess.run(
            ["fish", "--no-config", "-c",
             "source $argv[1]; complete -C $argv[2]",
             f"{FOLDER}/{typed.split()[0]}.fish", typed],
            env=dict(ENV, HOME=home), capture_output=True, text=True,
            timeout=PATIENCE, check=False)
        words = [line.split("\t")[0] for line in done.stdout.splitlines()]
        last = wanted.split(" ", 1)[1].split()[-1]
        if not typed.startswith("shmrpc "):
            last = last.rstrip("=")  # fish may append more
        assert words == [last], (typed, done.stdout, done.stderr)


def test_every_option_is_there(_):
    for program in PROGRAMS:
        name = os.path.basename(program)
        if name == "shmrpc":
            continue
        text = subprocess.run([program, "--help"], capture_output=True,
                              text=True, check=True).stdout
        options = set(re.findall(r"^ +(?:-\w, )?--([a-z-]+)", text, re.M))
        assert len(options) > 3
        for shell in ("bash", "zsh", "fish"):
            with open(f"{FOLDER}/{name}.{shell}", encoding="utf-8") as file:
                made = file.read()
            for option in options:
                assert re.search(rf"(--|-l ){option}\b", made), (name, option)


def main():
    failed = 0
    for name, function in list(globals().items()):
        if not name.startswith("test_"):
            continue
        shell = name.split("_")[1]
        if shell in ("bash", "zsh", "fish") and shutil.which(shell) is None:
            print(f"SKIPPED {name}: no {shell}")
            continue
        if name == "test_zsh_sourced":
            CASES[:] = [case for case in CASES
                        if case[0].startswith("shmrpc ")]
        home = tempfile.mkdtemp(prefix="completion_test.")
        try:
            function(home)
            print(f"ok     {name}")
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            print(f"FAILED {name}: {type(error).__name__}: {error}")
        finally:
            shutil.rmtree(home, ignore_errors=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
