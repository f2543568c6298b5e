/* The relay as a whole: opening it, its carriers, closing it. */
#include "tools/relay/relay.h"

#include <stdlib.h>

#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/tls_secret.h"
#include "tools/relay/beside.h"
#include "tools/relay/state.h"

/* How long a carrier itself waits for replies before it hands calls over. */
#define MOMENT_NS (200 * SHMRPCI_NS_PER_US)
/* A yield that takes longer than ASIDE_NS gave the CPU to threads that have
 * nothing to do with the calls. The carrier then does not yield for some
 * rounds, twice as many each time, up to STAYS_MAX. */
#define ASIDE_NS  (500 * SHMRPCI_NS_PER_US)
#define STAYS_MAX 1023u
/* How long a carrier keeps the turn while it waits: TURN_NS, and TURN_CALL_NS
 * for each call. If that was too short, it gives the turn away at once for some
 * rounds, up to GIVE_MAX. */
#define TURN_NS      (50 * SHMRPCI_NS_PER_US)
#define TURN_CALL_NS (3 * SHMRPCI_NS_PER_US)
#define GIVE_MAX     15u
/* A carrier that waited this long for a request counts as idle. */
#define IDLE_NS (10 * SHMRPCI_NS_PER_US)
/* Maximum number of requests that a carrier takes at once. */
#define LOAD_MAX LINK_CALLS
/* If replies are still missing after a carrier has waited, it doesn't wait for
 * some rounds, twice as many each time, up to HURRY_MAX. */
#define HURRY_MAX 63u

/* ---- carriers -------------------------------------------------------- */

typedef struct carrier {
    relay *relay;
    shmrpci_participant *participant;
    errand *load[LOAD_MAX]; /* errands that were sent, in the order of
                             * sending */
    uint32_t load_count;
    uint32_t penalty; /* for how many rounds it will not wait after the next
                       * timeout */
    uint32_t hurries; /* number of rounds left in which it does not wait */
    bool has_turn;
    uint32_t slowness;   /* for how many rounds it will give the turn away
                          * before waiting */
    uint32_t gives;      /* number of rounds left in which it gives the turn
                          * away */
    uint32_t clumsiness; /* for how many rounds it will not yield after the next
                          * slow yield */
    uint32_t stays;      /* number of rounds left in which it does not yield */
} carrier;

/* ---- the turn to read requests ------------------------------------------- */

/* One carrier at a time reads requests and waits for their replies while the
 * others sleep, because waking another carrier for each batch would take longer
 * than most calls. */
static void take_turn(carrier *c)
{
    relay *r = c->relay;
    if (c->has_turn) {
        return;
    }
    shmrpci_mutex_lock(&r->lock);
    while (r->turn_is_taken) {
        shmrpci_cond_wait(&r->turn, &r->lock);
    }
    r->turn_is_taken = true;
    shmrpci_mutex_unlock(&r->lock);
    c->has_turn = true;
}

/* Called before the carrier may have to wait for long. */
static void give_turn(carrier *c)
{
    relay *r = c->relay;
    if (!c->has_turn) {
        return;
    }
    c->has_turn = false;
    shmrpci_mutex_lock(&r->lock);
    r->turn_is_taken = false;
    shmrpci_cond_signal(&r->turn);
    shmrpci_mutex_unlock(&r->lock);
}

/* ---- requests -------------------------------------------------------- */

/* Only the first errand of a list rings the bell: the returner takes the whole
 * list at once. */
static void hand_over(relay *r, errand *e)
{
    shmrpci_mutex_lock(&r->lock);
    bool is_first = r->fresh == NULL;
    e->next = r->fresh;
    r->fresh = e;
    shmrpci_mutex_unlock(&r->lock);
    if (is_first) {
        shmrpci_event_set(r->bell_fd);
    }
}

/* Sends a request that has to wait for a place. The carrier first hands over
 * what other threads may need meanwhile: its calls in progress and its turn. */
