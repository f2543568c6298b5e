"""Jobs that survive the death of their workers."""

import multiprocessing
import os
import signal

import shmrpc

JOBS = 20


def work(jobs, results, is_unlucky):
    for job in jobs:
        if is_unlucky:
            os.kill(os.getpid(), signal.SIGKILL)
        results.put(job)
        jobs.task_done()


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    with shmrpc.Queue(acked=True) as jobs, shmrpc.Queue() as results:
        for job in range(JOBS):
            jobs.put(job)
        workers = [context.Process(target=work, args=[jobs, results, n == 0])
                   for n in range(3)]
        workers[0].start()
        workers[0].join()
        print("1 reader was killed")
        for worker in workers[1:]:
            worker.start()
        jobs.join()
        jobs.end()
        for worker in workers[1:]:
            worker.join()
        done = sorted(results.get() for _ in range(JOBS))
        print(len(done), "jobs done,",
              "each of them" if done == list(range(JOBS)) else done)
