/*
 * What a supervisor decides, as functions of what it has seen: no clock, no
 * process, nothing but counters in and a decision out, so that tests can play
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
/* So many on end, and the service counts as degraded. */
#define SHMRPCI_CRASH_LOOP 10u

typedef struct shmrpci_backoff {
    uint32_t young_deaths; /* on end */
    int64_t next_ns;       /* no worker is started before */
} shmrpci_backoff;

/* One has died unasked. The first of a series is replaced at once, the next
 * ones after 10 ms, 20 ms and so on, up to 30 s. */
void shmrpci_backoff_died(shmrpci_backoff *backoff, int64_t now_ns,
                          int64_t lived_ns);
/* One has lived so long by now: the series ends when it is no longer young. */
void shmrpci_backoff_lives(shmrpci_backoff *backoff, int64_t lived_ns);
bool shmrpci_backoff_is_degraded(const shmrpci_backoff *backoff);

#endif
