/*
 * Shared queues: each item that any process pushes goes to exactly one that
 * pops.
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
 * options say json.  A queue that is declared in a .svc has functions of its
 * own, with the declared type, which do the same (shmrpcgen).
 *
 * Order.  The items of one handle come in the order in which it pushed them;
 * those of different handles in any.  With TOTAL_ORDER all come in the order
 * in which they were pushed, and producers take turns.
 *
 * Death.  A producer that dies while it pushes has pushed or has not; the
 * others go on.  A reader that dies has taken the items that it popped with
 * it; with ACKED those that it had not acknowledged come again, to others, and
 * after its death only.
 *
 * What else holds for all shared objects stands in shmrpc/shared.h.
 */
#ifndef SHMRPC_QUEUE_H
#define SHMRPC_QUEUE_H

#include <stddef.h>

#include "shmrpc/shared.h"

SHMRPC_BEGIN_DECLS

typedef struct shmrpc_queue shmrpc_queue;

/* How to open or create. NULL or zeroed: the defaults. All but `shared` counts
 * when the queue is created, and is ignored otherwise. */
typedef struct shmrpc_queue_opts {
    shmrpc_shared_opts shared;
    uint64_t capacity;        /* items of a producer (TOTAL_ORDER: of all) for
                               * which there is room if they are small; 0: 1024.
                               * Large items find room for fewer. */
    shmrpc_overflow overflow; /* BLOCK, FAIL, DROP_OLDEST, DROP_NEWEST */
    uint32_t flags;           /* SHMRPC_SHARED_TOTAL_ORDER, _ACKED */
    shmrpc_encoding encoding; /* MSGPACK (or 0), JSON */
    uint64_t max_item_bytes;  /* the longest item, encoded; 0: 64 KiB. Each
                               * producer's memory holds two of them. */
    uint64_t reserved[4];     /* 0; later members take its place */
} shmrpc_queue_opts;

