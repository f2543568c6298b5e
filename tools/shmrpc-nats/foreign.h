/*
 * Calls of clients without shmrpc: requests of NATS become calls of the service
 * through its own tables, as those of HTTP do in shmrpc-web.
 *
 *     NATS -> pump -> waiting -> a client of the service at shm
 *          <- answers, from this thread <-
 *
 * Requests are decoded and encoded again here, so the service gets nothing that
 * a client of its own could not have sent. A connection has room for 64 calls;
 * further requests wait, within the limits below, while their deadline runs.
 *
 * Threading: take: the pump's thread; renew and count: any thread; the others:
 * one thread at a time.
 */
#ifndef SHMRPC_TOOLS_NATS_FOREIGN_H
#define SHMRPC_TOOLS_NATS_FOREIGN_H

#include "shmrpc/error.h"
#include "transport/nats/pump.h"

/* Requests that wait for a call to end, and the bytes of their bodies. One more
 * is answered with EXHAUSTED. */
#define FOREIGN_WAITING_MAX   1024u
#define FOREIGN_WAITING_BYTES ((size_t)16 << 20)

typedef struct foreign foreign;

typedef struct foreign_opts {
    const char *service; /* NAME[@INSTANCE] */
    uint16_t port;
    size_t max_message_bytes;
    nats_pump *pump;
} foreign_opts;

/* Counts of a method. */
typedef struct foreign_counts {
    uint64_t requests;
    uint64_t errors;
    uint64_t total_ns;   /* from arrival to answer */
    char last_error[48]; /* its name; "": none so far */
} foreign_counts;

/* Starts no thread, connects to nothing. EXHAUSTED, NO_MEMORY. */
int foreign_create(const foreign_opts *opts, foreign **out,
                   shmrpc_error *error);
/* Starts the thread. EXHAUSTED. */
int foreign_start(foreign *f, shmrpc_error *error);
/* Takes a request, which is answered now or later. `is_leaving`: it is refused,
 * as not run. */
void foreign_take(foreign *f, const nats_message *message, bool is_leaving);
/* The service has another contract. */
void foreign_renew(foreign *f);
/* Ends the thread: refuses waiting and new requests, and lets calls in progress
 * run until the deadline. NULL is fine. */
void foreign_end(foreign *f, int64_t deadline_ns);
/* Called after end, and after the pump has ended. NULL is fine. */
void foreign_destroy(foreign *f);
/* Counts of a method of the present interface. */
void foreign_count(foreign *f, const char *method, size_t len,
                   foreign_counts *out);

#endif
