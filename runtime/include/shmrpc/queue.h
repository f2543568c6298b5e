/*
 * Shared queues: any process pushes items, and each item goes to exactly one
 * process that pops.
 *
 *     shmrpc_queue *jobs;
 *     if (shmrpc_queue_open("jobs", NULL, &jobs, &error) == SHMRPC_OK) {
 *         shmrpc_any job = shmrpc_any_str("resize 17");
 *         (void)shmrpc_queue_push(jobs, &job, NULL, &error);
 *         ...
 *         const shmrpc_any *item;
 *         while (shmrpc_queue_pop(jobs, NULL, &item, &error) == SHMRPC_OK) {
 *             work(item);
 *             shmrpc_queue_release(jobs, item);
 *         }
 *         shmrpc_queue_close(jobs);
 *     }
 *
 * These functions are for items of any shape, encoded as msgpack unless the
 * options say json. A queue that is declared in a .svc has functions of its own
 * with the declared type, which do the same (shmrpcgen).
 *
 * Order. Items pushed through one handle arrive in the order in which they were
 * pushed; items of different handles in any order. With TOTAL_ORDER all items
 * arrive in the order in which they were pushed; producers take turns for that.
 *
 * Death. When a producer dies while it pushes, the item is in the queue or it
 * isn't, and other producers go on. When a reader dies, the items that it
 * popped are lost with it. With ACKED, the items that it had not acknowledged
 * are delivered again, to other readers, and only after its death.
 *
 * Between machines. The name "nats://host/acme.jobs" means one queue for all
 * machines, kept by JetStream (docs/many-machines.md). There every item is
 * delivered at least once: if its reader dies or is cut off, the item is
 * redelivered after 30 seconds (?ack_wait=), marked as redelivered. This holds
 * with or without ACKED; without ACKED, releasing an item acknowledges it.
 * `capacity` and the order cover all producers together; only redelivered items
 * may be out of order. A call waits for the servers; with NONBLOCK it waits for
 * at most two seconds. A push that ends in DEADLINE may have pushed its item. A
 * call also returns UNAVAILABLE if no server is reachable, and FORKED in a
 * forked child. peek and the descriptor are UNIMPLEMENTED. The statistics have
 * only the figures about items.
 *
 * shmrpc/shared.h describes what all shared objects have in common.
 */
#ifndef SHMRPC_QUEUE_H
#define SHMRPC_QUEUE_H

#include <stddef.h>

#include "shmrpc/shared.h"

SHMRPC_BEGIN_DECLS

typedef struct shmrpc_queue shmrpc_queue;

/* How to open or create. NULL or zeroed: the defaults. All members except
 * `shared` apply only when the queue is created. */
typedef struct shmrpc_queue_opts {
    shmrpc_shared_opts shared;
    uint64_t capacity;        /* room for this many small items from each
                               * producer (TOTAL_ORDER: from all together), and
                               * for fewer large ones; 0: 1024 */
    shmrpc_overflow overflow; /* BLOCK, FAIL, DROP_OLDEST, DROP_NEWEST */
    uint32_t flags;           /* SHMRPC_SHARED_TOTAL_ORDER, _ACKED */
    shmrpc_encoding encoding; /* MSGPACK (or 0), JSON */
    uint64_t max_item_bytes;  /* the longest item, encoded; 0: 64 KiB. Each
                               * producer's memory holds two of them. */
    uint64_t reserved[4];     /* 0; later members take its place */
} shmrpc_queue_opts;

/* Opens a queue, creates it, or both. Returns the statuses in
 * shmrpc/shared.h. */
