/*
 * The layout of a service's statistics in memory, documented like a file
 * format. Little-endian.
 *
 * One sealed memory file for each service, made by its server before it starts
 * workers. Outsiders get a descriptor for reading only.
 *
 *     offset  what
 *          0  head: a page.  The server writes it once, except the gauges,
 *             which its control loops keep up to date
 *       4096  a name for each method, shmrpci_stats_name, in rows' order
 *      pages  blocks: one for each place of a worker, block_bytes each
 *
 *     block   what
 *          0  shmrpci_stats_worker
 *        256  a row for each method, shmrpci_stats_row: row 0 is method id 0
 *             (and unknown ones), row n is id n
 *       then  as many late rows: they count the detached calls of a method.
 *             Other threads answer those calls, under a lock, one at a time
 *       then  for each row two histograms, queue and service: buckets(bits)
 *             u64 each
 *
 * Only the worker that has a place writes its block, so counting writes no
 * shared cache line and needs no locked instructions. The next worker in the
 * place continues with the block's counts.
 *
 * Most of the file is never touched and takes no memory: histograms of methods
 * that are never called, places that are never taken.
 *
 * Every count only grows. A worker adds to `calls` of a row before it adds to
 * the row's errors or histograms (release). A reader reads these first and
 * `calls` last (acquire), so it never finds more of them than calls. The same
 * holds for `opened` and `ended` of a row's streams. Durations are in ticks,
 * except those of streams.
 */
#ifndef SHMRPCI_OBSERVE_LAYOUT_H
#define SHMRPCI_OBSERVE_LAYOUT_H

#include <stddef.h>

#include "observe/histogram.h"
#include "sync/atomic.h"

#define SHMRPCI_STATS_MAGIC        UINT64_C(0x3130746174536853) /* "ShStat01" */
#define SHMRPCI_STATS_VERSION      5u
#define SHMRPCI_STATS_PAGE         4096u
#define SHMRPCI_STATS_NAME_BYTES   124u /* of the name of a service */
#define SHMRPCI_STATS_METHOD_BYTES 132u

/* Limits on what is read from a file. */
#define SHMRPCI_STATS_MAX_METHODS 65536u
#define SHMRPCI_STATS_MAX_PLACES  2048u
#define SHMRPCI_STATS_MAX_BYTES   ((uint64_t)1 << 30)

/* Number of error counters. Errors are indexed by -status; the last of these
 * indices counts statuses without an index of their own. Then come the
 * service's declared errors, by their number minus 100. Index 0, which is no
 * error, counts declared errors with larger numbers. */
#define SHMRPCI_STATS_STATUSES 32u
#define SHMRPCI_STATS_DECLARED 32u
#define SHMRPCI_STATS_ERRORS   (SHMRPCI_STATS_STATUSES + SHMRPCI_STATS_DECLARED)

/* Number of seats for clients connected over shm. There may be more clients
 * than seats. */
#define SHMRPCI_STATS_CLIENTS 88u

typedef enum shmrpci_stats_seat {
    SHMRPCI_STATS_SEAT_FREE,
    SHMRPCI_STATS_SEAT_TAKEN, /* being written */
    SHMRPCI_STATS_SEAT_SHOWN
} shmrpci_stats_seat;

typedef struct shmrpci_stats_client {
    shmrpci_atomic_u32 seat; /* shmrpci_stats_seat */
    shmrpci_atomic_u32 pid;  /* as the server sees it; 0: in another pid
                              * namespace */
    shmrpci_atomic_u32 own_pid;
    shmrpci_atomic_u32 uid;
    shmrpci_atomic_u32 gid;
    uint32_t reserved;
    shmrpci_atomic_u64 pid_namespace; /* namespace of own_pid; both as the
                                       * client reports */
    shmrpci_atomic_u64 since_ns;      /* CLOCK_MONOTONIC */
} shmrpci_stats_client;

/* Compressed bodies of one direction. */
typedef struct shmrpci_stats_packed {
    shmrpci_atomic_u64 bodies;
    shmrpci_atomic_u64 plain_bytes;
    shmrpci_atomic_u64 packed_bytes;
} shmrpci_stats_packed;

/* The value of crash_signal until it is known how the worker ended. */
#define SHMRPCI_STATS_END_UNKNOWN UINT32_MAX

/* Gauges, which the control loops of the service's listeners write. */
typedef struct shmrpci_stats_gauges {
    shmrpci_atomic_u64 connections;   /* over shm, open now */
    shmrpci_atomic_u64 rescued;       /* rescued wake-ups, as clients report
                                       * them */
    shmrpci_atomic_u64 pid_namespace; /* namespace of the server */
    shmrpci_stats_client clients[SHMRPCI_STATS_CLIENTS];
    /* Figures of worker processes, which the supervisor writes. All are 0 if
     * there are none. */
    shmrpci_atomic_u32 workers_wanted;
    shmrpci_atomic_u32 workers_alive;
    shmrpci_atomic_u64 next_start_ns; /* CLOCK_MONOTONIC; 0: none is planned */
    shmrpci_atomic_u64 crashes;       /* number of workers that ended unasked */
    shmrpci_atomic_u64 crash_ns; /* time of the last crash, CLOCK_MONOTONIC */
    shmrpci_atomic_u32 crash_pid;
    shmrpci_atomic_u32 crash_signal; /* 0: it exited; END_UNKNOWN */
    shmrpci_atomic_u32 crash_status;
    shmrpci_atomic_u32 crash_row; /* row of the crashed call + 1; 0: none */
    /* Compression over sockets, which the socket listeners write. */
    shmrpci_stats_packed packed_requests;
    shmrpci_stats_packed packed_replies;
} shmrpci_stats_gauges;

