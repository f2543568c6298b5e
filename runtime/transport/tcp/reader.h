/*
 * Splits a stream of bytes into frames.
 *
 * The caller reads bytes into scratch memory, and a frame that is complete
 * there is passed on in place. Only an incomplete frame is kept: its head, and
 * the bytes of its body that have arrived. The memory for the body grows as
 * bytes arrive; it never depends only on the length that the head declares.
 *
 * Threading: one thread at a time.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_READER_H
#define SHMRPCI_TRANSPORT_TCP_READER_H

#include <stdbool.h>

#include "transport/wire/frame.h"

/* Heap memory to reuse; NULL: none. */
typedef struct tcp_spare {
    uint8_t *data;
    size_t cap;
} tcp_spare;

typedef struct tcp_reader {
    tcp_side from; /* the side that sends these frames */
    uint32_t max_message;
    uint32_t features; /* TCP_FEATURE_... bits; 0 until they are agreed on */
    uint8_t head_bytes[TCP_HEAD_BYTES];
    size_t head_len;
    tcp_head head; /* head of the frame; valid once head_len is
                    * TCP_HEAD_BYTES */
    uint8_t *body; /* allocated on the heap */
    size_t body_len;
    size_t body_cap;
    tcp_spare spare; /* memory for the next large body */
} tcp_reader;

/* A body, as passed to on_frame. */
typedef struct tcp_body {
    const uint8_t *data; /* may have any value, even NULL, if len is 0 */
    size_t len;
    uint8_t *heap; /* equals `data` if that is the reader's own heap memory:
                    * on_frame may take it over and must then set this to
                    * NULL */
    size_t heap_cap;
} tcp_body;

/* Handles a frame. Any result except NONE ends the connection. */
typedef tcp_end tcp_on_frame(void *user, const tcp_head *head, tcp_body *body);

void tcp_reader_init(tcp_reader *reader, tcp_side from, uint32_t max_message);
void tcp_reader_fini(tcp_reader *reader);
/* Takes `spare` over, if the reader has none. */
void tcp_reader_lend(tcp_reader *reader, tcp_spare *spare);

/* Keeps `data` or the present memory for another large body, whichever is
 * larger, but none above TCP_SPARE_BYTES. Frees the other one. */
void tcp_spare_keep(tcp_spare *spare, uint8_t *data, size_t cap);

/* Handles all of `data`; calls on_frame for each complete frame. */
tcp_end tcp_reader_feed(tcp_reader *reader, const uint8_t *data, size_t len,
                        tcp_on_frame *on_frame, void *user);

/* Returns memory for the rest of a large body, to be received there instead of
 * in scratch memory; `queued` bytes of it are ready to be read. Returns NULL if
 * memory is exhausted. tcp_reader_filled then takes the bytes. */
uint8_t *tcp_reader_space(tcp_reader *reader, size_t queued, size_t *out_len);
tcp_end tcp_reader_filled(tcp_reader *reader, size_t filled,
                          tcp_on_frame *on_frame, void *user);

/* Returns how many bytes of a large body have not arrived; 0: none. */
size_t tcp_reader_missing(const tcp_reader *reader);

/* Whether a frame has begun and is incomplete. */
bool tcp_reader_is_midway(const tcp_reader *reader);

#endif
