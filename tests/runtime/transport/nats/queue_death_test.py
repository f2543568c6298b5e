"""Workers of a queue over NATS are killed, again and again: each job is run at
least once, and each run but its first is flagged as redelivered. Run by
with_server.py; with SHMRPC_TEST_LONG=1: 100,000 jobs, 100 kills."""

import os
import signal
import subprocess
import sys
import time

LONG = os.environ.get("SHMRPC_TEST_LONG") == "1"
JOBS, KILLS = (100000, 100) if LONG else (400, 5)
PATIENCE_S = 240


def runs(path):
    """How many jobs have been run so far."""
    with open(path, "rb") as file:
        return JOBS - file.read()[::2].count(0)


def main():
    program = sys.argv[1]
    address = os.environ["TEST_NATS"] + "/test.jobs?ack_wait=4"
    ledger = os.path.join(os.environ["SHMRPC_DIR"], "jobs")
    with open(ledger, "wb") as file:
        file.truncate(2 * JOBS)
    pusher = subprocess.Popen([program, "push", address, str(JOBS)])
    running = [pusher]
    try:
        for kill in range(1, KILLS + 1):
            worker = subprocess.Popen([program, "work", address, ledger])
            running.append(worker)
            # Even the last worker is killed before all jobs are done.
            goal = JOBS * kill // (KILLS + 1)
            deadline = time.monotonic() + PATIENCE_S
            while runs(ledger) < goal:
                assert worker.poll() is None, f"a worker has failed: {kill}"
                assert time.monotonic() < deadline, "the jobs don't go on"
                time.sleep(0.002)
            worker.send_signal(signal.SIGKILL)
            assert worker.wait() == -signal.SIGKILL
        assert pusher.wait(PATIENCE_S) == 0, "the pusher has failed"
        subprocess.run([program, "end", address, "0"], check=True,
                       timeout=PATIENCE_S)
        last = subprocess.Popen([program, "work", address, ledger])
        running.append(last)
        assert last.wait(PATIENCE_S) == 0, "the last worker has failed"
    finally:
        for process in running:
            process.kill()
            process.wait()
    with open(ledger, "rb") as file:
        data = file.read()
    again = 0
    for job in range(JOBS):
        ran, flagged = data[2 * job], data[2 * job + 1]
        assert ran >= 1, f"job {job} was never run"
        assert ran - flagged <= 1, f"job {job}: {ran} runs, {flagged} flagged"
        again += flagged
    assert again >= 1, "no kill has hit a worker with items"
    print(f"{JOBS} jobs, {KILLS} kills: {again} runs of redelivered jobs")


main()
