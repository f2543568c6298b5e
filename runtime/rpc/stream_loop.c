/*
 * Streams in dispatch: non-blocking reads and sends, and notifications when to
 * try again.
 *
 * After a read or send returned BUSY, the stream is armed at the transport. The
 * transport then changes words in shared memory, or rings a bell, when an item
 * or room appears. A thread of the client, the waker, sleeps on all these words
 * at once and makes the client's descriptor readable; it is started with the
 * first stream that needs it. The ends of the call and of the server are
 * reported by the connection, as for asynchronous calls.
 *
 * The waker's lock is taken last, and never held around a callback.
 */
#include <stdlib.h>

#include "os/clock.h"
#include "os/futex.h"
#include "os/thread.h"
#include "rpc/crowd.h"
#include "rpc/stream.h"

/* How often to check where the kernel can't wait for several words (before
 * 5.16). */
#define LOOK_NS (5 * SHMRPCI_NS_PER_MS)

/* Most words to sleep on: two for each stream, and two of the waker's own. */
#define WORDS_MAX SHMRPCI_FUTEX_ANY_MAX

typedef struct shmrpci_waker {
    shmrpci_async *async;
    shmrpci_thread thread;
    /* Incremented when the set of watched words changes. */
    shmrpci_atomic_u32 changed;
    /* Incremented on events of streams whose transport does not have a word for
     * each stream. */
    shmrpci_atomic_u32 rung;
    shmrpci_mutex lock;
    bool is_over;
    shmrpc_stream *armed;
} waker;

/* ---- the waker ----------------------------------------------------------- */

static void change(waker *w)
{
    (void)shmrpci_add_seq(&w->changed, 1u);
    (void)shmrpci_futex_wake(&w->changed, 1);
}

static bool has_news(const shmrpc_stream *s, uint32_t rings)
{
    bool any = s->loop.on_count == 0 && rings != s->loop.rings;
    for (size_t i = 0; i < s->loop.on_count; i++) {
        const shmrpci_futex_on *on = &s->loop.on[i];
        any = any || shmrpci_load_seq(on->word) != on->expected;
    }
    return any;
}

/* Removes streams with events from the list. The caller has the lock. Returns
 * true if there were any. */
static bool take_news(waker *w, uint32_t rings)
{
    bool any = false;
    shmrpc_stream **link = &w->armed;
    while (*link != NULL) {
        shmrpc_stream *s = *link;
        if (has_news(s, rings)) {
            *link = s->loop.next_armed;
            s->loop.is_woken = true;
            any = true;
        } else {
            link = &s->loop.next_armed;
        }
    }
    return any;
}

/* Collects the words to sleep on. The caller has the lock. Words for which
 * there is no room wait until the next round. */
static size_t gather_words(waker *w, shmrpci_futex_on *on, bool *is_all)
{
    size_t count = 2; /* the waker's own */
    *is_all = true;
    for (const shmrpc_stream *s = w->armed; s != NULL; s = s->loop.next_armed) {
        *is_all = *is_all && count + s->loop.on_count <= WORDS_MAX;
        for (size_t i = 0; i < s->loop.on_count && *is_all; i++) {
            on[count++] = s->loop.on[i];
        }
    }
    return count;
}

static void kick(waker *w)
{
    shmrpci_mutex_lock(&w->async->lock);
    shmrpci_async_kick(w->async);
    shmrpci_mutex_unlock(&w->async->lock);
}

