/*
 * A relay: passes calls from one transport on to a service at another, without
 * reading their bodies.
 *
 *     front (tcp)                relay                     back (shm)
 *     listener    -> next ->  carriers  -> reserve, commit ->  service
 *     connections <- reply <- carriers, or the returner <- receive <-
 *
 * Carriers are a few threads that take requests and send them; as long as calls
 * are quick, one carrier at a time does so. If there is nothing else to do, the
 * carrier itself waits for the replies for a moment. A call that takes longer
 * is handed to the returner, a single thread that sleeps until any call on any
 * link has ended, was cancelled, or is overdue. So calls in progress occupy no
 * threads, however many and slow they are.
 *
 * Links are a few connections to the service. A thread, the linker, makes them:
 * one more link when all existing ones are busy, and a new one when a link is
 * lost. If a call has certainly not run, because the service went away, the
 * client is told so and sends it again.
 *
 * Threading: open, run, close: one thread; stop: any thread, or a signal
 * handler.
 */
#ifndef SHMRPC_TOOLS_RELAY_RELAY_H
#define SHMRPC_TOOLS_RELAY_RELAY_H

#include "shmrpc/error.h"
#include "transport/transport.h"

#define RELAY_CARRIERS_MAX 16u
#define RELAY_LINKS_MAX    16u

/* Maximum number of calls in flight; further calls wait in the front's
 * queue. */
#define RELAY_ERRANDS_MAX 1024u

typedef struct relay relay;

typedef struct relay_opts {
    shmrpci_address front;
    shmrpci_address back;
    /* Options of the front, with its limits. The front's on_hello answers as
     * the service would; it is called on the thread that runs the relay. The
     * relay itself sets on_cancel and max_workers. */
    shmrpci_listen_opts listen;
    /* The hello to send to the service. */
    const uint8_t *hello;
    size_t hello_len;
    /*
     * Called when the service has answered that hello. Returns OK, or why calls
     * to the service are not allowed. Sets *has_changed if clients that were
     * greeted before must reconnect. Called by one thread at a time; `user` is
     * the user pointer of `listen`.
     */
    int (*on_welcome)(void *user, const uint8_t *welcome, size_t len,
                      bool *has_changed, shmrpc_error *error);
    /* Reports one line for people; may be NULL. */
    void (*say)(void *user, const char *line);
    uint32_t carriers; /* 0: 2 */
    uint32_t links;    /* maximum number of links; 0: RELAY_LINKS_MAX */
    int64_t drain_ns;  /* how long closing waits for calls in progress; 0: 10
                        * s */
} relay_opts;

/* Listens and connects to the service. Succeeds even if the service does not
 * run, but fails if on_welcome refuses it. */
int relay_open(const relay_opts *opts, relay **out, shmrpc_error *error);
/* Relays calls until it is stopped. */
int relay_run(relay *r, shmrpc_error *error);
void relay_stop(relay *r);
/* Must be called after run. Waits for calls in progress for at most drain_ns,
 * and frees everything. */
void relay_close(relay *r);

/* Returns the listener to which clients connect. */
shmrpci_listener *relay_front(const relay *r);
/* Returns the number of calls in progress; any thread. */
uint32_t relay_calls(relay *r);
/* Returns the address at which the relay listens. */
const char *relay_describe(const relay *r);
/* Whether the service can be called; any thread. */
bool relay_is_up(relay *r);

#endif
