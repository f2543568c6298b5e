/* A queue of received items, stored in chunks. */
#include "transport/tcp/inbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define CHUNK_BYTES ((size_t)16 << 10)

/* The head of each item in a chunk: length and number of frames. */
typedef struct entry {
    uint64_t len;
    uint64_t frames;
} entry;

struct tcp_inbox_chunk {
    tcp_inbox_chunk *next;
    size_t cap;
    size_t used;
    size_t at; /* offset of the next item to take */
    _Alignas(16) uint8_t bytes[];
};

static size_t entry_bytes(size_t len)
{
    return sizeof(entry) + ((len + 7) & ~(size_t)7);
}

static tcp_inbox_chunk *chunk_new(tcp_inbox *inbox, size_t needed)
{
    size_t cap = needed > CHUNK_BYTES ? needed : CHUNK_BYTES;
    tcp_inbox_chunk *chunk = inbox->spare;
    if (chunk != NULL && chunk->cap >= cap) {
        inbox->spare = NULL;
    } else {
        chunk = malloc(sizeof *chunk + cap);
    }
    if (chunk != NULL) {
        chunk->next = NULL;
        chunk->cap = cap > CHUNK_BYTES ? cap : CHUNK_BYTES;
        chunk->used = chunk->at = 0;
    }
    return chunk;
}

static void chunk_free(tcp_inbox *inbox, tcp_inbox_chunk *chunk)
{
    if (inbox->spare == NULL && chunk->cap == CHUNK_BYTES) {
        inbox->spare = chunk;
    } else {
        free(chunk);
    }
}

static void push(tcp_inbox *inbox, tcp_inbox_chunk *chunk)
{
    if (inbox->last == NULL) {
        inbox->first = chunk;
    } else {
        inbox->last->next = chunk;
    }
    inbox->last = chunk;
}

void tcp_inbox_fini(tcp_inbox *inbox)
{
    while (inbox->first != NULL) {
        tcp_inbox_chunk *chunk = inbox->first;
        inbox->first = chunk->next;
        free(chunk);
    }
    inbox->last = NULL;
    free(inbox->spare);
    inbox->spare = NULL;
    (void)tcp_inbox_drop_part(inbox);
}

static uint8_t *begin(tcp_inbox_chunk *chunk, size_t len, uint32_t frames)
{
    entry head = {.len = len, .frames = frames};
    uint8_t *at = chunk->bytes + chunk->used;
    SHMRPCI_ASSERT(chunk->cap - chunk->used >= entry_bytes(len),
                   "a new entry is placed where it has room");
    memcpy(at, &head, sizeof head);
    chunk->used += entry_bytes(len);
    return at + sizeof head;
}

/* Appends a complete item. */
static uint8_t *add(tcp_inbox *inbox, size_t len)
{
    tcp_inbox_chunk *last = inbox->last;
    if (last == NULL || last->cap - last->used < entry_bytes(len)) {
        last = chunk_new(inbox, entry_bytes(len));
        if (last == NULL) {
            return NULL;
        }
        push(inbox, last);
    }
    return begin(last, len, 1);
}

/* Makes room for the next part of an item that arrives in parts; doubles the
 * memory. */
static bool grow(tcp_inbox *inbox, size_t len)
{
    tcp_inbox_chunk *part = inbox->part;
    size_t needed = entry_bytes(inbox->part_len + len);
    if (part != NULL && part->cap >= needed) {
        return true;
    }
    size_t cap =
        part != NULL && part->cap * 2 > needed ? part->cap * 2 : needed;
    part = realloc(part, sizeof *part + cap);
    if (part == NULL) {
        return false;
    }
    part->next = NULL;
    part->cap = cap;
    part->used = part->at = 0;
    inbox->part = part;
    return true;
}

/* Called when all parts have arrived. The item is queued in memory of its
 * own. */
static void complete(tcp_inbox *inbox)
{
    (void)begin(inbox->part, inbox->part_len, inbox->part_frames);
    inbox->part->cap = inbox->part->used; /* no other item is added to this
                                           * chunk */
    push(inbox, inbox->part);
    inbox->part = NULL;
    inbox->part_len = 0;
    inbox->part_frames = 0;
}

uint8_t *tcp_inbox_extend(tcp_inbox *inbox, size_t len, bool is_last)
{
    if (inbox->part == NULL && is_last) {
        return add(inbox, len);
    }
    if (!grow(inbox, len)) {
        return NULL;
    }
    uint8_t *at = inbox->part->bytes + sizeof(entry) + inbox->part_len;
    inbox->part_len += len;
    inbox->part_frames++;
    if (is_last) {
        complete(inbox);
    }
    return at;
}

size_t tcp_inbox_part(const tcp_inbox *inbox)
{
    return inbox->part_len;
}

uint32_t tcp_inbox_drop_part(tcp_inbox *inbox)
{
    uint32_t frames = inbox->part_frames;
    free(inbox->part);
    inbox->part = NULL;
    inbox->part_len = 0;
    inbox->part_frames = 0;
    return frames;
}

bool tcp_inbox_is_empty(const tcp_inbox *inbox)
{
    const tcp_inbox_chunk *first = inbox->first;
    return first == NULL || (first->at == first->used && first->next == NULL);
}

bool tcp_inbox_take(tcp_inbox *inbox, tcp_inbox_item *out)
{
    entry head;
    tcp_inbox_chunk *first = inbox->first;
    /* Free a chunk whose items were all taken. The item that was taken last may
     * be in it, but is valid only until this call. */
    if (first != NULL && first->at == first->used) {
        inbox->first = first->next;
        inbox->last = inbox->first != NULL ? inbox->last : NULL;
        chunk_free(inbox, first);
        first = inbox->first;
    }
    if (first == NULL) {
        return false;
    }
    memcpy(&head, first->bytes + first->at, sizeof head);
    *out = (tcp_inbox_item){.data = first->bytes + first->at + sizeof head,
                            .len = head.len,
                            .frames = (uint32_t)head.frames};
    first->at += entry_bytes(head.len);
    return true;
}
