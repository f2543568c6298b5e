/*
 * An append-only byte buffer over memory that someone else may own.
 *
 * Text and codecs append here; `grow` decides where the bytes live: on the heap
 * (shmrpci_buf_init_heap), a fixed span (init_fixed), or a span of shared
 * memory that the transport replaces by a larger one.
 *
 * Invariants: len <= cap; the first failure is kept in `status`, and after it
 * every append does nothing, so that writers check once, at the end.
 * Threading: one thread at a time.
 */
#ifndef SHMRPCI_BASE_BUF_H
#define SHMRPCI_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/status.h"

typedef struct shmrpci_buf shmrpci_buf;

/* Makes room for at least `cap` bytes in total, keeping the first `len`;
 * updates data and cap. On failure it changes nothing and returns why. */
typedef shmrpc_status shmrpci_buf_grow(shmrpci_buf *buf, size_t cap);

struct shmrpci_buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    shmrpc_status status;   /* OK, or the first failure */
    shmrpci_buf_grow *grow; /* NULL: the size is fixed, and a full buffer is
                             * TOO_LARGE */
    void *owner;            /* for `grow` */
};

/* Grows on the heap; release with fini. */
void shmrpci_buf_init_heap(shmrpci_buf *buf);

/* Uses the caller's memory and never grows. */
void shmrpci_buf_init_fixed(shmrpci_buf *buf, void *data, size_t cap);

/* Frees what a heap buffer allocated; does nothing for other buffers. */
void shmrpci_buf_fini(shmrpci_buf *buf);

/* Empties the buffer and clears a failure; keeps the memory. */
void shmrpci_buf_reset(shmrpci_buf *buf);

/* Slow path of the inline functions below: makes room for `extra` more bytes,
 * or sets `status` and returns false. */
_Bool shmrpci_buf_make_room(shmrpci_buf *buf, size_t extra);

/* Returns the address of `count` new bytes at the end, which the caller writes,
 * or NULL after a failure. */
static inline uint8_t *shmrpci_buf_extend(shmrpci_buf *buf, size_t count)
{
    if (count > buf->cap - buf->len || buf->status != SHMRPC_OK) {
        if (!shmrpci_buf_make_room(buf, count)) {
            return NULL;
        }
    }
    /* An empty buffer may have no memory yet, and NULL + 0 is undefined. */
    uint8_t *at = buf->len != 0 ? buf->data + buf->len : buf->data;
    buf->len += count;
    return at;
}

/* Like extend, for memory that is lent: returns an address even if `count` is 0
 * and the buffer has no memory yet, where extend would return NULL. */
uint8_t *shmrpci_buf_lend(shmrpci_buf *buf, size_t count);

static inline void shmrpci_buf_append_char(shmrpci_buf *buf, char c)
{
    uint8_t *at = shmrpci_buf_extend(buf, 1);
    if (at != NULL) {
        *at = (uint8_t)c;
    }
}

void shmrpci_buf_append(shmrpci_buf *buf, const void *data, size_t len);
void shmrpci_buf_append_text(shmrpci_buf *buf, const char *text);
/* Like printf. Formats with only `%s`, `%u` and `%c` take a tenth of
 * vsnprintf's time. */
void shmrpci_buf_printf(shmrpci_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void shmrpci_buf_vprintf(shmrpci_buf *buf, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Returns the bytes as a C string: appends a NUL that `len` does not count.
 * NULL after a failure. */
const char *shmrpci_buf_text(shmrpci_buf *buf);

/* Records a failure; the first one recorded stays. */
void shmrpci_buf_fail(shmrpci_buf *buf, shmrpc_status status);

#endif
