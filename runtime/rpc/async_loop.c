/*
 * Asynchronous calls with callbacks: the descriptor and its dispatch.
 *
 * The descriptor is an epoll set. It contains a descriptor of each connection,
 * which the transport makes readable at the end of an armed call, and a timer
 * for the next deadline. Arming costs a store; the timer is set only when a
 * call has an earlier deadline, so that a program whose calls have equal
 * timeouts sets it once per timeout.
 */
#include "rpc/async.h"

#include <stdlib.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"
#include "rpc/misuse.h"
#include "rpc/reconnect.h"
#include "rpc/stream.h"

/* Most rounds of one dispatch. It bounds the time of a dispatch whose callbacks
 * start calls that end at once. */
#define ROUNDS 4

/* How often to check for a lost server in programs that don't use the
 * descriptor. */
#define NOTE_NS (10 * SHMRPCI_NS_PER_MS)

/* Most calls in flight on one connection. */
#define FLYING_MAX 256

enum { TAG_CONN = 1, TAG_TIMER };

static int64_t now_of(shmrpc_client *client)
{
    return shmrpci_call_clock_at(&client->clock, shmrpci_ticks());
}

/* ---- the descriptor, under the lock -------------------------------------- */

static void set_timer(shmrpci_async *async, int64_t at_ns)
{
    SHMRPCI_ASSERT(async->set >= 0 && async->timer >= 0,
                   "the timer is made with the set");
    if (at_ns < async->timer_ns) {
        async->timer_ns = at_ns;
        shmrpci_timer_set(async->timer, at_ns);
    }
}

static shmrpc_status make_set(shmrpci_async *async)
{
    int set = -1;
    int timer = -1;
    shmrpc_status status = shmrpci_poll_create(&set);
    if (status == SHMRPC_OK) {
        status = shmrpci_timer_create(&timer);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_poll_add(set, timer, SHMRPCI_POLL_LEVEL, TAG_TIMER);
    }
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&timer);
        shmrpci_fd_close(&set);
        return status;
    }
    SHMRPCI_ASSERT(async->set < 0 && async->timer < 0, "the set is made once");
    async->set = set;
    async->timer = timer;
    return SHMRPC_OK;
}

static void watch(const shmrpci_async *async, shmrpci_async_link *at)
{
    if (async->set >= 0 && !at->is_watched) {
        at->is_watched = at->link->client->watch(at->link->conn, async->set,
                                                 TAG_CONN) == SHMRPC_OK;
    }
}

static shmrpci_async_link *place_of(shmrpci_async *async, shmrpci_link *link)
{
    for (unsigned i = 0; i < async->link_count; i++) {
        if (async->links[i].link == link) {
            return &async->links[i];
        }
    }
    SHMRPCI_ASSERT(async->link_count <= SHMRPCI_ASYNC_LINKS,
                   "links have entries");
    if (async->link_count == SHMRPCI_ASYNC_LINKS) {
        return NULL;
    }
    shmrpci_async_link *at = &async->links[async->link_count++];
    /* Relaxed: the call that uses it holds the link. */
    (void)shmrpci_add_relaxed(&link->watchers, 1u);
    *at = (shmrpci_async_link){.link = link};
    watch(async, at);
    return at;
}

static void acknowledge_all(shmrpci_async *async)
{
    for (unsigned i = 0; i < async->link_count; i++) {
        const shmrpci_link *link = async->links[i].link;
        link->client->acknowledge(link->conn);
    }
}

/* Whether links that have no notification are due for a check. */
static bool is_time(shmrpci_async *async)
{
    int64_t now_ns = now_of(async->client);
    if (now_ns - async->noted_ns < NOTE_NS) {
        return false;
    }
    async->noted_ns = now_ns;
    return true;
}

void shmrpci_async_probe(shmrpci_async *async, shmrpci_link *link)
{
    if (is_time(async)) {
        link->client->acknowledge(link->conn);
        /* Acknowledging may have read events that make calls DUE. */
        shmrpci_async_kick(async);
    }
}