static int send_late(carrier *c, errand *e)
{
    for (uint32_t i = 0; i < c->load_count; i++) {
        hand_over(c->relay, c->load[i]);
    }
    c->load_count = 0;
    give_turn(c);
    return errand_send_late(c->relay, e);
}

/* Takes the requests that have already arrived after the first one. Returns how
 * many there are, including the first one. */
static size_t gather(carrier *c, errand *first, errand *out[LOAD_MAX])
{
    relay *r = c->relay;
    shmrpci_request *requests[LOAD_MAX];
    size_t count = 1;
    size_t got;
    size_t wanted;
    out[0] = first;
    do { /* takes few errands at first: usually no more requests are there */
        wanted = count * 4 < LOAD_MAX - count ? count * 4 : LOAD_MAX - count;
        wanted = errand_take_more(r, first, out + count, wanted);
        for (size_t i = 0; i < wanted; i++) {
            requests[i] = &out[count + i]->request;
        }
        got = wanted > 0
                  ? r->front->relay->next_more(c->participant, requests, wanted)
                  : 0;
        errand_end_all(r, out + count + got, wanted - got);
        count += got;
    } while (got > 0 && got == wanted);
    return count;
}

static void leave_link(relay *r, errand *e)
{
    if (e->link != NULL) {
        link_unuse(r, e->link);
        e->link = NULL;
    }
}

/* Sends the requests that arrived together with the first one; the last of them
 * wakes the service. */
static void send_all(carrier *c, errand *first)
{
    errand *errands[LOAD_MAX];
    size_t count = gather(c, first, errands);
    uint32_t epoch = first->request.epoch; /* the epoch of all links that gather
                                            * has chosen */
    bool is_late = false;
    for (size_t i = 0; i < count; i++) {
        errand *e = errands[i];
        bool has_more = i + 1 < count && errands[i + 1]->link == e->link;
        if (is_late || e->request.epoch != epoch) {
            leave_link(c->relay, e);
        }
        int status = errand_send(c->relay, e,
                                 has_more ? (uint32_t)SHMRPCI_HEAD_MORE : 0);
        if (status == SHMRPC_E_BUSY) {
            is_late = true;
            status = send_late(c, e);
        }
        if (status == SHMRPC_OK && e->streams != NULL) {
            hand_over(c->relay, e); /* a call with streams takes long */
        } else if (status == SHMRPC_OK) {
            c->load[c->load_count++] = e;
        }
    }
}

/* Checks the calls that are not over. It begins with the last one, for which it
 * waits until the deadline (0: does not wait): the others are usually over
 * before it, so one wake-up suffices. Returns false if some are not over. */
static bool look_at_load(carrier *c, int status[LOAD_MAX], int64_t deadline_ns)
{
    bool in_time = true;
    for (uint32_t i = c->load_count; i-- > 0;) {
        if (status[i] == SHMRPC_E_DEADLINE) {
            status[i] = c->relay->back->client->receive(
                &c->load[i]->call, in_time ? deadline_ns : 0);
            in_time = in_time && status[i] != SHMRPC_E_DEADLINE;
        }
    }
    return in_time;
}

/* Answers the calls that are over, and keeps the others in `load`. */
static void answer_some(carrier *c, int status[LOAD_MAX])
{
    errand_train train = {.count = 0};
    uint32_t kept = 0;
    for (uint32_t i = 0; i < c->load_count; i++) {
        if (status[i] == SHMRPC_E_DEADLINE) {
            status[kept] = status[i];
            c->load[kept++] = c->load[i];
        } else {
            errand_finish(c->relay, &train, c->load[i], status[i]);
        }
    }
    errand_finish_all(c->relay, &train);
    c->load_count = kept;
}

/* Yields to a worker that was just woken on this CPU. Sleeping until the worker
 * is done would set a timer, which takes longer than the call in a virtual
 * machine. */
