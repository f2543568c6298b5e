"""Runs a test with its own nats-server, which has JetStream. The test finds the
server's address in TEST_NATS."""

import os
import subprocess
import sys
import tempfile
from types import SimpleNamespace

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "..", "tools", "shmrpc-nats"))
import world

def main():
    libraries, *command = sys.argv[1:]
    if world.PROGRAM is None:
        print("SKIPPED: no nats-server here (Debian's package nats-server): "
              "shared objects over NATS are not tested")
        return 77
    with tempfile.TemporaryDirectory(prefix="shmrpc-nats-") as folder:
        stage = SimpleNamespace(folder=folder, running=[])
        try:
            server = world.Server(stage, options=["-js", "-sd", folder])
            return subprocess.call(command, env=dict(
                os.environ, LD_LIBRARY_PATH=libraries, SHMRPC_DIR=folder,
                TEST_NATS=f"nats://127.0.0.1:{server.port}"))
        finally:
            for process in stage.running:
                process.kill()
                process.wait()

sys.exit(main())
