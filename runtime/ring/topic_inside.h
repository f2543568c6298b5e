/*
 * State shared by the files of the topic.
 *
 *   topic.c          planning, opening, ends, facts
 *   topic_publish.c  publishers
 *   topic_read.c     subscribers
 *
 * Threading: as topic.h; fields as noted.
 */
#ifndef SHMRPCI_RING_TOPIC_INSIDE_H
#define SHMRPCI_RING_TOPIC_INSIDE_H

#include "os/thread.h"
#include "region/listen.h"
#include "ring/desk.h"
#include "ring/ring.h"
#include "ring/topic.h"

/* The number of seats is stored at this bit position of the region's
 * options. */
#define SHMRPCI_TOPIC_SEATS_SHIFT 8
#define SHMRPCI_TOPIC_SEATS_MASK  UINT64_C(0xFFFF)

struct shmrpci_topic {
    shmrpci_ring ring;
    shmrpci_desk desk;
    shmrpci_map desk_map; /* mapping of a desk in a file of its own */
    int desk_fd;
    shmrpci_fork_fd desk_guard;
    shmrpci_laps laps;
    uint64_t marks;
    /* Held to publish, and to take or leave a seat. */
    shmrpci_mutex mutex;
    shmrpci_lane_writer writer; /* under the mutex; it has no lane until the
                                 * first publication */
    shmrpci_spinner spinner;
    shmrpci_listeners listeners;
    /* How subscriptions without a desk listen, and how many of them do; both
     * under the mutex. */
    shmrpci_listening listening;
    uint32_t listening_count;
};

typedef struct shmrpci_reading {
    uint64_t cursor;
    uint64_t number; /* number of the message at the cursor, if known */
    uint64_t start;  /* the tail when we subscribed: messages before it are
                      * history, whose loss is not reported */
    bool is_known;
    bool is_begun;
} shmrpci_reading;

struct shmrpci_subscription {
    shmrpci_topic *topic;
    uint32_t seat; /* SHMRPCI_REGION_NOBODY if it has no seat */
    uint32_t next_lane;
    uint64_t lost;  /* lost messages that were not reported yet */
    uint32_t awake; /* messages received since it last slept */
    bool is_listening;
    shmrpci_reading readings[];
};

shmrpc_status shmrpci_topic_late(int64_t deadline_ns, const char *what,
                                 shmrpc_error *error);

#endif