static void watch(void *user)
{
    waker *w = user;
    shmrpci_futex_on on[WORDS_MAX];
    for (;;) {
        bool is_all;
        /* Read before checking the streams, so that a later change ends the
         * sleep. */
        uint32_t changed = shmrpci_load_seq(&w->changed);
        uint32_t rings = shmrpci_load_seq(&w->rung);
        shmrpci_mutex_lock(&w->lock);
        if (w->is_over) {
            shmrpci_mutex_unlock(&w->lock);
            return;
        }
        bool any = take_news(w, rings);
        size_t count = gather_words(w, on, &is_all);
        shmrpci_mutex_unlock(&w->lock);
        if (any) {
            kick(w);
        }
        on[0] = (shmrpci_futex_on){.word = &w->changed, .expected = changed};
        on[1] = (shmrpci_futex_on){.word = &w->rung, .expected = rings};
        int64_t until_ns =
            is_all ? SHMRPCI_NEVER_NS : shmrpci_deadline_after(LOOK_NS);
        if (!shmrpci_futex_wait_any(on, count, until_ns)) {
            (void)shmrpci_futex_wait(&w->changed, changed,
                                     shmrpci_deadline_after(LOOK_NS));
        }
    }
}

/* Returns the client's waker, and starts it on first use. The caller has the
 * lock of `async`. Returns NULL if there is no thread or no memory. */
static waker *waker_of(shmrpci_async *async)
{
    if (async->waker != NULL) {
        return async->waker;
    }
    waker *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return NULL;
    }
    w->async = async;
    shmrpci_mutex_init(&w->lock);
    if (shmrpci_thread_create(&w->thread, "shmrpc-streams", watch, w) !=
        SHMRPC_OK) {
        shmrpci_mutex_fini(&w->lock);
        free(w);
        return NULL;
    }
    async->waker = w;
    return w;
}

/* ---- arming -------------------------------------------------------------- */

static const shmrpci_pump_ops *pump_of(const shmrpc_stream *s)
{
    return s->call->pending.link->conn->transport->pump;
}

/* Removes the stream from the waker and disarms it. From then on only the
 * caller uses it. */
static void disarm(shmrpc_stream *s)
{
    waker *w = s->call->async->waker;
    if (!s->loop.is_armed) {
        return;
    }
    shmrpci_mutex_lock(&w->lock);
    shmrpc_stream **link = &w->armed;
    while (*link != NULL && *link != s) {
        link = &(*link)->loop.next_armed;
    }
    if (*link != NULL) {
        *link = s->loop.next_armed;
    }
    s->loop.is_woken = false;
    shmrpci_mutex_unlock(&w->lock);
    pump_of(s)->disarm(s->end);
    s->loop.is_armed = false;
}

/* Arms the stream for the events it waits for, until the next try. */
static void arm(shmrpc_stream *s)
{
    shmrpci_stream_loop *loop = &s->loop;
    waker *w = s->call->async->waker;
    if (!loop->for_item && !loop->for_room) {
        return; /* the connection reports the end */
    }
    loop->is_armed = true;
    /* Read before the bell can ring for this stream, so that such a ring is
     * noticed even if the waker does not know the stream yet. */
    loop->rings = shmrpci_load_seq(&w->rung);
    if (!pump_of(s)->arm(s->end, &w->rung, loop->for_item, loop->for_room,
                         loop->on, &loop->on_count)) {
        loop->is_due = true;
        return;
    }
    shmrpci_mutex_lock(&w->lock);
    loop->next_armed = w->armed;
    w->armed = s;
    shmrpci_mutex_unlock(&w->lock);
    change(w);
}

/* Returns the latest time to check the stream again. */
static int64_t until(shmrpc_stream *s)
{
    int64_t idle_ns = s->loop.idle_since_ns != 0
                          ? s->loop.idle_since_ns + s->method->idle_ns
                          : SHMRPCI_NEVER_NS;
    int64_t first_ns = (int64_t)shmrpci_load_relaxed(&s->taken_until_ns);
    int64_t last_ns = idle_ns < s->deadline_ns ? idle_ns : s->deadline_ns;
    return first_ns != 0 && first_ns < last_ns ? first_ns : last_ns;
}

static bool waits(const shmrpc_stream *s)
{
    return s->loop.for_item || s->loop.for_room || s->loop.for_end;
}

/* Called before a try: stops waiting for its event. */
static void begin(shmrpc_stream *s)
{
    disarm(s);
    s->loop.is_due = false;
}

/* Called after a try. `what` points to the event to wait for, or is NULL if the
 * try succeeded. Returns BUSY. */
