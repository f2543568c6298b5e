/*
 * Calls of clients without shmrpc: NATS requests become calls of the service
 * through the tables of its interface, as HTTP requests do in shmrpc-web.
 *
 *     NATS -> pump -> waiting -> a client of the service at shm
 *          <- answers, published by the thread of foreign.c <-
 *
 * Requests are decoded and encoded again here, so the service gets nothing that
 * one of its own clients could not have sent. A connection has room for 64
 * calls; further requests wait, within the limits below, while their deadlines
 * run.
 *
 * Threading: take: the pump's thread; renew and count: any thread; the others:
 * one thread at a time.
 */
#ifndef SHMRPC_TOOLS_NATS_FOREIGN_H
#define SHMRPC_TOOLS_NATS_FOREIGN_H

#include "shmrpc/error.h"
#include "transport/nats/pump.h"

/* Maximum number of requests that wait for a call to end, and of the bytes of
 * their bodies. A request beyond these is answered with EXHAUSTED. */
#define FOREIGN_WAITING_MAX   1024u
#define FOREIGN_WAITING_BYTES ((size_t)16 << 20)

typedef struct foreign foreign;

typedef struct foreign_opts {
    const char *service; /* NAME[@INSTANCE] */
    uint16_t port;
    size_t max_message_bytes;
    nats_pump *pump;
} foreign_opts;

/* Statistics of a method. */
typedef struct foreign_counts {
    uint64_t requests;
    uint64_t errors;
    uint64_t total_ns;   /* from arrival to answer */
    char last_error[48]; /* name of the last error; "": none so far */
} foreign_counts;

/* Creates it; starts no thread and does not connect. Returns EXHAUSTED or
 * NO_MEMORY on failure. */
int foreign_create(const foreign_opts *opts, foreign **out,
                   shmrpc_error *error);
/* Starts the thread. Returns EXHAUSTED if it can't be created. */
int foreign_start(foreign *f, shmrpc_error *error);
/* Takes a request, which is answered now or later. `is_leaving`: the request is
 * refused as not run. */
void foreign_take(foreign *f, const nats_message *message, bool is_leaving);
/* Called when the service has another contract. */
void foreign_renew(foreign *f);
/* Ends the thread: refuses waiting and new requests, and lets calls in progress
 * run until the deadline. NULL is allowed. */
void foreign_end(foreign *f, int64_t deadline_ns);
/* Called after foreign_end and after the pump has ended. NULL is allowed. */
void foreign_destroy(foreign *f);
/* Returns the statistics of a method of the present interface. */
void foreign_count(foreign *f, const char *method, size_t len,
                   foreign_counts *out);

#endif
