"""Shows who holds a lock, and what happens when the holder dies."""

import multiprocessing
import time

import shmrpc


def hold(name, ready):
    with shmrpc.Dict(name) as d, d.lock("account"):
        d["account"] = "half"
        ready.set()
        time.sleep(600)


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    with shmrpc.Dict() as d:
        ready = context.Event()
        holder = context.Process(target=hold, args=[d.name, ready])
        holder.start()
        ready.wait()
        try:
            with d.lock("account", timeout=0.1):
                print("it was free")
        except shmrpc.DeadlineExceeded as error:
            print("process", error.pid, "is holding the lock")
        holder.kill()
        with d.lock("account", timeout=10, recover=True) as lock:
            if lock.owner_died:
                d["account"] = "whole"  # completes the dead process's change
                print("it died: now we have the lock")
        holder.join()
