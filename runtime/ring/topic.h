/*
 * Topics of records in bytes: every subscriber sees each of them, as far as it
 * keeps up.
 *
 * A topic is a region with a lane for each publisher; subscribers read lanes at
 * their own pace and write nothing but to the desk (desk.h). So any number of
 * them, mapped for reading only, cost a publisher nothing, and can't hold it up
 * but with `block`.
 *
 * What is promised when a process dies at any instruction: a message is there
 * for all, or for none; nobody waits for the dead or, with `max_stall`, the
 * stopped.
 *
 * Order: that of each publisher.
 *
 * Threading: a topic: any thread, but for open and close; threads of a handle
 * that publish take turns. A subscription: one thread at a time.
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

/* What a publication does to subscribers that have not read what it would
 * overwrite. */
typedef enum shmrpci_laps {
    SHMRPCI_LAPS_OVERWRITE, /* overwrites it: they are told LOST */
    SHMRPCI_LAPS_DROP,      /* is dropped; OK, and counted */
    SHMRPCI_LAPS_BLOCK      /* waits; who is slower than max_stall is EVICTED */
} shmrpci_laps;

/* What a creator asks for. */
typedef struct shmrpci_topic_spec {
    const char *name;
    size_t name_len;
    uint64_t type_hash;
    uint32_t encoding;
    uint32_t history;        /* messages of each publisher that a late
                              * subscriber still gets */
    uint32_t item_bytes;     /* what a message usually takes; 0: 256 */
    uint32_t max_item_bytes; /* the longest one; 0: 64 KiB. At most 512 MiB. */
    uint64_t max_bytes;      /* of the region; 0: enough for all publishers */
    uint32_t participants;   /* handles that may write; 0: 64 */
    uint32_t seats;          /* subscribers at a time that are waited for or
                              * listed; 0: 64 */
    int64_t max_stall_ns;    /* `block`; 0: no limit but deadlines */
    shmrpci_laps laps;
    bool is_desk_apart; /* the desk lies in a file of its own */
} shmrpci_topic_spec;

/* What region a topic needs; as shmrpci_queue_plan(). A ring has room for the
 * history and 256 messages more, and four of the longest. */
shmrpc_status shmrpci_topic_plan(const shmrpci_topic_spec *spec,
                                 shmrpci_region_spec *out, shmrpc_error *error);
/* How large the desk's own file is, all zeros at first. */
uint64_t shmrpci_topic_desk_bytes(const shmrpci_topic_spec *spec);

typedef struct shmrpci_topic shmrpci_topic;

/*
 * Opens a topic; the descriptors are its own from then on, and closed if it
 * fails. `access` READ: for subscribers alone. `desk_fd` is the file of a desk
 * that lies apart, open for writing, or -1: a subscriber that can't write to
 * the desk is woken (region/listen.h), but not waited for.
 * Statuses as shmrpci_queue_open().
 */
shmrpc_status shmrpci_topic_open(int fd, int desk_fd, shmrpci_access access,
                                 shmrpc_profile profile, shmrpci_topic **out,
                                 shmrpc_error *error);
/* NULL is fine. Its subscriptions must be closed before. */
void shmrpci_topic_close(shmrpci_topic *topic);

const shmrpci_region *shmrpci_topic_region(const shmrpci_topic *topic);
uint32_t shmrpci_topic_max_len(const shmrpci_topic *topic);

/*
 * Publishes a message. DENIED: opened for reading; TOO_LARGE; DEADLINE, BUSY
 * (deadline_ns 0): `block`, and a subscriber is too slow, whose pid `error`
 * names; CANCELLED: the topic was ended; DESTROYED; FORKED; EXHAUSTED: no
 * memory for this publisher's lane; DATA_LOSS.
 */
shmrpc_status shmrpci_topic_publish(shmrpci_topic *topic, const void *data,
                                    uint32_t len, int64_t deadline_ns,
                                    shmrpc_error *error);

