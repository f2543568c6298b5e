/*
 * A relay: passes calls on from one transport to a service at another, without
 * reading their bodies.
 *
 *     front (tcp)                relay                     back (shm)
 *     listener    -> next ->  carriers  -> reserve, commit ->  service
 *     connections <- reply <- carriers, or the returner <- receive <-
 *
 * Carriers, a few threads, take requests and send them, one carrier at a time
 * as long as calls are quick. If nothing else is to be done, it waits for the
 * replies itself for a moment; a call that takes longer is handed to the
 * returner, a single thread that sleeps until any call on any link has ended,
 * was cancelled, or is overdue. So calls in progress occupy no threads, however
 * many and slow they are.
 *
 * A few links connect to the service. A thread of its own makes them: one more
 * when calls find the others busy, and a new one when one is lost. If a call
 * has certainly not run, because the service went away, its client is told so
 * and sends it again.
 *
 * Threading: open, run, close: one thread; stop: any, or a signal handler.
 */
#ifndef SHMRPC_TOOLS_RELAY_RELAY_H
#define SHMRPC_TOOLS_RELAY_RELAY_H

#include "shmrpc/error.h"
#include "transport/transport.h"

#define RELAY_CARRIERS_MAX 16u
#define RELAY_LINKS_MAX    16u

/* The most calls in flight; further calls wait in the front's queue. */
#define RELAY_ERRANDS_MAX 1024u

typedef struct relay relay;

typedef struct relay_opts {
    shmrpci_address front;
    shmrpci_address back;
    /* Options of the front, which set its limits. Its on_hello answers as the
     * service would; it is called on the thread that runs the relay. The relay
     * sets on_cancel and max_workers. */
    shmrpci_listen_opts listen;
    /* The hello that is sent to the service. */
    const uint8_t *hello;
    size_t hello_len;
    /*
     * The service has answered that hello: returns OK, or the reason why calls
     * to it are not allowed. Sets *has_changed when clients that were greeted
     * before must reconnect. One thread at a time; user is that of `listen`.
     */
    int (*on_welcome)(void *user, const uint8_t *welcome, size_t len,
                      bool *has_changed, shmrpc_error *error);
    /* One line for people. May be NULL. */
    void (*say)(void *user, const char *line);
    uint32_t carriers; /* 0: 2 */
    uint32_t links;    /* at most; 0: RELAY_LINKS_MAX */
    int64_t drain_ns;  /* how long calls in progress may take at the end; 0: 10
                        * s */
} relay_opts;

/* Listens, and connects to the service, if that is there: OK even if it is not;
 * but fails if on_welcome refuses it. */
int relay_open(const relay_opts *opts, relay **out, shmrpc_error *error);
/* Relays until it is stopped. */
int relay_run(relay *r, shmrpc_error *error);
void relay_stop(relay *r);
/* After run: waits for calls in progress, for the time of the options, and
 * frees everything. */
void relay_close(relay *r);

/* The transport on which clients connect. */
shmrpci_listener *relay_front(const relay *r);
/* Number of calls in progress; any thread. */
uint32_t relay_calls(relay *r);
/* Where it listens. */
const char *relay_describe(const relay *r);
/* Whether the service can be called; any thread. */
bool relay_is_up(relay *r);

#endif
