/*
 * Streams of detached calls: a function of the program, the step, is called
 * when there is something to do.
 *
 * A thread serves many streams. It sleeps on a word of its own, on the worker's
 * alarm, and on the words of each stream that change when an item arrives, when
 * there is room, or when the client leaves. So an idle stream wakes nobody, and
 * occupies neither a worker nor a thread.
 */
#include "rpc/detach.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/futex.h"
#include "rpc/misuse.h"

/* How often to check where the kernel can't wait for several words (before
 * 5.16). */
#define LOOK_NS (5 * SHMRPCI_NS_PER_MS)

typedef struct shmrpci_stepper {
    shmrpci_detached_set *set;
    shmrpci_thread thread;
    shmrpci_atomic_u32 bell;   /* incremented to wake this thread */
    shmrpci_atomic_u32 *alarm; /* the worker's; NULL: it has none */
    shmrpci_detached *streams; /* the streams of this thread */
    bool is_closing;           /* a copy of the set's is_closing */
    shmrpci_detached *fresh;   /* new streams; under the set's lock */
    uint32_t count;            /* length of both lists; under the set's lock */
} shmrpci_stepper;

static void ring(shmrpci_stepper *s)
{
    (void)shmrpci_add_seq(&s->bell, 1u);
    (void)shmrpci_futex_wake(&s->bell, 1);
}

void shmrpc_stream_wake(shmrpc_ctx *ctx)
{
    shmrpci_detached *d = ctx->detached;
    if (d == NULL || d->stepped.call == NULL) {
        (void)shmrpci_misuse(NULL,
                             "method %s: a stream that is not detached "
                             "can't be woken",
                             ctx->method->name);
        return;
    }
    /* Seq: set before the bell is rung, because the thread checks the streams
     * after it has read the bell. */
    shmrpci_store_seq(&d->stepped.is_woken, 1u);
    ring(d->stepped.by);
}

/* ---- the end of a stream ------------------------------------------------- */

static void finish(shmrpci_stepper *s, shmrpci_detached *d, int status)
{
    shmrpci_detached_set *set = s->set;
    shmrpci_stepped *it = &d->stepped;
    uint32_t state = SHMRPCI_DETACHED_OPEN;
    bool is_ours = shmrpci_cas_seq(&d->state, &state,
                                   (uint32_t)SHMRPCI_DETACHED_ANSWERING);
    SHMRPCI_ASSERT(is_ours, "only its step ends a stream");
    (void)is_ours;
    shmrpci_mutex_lock(&set->replies);
    status = shmrpci_served_stream_end(&d->w.ctx, status);
    shmrpci_mutex_unlock(&set->replies);
    (void)shmrpci_detached_answer(d, status, it->result);
    if (it->drop != NULL) {
        it->drop(it->state);
    }
    shmrpci_mutex_lock(&set->lock);
    s->count--;
    shmrpci_mutex_unlock(&set->lock);
    shmrpci_detached_leave(d, SHMRPCI_DETACHED_ANSWERED);
    shmrpci_detached_bury(d);
}

/* Returns the status with which the stream must end now, or MORE if it
 * continues. */
static int is_in_vain(const shmrpci_stepper *s, shmrpci_detached *d,
                      int64_t now_ns)
{
    shmrpci_stepped *it = &d->stepped;
    const shmrpci_request *request = &d->request;
    if (s->is_closing) {
        return shmrpc_ctx_fail(&d->w.ctx, SHMRPC_E_UNAVAILABLE,
                               "the server ended after %llu items",
                               (unsigned long long)it->stream.items);
    }
    if (now_ns >= request->deadline_ns ||
        (it->stream.wants_item && now_ns >= it->idle_ns)) {
        return shmrpci_served_stream_no_point(&d->w.ctx, SHMRPC_E_DEADLINE);
    }
    /* Checked first: clients of a server that is gone must not be told that
     * they left. */
    int gone = it->stream.pump->gone(it->stream.end);
    if (gone != SHMRPC_OK) {
        return shmrpci_served_stream_no_point(&d->w.ctx, gone);
    }
    return it->has_left ||
                   request->participant->transport->worker->is_cancelled(
                       request)
               ? (int)SHMRPC_E_CANCELLED
               : (int)SHMRPC_MORE;
}

/* ---- a step -------------------------------------------------------------- */

/* Sends the rest of the last item, then calls the program's step. Returns the
 * status with which the call ends, or MORE. */
static int step(shmrpci_detached *d)
{
    shmrpci_stepped *it = &d->stepped;
    shmrpci_served_stream *stream = &it->stream;
    const shmrpc_method *method = d->w.ctx.method;
    if (stream->has_rest) {
        int status = shmrpci_served_stream_push(stream);
        if (status != SHMRPC_OK) {
            return status == SHMRPC_E_BUSY
                       ? (int)SHMRPC_MORE
                       : shmrpci_served_stream_no_point(&d->w.ctx, status);
        }
    }
    if (it->is_last) {
        return it->status;
    }
    stream->wants_item = stream->wants_room = false;
    if (it->result != NULL) {
        memset(it->result, 0, method->result->size);
    }
    int status = it->call(&d->w.ctx, it->step, it->state, it->result);
    it->idle_ns = method->idle_ns != 0 ? shmrpci_deadline_after(method->idle_ns)
                                       : SHMRPCI_NEVER_NS;
    if (status != SHMRPC_MORE && stream->has_rest) {
        it->is_last = true;
        it->status = status;
        return SHMRPC_MORE;
    }
    return status;
}

