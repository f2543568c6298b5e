/*
 * Counting, on a worker's hot path.
 *
 * A call is counted in two steps. Its outcome is counted before its reply is
 * sent, so that a client that has the reply finds it counted. Its times are
 * counted afterwards, because the clock is read only then.
 *
 * These stores are not crash points (os/crash.h): if some of them are missing
 * when a worker dies, the other figures are still right.
 *
 * Threading: a counter belongs to one thread.
 */
#ifndef SHMRPCI_OBSERVE_COUNT_H
#define SHMRPCI_OBSERVE_COUNT_H

#include "observe/layout.h"
#include "os/memory.h"

/* A worker's mapping of its own block. */
typedef struct shmrpci_counter {
    shmrpci_map map;
    shmrpci_stats_worker *worker;
    shmrpci_stats_row *rows; /* NULL: nothing is counted */
    shmrpci_atomic_u64 *histograms;
    uint32_t bits;
    uint32_t buckets;
} shmrpci_counter;

/* Relaxed: only this worker writes the counters, and readers do not depend on
 * the order of these stores. Counters whose order matters are counted by
 * shmrpci_count_after. */
static inline void shmrpci_count_add(shmrpci_atomic_u64 *at, uint64_t count)
{
    atomic_store_explicit(
        at, atomic_load_explicit(at, memory_order_relaxed) + count,
        memory_order_relaxed);
}

/* Release: a reader that sees this count also sees what the worker counted
 * before it, such as `calls`; layout.h promises that. */
static inline void shmrpci_count_after(shmrpci_atomic_u64 *at)
{
    atomic_store_explicit(at,
                          atomic_load_explicit(at, memory_order_relaxed) + 1,
                          memory_order_release);
}

static inline uint32_t shmrpci_count_error_index(int status)
{
    if (status > 0) {
        uint32_t declared = (uint32_t)status - SHMRPC_DECLARED_ERROR_MIN;
        return declared < SHMRPCI_STATS_DECLARED
                   ? SHMRPCI_STATS_STATUSES + declared
                   : 0;
    }
    uint32_t number = 0u - (uint32_t)status;
    return number < SHMRPCI_STATS_STATUSES ? number
                                           : SHMRPCI_STATS_STATUSES - 1;
}

static inline void shmrpci_count_error(shmrpci_counter *counter, uint32_t row,
                                       int status)
{
    shmrpci_count_after(
        &counter->rows[row].errors[shmrpci_count_error_index(status)]);
}

/* Counts how a call ended, before its reply is sent. */
static inline void shmrpci_count_call(shmrpci_counter *counter, uint32_t row,
                                      size_t bytes_in, size_t bytes_out,
                                      int status)
{
    if (counter->rows == NULL) {
        return;
    }
    shmrpci_stats_row *at = &counter->rows[row];
    shmrpci_count_add(&at->calls, 1);
    shmrpci_count_add(&at->bytes_in, bytes_in);
    if (status == 0) {
        shmrpci_count_add(&at->bytes_out, bytes_out);
    } else {
        shmrpci_count_error(counter, row, status);
    }
}

static inline void shmrpci_count_duration(shmrpci_atomic_u64 *total,
                                          shmrpci_atomic_u64 *max,
                                          shmrpci_atomic_u64 *buckets,
                                          uint32_t bits, uint64_t ticks)
{
    shmrpci_count_add(total, ticks);
    if (ticks > atomic_load_explicit(max, memory_order_relaxed)) {
        atomic_store_explicit(max, ticks, memory_order_relaxed);
    }
    shmrpci_count_after(&buckets[shmrpci_histogram_bucket(ticks, bits)]);
}

/* Records how long the call took, after its reply was sent. */
static inline __attribute__((always_inline)) void
shmrpci_count_times(shmrpci_counter *counter, uint32_t row,
                    uint64_t queue_ticks, uint64_t service_ticks)
{
    if (counter->rows == NULL) {
        return;
    }
    shmrpci_stats_row *at = &counter->rows[row];
    shmrpci_atomic_u64 *queue =
        counter->histograms + (size_t)row * 2 * counter->buckets;
    shmrpci_count_duration(&at->queue_ticks, &at->queue_max, queue,
                           counter->bits, queue_ticks);
    shmrpci_count_duration(&at->service_ticks, &at->service_max,
                           queue + counter->buckets, counter->bits,
                           service_ticks);
}

/* ---- streams ------------------------------------------------------------- */

/* Counts that a stream of this row was accepted. Returns the counters for the
 * stream's items, to be passed to the functions below. Returns NULL if nothing
 * is counted; the functions below accept that. */
static inline shmrpci_stats_streams *
shmrpci_count_stream(shmrpci_counter *counter, uint32_t row)
{
    if (counter->rows == NULL) {
        return NULL;
    }
    shmrpci_stats_streams *streams = &counter->rows[row].streams;
    shmrpci_count_add(&streams->opened, 1);
    return streams;
}

static inline void shmrpci_count_stream_end(shmrpci_stats_streams *streams)
{
    if (streams != NULL) {
        shmrpci_count_after(&streams->ended);
    }
}

/* Counts an item from the client. */
static inline void shmrpci_count_item_in(shmrpci_stats_streams *streams,
                                         size_t bytes)
{
    if (streams != NULL) {
        shmrpci_count_add(&streams->items_in, 1);
        shmrpci_count_add(&streams->bytes_in, bytes);
    }
}

static inline void shmrpci_count_item_out(shmrpci_stats_streams *streams,
                                          size_t bytes)
{
    if (streams != NULL) {
        shmrpci_count_add(&streams->items_out, 1);
        shmrpci_count_add(&streams->bytes_out, bytes);
    }
}

/* Counts that a send began to wait for room at `since_ns`. If several streams
 * of one row wait in one worker, only one of the waits is visible before it
 * ends. */
static inline void shmrpci_count_stall(shmrpci_stats_streams *streams,
                                       int64_t since_ns)
{
    if (streams != NULL) {
        atomic_store_explicit(&streams->stalls_since_ns, (uint64_t)since_ns,
                              memory_order_relaxed);
    }
}

/* Counts the end of a wait. A reader between the two stores misses this wait
 * for a moment, but never counts it twice. */
static inline void shmrpci_count_stall_end(shmrpci_stats_streams *streams,
                                           int64_t waited_ns)
{
    if (streams != NULL) {
        atomic_store_explicit(&streams->stalls_since_ns, 0,
                              memory_order_relaxed);
        shmrpci_count_add(&streams->stalled_ns, (uint64_t)waited_ns);
    }
}

#endif
