"""words_test.py SHMRPCGEN SHMRPC SHMRPCD SHMRPC_TCP SHMRPC_WEB ECHO_SERVER:
messages that all programs share, and messages that were wrong once."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

GEN, SHMRPC, SHMRPCD, TCP, WEB, ECHO = (os.path.abspath(p)
                                        for p in sys.argv[1:7])
PATIENCE = 60

# A shell in a mount namespace of its own, in which the folder is read-only.
MOUNTED = ["unshare", "--mount", "--map-root-user", "sh", "-c",
           'mount -t tmpfs -o ro,mode=700 none "$0" && exec "$@"']


class Words(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="words_test.")
        self.addCleanup(shutil.rmtree, self.folder)
        self.run_dir = self.path("run")
        os.mkdir(self.run_dir, 0o700)
        self.env = dict(os.environ, SHMRPC_DIR=self.run_dir)
        self.env.pop("XDG_RUNTIME_DIR", None)
        self.env.pop("NOTIFY_SOCKET", None)

    def path(self, name):
        return os.path.join(self.folder, name)

    def said(self, *command, status=None, **more):
        done = subprocess.run(command, env=self.env, text=True, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=PATIENCE, **more)
        if status is not None:
            self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr

    # ---- options ----

    def commands(self):
        yield GEN, []
        for word in ("check", "explain", "fmt", "lint", "lsp"):
            yield GEN, [word]
        yield SHMRPC, []
        for word in ("list", "call", "top", "ps", "restart", "logs"):
            yield SHMRPC, [word]
        yield SHMRPCD, []
        yield SHMRPCD, ["check"]
        yield TCP, []
        yield WEB, []
        yield ECHO, []

    def test_unknown_options(self):
        for program, words in self.commands():
            for option, rest in (("--hlep", "; did you mean `--help`?"),
                                 ("--hlep=1", "; did you mean `--help`?"),
                                 ("--frobnicate", " (--help lists them)"),
                                 ("-Z", " (--help lists them)")):
                with self.subTest(program=program, words=words,
                                  option=option):
                    text = self.said(program, *words, option, status=2)
                    first = text.splitlines()[0]
                    name = option.split("=")[0]
                    self.assertTrue(
                        first.endswith(f": unknown option `{name}`{rest}"),
                        text)
                    self.assertIn(os.path.basename(program), first)

    def test_arguments_of_options(self):
        for program, option in ((TCP, "--threads"), (ECHO, "--listen"),
                                (WEB, "--listen"), (SHMRPCD, "--instance"),
                                (GEN, "--out-dir")):
            with self.subTest(program):
                self.assertIn(f": option `{option}` needs an argument\n",
                              self.said(program, option, status=2) + "\n")
                self.assertIn(": option `--help` takes no argument",
                              self.said(program, "--help=1", status=2))

    # ---- a read-only folder ----

    def mounted(self, folder, *command):
        text = self.said(*MOUNTED, folder, *command)
        self.skip_without_namespace(text)
        return text

    def skip_without_namespace(self, text):
        if "unshare:" in text or "mount:" in text:
            self.skipTest("no mount namespace can be made: " + text)

    def test_a_read_only_folder_of_sockets(self):
        text = self.mounted(self.run_dir, ECHO)
        self.assertIn(f"can't listen in {self.run_dir} (read-only file "
                      "system)", text)
        self.assertNotIn("internal error", text)

    def test_a_read_only_folder_of_logs(self):
        logs = self.path("logs")
        os.mkdir(logs)
        ini = self.path("service.ini")
        with open(ini, "w", encoding="ascii") as file:
            file.write(f"[Echo]\nexec = {ECHO}\nlog_dir = {logs}/here\n")
        with subprocess.Popen([*MOUNTED, logs, SHMRPCD, ini], env=self.env,
                              text=True, stdin=subprocess.DEVNULL,
                              stderr=subprocess.PIPE) as manager:
            lines = []
            for line in manager.stderr:
                lines.append(line)
                if "the log in" in line:
                    manager.terminate()
        text = "".join(lines)
        self.skip_without_namespace(text)
        self.assertIn(f"Echo: the log in {logs}/here can't be written: "
                      "read-only file system\n", text)

    # ---- taking over ----

    def test_who_may_not_take_over_is_told_so(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        for folder in (self.folder, self.run_dir):
            os.chmod(folder, 0o755)
        # A place from which another user can run it.
        program = shutil.copy(ECHO, self.path("echo-server"))
        with subprocess.Popen(
                [ECHO, "--workers=1", "--allowed-users=61001"], env=self.env,
                text=True, stdout=subprocess.PIPE) as server:
            try:
                self.assertIn("serving at", server.stdout.readline())
                said = self.said(program, "--take-over", user=61001,
                                 group=61001, extra_groups=[], cwd="/")
                self.assertIn("can't take over: the running server belongs to "
                              "user 0, and you are user 61001: only that user "
                              "and root may take it over", said)
                self.assertNotIn("build", said)
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait(PATIENCE)

    def test_what_has_no_workers_is_not_taken_over(self):
        with subprocess.Popen(
                [ECHO, "--workers=0"], env=self.env, text=True,
                stdout=subprocess.PIPE) as server:
            try:
                self.assertIn("serving at", server.stdout.readline())
                self.assertIn(
                    "the running server has no worker processes, so it can't "
                    "be taken over", self.said(ECHO, "--take-over", status=1))
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait(PATIENCE)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
