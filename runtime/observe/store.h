/*
 * Figures over time, kept on disk: fine for a while, then coarser and coarser.
 *
 *     every 5 s or so    25 minutes
 *     every minute       a day
 *     every 15 minutes   30 days
 *
 * A point is a figure at a time: "pss_bytes" of "worker 3" of "echo". Coarse
 * points hold mean, least and greatest of the fine ones; each new point goes
 * into all three at once, so that there is nothing to be caught up on after a
 * restart.
 *
 * One SQLite file, which survives kill -9; the last seconds before a power
 * failure may be lost.  A file that is damaged is put aside, and a new one is
 * begun: figures are never a reason not to start.
 *
 * Times are seconds of CLOCK_REALTIME.  Texts are UTF-8, up to 200 bytes.
 *
 * Threading: one thread at a time; several processes may read while one writes.
 */
#ifndef SHMRPCI_OBSERVE_STORE_H
#define SHMRPCI_OBSERVE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/error.h"

typedef struct shmrpci_store shmrpci_store;

/* What a figure is of. */
typedef struct shmrpci_series {
    const char *service; /* "echo" */
    const char *subject; /* "", "worker 3", "method find" */
    const char *figure;  /* "calls_per_s" */
} shmrpci_series;

typedef struct shmrpci_point {
    int64_t at_s;   /* the beginning of its span */
    int64_t span_s; /* how long: 0 for a fine one */
    double mean;
    double least;
    double greatest;
    uint64_t count; /* of the fine points in it */
} shmrpci_point;

/* Opens or makes the file at `path`, which a folder must be there for. OK with
 * `*out_was_damaged` (may be NULL) set: what was there is `PATH.damaged` now.
 * DENIED, EXHAUSTED (the disk is full), BUSY: another process writes to it;
 * NO_MEMORY. */
int shmrpci_store_open(const char *path, shmrpci_store **out,
                       bool *out_was_damaged, shmrpc_error *error);

/* Writes what was added. NULL is fine. */
void shmrpci_store_close(shmrpci_store *store);

/* Adds a point; on disk with the next flush. INVALID: a text too long, or no
 * number; EXHAUSTED, DATA_LOSS. */
int shmrpci_store_add(shmrpci_store *store, const shmrpci_series *series,
                      int64_t at_s, double value, shmrpc_error *error);

/* Writes what was added since, and drops what is too old at `now_s`. Call it
 * after each round of add. Blocks on the disk, and up to a second on another
 * process. If it fails, the figures added since are lost. */
int shmrpci_store_flush(shmrpci_store *store, int64_t now_s,
                        shmrpc_error *error);

/* `point` lives until the call returns; false ends it. */
typedef bool shmrpci_on_point(void *user, const shmrpci_point *point);

/* Tells of the points from `from_s` to `to_s`, oldest first, as finely as they
 * are there for all of that time at `now_s`. None is fine. */
int shmrpci_store_read(shmrpci_store *store, const shmrpci_series *series,
                       int64_t from_s, int64_t to_s, int64_t now_s,
                       shmrpci_on_point *point, void *user,
                       shmrpc_error *error);

/* The texts live until the call returns. */
typedef bool shmrpci_on_series(void *user, const shmrpci_series *series);

/* Tells of all that there are figures of, in order; of `service` unless that is
 * NULL. */
int shmrpci_store_list(shmrpci_store *store, const char *service,
                       shmrpci_on_series *series, void *user,
                       shmrpc_error *error);

#endif
