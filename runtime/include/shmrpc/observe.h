/*
 * Statistics of a running service, read from outside.
 *
 * A service keeps its counters in its own shared memory: for each method the
 * calls, errors by status, bytes in and out, how long calls waited for a worker
 * (queue), and how long they kept it busy (service). Reading needs no worker
 * and no lock: the server hands out a read-only descriptor to everyone who may
 * connect, and a snapshot is a copy of that memory.
 *
 *     shmrpc_stats *stats;
 *     shmrpc_snapshot *now;
 *     shmrpc_stats_open("shm://echo", 5155, NULL, &stats, &error);
 *     shmrpc_stats_read(stats, &now, &error);
 *     const shmrpc_method_stats *all =
 *         shmrpc_snapshot_method(now, SHMRPC_STATS_ALL);
 *     printf("%llu calls\n", (unsigned long long)all->calls);
 *     shmrpc_snapshot_free(now);
 *     shmrpc_stats_close(stats);
 *
 * Counts are exact, and a call is counted before its reply is sent: when a
 * caller has its answer, the call is counted. The call's times follow within a
 * microsecond. A call whose caller gave up while it ran counts as DEADLINE or
 * CANCELLED, not as OK. If a worker dies in a call, that call counts as an
 * error of its method, WORKER_DIED, without times; the worker's other counts
 * stay in the sums, though its place is no longer shown. A new server begins at
 * 0.
 *
 * A call with streams is counted when it ends, its items as they come and go.
 * When a client has received the end of a stream, all of the stream's items are
 * counted.
 *
 * Durations are kept in buckets whose width is `resolution` times their value
 * (1/64; more for services with very many methods): percentiles are exact to
 * half a bucket. Maxima are exact. Queue times are exact to a third of a
 * microsecond. Clients report the queue times, so a lying client can falsify
 * them.
 *
 * A snapshot comes from another process, so it is checked: DATA_LOSS if it is
 * not plausible. Texts are checked to be UTF-8 without control characters.
 *
 * Threading: a shmrpc_stats belongs to one thread at a time; a snapshot never
 * changes.
 */
#ifndef SHMRPC_OBSERVE_H
#define SHMRPC_OBSERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/error.h"
#include "shmrpc/options.h"
#include "shmrpc/platform.h"

SHMRPC_BEGIN_DECLS

typedef struct shmrpc_stats shmrpc_stats;
typedef struct shmrpc_snapshot shmrpc_snapshot;

/* Used instead of a method's index: the sum of all methods. */
#define SHMRPC_STATS_ALL UINT32_MAX

typedef enum shmrpc_stats_time {
    SHMRPC_STATS_QUEUE,  /* from when the client sent it until a worker took
                          * it */
    SHMRPC_STATS_SERVICE /* from when the worker took it until it was answered,
                          * the client woken, and the worker free for the next
                          * call */
} shmrpc_stats_time;

/* How many calls were timed, and how long they took in total and at most. */
typedef struct shmrpc_durations {
    uint64_t count;
    int64_t total_ns;
    int64_t p50_ns;
    int64_t p99_ns;
    int64_t p999_ns;
    int64_t max_ns;
} shmrpc_durations;

/* The streams of calls, as the service's workers see them. */
typedef struct shmrpc_stream_stats {
    uint64_t open; /* open when the snapshot was taken; in a difference: when
                    * the later one was taken */
    uint64_t opened;
    uint64_t items_in; /* items that handlers have read */
    uint64_t items_out;
    uint64_t bytes_in; /* bytes of these items; the method's bytes_in does not
                        * include them */
    uint64_t bytes_out;
    int64_t stalled_ns; /* how long handlers waited for clients that did not
                         * read, current waits included */
} shmrpc_stream_stats;

typedef struct shmrpc_method_stats {
    const char *name; /* "" for the sum of all methods */
    uint32_t id;      /* 0: requests for the interface, and calls of unknown
                       * methods */
    uint64_t calls;   /* calls that have ended, whatever their status */
    uint64_t errors;  /* how many of these calls failed */
    uint64_t bytes_in;
    uint64_t bytes_out; /* bytes of bodies, without the bodies of errors */
    shmrpc_durations queue;
    shmrpc_durations service;
    shmrpc_stream_stats streams; /* all 0 if the method has no stream */
} shmrpc_method_stats;

