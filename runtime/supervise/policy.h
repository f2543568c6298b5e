/*
 * The supervisor's decisions, as pure functions of its observations: they use
 * no clock and no process, only counters, so that tests can simulate hours in a
 * moment.
 *
 * Threading: pure functions on the caller's values.
 */
#ifndef SHMRPCI_SUPERVISE_POLICY_H
#define SHMRPCI_SUPERVISE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

/* ---- workers that die ---------------------------------------------------- */

/* A worker that died younger than this may be one of a series. */
#define SHMRPCI_YOUNG_NS INT64_C(2000000000)
/* After this many young deaths in a row the service counts as degraded. */
#define SHMRPCI_CRASH_LOOP 10u

typedef struct shmrpci_backoff {
    uint32_t young_deaths; /* number of young deaths in a row */
    int64_t next_ns;       /* no worker is started before this time */
} shmrpci_backoff;

/* Called when a worker died unexpectedly. The first of a series is replaced at
 * once, the next ones after 10 ms, 20 ms and so on, up to 30 s. */
void shmrpci_backoff_died(shmrpci_backoff *backoff, int64_t now_ns,
                          int64_t lived_ns);
/* Like shmrpci_backoff_died, but the pause is at most `most_ns`. */
void shmrpci_backoff_died_within(shmrpci_backoff *backoff, int64_t now_ns,
                                 int64_t lived_ns, int64_t most_ns);
/* Called when a worker has lived for `lived_ns`. The series ends when the
 * worker is no longer young. */
void shmrpci_backoff_lives(shmrpci_backoff *backoff, int64_t lived_ns);
bool shmrpci_backoff_is_degraded(const shmrpci_backoff *backoff);

/* The longest pause of a worker number whose last worker served calls before it
 * died: such a worker can start, so another try is worthwhile. */
#define SHMRPCI_SERVED_PAUSE_NS INT64_C(100000000)

/* Each worker number has its own backoff. While no worker serves, the number
 * with the shortest pause is tried at `next_ns`, even if its own pause is not
 * over. */
typedef struct shmrpci_revival {
    uint32_t vain;   /* deaths in a row without a served call */
    int64_t next_ns; /* latest time of the next try while no worker serves */
} shmrpci_revival;

/* Called when the last worker died. The next worker is tried at once, and after
 * further deaths after 10 ms, 20 ms and so on, up to 1 s. The series begins
 * anew if the worker has served calls. */
void shmrpci_revival_died(shmrpci_revival *revival, int64_t now_ns,
                          bool has_served);

/* ---- number of workers --------------------------------------------------- */

typedef struct shmrpci_scale_rules {
    uint32_t min_workers;
    uint32_t max_workers;
    /* A worker is added if, in 3 of 5 parts of `grow_ns`, workers were busy and
     * calls had to wait. Workers are busy if they are in handlers for more than
     * `grow_share` of the time, in 1/1000 of a percent. */
    uint32_t grow_share;
    int64_t grow_ns;
    /* Calls have to wait if their average wait is longer than this, or if one
     * call waits much longer (LATE_NS in policy.c). */
    int64_t delay_ns;
    /* A worker is removed when the others would have been busy for less than
     * two thirds of `grow_share`, for this long. */
    int64_t shrink_ns;
} shmrpci_scale_rules;

/* Observations since the last check. */
typedef struct shmrpci_scale_sample {
    uint32_t workers; /* workers that take calls; busy_ns is their sum */
    int64_t busy_ns;  /* time in handlers */
    uint64_t calls;   /* number of calls that ended */
    uint32_t waiting; /* calls that no worker has taken, at this check */
    int64_t age_ns;   /* how long at least one of these calls has waited */
} shmrpci_scale_sample;

/* Must be all zeros before the first sample. */
typedef struct shmrpci_scale {
    int64_t began_ns; /* start of this part of grow_ns; 0: none yet */
    int64_t last_ns;
    int64_t busy_ns; /* busy time in this part */
    int64_t worker_ns;
    int64_t waiting_ns; /* number of waiting calls, integrated over time */
    uint64_t calls;
    int64_t age_ns;
    uint32_t hot;      /* one bit per recent part: whether the part calls for
                        * another worker */
    int64_t needed_ns; /* last time at which all workers were needed */
} shmrpci_scale;

/*
 * Adds a sample. Returns by how much the number of workers should change: 1, 0,
 * or -1. Samples must be taken several times within grow_ns / 5 while there is
 * a load; otherwise their frequency does not matter. Busy time is the time in
 * handlers: a worker that searches for calls is not busy. The average wait is
 * the number of waiting calls divided by the rate at which calls end (Little's
 * law), so that no call need be timed.
 */
int shmrpci_scale_look(shmrpci_scale *scale, const shmrpci_scale_rules *rules,
                       int64_t now_ns, const shmrpci_scale_sample *sample);

/* Called when a worker was added or removed: earlier observations don't count.
 */
void shmrpci_scale_changed(shmrpci_scale *scale, int64_t now_ns);

#endif
