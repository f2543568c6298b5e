/*
 * The thread of a connection to NATS: moves bytes between stream sockets and
 * links, and what else comes to its owner.
 *
 * A link is one connection of the protocol between machines over NATS: bytes in
 * both directions, in messages that say where in these bytes they begin.  So
 * what got lost on the way, with a server that died, is known when the next one
 * comes, and ends the link; nothing is ever missing in the middle, and nothing
 * comes twice.
 *
 *     tcp's code <- socket pair -> pump <- carrier -> NATS
 *
 * Each end may have NATS_WINDOW_BYTES on its way; the other one acknowledges
 * what it has given to its socket.  A link ends when both sides have sent END,
 * or with CLOSE by either.
 *
 * At a client the pump also looks whether the gateway is there: while calls are
 * in flight it asks after 50 ms of silence, then ever less often, at least each
 * second.  An answer of NATS's that nobody is there ends the link, as does
 * silence for NATS_SILENCE_NS.
 *
 * Threading: before start and after stop one thread; then on_message is called
 * by the pump's own, and so are all functions but start and stop to be.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_PUMP_H
#define SHMRPCI_TRANSPORT_NATS_PUMP_H

#include "os/clock.h"
#include "shmrpc/error.h"
#include "transport/nats/carrier.h"
#include "transport/nats/parcel.h"

/* Links of a pump at a time. */
#define NATS_LINKS_MAX 1024u

/* Subscriptions of a pump. */
#define NATS_INBOXES_MAX 8u

/* Nothing was heard for so long of a peer that owes an answer: it is taken for
 * gone. Between machines NATS itself does not tell. */
#define NATS_SILENCE_NS (10 * SHMRPCI_NS_PER_S)

/* A client that has nothing to say says so this often; a gateway forgets one
 * that did not. */
#define NATS_IDLE_NS   (20 * SHMRPCI_NS_PER_S)
#define NATS_FORGET_NS (70 * SHMRPCI_NS_PER_S)

typedef struct nats_pump nats_pump;

typedef struct nats_pump_opts {
    nats_opts carrier; /* on_change and user are the pump's */
    bool is_gateway;
    /*
     * What came to a subscription and is not a link's: FIND to OPENED, messages
     * of others (`parcel` NULL), and results but DONE (`message` NULL): that
     * nobody was there, or messages were lost.
     */
    void (*on_message)(void *user, uint32_t inbox, nats_result result,
                       const nats_message *message, const nats_parcel *parcel);
    /* Of a client: returns how many calls are in flight. NULL: it is assumed
     * that some are. */
    uint32_t (*calls)(void *user);
    /* Called about once a second; may be NULL. */
    void (*on_second)(void *user);
    void *user;
} nats_pump_opts;

/* What happened on all links so far; any thread. */
typedef struct nats_counts {
    uint64_t links;
    uint64_t messages_in;
    uint64_t messages_out;
    uint64_t probes;
    uint64_t refused; /* messages that can't be */
    uint64_t gaps;    /* links that ended because bytes were lost */
    uint64_t silent;  /* ... because nothing was heard */
    uint64_t nobody;  /* ... because NATS said that nobody is there */
} nats_counts;

/* Connects. UNIMPLEMENTED: no carrier; UNAVAILABLE, DEADLINE: no server;
 * UNAUTHENTICATED; INVALID; EXHAUSTED. */
int nats_pump_create(const nats_pump_opts *opts, nats_pump **out,
                     shmrpc_error *error);

/* `inbox` of its messages: 0 for the first one, and so on. */
int nats_pump_subscribe(nats_pump *pump, const char *subject, const char *queue,
                        shmrpc_error *error);

/* Sends a message. */
nats_result nats_pump_send(nats_pump *pump, const char *subject,
                           const char *reply, const nats_parcel *parcel);
nats_result nats_pump_publish(nats_pump *pump, const char *subject,
                              const void *data, size_t len);

/* A name for a subscription that nobody else has. */
int nats_pump_new_subject(nats_pump *pump, char out[NATS_SUBJECT_BYTES],
                          shmrpc_error *error);

/*
 * Begins a link over `fd`, which is taken over in any case: what the socket
 * brings goes to `subject`, and what comes for the link to the socket. `reply`
 * NULL: nobody wants to know if nobody is there. `number` of a client's link is
 * the gateway's; that one's *out_number is what the client is to be told.
 * EXHAUSTED.
 */
int nats_pump_link(nats_pump *pump, int fd, uint64_t number,
                   const char *subject, const char *reply,
                   uint64_t *out_number);

/* How many there are. */
uint32_t nats_pump_links(const nats_pump *pump);

/* One round: looks, moves, and, unless the owner was told something, waits
 * until there is something to be done, or the deadline. For those who have not
 * started it yet. */
void nats_pump_round(nats_pump *pump, int64_t deadline_ns);

/* Moves on a thread of its own. EXHAUSTED. */
int nats_pump_start(nats_pump *pump, shmrpc_error *error);
/* Ends that thread, when it has sent what there is. */
void nats_pump_stop(nats_pump *pump);
/* Closes everything. In a forked child: only the memory. */
void nats_pump_destroy(nats_pump *pump);

void nats_pump_count(const nats_pump *pump, nats_counts *out);
/* The server that it is connected to; "" for none. */
void nats_pump_server(nats_pump *pump, char *out, size_t size);

#endif
