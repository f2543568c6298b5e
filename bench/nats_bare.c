/* The bare client of NATS's protocol: parses lines, and bodies whose length a
 * line states. */
#include "nats_bare.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "case.h"
#include "sockets.h"

enum {
    IN_BYTES = 256 << 10,
    OUT_BYTES = 256 << 10,
    SEND_BYTES = 32 << 10 /* once there is this much output, it is sent without
                           * waiting for more */
};

struct nats_bare {
    int fd;
    size_t from; /* offset of the first input byte that was not used yet */
    size_t have;
    size_t out_have;
    char in[IN_BYTES];
    char out[OUT_BYTES];
};

static void flush(nats_bare *b)
{
    bench_put(b->fd, b->out, b->out_have);
    b->out_have = 0;
}

/* Waits for more input. May move the buffered input, so pointers into it become
 * invalid. */
static void fill(nats_bare *b)
{
    flush(b);
    if (b->from == b->have || b->have == IN_BYTES) {
        b->have -= b->from;
        memmove(b->in, b->in + b->from, b->have);
        b->from = 0;
    }
    const ssize_t n = recv(b->fd, b->in + b->have, IN_BYTES - b->have, 0);
    if (n <= 0) {
        bench_fail("nats-server has hung up");
    }
    b->have += (size_t)n;
}

/* Returns the next line, which stays in the input; its length includes the line
 * end. */
static const char *peek_line(nats_bare *b, size_t *out_len)
{
    for (;;) {
        const char *const line = b->in + b->from;
        const char *const end = memchr(line, '\n', b->have - b->from);
        if (end != NULL) {
            *out_len = (size_t)(end - line) + 1;
            return line;
        }
        fill(b);
    }
}

static void put_text(nats_bare *b, const char *text)
{
    const size_t len = strlen(text);
    memcpy(b->out + b->out_have, text, len);
    b->out_have += len;
}

static bool starts_with(const char *line, const char *word)
{
    return strncmp(line, word, strlen(word)) == 0;
}

nats_bare *nats_bare_open(unsigned port, const char *subject)
{
    nats_bare *const b = bench_alloc(sizeof *b);
    char text[128];
    size_t len;
    b->from = b->have = b->out_have = 0;
    b->fd = bench_tcp_connect(port);
    snprintf(text, sizeof text,
             "CONNECT {\"verbose\":false}\r\nSUB %s 1\r\nPING\r\n", subject);
    put_text(b, text);
    while (!starts_with(peek_line(b, &len), "PONG")) {
        b->from += len;
    }
    return b;
}

void nats_bare_put(nats_bare *b, const char *subject, const void *data,
                   size_t size)
{
    char head[64];
    snprintf(head, sizeof head, "PUB %s %zu\r\n", subject, size);
    put_text(b, head);
    memcpy(b->out + b->out_have, data, size);
    b->out_have += size;
    put_text(b, "\r\n");
    if (b->out_have >= SEND_BYTES) {
        flush(b);
    }
}

/* Takes the body that follows a line "MSG subject 1 SIZE", and the line end
 * after it. */
static const char *take_body(nats_bare *b, const char *line, size_t len,
                             size_t *out_size)
{
    size_t digits = len;
    while (line[digits - 1] != ' ') {
        digits--;
    }
    *out_size = strtoul(line + digits, NULL, 10);
    while (b->have - b->from < len + *out_size + 2) {
        fill(b);
    }
    const char *const body = b->in + b->from + len;
    b->from += len + *out_size + 2;
    return body;
}

const char *nats_bare_next(nats_bare *b, size_t *out_size)
{
    for (;;) {
        size_t len;
        const char *const line = peek_line(b, &len);
        if (starts_with(line, "MSG ")) {
            return take_body(b, line, len, out_size);
        }
        if (starts_with(line, "PING")) {
            put_text(b, "PONG\r\n");
        }
        b->from += len;
    }
}
