/*
 * The thread of a connection to NATS: moves bytes between stream sockets and
 * links, and passes other messages to its owner.
 *
 * A link carries one connection of the protocol between machines over NATS:
 * bytes in both directions, in messages that state their offset. If a message
 * is lost, for example because a server died, the next one shows it and the
 * link ends; no bytes are ever missing in the middle or delivered twice.
 *
 *     tcp's code <- socket pair -> pump <- carrier -> NATS
 *
 * Each side may have NATS_WINDOW_BYTES in flight; the other acknowledges bytes
 * once it has written them to its socket. A link ends when both sides have sent
 * END, or when either sends CLOSE.
 *
 * A client's link has a subscription of its own, so that NATS's answer "no
 * responders" tells which gateway is gone; that ends the link. The pump also
 * checks that the gateway is alive: while calls are in flight it probes after
 * 50 ms of silence, then at growing intervals of at most a second. Silence for
 * NATS_SILENCE_NS ends the link, too.
 *
 * Threading: before start and after stop one thread; in between one at a time
 * does a round, in which it calls the owner and may call all functions: the
 * pump's own thread, or one that has taken over.  Outside of rounds any thread
 * may call those that say so.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_PUMP_H
#define SHMRPCI_TRANSPORT_NATS_PUMP_H

#include "os/clock.h"
#include "shmrpc/error.h"
#include "transport/nats/carrier.h"
#include "transport/nats/parcel.h"

/* Most links of a pump. */
#define NATS_LINKS_MAX 1024u

/* Most subscriptions of a pump, not counting those of links. */
#define NATS_INBOXES_MAX 8u

/* How long a gateway may take to answer OPEN. */
#define NATS_OPEN_NS (2 * SHMRPCI_NS_PER_S)

/* A peer that owes an answer and has been silent for this long counts as dead.
 * NATS itself does not report the death of a machine. */
#define NATS_SILENCE_NS (10 * SHMRPCI_NS_PER_S)

/* How often a client with nothing to send sends ALIVE; a gateway drops a client
 * that has not. */
#define NATS_IDLE_NS   (20 * SHMRPCI_NS_PER_S)
#define NATS_FORGET_NS (70 * SHMRPCI_NS_PER_S)

typedef struct nats_pump nats_pump;

/* The reason why a link ended. */
typedef enum nats_cut {
    NATS_CUT_NONE,   /* closed in good order */
    NATS_CUT_GAP,    /* bytes were lost */
    NATS_CUT_LIE,    /* the peer sent something impossible */
    NATS_CUT_NOBODY, /* NATS says that the peer has no subscription */
    NATS_CUT_SILENT,
    NATS_CUT_PEER,    /* the peer sent CLOSE */
    NATS_CUT_REFUSED, /* the gateway refused to open a link */
    NATS_CUT_MEMORY   /* our memory ran out */
} nats_cut;

typedef struct nats_pump_opts {
    nats_opts carrier; /* the pump sets on_change and user */
    bool is_gateway;
    /*
     * Called for messages that belong to no link: FIND to OPENED, foreign
     * messages (`parcel` NULL), and results other than DONE (`message` NULL):
     * no subscriber, or messages were lost.
     */
    void (*on_message)(void *user, uint32_t inbox, nats_result result,
                       const nats_message *message, const nats_parcel *parcel);
    /* For a client: returns how many calls are in flight on the link that it
     * opened for `owner`. */
    uint32_t (*calls)(void *user, void *owner);
    /* The gateway has reported how many calls it has. */
    void (*on_load)(void *user, void *owner, uint32_t load);
    /* The link has ended, and its socket is about to be closed: the gateway has
     * certainly not received all bytes from `lost_at` on. */
    void (*on_cut)(void *user, void *owner, nats_cut why, uint64_t lost_at);
    /* Called in the pump's thread after wake; NULL: never. */
    void (*on_wake)(void *user);
    /* For a gateway: returns how many calls it has. */
    uint32_t (*load)(void *user);
    /* A connection to NATS was made, the first one included; may be NULL. */
    void (*on_connect)(void *user);
    /* Called about once a second; may be NULL. */
    void (*on_second)(void *user);
    void *user;
} nats_pump_opts;

/* Counts over all links, past ones included; any thread. */
typedef struct nats_counts {
    uint64_t links;
    uint64_t messages_in;
    uint64_t messages_out;
    uint64_t probes;
    uint64_t refused; /* malformed messages */
    uint64_t gaps;    /* links ended because bytes were lost */
    uint64_t silent;  /* ... because of silence */
    uint64_t nobody;  /* ... because NATS found no subscriber */
} nats_counts;

