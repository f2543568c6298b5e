/*
 * The received items of a stream, until its user takes them.
 *
 * Small items share chunks. A large item has memory of its own, which grows as
 * its bytes arrive. An inbox holds at most as many bytes as its items cost in
 * credit, plus one chunk.
 *
 * Threading: the caller's lock guards it.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_INBOX_H
#define SHMRPCI_TRANSPORT_TCP_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/wire/frame.h"

typedef struct tcp_inbox_chunk tcp_inbox_chunk;

typedef struct tcp_inbox {
    tcp_inbox_chunk *first;
    tcp_inbox_chunk *last;
    tcp_inbox_chunk *spare;
    /* The item that is incomplete. */
    tcp_inbox_chunk *part; /* NULL: there is none */
    size_t part_len;
    uint32_t part_frames;
} tcp_inbox;

/* An item that was taken; valid until the next one is taken. */
typedef struct tcp_inbox_item {
    const uint8_t *data;
    size_t len;
    uint32_t frames; /* number of frames in which it arrived */
} tcp_inbox_item;

void tcp_inbox_fini(tcp_inbox *inbox);

/* Returns room for `len` more bytes of an item, which the caller must fill at
 * once. Returns NULL if memory is exhausted. */
uint8_t *tcp_inbox_extend(tcp_inbox *inbox, size_t len, bool is_last);

/* Returns how many bytes of an incomplete item have arrived. */
size_t tcp_inbox_part(const tcp_inbox *inbox);
/* Drops an incomplete item. Returns the number of frames in which it
 * arrived. */
uint32_t tcp_inbox_drop_part(tcp_inbox *inbox);

/* Whether no complete item is waiting. */
bool tcp_inbox_is_empty(const tcp_inbox *inbox);
/* Takes the next complete item. Returns false if there is none. */
bool tcp_inbox_take(tcp_inbox *inbox, tcp_inbox_item *out);

#endif
