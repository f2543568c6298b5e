/*
 * The supervisor: one thread that runs the control loops of all listeners,
 * has the zygote fork workers, and repairs what a dead one held.
 *
 * It runs no code of the user's.  How the processes hang together, and what
 * happens when which of them dies: README.md.
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
    /* For numbers in between: what grow_share, grow_ns, delay_ns and shrink_ns
     * of policy.h are. */
    shmrpci_scale_rules scale;
    /* 0: no limit. Memory of all workers together (their shares of it, PSS):
     * beyond it the largest is replaced; calls after which any is. */
    uint64_t max_memory_bytes;
    uint64_t max_calls;
    int64_t stop_ns; /* that long for the calls in progress at the end */
    /* Takes the service over from the process that serves it, if any does. */
    bool takes_over;
    int orders_fd;   /* os/program.h; taken over; 0 or less: none */
    int64_t hang_ns; /* past its deadline a call's worker is killed */
    /* A worker can serve; the service was told to end, and finishes its calls;
     * what happens to it, one line for people. */
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
 * stopped; returns when all of them have ended. What preload or listening
 * failed with; EXHAUSTED, INTERNAL: no worker can be started.
 */
int shmrpci_supervisor_run(shmrpci_supervisor *supervisor, shmrpc_error *error);

/* Has run end: workers finish their calls; the second time they are killed.
 * Async-signal-safe. */
void shmrpci_supervisor_stop(shmrpci_supervisor *supervisor);

void shmrpci_supervisor_destroy(shmrpci_supervisor *supervisor);

#endif
