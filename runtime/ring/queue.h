/*
 * Queues of byte records: each record goes to exactly one reader.
 *
 * A queue is a region with a lane for each producer, or one for all (`order
 * total`). It knows no names and no codec: runtime/objects opens files, encodes
 * and decodes.
 *
 *     make:  shmrpci_queue_plan() says what region; shmrpci_region_size(), a
 *            file of that size, shmrpci_region_format()
 *     use:   shmrpci_queue_open() with an open file description of its own for
 *            each handle (reopen /proc/self/fd/N, don't dup)
 *
 * Guarantees if a process dies at any instruction: a record is in the queue
 * once push begins to return, or not at all; `once`: a record whose taker dies
 * is lost with it; `acked`: it is delivered again, with REDELIVERED, unless it
 * was acknowledged. Nobody waits for dead or stopped processes, except in
 * `order total` for one stopped in the middle of a push.
 *
 * Order: that of each producer; of all in `order total`. Redelivered records
 * are out of order.
 *
 * Threading: any thread, except open and close. Threads of a handle that push
 * take turns.
 */
#ifndef SHMRPCI_RING_QUEUE_H
#define SHMRPCI_RING_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "os/futex.h"
#include "region/region.h"
#include "ring/lane.h"
#include "shmrpc/error.h"
#include "shmrpc/options.h"

/* The effect of a push when a lane is full. */
typedef enum shmrpci_overflow {
    SHMRPCI_OVERFLOW_BLOCK,       /* it waits */
    SHMRPCI_OVERFLOW_FAIL,        /* it returns BUSY */
    SHMRPCI_OVERFLOW_DROP_OLDEST, /* drops the oldest record of the same lane */
    SHMRPCI_OVERFLOW_DROP_NEWEST  /* drops the pushed record; OK, and counted */
} shmrpci_overflow;

/* The settings of a new queue. */
typedef struct shmrpci_queue_spec {
    const char *name; /* for people and for comparison */
    size_t name_len;
    uint64_t type_hash;
    uint32_t encoding;
    uint32_t capacity;       /* records that may wait: of each producer, or of
                              * all in `order total`; 0: 1024 */
    uint32_t item_bytes;     /* typical size of a record; 0: 256 */
    uint32_t max_item_bytes; /* the longest one; 0: 64 KiB. At most 1 GiB. */
    uint64_t max_bytes;      /* of the region; 0: enough for all participants */
    uint32_t participants;   /* handles at a time; 0: 64 */
    shmrpci_overflow overflow;
    bool is_total;
    bool is_acked;
} shmrpci_queue_spec;

/*
 * What region a queue needs. A lane has room for `capacity` records of
 * `item_bytes`, and at least two of `max_item_bytes`; if `max_bytes` is less
 * than two such lanes they are made smaller, and bytes are the limit before the
 * capacity is. INVALID: `error` says which part.
 */
shmrpc_status shmrpci_queue_plan(const shmrpci_queue_spec *spec,
                                 shmrpci_region_spec *out, shmrpc_error *error);

typedef struct shmrpci_queue shmrpci_queue;

/*
 * Opens a queue; takes over the descriptor, and closes it on failure. `profile`
 * sets how long waits may spin. CONTRACT: not a queue, or of another version;
 * DATA_LOSS; DESTROYED; EXHAUSTED: all places are taken; NO_MEMORY.
 */
shmrpc_status shmrpci_queue_open(int fd, shmrpc_profile profile,
                                 shmrpci_queue **out, shmrpc_error *error);

/* Closes it; NULL is allowed. No thread may be in any of its functions.
 * Unacknowledged records are delivered again, to any reader. */
void shmrpci_queue_close(shmrpci_queue *queue);

/* The region, whose facts (type_hash, name...) the caller compares. */
const shmrpci_region *shmrpci_queue_region(const shmrpci_queue *queue);

/* The longest record that it takes. */
uint32_t shmrpci_queue_max_len(const shmrpci_queue *queue);

/*
 * Deadlines of all functions are monotonic times (os/clock.h); 0: don't wait,
 * and BUSY instead of DEADLINE.
 */

/*
 * Appends a record. DEADLINE, BUSY: there was no room (or, `order total`,
 * another process holds the producer lock; `error` names it); TOO_LARGE;
 * CANCELLED: the queue was ended; DESTROYED; FORKED; EXHAUSTED: no memory for
 * this producer's lane; DATA_LOSS.
 */
shmrpc_status shmrpci_queue_push(shmrpci_queue *queue, const void *data,
                                 uint32_t len, int64_t deadline_ns,
                                 shmrpc_error *error);

/* Appends several, in this order; other producers' may come in between unless
 * `order total`. `out_count`, also on failure: how many. */
shmrpc_status shmrpci_queue_push_many(shmrpci_queue *queue,
                                      const shmrpci_slice *slices,
                                      uint32_t count, int64_t deadline_ns,
                                      uint32_t *out_count, shmrpc_error *error);

