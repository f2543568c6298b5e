/*
 * Memory of the passes: an arena whose exhaustion ends the whole load.
 *
 * The passes build trees out of thousands of small objects that all die
 * together.  Instead of testing each allocation, idl_alloc leaves through
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

/* `count` cleared objects of `size` bytes; never NULL: jumps to `exhausted`
 * when there is no memory. */
void *idl_alloc(idl_memory *memory, size_t count, size_t size);

/* A copy with a NUL after it; never NULL. */
char *idl_strndup(idl_memory *memory, const char *text, size_t len);

/* Formatted text; never NULL. */
char *idl_printf(idl_memory *memory, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A buffer that grows in the arena: nothing to release, and never in a failed
 * state. */
void idl_buf_init(shmrpci_buf *buf, idl_memory *memory);

#define IDL_NEW(memory, type) ((type *)idl_alloc((memory), 1, sizeof(type)))
#define IDL_NEW_ARRAY(memory, count, type) \
    ((type *)idl_alloc((memory), (count), sizeof(type)))

#endif
