/*
 * The supervisor: one thread that runs the control loops of all listeners, has
 * the zygote fork workers, and repairs what a dead one held.
 *
 * It runs no code of the user's.  README.md describes the processes, and what
 * happens when one of them dies.
 *
 * Threading: one thread; stop: any thread or signal handler.
 */
#ifndef SHMRPCI_SUPERVISE_SUPERVISOR_H
#define SHMRPCI_SUPERVISE_SUPERVISOR_H

#include "supervise/policy.h"
#include "supervise/zygote.h"

typedef struct shmrpci_supervisor shmrpci_supervisor;

typedef struct shmrpci_supervise_opts {
    shmrpci_crew crew;
    uint32_t min_workers; /* 1 to max_workers */
    uint32_t max_workers; /* max_workers * crew.threads: up to 64 */
    /* The values of grow_share, grow_ns, delay_ns and shrink_ns of policy.h, if
     * the number is variable. */
    shmrpci_scale_rules scale;
    /* 0: no limit. Memory of all workers together (the sum of their PSS),
     * beyond which the largest is replaced; the number of calls after which a
     * worker is replaced. */
    uint64_t max_memory_bytes;
    uint64_t max_calls;
    int64_t stop_ns; /* time for the calls in progress at the end */
    /* Takes the service over from the process that serves it, if any does. */
    bool takes_over;
    int orders_fd;   /* os/program.h; taken over; 0 or less: none */
    int64_t hang_ns; /* a worker is killed this long past a call's deadline */
    /* Called when a worker can serve; when the service was told to end, and
     * finishes its calls; for each event, with one line for people. */
    void (*on_serving)(void *user);
    void (*on_ending)(void *user);
    void (*say)(void *user, const char *line);
    void *user;
} shmrpci_supervise_opts;

/* INVALID: numbers out of range; EXHAUSTED, NO_MEMORY. */
int shmrpci_supervisor_create(const shmrpci_supervise_opts *opts,
                              shmrpci_supervisor **out, shmrpc_error *error);

/*
 * Starts the zygote, listens, starts workers, and keeps them running until
 * stopped; returns when all of them have ended. The status of preload or of
 * listening; EXHAUSTED, INTERNAL: no worker can be started.
 */
int shmrpci_supervisor_run(shmrpci_supervisor *supervisor, shmrpc_error *error);

/* Makes run end: workers finish their calls; a second call kills them.
 * Async-signal-safe. */
void shmrpci_supervisor_stop(shmrpci_supervisor *supervisor);

void shmrpci_supervisor_destroy(shmrpci_supervisor *supervisor);

#endif
