/*
 * The server's side of a service's statistics (layout.h).
 *
 * The statistics are created before the workers. The worker processes inherit
 * the descriptor, and each maps only its own block, so that no worker can
 * damage the counts of another.
 *
 * Threading: one thread creates, names and destroys. Any thread may join and
 * leave.
 */
#ifndef SHMRPCI_OBSERVE_STATS_H
#define SHMRPCI_OBSERVE_STATS_H

#include "observe/count.h"
#include "os/memory.h"

typedef struct shmrpci_stats {
    int fd;      /* -1: none */
    int read_fd; /* a read-only descriptor of the same file, for outsiders */
    uint32_t methods;
    uint32_t places;
    uint32_t bits;
    shmrpci_map map; /* head and names; the server's process only */
} shmrpci_stats;

/* Creates the file for `methods` rows and `places` workers, with histograms as
 * fine as SHMRPCI_STATS_MAX_BYTES allows. Returns TOO_LARGE if not even the
 * coarsest fit, EXHAUSTED or NO_MEMORY. `out` can be destroyed in any case. */
shmrpc_status shmrpci_stats_create(const char *name, uint32_t methods,
                                   uint32_t places, shmrpci_stats *out);

/* Names a row. Must be called before anyone reads. */
void shmrpci_stats_set_name(shmrpci_stats *stats, uint32_t row, uint32_t id,
                            const char *name);

/* Returns the gauges. Returns NULL if there are no statistics, or if the
 * calling process did not create them. */
shmrpci_stats_gauges *shmrpci_stats_gauges_of(const shmrpci_stats *stats);

void shmrpci_stats_destroy(shmrpci_stats *stats);

/* Takes `place` for a worker; no other worker may have it. May be called in any
 * process. On failure the counter counts nothing. */
void shmrpci_stats_join(const shmrpci_stats *stats, uint32_t place, int32_t pid,
                        shmrpci_counter *out);
void shmrpci_stats_leave(shmrpci_counter *counter);

/* Returns the row in which detached calls of a row are counted. */
static inline uint32_t shmrpci_stats_late_row(const shmrpci_stats *stats,
                                              uint32_t row)
{
    return shmrpci_stats_late_row_of(stats->methods, row);
}

/* Stands for no row. */
#define SHMRPCI_STATS_NO_ROW UINT32_MAX

/* Called when the worker of a place has died, before a new one takes the place:
 * marks the worker as left, ends its streams, and counts a call of `row` as
 * failed, unless that is SHMRPCI_STATS_NO_ROW. */
void shmrpci_stats_bury(const shmrpci_stats *stats, uint32_t place,
                        uint32_t row);

#endif
