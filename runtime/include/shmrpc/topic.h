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
 * options say json. A topic that is declared in a .svc has functions of its own
 * with the declared type, which do the same.
 *
 * Slow subscribers. With OVERWRITE publishers never wait: a subscriber that
 * falls too far behind gets LOST once, with the number of lost messages, and
 * continues with the oldest message that is left. With BLOCK publishers wait
 * for the slowest subscriber, but at most `max_stall_ns`: then that subscriber
 * is EVICTED. With DROP_NEWEST the new message is dropped and counted if a
 * subscriber would otherwise lose one.
 *
 * Order. Messages published through one handle arrive in the order in which
 * they were published; messages of different handles in any order. Subscribers
 * may be READ_ONLY: they are woken, but publishers don't wait for them.
 *
 * Between machines. The name "nats://host/acme.news" means one topic for all
 * machines (docs/many-machines.md). Without history a message reaches each
 * subscriber at most once, and publish returns when it is on its way. With
 * history publish returns when a server has stored the message, and `history`
 * counts the messages of all publishers. A subscriber that missed messages gets
 * LOST. The overflow can only be OVERWRITE (else INVALID): no publisher waits
 * for another machine. Functions also return UNAVAILABLE if no server is
 * reachable, and FORKED; next also returns CONTRACT if a publisher sends
 * another type. The descriptor and end are UNIMPLEMENTED, and so is destroy
 * without history.
 *
 * shmrpc/shared.h describes what all shared objects have in common.
 */
#ifndef SHMRPC_TOPIC_H
#define SHMRPC_TOPIC_H

#include <stddef.h>

#include "shmrpc/shared.h"

SHMRPC_BEGIN_DECLS

typedef struct shmrpc_topic shmrpc_topic;
typedef struct shmrpc_sub shmrpc_sub;

/* How to open or create. NULL or zeroed: the defaults. All members except
 * `shared` apply only when the topic is created. */
typedef struct shmrpc_topic_opts {
    shmrpc_shared_opts shared;
    uint64_t history;         /* how many messages of each publisher a new
                               * subscriber still gets; default 0 */
    uint64_t max_item_bytes;  /* the longest message, encoded; 0: 64 KiB. Each
                               * publisher's memory holds the history and four
                               * more messages of that length. */
    shmrpc_overflow overflow; /* OVERWRITE, BLOCK, DROP_NEWEST */
    shmrpc_encoding encoding; /* MSGPACK (or 0), JSON */
    int64_t max_stall_ns;     /* for BLOCK; 0: 100 ms */
    uint64_t reserved[4];     /* 0; later members take its place */
} shmrpc_topic_opts;

/* Opens a topic, creates it, or both. Returns the statuses in
 * shmrpc/shared.h. */
SHMRPC_API shmrpc_status
shmrpc_topic_open(const char *name, const shmrpc_topic_opts *opts,
                  shmrpc_topic **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Closes a handle; NULL is fine. Close its subscriptions first. */
SHMRPC_API void shmrpc_topic_close(shmrpc_topic *topic);

/*
 * Publishes a copy of `message`. With BLOCK it may wait for subscribers, until
 * the deadline of `opts`.
 *
 * Returns OK if the message was published, or (DROP_NEWEST) dropped and
 * counted; DEADLINE, or BUSY with NONBLOCK, if a subscriber is behind;
 * TOO_LARGE if the message is larger than a publisher may keep (the error says
 * what would fit); INVALID if it can't be encoded; DENIED for a READ_ONLY
 * handle; DESTROYED; EXHAUSTED; DATA_LOSS. On failure nothing was published.
 */
SHMRPC_API shmrpc_status shmrpc_topic_publish(
    shmrpc_topic *topic, const shmrpc_any *message, const shmrpc_opts *opts,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Subscribes: next returns first the history, then what is published from now
 * on. A subscription belongs to its handle, and to one thread at a time; a
 * forked child must subscribe again. Returns EXHAUSTED if publishers wait for
 * subscribers and there are too many of them, or NO_MEMORY. */
SHMRPC_API shmrpc_status
shmrpc_topic_subscribe(shmrpc_topic *topic, shmrpc_sub **out,
                       shmrpc_error *error) SHMRPC_WARN_UNUSED;

/*
 * Returns the next message. Waits until there is one, or until the deadline of
 * `opts`. The message is valid until the next call with this subscription.
 *
 * Returns DEADLINE if no message came, or BUSY with NONBLOCK; LOST if messages
 * were overwritten (shmrpc_sub_lost() says how many, and the next call
 * continues after them); EVICTED if publishers had to wait for this subscriber
 * for too long (subscribe again); CANCELLED if the topic was ended and
 * everything is read; FORKED if the parent subscribed; DESTROYED; DATA_LOSS.
 */
SHMRPC_API shmrpc_status shmrpc_sub_next(
    shmrpc_sub *sub, const shmrpc_any **out, const shmrpc_opts *opts,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Returns a descriptor for event loops. It is readable when there may be a
 * message or a loss to report, or when the topic was ended; see
 * shmrpc_queue_fd(). Also returns FORKED. */
SHMRPC_API int shmrpc_sub_fd(shmrpc_sub *sub);

/* Returns how many messages this subscription has lost in total, as reported by
 * LOST. */
SHMRPC_API uint64_t shmrpc_sub_lost(const shmrpc_sub *sub);

/* Ends a subscription; NULL is fine. */
SHMRPC_API void shmrpc_sub_close(shmrpc_sub *sub);

/* Ends the topic for all processes: from now on publish returns CANCELLED, and
 * so does next when everything is read. Returns DENIED for a READ_ONLY handle,
 * or DESTROYED. */
SHMRPC_API shmrpc_status shmrpc_topic_end(shmrpc_topic *topic);

/* Destroys the topic for everyone, as shmrpc_queue_destroy() does. */
SHMRPC_API shmrpc_status shmrpc_topic_destroy(shmrpc_topic *topic);

typedef struct shmrpc_topic_stat {
    uint64_t published_count; /* in all */
    uint64_t dropped_count;   /* by DROP_NEWEST */
    uint64_t received_count;  /* by current subscribers */
    uint64_t lost_count;      /* by current subscribers */
    uint64_t evicted_count;
    uint64_t history;
    uint64_t max_item_bytes;
    uint32_t open_count;       /* handles of living processes that may write */
    uint32_t subscriber_count; /* that are not READ_ONLY */
    bool is_ended;
    uint8_t reserved8[7];
    uint64_t reserved[7];
} shmrpc_topic_stat;

/* Reads the topic's current figures. */
SHMRPC_API shmrpc_status shmrpc_topic_stat_read(shmrpc_topic *topic,
                                                shmrpc_topic_stat *out);

SHMRPC_END_DECLS

#endif
