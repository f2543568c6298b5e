/*
 * The reader's side: reads a statistics file that came from another process.
 *
 * Nothing in it is trusted: sizes and offsets are checked once and kept in
 * private memory; everything else is only numbers.
 *
 * Threading: one thread at a time.
 */
#ifndef SHMRPCI_OBSERVE_READER_H
#define SHMRPCI_OBSERVE_READER_H

#include "observe/layout.h"
#include "os/memory.h"
#include "shmrpc/observe.h"

struct shmrpc_stats {
    int fd;
    int watch_fd; /* readable when the server is gone; -1: not known */
    shmrpci_map map;
    shmrpci_stats_head head; /* private copy */
    shmrpci_stats_name *names;
};

typedef struct shmrpci_stats_stream_sums {
    uint64_t open; /* a gauge: a difference keeps the later value */
    uint64_t opened;
    uint64_t items_in;
    uint64_t items_out;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t stalled_ns;
} shmrpci_stats_stream_sums;

/* The sums of a method, in ticks. */
typedef struct shmrpci_stats_sums {
    uint64_t calls;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t ticks[2]; /* by shmrpc_stats_time */
    uint64_t max[2];
    uint64_t errors[SHMRPCI_STATS_ERRORS];
    uint64_t *histograms; /* queue, then service; NULL: no calls */
    shmrpci_stats_stream_sums streams;
} shmrpci_stats_sums;

/* Owns both descriptors, even when it fails. Returns DATA_LOSS for impossible
 * values, CONTRACT for another version of the layout, DENIED if `fd` is not a
 * sealed memory file, or NO_MEMORY. */
int shmrpci_reader_open(int fd, int watch_fd, shmrpc_stats **out,
                        shmrpc_error *error);

/* Returns a worker's block, or NULL if its place was never taken. */
const shmrpci_stats_worker *shmrpci_reader_worker(const shmrpc_stats *stats,
                                                  uint32_t place);

/* Adds what the worker of a place has counted for a row. Returns DATA_LOSS,
 * NO_MEMORY or OK. */
shmrpc_status shmrpci_reader_add(const shmrpc_stats *stats, uint32_t place,
                                 uint32_t row, shmrpci_stats_sums *sums);

#endif
