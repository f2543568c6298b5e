/*
 * The client's side of nats://: links to the instances of a service, each with
 * tcp's protocol code on top, and a choice among the links for each call.
 *
 *     call -> directory: which instance -> route: which link -> tcp -> pump
 *
 * Connecting opens the first link. A thread of the client, the scout, opens the
 * others and looks for instances. A lost route takes no more calls and is
 * removed once its last call has ended; the client is lost when it has no route
 * left.
 *
 * Threading: as the client interface allows. Everything is guarded by `lock`,
 * which is never held while tcp's code waits. Only on_wake calls the pump with
 * the lock held.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_CLIENT_H
#define SHMRPCI_TRANSPORT_NATS_CLIENT_H

#include "os/thread.h"
#include "transport/adopted.h"
#include "transport/nats/directory.h"
#include "transport/nats/pump.h"
#include "transport/transport.h"

#define NATS_ROUTES_MAX (NATS_INSTANCES_MAX * NATS_INSTANCE_LINKS_MAX)

/* Limit of calls in flight per client, over all links; further calls wait. */
#define NATS_CALLS_MAX 256u

typedef struct nats_client nats_client;

typedef enum nats_route_state {
    NATS_ROUTE_FREE,
    NATS_ROUTE_WANTED,  /* the pump has not taken the socket yet */
    NATS_ROUTE_OPENING, /* the pump has the socket; the welcome has not
                         * arrived */
    NATS_ROUTE_READY,
    NATS_ROUTE_LOST
} nats_route_state;

/* A link to an instance, and the protocol's connection over it. */
typedef struct nats_route {
    nats_client *client;
    nats_route_state state;
    uint32_t instance; /* index in the directory; valid until the route is
                        * lost */
    int fd;            /* WANTED: the pump's end of the socket */
    bool is_linked;    /* the pump has the socket, and will call on_cut */
    nats_cut cut;      /* why the link ended, as given to on_cut */
    shmrpci_conn *inner;
    uint32_t calls; /* in flight */
    uint32_t held;  /* number of calls and streams that use it */
} nats_route;

struct nats_client {
    shmrpci_conn base;
    uint32_t generation; /* identifies the process that connected */
    nats_pump *pump;
    char reply[NATS_SUBJECT_BYTES]; /* for answers to FIND */
    shmrpci_address over; /* address of the inner connections; its `name` is the
                           * service */
    shmrpci_connect_opts opts;
    uint8_t hello[SHMRPCI_HELLO_MAX_BYTES];
    shmrpci_thread scout;
    bool has_scout;
    shmrpci_mutex lock;
    shmrpci_cond changed; /* signalled by answers, lost routes and calls that
                           * end */
    bool has_welcome;
    shmrpci_buf welcome; /* welcome of the first link: all others must be
                          * equal */
    nats_directory directory;
    nats_route routes[NATS_ROUTES_MAX];
    uint32_t route_top; /* index of the first route that was never used */
    uint32_t calls;     /* in flight */
    uint32_t waiting;   /* threads that wait for `calls` to fall below the
                         * limit */
    uint32_t streams;   /* open, over all links */
    bool has_streams;   /* a stream was opened at least once */
    bool is_leaving;
    bool wants_find; /* the pump shall send FIND */
    bool is_nobody;  /* the last FIND found no instance */
    bool is_refused; /* a gateway has reported that its service is not
                      * running */
    int64_t searched_ns;
    int64_t search_ns; /* when to search for instances again */
    uint64_t random;
    int watch_set; /* -1: not watched */
    uint64_t watch_tag;
};

extern const shmrpci_client_ops nats_client_ops;
extern const shmrpci_stream_ops nats_stream_ops;

/* The operations of the inner connections, which are tcp's. */
static inline const shmrpci_client_ops *nats_inner(void)
{
    return shmrpci_transport_adopted.client;
}

/* ---- scout.c: finding instances, and opening links ---- */

/* Looks for instances and opens the first link. */
int nats_client_begin(nats_client *client, shmrpci_buf *welcome,
                      int64_t deadline_ns, shmrpc_error *error);
/* Starts the scout. Returns EXHAUSTED if the thread can't be created. */
int nats_client_scout(nats_client *client, shmrpc_error *error);
/* Ends the scout and all links. */
void nats_client_end(nats_client *client);
/* Fills in the callbacks that the pump calls. */
void nats_client_callbacks(nats_pump_opts *opts);
/* Indexes of the subscriptions, in the order in which they are made. */
enum { NATS_INBOX_ANSWERS, NATS_INBOX_UP, NATS_INBOX_DOWN };

/* ---- client.c ---- */

/* Counts the streams of a call. Returns EXHAUSTED if the connection would have
 * more than SHMRPCI_STREAMS_MAX over all its links. From now on only the pump's
 * thread moves bytes, as items may arrive at any time. */
int nats_client_begin_streams(nats_client *client, shmrpc_error *error);
/* Uncounts streams that were closed, or could not be opened. */
void nats_client_end_streams(nats_client *client);

/* ---- route.c: which link a call takes ---- */

/* Chooses the best link for a call and counts the call there. Returns NULL if
 * no link is left. */
nats_route *nats_route_take(nats_client *client);
/* Uncounts a call that nats_route_take has counted. */
void nats_route_over(nats_route *route);
/* Called when a stream of a counted call is opened (hold) or closed
 * (let_go). */
void nats_route_hold(nats_route *route);
void nats_route_let_go(nats_route *route);
/* Reports with which status a call was answered. */
void nats_route_answered(nats_route *route, int status);
/* Called with the lock held. The route takes no more calls. */
void nats_route_lose(nats_route *route);
/* Like nats_route_lose, but because the instance refuses calls: for a moment no
 * new link to the instance is tried. */
void nats_route_retire(nats_route *route);
/* Called with the lock held. Returns a new route; NULL: all are in use. */
nats_route *nats_route_new(nats_client *client, uint32_t instance, int fd);
/* Called with the lock held: opening the route has failed (failed), or the
 * route now takes calls (ready). */
void nats_route_failed(nats_route *route);
void nats_route_ready(nats_route *route, shmrpci_conn *inner);
/* Closes lost routes that nobody uses. Called with the lock held; releases it
 * while closing a route. */
void nats_route_sweep(nats_client *client);
/* Called with the lock held. Returns a random number. */
uint64_t nats_client_random(nats_client *client);

static inline nats_client *nats_client_of(shmrpci_conn *conn)
{
    return (nats_client *)(void *)conn;
}

/* Whether this process opened the client. In a forked child, locks of the
 * parent may be held for ever. */
bool nats_client_is_ours(const nats_client *client);

/* The route of a call is stored after the state of tcp's code. */
static inline nats_route *nats_route_of(const shmrpci_call *call)
{
    return call->data.pointers[7];
}

#endif