static void step_aside(carrier *c, int64_t now_ns)
{
    if (c->stays > 0) {
        c->stays--;
        return;
    }
    shmrpci_thread_yield();
    bool is_long = shmrpci_now_ns() - now_ns > ASIDE_NS;
    c->clumsiness = !is_long                    ? 0
                    : c->clumsiness < STAYS_MAX ? c->clumsiness * 2 + 1
                                                : STAYS_MAX;
    c->stays = c->clumsiness;
}

/* Waits for replies while it keeps the turn. Returns true if all have
 * arrived. */
static bool wait_in_turn(carrier *c, int status[LOAD_MAX], int64_t since_ns)
{
    int64_t turn_ns = TURN_NS + c->load_count * TURN_CALL_NS;
    step_aside(c, since_ns);
    if (c->gives > 0) {
        c->gives--;
        return false;
    }
    bool in_time = look_at_load(c, status, since_ns + turn_ns);
    answer_some(c, status);
    c->slowness = in_time                  ? 0
                  : c->slowness < GIVE_MAX ? c->slowness * 2 + 1
                                           : GIVE_MAX;
    c->gives = c->slowness;
    return in_time;
}

/* Answers the calls that are over now or, with `waits`, within MOMENT_NS, and
 * hands the rest over to the returner. Returns false if there was a rest. */
static bool bring_back(carrier *c, bool waits)
{
    int status[LOAD_MAX];
    int64_t since_ns = waits ? shmrpci_now_ns() : 0;
    for (uint32_t i = 0; i < c->load_count; i++) {
        status[i] = SHMRPC_E_DEADLINE;
    }
    if (waits && !wait_in_turn(c, status, since_ns)) {
        give_turn(c);
    }
    (void)look_at_load(c, status, waits ? since_ns + MOMENT_NS : 0);
    answer_some(c, status);
    bool all = c->load_count == 0;
    for (uint32_t i = 0; i < c->load_count; i++) {
        hand_over(c->relay, c->load[i]);
    }
    c->load_count = 0;
    return all;
}

/* Answers the calls that were sent, or hands them over. A carrier that is not
 * idle does not wait for replies if some were missing after its last waits. */
static void deliver(carrier *c, bool is_idle)
{
    if (!is_idle && c->hurries > 0) {
        c->hurries--;
        (void)bring_back(c, false);
        return;
    }
    bool in_time = bring_back(c, true);
    c->penalty = in_time                  ? 0
                 : c->penalty < HURRY_MAX ? c->penalty * 2 + 1
                                          : HURRY_MAX;
    c->hurries = c->penalty;
}

/* A carrier's main function: takes the turn, reads requests, sends them and
 * returns the replies. It ends when the listener is stopped. */
static void carry_all(void *user)
{
    const struct seat *seat = user;
    relay *r = seat->relay;
    carrier c = {.relay = r, .participant = seat->participant};
    for (;;) {
        take_turn(&c);
        errand *e = errand_await(r);
        if (e == NULL) {
            break;
        }
        int64_t asked_ns = shmrpci_now_ns();
        /* Relaxed, here and below: a thread that reads the count may see the
         * change a little later. */
        shmrpci_store_relaxed(&r->is_awaiting, 1u);
        int status = r->front->worker->next(c.participant, &e->request);
        shmrpci_store_relaxed(&r->is_awaiting, 0u);
        if (status != SHMRPC_OK) {
            errand_end(r, e);
            break;
        }
        bool is_idle = e->request.received_ns - asked_ns > IDLE_NS;
        send_all(&c, e);
        deliver(&c, is_idle);
    }
    give_turn(&c);
}

/* ---- opening --------------------------------------------------------- */

/* Refuses clients while the service does not run: they retry, or go elsewhere,
 * instead of waiting in every call. */