/* Reads the events that have made the descriptor readable. */
static void acknowledge(shmrpci_async *async)
{
    uint64_t tags[2 * SHMRPCI_ASYNC_LINKS + 1];
    bool is_told = is_time(async);
    size_t count = async->set < 0
                       ? 0
                       : shmrpci_poll_wait(async->set, tags,
                                           sizeof tags / sizeof *tags, 0);
    for (size_t i = 0; i < count; i++) {
        if (tags[i] == TAG_TIMER) {
            shmrpci_timer_clear(async->timer);
            async->timer_ns = SHMRPCI_NEVER_NS;
        } else {
            is_told = true;
        }
    }
    if (is_told) {
        acknowledge_all(async);
    }
}

/* The calls in flight over one link whose ends must be reported. */
typedef struct flight {
    shmrpci_call *calls[FLYING_MAX];
    size_t count;
    int64_t deadline_ns; /* the earliest */
} flight;

/* Collects the calls over `link` whose ends must be reported: calls in state
 * OWED, and calls of streams that wait for an event. */
static void gather(shmrpci_async *async, const shmrpci_link *link, flight *out)
{
    out->count = 0;
    out->deadline_ns = SHMRPCI_NEVER_NS;
    shmrpci_async_walk walk = shmrpci_async_walk_from(&async->first);
    shmrpc_call *call;
    while ((call = shmrpci_async_next(&walk)) != NULL) {
        /* Relaxed: changes under the lock. */
        if (shmrpci_load_relaxed(&call->state) == SHMRPCI_ASYNC_OWED &&
            call->pending.link == link && out->count < FLYING_MAX) {
            out->calls[out->count++] = &call->pending.call;
            if (call->pending.deadline_ns < out->deadline_ns) {
                out->deadline_ns = call->pending.deadline_ns;
            }
        }
    }
    out->count = shmrpci_streams_gather(async, link, out->calls, out->count,
                                        FLYING_MAX, &out->deadline_ns);
}

/* Arms the calls. Returns the latest time to check again, or 0 to check at
 * once. */
static int64_t arm(shmrpci_async *async, const shmrpci_async_link *at,
                   shmrpci_call *const *calls, size_t count,
                   int64_t deadline_ns)
{
    int64_t again_ns = at != NULL && at->is_watched
                           ? at->link->client->arm(at->link->conn, calls, count)
                           : now_of(async->client) + NOTE_NS;
    again_ns = again_ns < deadline_ns ? again_ns : deadline_ns;
    set_timer(async, again_ns);
    return again_ns;
}

static void forget(shmrpci_async *async, unsigned i)
{
    shmrpci_link *link = async->links[i].link;
    SHMRPCI_ASSERT(i < async->link_count &&
                       shmrpci_load_relaxed(&link->watchers) > 0,
                   "a removed link was watched");
    async->links[i] = async->links[--async->link_count];
    /* Sequentially consistent, which includes a release to the thread that
     * frees the link. */
    (void)shmrpci_sub_seq(&link->watchers, 1u);
    shmrpci_reconnect_left(async->client, link);
}

/* Arms all OWED calls, so that their ends are reported, and forgets replaced
 * links without calls. Returns false if the caller must check again at once. */
static bool arm_all(shmrpci_async *async)
{
    SHMRPCI_ASSERT(async->is_dispatching,
                   "calls are armed at the end of a dispatch");
    flight in;
    bool is_quiet = true;
    for (unsigned i = async->link_count; i-- > 0;) {
        shmrpci_async_link *at = &async->links[i];
        gather(async, at->link, &in);
        if (in.count > 0 && async->set >= 0) {
            is_quiet =
                arm(async, at, in.calls, in.count, in.deadline_ns) != 0 &&
                is_quiet;
        } else if (in.count == 0 &&
                   shmrpci_load_seq(&async->client->link) != (void *)at->link) {
            forget(async, i);
        }
    }
    if (async->set >= 0 && async->link_count == SHMRPCI_ASYNC_LINKS) {
        /* There may be calls over links that are not watched, so a timer checks
         * them. */
        set_timer(async, now_of(async->client) + NOTE_NS);
    }
    return is_quiet;
}

