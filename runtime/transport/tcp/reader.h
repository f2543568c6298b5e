/*
 * Frames out of a stream of bytes.
 *
 * Bytes are read into scratch memory of the caller, and a frame that is
 * complete there is passed on in place.  Only of an incomplete frame something
 * is kept: its head, and the bytes of its body that have arrived, in memory
 * that grows with them, never by the length that the head declares.
 *
 * Threading: one thread at a time.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_READER_H
#define SHMRPCI_TRANSPORT_TCP_READER_H

#include <stdbool.h>

#include "transport/wire/frame.h"

/* Heap memory for reuse; NULL: none. */
typedef struct tcp_spare {
    uint8_t *data;
    size_t cap;
} tcp_spare;

typedef struct tcp_reader {
    tcp_side from; /* the side that sends these frames */
    uint32_t max_message;
    uint32_t features; /* TCP_FEATURE_...; 0 until they are agreed */
    uint8_t head_bytes[TCP_HEAD_BYTES];
    size_t head_len;
    tcp_head head; /* once head_len is TCP_HEAD_BYTES */
    uint8_t *body; /* on the heap */
    size_t body_len;
    size_t body_cap;
    tcp_spare spare; /* for the next large body */
} tcp_reader;

/* A body, as on_frame gets it. */
typedef struct tcp_body {
    const uint8_t *data; /* anything, also NULL, if len is 0 */
    size_t len;
    uint8_t *heap; /* `data`, if it is the reader's own memory: on_frame may
                    * keep it, and then sets this to NULL */
    size_t heap_cap;
} tcp_body;

/* Any result except NONE ends the connection. */
typedef tcp_end tcp_on_frame(void *user, const tcp_head *head, tcp_body *body);

void tcp_reader_init(tcp_reader *reader, tcp_side from, uint32_t max_message);
void tcp_reader_fini(tcp_reader *reader);
/* Takes `spare` over, if it has none. */
void tcp_reader_lend(tcp_reader *reader, tcp_spare *spare);

/* Keeps memory of `cap` bytes for another large body: of two the larger one,
 * and none beyond TCP_SPARE_BYTES. Frees the other. */
void tcp_spare_keep(tcp_spare *spare, uint8_t *data, size_t cap);

/* Takes all of `data`, and calls on_frame for each complete frame. */
tcp_end tcp_reader_feed(tcp_reader *reader, const uint8_t *data, size_t len,
                        tcp_on_frame *on_frame, void *user);

/* Memory to receive the rest of a large body in place of scratch, of which
 * `queued` bytes have arrived; NULL: out of memory. `filled` bytes of it are
 * then passed on. */
uint8_t *tcp_reader_space(tcp_reader *reader, size_t queued, size_t *out_len);
tcp_end tcp_reader_filled(tcp_reader *reader, size_t filled,
                          tcp_on_frame *on_frame, void *user);

/* Whether the rest of a large body is to come: then how many bytes, else 0. */
size_t tcp_reader_missing(const tcp_reader *reader);

/* Whether a frame has begun and not ended. */
bool tcp_reader_is_midway(const tcp_reader *reader);

#endif