/* Connects. UNIMPLEMENTED: no carrier; UNAVAILABLE, DEADLINE: no server;
 * UNAUTHENTICATED; INVALID; EXHAUSTED. */
int nats_pump_create(const nats_pump_opts *opts, nats_pump **out,
                     shmrpc_error *error);

/* Subscribes. `inbox` in on_message is 0 for the first subscription, and so on.
 * With a queue group messages count as foreign, whatever they contain: `parcel`
 * is NULL. */
int nats_pump_subscribe(nats_pump *pump, const char *subject, const char *queue,
                        shmrpc_error *error);

/* Sends a message. */
nats_result nats_pump_send(nats_pump *pump, const char *subject,
                           const char *reply, const nats_parcel *parcel);
nats_result nats_pump_publish(nats_pump *pump, const char *subject,
                              const void *data, size_t len);

/* Sends others an empty message, whose answers go to `reply`. */
nats_result nats_pump_ask(nats_pump *pump, const char *subject,
                          const char *reply);
/* As publish, with headers; any thread. AWAY: there is no connection; TOO_LONG:
 * longer than the servers accept. */
nats_result nats_pump_answer(nats_pump *pump, const char *subject,
                             const nats_header *headers, size_t head_count,
                             const void *data, size_t len);
/* The headers of a message, within on_message (carrier.h). */
bool nats_pump_headers(nats_pump *pump, const nats_message *message,
                       void (*each)(void *user, const nats_header *header),
                       void *user);

/* A unique subject for a subscription. */
int nats_pump_new_subject(nats_pump *pump, char out[NATS_SUBJECT_BYTES],
                          shmrpc_error *error);

/*
 * For a gateway: begins a link over `fd`, which is taken over even on failure:
 * bytes from the socket go to `subject`, and bytes for the link to the socket.
 * *out_number is the number for the client. EXHAUSTED.
 */
int nats_pump_link(nats_pump *pump, int fd, const char *subject,
                   uint64_t *out_number);

/*
 * For a client: asks the gateway at `subject` for a link, which begins once
 * that has answered. `fd` as above. on_cut is called exactly once, however the
 * link ends, even before it has begun. EXHAUSTED: on_cut is not called.
 */
int nats_pump_open(nats_pump *pump, int fd, const char *subject, void *owner);

/* Ends the link that was opened for `owner`, whose on_cut is called: SILENT. */
void nats_pump_cut(nats_pump *pump, const void *owner);

/* How many links there are. */
uint32_t nats_pump_links(const nats_pump *pump);

/* One round: checks for input, moves bytes and, unless a callback of the owner
 * was called, waits until there is something to do, or the deadline. For use
 * before start. */
void nats_pump_round(nats_pump *pump, int64_t deadline_ns);

/* Makes the pump's thread call on_wake. Any thread. */
void nats_pump_wake(nats_pump *pump);

/*
 * A thread that waits for what the pump brings may do the rounds itself
 * (drive), between take_over and give_back: any thread, without a lock that a
 * callback takes.  The pump's thread rests meanwhile, and for 100 ms after
 * that, unless it is wanted.
 */
/* False: another thread does. */
bool nats_pump_take_over(nats_pump *pump);
/* Waits for something to do until the deadline, and does a round; may return
 * early. */
void nats_pump_drive(nats_pump *pump, int64_t deadline_ns);
void nats_pump_give_back(nats_pump *pump);
/* Does a round if the pump's thread rests, without waiting. Any thread. */
void nats_pump_push(nats_pump *pump);
/* The pump's thread goes on at once, or when the thread that has taken over
 * gives back, which is woken. Any thread. */
void nats_pump_want(nats_pump *pump);

/* Whether there is a connection to NATS. */
bool nats_pump_is_connected(const nats_pump *pump);

/* Starts a thread that does the rounds. EXHAUSTED. */
int nats_pump_start(nats_pump *pump, shmrpc_error *error);
/* Ends that thread once it has sent everything. */
void nats_pump_stop(nats_pump *pump);
/* Closes everything. In a forked child: only the memory. */
void nats_pump_destroy(nats_pump *pump);

void nats_pump_count(const nats_pump *pump, nats_counts *out);
/* Whether libnats has given up for ever, as it does when it is refused. */
bool nats_pump_is_closed(nats_pump *pump);

#endif
