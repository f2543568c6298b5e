/*
 * The threads that move the items of streams between front and service, as far
 * as the receiving side has room. They don't interpret the items.
 *
 * One thread moves many streams. It sleeps on a word that the front rings and
 * on the words of the rings in shared memory, until any stream has something to
 * take, or room. When a call is over or must be withdrawn, the returner marks
 * its streams, and the thread that moves them ends the errand.
 */
#include <stdlib.h>

#include "os/clock.h"
#include "os/futex.h"
#include "os/poll.h"
#include "tools/relay/state.h"

/* The thread waits for two words per stream, and for one of its own. */
#define STREAMS_MAX ((SHMRPCI_FUTEX_ANY_MAX - 1) / 2)

/* Maximum number of parts that one direction of a stream moves before other
 * directions have their turn. */
#define TURN_PARTS 64

/* How often to check whether both peers of a stuck stream only wait for each
 * other. */
#define SUSPECT_NS (25 * SHMRPCI_NS_PER_MS)

/* How often to check the streams if the kernel can't wait for several words
 * (before Linux 5.16). */
#define LOOK_NS (5 * SHMRPCI_NS_PER_MS)

/* One direction of a stream. */
typedef struct direction {
    const shmrpci_transport *from_ops;
    const shmrpci_transport *to_ops;
    shmrpci_stream *from;
    shmrpci_stream *to;
    shmrpci_stream_item part; /* the next part to send; valid if has_part */
    size_t at;                /* number of bytes of it that were sent */
    bool has_part;
    bool is_last;
    bool waits_for_room;
    bool is_done;
    bool has_ended; /* no more items will arrive; false if instead the reader
                     * has closed */
    int status;     /* status of the end, once is_done is set */
} direction;

struct carried {
    carried *next;
    errand *errand;
    direction up; /* the direction to the service */
    direction down;
    bool says_wait; /* the front was told that the service waits */
    /* Set by the returner, guarded by lock. */
    bool is_over;
    bool is_withdrawn;
    int status; /* the status that receive returned */
};

struct streamer {
    relay *relay;
    shmrpci_thread thread;
    shmrpci_atomic_u32 bell; /* incremented by each ring */
    carried *streams;        /* used by the thread only */
    carried *fresh;          /* lock */
    uint32_t count;          /* lock: number of streams in both lists */
};

/* Incremented before the wake-up, so that a thread that is about to sleep sees
 * another number and does not. */
static void ring(streamer *s)
{
    (void)shmrpci_add_seq(&s->bell, 1u);
    (void)shmrpci_futex_wake(&s->bell, 1);
}

/* ---- moving ------------------------------------------------------------ */

/* Called when no more items will arrive. Tells the receiving side whether that
 * is the regular end. */
static void end_items(direction *d, int status)
{
    d->status = status;
    d->is_done = d->has_ended = true;
    if (status == SHMRPC_OK) {
        d->to_ops->streams->finish(d->to);
    } else {
        d->to_ops->pump->give_up(d->to);
    }
}

/* Takes the next part of an item from the sender. Returns false if there is
 * none. */
static bool take_part(direction *d)
{
    int status = d->from_ops->pump->take(d->from, &d->part, &d->is_last);
    if (status == SHMRPC_E_BUSY) {
        return false;
    }
    d->has_part = status == SHMRPC_MORE;
    d->at = 0;
    if (!d->has_part) {
        end_items(d, status);
    }
    return d->has_part;
}

/* Passes the part on. Returns false if there is no room or the reader has
 * closed. */
static bool put_part(direction *d)
{
    size_t sent = 0;
    int status = d->to_ops->pump->put(d->to, d->part.data + d->at,
                                      d->part.len - d->at, d->is_last, &sent);
    d->waits_for_room = status == SHMRPC_E_BUSY;
    if (status != SHMRPC_OK) {
        d->is_done = !d->waits_for_room;
        d->status = d->is_done ? status : d->status;
        return false;
    }
    d->at += sent;
    d->has_part = d->at < d->part.len;
    return true;
}

/* Moves as many parts as possible within a turn. Returns true if anything was
 * done. */
