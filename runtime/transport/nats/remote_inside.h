/*
 * State shared by remote.c, remote_queue.c, remote_topic.c, remote_kv.c and
 * remote_copy.c: a shared object over NATS.
 *
 * Threading: the members after `line` are guarded by the line's lock.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_REMOTE_INSIDE_H
#define SHMRPCI_TRANSPORT_NATS_REMOTE_INSIDE_H

#include "objects/remote.h"
#include "os/clock.h"
#include "transport/nats/remote_key.h"
#include "transport/nats/remote_stream.h"

/* The consumer that all readers of a queue share. */
#define NATS_READERS "readers"

/* The header of our messages; its value is "PUBLISHER NUMBER ENCODING HASH". */
#define NATS_FROM_HEADER "Shmrpc-From"
#define NATS_FROM_BYTES  80u

/* A message that was received and that the user has not taken yet. */
typedef struct nats_got {
    struct nats_got *next;
    uint64_t lost; /* number of messages lost before it */
    bool came_before;
    char reply[2 * NATS_PLACE_SUBJECT_BYTES]; /* of a queue: where to
                                               * acknowledge it */
    size_t len;
    uint8_t data[];
} nats_got;

/* A FIFO of received messages. */
typedef struct nats_gots {
    nats_got *first;
    nats_got **end; /* NULL: the FIFO was never used */
    size_t count;
    size_t bytes;
} nats_gots;

/* An item that the user has popped and not settled yet. */
typedef struct nats_hold {
    struct nats_hold *next;
    uint64_t ticket;
    int64_t told_ns; /* when the server was last told that it is in work */
    char reply[2 * NATS_PLACE_SUBJECT_BYTES];
} nats_hold;

/* A thread that waits in pop. */
typedef struct nats_popper {
    struct nats_popper *next;
    uint64_t number;  /* number of its pull; 0: no pull is in progress */
    uint32_t missing; /* number of items that the pull still has to bring */
    bool is_served;   /* the pull has brought all of them */
    int64_t until_ns; /* after that the pull counts as lost */
} nats_popper;

/* The state of the watch of a dict. */
typedef enum nats_copy_state {
    NATS_COPY_ASIDE,  /* another process keeps the copy, or none does yet */
    NATS_COPY_ASKED,  /* the server has been asked for a consumer */
    NATS_COPY_COMING, /* the consumer exists, and belongs to our bucket */
    NATS_COPY_GONE    /* the bucket was destroyed */
} nats_copy_state;

/* The watch of a dict, which fills this machine's copy. */
typedef struct nats_copy {
    shmrpci_remote_copy to; /* functions that fill the copy; `apply` NULL: there
                             * is no watch */
    nats_copy_state state;
    nats_ear *ear; /* for answers */
    nats_ear *entry_ear;
    nats_ear *deleted_ear; /* for notices that the bucket was deleted */
    uint64_t number;       /* number of the present consumer */
    uint64_t order;        /* number of the last message from that consumer */
    bool has_all;          /* all messages that existed when the consumer was
                            * made have arrived */
    bool is_whole;         /* the copy was reported as complete */
    int64_t until_ns;      /* after that time the consumer counts as lost */
} nats_copy;

struct shmrpci_remote {
    nats_line *line;
    nats_place place;
    nats_about about;
    nats_stream stream; /* name "": a topic without history, which is only a
                         * subject */
    char publisher[NATS_ID_BYTES]; /* id of this handle: 16 hexadecimal
                                    * digits */
    uint64_t number;               /* number of messages that this handle has
                                    * sent */
    uint64_t dropped;
    uint64_t pulls; /* number of pulls and consumers so far */
    /* Fields of a queue. */
    nats_ear *pull_ear;
    nats_gots ready;
    nats_hold *holds;
    uint64_t tickets;
    uint64_t looked_to; /* number of the item where forget_dropped continues */
    nats_popper *poppers;
    /* Fields of a topic. */
    shmrpci_remote_sub *subs;
    /* Fields of a dict. */
    nats_key_form key_form;
    nats_copy copy;
};

/* ---- remote.c ------------------------------------------------------------ */

