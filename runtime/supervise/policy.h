/*
 * The supervisor's decisions, as pure functions of its observations: no clock,
 * no process, only counters in and a decision out, so that tests can simulate
 * hours in a moment.
 *
 * Threading: values.
 */
#ifndef SHMRPCI_SUPERVISE_POLICY_H
#define SHMRPCI_SUPERVISE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

/* ---- workers that die ------------------------------------------------ */

/* A worker that died younger than this may be one of a series. */
#define SHMRPCI_YOUNG_NS INT64_C(2000000000)
/* After that many in a row the service counts as degraded. */
#define SHMRPCI_CRASH_LOOP 10u

typedef struct shmrpci_backoff {
    uint32_t young_deaths; /* in a row */
    int64_t next_ns;       /* no worker is started before */
} shmrpci_backoff;

/* A worker died unasked. The first of a series is replaced at once, the next
 * ones after 10 ms, 20 ms and so on, up to 30 s. */
void shmrpci_backoff_died(shmrpci_backoff *backoff, int64_t now_ns,
                          int64_t lived_ns);
/* The same, after a pause of `most_ns` at most. */
void shmrpci_backoff_died_within(shmrpci_backoff *backoff, int64_t now_ns,
                                 int64_t lived_ns, int64_t most_ns);
/* A worker has lived this long: the series ends when it is no longer young. */
void shmrpci_backoff_lives(shmrpci_backoff *backoff, int64_t lived_ns);
bool shmrpci_backoff_is_degraded(const shmrpci_backoff *backoff);

/* The longest pause of a place whose worker has served calls before it died: it
 * can start, and is worth trying. */
#define SHMRPCI_SERVED_PAUSE_NS INT64_C(100000000)

/* Each place of a worker has its own backoff. If no worker is left, one of them
 * is tried before its time. */
typedef struct shmrpci_revival {
    uint32_t vain;   /* deaths in a row without a served call */
    int64_t next_ns; /* if there is no worker, none is tried before */
} shmrpci_revival;

/* The next try is at once, after 10 ms, 20 ms and so on, up to 1 s; at once
 * again after a worker that has served calls. */
void shmrpci_revival_died(shmrpci_revival *revival, int64_t now_ns,
                          bool has_served);

/* ---- number of workers ----------------------------------------------- */

typedef struct shmrpci_scale_rules {
    uint32_t min_workers;
    uint32_t max_workers;
    /* One more when, in 3 of 5 parts of `grow_ns`, workers were in handlers
     * for more than that part of the time, in 1/1000 of a percent ... */
    uint32_t grow_share;
    int64_t grow_ns;
    /* ... and calls waited for longer than this. */
    int64_t delay_ns;
    /* One less when the others would have been busy for less than two thirds
     * of `grow_share`, for that long. */
    int64_t shrink_ns;
} shmrpci_scale_rules;

/* Observations since the last check. */
typedef struct shmrpci_scale_sample {
    uint32_t workers; /* workers that take calls; busy_ns is their sum */
    int64_t busy_ns;  /* in handlers */
    uint64_t calls;   /* that ended */
    uint32_t waiting; /* calls that no worker has taken, at this check */
    int64_t age_ns;   /* how long at least one of them has waited */
} shmrpci_scale_sample;

/* All zeros at the beginning, and whenever the number of workers changes for
 * other reasons. */
typedef struct shmrpci_scale {
    int64_t began_ns; /* start of this part of grow_ns; 0: none yet */
    int64_t last_ns;
    int64_t busy_ns; /* within it */
    int64_t worker_ns;
    int64_t waiting_ns; /* calls waiting, times how long */
    uint64_t calls;
    int64_t age_ns;
    uint32_t hot;      /* bit per recent part */
    int64_t needed_ns; /* when all workers were needed the last time */
} shmrpci_scale;

/*
 * Takes a sample in; returns by how much the number of workers should change:
 * 1, 0, or -1. Samples are taken several times within grow_ns / 5 while there
 * is a load; otherwise their frequency does not matter. ¶ Busy time is that of
 * handlers: a worker that searches for calls is not busy. The average wait of
 * calls is the number that wait, divided by how many end in that time (Little's
 * law), so that no call need be timed.
 */
int shmrpci_scale_look(shmrpci_scale *scale, const shmrpci_scale_rules *rules,
                       int64_t now_ns, const shmrpci_scale_sample *sample);

/* A worker was added or removed: earlier observations don't count. */
void shmrpci_scale_changed(shmrpci_scale *scale, int64_t now_ns);

#endif
