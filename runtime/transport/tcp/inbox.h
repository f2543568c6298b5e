/*
 * The received items of a stream, until its user takes them.
 *
 * Small ones share chunks; a large one has memory of its own, which grows as
 * its bytes arrive. It holds at most as many bytes as the items cost in credit,
 * plus one chunk.
 *
 * Threading: the caller's lock.
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
    /* An incomplete item. */
    tcp_inbox_chunk *part; /* NULL: none */
    size_t part_len;
    uint32_t part_frames;
} tcp_inbox;

/* The item taken last: valid until the next one is taken. */
typedef struct tcp_inbox_item {
    const uint8_t *data;
    size_t len;
    uint32_t frames; /* the chunk that holds it */
} tcp_inbox_item;

void tcp_inbox_fini(tcp_inbox *inbox);

/* Room for `len` more bytes of an item, which the caller fills at once. NULL:
 * out of memory. */
uint8_t *tcp_inbox_extend(tcp_inbox *inbox, size_t len, bool is_last);

/* How many bytes of an incomplete item have arrived. */
size_t tcp_inbox_part(const tcp_inbox *inbox);
/* Drops an incomplete item; returns how many frames it came in. */
uint32_t tcp_inbox_drop_part(tcp_inbox *inbox);

/* Whether no whole item is waiting. */
bool tcp_inbox_is_empty(const tcp_inbox *inbox);
/* Takes the next whole item; false: there is none. */
bool tcp_inbox_take(tcp_inbox *inbox, tcp_inbox_item *out);

#endif