static int on_hello(void *user, const uint8_t *hello, size_t len,
                    const shmrpc_peer *peer, shmrpci_buf *welcome,
                    shmrpc_error *error)
{
    relay *r = user;
    if (!relay_is_up(r)) {
        return shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                                "the service behind the gateway does not run");
    }
    return r->opts.listen.on_hello(r->opts.listen.user, hello, len, peer,
                                   welcome, error);
}

/* Called on a carrier's thread when a peer has left. */
static void on_end(void *user, uint64_t connection)
{
    relay *r = user;
    links_say_left(r, beside_peer(r->number, connection));
}

static void on_cancel(void *user)
{
    const relay *r = user;
    shmrpci_event_set(r->bell_fd);
}

/* Sets all fields that relay_close reads, so that it may be called after any
 * failure. */
static void fill(relay *r, const relay_opts *opts)
{
    r->opts = *opts;
    r->opts.carriers = opts->carriers != 0 ? opts->carriers : 2;
    r->opts.links = opts->links != 0 ? opts->links : RELAY_LINKS_MAX;
    r->opts.drain_ns =
        opts->drain_ns != 0 ? opts->drain_ns : 10 * SHMRPCI_NS_PER_S;
    r->front = opts->front.transport;
    r->back = opts->back.transport;
    if (shmrpci_random_fill((uint8_t *)&r->number, sizeof r->number) !=
        SHMRPC_OK) {
        r->number = shmrpci_ticks();
    }
    r->bell_fd = r->set = -1;
    shmrpci_mutex_init(&r->lock);
    shmrpci_cond_init(&r->changed);
    shmrpci_cond_init(&r->wanted);
    shmrpci_cond_init(&r->turn);
    for (uint32_t i = 0; i < RELAY_ERRANDS_MAX && r->errands != NULL; i++) {
        r->errands[i].next = r->free_errands;
        r->free_errands = &r->errands[i];
    }
}

static int listen_at(relay *r, shmrpc_error *error)
{
    shmrpci_listen_opts opts = r->opts.listen;
    opts.max_workers = r->opts.carriers;
    opts.on_hello = on_hello;
    opts.on_cancel = on_cancel;
    opts.moves_streams = r->front->pump != NULL && r->back->pump != NULL;
    opts.user = r;
    return r->front->listener->listen(&r->opts.front, &opts, &r->listener,
                                      error);
}

/* Starts the returner and the linker; the carriers are started after them. */
static int start_helpers(relay *r)
{
    shmrpc_status status =
        shmrpci_thread_create(&r->returner, "returner", returner_run, r);
    r->has_returner = status == SHMRPC_OK;
    if (status == SHMRPC_OK) {
        status = shmrpci_thread_create(&r->linker, "linker", links_run, r);
        r->has_linker = status == SHMRPC_OK;
    }
    return (int)status;
}

/* Starts no thread, because the program enters its sandbox between open and
 * run. */
int relay_open(const relay_opts *opts, relay **out, shmrpc_error *error)
{
    relay *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    r->errands = calloc(RELAY_ERRANDS_MAX, sizeof *r->errands);
    fill(r, opts);
    int status = SHMRPC_E_NO_MEMORY;
    if (r->errands == NULL || shmrpci_event_create(&r->bell_fd) != SHMRPC_OK ||
        shmrpci_poll_create(&r->set) != SHMRPC_OK) {
        (void)shmrpc_error_set(error, status, "out of memory or descriptors");
    } else {
        status = listen_at(r, error);
    }
    if (status == SHMRPC_OK) {
        status = links_open(r, error);
    }
    if (status != SHMRPC_OK) {
        relay_close(r);
        return status;
    }
    *out = r;
    return SHMRPC_OK;
}

/* ---- running and closing ------------------------------------------------- */