void shmrpci_async_enter(shmrpci_async *async, const shmrpc_call *call)
{
    (void)place_of(async, call->pending.link);
}

void shmrpci_async_sent(shmrpci_async *async, shmrpc_call *call)
{
    SHMRPCI_ASSERT(call->end != NULL &&
                       shmrpci_load_relaxed(&call->state) == SHMRPCI_ASYNC_OWED,
                   "a sent call with a callback is owed its end");
    shmrpci_async_link *at = place_of(async, call->pending.link);
    /* A running dispatch arms at its end. */
    if (async->set >= 0 && !async->is_dispatching) {
        shmrpci_call *calls[1] = {&call->pending.call};
        (void)arm(async, at, calls, 1, call->pending.deadline_ns);
    }
}

void shmrpci_async_expect(shmrpci_async *async, shmrpc_call *call,
                          int64_t until_ns)
{
    shmrpci_async_link *at = place_of(async, call->pending.link);
    if (async->set >= 0 && !async->is_dispatching) {
        shmrpci_call *calls[1] = {&call->pending.call};
        (void)arm(async, at, calls, 1, until_ns);
    }
}

void shmrpci_async_kick(shmrpci_async *async)
{
    if (async->set >= 0) {
        set_timer(async, 0);
    }
}

static int misused(const shmrpc_client *client)
{
    return shmrpci_misuse(NULL, "a client of %s was used after it was closed",
                          client->service->name);
}

