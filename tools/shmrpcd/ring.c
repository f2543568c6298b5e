/*
 * A ring of records. Each consists of a head, the name of a service with a NUL
 * if the line has one, and a text.
 *
 * A record is never split.  One that doesn't fit before the end of the memory
 * is put at the beginning. A head with `is_gap` then marks the free space at
 * the end, unless that is too small for a head.
 */
#include "tools/shmrpcd/ring.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

typedef struct head {
    int64_t unix_ms;
    uint64_t call;
    int32_t thread;
    uint16_t len;
    uint8_t level;
    uint8_t origin;
    uint8_t truncated;
    uint8_t is_gap;       /* the next record is at the beginning */
    uint8_t service_size; /* size with the NUL; 0: no name */
} head;

_Static_assert(MGR_LINE_BYTES <= UINT16_MAX, "the length of a line");

/* The size of a record, padded so that the next head is aligned. A line has at
 * most MGR_LINE_BYTES, a fraction of the ring. */
static size_t size_of(const head *it)
{
    size_t size = sizeof *it + it->service_size + it->len;
    return (size + _Alignof(head) - 1) / _Alignof(head) * _Alignof(head);
}

static head head_at(const mgr_ring *ring, size_t offset)
{
    head it;
    memcpy(&it, ring->bytes + offset, sizeof it);
    return it;
}

void mgr_ring_fini(mgr_ring *ring)
{
    free(ring->bytes);
    *ring = (mgr_ring){.bytes = NULL};
}

/* The offset of the record at `offset`, or, if there is a gap, of the record
 * after it. */
static size_t begin_of(const mgr_ring *ring, size_t offset)
{
    if (MGR_RING_BYTES - offset < sizeof(head) ||
        head_at(ring, offset).is_gap != 0) {
        return 0;
    }
    return offset;
}

/* An empty ring begins at offset 0 again, so that its free memory is
 * contiguous. */
static void drop_first(mgr_ring *ring)
{
    size_t offset = begin_of(ring, ring->begin);
    const head it = head_at(ring, offset);
    ring->begin = offset + size_of(&it);
    ring->first++;
    if (ring->first == ring->next) {
        ring->begin = ring->end = 0;
    }
}

/* The number of contiguous free bytes after `end`. */
static size_t room(const mgr_ring *ring)
{
    if (ring->first == ring->next || ring->begin < ring->end) {
        return MGR_RING_BYTES - ring->end;
    }
    return ring->begin - ring->end;
}

/* Drops old lines, and wraps to the beginning if necessary, until the record
 * fits in one piece. The loop ends, because an empty ring has room for any
 * line. */
static void make_room(mgr_ring *ring, size_t size)
{
    while (room(ring) < size) {
        bool wraps = ring->first != ring->next && ring->begin < ring->end;
        if (wraps && MGR_RING_BYTES - ring->end >= sizeof(head)) {
            const head gap = {.is_gap = 1};
            memcpy(ring->bytes + ring->end, &gap, sizeof gap);
        }
        if (wraps) {
            ring->end = 0;
        }
        if (room(ring) < size) {
            drop_first(ring);
        }
    }
}

/* Allocates the ring's memory when the first line is added, because most
 * services of a large file print nothing. */
void mgr_ring_add(mgr_ring *ring, const mgr_line *line)
{
    size_t service_size = line->service != NULL ? strlen(line->service) + 1 : 0;
    const head it = {.unix_ms = line->unix_ms,
                     .call = line->call,
                     .thread = line->thread,
                     .len = (uint16_t)line->len,
                     .level = (uint8_t)line->level,
                     .origin = (uint8_t)line->origin,
                     .truncated = line->truncated,
                     .service_size = (uint8_t)service_size};
    SHMRPCI_ASSERT(service_size == it.service_size, "names are short");
    size_t size = size_of(&it);
    if (ring->bytes == NULL) {
        ring->bytes = malloc(MGR_RING_BYTES);
    }
    if (ring->bytes == NULL) {
        ring->first = ++ring->next;
        return;
    }
    make_room(ring, size);
    char *at = ring->bytes + ring->end;
    memcpy(at, &it, sizeof it);
    if (service_size > 0) {
        memcpy(at + sizeof it, line->service, service_size);
    }
    memcpy(at + sizeof it + service_size, line->text, line->len);
    ring->end += size;
    ring->next++;
}

mgr_ring_at mgr_ring_first(const mgr_ring *ring)
{
    return (mgr_ring_at){ring->first, ring->begin};
}

bool mgr_ring_next(const mgr_ring *ring, mgr_ring_at *at, mgr_line *out)
{
    if (at->number == ring->next) {
        return false;
    }
    size_t offset = begin_of(ring, at->offset);
    const head it = head_at(ring, offset);
    const char *behind = ring->bytes + offset + sizeof it;
    *out = (mgr_line){.unix_ms = it.unix_ms,
                      .call = it.call,
                      .thread = it.thread,
                      .service = it.service_size > 0 ? behind : NULL,
                      .level = (mgr_level)it.level,
                      .origin = (mgr_origin)it.origin,
                      .truncated = it.truncated != 0,
                      .text = behind + it.service_size,
                      .len = it.len};
    at->number++;
    at->offset = offset + size_of(&it);
    return true;
}