SHMRPC_API shmrpc_status
shmrpc_queue_open(const char *name, const shmrpc_queue_opts *opts,
                  shmrpc_queue **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Closes a handle; NULL is fine. Items that were popped stay valid until they
 * are released; with ACKED, items that were not acknowledged are delivered
 * again. Items that were pushed through the handle stay in the queue. */
SHMRPC_API void shmrpc_queue_close(shmrpc_queue *queue);

/*
 * Appends a copy of `item`. If the queue is full, its option `overflow` decides
 * what happens: BLOCK waits until the deadline of `opts` (30 s; with NONBLOCK
 * not at all).
 *
 * Returns OK if the item is in the queue, or (DROP_NEWEST) was dropped and
 * counted; DEADLINE if the queue stayed full; BUSY if it is full, with FAIL or
 * NONBLOCK; TOO_LARGE if the item would not fit into an empty queue (the error
 * says what would); INVALID if it can't be encoded; CANCELLED if the queue was
 * ended; DESTROYED; EXHAUSTED if there is no memory for it; DATA_LOSS if the
 * queue is damaged. On failure nothing was pushed.
 */
SHMRPC_API shmrpc_status shmrpc_queue_push(
    shmrpc_queue *queue, const shmrpc_any *item, const shmrpc_opts *opts,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Pushes `count` items in order, with fewer wake-ups. `*out_pushed` (may be
 * NULL) is always set to the number of items that are in the queue, counted
 * from the first. */
SHMRPC_API shmrpc_status shmrpc_queue_push_many(
    shmrpc_queue *queue, const shmrpc_any *items, size_t count,
    const shmrpc_opts *opts, size_t *out_pushed,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/*
 * Takes an item. Waits until there is one, or until the deadline of `opts`. The
 * caller owns the item until it is released, even after the queue is closed.
 *
 * Returns DEADLINE if the queue stayed empty; BUSY if it is empty, with
 * NONBLOCK; CANCELLED if it is ended and empty; DESTROYED; EXHAUSTED if, with
 * ACKED, too many items are neither acknowledged nor released; DATA_LOSS if the
 * queue is damaged, or the item was damaged and is lost.
 */
SHMRPC_API shmrpc_status shmrpc_queue_pop(
    shmrpc_queue *queue, const shmrpc_opts *opts, const shmrpc_any **out,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Waits as pop does, then takes the items that are there, up to `max`; each
 * must be released. On OK `*out_count` is at least 1. */
SHMRPC_API shmrpc_status shmrpc_queue_pop_many(
    shmrpc_queue *queue, const shmrpc_opts *opts, const shmrpc_any **out,
    size_t max, size_t *out_count, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/*
 * Returns a descriptor for event loops (poll, epoll, io_uring). It is readable
 * when there may be an item to pop, or when the queue was ended. Pop until BUSY
 * (with NONBLOCK) or DEADLINE: after that it is not readable until something
 * comes, so EPOLLET works too. Spurious wake-ups happen: when another process
 * took the item, and at least once in ten seconds while nothing comes.
 *
 * The descriptor belongs to the handle, which closes it and thereby wakes its
 * pollers: don't read, write or close it. Every call returns the same one,
 * except that a forked child gets its own. The first call in a process starts a
 * thread, which sleeps for all descriptors.
 *
 * A negative result is a status: EXHAUSTED if no descriptor or thread is left,
 * DESTROYED, or NO_MEMORY.
 */
SHMRPC_API int shmrpc_queue_fd(shmrpc_queue *queue);

/* Copies an item that pop could return next, and leaves it in the queue; does
 * not wait. Release the copy like a popped item. Returns BUSY if the queue is
 * empty; other statuses as pop. */
SHMRPC_API shmrpc_status
shmrpc_queue_peek(shmrpc_queue *queue, const shmrpc_any **out,
                  shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Frees an item; NULL is fine. With ACKED, an item that was not acknowledged is
 * redelivered at once. */
SHMRPC_API void shmrpc_queue_release(shmrpc_queue *queue,
                                     const shmrpc_any *item);

/* Acknowledges an item of an ACKED queue, and releases it. Returns PRECONDITION
 * if the queue is not ACKED or the item was only peeked at, or FORKED if the
 * parent popped it. The item is released whatever the status. */
SHMRPC_API shmrpc_status shmrpc_queue_ack(shmrpc_queue *queue,
                                          const shmrpc_any *item);

/* Whether an item of an ACKED queue was delivered before, to a reader that died
 * or gave it back. */
SHMRPC_API bool shmrpc_queue_is_redelivered(const shmrpc_any *item);

/* Ends the queue for all processes: from now on push returns CANCELLED, and so
 * does pop when the queue is empty. Returns DESTROYED if the queue was
 * destroyed. */
SHMRPC_API shmrpc_status shmrpc_queue_end(shmrpc_queue *queue);

/* Destroys the queue for everyone: current and later users get DESTROYED, and
 * the name is free. Returns DENIED if the queue was destroyed but its name
 * stays, because the folder's permissions let only the file's owner remove
 * it. */
SHMRPC_API shmrpc_status shmrpc_queue_destroy(shmrpc_queue *queue);

typedef struct shmrpc_queue_stat {
    uint64_t item_count; /* items in the queue now */
    uint64_t byte_count; /* bytes that these items take */
    uint64_t capacity;   /* items of each producer */
    uint64_t max_item_bytes;
    uint64_t pushed_count; /* in all, redelivered items included */
    uint64_t popped_count;
    uint64_t dropped_count; /* by `overflow` */
    uint64_t redelivered_count;
    uint64_t unacked_count;     /* ACKED: popped, and not acknowledged yet */
    uint64_t sleep_count;       /* how often a waiting thread went to sleep */
    uint64_t rescued_count;     /* how many of these sleeps found an item
                                 * although nobody had woken the thread */
    uint32_t waiting_for_items; /* threads */
    uint32_t waiting_for_room;
    uint32_t open_count;     /* living handles */
    uint32_t producer_count; /* max number of handles that have pushed at the
                              * same time */
    bool is_ended;
    uint8_t reserved8[7];
    uint64_t reserved[6];
} shmrpc_queue_stat;

/* Reads the queue's figures. Each is exact, but they may be from slightly
 * different moments. */
SHMRPC_API shmrpc_status shmrpc_queue_stat_read(shmrpc_queue *queue,
                                                shmrpc_queue_stat *out);

SHMRPC_END_DECLS

#endif