static bool is_due(shmrpci_detached *d)
{
    shmrpci_stepped *it = &d->stepped;
    bool was_due = it->is_due;
    it->is_due = false;
    /* Seq: pairs with the wake. */
    return shmrpci_exchange_seq(&it->is_woken, 0u) != 0 || was_due;
}

/* Runs the steps that are due. Returns true if there were any. */
static bool step_all(shmrpci_stepper *s)
{
    int64_t now_ns = s->streams != NULL ? shmrpci_now_ns() : 0;
    bool has_done = false;
    for (shmrpci_detached **at = &s->streams; *at != NULL;) {
        shmrpci_detached *d = *at;
        int status = is_in_vain(s, d, now_ns);
        if (status == SHMRPC_MORE && is_due(d)) {
            has_done = true;
            status = step(d);
        }
        if (status == SHMRPC_MORE) {
            at = &d->stepped.next;
        } else {
            has_done = true;
            *at = d->stepped.next;
            finish(s, d, status);
        }
    }
    return has_done;
}

/* ---- sleep --------------------------------------------------------------- */

/* Adds the stream's words to `on`. Returns false if the stream is already due.
 */
static bool arm(shmrpci_stepper *s, shmrpci_detached *d, shmrpci_futex_on *on,
                size_t *count)
{
    shmrpci_served_stream *stream = &d->stepped.stream;
    size_t more = 0;
    bool sleeps = stream->pump->arm(stream->end, &s->bell, stream->wants_item,
                                    stream->wants_room, on + *count, &more);
    *count += more;
    if (sleeps && !stream->wants_room) {
        sleeps = stream->pump->arm_close(stream->end, on + *count, &more);
        *count += more;
        d->stepped.has_left = !sleeps;
    }
    d->stepped.is_due = !sleeps;
    return sleeps;
}

static bool arm_all(shmrpci_stepper *s, shmrpci_futex_on *on, size_t *count)
{
    bool sleeps = true;
    for (shmrpci_detached *d = s->streams; d != NULL; d = d->stepped.next) {
        sleeps = arm(s, d, on, count) && sleeps;
    }
    return sleeps;
}

static void disarm_all(shmrpci_stepper *s)
{
    for (shmrpci_detached *d = s->streams; d != NULL; d = d->stepped.next) {
        d->stepped.stream.pump->disarm(d->stepped.stream.end);
    }
}

static int64_t wake_ns(const shmrpci_stepper *s)
{
    int64_t first_ns = SHMRPCI_NEVER_NS;
    for (const shmrpci_detached *d = s->streams; d != NULL;
         d = d->stepped.next) {
        const shmrpci_stepped *it = &d->stepped;
        int64_t until_ns = d->request.deadline_ns;
        if (it->stream.wants_item && it->idle_ns < until_ns) {
            until_ns = it->idle_ns;
        }
        first_ns = until_ns < first_ns ? until_ns : first_ns;
    }
    return first_ns;
}

static void sleep_once(shmrpci_stepper *s, uint32_t seen, uint32_t raised)
{
    shmrpci_futex_on on[SHMRPCI_FUTEX_ANY_MAX];
    size_t count = 1;
    on[0] = (shmrpci_futex_on){.word = &s->bell, .expected = seen};
    if (s->alarm != NULL) {
        on[count++] = (shmrpci_futex_on){.word = s->alarm, .expected = raised};
    }
    int64_t until_ns = wake_ns(s);
    if (arm_all(s, on, &count) &&
        !shmrpci_futex_wait_any(on, count, until_ns)) {
        int64_t look_ns = s->streams != NULL ? shmrpci_deadline_after(LOOK_NS)
                                             : SHMRPCI_NEVER_NS;
        (void)shmrpci_futex_wait(&s->bell, seen,
                                 look_ns < until_ns ? look_ns : until_ns);
    }
    disarm_all(s);
}

/* Takes over new streams. Returns false if the thread must end. */
static bool take_fresh(shmrpci_stepper *s)
{
    shmrpci_mutex_lock(&s->set->lock);
    while (s->fresh != NULL) {
        shmrpci_detached *d = s->fresh;
        s->fresh = d->stepped.next;
        d->stepped.next = s->streams;
        s->streams = d;
    }
    s->is_closing = s->set->is_closing;
    bool goes_on = !s->set->is_closed;
    shmrpci_mutex_unlock(&s->set->lock);
    if (s->alarm == NULL && s->streams != NULL) {
        const shmrpci_served_stream *stream = &s->streams->stepped.stream;
        s->alarm = stream->pump->alarm(stream->end);
    }
    return goes_on;
}

