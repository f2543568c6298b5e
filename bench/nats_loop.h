/*
 * A client of libnats in its thread's own event loop, which is the fastest way
 * to use it. Any error fails the case; if libnats is missing, the case is
 * reported as not installed.
 *
 * Threading: one thread.
 */
#ifndef BENCH_NATS_LOOP_H
#define BENCH_NATS_LOOP_H

#include <stdbool.h>
#include <stddef.h>

#include "transport/nats/carrier.h"

typedef struct nats_loop nats_loop;

/* Connects to the server at 127.0.0.1 and subscribes to `subject`. */
nats_loop *nats_loop_open(unsigned port, const char *subject);

/* Buffers a message; buffered messages are sent together at the next wait for
 * input. `reply` may be NULL. */
void nats_loop_put(nats_loop *l, const char *subject, const char *reply,
                   const void *data, size_t len);

/* Waits for the next message, which is valid until the next call. Returns false
 * if one of our messages that have a `reply` found no subscriber. */
bool nats_loop_next(nats_loop *l, nats_message *out);

#endif
