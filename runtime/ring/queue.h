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
 * completely, or not at all, and it is there once push has returned. With
 * `once` a record whose taker dies is lost with it; with `acked` it is
 * delivered again, with REDELIVERED, unless it was acknowledged. Nobody waits
 * for dead or stopped processes, except in `order total` for one stopped in the
 * middle of a push.
 *
 * Order: the records of each producer stay in order; with `order total`, the
 * records of all producers. Redelivered records are out of order.
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

/* What a push does when a lane is full. */
typedef enum shmrpci_overflow {
    SHMRPCI_OVERFLOW_BLOCK,       /* it waits */
    SHMRPCI_OVERFLOW_FAIL,        /* it returns BUSY */
    SHMRPCI_OVERFLOW_DROP_OLDEST, /* drops the oldest record of the same lane */
    SHMRPCI_OVERFLOW_DROP_NEWEST  /* drops the pushed record; OK, and counted */
} shmrpci_overflow;

/* The settings of a new queue. */
typedef struct shmrpci_queue_spec {
    const char *name; /* shown in messages, and compared */
    size_t name_len;
    uint64_t type_hash;
    uint32_t encoding;
    uint32_t capacity;       /* most waiting records, of each producer, or of
                              * all in `order total`; 0: 1024 */
    uint32_t item_bytes;     /* typical size of a record; 0: 256 */
    uint32_t max_item_bytes; /* length of the longest record; 0: 64 KiB. At most
                              * 1 GiB. */
    uint64_t max_bytes;      /* bytes of the region; 0: enough for all
                              * participants */
    uint32_t participants;   /* most handles at a time; 0: 64 */
    shmrpci_overflow overflow;
    bool is_total;
    bool is_acked;
} shmrpci_queue_spec;

/*
 * Plans the region of a queue. A lane has room for `capacity` records of
 * `item_bytes`, and at least for two of `max_item_bytes`. If `max_bytes` is
 * less than two such lanes, lanes are made smaller, and are full before they
 * have `capacity` records. Returns INVALID; `error` says which setting is not
 * valid.
 */
shmrpc_status shmrpci_queue_plan(const shmrpci_queue_spec *spec,
                                 shmrpci_region_spec *out, shmrpc_error *error);

typedef struct shmrpci_queue shmrpci_queue;

/*
 * Opens a queue. Takes over the descriptor, and closes it on failure. `profile`
 * sets how long waits may spin. Returns CONTRACT if it is not a queue, or one
 * of another version; EXHAUSTED if all places are taken; else DATA_LOSS,
 * DESTROYED or NO_MEMORY.
 */
shmrpc_status shmrpci_queue_open(int fd, shmrpc_profile profile,
                                 shmrpci_queue **out, shmrpc_error *error);

/* Closes the handle; NULL is allowed. No thread may be in any of its functions.
 * Unacknowledged records are delivered again, to any reader. */
void shmrpci_queue_close(shmrpci_queue *queue);

/* The region, whose facts (type_hash, name...) the caller compares. */
const shmrpci_region *shmrpci_queue_region(const shmrpci_queue *queue);

/* The length of the longest record that the queue accepts. */
uint32_t shmrpci_queue_max_len(const shmrpci_queue *queue);

/*
 * Deadlines of all functions are monotonic times (os/clock.h). 0 means: don't
 * wait, and return BUSY instead of DEADLINE.
 */

/*
 * Appends a record. Returns DEADLINE or BUSY if there was no room (or, in
 * `order total`, if another process holds the producer lock; `error` names it);
 * CANCELLED if the queue was ended; EXHAUSTED if there is no memory for this
 * producer's lane; else TOO_LARGE, DESTROYED, FORKED or DATA_LOSS.
 */
shmrpc_status shmrpci_queue_push(shmrpci_queue *queue, const void *data,
                                 uint32_t len, int64_t deadline_ns,
                                 shmrpc_error *error);

/* Appends several records, in this order. Unless `order total`, records of
 * other producers may come in between. `out_count` is the number of appended
 * records, also on failure. */
shmrpc_status shmrpci_queue_push_many(shmrpci_queue *queue,
                                      const shmrpci_slice *slices,
                                      uint32_t count, int64_t deadline_ns,
                                      uint32_t *out_count, shmrpc_error *error);

