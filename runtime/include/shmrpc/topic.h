/*
 * Shared topics: each subscriber gets each message that any process publishes
 * after the subscription.
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
 * own with the declared type, which do the same.
 *
 * Slow subscribers.  With OVERWRITE publishers never wait: a subscriber that
 * falls too far behind gets LOST once, with the number of lost messages, and
 * continues with the oldest message that is left.  With BLOCK publishers wait
 * for the slowest subscriber, but no longer than `max_stall_ns`: it is EVICTED
 * then.  With DROP_NEWEST the new message is dropped and counted if a
 * subscriber would lose one.
 *
 * Order.  Messages of one handle arrive in its order; those of different
 * handles in any order.  Subscribers may be READ_ONLY: they are woken, but
 * publishers don't wait for them.
 *
 * Between machines. The name "nats://host/acme.news" means one topic for all
 * machines (docs/many-machines.md). Without history a message reaches each
 * subscriber at most once, and publish returns when it is on its way; with
 * history, when a server has stored it, and `history` counts the messages of
 * all publishers. A subscriber that missed messages gets LOST. The overflow can
 * only be OVERWRITE (else INVALID): no publisher waits for another machine.
 * Further statuses: UNAVAILABLE: no server is reachable; CONTRACT, from next
 * only: a publisher sends another type; FORKED. The descriptor, end, and
 * without history destroy are UNIMPLEMENTED.
 *
 * shmrpc/shared.h has what holds for all shared objects.
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
    uint64_t history;         /* messages of each publisher that a new
                               * subscriber still gets; default 0 */
    uint64_t max_item_bytes;  /* the longest message, encoded; 0: 64 KiB. Each
                               * publisher's memory holds the history and four
                               * more messages of that length. */
    shmrpc_overflow overflow; /* OVERWRITE, BLOCK, DROP_NEWEST */
    shmrpc_encoding encoding; /* MSGPACK (or 0), JSON */
    int64_t max_stall_ns;     /* BLOCK: 0: 100 ms */
    uint64_t reserved[4];     /* 0; later members take its place */
} shmrpc_topic_opts;

/* Opens a topic, creates it, or both. Statuses: shmrpc/shared.h. */
SHMRPC_API shmrpc_status
shmrpc_topic_open(const char *name, const shmrpc_topic_opts *opts,
                  shmrpc_topic **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Closes a handle; NULL is fine. Close its subscriptions first. */
SHMRPC_API void shmrpc_topic_close(shmrpc_topic *topic);

/*
 * Publishes a copy of `message`.  With BLOCK it may wait for subscribers, until
 * the deadline of `opts`.
 *
 * OK: it was published, or (DROP_NEWEST) dropped and counted; DEADLINE, or BUSY
 * with NONBLOCK: a subscriber is behind; TOO_LARGE: it is larger than a
 * publisher may keep, the error says what would fit; INVALID: it can't be
 * encoded; DESTROYED; DENIED: READ_ONLY; EXHAUSTED; DATA_LOSS.  On failure
 * nothing was published.
 */
SHMRPC_API shmrpc_status shmrpc_topic_publish(
    shmrpc_topic *topic, const shmrpc_any *message, const shmrpc_opts *opts,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Subscribes: first to the history, then to what is published from now on. A
 * subscription belongs to its handle, and to one thread at a time; a forked
 * child must subscribe again. EXHAUSTED: publishers wait for subscribers, and
 * there are too many; NO_MEMORY. */
SHMRPC_API shmrpc_status
shmrpc_topic_subscribe(shmrpc_topic *topic, shmrpc_sub **out,
                       shmrpc_error *error) SHMRPC_WARN_UNUSED;

/*
 * The next message.  Waits until there is one, or until the deadline of `opts`.
 * The message is valid until the next call with this subscription.
 *
 * DEADLINE: none came; BUSY: there is none, and NONBLOCK; LOST: messages were
 * overwritten, shmrpc_sub_lost() says how many, and the next call continues
 * after them; EVICTED: publishers had to wait for this subscriber for too long:
 * subscribe again; CANCELLED: the topic was ended, and everything is read;
 * DESTROYED; FORKED: the parent subscribed; DATA_LOSS.
 */
SHMRPC_API shmrpc_status shmrpc_sub_next(
    shmrpc_sub *sub, const shmrpc_any **out, const shmrpc_opts *opts,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* A descriptor for event loops, readable when there may be a message, a loss,
 * or the end to learn of: works as shmrpc_queue_fd() does. FORKED. */
SHMRPC_API int shmrpc_sub_fd(shmrpc_sub *sub);

/* How many messages this subscription has lost in all, as LOST has reported. */
SHMRPC_API uint64_t shmrpc_sub_lost(const shmrpc_sub *sub);

/* Ends a subscription; NULL is fine. */
SHMRPC_API void shmrpc_sub_close(shmrpc_sub *sub);

/* Ends the topic, for all processes: from now on publish returns CANCELLED, and
 * so does next when everything is read. DENIED: READ_ONLY; DESTROYED. */
SHMRPC_API shmrpc_status shmrpc_topic_end(shmrpc_topic *topic);

/* Destroys the topic for everyone, as shmrpc_queue_destroy() does. */
SHMRPC_API shmrpc_status shmrpc_topic_destroy(shmrpc_topic *topic);

typedef struct shmrpc_topic_stat {
    uint64_t published_count; /* ever */
    uint64_t dropped_count;   /* by DROP_NEWEST */
    uint64_t received_count;  /* by present subscribers */
    uint64_t lost_count;      /* by present subscribers */
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