static bool move(direction *d)
{
    bool moved = false;
    for (int i = 0; i < TURN_PARTS && !d->is_done; i++) {
        if (!d->has_part && !take_part(d)) {
            return moved || d->is_done;
        }
        if (!put_part(d)) {
            return moved || d->is_done;
        }
        moved = true;
    }
    return moved;
}

/* ---- the end ----------------------------------------------------------- */

/* Both directions share one stream on each side, so each side is closed
 * once. */
static void close_back(const relay *r, carried *c)
{
    r->back->streams->close(c->up.to);
    c->up.to = c->down.from = NULL;
    c->up.is_done = c->down.is_done = true;
}

static void close_ends(const relay *r, carried *c)
{
    close_back(r, c);
    r->front->streams->close(c->up.from);
}

/* Whether the client no longer sends or reads. */
static bool has_lost_front(const carried *c)
{
    return (c->up.has_ended && c->up.status == SHMRPC_E_CANCELLED) ||
           (c->down.is_done && !c->down.has_ended &&
            c->down.status == SHMRPC_E_CANCELLED);
}

static bool is_broken(const direction *d)
{
    return d->is_done && d->status != SHMRPC_OK &&
           d->status != SHMRPC_E_CANCELLED;
}

/* Returns why the streams can't go on: one side has broken the protocol, or
 * memory is exhausted. OK: they can. */
static int why_broken(const carried *c)
{
    return is_broken(&c->up)     ? c->up.status
           : is_broken(&c->down) ? c->down.status
                                 : SHMRPC_OK;
}

/* Takes the lock and reads the flags that the returner has set for the
 * streams. */
static void look_at_word(streamer *s, carried *c, bool *is_over,
                         bool *is_withdrawn)
{
    shmrpci_mutex_lock(&s->relay->lock);
    *is_over = c->is_over;
    *is_withdrawn = c->is_withdrawn;
    shmrpci_mutex_unlock(&s->relay->lock);
}

/* Frees `c`, whose errand has already been answered. */
static void leave(streamer *s, carried *c)
{
    relay *r = s->relay;
    shmrpci_mutex_lock(&r->lock);
    s->count--;
    r->carried_count--;
    shmrpci_mutex_unlock(&r->lock);
    free(c);
    shmrpci_event_set(r->bell_fd); /* the returner may be waiting until no
                                    * errand has streams */
}

/* Returns true if `c` was freed. */
static bool end_if_over(streamer *s, carried *c)
{
    relay *r = s->relay;
    errand *e = c->errand;
    bool is_over;
    bool is_withdrawn;
    look_at_word(s, c, &is_over, &is_withdrawn);
    if (is_withdrawn) {
        (void)move(&c->up); /* items that were sent before the end must arrive
                             * before it */
        close_ends(r, c);
        errand_withdraw(r, e);
    } else if (is_over && c->down.is_done) {
        close_ends(r, c);
        errand_finish_stream(r, e, c->status);
    } else {
        return false;
    }
    leave(s, c);
    return true;
}

/* Makes the returner withdraw the call. */
static void break_call(streamer *s, carried *c, int status)
{
    relay *r = s->relay;
    shmrpci_mutex_lock(&r->lock);
    bool is_first = c->errand->broken == SHMRPC_OK;
    c->errand->broken = is_first ? status : c->errand->broken;
    shmrpci_mutex_unlock(&r->lock);
    if (is_first) {
        shmrpci_event_set(r->bell_fd);
    }
}

/* ---- the thread -------------------------------------------------------- */

static void take_fresh(streamer *s)
{
    shmrpci_mutex_lock(&s->relay->lock);
    while (s->fresh != NULL) {
        carried *c = s->fresh;
        s->fresh = c->next;
        c->next = s->streams;
        s->streams = c;
    }
    shmrpci_mutex_unlock(&s->relay->lock);
}

/* Ends the direction to the client if the call is over and all its items were
 * passed on, because no more items will arrive. */
static void end_down_if_over(streamer *s, carried *c)
{
    bool is_over;
    bool is_withdrawn;
    look_at_word(s, c, &is_over, &is_withdrawn);
    if (is_over && !c->down.is_done && !c->down.has_part && !move(&c->down) &&
        !c->down.is_done && !c->down.has_part) {
        end_items(&c->down, SHMRPC_E_CANCELLED);
    }
}

/* Whether neither direction can go on: each has a part to send, and its
 * receiver has no room for it. */
