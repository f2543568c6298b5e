/*
 * Programs of a queue over NATS, for queue_death_test.py and
 * queue_restart_test.py.
 *
 *     jobs push ADDRESS COUNT      pushes 0 to COUNT-1
 *     jobs feed ADDRESS COUNT      pushes 0 to COUNT-1 about as fast as
 *                                  workers run them
 *     jobs end ADDRESS 0           ends the queue
 *     jobs work ADDRESS LEDGER     runs jobs until the queue is ended and
 *                                  empty
 *
 * LEDGER is a file with two bytes for each job: how often it was run, and in
 * how many of these runs it was flagged as redelivered.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "shmrpc/any.h"
#include "shmrpc/queue.h"

/* Items that a worker holds at a time; when it dies, all of them are
 * redelivered. */
#define HANDFUL 4

/* A timeout longer than any test. */
static const shmrpc_opts patient = {.timeout_ns = INT64_C(300000000000)};

/* Longer than getting the next items takes, so that most kills hit a worker
 * that holds some. */
static const struct timespec job_time = {.tv_nsec = 500000};

typedef struct job {
    atomic_uchar runs;
    atomic_uchar flagged;
} job;

static int fail(const char *what, const shmrpc_error *error)
{
    (void)fprintf(stderr, "%s: %s\n", what, error->message);
    return 1;
}

static int push(shmrpc_queue *queue, int64_t count, bool is_slow)
{
    shmrpc_error error;
    for (int64_t i = 0; i < count; i++) {
        shmrpc_any item = shmrpc_any_i64(i);
        if (shmrpc_queue_push(queue, &item, &patient, &error) != SHMRPC_OK) {
            return fail("push", &error);
        }
        if (is_slow) {
            (void)nanosleep(&job_time, NULL);
        }
    }
    return 0;
}

static int end(shmrpc_queue *queue)
{
    int status = shmrpc_queue_end(queue);
    if (status != SHMRPC_OK) {
        (void)fprintf(stderr, "end: %s\n", shmrpc_status_name(status));
    }
    return status == SHMRPC_OK ? 0 : 1;
}

/* The job counts as run before it is acknowledged, as real work would. */
static int work(shmrpc_queue *queue, job *jobs, size_t count)
{
    const shmrpc_any *items[HANDFUL];
    size_t got;
    shmrpc_error error;
    for (;;) {
        int status = shmrpc_queue_pop_many(queue, &patient, items, HANDFUL,
                                           &got, &error);
        if (status != SHMRPC_OK) {
            return status == SHMRPC_E_CANCELLED ? 0 : fail("pop", &error);
        }
        for (size_t i = 0; i < got; i++) {
            job *one = &jobs[(size_t)items[i]->u.i64 % count];
            if (shmrpc_queue_is_redelivered(items[i])) {
                atomic_fetch_add(&one->flagged, 1);
            }
            atomic_fetch_add(&one->runs, 1);
            (void)nanosleep(&job_time, NULL);
            /* If the ack is lost with the connection, the item is
             * redelivered. */
            (void)shmrpc_queue_ack(queue, items[i]);
        }
    }
}

static int work_by_ledger(shmrpc_queue *queue, const char *path)
{
    struct stat facts;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &facts) != 0) {
        perror(path);
        return 1;
    }
    job *jobs = mmap(NULL, (size_t)facts.st_size, PROT_READ | PROT_WRITE,
                     MAP_SHARED, fd, 0);
    if (jobs == MAP_FAILED) {
        perror(path);
        return 1;
    }
    return work(queue, jobs, (size_t)facts.st_size / sizeof *jobs);
}

static int run(shmrpc_queue *queue, const char *what, const char *number)
{
    if (strcmp(what, "end") == 0) {
        return end(queue);
    }
    return strcmp(what, "work") == 0 ? work_by_ledger(queue, number)
                                     : push(queue, strtoll(number, NULL, 10),
                                            strcmp(what, "feed") == 0);
}

int main(int argc, char **argv)
{
    shmrpc_queue_opts opts = {.capacity = 1000000,
                              .flags = SHMRPC_SHARED_ACKED};
    shmrpc_queue *queue;
    shmrpc_error error;
    if (argc != 4) {
        return 2;
    }
    if (shmrpc_queue_open(argv[2], &opts, &queue, &error) != SHMRPC_OK) {
        return fail("open", &error);
    }
    int result = run(queue, argv[1], argv[3]);
    shmrpc_queue_close(queue);
    return result;
}
