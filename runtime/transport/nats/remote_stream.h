/*
 * Streams of JetStream, by plain requests of its JSON API ($JS.API.>).
 *
 * A stream keeps the items of a queue, the history of a topic, or the entries
 * of a dict (a bucket: one message per key). Its description states in one line
 * what the stream holds, so that every process that opens it can compare:
 * "shmrpc1 KIND ID ENCODING HASH ...".
 *
 * Threading: called with the line's lock held.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_REMOTE_STREAM_H
#define SHMRPCI_TRANSPORT_NATS_REMOTE_STREAM_H

#include "shmrpc/descriptor.h"
#include "transport/nats/remote_json.h"
#include "transport/nats/remote_line.h"

#define NATS_SIGNATURE_BYTES 128u
#define NATS_ID_BYTES        17u

/* The contents of a stream's description. */
typedef struct nats_about {
    char kind; /* q: queue, t: topic, d: dict, v: value */
    /* 16 hexadecimal digits of the handle that created it. A stream with the
     * same name and another id is another object. The id also makes sure that
     * only one of several handles that create the object at once succeeds. (The
     * time of creation that the server reports is unsuitable: 2.9.10 changes it
     * when it restarts.) */
    char id[NATS_ID_BYTES];
    uint32_t encoding;
    uint64_t type_hash; /* 0: any type */
    uint64_t history;   /* topic: number of messages kept for late
                         * subscribers */
    uint64_t capacity;  /* queue: items; dict, value: bytes, 0: no limit */
    uint64_t max_item_bytes;
    uint32_t overflow; /* a shmrpc_overflow */
    bool is_acked;
    bool is_ended;
    char signature[NATS_SIGNATURE_BYTES]; /* type signature, for people to
                                           * read */
} nats_about;

/* Whether the stream of the object is a NATS bucket. */
static inline bool nats_about_is_bucket(const nats_about *about)
{
    return about->kind == 'd' || about->kind == 'v';
}

typedef struct nats_stream {
    char name[NATS_PLACE_SUBJECT_BYTES];
    char subject[NATS_PLACE_SUBJECT_BYTES];
    char id[NATS_ID_BYTES]; /* the id in its description, known once it is
                             * open */
} nats_stream;

typedef struct nats_stream_info {
    nats_about about;
    uint64_t byte_count;
    uint64_t last_number; /* number of the last message; the first one is 1 */
    uint32_t replicas;
    bool is_in_file;
} nats_stream_info;

/* Sends a JSON request to $JS.API.OPERATION[.STREAM[.CONSUMER]]. The caller
 * must free `answer`, a heap buffer, in any case. Returns EXISTS, NOT_FOUND,
 * EXHAUSTED or INVALID according to the answer; UNIMPLEMENTED if the servers
 * have no JetStream; UNAVAILABLE; or DEADLINE. */
int nats_stream_call(nats_line *line, const char *operation, const char *stream,
                     const char *consumer, const shmrpci_buf *body,
                     int64_t deadline_ns, shmrpci_buf *answer,
                     shmrpc_error *error);

/* Reads the state of a stream. Returns NOT_FOUND; CONTRACT if it isn't one of
 * ours; UNIMPLEMENTED if the servers have no JetStream; UNAVAILABLE; or
 * DEADLINE. */
int nats_stream_look(nats_line *line, const char *name, int64_t deadline_ns,
                     nats_stream_info *out, shmrpc_error *error);

/* Like nats_stream_look, for an open stream. Returns DESTROYED if the stream is
 * gone or was replaced by another one. */
int nats_stream_check(nats_line *line, const nats_stream *stream,
                      int64_t deadline_ns, nats_stream_info *out,
                      shmrpc_error *error);

/* Reads the id in the description of a stream from an answer to STREAM.INFO.
 * Returns false if there is none. */
bool nats_stream_read_id(nats_json answer, char out[NATS_ID_BYTES]);

/* Creates a stream. Returns EXISTS if another handle has created it; CONTRACT
 * if its subject belongs to a stream of another name; INVALID if the servers
 * can't provide the replicas; EXHAUSTED. */