static int end(shmrpc_stream *s, bool *what)
{
    shmrpci_async *async = s->call->async;
    if (what != NULL) {
        *what = true;
    }
    if (s->loop.ready == NULL || !waits(s)) {
        return SHMRPC_E_BUSY;
    }
    arm(s);
    shmrpci_mutex_lock(&async->lock);
    shmrpci_async_expect(async, s->call, until(s));
    if (s->loop.is_due) {
        shmrpci_async_kick(async);
    }
    shmrpci_mutex_unlock(&async->lock);
    return SHMRPC_E_BUSY;
}

void shmrpci_stream_again(shmrpc_stream *s)
{
    shmrpci_async *async = s->call->async;
    s->loop.for_item = true;
    s->loop.is_due = true;
    shmrpci_mutex_lock(&async->lock);
    shmrpci_async_kick(async);
    shmrpci_mutex_unlock(&async->lock);
}

int shmrpc_stub_stream_on_ready(shmrpc_stream *s, shmrpc_stream_ready ready,
                                void *user, shmrpc_error *error)
{
    shmrpci_async *async = s->call->async;
    const char *scheme = s->call->pending.link->conn->transport->scheme;
    if (!shmrpci_stream_is_ours(s)) {
        return shmrpci_stream_forked(s, error);
    }
    if (async->client->tally != NULL) {
        return shmrpci_crowd_has_no_loop(error);
    }
    if (pump_of(s) == NULL) {
        return shmrpc_error_set(
            error, SHMRPC_E_UNIMPLEMENTED,
            "method %s: %s:// does not support non-blocking streams",
            s->method->name, scheme);
    }
    shmrpci_mutex_lock(&async->lock);
    bool has_waker = waker_of(async) != NULL;
    if (has_waker && !s->loop.is_known) {
        s->loop.is_known = true;
        s->loop.next = async->streams;
        async->streams = s;
        shmrpci_async_enter(async, s->call);
    }
    shmrpci_mutex_unlock(&async->lock);
    if (!has_waker) {
        return shmrpc_error_set(error, SHMRPC_E_EXHAUSTED,
                                "no thread is available to watch streams");
    }
    s->loop.ready = ready;
    s->loop.user = user;
    return SHMRPC_OK;
}

void shmrpci_stream_loop_leave(shmrpc_stream *s)
{
    shmrpci_async *async = s->call->async;
    if (!s->loop.is_known) {
        return;
    }
    disarm(s);
    shmrpci_mutex_lock(&async->lock);
    shmrpc_stream **link = &async->streams;
    while (*link != s) {
        link = &(*link)->loop.next;
    }
    *link = s->loop.next;
    shmrpci_mutex_unlock(&async->lock);
}

void shmrpci_streams_close(shmrpci_async *async)
{
    waker *w = async->waker;
    /* Disarms streams that the program should have closed. The transport ends
     * them next, and would otherwise ring the waker's bell. */
    for (shmrpc_stream *s = async->streams; s != NULL; s = s->loop.next) {
        disarm(s);
        s->loop.is_known = false;
    }
    async->streams = NULL;
    if (w == NULL) {
        return;
    }
    shmrpci_mutex_lock(&w->lock);
    w->is_over = true;
    shmrpci_mutex_unlock(&w->lock);
    change(w);
    shmrpci_thread_join(&w->thread);
    shmrpci_mutex_fini(&w->lock);
    async->waker = NULL;
    free(w);
}

/* ---- dispatch ------------------------------------------------------------ */

static bool is_woken(shmrpc_stream *s)
{
    waker *w = s->call->async->waker;
    shmrpci_mutex_lock(&w->lock);
    bool woken = s->loop.is_woken;
    shmrpci_mutex_unlock(&w->lock);
    return woken;
}

/* Whether the stream has an event. Takes the reply as soon as it arrives,
 * because it occupies a slot. */
