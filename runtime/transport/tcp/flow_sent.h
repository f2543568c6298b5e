/*
 * A queue of the costs of the items that a stream has sent and whose credit has
 * not been returned. The returned credit tells the sender how many items the
 * reader has released.
 *
 * Threading: the flow's lock guards it.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_FLOW_SENT_H
#define SHMRPCI_TRANSPORT_TCP_FLOW_SENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tcp_sent {
    uint32_t *costs; /* ring of `size` entries, a power of two; NULL: not
                      * allocated yet */
    size_t size;
    size_t first;
    size_t count;
    int64_t back; /* credit returned so far for the item at `first` */
    uint64_t delivered;
    bool is_lost; /* memory was exhausted: `delivered` no longer advances */
} tcp_sent;

/* Called when an item was sent. */
void tcp_sent_add(tcp_sent *sent, int64_t cost);
/* Called when the peer has returned credit. */
void tcp_sent_give(tcp_sent *sent, int64_t credit);
void tcp_sent_fini(tcp_sent *sent);

#endif
