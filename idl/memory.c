/* Arena allocation that jumps out when memory runs out. */
#include "idl/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* No object of the passes needs a larger alignment (max_align_t has 16). */
#define OBJECT_ALIGN alignof(uint64_t)

void *idl_alloc(idl_memory *memory, size_t count, size_t size)
{
    size_t align = size == 1 ? 1 : OBJECT_ALIGN;
    void *at = shmrpci_arena_calloc(memory->arena, count, size, align);
    if (at == NULL) {
        longjmp(memory->exhausted, 1);
    }
    return at;
}

char *idl_strndup(idl_memory *memory, const char *text, size_t len)
{
    char *copy = shmrpci_arena_strndup(memory->arena, text, len);
    if (copy == NULL) {
        longjmp(memory->exhausted, 1);
    }
    return copy;
}

char *idl_printf(idl_memory *memory, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    size_t size = len > 0 ? (size_t)len + 1 : 1;
    char *text = idl_alloc(memory, size, 1);
    va_start(args, format);
    (void)vsnprintf(text, size, format, args);
    va_end(args);
    return text;
}

static shmrpc_status grow_in_arena(shmrpci_buf *buf, size_t cap)
{
    idl_memory *memory = buf->owner;
    if (shmrpci_arena_resize(memory->arena, buf->data, buf->cap, cap)) {
        buf->cap = cap;
        return SHMRPC_OK;
    }
    uint8_t *data = idl_alloc(memory, cap, 1);
    if (buf->len > 0) {
        memcpy(data, buf->data, buf->len);
    }
    buf->data = data;
    buf->cap = cap;
    return SHMRPC_OK;
}

void idl_buf_init(shmrpci_buf *buf, idl_memory *memory)
{
    *buf = (shmrpci_buf){.grow = grow_in_arena, .owner = memory};
}
