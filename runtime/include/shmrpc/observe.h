/*
 * Statistics of a running service, read from outside.
 *
 * A service counts in shared memory of its own: for each method the calls,
 * errors by status, bytes in and out, and how long calls waited for a worker
 * (queue) and then kept it busy (service).  Reading takes
 * no worker's time and no lock: the server hands out a descriptor for reading
 * to whoever may connect, and what is read is a copy of the memory.
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
 * Counts are exact, and a call counts before its reply is there: who has the
 * answer finds the call counted.  Its times follow within the microsecond.
 * A call whose caller has given it up while it ran counts as DEADLINE or
 * CANCELLED, not as OK.  A worker that dies in a call leaves it counted as an
 * error of its method, WORKER_DIED, without its times; its other counts stay
 * in the sums, though its place is shown no more.  A new server begins at 0.
 *
 * A call with streams counts as a call when it ends, its items as they come and
 * go: who has the end of a stream finds all of them counted.
 *
 * Durations are kept in buckets whose width is `resolution` of their value
 * (1/64, less for services with very many methods): percentiles are good to
 * half of that.  Maxima are exact.  Queue times are good to a third of a
 * microsecond, and are what clients say: one that lies spoils them.
 *
 * What is read comes from another process and is checked: DATA_LOSS when it
 * can't be right.  Texts have been checked to be UTF-8 without control
 * characters.
 *
 * Threading: a shmrpc_stats one thread at a time; a snapshot never changes.
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

/* In place of a method's index: all of them together. */
#define SHMRPC_STATS_ALL UINT32_MAX

typedef enum shmrpc_stats_time {
    SHMRPC_STATS_QUEUE,  /* sent by the client, until a worker took it */
    SHMRPC_STATS_SERVICE /* from then on, until it was answered, the client
                          * woken, and the worker free for the next one */
} shmrpc_stats_time;

/* How many calls were timed, and how long they took together and at most. */
typedef struct shmrpc_durations {
    uint64_t count;
    int64_t total_ns;
    int64_t p50_ns;
    int64_t p99_ns;
    int64_t p999_ns;
    int64_t max_ns;
} shmrpc_durations;

/* Items beside calls, as the service's workers see them. */
typedef struct shmrpc_stream_stats {
    uint64_t open; /* now, in a difference too */
    uint64_t opened;
    uint64_t items_in; /* that handlers have taken from their clients */
    uint64_t items_out;
    uint64_t bytes_in; /* of items; they are not in those of the method */
    uint64_t bytes_out;
    int64_t stalled_ns; /* for which handlers waited for clients that did not
                         * read; those that still do, until now */
} shmrpc_stream_stats;

typedef struct shmrpc_method_stats {
    const char *name; /* "" for all of them */
    uint32_t id;      /* 0: asking the service what it is, unknown methods */
    uint64_t calls;   /* that have ended, in whatever way */
    uint64_t errors;  /* of these, with another status than OK */
    uint64_t bytes_in;
    uint64_t bytes_out; /* bodies, without those of errors */
    shmrpc_durations queue;
    shmrpc_durations service;
    shmrpc_stream_stats streams; /* all 0 of a method that has none */
} shmrpc_method_stats;

/* A place that has a worker, with what all workers that ever had it have
 * done. */
typedef struct shmrpc_worker_stats {
    uint32_t place;     /* 0 and up; of each address the service listens at */
    int32_t pid;        /* of the last one, as the service sees it */
    bool has_left;      /* false: those who have left are not shown */
    uint32_t starts;    /* how many workers have been there */
    int64_t started_ns; /* of the last one, CLOCK_MONOTONIC */
    uint64_t calls;
    uint64_t errors;
    int64_t busy_ns;  /* serving, the sum of its service times */
    uint64_t spins;   /* times that it searched without sleeping */
    uint64_t hits;    /* of these, those that found a call */
    int64_t spin_ns;  /* how long it searched */
    uint64_t sleeps;  /* times that it went to sleep */
    uint64_t wakes;   /* times that a client's bell woke it */
    uint64_t futile;  /* of these, those that found nothing to do */
    uint64_t streams; /* that are open now */
} shmrpc_worker_stats;

/* Who is connected over shm. Process ids are those of a pid namespace, which
 * may be another one than yours: that of a container. */
typedef struct shmrpc_connection_stats {
    int32_t pid;            /* as the service sees it; 0: it can't */
    int32_t own_pid;        /* as the client sees itself, and says */
    uint64_t pid_namespace; /* of own_pid, as it says: st_ino of
                             * /proc/PID/ns/pid */
    uint32_t uid;
    uint32_t gid;
    int64_t since_ns; /* CLOCK_MONOTONIC */
} shmrpc_connection_stats;