/* A worker's place, with the counts of all workers that ever had it. */
typedef struct shmrpc_worker_stats {
    uint32_t place;     /* counted from 0, for each address that the service
                         * listens at */
    int32_t pid;        /* of the last worker, as the service sees it */
    bool has_left;      /* always false: workers that have left are not shown */
    uint32_t starts;    /* how many workers have had this place */
    int64_t started_ns; /* when the last worker started, CLOCK_MONOTONIC */
    uint64_t calls;
    uint64_t errors;
    int64_t busy_ns;  /* the sum of its service times */
    uint64_t spins;   /* times that the worker searched for a call without
                       * sleeping */
    uint64_t hits;    /* of these, those that found a call */
    int64_t spin_ns;  /* time that the worker spent searching */
    uint64_t sleeps;  /* times that the worker went to sleep */
    uint64_t wakes;   /* times that a client's doorbell woke it */
    uint64_t futile;  /* of these, those that found nothing to do */
    uint64_t streams; /* open now */
} shmrpc_worker_stats;

/* A client that is connected over shm. The process ids may belong to another
 * pid namespace than the reader's, for instance of a container. */
typedef struct shmrpc_connection_stats {
    int32_t pid;            /* as the service sees it; 0 if it is not visible
                             * there */
    int32_t own_pid;        /* as the client reports it */
    uint64_t pid_namespace; /* of own_pid, as the client reports it: st_ino of
                             * /proc/PID/ns/pid */
    uint32_t uid;
    uint32_t gid;
    int64_t since_ns; /* CLOCK_MONOTONIC */
} shmrpc_connection_stats;

/* Compressed bodies of one direction. */
typedef struct shmrpc_compression_stats {
    uint64_t bodies;
    uint64_t plain_bytes;  /* of these bodies, uncompressed */
    uint64_t packed_bytes; /* of these bodies, as sent */
} shmrpc_compression_stats;

typedef struct shmrpc_service_stats {
    const char *name;
    int64_t started_ns; /* of the server, CLOCK_REALTIME */
    int64_t taken_ns;   /* of the snapshot, CLOCK_MONOTONIC */
    int64_t uptime_ns;  /* since the start; of a difference: the time between
                         * the two snapshots */
    double resolution;  /* 1.0 / 64 */
    uint32_t method_count;
    uint32_t worker_count;    /* places with a worker */
    uint64_t connections;     /* open now; over shm only */
    uint32_t client_count;    /* how many of these have a description: at most
                               * 88 */
    uint64_t pid_namespace;   /* of the service and of its workers' pids */
    uint64_t rescued_wakeups; /* times that a client had to wake a worker again,
                               * or was not woken for a reply; a number above 0
                               * shows a bug in this library */
    /* Figures of worker processes; all 0 if the service has none. */
    uint32_t workers_wanted;
    uint32_t workers_alive; /* including those that are being started */
    int64_t next_start_ns;  /* when the next worker is started, CLOCK_MONOTONIC,
                             * if no worker is left; otherwise 0 */
    uint64_t worker_starts; /* in all places; worker threads count, too */
    uint64_t crashes;       /* workers that ended without being told to */
    int64_t crash_ns;       /* time of the last crash, CLOCK_MONOTONIC; 0:
                             * none */
    int32_t crash_pid;
    int32_t crash_signal; /* 0: it exited, with crash_status; -1: not known,
                           * which is the case for a moment after each crash,
                           * and always for a worker of the previous server */
    int32_t crash_status;
    uint32_t crash_method; /* index of the method that it was running, or
                            * SHMRPC_STATS_ALL: none */
    /* Since the start, over all sockets at which the service itself listens; a
     * gateway has its own counters. Items of streams are not counted. */
    shmrpc_compression_stats compressed_requests;
    shmrpc_compression_stats compressed_replies;
} shmrpc_service_stats;

/* ---- opening ------------------------------------------------------------- */