static int start(relay *r, shmrpc_error *error)
{
    int status = start_helpers(r);
    while (status == SHMRPC_OK && r->carrier_count < r->opts.carriers) {
        uint32_t i = r->carrier_count;
        struct seat *seat = &r->seats[i];
        seat->relay = r;
        status = r->front->worker->participant_open(r->listener, i,
                                                    &seat->participant, error);
        if (status == SHMRPC_OK) {
            seat->participant->on_end = on_end;
            seat->participant->end_user = r;
            status = (int)shmrpci_thread_create(&r->carriers[i], "carrier",
                                                carry_all, seat);
        }
        r->carrier_count += status == SHMRPC_OK ? 1u : 0u;
    }
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_error_set(error, status,
                                  "the relay's threads can't be started");
}

/* If starting fails, the listener is stopped but still run: the carriers that
 * were started wait for it and must be joined. */
int relay_run(relay *r, shmrpc_error *error)
{
    int status = start(r, error);
    if (status != SHMRPC_OK) {
        relay_stop(r);
    }
    int ran = r->front->listener->run(r->listener, error);
    shmrpci_mutex_lock(&r->lock);
    r->is_ending = true;
    shmrpci_cond_broadcast(&r->changed);
    shmrpci_mutex_unlock(&r->lock);
    for (uint32_t i = 0; i < r->carrier_count; i++) {
        shmrpci_thread_join(&r->carriers[i]);
    }
    r->carrier_count = 0;
    return status != SHMRPC_OK ? status : ran;
}

void relay_stop(relay *r)
{
    /* Relaxed: it orders no other data. */
    shmrpci_store_relaxed(&r->stopping, 1u);
    r->front->listener->stop(r->listener);
}

/* Waits for calls in progress; those that take too long are cancelled. */
static void drain(relay *r)
{
    int64_t deadline_ns = shmrpci_deadline_after(r->opts.drain_ns);
    bool in_time = true;
    shmrpci_mutex_lock(&r->lock);
    while (r->errand_count > 0 && in_time) {
        in_time = shmrpci_cond_wait_until(&r->changed, &r->lock, deadline_ns);
    }
    r->is_over = true;
    shmrpci_cond_broadcast(&r->wanted);
    shmrpci_mutex_unlock(&r->lock);
    shmrpci_store_relaxed(&r->stopping, 2u);
    shmrpci_event_set(r->bell_fd);
}

/* The returner ends the last calls, so no streamer has a stream left after it.
 * Links are freed only after the linker has ended, because it may be making a
 * link. */
void relay_close(relay *r)
{
    drain(r);
    if (r->has_linker) {
        shmrpci_thread_join(&r->linker);
    }
    if (r->has_returner) {
        shmrpci_thread_join(&r->returner);
    }
    links_free(r);
    streams_end(r);
    for (uint32_t i = 0; i < RELAY_CARRIERS_MAX; i++) {
        if (r->seats[i].participant != NULL) {
            r->front->worker->participant_close(r->seats[i].participant);
        }
    }
    if (r->listener != NULL) {
        r->front->listener->close(r->listener);
    }
    shmrpci_fd_close(&r->set);
    shmrpci_fd_close(&r->bell_fd);
    shmrpci_cond_fini(&r->turn);
    shmrpci_cond_fini(&r->wanted);
    shmrpci_cond_fini(&r->changed);
    shmrpci_mutex_fini(&r->lock);
    free(r->errands);
    free(r);
}

const char *relay_describe(const relay *r)
{
    return r->front->listener->describe(r->listener);
}

shmrpci_listener *relay_front(const relay *r)
{
    return r->listener;
}

uint32_t relay_calls(relay *r)
{
    shmrpci_mutex_lock(&r->lock);
    uint32_t calls = r->errand_count;
    shmrpci_mutex_unlock(&r->lock);
    /* Relaxed: a call that arrives at this moment may or may not be counted. */
    uint32_t empty = shmrpci_load_relaxed(&r->is_awaiting);
    return calls > empty ? calls - empty : 0;
}