static bool is_due(shmrpc_stream *s, int64_t now_ns)
{
    int status;
    return waits(s) && (s->loop.is_due || is_woken(s) || now_ns >= until(s) ||
                        shmrpci_stream_settle(s, 0, &status, NULL));
}

/* Returns the next stream with an event, or NULL. The caller has the lock of
 * `async`. */
static shmrpc_stream *next_due(const shmrpci_async *async, int64_t now_ns)
{
    for (shmrpc_stream *s = async->streams; s != NULL; s = s->loop.next) {
        if (s->loop.round != async->stream_round && is_due(s, now_ns)) {
            return s;
        }
    }
    return NULL;
}

int shmrpci_streams_call_back(shmrpci_async *async)
{
    int count = 0;
    shmrpc_stream *s;
    if (async->streams == NULL) {
        return 0;
    }
    int64_t now_ns = shmrpci_now_ns();
    async->stream_round++;
    /* Starts from the front each time, because a callback may have closed any
     * stream. */
    while ((s = next_due(async, now_ns)) != NULL) {
        s->loop.round = async->stream_round;
        shmrpci_mutex_unlock(&async->lock);
        begin(s);
        s->loop.for_item = s->loop.for_room = s->loop.for_end = false;
        s->loop.ready(s->loop.user);
        count++;
        shmrpci_mutex_lock(&async->lock);
    }
    return count;
}

size_t shmrpci_streams_gather(const shmrpci_async *async,
                              const shmrpci_link *link, shmrpci_call **calls,
                              size_t count, size_t max, int64_t *until_ns)
{
    for (shmrpc_stream *s = async->streams; s != NULL; s = s->loop.next) {
        if (s->call->pending.link != link || !waits(s) || count == max) {
            continue;
        }
        int64_t due_ns = s->loop.is_due || is_woken(s) ? 0 : until(s);
        *until_ns = due_ns < *until_ns ? due_ns : *until_ns;
        if (!s->is_over) {
            calls[count++] = &s->call->pending.call;
        }
    }
    return count;
}

/* ---- reading ------------------------------------------------------------- */

/* Gets the next item, or returns BUSY. When the call is over, only items that
 * have already arrived are left. */
static int look(shmrpc_stream *s, shmrpci_stream_item *raw)
{
    int ended;
    int status = s->ops->next(s->end, 0, raw);
    if (status == SHMRPC_E_BUSY && shmrpci_stream_settle(s, 0, &ended, NULL)) {
        status = s->ops->next(s->end, 0, raw);
        return status == SHMRPC_E_BUSY ? (int)SHMRPC_E_CANCELLED : status;
    }
    return status;
}

/* Called when no item has arrived. Notes the time of the first such call, and
 * returns whether no item has come for longer than @idle. */
static bool is_idle(shmrpc_stream *s)
{
    if (s->method->idle_ns == 0) {
        return false;
    }
    int64_t now_ns = shmrpci_now_ns();
    if (s->loop.idle_since_ns == 0) {
        s->loop.idle_since_ns = now_ns;
    }
    return now_ns - s->loop.idle_since_ns >= s->method->idle_ns;
}

/* Returns how the call ended, or BUSY if it has not. */
static int finish(shmrpc_stream *s, shmrpc_error *error)
{
    int status;
    return shmrpci_stream_settle(s, 0, &status, error) ? status
           : shmrpci_stream_is_late(s) ? shmrpci_stream_not_taken(s, error)
                                       : end(s, &s->loop.for_end);
}

