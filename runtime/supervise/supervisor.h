/*
 * The supervisor: one thread that runs the control loops of all listeners, has
 * the zygote fork workers, and repairs what a dead worker held.
 *
 * It runs none of the user's code. README.md describes the processes, and what
 * happens when one of them dies.
 *
 * Threading: one thread, except that any thread or signal handler may call
 * stop.
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
    /* Rules for the number of workers (policy.h), used if min and max differ.
     */
    shmrpci_scale_rules scale;
    /* Limits; 0: none. If all workers together use more memory (the sum of
     * their PSS), the largest is replaced. A worker is replaced after max_calls
     * calls. */
    uint64_t max_memory_bytes;
    uint64_t max_calls;
    int64_t stop_ns; /* time for the calls in progress at the end */
    /* Take the service over from the process that serves it, if there is one.
     */
    bool takes_over;
    int orders_fd;   /* os/program.h; taken over; 0 or less: none */
    int64_t hang_ns; /* a worker is killed if a call runs for this long after
                      * its deadline */
    /* Callbacks: on_serving when a worker can serve; on_ending when the service
     * was told to end, and finishes its calls; say for each event, with one
     * line of text for people. */
    void (*on_serving)(void *user);
    void (*on_ending)(void *user);
    void (*say)(void *user, const char *line);
    void *user;
} shmrpci_supervise_opts;

/* Returns INVALID if a number is out of range, else EXHAUSTED, NO_MEMORY or OK.
 */
int shmrpci_supervisor_create(const shmrpci_supervise_opts *opts,
                              shmrpci_supervisor **out, shmrpc_error *error);

/*
 * Starts the zygote, listens, starts workers, and keeps them running until
 * stopped; returns when all of them have ended. Returns the status of preload
 * or of listening if these fail, or EXHAUSTED or INTERNAL if no worker can be
 * started.
 */
int shmrpci_supervisor_run(shmrpci_supervisor *supervisor, shmrpc_error *error);

/* Makes run end. Workers finish their calls; a second call of stop kills them.
 * Async-signal-safe. */
void shmrpci_supervisor_stop(shmrpci_supervisor *supervisor);

void shmrpci_supervisor_destroy(shmrpci_supervisor *supervisor);

#endif
