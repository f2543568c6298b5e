/*
 * Topics of byte records: every subscriber that keeps up sees each record.
 *
 * A topic is a region with a lane for each publisher; subscribers read lanes at
 * their own pace and write only to the desk (desk.h). So any number of
 * read-only subscribers cost a publisher nothing, and can't delay it except
 * with `block`.
 *
 * Guarantees if a process dies at any instruction: a message is published for
 * all, or for none; nobody waits for dead processes, nor, with `max_stall`, for
 * stopped ones.
 *
 * Order: the messages of each publisher stay in order.
 *
 * Threading: any thread may use a topic, except to open and close it; threads
 * of a handle that publish take turns. One thread at a time uses a
 * subscription.
 */
#ifndef SHMRPCI_RING_TOPIC_H
#define SHMRPCI_RING_TOPIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "os/futex.h"
#include "region/region.h"
#include "ring/lane.h"
#include "shmrpc/error.h"
#include "shmrpc/options.h"

/* What a publisher does if it would overwrite messages that subscribers have
 * not read. */
typedef enum shmrpci_laps {
    SHMRPCI_LAPS_OVERWRITE, /* overwrites them: subscribers get LOST */
    SHMRPCI_LAPS_DROP,      /* drops the new one; OK, and counted */
    SHMRPCI_LAPS_BLOCK      /* waits; subscribers slower than max_stall are
                             * EVICTED */
} shmrpci_laps;

/* The settings of a new topic. */
typedef struct shmrpci_topic_spec {
    const char *name;
    size_t name_len;
    uint64_t type_hash;
    uint32_t encoding;
    uint32_t history;        /* messages of each publisher that a late
                              * subscriber still gets */
    uint32_t item_bytes;     /* typical size of a message; 0: 256 */
    uint32_t max_item_bytes; /* length of the longest one; 0: 64 KiB. At most
                              * 512 MiB. */
    uint64_t max_bytes;      /* bytes of the region; 0: enough for all
                              * publishers */
    uint32_t participants;   /* most handles that may write; 0: 64 */
    uint32_t seats;          /* most subscribers at a time that publishers wait
                              * for or that are listed; 0: 64 */
    int64_t max_stall_ns;    /* for `block`; 0: no limit except deadlines */
    shmrpci_laps laps;
    bool is_desk_apart; /* the desk lies in a file of its own */
} shmrpci_topic_spec;

/* Fills in the region spec; compare shmrpci_queue_plan(). A ring has room for
 * the history and 256 messages more, and for four of the longest messages. */
shmrpc_status shmrpci_topic_plan(const shmrpci_topic_spec *spec,
                                 shmrpci_region_spec *out, shmrpc_error *error);
/* The size of the desk's own file, which must be all zeros at first. */
uint64_t shmrpci_topic_desk_bytes(const shmrpci_topic_spec *spec);

typedef struct shmrpci_topic shmrpci_topic;

/*
 * Opens a topic. Takes over the descriptors, and closes them on failure. With
 * `access` READ the handle can only subscribe. `desk_fd` is the desk's own
 * file, open for writing, or -1; a subscriber that can't write to the desk is
 * woken (region/listen.h), but publishers don't wait for it. Statuses as for
 * shmrpci_queue_open().
 */
shmrpc_status shmrpci_topic_open(int fd, int desk_fd, shmrpci_access access,
                                 shmrpc_profile profile, shmrpci_topic **out,
                                 shmrpc_error *error);
/* Closes it; NULL is allowed. Its subscriptions must be closed before. */
void shmrpci_topic_close(shmrpci_topic *topic);

const shmrpci_region *shmrpci_topic_region(const shmrpci_topic *topic);
uint32_t shmrpci_topic_max_len(const shmrpci_topic *topic);

/*
 * Publishes a message. Returns DENIED if the topic was opened for reading; with
 * `block`, DEADLINE or BUSY (deadline_ns 0) if a subscriber is too slow
 * (`error` has its pid); CANCELLED if the topic was ended; EXHAUSTED if there
 * is no memory for this publisher's lane; else TOO_LARGE, DESTROYED, FORKED or
 * DATA_LOSS.
 */
shmrpc_status shmrpci_topic_publish(shmrpci_topic *topic, const void *data,
                                    uint32_t len, int64_t deadline_ns,
                                    shmrpc_error *error);

