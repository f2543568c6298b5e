/*
 * A connection to NATS with its thread: moves bytes between stream sockets and
 * links, and passes other messages to its owner.
 *
 * A link carries one connection of the protocol between machines over NATS:
 * bytes in both directions, in messages that state their offset. If a message
 * is lost, for example because a server died, the next message shows it and the
 * link ends; no bytes are ever missing in the middle or delivered twice.
 *
 *     tcp's code <- socket pair -> pump <- carrier -> NATS
 *
 * Each side may have NATS_WINDOW_BYTES in flight; the other side acknowledges
 * bytes once it has written them to its socket. A link ends when both sides
 * have sent END, or when either sends CLOSE.
 *
 * Each link of a client has its own subscription, so that NATS's answer "no
 * responders" tells which gateway is gone; that ends the link. The pump also
 * checks that the gateway is alive: while calls are in flight it probes after
 * 50 ms of silence, then at growing intervals of at most a second. Silence for
 * NATS_SILENCE_NS also ends the link.
 *
 * Threading: before start and after stop, one thread uses the pump. In between,
 * one thread at a time does a round: the pump's own thread, or a thread that
 * has taken over. During its round that thread calls the owner and may call all
 * functions. Outside of rounds, any thread may call the functions marked "any
 * thread".
 */
#ifndef SHMRPCI_TRANSPORT_NATS_PUMP_H
#define SHMRPCI_TRANSPORT_NATS_PUMP_H

#include "os/clock.h"
#include "shmrpc/error.h"
#include "transport/nats/carrier.h"
#include "transport/nats/parcel.h"

/* Maximum number of links of a pump. */
#define NATS_LINKS_MAX 1024u

/* Maximum number of subscriptions of a pump, without those of links. */
#define NATS_INBOXES_MAX 8u

/* How long a gateway may take to answer OPEN. */
#define NATS_OPEN_NS (2 * SHMRPCI_NS_PER_S)

/* A peer that owes an answer and has been silent for this long counts as dead.
 * NATS itself does not report the death of a machine. */
#define NATS_SILENCE_NS (10 * SHMRPCI_NS_PER_S)

/* A client with nothing to send sends ALIVE this often; a gateway drops a
 * client that has sent nothing for NATS_FORGET_NS. */
#define NATS_IDLE_NS   (20 * SHMRPCI_NS_PER_S)
#define NATS_FORGET_NS (70 * SHMRPCI_NS_PER_S)

typedef struct nats_pump nats_pump;

/* The reason why a link ended. */
typedef enum nats_cut {
    NATS_CUT_NONE,   /* both sides ended it normally */
    NATS_CUT_GAP,    /* bytes were lost */
    NATS_CUT_LIE,    /* the peer violated the protocol */
    NATS_CUT_NOBODY, /* NATS says that the peer has no subscription */
    NATS_CUT_SILENT,
    NATS_CUT_PEER,    /* the peer sent CLOSE */
    NATS_CUT_REFUSED, /* the gateway refused to open a link */
    NATS_CUT_MEMORY   /* our memory ran out */
} nats_cut;

typedef struct nats_pump_opts {
    nats_opts carrier; /* the pump overwrites on_change and user */
    bool is_gateway;
    /*
     * Called for everything that belongs to no link: messages from FIND to
     * OPENED; foreign messages (`parcel` is NULL); and results other than DONE
     * (`message` is NULL), which mean that NATS found no subscriber or that
     * messages were lost.
     */
    void (*on_message)(void *user, uint32_t inbox, nats_result result,
                       const nats_message *message, const nats_parcel *parcel);
    /* Client only: returns the number of calls in flight on the link that was
     * opened for `owner`. */
    uint32_t (*calls)(void *user, void *owner);
    /* A gateway has reported how many calls it has. */
    void (*on_load)(void *user, void *owner, uint32_t load);
    /* The link of `owner` has ended and its socket is about to be closed. The
     * gateway has certainly not received the bytes from offset `lost_at` on. */
    void (*on_cut)(void *user, void *owner, nats_cut why, uint64_t lost_at);
    /* Called in the pump's thread after nats_pump_wake; may be NULL. */
    void (*on_wake)(void *user);
    /* Gateway only: returns how many calls it has. */
    uint32_t (*load)(void *user);
    /* A connection to NATS was made, for the first time or again; may be
     * NULL. */
    void (*on_connect)(void *user);
    /* Called about once a second; may be NULL. */
    void (*on_second)(void *user);
    void *user;
} nats_pump_opts;

/* Statistics over all links, including ended ones; any thread. */
typedef struct nats_counts {
    uint64_t links;
    uint64_t messages_in;
    uint64_t messages_out;
    uint64_t probes;
    uint64_t refused; /* malformed messages */
    uint64_t gaps;    /* links ended because bytes were lost */
    uint64_t silent;  /* links ended because of silence */
    uint64_t nobody;  /* links ended because NATS found no subscriber */
} nats_counts;

