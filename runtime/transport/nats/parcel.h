/*
 * The format of our messages over NATS: a head, and the data of some kinds.
 *
 *     offset  bytes
 *     0       1      magic, 0xF4
 *     1       1      version, 1
 *     2       1      kind (nats_kind)
 *     3       1      0
 *     4       4      value: of a gateway's FOUND, DATA, ALIVE: how many calls
 * it has; CLOSE: a status, as a negative number 8       8      link: whose it
 * is; FIND, FOUND, OPEN: 0 16      8      at: where in the sender's bytes DATA
 * begins; PROBE, ALIVE, END: how many it has sent 24      8      acked: how
 * many of the receiver's bytes the sender has 32      ...    DATA: bytes;
 * FOUND: who answers
 *
 * All numbers little-endian.  docs/protocol.md, "Over NATS", says who sends
 * what, and when.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_PARCEL_H
#define SHMRPCI_TRANSPORT_NATS_PARCEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/error.h"

#define NATS_PARCEL_HEAD 32u

/* Limit of bytes that one side has sent and the other has not acknowledged. */
#define NATS_WINDOW_BYTES ((uint64_t)1 << 20)
/* Limit of data in one message, if the servers accept that much. */
#define NATS_PIECE_BYTES ((size_t)256 << 10)

#define NATS_SUBJECT_BYTES 200u
#define NATS_ID_BYTES      23u /* with its final 0 */
#define NATS_WHO_BYTES     512u

typedef enum nats_kind {
    NATS_FIND = 1, /* from a client to all gateways of a service: which
                    * exist? */
    NATS_FOUND,    /* a gateway's answer */
    NATS_OPEN,     /* from a client to one of them: asks for a link */
    NATS_OPENED,   /* the link's number */
    NATS_DATA,
    NATS_ACK,
    NATS_PROBE, /* asks whether the peer is alive */
    NATS_ALIVE,
    NATS_END,   /* no more DATA from here */
    NATS_CLOSE, /* the link does not exist, or has ended */
    NATS_KIND_COUNT
} nats_kind;

typedef struct nats_parcel {
    nats_kind kind;
    int32_t value;
    uint64_t link;
    uint64_t at;
    uint64_t acked;
    const uint8_t *data;
    size_t len;
} nats_parcel;

/* Encodes the head alone: the caller appends its data. */
void nats_parcel_put(const nats_parcel *parcel, uint8_t out[NATS_PARCEL_HEAD]);
/* False: not one of our messages. `data` points into `bytes`. */
bool nats_parcel_get(const uint8_t *bytes, size_t len, nats_parcel *out);

/* The sender of FOUND. */
typedef struct nats_who {
    char id[NATS_ID_BYTES]; /* of the instance */
    char zone[64];          /* "": none */
    char host[64];
} nats_who;

/* Returns its length. */
size_t nats_who_put(const nats_who *who, uint8_t out[NATS_WHO_BYTES]);
/* False: malformed. */
bool nats_who_get(const uint8_t *data, size_t len, nats_who *out);

/* Writes a number of 128 bits in letters that subjects may contain. */
void nats_id_of(const uint8_t random[16], char out[NATS_ID_BYTES]);

/*
 * Turns the name of a service into a token of a subject: a character other than
 * a letter, a digit, - or _ becomes -. "demo.Echo" is "demo-Echo".
 */
void nats_token_of(const char *name, char *out, size_t size);

/* Whether an answer may go to a subject: nobody can make a gateway publish
 * anywhere else with its permissions. */
bool nats_is_inbox(const char *subject);

/* shmrpc.TOKEN.find */
void nats_subject_find(const char *service, char out[NATS_SUBJECT_BYTES]);
/* shmrpc.TOKEN.up, shmrpc.TOKEN.down: a gateway has started, or leaves; both
 * carry FOUND */
void nats_subject_news(const char *service, bool is_up,
                       char out[NATS_SUBJECT_BYTES]);
/* shmrpc.TOKEN.call.METHOD; "*" for all methods. */
void nats_subject_call(const char *service, const char *method,
                       char out[NATS_SUBJECT_BYTES]);
/* shmrpc.TOKEN.i.ID */
void nats_subject_instance(const char *service, const char *id,
                           char out[NATS_SUBJECT_BYTES]);

#endif
