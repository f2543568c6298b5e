/*
 * Queue of the costs of the items that a stream has sent and has no credit back
 * for. As credit returns, the sender learns how many items the reader has
 * released.
 *
 * Threading: the flow's lock guards it.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_FLOW_SENT_H
#define SHMRPCI_TRANSPORT_TCP_FLOW_SENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tcp_sent {
    uint32_t *costs; /* a ring of `size`, a power of two; NULL: none yet */
    size_t size;
    size_t first;
    size_t count;
    int64_t back; /* credit that was returned for the item at `first` */
    uint64_t delivered;
    bool is_lost; /* out of memory: `delivered` no longer advances */
} tcp_sent;

/* An item was sent. */
void tcp_sent_add(tcp_sent *sent, int64_t cost);
/* Credit was returned. */
void tcp_sent_give(tcp_sent *sent, int64_t credit);
void tcp_sent_fini(tcp_sent *sent);

#endif
