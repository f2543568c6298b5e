/*
 * The client's side of nats://: links to the instances of a service, each with
 * tcp's protocol code over it, and a choice among them for each call.
 *
 *     call -> directory: which instance -> route: which link -> tcp -> pump
 *
 * The first link is opened by connect, the others by a thread of the client,
 * the scout, which also looks for instances. A lost route takes no more calls
 * and is removed once its last call has ended; the client is lost when it has
 * no route left.
 *
 * Threading: as the interface. Everything is guarded by `lock`. It is never
 * held while tcp's code waits; only on_wake calls the pump with it held.
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
    NATS_ROUTE_WANTED,  /* WANTED: the pump has yet to take the socket */
    NATS_ROUTE_OPENING, /* the pump has it; the welcome has not come */
    NATS_ROUTE_READY,
    NATS_ROUTE_LOST
} nats_route_state;

/* A link to an instance, and the protocol's connection over it. */
typedef struct nats_route {
    nats_client *client;
    nats_route_state state;
    uint32_t instance; /* in the directory, while it is not lost */
    int fd;            /* WANTED: the pump's end of the socket */
    bool is_linked;    /* the pump has the socket, and will call on_cut */
    nats_cut cut;      /* the reason of that */
    shmrpci_conn *inner;
    uint32_t calls; /* in flight */
    uint32_t held;  /* number of calls and streams that use it */
} nats_route;

struct nats_client {
    shmrpci_conn base;
    uint32_t generation; /* identifies the process that connected */
    nats_pump *pump;
    char reply[NATS_SUBJECT_BYTES]; /* for answers to FIND */
    shmrpci_address over; /* address of the inner connections; `name`: the
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
    uint32_t route_top; /* first route that was never used */
    uint32_t calls;     /* in flight */
    uint32_t waiting;   /* threads that wait until fewer are */
    uint32_t streams;   /* open, over all links */
    bool has_streams;   /* since the first one was opened */
    bool is_leaving;
    bool wants_find; /* the pump is to send FIND */
    bool is_nobody;  /* the last FIND found no instance */
    bool is_refused; /* a gateway says that it has no service */
    int64_t searched_ns;
    int64_t search_ns; /* when to search for instances again */
    uint64_t random;
    int watch_set; /* -1: not watched */
    uint64_t watch_tag;
};

extern const shmrpci_client_ops nats_client_ops;
extern const shmrpci_stream_ops nats_stream_ops;

/* The operations of the connections over links, which are tcp's. */
static inline const shmrpci_client_ops *nats_inner(void)
{
    return shmrpci_transport_adopted.client;
}

/* ---- scout.c: finding instances, and opening links ---- */

/* Looks for instances, and opens the first link. */
int nats_client_begin(nats_client *client, shmrpci_buf *welcome,
                      int64_t deadline_ns, shmrpc_error *error);
/* Starts the scout. EXHAUSTED. */
int nats_client_scout(nats_client *client, shmrpc_error *error);
/* Ends it, and all links. */
void nats_client_end(nats_client *client);
/* The functions that the pump calls. */
void nats_client_callbacks(nats_pump_opts *opts);
/* The subscriptions, in this order. */
enum { NATS_INBOX_ANSWERS, NATS_INBOX_UP, NATS_INBOX_DOWN };

/* ---- client.c ---- */

/* Counts a call's streams, of which a connection has SHMRPCI_STREAMS_MAX
 * however many links it has: EXHAUSTED. From now on the pump's thread alone
 * moves bytes, as items come at any time. */
int nats_client_begin_streams(nats_client *client, shmrpc_error *error);
/* They are closed, or were not opened. */
void nats_client_end_streams(nats_client *client);

/* ---- route.c: which link a call takes ---- */

/* Chooses the best link for a call and counts the call there. NULL: there is no
 * link left. */
nats_route *nats_route_take(nats_client *client);
/* That call is over. */
void nats_route_over(nats_route *route);
/* A stream of a counted call was opened or closed. */
void nats_route_hold(nats_route *route);
void nats_route_let_go(nats_route *route);
/* How a call was answered. */
void nats_route_answered(nats_route *route, int status);
/* With the lock held: it takes no more calls. */
void nats_route_lose(nats_route *route);
/* The same, because the instance refuses calls: no new link to it is tried for
 * a moment. */
void nats_route_retire(nats_route *route);
/* With the lock held: a new route; NULL: there is no room. */
nats_route *nats_route_new(nats_client *client, uint32_t instance, int fd);
/* With the lock held: the route has failed, or now takes calls. */
void nats_route_failed(nats_route *route);
void nats_route_ready(nats_route *route, shmrpci_conn *inner);
/* With the lock held, which it releases meanwhile: closes lost routes that
 * nobody uses. */
void nats_route_sweep(nats_client *client);
/* With the lock held: a random number. */
uint64_t nats_client_random(nats_client *client);

static inline nats_client *nats_client_of(shmrpci_conn *conn)
{
    return (nats_client *)(void *)conn;
}

/* Whether this process opened it; a parent's locks may be held for ever in a
 * child. */
bool nats_client_is_ours(const nats_client *client);

/* Where a call keeps its route: behind the state of tcp's code. */
static inline nats_route *nats_route_of(const shmrpci_call *call)
{
    return call->data.pointers[7];
}

#endif
