/* The append-only buffer. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static shmrpc_status grow_heap(shmrpci_buf *buf, size_t cap)
{
    uint8_t *data = realloc(buf->data, cap);
    if (data == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    buf->data = data;
    buf->cap = cap;
    return SHMRPC_OK;
}

void shmrpci_buf_init_heap(shmrpci_buf *buf)
{
    *buf = (shmrpci_buf){.grow = grow_heap};
}

void shmrpci_buf_init_fixed(shmrpci_buf *buf, void *data, size_t cap)
{
    *buf = (shmrpci_buf){.data = data, .cap = cap};
}

void shmrpci_buf_fini(shmrpci_buf *buf)
{
    if (buf->grow == grow_heap) {
        free(buf->data);
        shmrpci_buf_init_heap(buf);
    }
}

void shmrpci_buf_reset(shmrpci_buf *buf)
{
    buf->len = 0;
    buf->status = SHMRPC_OK;
}

void shmrpci_buf_fail(shmrpci_buf *buf, shmrpc_status status)
{
    if (buf->status == SHMRPC_OK) {
        buf->status = status;
    }
}

_Bool shmrpci_buf_make_room(shmrpci_buf *buf, size_t extra)
{
    if (buf->status != SHMRPC_OK) {
        return 0;
    }
    if (extra <= buf->cap - buf->len) {
        return 1;
    }
    if (buf->grow == NULL || extra > SIZE_MAX / 2 - buf->len) {
        buf->status = SHMRPC_E_TOO_LARGE;
        return 0;
    }
    size_t needed = buf->len + extra;
    size_t doubled = buf->cap < 32 ? 64 : buf->cap * 2;
    shmrpc_status status = buf->grow(buf, needed > doubled ? needed : doubled);
    if (status != SHMRPC_OK && needed < doubled) {
        /* If twice the size does not fit, the needed size still may. */
        status = buf->grow(buf, needed);
    }
    buf->status = status;
    return status == SHMRPC_OK;
}

uint8_t *shmrpci_buf_lend(shmrpci_buf *buf, size_t count)
{
    if (count > 0 || buf->data != NULL) {
        return shmrpci_buf_extend(buf, count);
    }
    uint8_t *at = shmrpci_buf_extend(buf, 1);
    buf->len = 0;
    return at;
}

void shmrpci_buf_append(shmrpci_buf *buf, const void *data, size_t len)
{
    uint8_t *at = shmrpci_buf_extend(buf, len);
    if (at != NULL && len > 0) {
        memcpy(at, data, len);
    }
}

void shmrpci_buf_append_text(shmrpci_buf *buf, const char *text)
{
    shmrpci_buf_append(buf, text, strlen(text));
}

/* Appends a format that the fast path doesn't support, with vsnprintf. */
static void print_rest(shmrpci_buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    if (len < 0) {
        shmrpci_buf_fail(buf, SHMRPC_E_INTERNAL);
        va_end(again);
        return;
    }
    /* vsnprintf ends its text with a NUL, so room for the NUL is taken, and
     * given back afterwards. */
    uint8_t *at = shmrpci_buf_extend(buf, (size_t)len + 1);
    if (at != NULL) {
        (void)vsnprintf((char *)at, (size_t)len + 1, format, again);
        buf->len--;
    }
    va_end(again);
}

static void append_uint(shmrpci_buf *buf, unsigned number)
{
    char digits[3 * sizeof number];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    shmrpci_buf_append(buf, digits + at, sizeof digits - at);
}

void shmrpci_buf_vprintf(shmrpci_buf *buf, const char *format, va_list args)
{
    for (;;) {
        size_t plain = strcspn(format, "%");
        shmrpci_buf_append(buf, format, plain);
        format += plain;
        if (format[0] == '\0') {
            return;
        }
        if (format[1] == 's') {
            shmrpci_buf_append_text(buf, va_arg(args, const char *));
        } else if (format[1] == 'u') {
            append_uint(buf, va_arg(args, unsigned));
        } else if (format[1] == 'c') {
            shmrpci_buf_append_char(buf, (char)va_arg(args, int));
        } else {
            print_rest(buf, format, args);
            return;
        }
        format += 2;
    }
}

void shmrpci_buf_printf(shmrpci_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    shmrpci_buf_vprintf(buf, format, args);
    va_end(args);
}

const char *shmrpci_buf_text(shmrpci_buf *buf)
{
    shmrpci_buf_append_char(buf, '\0');
    if (buf->status != SHMRPC_OK) {
        return NULL;
    }
    buf->len--;
    return (const char *)buf->data;
}
