"""UltraDict's simple counter: only the import line has changed."""

import multiprocessing

# from UltraDict import UltraDict
from shmrpc.ultradict import UltraDict

STEPS, PROCESSES = 500, 4


def count(name):
    ultra = UltraDict(name=name)
    for _ in range(STEPS):
        with ultra.lock:
            ultra["counter"] += 1
    ultra.close()


if __name__ == "__main__":
    ultra = UltraDict({"counter": 0})
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=count, args=[ultra.name])
                 for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print(ultra["counter"], "==", STEPS * PROCESSES)
    ultra.close()