int shmrpc_stub_fd(shmrpc_client *client)
{
    if (client->crowd != NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    shmrpci_async *async = shmrpci_async_of(client);
    if (async == NULL) {
        return shmrpci_client_is_closed(client) ? misused(client)
                                                : SHMRPC_E_NO_MEMORY;
    }
    int result = SHMRPC_OK;
    shmrpci_mutex_lock(&async->lock);
    if (async->set < 0) {
        result = (int)make_set(async);
    }
    for (unsigned i = 0; result == SHMRPC_OK && i < async->link_count; i++) {
        watch(async, &async->links[i]);
    }
    if (result == SHMRPC_OK) {
        /* Calls may have ended before the descriptor existed, so make it
         * readable. */
        shmrpci_async_kick(async);
    }
    result = result == SHMRPC_OK ? async->set : result;
    shmrpci_mutex_unlock(&async->lock);
    return result;
}

/* ---- dispatch ------------------------------------------------------------ */

/* Holds and returns the next call that is over, or NULL. The caller has the
 * lock. */
static shmrpc_call *next_over(shmrpci_async_walk *walk, int64_t now_ns)
{
    shmrpc_call *call;
    while ((call = shmrpci_async_next(walk)) != NULL) {
        if (shmrpci_async_hold(call, SHMRPCI_ASYNC_DUE)) {
            return call;
        }
        if (!shmrpci_async_hold(call, SHMRPCI_ASYNC_OWED)) {
            continue;
        }
        if (shmrpci_async_look(call, now_ns)) {
            return call;
        }
        shmrpci_store_release(&call->state, (uint32_t)SHMRPCI_ASYNC_OWED);
    }
    return NULL;
}

/* Called without the lock, because the callback may start calls. */
void shmrpci_async_tell(shmrpc_call *call)
{
    SHMRPCI_ASSERT(call->end != NULL &&
                       shmrpci_load_relaxed(&call->state) == SHMRPCI_ASYNC_HELD,
                   "a callback is called by the holder of its call");
    /* Not const, because `end` may cast it to a pointer to an array of const
     * elements, which in C17 is not a pointer to a const type. */
    void *reply = call->reply != NULL
                      ? shmrpci_reply_value(shmrpci_reply_of_value(call->reply))
                      : NULL;
    call->end(call->done, call->user, call->status, reply, &call->error);
    shmrpci_async_free(call);
}

/* Runs the callbacks that are due. Called with the lock, which is released
 * while a callback runs. */
static int call_back(shmrpci_async *async)
{
    int count = 0;
    int64_t now_ns = now_of(async->client);
    shmrpci_async_walk walk = shmrpci_async_walk_from(&async->first);
    shmrpc_call *call;
    while ((call = next_over(&walk, now_ns)) != NULL) {
        shmrpci_mutex_unlock(&async->lock);
        shmrpci_async_tell(call);
        count++;
        shmrpci_mutex_lock(&async->lock);
    }
    return count;
}

/* Reads events and runs callbacks. The caller has the lock. */
static int dispatch(shmrpci_async *async)
{
    int count = 0;
    SHMRPCI_ASSERT(!async->is_dispatching, "one thread dispatches");
    async->is_dispatching = true;
    acknowledge(async);
    for (int i = 0; i < ROUNDS; i++) {
        count += call_back(async);
        count += shmrpci_streams_call_back(async);
        if (arm_all(async) || async->set < 0) {
            async->is_dispatching = false;
            return count;
        }
    }
    shmrpci_async_kick(async);
    async->is_dispatching = false;
    return count;
}

int shmrpc_stub_dispatch(shmrpc_client *client)
{
    shmrpci_async *async = shmrpci_async_have(client);
    int count = 0;
    if (async != NULL) {
        shmrpci_mutex_lock(&async->lock);
        /* Do nothing if another thread dispatches, or a callback calls this
         * function. */
        count = async->is_dispatching ? 0 : dispatch(async);
        shmrpci_mutex_unlock(&async->lock);
    } else if (shmrpci_client_is_closed(client)) {
        (void)misused(client);
    }
    return count;
}

/* ---- the end ------------------------------------------------------------- */

/* Calls of clients that were closed before all calls were finished: finishing
 * one now is reported as misuse. */
static shmrpci_graveyard closed_calls;

/* Ends a call of a client that is being closed. Returns true if the program
 * still has the call's handle. */
static bool close_call(shmrpc_call *call)
{
    /* Relaxed: no other thread uses it. */
    uint32_t state = shmrpci_load_relaxed(&call->state);
    if (state == SHMRPCI_ASYNC_LOANED || state == SHMRPCI_ASYNC_FLYING ||
        state == SHMRPCI_ASYNC_ENDED) {
        shmrpci_async_release(call);
        return true;
    }
    if (shmrpci_async_hold(call, SHMRPCI_ASYNC_OWED)) {
        (void)shmrpci_async_cancel(call);
    } else if (!shmrpci_async_hold(call, SHMRPCI_ASYNC_DUE)) {
        return true; /* its callback is closing the client, or the call has
                      * streams */
    }
    shmrpci_async_tell(call);
    return false;
}

/* Ends all calls of a client that is being closed, except the parent's in a
 * forked child. Returns true if the program still has handles of some. */
static bool close_calls(shmrpci_async *async)
{
    bool is_known = false;
    shmrpci_store_release(&async->is_closing, 1u);
    shmrpci_async_walk walk = shmrpci_async_walk_from(&async->first);
    shmrpc_call *call;
    while ((call = shmrpci_async_next(&walk)) != NULL) {
        is_known |= close_call(call);
    }
    while (async->link_count > 0) {
        forget(async, 0);
    }
    shmrpci_streams_close(async);
    async->is_closed = true;
    shmrpci_mutex_fini(&async->lock);
    return is_known;
}

static void destroy(shmrpci_async *async)
{
    if (async == NULL) {
        return;
    }
    shmrpci_async_block *block = shmrpci_load_relaxed(&async->first.next);
    while (block != NULL) {
        shmrpci_async_block *next = shmrpci_load_relaxed(&block->next);
        free(block);
        block = next;
    }
    free(async->waker); /* NULL, or the parent's waker, whose thread does not
                         * exist in this process */
    free(async);
}

void shmrpci_async_close(shmrpc_client *client)
{
    shmrpci_async *async = shmrpci_async_have(client);
    bool is_known = async != NULL && close_calls(async);
    async = shmrpci_load_acquire(&client->async);
    while (async != NULL) {
        shmrpci_async *inherited = async->inherited;
        shmrpci_fd_close(&async->timer);
        shmrpci_fd_close(&async->set);
        destroy(is_known || shmrpci_is_checked()
                    ? shmrpci_bury(&closed_calls, async)
                    : async);
        async = inherited;
    }
}
