#!/usr/bin/env python3
"""manager.py BUILD [ROUNDS]: measures how long the manager takes to start and
restart services, with the programs of the build folder BUILD. `./dev bench`
runs it after the calls."""

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(sys.argv[1])
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
SHMRPCD = os.path.join(BUILD, "tools/shmrpcd/shmrpcd")
SHMRPC = os.path.join(BUILD, "tools/shmrpc/shmrpc")
GAP = os.path.join(BUILD, "bench/shmrpc-gap")
YOUNG_S = 2.2  # the manager restarts a service that dies sooner with a delay


def section(name, listen):
    return (f"[{name}]\nexec = {GAP} serve\nlisten = {listen}\n"
            "min_proc_num = 1\nmax_proc_num = 1\n")


class Manager:
    """One manager, started in a folder of its own; it lives until the end of
    the block."""

    def __init__(self, folder, services):
        self.env = dict(os.environ, SHMRPC_DIR=os.path.join(folder, "run"))
        os.makedirs(self.env["SHMRPC_DIR"], mode=0o700, exist_ok=True)
        ini = os.path.join(folder, "service.ini")
        with open(ini, "w", encoding="utf-8") as file:
            for i in range(services):
                file.write(section(f"S{i}", f"shm://@{i}" if i else "shm://"))
        begin = time.monotonic()
        self.process = subprocess.Popen([SHMRPCD, ini], env=self.env,
                                        stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "shmrpcd: ready" in line:
                break
        self.start_s = time.monotonic() - begin

    def stop(self):
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate()
        return time.monotonic() - begin

    def pid_of(self, name):
        said = subprocess.run([SHMRPC, "status", name, "--json"], env=self.env,
                              capture_output=True, text=True, check=True)
        return json.loads(said.stdout)["pid"]

    def gap(self, disturb):
        """Calls for YOUNG_S, and runs `disturb` meanwhile. Returns the longest
        time between two answers, and how many calls failed."""
        with subprocess.Popen([GAP, "call", str(YOUNG_S)], env=self.env,
                              stdout=subprocess.PIPE, text=True) as client:
            time.sleep(YOUNG_S / 4)
            disturb()
            said = json.loads(client.communicate()[0])
        return said["gap_s"], said["failed"]


def show(what, seconds, more=""):
    figures = sorted(1000 * s for s in seconds)
    print(f"{what:<52} {statistics.median(figures):9.2f} "
          f"{figures[0]:9.2f} {figures[-1]:9.2f}  {more}")


def starts(folder, services):
    figures = []
    for _ in range(ROUNDS):
        manager = Manager(folder, services)
        figures.append((manager.start_s, manager.stop()))
    show(f"start of {services} services until all can be called",
         [start for start, _ in figures])
    show(f"stop of {services} services", [stop for _, stop in figures])


def gaps(folder):
    manager = Manager(folder, 1)

    def restart():
        subprocess.run([SHMRPC, "restart", "S0"], env=manager.env, check=True,
                       stdout=subprocess.DEVNULL)

    def kill():
        os.kill(manager.pid_of("S0"), signal.SIGKILL)

    for what, disturb in (("no answer for: nothing happens", lambda: None),
                          ("no answer for: shmrpc restart", restart),
                          ("no answer for: kill -9 of the server", kill)):
        said = [manager.gap(disturb) for _ in range(ROUNDS)]
        show(what, [gap for gap, _ in said],
             f"{sum(failed for _, failed in said)} calls failed")
    manager.stop()


def main():
    folder = tempfile.mkdtemp(prefix="shmrpc-bench.")
    print(f"{'the manager, in ms':<52} {'median':>9} {'least':>9} {'most':>9}")
    try:
        starts(folder, 1)
        starts(folder, 10)
        gaps(folder)
    finally:
        shutil.rmtree(folder)


main()