static bool is_stuck(const carried *c)
{
    return !c->up.is_done && c->up.has_part && c->up.waits_for_room &&
           !c->down.is_done && c->down.has_part && c->down.waits_for_room;
}

/* If the handler also waits for room and does not read, the client is told,
 * because only the client knows whether it waits as well. */
static void look_for_deadlock(streamer *s, carried *c)
{
    const relay *r = s->relay;
    bool waits = is_stuck(c) && r->back->pump->peer_waits(c->up.to);
    if (waits != c->says_wait) {
        c->says_wait = waits;
        r->front->pump->say_waits(c->up.from, waits);
    }
}

/* Moves everything that has arrived. Returns true if anything was done. */
static bool move_all(streamer *s)
{
    bool moved = false;
    carried **at = &s->streams;
    while (*at != NULL) {
        carried *c = *at;
        carried *next = c->next;
        moved = move(&c->up) || moved;
        moved = move(&c->down) || moved;
        if (c->up.to != NULL && has_lost_front(c)) {
            close_back(s->relay, c);
        }
        if (why_broken(c) != SHMRPC_OK) {
            break_call(s, c, why_broken(c));
        }
        end_down_if_over(s, c);
        look_for_deadlock(s, c);
        if (end_if_over(s, c)) {
            *at = next;
            moved = true;
        } else {
            at = &c->next;
        }
    }
    return moved;
}

/* Adds the word of one side to the words to wait for. Returns false if there is
 * something to do at once. */
static bool arm_end(const shmrpci_transport *ops, shmrpci_stream *stream,
                    streamer *s, const direction *from, const direction *to,
                    shmrpci_futex_on *on, size_t *count)
{
    size_t more = 0;
    if (stream == NULL) {
        return true;
    }
    bool takes = !from->is_done && !from->has_part;
    bool puts = !to->is_done && to->has_part;
    bool sleeps =
        ops->pump->arm(stream, &s->bell, takes, puts, on + *count, &more);
    *count += more;
    return sleeps;
}

static bool arm_all(streamer *s, shmrpci_futex_on *on, size_t *count)
{
    const relay *r = s->relay;
    bool sleeps = true;
    for (carried *c = s->streams; c != NULL; c = c->next) {
        sleeps =
            arm_end(r->front, c->up.from, s, &c->up, &c->down, on, count) &&
            sleeps;
        sleeps = arm_end(r->back, c->up.to, s, &c->down, &c->up, on, count) &&
                 sleeps;
    }
    return sleeps;
}

static void disarm_all(streamer *s)
{
    for (carried *c = s->streams; c != NULL; c = c->next) {
        s->relay->front->pump->disarm(c->up.from);
        if (c->up.to != NULL) {
            s->relay->back->pump->disarm(c->up.to);
        }
    }
}

/* Nothing wakes us when the peer begins to wait, so a stream is checked every
 * SUSPECT_NS while both of its directions are stuck. */
static int64_t wake_ns(const streamer *s)
{
    for (const carried *c = s->streams; c != NULL; c = c->next) {
        if (is_stuck(c)) {
            return shmrpci_deadline_after(SUSPECT_NS);
        }
    }
    return SHMRPCI_NEVER_NS;
}

/* Without futex_waitv the thread sleeps only on its own bell, and only for
 * LOOK_NS if it has streams. */
static void sleep_once(streamer *s, uint32_t seen)
{
    shmrpci_futex_on on[SHMRPCI_FUTEX_ANY_MAX];
    size_t count = 1;
    on[0] = (shmrpci_futex_on){.word = &s->bell, .expected = seen};
    if (arm_all(s, on, &count) &&
        !shmrpci_futex_wait_any(on, count, wake_ns(s))) {
        (void)shmrpci_futex_wait(&s->bell, seen,
                                 s->streams != NULL
                                     ? shmrpci_deadline_after(LOOK_NS)
                                     : SHMRPCI_NEVER_NS);
    }
    disarm_all(s);
}

/* Whether the thread must end: the relay is over and its streams have ended. */
static bool is_over(streamer *s)
{
    shmrpci_mutex_lock(&s->relay->lock);
    bool over = s->relay->is_over && s->count == 0;
    shmrpci_mutex_unlock(&s->relay->lock);
    return over;
}