/*
 * Reserves a record of up to `len` bytes. The same thread must then at once
 * either encode it in place and publish it with its actual length, or give it
 * up. Meanwhile other threads that push with this handle wait, and in `order
 * total` all producers do. Statuses as for push. OK with NULL means that the
 * record is dropped (DROP_NEWEST), and nothing more needs to be done. Readers
 * don't see the record before it is published.
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
 * succeeds. Returns DEADLINE or BUSY if there was no record; CANCELLED if the
 * queue was ended and is empty; TOO_LARGE or NO_MEMORY if `buf` is full, and
 * then the record is still in the queue; DATA_LOSS if a lane is damaged, and
 * then the next call goes on with other lanes; with `acked`, EXHAUSTED if too
 * many records are unacknowledged; else DESTROYED or FORKED.
 */
shmrpc_status shmrpci_queue_pop(shmrpci_queue *queue, uint32_t max,
                                int64_t deadline_ns, shmrpci_buf *buf,
                                shmrpci_item *items, uint32_t *out_count,
                                shmrpc_error *error);

/* Copies the record that pop would return if no other reader takes it first.
 * Does not wait. Statuses as for pop. */
shmrpc_status shmrpci_queue_peek(shmrpci_queue *queue, shmrpci_buf *buf,
                                 shmrpci_item *item, shmrpc_error *error);

/*
 * `acked`: reports that the record with this ticket (shmrpci_item.ticket) has
 * been handled. Returns INVALID if no such ticket is outstanding, or it was
 * acknowledged before.
 */
shmrpc_status shmrpci_queue_ack(shmrpci_queue *queue, uint64_t ticket);
/* `acked`: gives the record back unhandled, to be delivered again, to any
 * reader. */
shmrpc_status shmrpci_queue_release(shmrpci_queue *queue, uint64_t ticket);

/* Ends the queue, forever and for all: no more records can be pushed, and pops
 * return the remaining records, and then CANCELLED. */
shmrpc_status shmrpci_queue_end(shmrpci_queue *queue);
/* Ends all waits, and makes all further calls return DESTROYED. */
void shmrpci_queue_destroy(shmrpci_queue *queue);

/* ---- statistics ---------------------------------------------------------- */

typedef struct shmrpci_queue_stat {
    uint64_t depth;       /* waiting records */
    uint64_t depth_bytes; /* bytes they occupy */
    uint64_t capacity;    /* of a lane, in records */
    uint64_t pushed;      /* since the queue was made, including redelivered
                           * records */
    uint64_t popped;
    uint64_t dropped;     /* by the overflow rule */
    uint64_t redelivered; /* records delivered again */
    uint64_t unacked;     /* popped, and neither acknowledged nor released */
    uint64_t sleeps;
    uint64_t rescued;           /* records found without a wake-up */
    uint32_t waiting_for_items; /* number of threads that wait */
    uint32_t waiting_for_room;
    uint32_t participants; /* handles open now */
    uint32_t lanes;
    bool is_ended;
    bool is_destroyed;
} shmrpci_queue_stat;

/* If others use the queue, the figures are of different moments. In a forked
 * child all are zero. */
void shmrpci_queue_get_stat(const shmrpci_queue *queue,
                            shmrpci_queue_stat *out);

/* The same for a queue that is not open here. Takes no place in the queue, and
 * changes nothing there. Closes the descriptor, which may be read-only.
 * Statuses as for shmrpci_queue_open(), except EXHAUSTED. */
shmrpc_status shmrpci_queue_look(int fd, shmrpci_queue_stat *out,
                                 shmrpc_error *error);

typedef struct shmrpci_queue_member {
    uint32_t number;
    int32_t pid; /* 0: this participant number is free */
    bool is_alive;
    uint64_t depth; /* waiting records in its lane */
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

/* Announces a sleeper. The caller looks again after this, then sleeps while
 * `out` is unchanged, for at most `*out_max_ns`. */
void shmrpci_queue_announce(shmrpci_queue *queue, shmrpci_futex_on *out,
                            int64_t *out_max_ns);

#endif
