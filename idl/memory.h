/*
 * Memory of the passes: an arena. Running out of memory ends the whole load.
 *
 * The passes build trees of thousands of small objects, which are all freed
 * together. Callers do not test each allocation: idl_alloc jumps to
 * `exhausted`, which idl_load has set; nothing outside the arena is held while
 * the passes run, so nothing leaks.
 * Threading: one thread at a time.
 */
#ifndef IDL_MEMORY_H
#define IDL_MEMORY_H

#include <setjmp.h>
#include <stdalign.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"

typedef struct idl_memory {
    shmrpci_arena *arena;
    jmp_buf exhausted;
} idl_memory;

/* Allocates `count` zeroed objects of `size` bytes. Never returns NULL: jumps
 * to `exhausted` when out of memory. */
void *idl_alloc(idl_memory *memory, size_t count, size_t size);

/* A copy with a NUL after it; never NULL. */
char *idl_strndup(idl_memory *memory, const char *text, size_t len);

/* Formatted text; never NULL. */
char *idl_printf(idl_memory *memory, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Initialises a buffer that grows in the arena. It needs no release and is
 * never in a failed state. */
void idl_buf_init(shmrpci_buf *buf, idl_memory *memory);

#define IDL_NEW(memory, type) ((type *)idl_alloc((memory), 1, sizeof(type)))
#define IDL_NEW_ARRAY(memory, count, type) \
    ((type *)idl_alloc((memory), (count), sizeof(type)))

#endif
