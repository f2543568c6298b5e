/*
 * Figures over time, kept on disk: fine-grained at first, then coarser.
 *
 *     every 5 s or so    25 minutes
 *     every minute       a day
 *     every 15 minutes   30 days
 *
 * A point is the value of a figure at one time: "pss_bytes" of "worker 3" of
 * "echo". Coarse points hold mean, minimum and maximum of the fine ones. Each
 * new point goes into all three levels at once, so nothing has to be recomputed
 * after a restart.
 *
 * One SQLite file, which survives kill -9; the last seconds before a power
 * failure may be lost. A damaged file is put aside and a new one created: lost
 * figures never keep the program from starting.
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

/* The series that a figure belongs to. */
typedef struct shmrpci_series {
    const char *service; /* "echo" */
    const char *subject; /* "", "worker 3", "method find" */
    const char *figure;  /* "calls_per_s" */
} shmrpci_series;

typedef struct shmrpci_point {
    int64_t at_s;   /* the beginning of its span */
    int64_t span_s; /* length of the span; 0 for a fine point */
    double mean;
    double least;
    double greatest;
    uint64_t count; /* number of fine points in it */
} shmrpci_point;

/* Opens or creates the file at `path`, whose folder must exist. If a damaged
 * file was there, sets `*out_was_damaged` (may be NULL) and renames that file
 * to PATH.damaged. Returns OK, DENIED, EXHAUSTED if the disk is full, BUSY if
 * another process writes to it, or NO_MEMORY. */
int shmrpci_store_open(const char *path, shmrpci_store **out,
                       bool *out_was_damaged, shmrpc_error *error);

/* Writes figures that are not written yet, and closes the store. NULL is
 * allowed. */
void shmrpci_store_close(shmrpci_store *store);

/* Adds a point, which is on disk after the next flush. Returns INVALID if a
 * text is too long or the value is not a number, EXHAUSTED, DATA_LOSS or OK. */
int shmrpci_store_add(shmrpci_store *store, const shmrpci_series *series,
                      int64_t at_s, double value, shmrpc_error *error);

/* Writes the points added since the last flush, and drops points that are too
 * old at `now_s`. Call it after each round of add. May wait for the disk, and
 * up to a second for another process. If it fails, these points are lost. */
int shmrpci_store_flush(shmrpci_store *store, int64_t now_s,
                        shmrpc_error *error);

/* Called for each point, which lives until the call returns. Return false to
 * stop. */
typedef bool shmrpci_on_point(void *user, const shmrpci_point *point);

/* Calls `point` for the points from `from_s` to `to_s`, oldest first, in the
 * finest level that covers all of that time at `now_s`. There may be none. */
int shmrpci_store_read(shmrpci_store *store, const shmrpci_series *series,
                       int64_t from_s, int64_t to_s, int64_t now_s,
                       shmrpci_on_point *point, void *user,
                       shmrpc_error *error);

/* Called for each series, whose texts live until the call returns. Return false
 * to stop. */
typedef bool shmrpci_on_series(void *user, const shmrpci_series *series);

/* Calls `series` for every stored series, in order; only for those of `service`
 * unless that is NULL. */
int shmrpci_store_list(shmrpci_store *store, const char *service,
                       shmrpci_on_series *series, void *user,
                       shmrpc_error *error);

#endif
