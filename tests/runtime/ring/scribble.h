/*
 * Rings whose bytes are changed. A stream of numbers determines the changes and
 * the operations. Operations may only return statuses, and never crash or hang.
 *
 * Threading: one thread, except for scribble_on().
 */
#ifndef SHMRPC_TESTS_RING_SCRIBBLE_H
#define SHMRPC_TESTS_RING_SCRIBBLE_H

#include <stdbool.h>
#include <stdint.h>

/* The source of numbers. It returns false if there are no more. */
typedef struct scribble_source {
    bool (*next)(void *user, uint32_t *out);
    void *user;
} scribble_source;

/* The number of kinds of rings, with their options. */
enum { SCRIBBLE_KINDS = 16 };

typedef struct scribble_ring scribble_ring;

/* Creates a ring with two handles. Returns NULL if that fails this time for
 * lack of memory. */
scribble_ring *scribble_open(uint32_t kind);
void scribble_close(scribble_ring *ring);

/* Changes a word of the ring, and uses the ring once. Returns false if there
 * are no more numbers. */
bool scribble_on(scribble_ring *ring, const scribble_source *from);
bool scribble_use(scribble_ring *ring, const scribble_source *from);

#endif