/*
 * Asks the service for its statistics. `where` is an address list with all
 * names written out, "shm://echo@two", as for shmrpc_describe; `port` is used
 * for addresses without one. Blocks until the deadline in `opts` (NULL: 5 s).
 * Only shm:// and inproc:// are supported: returns UNIMPLEMENTED for other
 * transports, and for a service without statistics. Also returns the statuses
 * of shmrpc_stub_connect, DATA_LOSS and NO_MEMORY.
 */
SHMRPC_API shmrpc_status
shmrpc_stats_open(const char *where, uint16_t port, const shmrpc_opts *opts,
                  shmrpc_stats **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* NULL is fine. Snapshots stay valid. */
SHMRPC_API void shmrpc_stats_close(shmrpc_stats *stats);

/* Whether the server still runs. If not, its last figures can still be read; to
 * read those of its successor, open again. Costs one poll(2). */
SHMRPC_API bool shmrpc_stats_is_alive(const shmrpc_stats *stats);

/* Takes a snapshot, to be released with shmrpc_snapshot_free. Never blocks.
 * Returns DATA_LOSS if the memory is damaged, or NO_MEMORY. */
SHMRPC_API shmrpc_status
shmrpc_stats_read(shmrpc_stats *stats, shmrpc_snapshot **out,
                  shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* ---- snapshots ----------------------------------------------------------- */

/* Computes the difference between two snapshots of the same server, as a
 * snapshot. Its maxima are exact to the resolution only. Returns INVALID if the
 * snapshots are of two servers, or in the wrong order, or NO_MEMORY. */
SHMRPC_API shmrpc_status shmrpc_snapshot_since(
    const shmrpc_snapshot *later, const shmrpc_snapshot *earlier,
    shmrpc_snapshot **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

SHMRPC_API void shmrpc_snapshot_free(shmrpc_snapshot *snapshot);

/* The following functions return pointers that live as long as the snapshot. */

SHMRPC_API const shmrpc_service_stats *
shmrpc_snapshot_service(const shmrpc_snapshot *snapshot);

/* Returns method `index` in the order of the .svc, from 0 to method_count - 1,
 * or the sum for SHMRPC_STATS_ALL; the last index stands for requests for the
 * interface. Returns NULL if there is no such method. */
SHMRPC_API const shmrpc_method_stats *
shmrpc_snapshot_method(const shmrpc_snapshot *snapshot, uint32_t index);

/* `index` is from 0 to worker_count - 1; for others returns NULL. */
SHMRPC_API const shmrpc_worker_stats *
shmrpc_snapshot_worker(const shmrpc_snapshot *snapshot, uint32_t index);

/* `index` is from 0 to client_count - 1; for others returns NULL. */
SHMRPC_API const shmrpc_connection_stats *
shmrpc_snapshot_client(const shmrpc_snapshot *snapshot, uint32_t index);

/* Returns how many calls ended in `status`, a negative number;
 * SHMRPC_DECLARED_ERROR_MIN stands for all errors that the service declares. */
SHMRPC_API uint64_t shmrpc_snapshot_errors(const shmrpc_snapshot *snapshot,
                                           uint32_t index, int status);

/* Returns how many calls ended in the declared error `number`, 100 to 131.
 * Errors with higher numbers are not counted one by one: for them it returns
 * 0. */
SHMRPC_API uint64_t shmrpc_snapshot_declared(const shmrpc_snapshot *snapshot,
                                             uint32_t index, int number);

/* Returns the percentile `fraction` (0.0 to 1.0) of the calls' times, or 0 if
 * there were no calls. */
SHMRPC_API int64_t
shmrpc_snapshot_percentile_ns(const shmrpc_snapshot *snapshot, uint32_t index,
                              shmrpc_stats_time which, double fraction);

/* Returns how many calls took at most `ns`, exact to the resolution. For
 * histograms with fixed bounds. */
SHMRPC_API uint64_t
shmrpc_snapshot_count_within(const shmrpc_snapshot *snapshot, uint32_t index,
                             shmrpc_stats_time which, int64_t ns);

SHMRPC_END_DECLS

#endif
