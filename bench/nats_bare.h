/*
 * A bare blocking client of NATS's protocol, as small as a client can be. Any
 * error fails the case.
 *
 * Threading: one thread.
 */
#ifndef BENCH_NATS_BARE_H
#define BENCH_NATS_BARE_H

#include <stddef.h>

typedef struct nats_bare nats_bare;

/* Connects to the server at 127.0.0.1 and subscribes to `subject`. */
nats_bare *nats_bare_open(unsigned port, const char *subject);

/* Buffers a message. Buffered messages are sent together when the client waits
 * for input or the buffer is full. */
void nats_bare_put(nats_bare *b, const char *subject, const void *data,
                   size_t size);

/* Waits for the next message; its body is valid until the next call. */
const char *nats_bare_next(nats_bare *b, size_t *out_size);

#endif
