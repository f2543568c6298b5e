/*
 * Shared topics: each subscriber gets each message that any process publishes
 * after it subscribed.
 *
 *     shmrpc_topic *news;
 *     if (shmrpc_topic_open("news", NULL, &news, &error) == SHMRPC_OK) {
 *         shmrpc_any text = shmrpc_any_str("it rains");
 *         (void)shmrpc_topic_publish(news, &text, NULL, &error);
 *     }
 *
 *     shmrpc_sub *sub;
 *     if (shmrpc_topic_subscribe(news, &sub, &error) == SHMRPC_OK) {
 *         const shmrpc_any *message;
 *         while (shmrpc_sub_next(sub, &message, NULL, &error) == SHMRPC_OK) {
 *             print(message);
 *         }
 *         shmrpc_sub_close(sub);
 *     }
 *
 * These functions are for messages of any shape, encoded as msgpack unless the
 * options say json.  A topic that is declared in a .svc has functions of its
 * own, with the declared type, which do the same.
 *
 * Slow subscribers.  With OVERWRITE nobody waits for them: who falls too far
 * behind gets LOST once, which says how many messages, and goes on with the
 * oldest that there is.  With BLOCK publishers wait for the slowest, but no
 * longer than `max_stall_ns`: who is later then is EVICTED.  With DROP_NEWEST
 * the new message goes, counted, when a subscriber would lose one.
 *
 * Order.  Messages of one handle come in its order; of different handles in
 * any.  Subscribers may be READ_ONLY: they are woken, but not waited for.
 *
 * What else holds for all shared objects stands in shmrpc/shared.h.
 */
#ifndef SHMRPC_TOPIC_H
#define SHMRPC_TOPIC_H

#include <stddef.h>

#include "shmrpc/shared.h"

SHMRPC_BEGIN_DECLS

typedef struct shmrpc_topic shmrpc_topic;
typedef struct shmrpc_sub shmrpc_sub;

/* How to open or create. NULL or zeroed: the defaults. All but `shared` counts
 * when the topic is created, and is ignored otherwise. */
typedef struct shmrpc_topic_opts {
    shmrpc_shared_opts shared;
    uint64_t history;         /* messages of a publisher that a new subscriber
                               * still gets; default 0 */
    uint64_t max_item_bytes;  /* the longest message, encoded; 0: 64 KiB. Each
                               * publisher's memory holds four of them, and the
                               * history. */
    shmrpc_overflow overflow; /* OVERWRITE, BLOCK, DROP_NEWEST */
    shmrpc_encoding encoding; /* MSGPACK (or 0), JSON */
    int64_t max_stall_ns;     /* BLOCK: 0: 100 ms */
    uint64_t reserved[4];     /* 0; later members take its place */
} shmrpc_topic_opts;

/* Opens a topic, makes it, or both. Statuses: shmrpc/shared.h. */
SHMRPC_API shmrpc_status
shmrpc_topic_open(const char *name, const shmrpc_topic_opts *opts,
                  shmrpc_topic **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Ends the use of a handle; NULL is fine. Close its subscriptions before. */
SHMRPC_API void shmrpc_topic_close(shmrpc_topic *topic);

/*
 * Publishes a copy of `message`.  With BLOCK it may wait for subscribers, until
 * the deadline of `opts`.
 *
 * OK: it was published, or (DROP_NEWEST) dropped and counted; DEADLINE, BUSY
 * (NONBLOCK): a subscriber is behind; TOO_LARGE: it is larger than a publisher
 * may keep, the error says what would fit; INVALID: it can't be encoded;
 * DESTROYED; DENIED: READ_ONLY; EXHAUSTED; DATA_LOSS.  On failure nothing was
 * published.
 */
SHMRPC_API shmrpc_status shmrpc_topic_publish(
    shmrpc_topic *topic, const shmrpc_any *message, const shmrpc_opts *opts,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Begins to listen: with the history, then with what is published from now on.
 * A subscription belongs to its handle, and to one thread at a time; a forked
 * child makes its own. EXHAUSTED: publishers wait for subscribers, and there
 * are too many; NO_MEMORY. */
SHMRPC_API shmrpc_status
shmrpc_topic_subscribe(shmrpc_topic *topic, shmrpc_sub **out,
                       shmrpc_error *error) SHMRPC_WARN_UNUSED;

/*
 * The next message.  Waits until there is one, or the deadline of `opts`.  The
 * message is valid until the next call with this subscription.
 *
 * DEADLINE: none came; BUSY: none is there, and NONBLOCK; LOST: messages were
 * overwritten, shmrpc_sub_lost() says how many, and the next call goes on
 * behind them; EVICTED: publishers had to wait for it for too long: subscribe
 * again; CANCELLED: the topic was ended, and all is read; DESTROYED; FORKED:
 * the parent subscribed; DATA_LOSS.
 */
SHMRPC_API shmrpc_status shmrpc_sub_next(
    shmrpc_sub *sub, const shmrpc_any **out, const shmrpc_opts *opts,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* A descriptor for event loops, readable when there may be a message, a
 * loss, or the end to be told of: as
 * shmrpc_queue_fd(). FORKED. */
SHMRPC_API int shmrpc_sub_fd(shmrpc_sub *sub);

/* How many messages this subscription has lost, ever, as LOST told. */
SHMRPC_API uint64_t shmrpc_sub_lost(const shmrpc_sub *sub);

/* Stops listening; NULL is fine. */
SHMRPC_API void shmrpc_sub_close(shmrpc_sub *sub);

/* Says that nothing more will be published: publishing is CANCELLED from now
 * on, for all, and so is the next message when all is read. DENIED: READ_ONLY;
 * DESTROYED. */
SHMRPC_API shmrpc_status shmrpc_topic_end(shmrpc_topic *topic);

/* Ends the topic for everyone, as shmrpc_queue_destroy(). */
SHMRPC_API shmrpc_status shmrpc_topic_destroy(shmrpc_topic *topic);

typedef struct shmrpc_topic_stat {
    uint64_t published_count; /* ever */
    uint64_t dropped_count;   /* by DROP_NEWEST */
    uint64_t received_count;  /* by those who listen now */
    uint64_t lost_count;      /* again */
    uint64_t evicted_count;
    uint64_t history;
    uint64_t max_item_bytes;
    uint32_t open_count;       /* living handles that may write */
    uint32_t subscriber_count; /* that are not READ_ONLY */
    bool is_ended;
    uint8_t reserved8[7];
    uint64_t reserved[7];
} shmrpc_topic_stat;

/* Figures as of now. */
SHMRPC_API shmrpc_status shmrpc_topic_stat_read(shmrpc_topic *topic,
                                                shmrpc_topic_stat *out);

SHMRPC_END_DECLS

#endif