typedef struct shmrpci_stats_head {
    uint64_t magic;
    uint32_t version;
    uint32_t bits; /* precision of histograms */
    uint32_t methods;
    uint32_t places;
    uint64_t block_bytes;
    uint64_t bytes;       /* size of the file */
    uint64_t ns_per_tick; /* fixed point with 32 fractional bits */
    int64_t started_ns;   /* CLOCK_MONOTONIC */
    int64_t started_real_ns;
    uint64_t serial; /* unique among servers */
    char name[SHMRPCI_STATS_NAME_BYTES + 4];
    _Alignas(128) shmrpci_stats_gauges gauges;
} shmrpci_stats_head;

typedef struct shmrpci_stats_name {
    uint32_t id;
    char text[SHMRPCI_STATS_METHOD_BYTES]; /* ends with a NUL */
} shmrpci_stats_name;

/* Counts of how a worker waits. The transport writes them if its participant
 * points to them (`waits`). */
typedef struct shmrpci_stats_waits {
    shmrpci_atomic_u64 spins;
    shmrpci_atomic_u64 hits;
    shmrpci_atomic_u64 spin_ticks;
    shmrpci_atomic_u64 sleeps;
    shmrpci_atomic_u64 wakes;
    shmrpci_atomic_u64 futile;
    uint64_t reserved[2];
} shmrpci_stats_waits;

typedef struct shmrpci_stats_worker {
    shmrpci_atomic_u32 pid;
    shmrpci_atomic_u32 starts; /* 0: the place was never taken */
    shmrpci_atomic_u64 started_ns;
    shmrpci_atomic_u32 has_left;
    uint32_t reserved;
    _Alignas(128) shmrpci_stats_waits waits;
} shmrpci_stats_worker;

/* Streams of a method: their items and stalls. This is a cache line of its own,
 * which calls without streams never touch. `stalls_since_ns` is not a count: it
 * is the time (CLOCK_MONOTONIC) when the send that is waiting for room began to
 * wait, or 0. */
typedef struct shmrpci_stats_streams {
    _Alignas(64) shmrpci_atomic_u64 opened;
    shmrpci_atomic_u64 ended;
    shmrpci_atomic_u64 items_in;
    shmrpci_atomic_u64 items_out;
    shmrpci_atomic_u64 bytes_in;
    shmrpci_atomic_u64 bytes_out;
    shmrpci_atomic_u64 stalled_ns; /* without the stall in progress */
    shmrpci_atomic_u64 stalls_since_ns;
} shmrpci_stats_streams;

/* An ordinary successful call writes only the first cache line of its row. */
typedef struct shmrpci_stats_row {
    _Alignas(64) shmrpci_atomic_u64 calls;
    shmrpci_atomic_u64 bytes_in;
    shmrpci_atomic_u64 bytes_out;
    shmrpci_atomic_u64 queue_ticks;
    shmrpci_atomic_u64 service_ticks;
    shmrpci_atomic_u64 queue_max;
    shmrpci_atomic_u64 service_max;
    uint64_t reserved;
    shmrpci_atomic_u64 errors[SHMRPCI_STATS_ERRORS];
    shmrpci_stats_streams streams;
} shmrpci_stats_row;

_Static_assert(sizeof(shmrpci_stats_head) <= SHMRPCI_STATS_PAGE, "head");
_Static_assert(offsetof(shmrpci_stats_head, gauges) == 256, "gauges");
_Static_assert(sizeof(shmrpci_stats_client) == 40, "client");
_Static_assert(sizeof(shmrpci_stats_name) == 136, "name");
_Static_assert(sizeof(shmrpci_stats_worker) == 256, "worker");
_Static_assert(sizeof(shmrpci_stats_row) == 640, "row");
_Static_assert(offsetof(shmrpci_stats_row, errors) == 64, "row.errors");
_Static_assert(offsetof(shmrpci_stats_row, streams) == 576, "row.streams");

static inline uint64_t shmrpci_stats_pages(uint64_t bytes)
{
    return (bytes + SHMRPCI_STATS_PAGE - 1) / SHMRPCI_STATS_PAGE *
           SHMRPCI_STATS_PAGE;
}

/* Returns the late row of a row: it counts the detached calls of the method. */
static inline uint32_t shmrpci_stats_late_row_of(uint32_t methods, uint32_t row)
{
    return methods + row;
}

/* Offset of the two histograms of a row in its block. */
static inline uint64_t shmrpci_stats_histograms_at(uint32_t methods,
                                                   uint32_t bits, uint32_t row)
{
    return sizeof(shmrpci_stats_worker) +
           (uint64_t)methods * 2 * sizeof(shmrpci_stats_row) +
           (uint64_t)row * 2 * 8 * shmrpci_histogram_buckets(bits);
}

static inline uint64_t shmrpci_stats_block_bytes(uint32_t methods,
                                                 uint32_t bits)
{
    return shmrpci_stats_pages(
        shmrpci_stats_histograms_at(methods, bits, 2 * methods));
}

static inline uint64_t shmrpci_stats_blocks_at(uint32_t methods)
{
    return SHMRPCI_STATS_PAGE +
           shmrpci_stats_pages((uint64_t)methods * sizeof(shmrpci_stats_name));
}

#endif
