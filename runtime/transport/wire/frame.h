/*
 * The bytes on the wire: openings, heads of frames, and their contents.
 * docs/protocol.md is the specification; this file implements its layouts.
 *
 * Decoders accept any bytes. Threading: pure functions.
 */
#ifndef SHMRPCI_TRANSPORT_WIRE_FRAME_H
#define SHMRPCI_TRANSPORT_WIRE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define TCP_OPENING_BYTES 16u
#define TCP_HEAD_BYTES    24u
#define TCP_PROOF_BYTES   32u /* body of AUTH */
#define TCP_HELLO_BYTES   16u /* the terms, which come before rpc's hello */
#define TCP_WELCOME_BYTES 16u

#define TCP_MAJOR 1u
#define TCP_MINOR 1u

/* Features that both sides must know: the client offers them in HELLO, and
 * those that WELCOME names are in use. Version 1.0 had none and ignored the
 * field. */
#define TCP_FEATURE_STREAMS  1u
#define TCP_FEATURE_METADATA 2u
#define TCP_FEATURES         (TCP_FEATURE_STREAMS | TCP_FEATURE_METADATA)

/* The windows come before the body of a REQUEST with TCP_FLAG_STREAMS. */
#define TCP_WINDOWS_BYTES 8u

/* Longest text of a REFUSED or GOAWAY frame. */
#define TCP_REFUSAL_MAX_BYTES 512u

/* Smallest and largest window of a stream, and the largest part of an item in
 * one frame. */
#define TCP_WINDOW_MIN_BYTES ((uint32_t)4 << 10)
#define TCP_WINDOW_MAX_BYTES ((uint32_t)256 << 10)
#define TCP_PIECE_BYTES      ((uint32_t)64 << 10)

/* Why a connection ended; each reason is counted. */
typedef enum tcp_end {
    TCP_END_NONE = 0,    /* it has not ended */
    TCP_END_PEER,        /* the peer closed it, between two frames */
    TCP_END_CUT,         /* the peer closed it within a frame, or the system
                          * reported that the connection is lost */
    TCP_END_MAGIC,       /* the peer speaks another protocol */
    TCP_END_VERSION,     /* the peer's major version is not ours */
    TCP_END_OPENING,     /* a malformed opening */
    TCP_END_TYPE,        /* the frame's type is unknown, or not allowed from
                          * that side or at that moment */
    TCP_END_FIELD,       /* a field has an invalid value */
    TCP_END_LENGTH,      /* a frame is longer than agreed, or too short */
    TCP_END_CREDIT,      /* more calls than agreed, or an id used twice */
    TCP_END_AUTH,        /* authentication failed: the keys differ, or only one
                          * side has one */
    TCP_END_TLS,         /* no TLS 1.3, or no trusted certificate */
    TCP_END_REFUSED,     /* refused by on_hello or by a quota */
    TCP_END_HANDSHAKE,   /* the handshake took too long */
    TCP_END_SLOW_SENDER, /* a frame took too long to arrive */
    TCP_END_SLOW_RECEIVER, /* the peer took too long to read a frame */
    TCP_END_FULL,          /* too many connections */
    TCP_END_DISPLACED,     /* it was slow, and others needed its room */
    TCP_END_MEMORY,        /* our memory ran out */
    TCP_END_CLOSED,        /* closed by us, in good order */
    TCP_END_COUNT
} tcp_end;

/* Returns a short description for people; a static string. */
const char *tcp_end_text(tcp_end end);

/* The first byte of an opening: neither text nor TLS begins with it. */
#define TCP_MAGIC_FIRST 0xF3u

typedef struct tcp_opening {
    uint16_t major;
    uint16_t minor;
    uint8_t auth;      /* TCP_AUTH_... */
    uint16_t auth_len; /* length of the authentication data that follows */
} tcp_opening;

/* Only a server sends TCP_AUTH_TLS, to say that it accepts nothing
 * unencrypted. */
enum { TCP_AUTH_NONE = 0, TCP_AUTH_KEY = 1, TCP_AUTH_TLS = 2 };

void tcp_opening_put(const tcp_opening *opening,
                     uint8_t out[TCP_OPENING_BYTES]);
/* Checks the first `len` bytes of an opening; more may follow. Returns MAGIC as
 * soon as a byte of the magic is wrong. Once all TCP_OPENING_BYTES are there,
 * fills *out, and returns VERSION, AUTH or OPENING if a field is invalid. Else
 * returns NONE: valid so far. */
tcp_end tcp_opening_get(const uint8_t *data, size_t len, tcp_opening *out);

