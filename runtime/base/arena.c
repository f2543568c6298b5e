/* The bump allocator: a list of chunks, newest first. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CHUNK_BYTES 4096
#define MAX_ALIGN         64

struct shmrpci_arena_chunk {
    shmrpci_arena_chunk *next;
    size_t cap; /* bytes behind the header */
};

/* The data begins at the first aligned address behind the header, so that
 * offsets and addresses agree on alignment. */
static uint8_t *chunk_data(shmrpci_arena_chunk *chunk)
{
    return (uint8_t *)chunk + MAX_ALIGN;
}

void shmrpci_arena_init(shmrpci_arena *arena, size_t limit_bytes)
{
    *arena = (shmrpci_arena){
        .limit_bytes = limit_bytes != 0 ? limit_bytes : SIZE_MAX,
    };
}

static void free_chunks(shmrpci_arena_chunk *chunk)
{
    while (chunk != NULL) {
        shmrpci_arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void shmrpci_arena_fini(shmrpci_arena *arena)
{
    free_chunks(arena->chunks);
    shmrpci_arena_init(arena, arena->limit_bytes);
}

void shmrpci_arena_reset(shmrpci_arena *arena)
{
    /* Keep the newest chunk. Chunks double, so it is the largest, unless the
     * limit has made it smaller. */
    arena->used_bytes = 0;
    if (arena->chunks != NULL && arena->chunks->next != NULL) {
        free_chunks(arena->chunks->next);
        arena->chunks->next = NULL;
        arena->total_bytes = arena->chunks->cap;
    }
}

/* Adds a chunk with room for `size` bytes at the front of the list; returns
 * false if the limit or the memory is exhausted. */
static _Bool add_chunk(shmrpci_arena *arena, size_t size)
{
    size_t left = arena->limit_bytes - arena->total_bytes;
    if (size > left || size > SIZE_MAX - 2 * MAX_ALIGN) {
        return 0;
    }
    size_t cap =
        arena->chunks != NULL ? arena->chunks->cap : FIRST_CHUNK_BYTES / 2;
    cap = cap <= SIZE_MAX / 4 ? cap * 2 : cap;
    cap = cap < size ? size : cap;
    cap = cap > left ? left : cap;
    /* aligned_alloc needs a size rounded up; the excess is neither counted nor
     * handed out. */
    size_t bytes = (MAX_ALIGN + cap + MAX_ALIGN - 1) & ~(size_t)(MAX_ALIGN - 1);
    shmrpci_arena_chunk *chunk = aligned_alloc(MAX_ALIGN, bytes);
    if (chunk == NULL) {
        return 0;
    }
    *chunk = (shmrpci_arena_chunk){.next = arena->chunks, .cap = cap};
    arena->chunks = chunk;
    arena->used_bytes = 0;
    arena->total_bytes += cap;
    return 1;
}

void *shmrpci_arena_alloc(shmrpci_arena *arena, size_t size, size_t align)
{
    size_t at = (arena->used_bytes + align - 1) & ~(align - 1);
    if (arena->chunks == NULL || at > arena->chunks->cap ||
        size > arena->chunks->cap - at) {
        if (!add_chunk(arena, size)) {
            return NULL;
        }
        at = 0;
    }
    arena->used_bytes = at + size;
    return chunk_data(arena->chunks) + at;
}

void *shmrpci_arena_calloc(shmrpci_arena *arena, size_t count, size_t size,
                           size_t align)
{
    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    void *at = shmrpci_arena_alloc(arena, count * size, align);
    return at != NULL ? memset(at, 0, count * size) : NULL;
}

_Bool shmrpci_arena_resize(shmrpci_arena *arena, const void *at, size_t size,
                           size_t new_size)
{
    if (arena->chunks == NULL) {
        return 0;
    }
    const uint8_t *end = chunk_data(arena->chunks) + arena->used_bytes;
    size_t start = arena->used_bytes - size;
    if (at == NULL || size > arena->used_bytes ||
        (const uint8_t *)at + size != end ||
        new_size > arena->chunks->cap - start) {
        return 0;
    }
    arena->used_bytes = start + new_size;
    return 1;
}

char *shmrpci_arena_strndup(shmrpci_arena *arena, const char *text, size_t len)
{
    char *copy = len < SIZE_MAX ? shmrpci_arena_alloc(arena, len + 1, 1) : NULL;
    if (copy != NULL) {
        if (len > 0) {
            memcpy(copy, text, len);
        }
        copy[len] = '\0';
    }
    return copy;
}

char *shmrpci_arena_printf(shmrpci_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text =
        len >= 0 ? shmrpci_arena_alloc(arena, (size_t)len + 1, 1) : NULL;
    if (text != NULL) {
        va_start(args, format);
        (void)vsnprintf(text, (size_t)len + 1, format, args);
        va_end(args);
    }
    return text;
}