int nats_stream_create(nats_line *line, const nats_stream *stream,
                       const nats_place *place, const nats_about *about,
                       int64_t deadline_ns, shmrpc_error *error);

/* Removes the stream's subject and notes in its description that it is ended.
 * Publishers then find no receiver, and check why. */
int nats_stream_end(nats_line *line, const nats_stream *stream,
                    const nats_stream_info *info, int64_t deadline_ns,
                    shmrpc_error *error);

/* Finds the number of the first message that exists, from `from` on. Returns
 * NOT_FOUND if there is none. */
int nats_stream_next(nats_line *line, const nats_stream *stream, uint64_t from,
                     int64_t deadline_ns, uint64_t *out, shmrpc_error *error);

/* Deletes a stream. Returns NOT_FOUND if it does not exist. */
int nats_stream_delete(nats_line *line, const char *name, int64_t deadline_ns,
                       shmrpc_error *error);

/* ---- consumers ----------------------------------------------------------- */

/* Creates the consumer of a queue, which all readers share and which expects
 * acknowledgements. */
int nats_consumer_share(nats_line *line, const nats_stream *stream,
                        const char *name, const nats_place *place,
                        int64_t deadline_ns, shmrpc_error *error);
/* Creates the consumer of one subscription of a topic; it starts at message
 * `from`. The server removes it a minute after its reader is gone. */
int nats_consumer_make(nats_line *line, const nats_stream *stream,
                       const char *name, uint64_t from, int64_t deadline_ns,
                       shmrpc_error *error);
/* Deletes a consumer; does not wait for the answer. */
int nats_consumer_delete(nats_line *line, const nats_stream *stream,
                         const char *name);

typedef struct nats_consumer_info {
    uint64_t waiting_count; /* number of messages that were not delivered yet */
    uint64_t unacked_count;
    uint64_t again_count; /* number of these that were delivered more than
                           * once */
    uint64_t acked_to;    /* all messages up to this number were acknowledged */
    uint64_t given_to;    /* number of the last message that was delivered */
    uint32_t ack_wait_s;
} nats_consumer_info;
int nats_consumer_look(nats_line *line, const nats_stream *stream,
                       const char *name, int64_t deadline_ns,
                       nats_consumer_info *out, shmrpc_error *error);

/* Acknowledges the message `number`, which no reader holds. */
int nats_consumer_ack(nats_line *line, const nats_stream *stream,
                      const char *name, uint64_t number);

/* Asks for up to `count` messages. They arrive at the ear's subject with
 * `number` as the last token. If fewer arrive within `expires_ns`, a status
 * follows at the same subject. With `expires_ns` 0 only messages that exist now
 * are sent. */
int nats_consumer_pull(nats_line *line, const nats_stream *stream,
                       const char *name, const nats_ear *ear, uint64_t number,
                       uint32_t count, int64_t expires_ns);

/* ---- delivery metadata --------------------------------------------------- */

typedef struct nats_delivery {
    uint64_t times;  /* number of deliveries of this message, including this
                      * one */
    uint64_t number; /* number of the message in the stream */
    uint64_t order;  /* number among the consumer's deliveries, from 1 */
    uint64_t left;   /* messages that the consumer has not delivered yet */
} nats_delivery;

/* Reads the metadata from the subject for the acknowledgement. Returns false if
 * it is not such a subject. */
bool nats_delivery_of(const char *reply, nats_delivery *out);

/* ---- publishing ---------------------------------------------------------- */

typedef enum nats_stored {
    NATS_STORED = 0,
    NATS_STORE_FULL,
    NATS_STORE_TOO_LARGE,
    NATS_STORE_GONE /* nobody stored it: the caller must check why */
} nats_stored;

/* Publishes a message and waits until it is stored. The server drops a message
 * whose id it has seen within the last two minutes. */
int nats_stream_store(nats_line *line, const nats_post *post,
                      int64_t deadline_ns, nats_stored *out,
                      shmrpc_error *error);

#endif