int shmrpc_stub_stream_try_next(shmrpc_stream *s, const void **item,
                                shmrpc_error *error)
{
    shmrpci_stream_item raw;
    if (!shmrpci_stream_is_ours(s)) {
        return shmrpci_stream_forked(s, error);
    }
    begin(s);
    s->loop.for_item = s->loop.for_end = false;
    int status = s->items_over ? SHMRPC_OK : look(s, &raw);
    if (status == SHMRPC_E_BUSY && shmrpci_stream_is_late(s)) {
        s->items_over = true;
        return shmrpci_stream_not_taken(s, error);
    }
    if (status == SHMRPC_E_BUSY && !is_idle(s)) {
        return end(s, &s->loop.for_item);
    }
    if (status == SHMRPC_MORE) {
        s->loop.idle_since_ns = 0;
        shmrpci_store_relaxed(&s->taken_until_ns, UINT64_C(0));
        (void)end(s, NULL);
        shmrpci_stream_tell(s, true);
        return shmrpci_stream_read(s, &raw, item, error);
    }
    s->items_over = true;
    if (status == SHMRPC_E_BUSY) {
        return shmrpci_stream_give_up(
            s, error, SHMRPC_E_DEADLINE, "no item in %lld ms",
            (long long)(s->method->idle_ns / SHMRPCI_NS_PER_MS));
    }
    if (status == SHMRPC_E_DATA_LOSS || status == SHMRPC_E_NO_MEMORY) {
        return shmrpci_stream_give_up(s, error, status, "the stream: %s",
                                      shmrpc_status_text(status));
    }
    return finish(s, error);
}

/* ---- sending ------------------------------------------------------------- */

/* Sends as much of the item as there is room for. Returns OK if all of it is
 * sent. */
static int send_rest(shmrpc_stream *s)
{
    const shmrpci_pump_ops *pump = pump_of(s);
    int status = SHMRPC_OK;
    while (s->loop.has_rest && status == SHMRPC_OK) {
        size_t sent = 0;
        status = pump->put(s->end, s->out.data + s->loop.sent,
                           s->out.len - s->loop.sent, true, &sent);
        s->loop.sent += sent;
        s->loop.has_rest = status != SHMRPC_OK || s->loop.sent < s->out.len;
    }
    return status;
}

int shmrpc_stub_stream_push(shmrpc_stream *s, const void *item,
                            shmrpc_error *error)
{
    int status =
        shmrpci_stream_is_ours(s) ? SHMRPC_OK : shmrpci_stream_forked(s, error);
    if (status == SHMRPC_OK && item != NULL) {
        status =
            s->loop.has_rest || s->lent.at != NULL
                ? shmrpc_error_set(
                      error, SHMRPC_E_PRECONDITION,
                      "method %s: the previous item is not sent completely yet",
                      s->method->name)
                : shmrpci_stream_encode(s, item, error);
        if (status == SHMRPC_OK &&
            s->out.len > s->call->async->client->max_message_bytes) {
            status = shmrpci_stream_not_sent(s, SHMRPC_E_TOO_LARGE, error);
        }
        s->loop.has_rest = s->loop.has_rest || status == SHMRPC_OK;
        s->loop.sent = status == SHMRPC_OK ? 0 : s->loop.sent;
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    begin(s);
    s->loop.for_room = s->loop.for_end = false;
    bool had_rest = s->loop.has_rest;
    status = send_rest(s);
    if (status == SHMRPC_E_BUSY) {
        return shmrpci_stream_is_late(s) ? shmrpci_stream_not_taken(s, error)
                                         : end(s, &s->loop.for_room);
    }
    if (status == SHMRPC_E_CANCELLED) {
        status = finish(s, error);
        return status == SHMRPC_E_BUSY
                   ? status
                   : shmrpci_stream_not_wanted(s, status, error);
    }
    (void)end(s, NULL);
    if (status != SHMRPC_OK) {
        return shmrpci_stream_not_sent(s, status, error);
    }
    if (had_rest) {
        shmrpci_stream_tell(s, false);
    }
    return SHMRPC_OK;
}

int shmrpc_stub_stream_try_finish(shmrpc_stream *s, const void **reply,
                                  shmrpc_error *error)
{
    if (!shmrpci_stream_is_ours(s)) {
        return shmrpci_stream_forked(s, error);
    }
    begin(s);
    s->loop.for_item = s->loop.for_room = s->loop.for_end = false;
    s->ops->finish(s->end);
    int status = finish(s, error);
    if (status != SHMRPC_E_BUSY) {
        *reply = s->reply;
    }
    return status;
}