/*
 * Reserves a record of up to `len` bytes, to be encoded in place and then
 * published with its actual length, or given up: one of the two, at once, by
 * the same thread. Other threads that push with this handle wait meanwhile, and
 * in `order total` all producers. Statuses as push. NULL with OK: the record is
 * dropped (DROP_NEWEST), and nothing more needs to be done. Readers don't see
 * it before it is published.
 */
shmrpc_status shmrpci_queue_reserve(shmrpci_queue *queue, uint32_t len,
                                    int64_t deadline_ns, void **out,
                                    shmrpc_error *error);
void shmrpci_queue_publish(shmrpci_queue *queue, uint32_t len);
void shmrpci_queue_give_up(shmrpci_queue *queue);

/*
 * Takes up to `max` records of one lane, at least one, and appends their bytes
 * to `buf`, each at a multiple of 16 from its beginning; `items` says where.
 * `buf` may grow in any way (heap, arena); it is unchanged unless this
 * succeeds. DEADLINE, BUSY: there was no record; CANCELLED: the queue was
 * ended, and is empty; DESTROYED; FORKED; TOO_LARGE, NO_MEMORY: `buf` is full,
 * and the record is still in the queue; DATA_LOSS: a lane is damaged, the next
 * call goes on with others. `acked`: EXHAUSTED: too many records are
 * unacknowledged.
 */
shmrpc_status shmrpci_queue_pop(shmrpci_queue *queue, uint32_t max,
                                int64_t deadline_ns, shmrpci_buf *buf,
                                shmrpci_item *items, uint32_t *out_count,
                                shmrpc_error *error);

/* Copies the record that pop would return if no other reader takes it; does not
 * wait. Statuses as pop. */
shmrpc_status shmrpci_queue_peek(shmrpci_queue *queue, shmrpci_buf *buf,
                                 shmrpci_item *item, shmrpc_error *error);

/*
 * `acked`: the record with this ticket (shmrpci_item.ticket) has been handled.
 * INVALID: no such ticket is out, or it was acknowledged before.
 */
shmrpc_status shmrpci_queue_ack(shmrpci_queue *queue, uint64_t ticket);
/* `acked`: it has not been handled, and is delivered again, to any reader. */
shmrpc_status shmrpci_queue_release(shmrpci_queue *queue, uint64_t ticket);

/* No more records can be pushed: pops return the remaining records, and then
 * CANCELLED. Forever, and for all. */
shmrpc_status shmrpci_queue_end(shmrpci_queue *queue);
/* Ends all waits and all use with DESTROYED. */
void shmrpci_queue_destroy(shmrpci_queue *queue);

/* ---- facts, for people --------------------------------------------------- */

typedef struct shmrpci_queue_stat {
    uint64_t depth;       /* waiting records */
    uint64_t depth_bytes; /* bytes they occupy */
    uint64_t capacity;    /* of a lane, in records */
    uint64_t pushed;      /* since it was made, including redelivered */
    uint64_t popped;
    uint64_t dropped;     /* by overflow */
    uint64_t redelivered; /* records delivered again */
    uint64_t unacked;     /* popped, and neither acknowledged nor released */
    uint64_t sleeps;
    uint64_t rescued;           /* found without a wake-up */
    uint32_t waiting_for_items; /* threads */
    uint32_t waiting_for_room;
    uint32_t participants; /* open now */
    uint32_t lanes;
    bool is_ended;
    bool is_destroyed;
} shmrpci_queue_stat;

/* The figures are of different moments if others use it; zeros in a forked
   child. */
void shmrpci_queue_get_stat(const shmrpci_queue *queue,
                            shmrpci_queue_stat *out);

/* The same of a queue that is not open here: takes no place and changes nothing
 * in it. The descriptor, which may be read-only, is closed. Statuses as
 * shmrpci_queue_open(), except EXHAUSTED. */
shmrpc_status shmrpci_queue_look(int fd, shmrpci_queue_stat *out,
                                 shmrpc_error *error);

typedef struct shmrpci_queue_member {
    uint32_t number;
    int32_t pid; /* 0: the number is free now */
    bool is_alive;
    uint64_t depth; /* of its lane */
    uint64_t depth_bytes;
    uint64_t pushed;
    uint64_t popped;
    uint64_t dropped;
    uint64_t unacked;
    uint32_t waiting_for_items;
    uint32_t waiting_for_room;
} shmrpci_queue_member;

/* Calls `visit` for each present or former participant, until it returns
 * false. */
typedef bool shmrpci_queue_visit(void *user,
                                 const shmrpci_queue_member *member);
void shmrpci_queue_each_member(const shmrpci_queue *queue,
                               shmrpci_queue_visit *visit, void *user);

/* Checks a queue that nobody uses meanwhile: its region, and every lane.
 * Returns the number of findings; `finding` may be NULL. */
uint64_t shmrpci_queue_check(const shmrpci_queue *queue,
                             shmrpci_region_finding *finding, void *user);

/* Announces a sleeper: the caller looks again after this, then sleeps while
 * `out` is unchanged, for `*out_max_ns` at most. */
void shmrpci_queue_announce(shmrpci_queue *queue, shmrpci_futex_on *out,
                            int64_t *out_max_ns);

#endif