typedef enum tcp_type {
    TCP_HELLO = 1,
    TCP_WELCOME = 2,
    TCP_REFUSED = 3,
    TCP_REQUEST = 4,
    TCP_REPLY = 5,
    TCP_CANCEL = 6,
    TCP_TOLD = 7,
    TCP_ENDED = 8,
    TCP_CREDIT = 9,
    TCP_PING = 10,
    TCP_PONG = 11,
    TCP_GOAWAY = 12,
    TCP_AUTH = 13,
    TCP_ITEM = 14,
    TCP_STREAM_END = 15,
    TCP_WINDOW = 16,
    TCP_TYPE_COUNT
} tcp_type;

enum {
    TCP_FLAG_ONEWAY = 1u << 0,   /* REQUEST */
    TCP_FLAG_DETAIL = 1u << 1,   /* REPLY */
    TCP_FLAG_METADATA = 1u << 2, /* REQUEST, REPLY: the body begins with a
                                  * metadata block */
    TCP_FLAG_PACKED = 1u << 3,   /* REQUEST, REPLY, ITEM: compressed */
    TCP_FLAG_NUMBERED = 1u << 4, /* REQUEST */
    TCP_FLAG_NOT_RUN = 1u << 5,  /* ENDED: the call has not run, and never
                                  * will */
    TCP_FLAG_MORE = 1u << 5,     /* ITEM: the item continues in the next
                                  * frame */
    TCP_FLAG_LAST = 1u << 6,     /* GOAWAY: unanswered calls have not run */
    TCP_FLAG_WAITS = 1u << 6,    /* WINDOW: gives no credit, but says that its
                                  * sender waits for some */
    TCP_FLAG_STREAMS = 1u << 7   /* REQUEST */
};

/* Value of a STREAM_END frame whose sender also stops reading. */
#define TCP_END_CLOSES 1u

typedef struct tcp_head {
    uint32_t len; /* length of the body that follows */
    uint8_t type; /* tcp_type */
    uint8_t flags;
    uint16_t method; /* REQUEST */
    uint32_t call;   /* the call's id: REQUEST, REPLY, CANCEL, TOLD, ENDED and
                      * the frames of streams */
    int32_t status;  /* REPLY, ENDED, REFUSED, GOAWAY, STREAM_END: a status;
                      * CREDIT: number of credits */
    uint64_t value;  /* REQUEST: ns left; PING, PONG: any; ITEM: its number;
                      * WINDOW: bytes; STREAM_END: TCP_END_CLOSES, or 0 */
} tcp_head;

void tcp_head_put(const tcp_head *head, uint8_t out[TCP_HEAD_BYTES]);
void tcp_head_get(const uint8_t data[TCP_HEAD_BYTES], tcp_head *out);

typedef enum tcp_side {
    TCP_FROM_CLIENT,
    TCP_FROM_SERVER,
    TCP_FROM_STRANGER /* a client that has not yet proved that it has the key */
} tcp_side;

/* Checks whether side `from` may send a frame with this head when messages have
 * at most `max_message` bytes and `features` are in use. Returns NONE if it
 * may, else TYPE, FIELD or LENGTH. */
tcp_end tcp_head_check(const tcp_head *head, tcp_side from,
                       uint32_t max_message, uint32_t features);

/* The bodies of HELLO and WELCOME begin with these terms. */
typedef struct tcp_terms {
    uint32_t max_message;
    uint32_t compression; /* HELLO: a bit for each compression offered; WELCOME:
                           * the chosen one (shmrpc_compression) */
    uint32_t credits;     /* WELCOME: calls in flight; HELLO: 0 */
    uint32_t features;    /* TCP_FEATURE_... */
} tcp_terms;

void tcp_terms_put(const tcp_terms *terms, uint8_t out[TCP_HELLO_BYTES]);
/* Returns FIELD for an invalid value, and LENGTH if `data` is too short. */
tcp_end tcp_terms_get(const uint8_t *data, size_t len, tcp_side from,
                      tcp_terms *out);

/* The windows of a call's two streams, in bytes; 0: no stream in this
 * direction. */
typedef struct tcp_windows {
    uint32_t in;  /* client to server */
    uint32_t out; /* server to client */
} tcp_windows;

void tcp_windows_put(const tcp_windows *windows,
                     uint8_t out[TCP_WINDOWS_BYTES]);
/* Returns FIELD for an invalid value, and LENGTH if `data` is too short. */
tcp_end tcp_windows_get(const uint8_t *data, size_t len, tcp_windows *out);

#endif
