/*
 * Streams of JetStream, by plain requests of its JSON API ($JS.API.>).
 *
 * A stream keeps what is pushed to a queue, the history of a topic, or the
 * entries of a dict (a bucket: one message per key).  Its description says in
 * one line what it holds, so that every process that opens it can compare:
 * "shmrpc1 KIND ID ENCODING HASH ...".
 *
 * Threading: with the line's lock held.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_REMOTE_STREAM_H
#define SHMRPCI_TRANSPORT_NATS_REMOTE_STREAM_H

#include "shmrpc/descriptor.h"
#include "transport/nats/remote_json.h"
#include "transport/nats/remote_line.h"

#define NATS_SIGNATURE_BYTES 128u
#define NATS_ID_BYTES        17u

/* The contents of the description. */
typedef struct nats_about {
    char kind; /* q: queue, t: topic, d: dict, v: value */
    /* 16 hexadecimal digits of the handle that created it. A stream of the same
     * name with another id is another object, and of several handles that
     * create it at once only one succeeds. (The time of creation that the
     * server reports is unsuitable: 2.9.10 changes it when it is restarted.) */
    char id[NATS_ID_BYTES];
    uint32_t encoding;
    uint64_t type_hash; /* 0: of any shape */
    uint64_t history;   /* t: messages for late subscribers */
    uint64_t capacity;  /* q: items; d, v: bytes, 0: no limit */
    uint64_t max_item_bytes;
    uint32_t overflow; /* shmrpc_overflow */
    bool is_acked;
    bool is_ended;
    char signature[NATS_SIGNATURE_BYTES]; /* for people */
} nats_about;

/* Whether its stream is a bucket of NATS. */
static inline bool nats_about_is_bucket(const nats_about *about)
{
    return about->kind == 'd' || about->kind == 'v';
}

typedef struct nats_stream {
    char name[NATS_PLACE_SUBJECT_BYTES];
    char subject[NATS_PLACE_SUBJECT_BYTES];
    char id[NATS_ID_BYTES]; /* of its description, once it is open */
} nats_stream;

typedef struct nats_stream_info {
    nats_about about;
    uint64_t byte_count;
    uint64_t last_number; /* of its messages, from 1 */
    uint32_t replicas;
    bool is_in_file;
} nats_stream_info;

/* A request $JS.API.OPERATION[.STREAM[.CONSUMER]] with JSON; the answer, a heap
 * buffer, is the caller's in any case. EXISTS, NOT_FOUND, EXHAUSTED, INVALID:
 * as the answer says; UNIMPLEMENTED: the servers have no JetStream;
 * UNAVAILABLE; DEADLINE. */
int nats_stream_call(nats_line *line, const char *operation, const char *stream,
                     const char *consumer, const shmrpci_buf *body,
                     int64_t deadline_ns, shmrpci_buf *answer,
                     shmrpc_error *error);

/* NOT_FOUND; CONTRACT: it isn't ours; UNIMPLEMENTED: the servers have no
 * JetStream; UNAVAILABLE; DEADLINE. */
int nats_stream_look(nats_line *line, const char *name, int64_t deadline_ns,
                     nats_stream_info *out, shmrpc_error *error);

/* The same for an open stream. DESTROYED: it is gone, or was replaced by
 * another one. */
int nats_stream_check(nats_line *line, const nats_stream *stream,
                      int64_t deadline_ns, nats_stream_info *out,
                      shmrpc_error *error);

/* The id in the description of a stream, from an answer to STREAM.INFO. False:
 * there is none. */
bool nats_stream_read_id(nats_json answer, char out[NATS_ID_BYTES]);

/* EXISTS: another handle has created it; CONTRACT: its subject belongs to a
 * stream of another name; EXHAUSTED; INVALID: replicas. */
int nats_stream_create(nats_line *line, const nats_stream *stream,
                       const nats_place *place, const nats_about *about,
                       int64_t deadline_ns, shmrpc_error *error);

/* Takes the stream off its subject, and notes in its description that it is
 * ended: publishers find nobody there, and check why. */
int nats_stream_end(nats_line *line, const nats_stream *stream,
                    const nats_stream_info *info, int64_t deadline_ns,
                    shmrpc_error *error);

/* The number of the first message that it has, from `from` on. NOT_FOUND. */
int nats_stream_next(nats_line *line, const nats_stream *stream, uint64_t from,
                     int64_t deadline_ns, uint64_t *out, shmrpc_error *error);

/* NOT_FOUND. */
int nats_stream_delete(nats_line *line, const char *name, int64_t deadline_ns,
                       shmrpc_error *error);

/* ---- consumers ----------------------------------------------------------- */

/* The consumer of a queue, which all readers share, with acknowledgements. */
int nats_consumer_share(nats_line *line, const nats_stream *stream,
                        const char *name, const nats_place *place,
                        int64_t deadline_ns, shmrpc_error *error);
/* The consumer of one subscription of a topic, from message `from` on. The
 * server removes it a minute after its reader has gone. */
int nats_consumer_make(nats_line *line, const nats_stream *stream,
                       const char *name, uint64_t from, int64_t deadline_ns,
                       shmrpc_error *error);
/* Waits for no answer. */
int nats_consumer_delete(nats_line *line, const nats_stream *stream,
                         const char *name);

typedef struct nats_consumer_info {
    uint64_t waiting_count; /* messages that no reader holds */
    uint64_t unacked_count;
    uint64_t again_count; /* of these, messages delivered more than once */
    uint64_t acked_to;    /* all messages up to this number are acknowledged */
    uint64_t given_to;    /* number of the last message that was delivered */
    uint32_t ack_wait_s;
} nats_consumer_info;
int nats_consumer_look(nats_line *line, const nats_stream *stream,
                       const char *name, int64_t deadline_ns,
                       nats_consumer_info *out, shmrpc_error *error);

/* Acknowledges a message that no reader holds. */
int nats_consumer_ack(nats_line *line, const nats_stream *stream,
                      const char *name, uint64_t number);

/* Asks for up to `count` messages, which arrive at the ear's subject as
 * `number`; if fewer do within `expires_ns` (0: at once), a status arrives
 * there. */
int nats_consumer_pull(nats_line *line, const nats_stream *stream,
                       const char *name, const nats_ear *ear, uint64_t number,
                       uint32_t count, int64_t expires_ns);

/* ---- metadata of messages
 * ------------------------------------------------- */

typedef struct nats_delivery {
    uint64_t times;  /* number of deliveries, including this one */
    uint64_t number; /* number in the stream */
    uint64_t order;  /* number among the consumer's deliveries, from 1 */
    uint64_t left;   /* messages that the consumer has not delivered yet */
} nats_delivery;

/* Reads them from the subject for the acknowledgement. False: it isn't one. */
bool nats_delivery_of(const char *reply, nats_delivery *out);

/* ---- publishing ---------------------------------------------------------- */

typedef enum nats_stored {
    NATS_STORED = 0,
    NATS_STORE_FULL,
    NATS_STORE_TOO_LARGE,
    NATS_STORE_GONE /* nobody stores it: check why */
} nats_stored;

/* Publishes, and waits until the message is stored. `id`: the server drops a
 * message whose id it has seen within two minutes. */
int nats_stream_store(nats_line *line, const nats_post *post,
                      int64_t deadline_ns, nats_stored *out,
                      shmrpc_error *error);

#endif