static void run(void *user)
{
    streamer *s = user;
    while (!is_over(s)) {
        /* Read before the check, so that a ring after the check ends the
         * sleep. */
        uint32_t seen = shmrpci_load_seq(&s->bell);
        take_fresh(s);
        if (!move_all(s)) {
            sleep_once(s, seen);
        }
    }
}

/* ---- adding and removing streams ----------------------------------------- */

/* Called with the lock held. Returns a thread that has room; starts one if all
 * are full. Returns NULL if no more can be started. */
static streamer *choose(relay *r)
{
    for (uint32_t i = 0; i < r->streamer_count; i++) {
        if (r->streamers[i]->count < STREAMS_MAX) {
            return r->streamers[i];
        }
    }
    if (r->streamer_count == RELAY_STREAMERS_MAX) {
        return NULL;
    }
    streamer *s = calloc(1, sizeof *s);
    if (s != NULL) {
        s->relay = r;
        if (shmrpci_thread_create(&s->thread, "streamer", run, s) !=
            SHMRPC_OK) {
            free(s);
            return NULL;
        }
        r->streamers[r->streamer_count++] = s;
    }
    return s;
}

static void fill(const relay *r, carried *c, shmrpci_stream *front,
                 shmrpci_stream *back, const shmrpci_stream_opts *opts)
{
    c->up = (direction){.from_ops = r->front,
                        .to_ops = r->back,
                        .from = front,
                        .to = back,
                        .is_done = opts->in_bytes == 0,
                        .status = SHMRPC_OK};
    c->down = (direction){.from_ops = r->back,
                          .to_ops = r->front,
                          .from = back,
                          .to = front,
                          .is_done = opts->out_bytes == 0,
                          .status = SHMRPC_OK};
}

/* Accepts the streams at the front first, where the client has set the size of
 * the rings, and then opens them at the back with these sizes. Like commit, it
 * uses up the reserved call, even on failure. */
int streams_open(relay *r, errand *e)
{
    shmrpci_stream_opts opts;
    shmrpci_stream *front;
    shmrpci_stream *back;
    carried *c = calloc(1, sizeof *c);
    /* The service limits the number of streams, so there is no limit here. */
    int status = c != NULL ? r->front->streams->accept(&e->request, UINT32_MAX,
                                                       &front, NULL)
                           : SHMRPC_E_NO_MEMORY;
    if (status != SHMRPC_OK) {
        free(c);
        r->back->client->abort(&e->call);
        return status;
    }
    r->front->pump->measure(front, &opts);
    status = r->back->streams->open(&e->call, &opts, &back, NULL);
    if (status != SHMRPC_OK) {
        r->front->streams->close(front);
        free(c);
        return status;
    }
    c->errand = e;
    fill(r, c, front, back, &opts);
    e->streams = c;
    return SHMRPC_OK;
}

bool streams_begin(relay *r, errand *e)
{
    shmrpci_mutex_lock(&r->lock);
    streamer *s = choose(r);
    if (s != NULL) {
        e->streamer = s;
        e->streams->next = s->fresh;
        s->fresh = e->streams;
        s->count++;
        r->carried_count++;
    }
    shmrpci_mutex_unlock(&r->lock);
    if (s != NULL) {
        ring(s);
    }
    return s != NULL;
}

void streams_drop(relay *r, errand *e)
{
    close_ends(r, e->streams);
    free(e->streams);
    e->streams = NULL;
}

void streams_over(relay *r, errand *e, int status)
{
    streamer *s = e->streamer;
    shmrpci_mutex_lock(&r->lock);
    e->streams->is_over = true;
    e->streams->status = status;
    shmrpci_mutex_unlock(&r->lock);
    ring(s);
}

void streams_withdraw(relay *r, errand *e)
{
    streamer *s = e->streamer;
    shmrpci_mutex_lock(&r->lock);
    e->streams->is_withdrawn = true;
    shmrpci_mutex_unlock(&r->lock);
    ring(s);
}

/* Called after the returner has ended, so no streams begin or end any more. */
void streams_end(relay *r)
{
    for (uint32_t i = 0; i < r->streamer_count; i++) {
        ring(r->streamers[i]);
        shmrpci_thread_join(&r->streamers[i]->thread);
        free(r->streamers[i]);
    }
    r->streamer_count = 0;
}