/* Connects. Returns UNIMPLEMENTED if there is no carrier, UNAVAILABLE or
 * DEADLINE if no server answers, UNAUTHENTICATED, INVALID or EXHAUSTED. */
int nats_pump_create(const nats_pump_opts *opts, nats_pump **out,
                     shmrpc_error *error);

/* Subscribes. The first subscription has the number 0 (`inbox` of on_message),
 * the next one 1, and so on. With a queue group every message counts as
 * foreign, whatever it contains: `parcel` is NULL. */
int nats_pump_subscribe(nats_pump *pump, const char *subject, const char *queue,
                        shmrpc_error *error);

/* Sends one of our messages (send), or foreign data (publish). */
nats_result nats_pump_send(nats_pump *pump, const char *subject,
                           const char *reply, const nats_parcel *parcel);
nats_result nats_pump_publish(nats_pump *pump, const char *subject,
                              const void *data, size_t len);

/* Publishes an empty message as a request; answers go to `reply`. */
nats_result nats_pump_ask(nats_pump *pump, const char *subject,
                          const char *reply);
/* Like nats_pump_publish, with headers; any thread. Returns AWAY if there is no
 * connection, TOO_LONG if the message is longer than the servers accept. */
nats_result nats_pump_answer(nats_pump *pump, const char *subject,
                             const nats_header *headers, size_t head_count,
                             const void *data, size_t len);
/* Reads the headers of a message within on_message (carrier.h). */
bool nats_pump_headers(nats_pump *pump, const nats_message *message,
                       void (*each)(void *user, const nats_header *header),
                       void *user);

/* Makes a unique subject for a subscription. */
int nats_pump_new_subject(nats_pump *pump, char out[NATS_SUBJECT_BYTES],
                          shmrpc_error *error);

/*
 * Gateway only: begins a link over `fd`, which the pump takes over even on
 * failure. Bytes read from the socket go to `subject`; bytes received for the
 * link go to the socket. The client needs *out_number to address the link.
 * Returns EXHAUSTED if links or memory are exhausted.
 */
int nats_pump_link(nats_pump *pump, int fd, const char *subject,
                   uint64_t *out_number);

/*
 * Client only: asks the gateway at `subject` for a link over `fd`, which the
 * pump takes over even on failure. The link begins once the gateway has
 * answered. on_cut is called exactly once, however the link ends, even if it
 * never began. Returns EXHAUSTED if links or memory are exhausted; then on_cut
 * is not called.
 */
int nats_pump_open(nats_pump *pump, int fd, const char *subject, void *owner);

/* Ends the link of `owner` with the reason SILENT; calls on_cut. */
void nats_pump_cut(nats_pump *pump, const void *owner);

/* Returns the number of links. */
uint32_t nats_pump_links(const nats_pump *pump);

/* Does one round: checks for input, moves bytes and waits until there is
 * something to do or the deadline passes. It does not wait if a callback of the
 * owner was called. For use before nats_pump_start. */
void nats_pump_round(nats_pump *pump, int64_t deadline_ns);

/* Makes the pump's thread call on_wake; any thread. */
void nats_pump_wake(nats_pump *pump);

/*
 * A thread that waits for a message, such as a reply, may do the rounds itself:
 * it calls take_over, then drive repeatedly, then give_back. It must not hold a
 * lock that a callback takes. From take_over until 100 ms after give_back the
 * pump's own thread is parked, unless nats_pump_want was called.
 */
/* Returns false if another thread already does the rounds. */
bool nats_pump_take_over(nats_pump *pump);
/* Waits for something to do until the deadline, and does a round. May return
 * early. */
void nats_pump_drive(nats_pump *pump, int64_t deadline_ns);
void nats_pump_give_back(nats_pump *pump);
/* If the pump's thread is parked, does a round without waiting; any thread. */
void nats_pump_push(nats_pump *pump);
/* Makes the pump's thread do the rounds again: at once or, if another thread
 * has taken over, after its give_back. Ends the drive of that thread, so that
 * it can give back soon. Any thread. */
void nats_pump_want(nats_pump *pump);

/* Whether there is a connection to NATS. */
bool nats_pump_is_connected(const nats_pump *pump);

/* Starts a thread that does the rounds. Returns EXHAUSTED if it can't be
 * created. */
int nats_pump_start(nats_pump *pump, shmrpc_error *error);
/* Stops that thread after it has sent everything. */
void nats_pump_stop(nats_pump *pump);
/* Closes everything. In a forked child it only frees memory. */
void nats_pump_destroy(nats_pump *pump);

void nats_pump_count(const nats_pump *pump, nats_counts *out);
/* Whether libnats has stopped reconnecting, as it does when a server refuses
 * us. */
bool nats_pump_is_closed(nats_pump *pump);

#endif
