/* Handlers in an event loop: how the library's threads pass calls to the loop's
 * thread.
 *
 * The library calls core_async_handle(), which never acquires the GIL: it
 * detaches the call, appends it to a list, and makes a descriptor readable. The
 * loop takes the calls, runs the handlers as tasks, and answers. For a call
 * with streams, steps run in a thread of the library: a step sends the items
 * that the loop has converted, and reads up to CORE_IN_MOST items ahead. */
#include "worker_async.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* If the loop leaves calls waiting for this long, it is stuck. Then the
 * library's threads wait in the handler, so that the supervisor sees calls that
 * hang. */
#define STUCK_NS INT64_C(100000000)

static void ring(const core_async *a)
{
    const uint64_t one = 1;
    /* An error is ignored: writing only fails if the descriptor is already
     * readable. */
    ssize_t done = write(a->event, &one, sizeof one);
    (void)done;
}

void core_async_wait(core_async *a)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += STUCK_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(&a->changed, &a->lock, &until);
}

int core_async_begin(core_program *p)
{
    core_async *a = calloc(1, sizeof *a);
    if (a == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    a->of = p;
    a->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (a->event < 0) {
        free(a);
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    (void)pthread_mutex_init(&a->lock, NULL);
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    /* Unlike the wall clock, this clock is never set. */
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&a->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    p->async = a;
    return 0;
}

/* ---- the library's threads ----------------------------------------------- */

const shmrpc_method *core_job_method(const core_job *j)
{
    return &j->async->of->connection->service->methods[j->method];
}

/* Waits until another call may begin, and counts it. */
static void enter(core_async *a)
{
    (void)pthread_mutex_lock(&a->lock);
    while (a->count >= a->of->async_limit ||
           (a->first != NULL && core_now_ns() - a->first_ns > STUCK_NS)) {
        core_async_wait(a);
    }
    a->count++;
    a->moved_ns = core_now_ns();
    (void)pthread_mutex_unlock(&a->lock);
}

void core_async_leave(core_async *a)
{
    (void)pthread_mutex_lock(&a->lock);
    a->count--;
    a->moved_ns = core_now_ns();
    (void)pthread_cond_broadcast(&a->changed);
    (void)pthread_mutex_unlock(&a->lock);
}

static void push_job(core_async *a, core_job *j)
{
    (void)pthread_mutex_lock(&a->lock);
    if (a->first == NULL) {
        a->first = j;
        a->first_ns = core_now_ns();
    } else {
        a->last->next = j;
    }
    a->last = j;
    (void)pthread_mutex_unlock(&a->lock);
    ring(a);
}

/* Waits until the loop has taken a oneway call. Such a call can't be detached,
 * so its parameters would become invalid if its handler returned before
 * that. */
static void await_taken(core_async *a, const core_job *j)
{
    (void)pthread_mutex_lock(&a->lock);
    while (!j->is_taken) {
        core_async_wait(a);
    }
    (void)pthread_mutex_unlock(&a->lock);
}

void core_job_note_news(core_job *j)
{
    if (!j->has_news) {
        j->has_news = true;
        j->more = j->async->news;
        j->async->news = j;
    }
}

/* Sends the items that the loop has converted. Returns OK if all were sent,
 * BUSY if there is no room. */
static int send_items(core_job *j, shmrpc_ctx *ctx)
{
    shmrpc_sink *sink = shmrpc_stub_sink(ctx);
    int status = SHMRPC_OK;
    while (j->out_first != NULL && status == SHMRPC_OK) {
        core_item *it = j->out_first;
        status = shmrpc_stub_sink_send(sink, it->value, SHMRPC_OPT_NONBLOCK);
        if (status == SHMRPC_OK) {
            j->out_first = it->next;
            j->out_last = j->out_first != NULL ? j->out_last : NULL;
            j->out_count--;
            it->next = j->sent;
            j->sent = it;
        }
    }
    return status;
}

/* Stores an item for the loop. The caller holds the GIL, and the item is
 * counted before the GIL is released, since the loop uses the count to decide
 * when to wake the step. */
static int keep_item(core_job *j, PyObject *value)
{
    if (value == NULL || PyList_Append(j->in, value) != 0) {
        PyErr_Clear();
        return SHMRPC_E_NO_MEMORY;
    }
    (void)pthread_mutex_lock(&j->async->lock);
    j->in_count++;
    (void)pthread_mutex_unlock(&j->async->lock);
    return SHMRPC_MORE;
}

/* Reads items ahead. The caller holds the GIL. */
static int read_items(core_job *j, shmrpc_ctx *ctx, unsigned *count)
{
    const core_program *p = j->async->of;
    core_node *node = p->nodes[CORE_NODES * j->method + CORE_ITEMS_IN];
    shmrpc_source *source = shmrpc_stub_source(ctx);
    int status = SHMRPC_MORE;
    j->in = j->in != NULL ? j->in : PyList_New(0);
    while (j->in != NULL && *count < CORE_IN_MOST && status == SHMRPC_MORE) {
        const void *at;
        status = shmrpc_stub_source_try_next(source, &at);
        if (status == SHMRPC_MORE) {
            PyObject *value = core_from_c(p->connection, node, at,
                                          core_how_of(core_job_method(j)));
            status = keep_item(j, value);
            *count += status == SHMRPC_MORE ? 1 : 0;
            Py_XDECREF(value);
        }
    }
    return status;
}

static void read_ahead(core_job *j, shmrpc_ctx *ctx)
{
    core_async *a = j->async;
    PyGILState_STATE state = PyGILState_Ensure();
    unsigned count = 0;
    int status = read_items(j, ctx, &count);
    PyGILState_Release(state);
    (void)pthread_mutex_lock(&a->lock);
    if (status != SHMRPC_MORE && status != SHMRPC_E_BUSY) {
        j->in_status = status;
    }
    if (count > 0 || j->in_status != SHMRPC_MORE) {
        core_job_note_news(j);
    }
    (void)pthread_mutex_unlock(&a->lock);
}

/* Whether the step must read items next. The caller holds the lock. */
static bool wants_items(const core_job *j)
{
    return core_job_method(j)->items_in != NULL &&
           j->in_status == SHMRPC_MORE && j->in_count < CORE_IN_MOST &&
           !j->is_ended;
}

static void begin_step(core_job *j, shmrpc_ctx *ctx)
{
    while (j->claims > 0) {
        core_async_wait(j->async);
    }
    j->is_stepping = true;
    j->ctx = ctx;
}

static int step(shmrpc_ctx *ctx, shmrpc_function unused, void *state,
                void *result)
{
    core_job *j = state;
    core_async *a = j->async;
    (void)unused;
    (void)pthread_mutex_lock(&a->lock);
    begin_step(j, ctx);
    core_item *sent = j->sent;
    int status = j->out_first != NULL ? send_items(j, ctx) : (int)SHMRPC_OK;
    if (j->sent != sent) {
        core_job_note_news(j);
    }
    bool reads = wants_items(j);
    (void)pthread_mutex_unlock(&a->lock);
    if (reads && (status == SHMRPC_OK || status == SHMRPC_E_BUSY)) {
        read_ahead(j, ctx);
    }
    (void)pthread_mutex_lock(&a->lock);
    if (status == SHMRPC_E_BUSY) {
        status = SHMRPC_MORE;
    } else if (status == SHMRPC_OK) {
        status =
            j->is_ended && j->out_first == NULL ? j->status : (int)SHMRPC_MORE;
        if (status == SHMRPC_OK && j->result != NULL && result != NULL) {
            memcpy(result, j->result, core_job_method(j)->result->size);
        }
    }
    bool has_news = j->has_news;
    j->is_stepping = false;
    (void)pthread_cond_broadcast(&a->changed);
    (void)pthread_mutex_unlock(&a->lock);
    if (has_news) {
        ring(a);
    }
    return status;
}

/* The library calls this when the call and its context are over. */
static void drop(void *state)
{
    core_job *j = state;
    core_async *a = j->async;
    (void)pthread_mutex_lock(&a->lock);
    while (j->claims > 0) {
        core_async_wait(a);
    }
    j->is_dropped = true;
    j->ctx = NULL;
    core_job_note_news(j);
    (void)pthread_mutex_unlock(&a->lock);
    ring(a);
}

static void no_function(void)
{
}

int core_async_handle(core_program *p, shmrpc_ctx *ctx, const void *params)
{
    core_async *a = p->async;
    core_job *j = calloc(1, sizeof *j);
    if (j == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    j->async = a;
    j->params = params;
    j->method = shmrpc_ctx_method(ctx);
    j->is_oneway = (core_job_method(j)->flags & SHMRPC_METHOD_ONEWAY) != 0;
    j->has_streams = core_job_method(j)->items_in != NULL ||
                     core_job_method(j)->items_out != NULL;
    j->in_status = SHMRPC_MORE;
    enter(a);
    int status = SHMRPC_DETACHED;
    if (j->has_streams) {
        status = shmrpc_stub_stream_detach(ctx, step, no_function, j, drop);
    } else if (!j->is_oneway) {
        status = shmrpc_ctx_detach(ctx, &j->ctx);
    }
    if (status != SHMRPC_DETACHED) {
        core_async_leave(a);
        free(j);
        return status;
    }
    bool is_oneway = j->is_oneway;
    push_job(a, j); /* the loop owns the job from now on */
    if (is_oneway) {
        await_taken(a, j);
        core_async_leave(a);
        free(j);
        return SHMRPC_OK;
    }
    return SHMRPC_DETACHED;
}
