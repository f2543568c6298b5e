/*
 * The format of our messages over NATS: a head, and for some kinds data.
 *
 *     offset  bytes
 *     0       1      magic, 0xF4
 *     1       1      version, 1
 *     2       1      kind (nats_kind)
 *     3       1      0
 *     4       4      value; FOUND, DATA, ALIVE of a gateway: number of
 *                    calls that it has; CLOSE: a status, as a negative
 *                    number
 *     8       8      number of the link; FIND, FOUND, OPEN: 0
 *     16      8      at; DATA: offset of its first byte in the sender's
 *                    stream; PROBE, ALIVE, END: how many bytes the
 *                    sender has sent
 *     24      8      acked: how many of the receiver's bytes the sender
 *                    has received
 *     32      ...    DATA: bytes; FOUND: the identity of the gateway
 *
 * All numbers are little-endian. docs/protocol.md, "Over NATS", says who sends
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

/* Maximum number of bytes in flight: sent by one side and not acknowledged by
 * the other. */
#define NATS_WINDOW_BYTES ((uint64_t)1 << 20)
/* Maximum amount of data in one message, if the servers accept that much. */
#define NATS_PIECE_BYTES ((size_t)256 << 10)

#define NATS_SUBJECT_BYTES 200u
#define NATS_ID_BYTES      23u /* with its final 0 */
#define NATS_WHO_BYTES     512u

typedef enum nats_kind {
    NATS_FIND = 1, /* from a client to all gateways of a service: asks which
                    * ones exist */
    NATS_FOUND,    /* a gateway's answer to FIND */
    NATS_OPEN,     /* from a client to one gateway: asks for a link */
    NATS_OPENED,   /* answer to OPEN: the link's number */
    NATS_DATA,
    NATS_ACK,
    NATS_PROBE, /* asks whether the peer is alive */
    NATS_ALIVE,
    NATS_END,   /* the sender will send no more DATA */
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

/* Encodes only the head; the caller appends the data. */
void nats_parcel_put(const nats_parcel *parcel, uint8_t out[NATS_PARCEL_HEAD]);
/* Decodes a message; `data` of the result points into `bytes`. Returns false if
 * this is not one of our messages. */
bool nats_parcel_get(const uint8_t *bytes, size_t len, nats_parcel *out);

/* The gateway that sends FOUND. */
typedef struct nats_who {
    char id[NATS_ID_BYTES]; /* id of the instance */
    char zone[64];          /* "": none */
    char host[64];
} nats_who;

/* Encodes a gateway's identity and returns the length. */
size_t nats_who_put(const nats_who *who, uint8_t out[NATS_WHO_BYTES]);
/* Decodes a gateway's identity. Returns false if the data is malformed. */
bool nats_who_get(const uint8_t *data, size_t len, nats_who *out);

/* Writes a 128-bit number with characters that are allowed in a subject. */
void nats_id_of(const uint8_t random[16], char out[NATS_ID_BYTES]);

/*
 * Turns the name of a service into a token of a subject: each character other
 * than a letter, a digit, - or _ is replaced by -. Example: "demo.Echo" becomes
 * "demo-Echo".
 */
void nats_token_of(const char *name, char *out, size_t size);

/* Whether an answer may be sent to this subject. Without this check anybody
 * could make a gateway publish to any subject that it has permission for. */
bool nats_is_inbox(const char *subject);

/* shmrpc.TOKEN.find */
void nats_subject_find(const char *service, char out[NATS_SUBJECT_BYTES]);
/* shmrpc.TOKEN.up: a gateway has started; shmrpc.TOKEN.down: it leaves. The
 * message on either is FOUND. */
void nats_subject_news(const char *service, bool is_up,
                       char out[NATS_SUBJECT_BYTES]);
/* shmrpc.TOKEN.call.METHOD; METHOD "*" stands for all methods. */
void nats_subject_call(const char *service, const char *method,
                       char out[NATS_SUBJECT_BYTES]);
/* shmrpc.TOKEN.i.ID */
void nats_subject_instance(const char *service, const char *id,
                           char out[NATS_SUBJECT_BYTES]);

#endif
