/* A queue of the costs of sent items; the stream's window bounds its length. */
#include "transport/tcp/flow_sent.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 64u

static bool grow(tcp_sent *sent)
{
    size_t size = sent->size != 0 ? 2 * sent->size : FIRST_SIZE;
    uint32_t *costs = malloc(size * sizeof *costs);
    if (costs == NULL) {
        return false;
    }
    for (size_t i = 0; i < sent->count; i++) {
        costs[i] = sent->costs[(sent->first + i) & (sent->size - 1)];
    }
    free(sent->costs);
    sent->costs = costs;
    sent->size = size;
    sent->first = 0;
    return true;
}

void tcp_sent_add(tcp_sent *sent, int64_t cost)
{
    if (sent->is_lost || (sent->count == sent->size && !grow(sent))) {
        sent->is_lost = true;
        return;
    }
    sent->costs[(sent->first + sent->count) & (sent->size - 1)] =
        (uint32_t)cost;
    sent->count++;
}

void tcp_sent_give(tcp_sent *sent, int64_t credit)
{
    sent->back += credit;
    while (!sent->is_lost && sent->count > 0 &&
           sent->back >= sent->costs[sent->first]) {
        sent->back -= sent->costs[sent->first];
        sent->first = (sent->first + 1) & (sent->size - 1);
        sent->count--;
        sent->delivered++;
    }
}

void tcp_sent_fini(tcp_sent *sent)
{
    free(sent->costs);
    sent->costs = NULL;
}