/* Compare shmrpci_queue_reserve(), shmrpci_queue_publish() and
 * shmrpci_queue_give_up(). OK with NULL means that the message is dropped. */
shmrpc_status shmrpci_topic_reserve(shmrpci_topic *topic, uint32_t len,
                                    int64_t deadline_ns, void **out,
                                    shmrpc_error *error);
void shmrpci_topic_commit(shmrpci_topic *topic, uint32_t len);
void shmrpci_topic_give_up(shmrpci_topic *topic);

/* Ends the topic: no more messages can be published, and subscribers get the
 * remaining ones, and then CANCELLED. */
shmrpc_status shmrpci_topic_end(shmrpci_topic *topic);
/* Ends all waits, and makes all further calls return DESTROYED. */
void shmrpci_topic_destroy(shmrpci_topic *topic);
/* Wakes all waiting subscribers, so that they look again; also works through a
 * read-only handle. */
void shmrpci_topic_wake_all(const shmrpci_topic *topic);

/* ---- subscribers --------------------------------------------------------- */

typedef struct shmrpci_subscription shmrpci_subscription;

/* Subscribes to all messages from now on, and to the history before. Returns
 * EXHAUSTED if the topic waits for its subscribers and all seats are taken, or
 * NO_MEMORY. */
shmrpc_status shmrpci_topic_subscribe(shmrpci_topic *topic,
                                      shmrpci_subscription **out,
                                      shmrpc_error *error);
/* Ends a subscription; NULL is allowed. */
void shmrpci_topic_unsubscribe(shmrpci_subscription *subscription);

/*
 * Appends the next message to `buf`, which is unchanged unless this succeeds.
 * `item->lane` is its publisher. Returns LOST if messages were overwritten
 * before they were read, with their number in `out_lost`; the next call
 * continues after them. Returns EVICTED if we were too slow for a topic that
 * waits: subscribe again. Returns DEADLINE or BUSY if nothing came; CANCELLED
 * if the topic was ended and all is read; TOO_LARGE or NO_MEMORY from `buf`,
 * and then the next call returns the same message; else DESTROYED, FORKED or
 * DATA_LOSS.
 */
shmrpc_status shmrpci_topic_next(shmrpci_subscription *subscription,
                                 int64_t deadline_ns, shmrpci_buf *buf,
                                 shmrpci_item *item, uint64_t *out_lost,
                                 shmrpc_error *error);

/* ---- statistics ---------------------------------------------------------- */

typedef struct shmrpci_topic_stat {
    uint64_t published;
    uint64_t dropped;
    uint64_t received; /* messages received by subscribers that have seats
                        * now */
    uint64_t lost;     /* messages lost by subscribers that have seats now */
    uint64_t evicted;
    uint64_t history;
    uint32_t publishers;  /* handles open for writing */
    uint32_t subscribers; /* subscribers in seats */
    bool is_ended;
    bool is_destroyed;
} shmrpci_topic_stat;

void shmrpci_topic_get_stat(const shmrpci_topic *topic,
                            shmrpci_topic_stat *out);

/* The same for a topic that is not open here; compare shmrpci_queue_look(). It
 * can't see a desk that lies in a file of its own. */
shmrpc_status shmrpci_topic_look(int fd, shmrpci_topic_stat *out,
                                 shmrpc_error *error);

typedef struct shmrpci_topic_subscriber {
    uint32_t seat;
    int32_t pid;
    uint64_t received;
    uint64_t lost;
    uint64_t behind_bytes; /* unread bytes in all lanes */
    bool is_evicted;
} shmrpci_topic_subscriber;

/* Calls `visit` for each subscriber in a seat, until it returns false. */
typedef bool shmrpci_topic_visit(void *user,
                                 const shmrpci_topic_subscriber *subscriber);
void shmrpci_topic_each_subscriber(const shmrpci_topic *topic,
                                   shmrpci_topic_visit *visit, void *user);

/* Checks a topic that nobody uses meanwhile. Returns the number of findings. */
uint64_t shmrpci_topic_check(const shmrpci_topic *topic,
                             shmrpci_region_finding *finding, void *user);

/* Announces a sleeper; compare shmrpci_queue_announce(). */
void shmrpci_topic_announce(shmrpci_subscription *of, shmrpci_futex_on *out,
                            int64_t *out_max_ns);

#endif
