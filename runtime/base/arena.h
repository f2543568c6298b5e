/*
 * A bump allocator: many small objects with one lifetime.
 *
 * Not for objects that are freed one by one. Invariant: memory handed out is
 * not moved until reset or fini. A reset keeps the newest chunk, usually the
 * largest, so that a steady load stops allocating. Threading: one thread at a
 * time.
 */
#ifndef SHMRPCI_BASE_ARENA_H
#define SHMRPCI_BASE_ARENA_H

#include <stddef.h>

typedef struct shmrpci_arena_chunk shmrpci_arena_chunk;

typedef struct shmrpci_arena {
    shmrpci_arena_chunk *chunks; /* newest first; we allocate from the first */
    size_t used_bytes;           /* in the first chunk */
    size_t total_bytes;          /* capacity of all chunks together */
    size_t limit_bytes;          /* upper limit of total_bytes */
} shmrpci_arena;

/* Makes an empty arena that will never hold more than `limit_bytes`; allocates
 * nothing yet.  0 means no limit. */
void shmrpci_arena_init(shmrpci_arena *arena, size_t limit_bytes);

/* Frees everything. The arena may be used again, as after init. */
void shmrpci_arena_fini(shmrpci_arena *arena);

/* Ends the life of all objects; keeps the newest chunk for reuse. */
void shmrpci_arena_reset(shmrpci_arena *arena);

/* Returns `size` bytes (0 is fine), not cleared, aligned to `align` (a power of
 * two up to 64), or NULL when the limit or the system's memory is exhausted. */
void *shmrpci_arena_alloc(shmrpci_arena *arena, size_t size, size_t align);

/* Like alloc, for `count` objects, which are cleared; NULL also when the
 * product overflows. */
void *shmrpci_arena_calloc(shmrpci_arena *arena, size_t count, size_t size,
                           size_t align);

/* Returns a copy of `len` bytes with a NUL after them, or NULL on failure as
 * alloc does. */
char *shmrpci_arena_strndup(shmrpci_arena *arena, const char *text, size_t len);

/* Grows or shrinks the last allocation in place, from `size` to `new_size`
 * bytes. Returns false and changes nothing if `at` is not the last allocation,
 * or there is no room after it. */
_Bool shmrpci_arena_resize(shmrpci_arena *arena, const void *at, size_t size,
                           size_t new_size);

/* Returns formatted text in the arena, or NULL on failure as alloc does. */
char *shmrpci_arena_printf(shmrpci_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
