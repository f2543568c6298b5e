/*
 * A boss and its workers: the boss hands out numbers, and the workers look for
 * the smallest factor of each. Some workers are killed while they work.
 *
 *   work [JOBS [KILLS]]
 */
#include "work.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 4 };

/* The first number whose factor is sought. The others follow in steps of 2. */
#define FIRST_NUMBER UINT64_C(1000000000001)

typedef struct office {
    work_jobs_queue *jobs;
    work_factors_dict *factors;
} office;

_Noreturn static void fail(const char *who, const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    fprintf(stderr, "%s: %s\n", who,
            shmrpc_error_text(error, text, sizeof text));
    exit(1);
}

/* ---- a worker ------------------------------------------------------------ */

static uint64_t smallest_factor(uint64_t number)
{
    for (uint64_t factor = 3; factor * factor <= number; factor += 2) {
        if (number % factor == 0) {
            return factor;
        }
    }
    return number;
}

/* Works until the queue is ended and empty, and no other worker holds an
 * unacknowledged job. */
static void work(const office *at)
{
    const work_job *job;
    shmrpc_error error;
    int status;
    while ((status = work_jobs_pop(at->jobs, NULL, &job, &error)) ==
           SHMRPC_OK) {
        uint64_t factor = smallest_factor(job->number);
        if (work_factors_put(at->factors, job->number, &factor, &error) !=
            SHMRPC_OK) {
            fail("worker", &error);
        }
        /* If the worker is killed before this, the job is delivered again, and
         * gives the same result. */
        (void)work_jobs_ack(at->jobs, job);
    }
    if (status != SHMRPC_E_CANCELLED) {
        fail("worker", &error);
    }
}

/* Forks a worker. It uses the handles that it inherits, but is a participant of
 * its own. */
static pid_t hire(const office *at)
{
    pid_t worker = fork();
    if (worker == 0) {
        work(at);
        _exit(0);
    }
    return worker;
}

/* ---- the boss ------------------------------------------------------------ */

static void hand_out(const office *at, unsigned long count)
{
    shmrpc_error error;
    for (unsigned long i = 0; i < count; i++) {
        const work_job job = {.number = FIRST_NUMBER + 2 * i};
        if (work_jobs_push(at->jobs, &job, NULL, &error) != SHMRPC_OK) {
            fail("boss", &error);
        }
    }
    (void)work_jobs_end(at->jobs); /* no more jobs will follow */
}

static void await_done(const office *at, uint64_t count)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    uint64_t done = 0;
    shmrpc_error error;
    while (work_factors_len(at->factors, &done, &error) == SHMRPC_OK &&
           done < count) {
        (void)nanosleep(&pause, NULL);
    }
}

static unsigned long count_right(const office *at, unsigned long count)
{
    unsigned long right = 0;
    for (unsigned long i = 0; i < count; i++) {
        uint64_t number = FIRST_NUMBER + 2 * i;
        uint64_t factor = 0;
        if (work_factors_get(at->factors, number, &factor, NULL) == SHMRPC_OK &&
            factor == smallest_factor(number)) {
            right++;
        }
    }
    return right;
}

static int run(const office *at, unsigned long jobs, unsigned long kills)
{
    pid_t workers[WORKERS];
    shmrpc_queue_stat stat;
    hand_out(at, jobs);
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = hire(at);
    }
    for (unsigned long i = 0; i < kills; i++) {
        pid_t *victim = &workers[i % WORKERS];
        await_done(at, jobs * (i + 1) / (kills + 2));
        (void)kill(*victim, SIGKILL);
        (void)waitpid(*victim, NULL, 0);
        *victim = hire(at);
    }
    for (int i = 0; i < WORKERS; i++) {
        (void)waitpid(workers[i], NULL, 0);
    }
    unsigned long right = count_right(at, jobs);
    (void)work_jobs_stat(at->jobs, &stat);
    printf(
        "%lu of %lu jobs are done; %lu workers were killed, "
        "%llu jobs came again\n",
        right, jobs, kills, (unsigned long long)stat.redelivered_count);
    return right == jobs ? 0 : 1;
}

int main(int argc, char **argv)
{
    unsigned long jobs = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
    unsigned long kills = argc > 2 ? strtoul(argv[2], NULL, 10) : 10;
    office at = {NULL, NULL};
    shmrpc_error error;
    if (argc > 3 || jobs == 0 || jobs > 4096) {
        fprintf(stderr, "usage: work [JOBS [KILLS]] (at most 4096 jobs)\n");
        return 2;
    }
    const shmrpc_shared_opts new_one = {.mode = SHMRPC_SHARED_REPLACE};
    if (work_jobs_open(NULL, &new_one, &at.jobs, &error) != SHMRPC_OK ||
        work_factors_open(NULL, &new_one, &at.factors, &error) != SHMRPC_OK) {
        fail("boss", &error);
    }
    int status = run(&at, jobs, kills);
    work_factors_close(at.factors);
    work_jobs_close(at.jobs);
    return status;
}