static void run(void *user)
{
    shmrpci_stepper *s = user;
    for (;;) {
        /* Read before checking the streams, so that a later ring ends the
         * sleep. */
        uint32_t seen = shmrpci_load_seq(&s->bell);
        uint32_t raised = s->alarm != NULL ? shmrpci_load_seq(s->alarm) : 0;
        if (!take_fresh(s)) {
            return;
        }
        if (!step_all(s)) {
            sleep_once(s, seen, raised);
        }
    }
}

/* ---- new streams --------------------------------------------------------- */

static shmrpci_stepper *stepper_new(shmrpci_detached_set *set)
{
    shmrpci_stepper *s = calloc(1, sizeof *s);
    if (s != NULL) {
        s->set = set;
        if (shmrpci_thread_create(&s->thread, "shmrpc-steps", run, s) !=
            SHMRPC_OK) {
            free(s);
            s = NULL;
        }
    }
    return s;
}

/* Returns a stepper that has room, or NULL if no more threads can be made. The
 * caller has the lock. */
static shmrpci_stepper *choose(shmrpci_detached_set *set)
{
    for (uint32_t i = 0; i < set->stepper_count; i++) {
        if (set->steppers[i]->count < SHMRPCI_STEPPER_STREAMS) {
            return set->steppers[i];
        }
    }
    shmrpci_stepper *s =
        set->stepper_count < SHMRPCI_STEPPERS_MAX ? stepper_new(set) : NULL;
    if (s != NULL) {
        set->steppers[set->stepper_count++] = s;
    }
    return s;
}

/* Gives the stream to a thread, which owns it from then on. Returns false if no
 * thread is available. */
static bool hand_over(shmrpci_detached *d)
{
    shmrpci_mutex_lock(&d->set->lock);
    shmrpci_stepper *s = choose(d->set);
    if (s != NULL) {
        d->stepped.by = s;
        d->stepped.next = s->fresh;
        s->fresh = d;
        s->count++;
    }
    shmrpci_mutex_unlock(&d->set->lock);
    if (s != NULL) {
        ring(s);
    }
    return s != NULL;
}

/* Ends a stream that no thread will serve, in this thread. */
static void refuse(shmrpci_detached *d, int status)
{
    shmrpci_stepper nobody = {.set = d->set, .count = 1};
    finish(&nobody, d,
           shmrpc_ctx_fail(&d->w.ctx, status,
                           "the stream can't be detached: "
                           "%s",
                           shmrpc_status_text(status)));
}

static void fill(shmrpci_detached *d, const shmrpci_pump_ops *pump)
{
    shmrpci_stepped *it = &d->stepped;
    const shmrpc_type *type = d->w.ctx.method->result;
    it->stream.pump = pump;
    it->stream.counting = &d->set->replies;
    it->stream.counts =
        d->w.counter.rows != NULL ? &d->w.counter.rows[d->w.row].streams : NULL;
    it->is_due = true;
    it->idle_ns = SHMRPCI_NEVER_NS;
    if (type != NULL) {
        it->result = shmrpci_arena_alloc(&d->w.arena, type->size, type->align);
    }
}

int shmrpc_stub_stream_detach(shmrpc_ctx *ctx, shmrpc_stub_step call,
                              shmrpc_function step_of, void *state,
                              void (*drop)(void *state))
{
    const shmrpci_transport *transport = ctx->request->participant->transport;
    shmrpci_detached *d;
    if (ctx->stream == NULL) {
        return shmrpci_misuse(NULL, "method %s: the call is already detached",
                              ctx->method->name);
    }
    if (transport->pump == NULL) {
        return shmrpc_ctx_fail(ctx, SHMRPC_E_UNIMPLEMENTED,
                               "%s:// does not support detached streams",
                               transport->scheme);
    }
    int status = shmrpci_detached_begin(ctx, &d);
    if (status != SHMRPC_OK) {
        return status;
    }
    d->stepped.call = call;
    d->stepped.step = step_of;
    d->stepped.state = state;
    d->stepped.drop = drop;
    fill(d, transport->pump);
    if (d->w.ctx.method->result != NULL && d->stepped.result == NULL) {
        refuse(d, SHMRPC_E_NO_MEMORY);
    } else if (!hand_over(d)) {
        refuse(d, SHMRPC_E_EXHAUSTED);
    }
    return SHMRPC_DETACHED;
}

/* ---- the end of all ------------------------------------------------------ */

void shmrpci_steppers_close(shmrpci_detached_set *set)
{
    set->is_closing = true;
    for (uint32_t i = 0; i < set->stepper_count; i++) {
        ring(set->steppers[i]);
    }
}

void shmrpci_steppers_end(shmrpci_detached_set *set)
{
    shmrpci_mutex_lock(&set->lock);
    set->is_closed = true;
    shmrpci_mutex_unlock(&set->lock);
    for (uint32_t i = 0; i < set->stepper_count; i++) {
        ring(set->steppers[i]);
        shmrpci_thread_join(&set->steppers[i]->thread);
        free(set->steppers[i]);
    }
    set->stepper_count = 0;
}
