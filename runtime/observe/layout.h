/*
 * The memory in which a service counts, like a file format.  Little-endian.
 *
 * One sealed memory file for each service, made by its server before it starts
 * workers. Outsiders get a descriptor for reading only.
 *
 *     offset  what
 *          0  head: a page.  The server writes it once, but for the gauges,
 *             which its control loops write
 *       4096  a name for each method, shmrpci_stats_name, in rows' order
 *      pages  blocks: one for each place of a worker, block_bytes each
 *
 *     block   what
 *          0  shmrpci_stats_worker
 *        256  a row for each method, shmrpci_stats_row: row 0 is method id 0
 *             (and unknown ones), row n is id n
 *       then  the late rows, as many: of calls that were detached, and are
 *             answered by other threads, one at a time
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
 * Every count only grows. A worker adds to `calls` of a row before to any error
 * or histogram of it (release), and a reader looks at these first (acquire): it
 * never finds more of them than calls. The same holds for a row's streams,
 * opened and ended. Durations are in ticks, except those of streams.
 */
#ifndef SHMRPCI_OBSERVE_LAYOUT_H
#define SHMRPCI_OBSERVE_LAYOUT_H

#include <stddef.h>

#include "observe/histogram.h"
#include "sync/atomic.h"

#define SHMRPCI_STATS_MAGIC        UINT64_C(0x3130746174536853) /* "ShStat01" */
#define SHMRPCI_STATS_VERSION      5u
#define SHMRPCI_STATS_PAGE         4096u
#define SHMRPCI_STATS_NAME_BYTES   124u /* of a service */
#define SHMRPCI_STATS_METHOD_BYTES 132u

/* Limits on what is read from a file. */
#define SHMRPCI_STATS_MAX_METHODS 65536u
#define SHMRPCI_STATS_MAX_PLACES  2048u
#define SHMRPCI_STATS_MAX_BYTES   ((uint64_t)1 << 30)

/* Errors by -status, the last of these for statuses without a number here;
 * after them the service's declared errors, by their number from 100 on, with
 * [0] for larger numbers. */
#define SHMRPCI_STATS_STATUSES 32u
#define SHMRPCI_STATS_DECLARED 32u
#define SHMRPCI_STATS_ERRORS   (SHMRPCI_STATS_STATUSES + SHMRPCI_STATS_DECLARED)

/* A client that is connected over shm. There may be more clients than there is
 * room for. */
#define SHMRPCI_STATS_CLIENTS 88u

typedef enum shmrpci_stats_seat {
    SHMRPCI_STATS_SEAT_FREE,
    SHMRPCI_STATS_SEAT_TAKEN, /* being written */
    SHMRPCI_STATS_SEAT_SHOWN
} shmrpci_stats_seat;

typedef struct shmrpci_stats_client {
    shmrpci_atomic_u32 seat; /* shmrpci_stats_seat */
    shmrpci_atomic_u32 pid;  /* as the server sees it; 0: invisible to the
                              * server */
    shmrpci_atomic_u32 own_pid;
    shmrpci_atomic_u32 uid;
    shmrpci_atomic_u32 gid;
    uint32_t reserved;
    shmrpci_atomic_u64 pid_namespace; /* of own_pid; both as the client says */
    shmrpci_atomic_u64 since_ns;      /* CLOCK_MONOTONIC */
} shmrpci_stats_client;

/* Bodies of one direction that were compressed. */
typedef struct shmrpci_stats_packed {
    shmrpci_atomic_u64 bodies;
    shmrpci_atomic_u64 plain_bytes;
    shmrpci_atomic_u64 packed_bytes;
} shmrpci_stats_packed;

/* The value of crash_signal until it is known how the worker ended. */
#define SHMRPCI_STATS_END_UNKNOWN UINT32_MAX

/* Gauges: the control loops of the service's listeners write them. */
typedef struct shmrpci_stats_gauges {
    shmrpci_atomic_u64 connections;   /* over shm, open now */
    shmrpci_atomic_u64 rescued;       /* wake-ups, as clients report them */
    shmrpci_atomic_u64 pid_namespace; /* of the server */
    shmrpci_stats_client clients[SHMRPCI_STATS_CLIENTS];
    /* Of worker processes; the supervisor writes them. All are 0 if there are
     * none. */
    shmrpci_atomic_u32 workers_wanted;
    shmrpci_atomic_u32 workers_alive;
    shmrpci_atomic_u64 next_start_ns; /* CLOCK_MONOTONIC; 0: none is planned */
    shmrpci_atomic_u64 crashes;       /* workers that ended unasked */
    shmrpci_atomic_u64 crash_ns;      /* of the last one, CLOCK_MONOTONIC */
    shmrpci_atomic_u32 crash_pid;
    shmrpci_atomic_u32 crash_signal; /* 0: it exited; END_UNKNOWN */
    shmrpci_atomic_u32 crash_status;
    shmrpci_atomic_u32 crash_row; /* row of the crashed call + 1; 0: none */
    /* Over sockets; their listeners write them. */
    shmrpci_stats_packed packed_requests;
    shmrpci_stats_packed packed_replies;
} shmrpci_stats_gauges;

typedef struct shmrpci_stats_head {
    uint64_t magic;
    uint32_t version;
    uint32_t bits; /* of histograms */
    uint32_t methods;
    uint32_t places;
    uint64_t block_bytes;
    uint64_t bytes;       /* of all that is described here */
    uint64_t ns_per_tick; /* with 32 binary places */
    int64_t started_ns;   /* CLOCK_MONOTONIC */
    int64_t started_real_ns;
    uint64_t serial; /* unique among servers */
    char name[SHMRPCI_STATS_NAME_BYTES + 4];
    _Alignas(128) shmrpci_stats_gauges gauges;
} shmrpci_stats_head;

typedef struct shmrpci_stats_name {
    uint32_t id;
    char text[SHMRPCI_STATS_METHOD_BYTES]; /* NUL behind it */
} shmrpci_stats_name;

/* How a worker waits; the transport writes it, if it is given one. */
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

/* For a method with streams: items of its calls. A cache line of its own, which
 * calls without streams never touch. `stalls_since_ns` is not a count: the time
 * (CLOCK_MONOTONIC) since which a send waits for room, or 0. */
typedef struct shmrpci_stats_streams {
    _Alignas(64) shmrpci_atomic_u64 opened;
    shmrpci_atomic_u64 ended;
    shmrpci_atomic_u64 items_in;
    shmrpci_atomic_u64 items_out;
    shmrpci_atomic_u64 bytes_in;
    shmrpci_atomic_u64 bytes_out;
    shmrpci_atomic_u64 stalled_ns; /* not counting the present stall */
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

/* The row for the detached calls of a method. */
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