/* Opens a queue, makes it, or both. Statuses: shmrpc/shared.h. */
SHMRPC_API shmrpc_status
shmrpc_queue_open(const char *name, const shmrpc_queue_opts *opts,
                  shmrpc_queue **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Ends the use of a handle; NULL is fine. Items that were popped and not
 * released stay valid until they are; with ACKED those not acknowledged come
 * again. What it has pushed stays in the queue. */
SHMRPC_API void shmrpc_queue_close(shmrpc_queue *queue);

/*
 * Appends a copy of `item`.  A full queue does what its option `overflow` says:
 * BLOCK waits until the deadline of `opts` (30 s; with NONBLOCK not at all).
 *
 * OK: it is in the queue, or (DROP_NEWEST) was dropped and counted.  DEADLINE:
 * full all the time; BUSY: full, and FAIL or NONBLOCK; TOO_LARGE: it would not
 * fit an empty queue, the error says what would; INVALID: it can't be encoded;
 * CANCELLED: the queue was ended; DESTROYED; EXHAUSTED: no
 * memory for it; DATA_LOSS: the queue is damaged.  On failure nothing was
 * pushed.
 */
SHMRPC_API shmrpc_status shmrpc_queue_push(
    shmrpc_queue *queue, const shmrpc_any *item, const shmrpc_opts *opts,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* The same for `count` items in order, with fewer wake-ups. `*out_pushed` (may
 * be NULL) is written in any case: how many are in, from the first on. */
SHMRPC_API shmrpc_status shmrpc_queue_push_many(
    shmrpc_queue *queue, const shmrpc_any *items, size_t count,
    const shmrpc_opts *opts, size_t *out_pushed,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/*
 * Takes an item.  Waits until there is one, or the deadline of `opts`.  The
 * item is the caller's until it is released, also after the queue is closed.
 *
 * DEADLINE: empty all the time; BUSY: empty, and NONBLOCK; CANCELLED: ended and
 * empty; DESTROYED; EXHAUSTED: with ACKED, too many items
 * are neither acknowledged nor released; DATA_LOSS: the queue is damaged, or
 * what was in it is no item, and it is gone.
 */
SHMRPC_API shmrpc_status shmrpc_queue_pop(
    shmrpc_queue *queue, const shmrpc_opts *opts, const shmrpc_any **out,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Waits as pop does, then takes what is there, up to `max` items, each to be
 * released. `*out_count` is at least 1 on OK. */
SHMRPC_API shmrpc_status shmrpc_queue_pop_many(
    shmrpc_queue *queue, const shmrpc_opts *opts, const shmrpc_any **out,
    size_t max, size_t *out_count, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/*
 * A descriptor for event loops (poll, epoll, io_uring): readable when there may
 * be something to pop, or the end to be told of. Pop until BUSY (with
 * NONBLOCK) or DEADLINE, which makes it unreadable until something comes; also
 * right: with EPOLLET. Now and then it is readable for nothing (when another
 * took it; and at least once in ten seconds while nothing comes).
 *
 * It belongs to the handle, which closes it, waking who polls it: don't read,
 * write or close it. Always the same one; a forked child asks for its own. The
 * first one of a process makes a thread, which sleeps for all of them.
 *
 * A negative number is a status: EXHAUSTED: no descriptor or thread; DESTROYED;
 * NO_MEMORY.
 */
SHMRPC_API int shmrpc_queue_fd(shmrpc_queue *queue);

/* A copy of an item that pop could return next, which stays in the queue; does
 * not wait. Release it as one that was popped. BUSY: empty; the rest as pop. */
SHMRPC_API shmrpc_status
shmrpc_queue_peek(shmrpc_queue *queue, const shmrpc_any **out,
                  shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Ends the life of an item; NULL is fine. With ACKED, one that was not
 * acknowledged comes again at once, marked as such. */
SHMRPC_API void shmrpc_queue_release(shmrpc_queue *queue,
                                     const shmrpc_any *item);

/* Says that an item of an ACKED queue is done, and releases it. PRECONDITION:
 * the queue is not ACKED, or the item was only peeked at; FORKED: the parent
 * popped it. Released in any case. */
SHMRPC_API shmrpc_status shmrpc_queue_ack(shmrpc_queue *queue,
                                          const shmrpc_any *item);

/* Whether an item of an ACKED queue came before, to a reader that is dead or
 * gave it back. */
SHMRPC_API bool shmrpc_queue_is_redelivered(const shmrpc_any *item);

/* Says that nothing more will be pushed: pushing is CANCELLED from now on, for
 * all, and popping when all is taken. DESTROYED. */
SHMRPC_API shmrpc_status shmrpc_queue_end(shmrpc_queue *queue);

/* Ends the queue for everyone: those who wait or come later get DESTROYED, and
 * the name is free. DENIED: or the folder's rules let only its owner
 * remove the name (it is destroyed then). */
SHMRPC_API shmrpc_status shmrpc_queue_destroy(shmrpc_queue *queue);

typedef struct shmrpc_queue_stat {
    uint64_t item_count; /* in it now */
    uint64_t byte_count; /* that they take */
    uint64_t capacity;   /* items of a producer */
    uint64_t max_item_bytes;
    uint64_t pushed_count; /* ever, with what came again */
    uint64_t popped_count;
    uint64_t dropped_count; /* by `overflow` */
    uint64_t redelivered_count;
    uint64_t unacked_count;     /* ACKED: popped, and not acknowledged yet */
    uint64_t sleep_count;       /* waits that went to sleep */
    uint64_t rescued_count;     /* of those: found what nobody woke them for */
    uint32_t waiting_for_items; /* threads */
    uint32_t waiting_for_room;
    uint32_t open_count;     /* living handles */
    uint32_t producer_count; /* handles that have ever pushed, at most */
    bool is_ended;
    uint8_t reserved8[7];
    uint64_t reserved[6];
} shmrpc_queue_stat;

/* Figures as of now; each is right, though they need not be of one moment. */
SHMRPC_API shmrpc_status shmrpc_queue_stat_read(shmrpc_queue *queue,
                                                shmrpc_queue_stat *out);

SHMRPC_END_DECLS

#endif
