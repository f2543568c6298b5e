/*
 * The newest lines of a service, or of all services, in memory of a fixed size.
 *
 * Lines are numbered from 0 on; numbers are never reused. A cursor is the
 * number of the next line that a reader wants.
 *
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_TOOLS_SHMRPCD_RING_H
#define SHMRPC_TOOLS_SHMRPCD_RING_H

#include "tools/shmrpcd/lines.h"

/* The size of each ring; the kernel allocates its pages as it fills up. */
#define MGR_RING_BYTES ((size_t)1 << 20)

typedef struct mgr_ring {
    char *bytes;    /* NULL until the first line */
    size_t begin;   /* offset of the oldest line, or of the gap before it */
    size_t end;     /* offset behind the newest line */
    uint64_t first; /* number of the oldest line */
    uint64_t next;  /* number that the next line gets */
} mgr_ring;

/* Frees the memory. A ring must be zeroed at first. */
void mgr_ring_fini(mgr_ring *ring);

/* Adds a line, and drops the oldest ones to make room. If memory runs out the
 * new line is lost, but still gets a number. */
void mgr_ring_add(mgr_ring *ring, const mgr_line *line);

/* A position in the ring; invalid after the next add. */
typedef struct mgr_ring_at {
    uint64_t number;
    size_t offset;
} mgr_ring_at;

/* The position of the oldest line. */
mgr_ring_at mgr_ring_first(const mgr_ring *ring);
/* Reads the line at `at`, and steps to the next. Returns false if there are no
 * more. The texts of the line belong to the ring. */
bool mgr_ring_next(const mgr_ring *ring, mgr_ring_at *at, mgr_line *out);

#endif
