/*
 * A relay: passes calls on from one transport to a service at another one,
 * body by body, without a look into them.
 *
 *     front (tcp)                relay                     back (shm)
 *     listener    -> next ->  carriers  -> reserve, commit ->  service
 *     connections <- reply <- carriers, or the returner <- receive <-
 *
 * Carriers, a few threads, take requests and send them, one carrier at a time
 * as long as calls are quick.  If nothing else is to be done, it waits for the
 * replies itself, for a moment; a call that takes longer is the returner's, one
 * thread which sleeps until any call of any link has ended, was cancelled, or
 * is overdue.  So however slow handlers are, and however many calls are in
 * progress, no thread is taken by them.
 *
 * The service is connected to over a few links, made by a thread of their own:
 * by one more when calls find the others busy, anew when they are lost.  A call
 * that has certainly not run, because the service went away, ends as such, and
 * its client sends it again.
 *
 * Threading: open, run, close: one thread; stop: any, or a signal handler.
 */
#ifndef SHMRPC_TOOLS_RELAY_RELAY_H
#define SHMRPC_TOOLS_RELAY_RELAY_H

#include "shmrpc/error.h"
#include "transport/transport.h"

#define RELAY_CARRIERS_MAX 16u
#define RELAY_LINKS_MAX    16u

/* The most calls in flight; more wait in the front's queue. */
#define RELAY_ERRANDS_MAX 1024u

typedef struct relay relay;

typedef struct relay_opts {
    shmrpci_address front;
    shmrpci_address back;
    /* Of the front: how many and how much. Its on_hello says what the service
     * would say; it is called on the thread that runs the relay. on_cancel and
     * max_workers are the relay's. */
    shmrpci_listen_opts listen;
    /* The hello that is sent to the service. */
    const uint8_t *hello;
    size_t hello_len;
    /*
     * The service has answered that: OK, or why it is not to be called. Sets
     * *has_changed when clients who were greeted before must connect anew. By
     * one thread at a time; user is that of `listen`.
     */
    int (*on_welcome)(void *user, const uint8_t *welcome, size_t len,
                      bool *has_changed, shmrpc_error *error);
    /* One line for people. May be NULL. */
    void (*say)(void *user, const char *line);
    uint32_t carriers; /* 0: 2 */
    uint32_t links;    /* at most; 0: RELAY_LINKS_MAX */
    int64_t drain_ns;  /* at the end calls in progress have so long; 0: 10 s */
} relay_opts;

/* Listens, and connects to the service, if that is there: OK in any case; but
 * not if on_welcome refuses it. */
int relay_open(const relay_opts *opts, relay **out, shmrpc_error *error);
/* Relays until it is stopped. */
int relay_run(relay *r, shmrpc_error *error);
void relay_stop(relay *r);
/* After run: calls in progress get their time, and everything is freed. */
void relay_close(relay *r);

/* Who takes its clients. */
shmrpci_listener *relay_front(const relay *r);
/* Calls on their way; any thread. */
uint32_t relay_calls(relay *r);
/* Where it listens. */
const char *relay_describe(const relay *r);
/* Whether the service can be called; any thread. */
bool relay_is_up(relay *r);

#endif