/* As shmrpci_queue_reserve(), _publish and _give_up. NULL with OK: it is to be
 * dropped. */
shmrpc_status shmrpci_topic_reserve(shmrpci_topic *topic, uint32_t len,
                                    int64_t deadline_ns, void **out,
                                    shmrpc_error *error);
void shmrpci_topic_commit(shmrpci_topic *topic, uint32_t len);
void shmrpci_topic_give_up(shmrpci_topic *topic);

/* No more messages come: subscribers get what is there, and then CANCELLED. */
shmrpc_status shmrpci_topic_end(shmrpci_topic *topic);
/* Ends all waits and all use: DESTROYED. */
void shmrpci_topic_destroy(shmrpci_topic *topic);
/* Wakes all subscribers that wait, to look again; also for reading only. */
void shmrpci_topic_wake_all(const shmrpci_topic *topic);

/* ---- subscribers --------------------------------------------------------- */

typedef struct shmrpci_subscription shmrpci_subscription;

/* Subscribes from now on, and to the history before. EXHAUSTED: all seats are
 * taken, of a topic that waits for its subscribers; NO_MEMORY. */
shmrpc_status shmrpci_topic_subscribe(shmrpci_topic *topic,
                                      shmrpci_subscription **out,
                                      shmrpc_error *error);
/* NULL is fine. */
void shmrpci_topic_unsubscribe(shmrpci_subscription *subscription);

/*
 * The next message, appended to `buf`, which is as before unless it succeeds.
 * `item->lane` says whose it is. LOST: messages were overwritten before they
 * were read, `out_lost` says how many; the next call goes on behind them.
 * EVICTED: too slow for a topic that waits; subscribe again. DEADLINE, BUSY:
 * nothing came; CANCELLED: the topic was ended, and all is read; DESTROYED;
 * FORKED; TOO_LARGE, NO_MEMORY: by `buf`, it comes again; DATA_LOSS.
 */
shmrpc_status shmrpci_topic_next(shmrpci_subscription *subscription,
                                 int64_t deadline_ns, shmrpci_buf *buf,
                                 shmrpci_item *item, uint64_t *out_lost,
                                 shmrpc_error *error);

/* ---- facts, for people --------------------------------------------------- */

typedef struct shmrpci_topic_stat {
    uint64_t published;
    uint64_t dropped;
    uint64_t received; /* by those in seats now */
    uint64_t lost;     /* again */
    uint64_t evicted;
    uint64_t history;
    uint32_t publishers;  /* handles open for writing */
    uint32_t subscribers; /* in seats */
    bool is_ended;
    bool is_destroyed;
} shmrpci_topic_stat;

void shmrpci_topic_get_stat(const shmrpci_topic *topic,
                            shmrpci_topic_stat *out);

/* The same of a topic that is not open here, as shmrpci_queue_look(); of a desk
 * that lies apart nothing is seen. */
shmrpc_status shmrpci_topic_look(int fd, shmrpci_topic_stat *out,
                                 shmrpc_error *error);

typedef struct shmrpci_topic_subscriber {
    uint32_t seat;
    int32_t pid;
    uint64_t received;
    uint64_t lost;
    uint64_t behind_bytes; /* in all lanes */
    bool is_evicted;
} shmrpci_topic_subscriber;

/* Calls `visit` with each subscriber in a seat, until it returns false. */
typedef bool shmrpci_topic_visit(void *user,
                                 const shmrpci_topic_subscriber *subscriber);
void shmrpci_topic_each_subscriber(const shmrpci_topic *topic,
                                   shmrpci_topic_visit *visit, void *user);

/* Judges a topic that nobody uses meanwhile. */
uint64_t shmrpci_topic_check(const shmrpci_topic *topic,
                             shmrpci_region_finding *finding, void *user);

/* As shmrpci_queue_announce(). */
void shmrpci_topic_announce(shmrpci_subscription *of, shmrpci_futex_on *out,
                            int64_t *out_max_ns);

#endif
