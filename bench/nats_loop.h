/*
 * A client of libnats, run in a loop of its thread: the fastest way to use it.
 * Any error fails the case; where libnats is missing, it is shown as not
 * installed.
 *
 * Threading: one thread.
 */
#ifndef BENCH_NATS_LOOP_H
#define BENCH_NATS_LOOP_H

#include <stdbool.h>
#include <stddef.h>

#include "transport/nats/carrier.h"

typedef struct nats_loop nats_loop;

/* Connects to the server at 127.0.0.1, and subscribes to a subject. */
nats_loop *nats_loop_open(unsigned port, const char *subject);

/* Adds a message to those that are sent together at the next wait for input.
 * `reply` may be NULL. */
void nats_loop_put(nats_loop *l, const char *subject, const char *reply,
                   const void *data, size_t len);

/* Waits for the next message, which is valid until the next call. False: a
 * message of ours with `reply` found no subscriber. */
bool nats_loop_next(nats_loop *l, nats_message *out);

#endif