typedef struct shmrpc_service_stats {
    const char *name;
    int64_t started_ns; /* of the server, CLOCK_REALTIME */
    int64_t taken_ns;   /* of the snapshot, CLOCK_MONOTONIC */
    int64_t uptime_ns;  /* for a difference: the time between */
    double resolution;  /* 1.0 / 64 */
    uint32_t method_count;
    uint32_t worker_count;    /* places that have a worker */
    uint64_t connections;     /* open now; over shm only */
    uint32_t client_count;    /* of these, those that are described: up to 88 */
    uint64_t pid_namespace;   /* of the service, and its workers' pids */
    uint64_t rescued_wakeups; /* clients that had to wake a worker once more,
                               * or were not woken for a reply; more than 0 is
                               * a defect of ours */
    /* Of worker processes; all 0 of a service that has none. */
    uint32_t workers_wanted;
    uint32_t workers_alive; /* those that are being started included */
    int64_t next_start_ns;  /* nobody serves, and a worker is tried then,
                             * CLOCK_MONOTONIC; 0: not so */
    uint64_t worker_starts; /* in all places, also of threads */
    uint64_t crashes;       /* workers that have ended unasked */
    int64_t crash_ns;       /* of the last one, CLOCK_MONOTONIC; 0: none */
    int32_t crash_pid;
    int32_t crash_signal; /* 0: it exited, with crash_status */
    int32_t crash_status;
    uint32_t crash_method; /* index of the method that it was in, or
                            * SHMRPC_STATS_ALL: in none */
} shmrpc_service_stats;

/* ---- opening --------------------------------------------------------- */

/*
 * Asks the service for its statistics. `where` is an address list with all
 * names written out, "shm://echo@two", as for shmrpc_describe; `port` is that
 * of places without one. shm:// and inproc:// only: UNIMPLEMENTED for others,
 * and for a service that has none. Blocks until the deadline in `opts` (NULL:
 * 5 s). Statuses of shmrpc_stub_connect, and DATA_LOSS, NO_MEMORY.
 */
SHMRPC_API shmrpc_status
shmrpc_stats_open(const char *where, uint16_t port, const shmrpc_opts *opts,
                  shmrpc_stats **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* NULL is fine. Snapshots live on. */
SHMRPC_API void shmrpc_stats_close(shmrpc_stats *stats);

/* Whether the server is still there. If not, what can be read is how it ended;
 * open again to see the next one. No system call but one poll. */
SHMRPC_API bool shmrpc_stats_is_alive(const shmrpc_stats *stats);

/* Takes a snapshot, to be released with shmrpc_snapshot_free. Never blocks.
 * DATA_LOSS: the memory was spoiled; NO_MEMORY. */
SHMRPC_API shmrpc_status
shmrpc_stats_read(shmrpc_stats *stats, shmrpc_snapshot **out,
                  shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* ---- a snapshot ------------------------------------------------------ */

/* What has happened between two snapshots of one server: a snapshot too.
 * Maxima are known to the resolution then. INVALID: of two servers, or the
 * wrong way round; NO_MEMORY. */
SHMRPC_API shmrpc_status shmrpc_snapshot_since(
    const shmrpc_snapshot *later, const shmrpc_snapshot *earlier,
    shmrpc_snapshot **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

SHMRPC_API void shmrpc_snapshot_free(shmrpc_snapshot *snapshot);

/* What these return lives as long as the snapshot. */

SHMRPC_API const shmrpc_service_stats *
shmrpc_snapshot_service(const shmrpc_snapshot *snapshot);

/* Method `index` in the order of the .svc, from 0 to method_count - 1; its
 * last one is what asks the service what it is. SHMRPC_STATS_ALL; else NULL. */
SHMRPC_API const shmrpc_method_stats *
shmrpc_snapshot_method(const shmrpc_snapshot *snapshot, uint32_t index);

/* 0 to worker_count - 1; else NULL. */
SHMRPC_API const shmrpc_worker_stats *
shmrpc_snapshot_worker(const shmrpc_snapshot *snapshot, uint32_t index);

/* 0 to client_count - 1; else NULL. */
SHMRPC_API const shmrpc_connection_stats *
shmrpc_snapshot_client(const shmrpc_snapshot *snapshot, uint32_t index);

/* How many calls ended in `status`, one below 0; all errors that the service
 * declares count under SHMRPC_DECLARED_ERROR_MIN. */
SHMRPC_API uint64_t shmrpc_snapshot_errors(const shmrpc_snapshot *snapshot,
                                           uint32_t index, int status);

/* How many of these ended in the declared error `number`, 100 to 131; 0 for
 * others, which count under SHMRPC_DECLARED_ERROR_MIN alone. */
SHMRPC_API uint64_t shmrpc_snapshot_declared(const shmrpc_snapshot *snapshot,
                                             uint32_t index, int number);

/* How long `fraction` (0.0 to 1.0) of the calls took at most; 0 if there were
 * none. */
SHMRPC_API int64_t
shmrpc_snapshot_percentile_ns(const shmrpc_snapshot *snapshot, uint32_t index,
                              shmrpc_stats_time which, double fraction);

/* How many calls took `ns` at most, to the resolution: for histograms with
 * fixed bounds. */
SHMRPC_API uint64_t
shmrpc_snapshot_count_within(const shmrpc_snapshot *snapshot, uint32_t index,
                             shmrpc_stats_time which, int64_t ns);

SHMRPC_END_DECLS

#endif