/* Takes the lock and returns OK. In a forked child it returns FORKED, with an
 * explanation, and takes no lock. */
shmrpc_status nats_remote_enter(shmrpci_remote *remote, shmrpc_error *error);
void nats_remote_leave(shmrpci_remote *remote);

/* Sends a message with our header. With `is_stored` it waits until the stream
 * has stored the message. Returns BUSY if the stream is full, DESTROYED or
 * CANCELLED if nothing stores messages any more. */
shmrpc_status nats_remote_send(shmrpci_remote *remote, const void *data,
                               size_t len, bool is_stored, int64_t deadline_ns,
                               shmrpc_error *error);

/* Copies a message; returns NULL if memory is exhausted. */
nats_got *nats_got_make(const nats_message *message);
void nats_gots_put(nats_gots *gots, nats_got *got);
/* Takes the first message; NULL if there is none. */
nats_got *nats_gots_take(nats_gots *gots);
/* Appends the bytes of a message to `buf`. Returns NO_MEMORY if it can't
 * grow. */
shmrpc_status nats_got_give(const nats_got *got, shmrpci_buf *buf,
                            shmrpci_remote_item *item);

/* ---- remote_queue.c ------------------------------------------------------ */

int nats_queue_open(shmrpci_remote *remote, int64_t deadline_ns,
                    shmrpc_error *error);
void nats_queue_close(shmrpci_remote *remote);
/* Called each second: tells the server which items the user still works on. */
void nats_queue_tick(shmrpci_remote *remote);
void nats_queue_reconnect(shmrpci_remote *remote);
shmrpc_status nats_queue_push(shmrpci_remote *remote, const void *data,
                              size_t len, int64_t deadline_ns,
                              shmrpc_error *error);
shmrpc_status nats_queue_pop(shmrpci_remote *remote, uint32_t max,
                             int64_t deadline_ns, shmrpci_buf *buf,
                             shmrpci_remote_item *items, uint32_t *out_count,
                             shmrpc_error *error);
shmrpc_status nats_queue_settle(shmrpci_remote *remote, uint64_t ticket,
                                shmrpci_settle how);

/* ---- remote_topic.c ------------------------------------------------------ */

void nats_topic_close(shmrpci_remote *remote);
void nats_topic_reconnect(shmrpci_remote *remote);
shmrpc_status nats_topic_publish(shmrpci_remote *remote, const void *data,
                                 size_t len, int64_t deadline_ns,
                                 shmrpc_error *error);
shmrpc_status nats_topic_subscribe(shmrpci_remote *remote,
                                   shmrpci_remote_sub **out,
                                   shmrpc_error *error);
void nats_topic_unsubscribe(shmrpci_remote_sub *sub);
shmrpc_status nats_topic_next(shmrpci_remote_sub *sub, int64_t deadline_ns,
                              shmrpci_buf *buf, shmrpci_remote_item *item,
                              uint64_t *out_lost, shmrpc_error *error);

/* ---- remote_kv.c --------------------------------------------------------- */

/* Headers of the messages in a bucket. */
#define NATS_KV_OPERATION "KV-Operation"
#define NATS_KV_MARKER    "Nats-Marker-Reason" /* a deletion by the server */

shmrpc_status nats_kv_read(shmrpci_remote *remote, const void *key,
                           size_t key_len, int64_t deadline_ns,
                           shmrpci_buf *out, uint64_t *out_revision,
                           shmrpc_error *error);
shmrpc_status nats_kv_write(shmrpci_remote *remote, const void *key,
                            size_t key_len, const void *data, size_t len,
                            uint64_t expected, int64_t deadline_ns,
                            uint64_t *out_revision, shmrpc_error *error);

/* ---- remote_copy.c ------------------------------------------------------- */

shmrpc_status nats_copy_follow(shmrpci_remote *remote,
                               const shmrpci_remote_copy *copy,
                               shmrpc_error *error);
void nats_copy_close(shmrpci_remote *remote);
void nats_copy_tick(shmrpci_remote *remote);
void nats_copy_reconnect(shmrpci_remote *remote);

#endif
